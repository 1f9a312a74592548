"""``ireelab compare``: two or more compilations, plans and runs beside each other."""

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
    compile_file,
    existing_file,
)
from ireelab.cli.explore import given_inputs, run_profiled

if TYPE_CHECKING:
    from ireelab.cli.common import Commands
    from ireelab.viz.compare_traces import Compared

_EXAMPLES = """  ireelab compare old.iltrace new.iltrace
  ireelab compare model.mlir --flag-b=--iree-opt-level=O3 --executables
  ireelab compare model.mlir --pipeline-b=lab --all
  ireelab compare model.mlir --device-b=vulkan --run --html compared.html
"""
_SIDES = "abcd"
_PLANS = {
    "streams": "executions, waves, commands, and how often each kernel is dispatched",
    "allocation": "transient bytes, lower bound, waste, and the slices that moved",
    "barriers": "barriers emitted, needed and redundant, by command buffer",
    "executables": "each kernel's code size, instructions, spills and vector width",
    "vm": "functions and imports of the VM module",
}


def add(commands: Commands) -> None:
    parser = add_command(
        commands,
        "compare",
        summary="hold compilations against each other: steps, plans, kernels and times",
        description="Compare compilations by pass and op, and what came of them. With one FILE, "
        "the same program with options that differ. Exit code 1: some step left other IR.",
        examples=_EXAMPLES,
    )
    parser.add_argument(
        "files", metavar="FILE", nargs="+", help="two to four .mlir files or saved .iltrace"
    )
    what = parser.add_argument_group("what is compared besides steps")
    for name, summary in _PLANS.items():
        what.add_argument(f"--{name}", action="store_true", help=summary)
    what.add_argument(
        "--run", action="store_true", help="run them too, and compare times by kernel and event"
    )
    what.add_argument("--all", action="store_true", help="all of these but --run")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--html", metavar="OUT", help="the explorer of all sides as one page")
    _add_side_options(parser)
    add_run_options(parser)
    add_compile_options(parser)
    parser.set_defaults(execute=execute)


def _add_side_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "options of one side", "for A and B, and likewise --flag-c and so on for a third and fourth"
    )
    for side in _SIDES:

        def said(summary: str, side: str = side) -> str:
            return f"{summary} for {side.upper()} only" if side in "ab" else argparse.SUPPRESS

        group.add_argument(
            f"--flag-{side}",
            dest=f"flags_{side}",
            action="append",
            default=[],
            metavar="F",
            help=said("a flag of iree-compile; may be repeated;"),
        )
        group.add_argument(f"--pipeline-{side}", metavar="P", help=said("whose passes"))
        group.add_argument(
            f"--target-{side}",
            dest=f"targets_{side}",
            action="append",
            metavar="T",
            help=said("what to compile"),
        )
        group.add_argument(
            f"--device-{side}",
            dest=f"devices_{side}",
            action="append",
            metavar="D",
            help=said("where to run"),
        )


def execute(arguments: argparse.Namespace) -> int:
    sides = _sides(arguments)
    inputs = given_inputs(arguments)
    import ireelab

    traces = [compile_file(options, path) for path, options in sides]
    runs = [
        run_profiled(trace, options, inputs) if arguments.run else None
        for trace, (_, options) in zip(traces, sides, strict=True)
    ]
    compared = ireelab.compare(*zip(traces, runs, strict=True))
    names = _wanted(arguments, compared)
    if arguments.html:
        _save(compared, arguments.html)
    if arguments.json:
        print(json.dumps(compared.to_json(names), indent=2))
    else:
        print(_text(compared, names))
    return 0 if all(steps.first is None for steps in compared.steps) else 1


def _sides(arguments: argparse.Namespace) -> list[tuple[Path, argparse.Namespace]]:
    """Each side's file, and the options as they are for it."""
    own = {
        side: {
            name: value
            for name in ("flags", "pipeline", "targets", "devices")
            if (value := getattr(arguments, f"{name}_{side}"))
        }
        for side in _SIDES
    }
    used = [number for number, side in enumerate(_SIDES) if own[side]]
    files: list[str] = arguments.files
    count = max(len(files), *(number + 1 for number in used), 2)
    if len(files) == 1 and not used:
        raise UsageError("name two files, or options of one side: --flag-a=..., --pipeline-b=...")
    if len(files) not in (1, count) or count > len(_SIDES):
        raise UsageError(f"{len(files)} files for {count} sides: name one for all, or one for each")
    sides: list[tuple[Path, argparse.Namespace]] = []
    for side, name in zip(_SIDES, files * count if len(files) == 1 else files, strict=False):
        options = {**vars(arguments), **own[side]}
        options["flags"] = [*arguments.flags, *own[side].get("flags", [])]
        sides.append((existing_file(name), argparse.Namespace(**options)))
    return sides[:count]


def _wanted(arguments: argparse.Namespace, compared: Compared) -> list[str]:
    """The models asked for; of ``--all`` those that every side has."""
    named = [name for name in (*_PLANS, "run") if getattr(arguments, name)]
    missing = [name for name in named if name not in compared.names]
    if missing:
        raise UsageError(f"not every compilation got as far as: {', '.join(missing)}")
    return [name for name in compared.names if arguments.all or name in named]


def _text(compared: Compared, names: list[str]) -> str:
    blocks = [compared.summary()]
    blocks += [str(steps.first.diff) for steps in compared.steps if steps.first is not None]
    return "\n\n".join((*blocks, *(str(compared[name]) for name in names)))


def _save(compared: Compared, name: str) -> None:
    from ireelab.widgets.explore import explore_compared

    try:
        explore_compared(compared).save_html(name)
    except OSError as error:
        raise UsageError(f"cannot write {name}: {error.strerror}") from None
    print(f"wrote {name}", file=sys.stderr)
