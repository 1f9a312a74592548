"""``ireelab passes``: the steps a compilation takes, a line each."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ireelab.cli.common import (
    Progress,
    UsageError,
    add_command,
    add_pipeline_option,
    add_target_option,
    existing_file,
    named_pipeline,
    table,
)

if TYPE_CHECKING:
    from ireelab.cli.common import Commands
    from ireelab.pipeline.lab import Pipeline
    from ireelab.pipeline.step import Step

# "      --iree-stream-layout-slices      -   Lays out packed slices ..." in `iree-opt --help`;
# the options of a pass are indented further.
_HELP_LINE = re.compile(r"^ {6}--(?P<name>[\w-]+)(?:=\S+)? +- +(?P<text>.+)$", re.MULTILINE)


def add(commands: Commands) -> None:
    parser = add_command(
        commands,
        "passes",
        summary="list the steps of a pipeline: name, phase, what it does",
        description="Compile a small program (or FILE) and list the passes that ran, in order: "
        "each once per phase, with how often it ran and what IREE says it does. "
        "Of the lab pipeline, without FILE, its steps and why each stands where it does.",
        examples="  ireelab passes\n  ireelab passes model.mlir --json\n"
        "  ireelab passes --pipeline lab",
    )
    parser.add_argument(
        "file", nargs="?", metavar="FILE", help="a program to follow (default: an example)"
    )
    add_target_option(parser, "what to compile for (llvm-cpu)")
    add_pipeline_option(parser)
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    import ireelab
    from ireelab.pipeline.lab import pipeline as lab_pipeline

    pipeline = named_pipeline(arguments.pipeline)
    if pipeline != "upstream" and arguments.file is None:
        steps = lab_pipeline() if isinstance(pipeline, str) else pipeline
        _print_lab(steps, as_json=arguments.json)
        return 0
    source = existing_file(arguments.file) if arguments.file else ireelab.examples.path("mlp")
    with Progress(f"compiling {source.name}") as progress:
        trace = ireelab.compile(
            source,
            target=arguments.targets or "llvm-cpu",
            pipeline=pipeline,
            progress=progress,
        )
    runs = count_runs([step for step in trace.steps if not step.composite])
    texts = pass_descriptions()
    if arguments.json:
        listed = [
            {"phase": phase, "name": name, "runs": count, "description": texts.get(name, "")}
            for (phase, name), count in runs.items()
        ]
        print(json.dumps(listed, indent=2))
        return 0
    _print_lines(runs, texts)
    return 0


def _print_lab(steps: Pipeline, *, as_json: bool) -> None:
    """The steps of a lab pipeline and why each stands where it does."""
    if as_json:
        listed = [
            {"phase": s.phase, "name": s.name, "kind": s.kind, "runs": s.text(), "why": s.why}
            for s in steps
        ]
        print(json.dumps(listed, indent=2))
        return
    rows = [["phase", "step", "why it stands here"]]
    print(table(rows + [[s.phase, s.name, s.why] for s in steps], left=(0, 1, 2)))


def _print_lines(runs: Mapping[tuple[str, str], int], texts: Mapping[str, str]) -> None:
    rows = [["phase", "pass", "runs", "what it does"]]
    rows += [[phase, name, str(n), texts.get(name, "")] for (phase, name), n in runs.items()]
    print(table(rows, left=(0, 1, 3)))


def count_runs(steps: list[Step]) -> dict[tuple[str, str], int]:
    """How often each pass ran in each phase, in the order of first runs."""
    runs: dict[tuple[str, str], int] = {}
    for step in steps:
        key = (step.phase, step.name)
        runs[key] = runs.get(key, 0) + 1
    return runs


def pass_descriptions() -> dict[str, str]:
    """What every registered pass says it does, asked of IREE's own ``iree-opt --help``."""
    tool = Path(sys.executable).parent / "iree-opt"
    if not tool.exists():
        raise UsageError(f"iree-opt is not beside {sys.executable}: reinstall iree-base-compiler")
    shown = subprocess.run([tool, "--help"], capture_output=True, text=True, check=True).stdout
    return {match["name"]: match["text"].strip() for match in _HELP_LINE.finditer(shown)}
