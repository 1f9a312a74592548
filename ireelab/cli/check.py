"""``ireelab check``: run every check-dialect test function of a file, as iree-check-module does."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from ireelab.cli.common import (
    UsageError,
    add_command,
    add_compile_options,
    add_device_option,
    add_parameters_option,
    devices_of,
    existing_file,
    load_program,
)
from ireelab.errors import IreelabError

if TYPE_CHECKING:
    from ireelab.cli.common import Commands
    from ireelab.program import Program


def add(commands: Commands) -> None:
    parser = add_command(
        commands,
        "check",
        summary="run every check-dialect test function of a file",
        description="Run every exported function without arguments and report PASS or FAIL for "
        "each, as iree-check-module does.",
        examples="  ireelab check tests.mlir\n  ireelab check tests.vmfb --device=llvm-cpu",
    )
    parser.add_argument("file", metavar="FILE", help="an .mlir or .vmfb file")
    add_parameters_option(parser)
    add_device_option(parser)
    add_compile_options(parser)
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    program = load_program(arguments, existing_file(arguments.file))
    names = [function.name for function in program.functions if not function.arguments]
    if not names:
        raise UsageError(f"{arguments.file} has no function without arguments to check")
    failed = [name for name in names if not _passes(program, name, devices_of(arguments))]
    print(f"{len(names) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def _passes(program: Program, name: str, devices: list[str]) -> bool:
    import ireelab

    start = time.perf_counter()
    try:
        ireelab.run(program, name, device=devices)
    except IreelabError as error:
        print(f"FAIL {name}: {error}")
        sys.stdout.flush()
        return False
    print(f"PASS {name} ({(time.perf_counter() - start) * 1e3:.1f} ms)")
    return True
