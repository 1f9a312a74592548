"""``ireelab ir``: the IR after any step, or what differs between two."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ireelab.cli.common import (
    UsageError,
    add_command,
    add_compile_options,
    compile_file,
    existing_file,
    write_text,
)

if TYPE_CHECKING:
    from ireelab.cli.common import Commands
    from ireelab.pipeline.step import Step
    from ireelab.pipeline.trace import Trace

_EXAMPLES = """  ireelab ir model.mlir                              # the steps, a line each
  ireelab ir model.mlir --step iree-hal-conversion   # what its last run left of its scope
  ireelab ir model.mlir --step stream --module       # the whole module at a phase's end
  ireelab ir model.mlir --step flow --diff stream
  ireelab ir model.mlir --pipeline lab --step schedule-allocation --module -o edit.mlir
"""


def add(commands: Commands) -> None:
    parser = add_command(
        commands,
        "ir",
        summary="print the IR after a step, what the step changed, or what differs between two",
        description="Compile FILE and print IR. A step is its index, a pass (its last run that "
        "changed something), or the end of a phase or of a lab step.",
        examples=_EXAMPLES,
    )
    parser.add_argument("file", metavar="FILE", help="an .mlir file, or a saved .iltrace")
    parser.add_argument("--step", metavar="S", help="which step; without it the steps are listed")
    parser.add_argument(
        "--module", action="store_true", help="the whole module, not only what the pass ran on"
    )
    parser.add_argument(
        "--about", action="store_true", help="what is known of the step, in place of its IR"
    )
    parser.add_argument("--before", action="store_true", help="as the pass found it")
    parser.add_argument(
        "--diff",
        metavar="S",
        nargs="?",
        const="",
        help="what the step changed, or what differs between it and another step",
    )
    parser.add_argument("-o", "--output", metavar="OUT", default="-", help="a file (stdout)")
    add_compile_options(parser)
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    if arguments.step is None and (
        arguments.module or arguments.before or arguments.about or arguments.diff is not None
    ):
        raise UsageError("--module, --before, --about and --diff are about one step: give --step")
    if arguments.before and (arguments.module or arguments.diff is not None):
        raise UsageError("--before shows what the pass ran on: without --module and --diff")
    trace = compile_file(arguments, existing_file(arguments.file))
    write_text(arguments.output, _text(trace, arguments).rstrip("\n") + "\n")
    return 0


def _text(trace: Trace, arguments: argparse.Namespace) -> str:
    if arguments.step is None:
        return "\n".join(str(step) for step in trace.steps)
    step = named_step(trace, arguments.step)
    if arguments.about:
        return step.about()
    if arguments.diff is not None:
        return str(trace.diff(step, named_step(trace, arguments.diff) if arguments.diff else None))
    return trace.ir_before(step) if arguments.before else trace.ir(step, module=arguments.module)


def named_step(trace: Trace, text: str) -> Step:
    """The step that ``text`` names: an index, a phase or lab step (its end), a pass."""
    if text in trace.boundaries:
        return trace.steps[trace.boundaries[text]]
    try:
        return trace.step(int(text) if text.lstrip("-").isdigit() else text)
    except KeyError as error:
        raise UsageError(
            f"{error.args[0]}; it has the boundaries {', '.join(trace.boundaries)}"
        ) from None
