"""``ireelab executables``: the kernels of a model or program, and their code."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from ireelab.cli.common import (
    UsageError,
    add_command,
    add_compile_options,
    compile_file,
    existing_file,
)

if TYPE_CHECKING:
    from ireelab.cli.common import Commands
    from ireelab.pipeline.trace import Trace
    from ireelab.viz.executables import EntryPoint, Executables

_SHOWN = ("source", "passes", "lowered", "llvm", "optimised", "assembly", "annotated", "spirv")

_EXAMPLES = """  ireelab executables model.mlir                 # a line per kernel
  ireelab executables model.mlir --executable main_dispatch_0 --show assembly
  ireelab executables model.mlir --executable main_dispatch_0 --with=--iree-opt-level=O3
  ireelab executables model.mlir --executable main_dispatch_0 --show annotated
  ireelab executables model.mlir --target vulkan --show spirv
"""


def add(commands: Commands) -> None:
    parser = add_command(
        commands,
        "executables",
        summary="the kernels: source, passes, LLVM IR, assembly or SPIR-V",
        description="Compile FILE and list its kernels: how much code, which instructions, how "
        "much stack. The code is what this machine's JIT makes of the LLVM IR.",
        examples=_EXAMPLES,
    )
    parser.add_argument("file", metavar="FILE", help="an .mlir file, a .iltrace or a .vmfb")
    parser.add_argument("--executable", metavar="NAME", help="one executable or kernel only")
    parser.add_argument(
        "--show",
        choices=_SHOWN,
        help="print this text of the kernels; annotated: assembly under the lines of its source",
    )
    parser.add_argument(
        "--with",
        dest="extra",
        action="append",
        default=[],
        metavar="FLAG",
        help="compile --executable again with this iree-compile flag, and show that",
    )
    parser.add_argument("--json", metavar="OUT", help="everything as JSON; - for stdout")
    add_compile_options(parser)
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    from ireelab.viz.executables import Executables

    path = existing_file(arguments.file)
    if arguments.extra and (arguments.executable is None or path.suffix == ".vmfb"):
        raise UsageError("--with compiles one executable again: name it, and give the source")
    found = _found(arguments, path)
    try:
        chosen = (
            found.entry_points if arguments.executable is None else (found[arguments.executable],)
        )
    except KeyError as error:
        raise UsageError(str(error.args[0])) from None
    if arguments.json is not None:
        _write(arguments.json, Executables(chosen, found.name))
    elif arguments.show is None:
        print(Executables(chosen, found.name))
    else:
        if arguments.show == "annotated" and not arguments.extra and found.trace is not None:
            chosen = tuple(found.located(entry.function) for entry in chosen)
        for entry in chosen:
            if len(chosen) > 1:
                print(f"// {entry.entry_point}")
            print(_text(entry, arguments.show, found.trace))
    return 0


def _found(arguments: argparse.Namespace, path: Path) -> Executables:
    import ireelab
    from ireelab.viz.executables import executables

    if path.suffix == ".vmfb":
        return executables(ireelab.load(path))
    trace = compile_file(arguments, path)
    if not arguments.extra:
        return executables(trace)
    try:
        symbol = executables(trace)[arguments.executable].executable
    except KeyError as error:
        raise UsageError(str(error.args[0])) from None
    program, again = trace.recompile(symbol, flags=tuple(arguments.extra))
    return executables(again, program)


def _text(entry: EntryPoint, shown: str, trace: Trace | None) -> str:
    """One text of a kernel, or why it has none."""
    if shown == "annotated" and entry.cpu is not None:
        from ireelab.viz.executable_record import annotated

        return annotated(entry.source, entry.cpu)
    texts = {
        "source": lambda: entry.source.rstrip(),
        "lowered": lambda: entry.lowered.rstrip(),
        "llvm": lambda: str(entry.llvm_ir or ""),
        "optimised": lambda: str(entry.cpu.optimised) if entry.cpu else "",
        "assembly": lambda: str(entry.cpu.assembly) if entry.cpu else "",
        "spirv": lambda: "\n".join(entry.spirv.lines) if entry.spirv else "",
        "passes": lambda: "\n".join(str(trace.steps[i]) for i in entry.steps) if trace else "",
    }
    text = texts.get(shown, str)()
    if text:
        return text
    return f"// {entry.entry_point} has no {shown}" + (f": {entry.absent}" if entry.absent else "")


def _write(name: str, found: Executables) -> None:
    text = json.dumps(found.to_json(), indent=2)
    if name == "-":
        print(text)
        return
    try:
        Path(name).write_text(text + "\n")
    except OSError as error:
        raise UsageError(f"cannot write {name}: {error.strerror}") from None
