"""``ireelab run --llvm-ir, --with``: a program with the code of some kernels changed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ireelab.cli.common import UsageError, compile_file, text_of, with_parameters

if TYPE_CHECKING:
    from ireelab.program import Program


def add_edit_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("changing kernels, and nothing else")
    group.add_argument(
        "--llvm-ir",
        dest="llvm_irs",
        action="append",
        default=[],
        metavar="KERNEL=FILE",
        help="run a kernel from this LLVM IR (`ireelab executables FILE --show llvm` prints it)",
    )
    group.add_argument(
        "--with",
        dest="kernel_flags",
        action="append",
        default=[],
        metavar="KERNEL=FLAG",
        help="compile a kernel's executable again with this iree-compile flag; may be repeated",
    )


def edited_program(arguments: argparse.Namespace, path: Path) -> Program:
    """The program of a source or a saved trace, with the kernels changed that the options name.

    Raises:
        UsageError: no such kernel or file, or an option without "=".
        CompileError, InvalidCode: what the compiler or LLVM has against a change.
    """
    from ireelab.viz.executables import executables

    if path.suffix == ".vmfb":
        raise UsageError(f"{path} carries no LLVM IR: --llvm-ir and --with need the source")
    changes = [_split("--with", text) for text in arguments.kernel_flags]
    texts = [_split("--llvm-ir", text) for text in arguments.llvm_irs]
    contents = [(kernel, text_of(file)) for kernel, file in texts]
    trace = compile_file(arguments, path)
    program, found = trace.program, executables(trace)
    try:
        for kernel in dict.fromkeys(kernel for kernel, _ in changes):
            flags = [flag for other, flag in changes if other == kernel]
            program, _ = trace.recompile(found[kernel].executable, flags=flags, program=program)
        for kernel, text in contents:
            program = program.with_llvm_ir(found[kernel].function, text)
    except KeyError as error:
        raise UsageError(str(error.args[0])) from None
    return with_parameters(program, arguments)


def _split(option: str, text: str) -> tuple[str, str]:
    kernel, separator, rest = text.partition("=")
    if not separator or not kernel or not rest:
        raise UsageError(f"{option}={text}: write KERNEL=..., such as main_dispatch_0=...")
    return kernel, rest
