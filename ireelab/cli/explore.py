"""``ireelab explore``: compile, perhaps run, and write the explorer as a page or as JSON."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ireelab.cli.common import (
    UsageError,
    add_command,
    add_compile_options,
    add_run_options,
    compile_file,
    devices_of,
    existing_file,
    with_parameters,
)
from ireelab.errors import CompileError

if TYPE_CHECKING:
    from ireelab.array_text import Value
    from ireelab.cli.common import Commands
    from ireelab.pipeline.trace import Trace
    from ireelab.vm.run import RunResult

_EXAMPLES = """  ireelab explore model.mlir                    # writes model.html
  ireelab explore model.mlir --run --input=8x64xf32=1 --html out.html
  ireelab explore model.mlir --save-trace model.iltrace   # and later, without the compiler:
  ireelab explore model.iltrace
  ireelab explore model.mlir --json - | jq '.steps[] | select(.changed) | .name'
"""


def add(commands: Commands) -> None:
    parser = add_command(
        commands,
        "explore",
        summary="compile step by step and write the explorer as a page",
        description="Compile FILE one pass at a time and write the explorer as one HTML file that "
        "works offline. A failed or interrupted compilation is written too, as far as it got.",
        examples=_EXAMPLES,
    )
    parser.add_argument("file", metavar="FILE", help="an .mlir file, or a saved .iltrace")
    add_outputs(parser)
    add_run_options(parser)
    add_compile_options(parser)
    parser.set_defaults(execute=execute)


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """What becomes of the trace: a page, JSON, a file, the program, a run."""
    parser.add_argument("--html", metavar="OUT", help="the page (default: FILE's name, .html)")
    parser.add_argument("--json", metavar="OUT", help="steps and run as JSON; - for stdout")
    parser.add_argument(
        "--run",
        action="store_true",
        help="run it too, with a timeline; without --input, on made-up inputs",
    )
    parser.add_argument("--save-trace", metavar="OUT", help="every step as one .iltrace file")
    parser.add_argument("-o", "--output", metavar="OUT", help="the program, a .vmfb")


def execute(arguments: argparse.Namespace) -> int:
    path = existing_file(arguments.file)
    if path.suffix == ".vmfb":
        raise UsageError(f"{path} is already compiled; `ireelab run {path} --timeline -` times it")
    inputs = given_inputs(arguments)
    try:
        trace = compile_file(arguments, path)
    except CompileError as error:
        # What ran before the failure is what one wants to look at.
        if error.trace is not None and error.trace.steps:
            _write(error, error.trace, None, _page(arguments, path), arguments.json)
        raise
    write_outputs(arguments, trace, path, inputs)
    return 0


def write_outputs(
    arguments: argparse.Namespace, trace: Trace, path: Path, inputs: list[Value]
) -> None:
    """Everything that ``add_outputs`` can ask for."""
    if arguments.save_trace is not None:
        _save(arguments.save_trace, lambda: trace.save(arguments.save_trace))
    if arguments.output is not None:
        _save(arguments.output, lambda: trace.program.save(arguments.output))
    ran = run_profiled(trace, arguments, inputs) if arguments.run else None
    _write(trace, trace, ran, _page(arguments, path), arguments.json)
    if arguments.json != "-":
        print(trace.summary())


def _page(arguments: argparse.Namespace, path: Path) -> str | None:
    return arguments.html or (f"{path.stem}.html" if arguments.json is None else None)


def given_inputs(arguments: argparse.Namespace) -> list[Value]:
    """The arguments of the run, read before anything is compiled."""
    from ireelab.array_text import parse_inputs

    if not arguments.run and (arguments.inputs or arguments.function):
        raise UsageError("--input and --function go with --run")
    return parse_inputs(arguments.inputs)


def run_profiled(
    trace: Trace, arguments: argparse.Namespace, inputs: list[Value], repeat: int = 1
) -> RunResult:
    """Profiled calls, on made-up inputs where none were given."""
    import ireelab

    program = with_parameters(trace.program, arguments)
    function = program.function(arguments.function)
    if function.arguments and not inputs:
        from ireelab.vm.example_inputs import example_inputs

        inputs = list(example_inputs(function))
        print(f"@{function.name} runs on made-up inputs; --input gives others", file=sys.stderr)
    devices = devices_of(arguments)
    return ireelab.run(program, function.name, *inputs, device=devices, profile=True, repeat=repeat)


def _write(
    shown: Trace | CompileError,
    trace: Trace,
    ran: RunResult | None,
    html: str | None,
    json_name: str | None,
) -> None:
    """The page and the JSON that were asked for."""
    import ireelab
    from ireelab.viz.record import explore_record

    error = shown if isinstance(shown, CompileError) else None
    if html is not None:
        explorer = ireelab.explore(shown, ran)
        _save(html, lambda: explorer.save_html(html))
    if json_name is None:
        return
    text = json.dumps(explore_record(trace, run=ran, error=error), indent=2)
    if json_name == "-":
        print(text)
    else:
        _save(json_name, lambda: Path(json_name).write_text(text + "\n"))


def _save(name: str, write: Callable[[], object]) -> None:
    try:
        write()
    except OSError as error:
        raise UsageError(f"cannot write {name}: {error.strerror}") from None
    print(f"wrote {name}", file=sys.stderr)
