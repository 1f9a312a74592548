"""``ireelab run``: run a program on this project's own runtime, as iree-run-module does."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ireelab.cli.common import (
    UsageError,
    add_command,
    add_compile_options,
    add_run_options,
    devices_of,
    existing_file,
    load_program,
)
from ireelab.cli.kernel_edits import add_edit_options, edited_program

if TYPE_CHECKING:
    from ireelab.cli.common import Commands
    from ireelab.hal.timeline import Timeline
    from ireelab.program import Function
    from ireelab.vm.run import RunResult

_EXAMPLES = """  ireelab run model.vmfb --function=main --input=8x64xf32=1
  ireelab run model.mlir --input=@x.npy --llvm-ir main_dispatch_0=edited.ll
  ireelab run model.mlir --input=@x.npy --with=main_dispatch_0=--iree-opt-level=O3
  ireelab run model.mlir --input=@x.npy --timeline model.json    # open in ui.perfetto.dev
  ireelab run model.mlir --input=@x.npy --timeline -             # a table, here
  ireelab run model.mlir --target a=llvm-cpu --target b=vulkan --device llvm-cpu --device vulkan
"""


def add(commands: Commands) -> None:
    parser = add_command(
        commands,
        "run",
        summary="run a .vmfb or an .mlir file and print its results",
        examples=_EXAMPLES,
    )
    parser.add_argument("file", metavar="FILE", help="a .vmfb, or a source to compile first")
    add_run_options(parser)
    parser.add_argument(
        "--timeline",
        metavar="OUT",
        help="profile, and write the timeline: .json for Perfetto, .csv, or - for a table",
    )
    parser.add_argument(
        "--repeat", type=positive, default=1, metavar="N", help="call N times and time the calls"
    )
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    add_edit_options(parser)
    add_compile_options(parser)
    parser.set_defaults(execute=execute)


def positive(text: str) -> int:
    """An argparse type: a whole number above 0."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def execute(arguments: argparse.Namespace) -> int:
    import ireelab
    from ireelab.array_text import parse_inputs
    from ireelab.viz.record import run_record

    check_timeline_name(arguments.timeline)
    inputs = parse_inputs(arguments.inputs)
    path = existing_file(arguments.file)
    changed = arguments.llvm_irs or arguments.kernel_flags
    program = edited_program(arguments, path) if changed else load_program(arguments, path)
    function = program.function(arguments.function)
    result = ireelab.run(
        program,
        function.name,
        *inputs,
        device=devices_of(arguments),
        profile=arguments.timeline is not None,
        repeat=arguments.repeat,
    )
    if arguments.json:
        print(json.dumps(run_record(result, program), indent=2))
    else:
        print_outputs(result, function)
    if arguments.repeat > 1:
        print(f"{arguments.repeat} calls, {result.seconds * 1e6:.1f} us each", file=sys.stderr)
    if result.timeline is not None:
        write_timeline(result.timeline, arguments.timeline)
    return 0


def check_timeline_name(name: str | None) -> None:
    """Refuse an unknown kind of timeline before anything is compiled."""
    if name is not None and name != "-" and Path(name).suffix not in (".json", ".csv"):
        raise UsageError(f"--timeline={name}: the name must end in .json or .csv, or be -")


def write_timeline(timeline: Timeline, name: str) -> None:
    """The timeline as the end of ``name`` says."""
    if name == "-":
        print(timeline.table())
        return
    write = timeline.to_csv if name.endswith(".csv") else timeline.to_perfetto
    try:
        write(name)
    except OSError as error:
        raise UsageError(f"cannot write {name}: {error.strerror}") from None
    print(f"wrote {name}", file=sys.stderr)


def print_outputs(result: RunResult, function: Function) -> None:
    """The results as iree-run-module prints them."""
    from ireelab.array_text import format_value

    print(f"EXEC @{function.name}")
    types = function.result_types
    for i, value in enumerate(result.outputs):
        if isinstance(value, int | float):
            print(f"result[{i}]: {format_value(value, scalar_type=types[i])}")
        else:
            print(f"result[{i}]: hal.buffer_view\n{format_value(value)}")
