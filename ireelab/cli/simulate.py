"""``ireelab simulate``: what a program's schedule costs, and what others would."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from ireelab.cli.common import (
    UsageError,
    add_command,
    add_compile_options,
    add_run_options,
    compile_file,
    existing_file,
)
from ireelab.cli.explore import run_profiled

if TYPE_CHECKING:
    from ireelab.cli.common import Commands
    from ireelab.pipeline.trace import Trace
    from ireelab.viz.simulate import Simulation
    from ireelab.vm.run import RunResult

_EXAMPLES = """  ireelab simulate model.mlir                         # with made-up times
  ireelab simulate model.mlir --run --input=8x64xf32=1  # with times of this machine
  ireelab simulate model.mlir --policy waves --policy exact --units 64
  ireelab simulate model.mlir --unpacked        # were memory no matter
  ireelab simulate model.mlir --json - | jq '.schedules[] | {policy, makespan_ns, utilisation}'
"""


def add(commands: Commands) -> None:
    parser = add_command(
        commands,
        "simulate",
        summary="Gantt charts of a function under several scheduling policies",
        description="Compile FILE and play one function's commands on a device of equal units: one "
        "by one, in waves, with exact barriers, on several queues, and pipelined over "
        "invocations. Prints times, utilisation, memory and charts.",
        examples=_EXAMPLES,
    )
    parser.add_argument("file", metavar="FILE", help="an .mlir file, or a saved .iltrace")
    parser.add_argument(
        "--policy",
        dest="policies",
        action="append",
        default=[],
        metavar="P",
        help="serial, waves, exact, queues or pipelined; may be repeated (all)",
    )
    parser.add_argument(
        "--units", type=int, metavar="K", help="units of the device (the run's, or 8)"
    )
    parser.add_argument("--queues", type=int, default=2, metavar="N", help="(%(default)s)")
    parser.add_argument(
        "--invocations", type=int, default=4, metavar="N", help="calls in a row (%(default)s)"
    )
    parser.add_argument(
        "--in-flight", type=int, default=2, metavar="N", help="for pipelined (%(default)s)"
    )
    parser.add_argument(
        "--submit-ns",
        type=int,
        default=0,
        metavar="T",
        help="host time per submission (%(default)s)",
    )
    parser.add_argument(
        "--barrier-ns", type=int, metavar="T", help="delay of a barrier (the run's, or 0)"
    )
    parser.add_argument(
        "--unpacked", action="store_true", help="as if every value had memory of its own"
    )
    parser.add_argument("--json", metavar="OUT", help="everything as JSON; - for stdout")
    parser.add_argument(
        "--run",
        action="store_true",
        help="take the times from a profiled run; without --input, on made-up inputs",
    )
    parser.add_argument(
        "--repeat", type=int, default=10, metavar="N", help="calls of that run (%(default)s)"
    )
    add_run_options(parser)
    add_compile_options(parser)
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    from ireelab.viz.schedule_plan import POLICIES
    from ireelab.viz.simulate import simulate

    path = existing_file(arguments.file)
    if arguments.inputs and not arguments.run:
        raise UsageError("--input goes with --run")
    trace = compile_file(arguments, path)
    simulation = simulate(
        trace,
        arguments.policies or POLICIES,
        times=_run(trace, arguments) if arguments.run else None,
        function=arguments.function,
        units=arguments.units,
        queues=arguments.queues,
        invocations=arguments.invocations,
        in_flight=arguments.in_flight,
        submit_ns=arguments.submit_ns,
        barrier_ns=arguments.barrier_ns,
        packed=not arguments.unpacked,
    )
    if arguments.json is None:
        print(simulation)
    else:
        _write(arguments.json, simulation)
    return 0


def _run(trace: Trace, arguments: argparse.Namespace) -> RunResult:
    from ireelab.array_text import parse_inputs

    return run_profiled(trace, arguments, parse_inputs(arguments.inputs), arguments.repeat)


def _write(name: str, simulation: Simulation) -> None:
    text = json.dumps({"schema": 1, **simulation.to_json()}, indent=2)
    if name == "-":
        print(text)
        return
    try:
        Path(name).write_text(text + "\n")
    except OSError as error:
        raise UsageError(f"cannot write {name}: {error.strerror}") from None
