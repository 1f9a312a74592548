"""``ireelab provenance``: where ops come from and what they become, and how often that is known."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from ireelab.cli.common import (
    UsageError,
    add_command,
    add_compile_options,
    add_device_option,
    compile_file,
    devices_of,
    existing_file,
)

if TYPE_CHECKING:
    from ireelab.cli.common import Commands
    from ireelab.program import Program
    from ireelab.vm.run import RunResult

_EXAMPLES = """  ireelab provenance model.mlir                 # match rates by phase
  ireelab provenance model.mlir --line 15       # what line 15 of the source became
  ireelab provenance model.mlir --step 397 --line 419 --json
"""


def add(commands: Commands) -> None:
    parser = add_command(
        commands,
        "provenance",
        summary="where ops come from and what they become",
        description="Compile FILE, twice, and follow its ops through every pass. Without --line, "
        "say for each phase what share of the compute ops comes from an op of the source and "
        "leads to the program.",
        examples=_EXAMPLES,
    )
    parser.add_argument("file", metavar="FILE", help="an .mlir file")
    parser.add_argument(
        "--line", type=int, metavar="N", help="the op on this line of the source, or of --step"
    )
    parser.add_argument(
        "--step", type=int, default=-1, metavar="S", help="count --line in the module after a step"
    )
    parser.add_argument(
        "--run", action="store_true", help="run it too, on made-up inputs, and list the events"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    add_device_option(parser)
    add_compile_options(parser)
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    from ireelab.pipeline.provenance import OpRef
    from ireelab.viz.provenance_rates import provenance_rates

    path = existing_file(arguments.file)
    if path.suffix == ".vmfb":
        raise UsageError(f"{path} is already compiled; provenance needs the source")
    if arguments.line is None and (arguments.run or arguments.step != -1):
        raise UsageError("--step and --run say more about one op: give its --line too")
    trace = compile_file(arguments, path)
    if arguments.line is None:
        found = provenance_rates(trace)
    else:
        ran = _run(trace.program, arguments) if arguments.run else None
        try:
            found = trace.provenance(OpRef(arguments.step, arguments.line), run=ran)
        except KeyError as error:
            raise UsageError(str(error.args[0])) from None
    print(json.dumps(found.to_json(), indent=2) if arguments.json else found)
    return 0


def _run(program: Program, arguments: argparse.Namespace) -> RunResult:
    import ireelab
    from ireelab.vm.example_inputs import example_inputs

    function = program.function(None)
    inputs = example_inputs(function)
    return ireelab.run(program, function.name, *inputs, device=devices_of(arguments), profile=True)
