"""``ireelab resume``: go on from a step boundary, with the IR there edited or not."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ireelab.cli.common import (
    Progress,
    UsageError,
    add_command,
    add_compile_options,
    add_run_options,
    compile_file,
    existing_file,
    named_pipeline,
    text_of,
)
from ireelab.cli.explore import add_outputs, given_inputs, write_outputs

if TYPE_CHECKING:
    from ireelab.cli.common import Commands

_EXAMPLES = """  ireelab explore model.mlir --pipeline lab --save-trace model.iltrace
  ireelab ir model.iltrace --step schedule-allocation --module -o edit.mlir
  ireelab resume model.iltrace --after schedule-allocation --ir edit.mlir --run
  ireelab resume model.iltrace --after flow --pipeline passes.py:mine -o mine.vmfb
"""


def add(commands: Commands) -> None:
    parser = add_command(
        commands,
        "resume",
        summary="go on from a step with edited IR, or with other steps; only they are compiled",
        description="Run what follows a boundary of a compilation: a phase, or a step of the lab "
        "pipeline. Without --after, list the boundaries. Of a saved trace nothing else is "
        "compiled. --pipeline says whose steps follow (the lab's).",
        examples=_EXAMPLES,
    )
    parser.add_argument("file", metavar="FILE", help="a saved .iltrace, or an .mlir file")
    parser.add_argument("--after", metavar="S", help="the boundary: a phase or a lab step")
    parser.add_argument(
        "--ir", metavar="IR", help="the module to go on with (default: as it stands there)"
    )
    add_outputs(parser)
    add_run_options(parser)
    add_compile_options(parser)
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    path = existing_file(arguments.file)
    inputs = given_inputs(arguments)
    edited = text_of(arguments.ir) if arguments.ir is not None else None
    if arguments.after is None:
        if edited is not None:
            raise UsageError("--ir is the module as it stands at a boundary: say which, --after")
        trace = compile_file(arguments, path)
        print("\n".join(f"{last:5d} {name}" for name, last in trace.boundaries.items()))
        return 0
    follows = named_pipeline(arguments.pipeline)
    first = argparse.Namespace(**{**vars(arguments), "until": "vm"})
    trace = compile_file(first, path)
    with Progress(f"resuming {path.name}") as progress:
        resumed = trace.resume(
            arguments.after,
            edited,
            pipeline=None if isinstance(follows, str) else follows,
            until=arguments.until,
            progress=progress,
        )
    write_outputs(arguments, resumed, path, inputs)
    return 0
