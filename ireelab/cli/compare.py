"""``ireelab compare``: two compilations side by side, and the first step where they part."""

from __future__ import annotations

import argparse
import json
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

_EXAMPLES = """  ireelab compare old.iltrace new.iltrace
  ireelab compare model.mlir --flag-b=--iree-opt-level=O3
"""


def add(commands: Commands) -> None:
    parser = add_command(
        commands,
        "compare",
        summary="align two compilations step by step: what differs, and where it began",
        description="Compare two compilations by pass and op. With one FILE, the same program "
        "with two sets of flags. Exit code 1 says that some step left other IR.",
        examples=_EXAMPLES,
    )
    parser.add_argument("a", metavar="A", help="an .mlir file or a saved .iltrace")
    parser.add_argument("b", metavar="B", nargs="?", help="another one (default: A again)")
    for side in "ab":
        parser.add_argument(
            f"--flag-{side}",
            dest=f"flags_{side}",
            action="append",
            default=[],
            metavar="F",
            help=f"a flag of iree-compile for {side.upper()} only; may be repeated",
        )
    parser.add_argument("--json", action="store_true", help="as JSON")
    add_compile_options(parser)
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    if arguments.b is None and arguments.flags_a == arguments.flags_b:
        raise UsageError("name two files, or flags for one side: --flag-a=..., --flag-b=...")
    sides = ((arguments.a, arguments.flags_a), (arguments.b or arguments.a, arguments.flags_b))
    traces = [
        compile_file(
            argparse.Namespace(**{**vars(arguments), "flags": [*arguments.flags, *flags]}),
            existing_file(name),
        )
        for name, flags in sides
    ]
    comparison = traces[0].compare(traces[1])
    print(json.dumps(comparison.to_json(), indent=2) if arguments.json else comparison)
    return 0 if comparison.first is None else 1
