"""Compile time: ``iree-compile``, the same in-process, and ``il.compile`` with every step kept.

    python benchmarks/compile_time.py [--rounds N] [EXAMPLE ...]

The three take turns within a round; a cell is the median over rounds. ``il.compile`` is timed
with its worker warm, as in a notebook. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from iree.compiler.api import Output, Session, Source

import ireelab as il
from ireelab import examples
from ireelab.pipeline.targets import target_flags

IREE_COMPILE = Path(sys.executable).with_name("iree-compile")
FLAGS = target_flags("llvm-cpu")


def plain_process(source: Path) -> None:
    command = [IREE_COMPILE, source, *FLAGS, "-o", "-"]
    subprocess.run(command, check=True, capture_output=True)


def plain_in_process(source: Path) -> None:
    session = Session()
    session.set_flags(*FLAGS)
    invocation = session.invocation()
    if not invocation.parse_source(Source.open_file(session, str(source))):
        raise SystemExit(f"{source} does not parse")
    if not invocation.execute():
        raise SystemExit(f"{source} does not compile")
    output = Output.open_membuffer()
    invocation.output_vm_bytecode(output)
    output.map_memory()


def traced(source: Path) -> None:
    il.compile(source)


CONTENDERS: dict[str, Callable[[Path], None]] = {
    "iree-compile": plain_process,
    "in-process": plain_in_process,
    "il.compile": traced,
}


def measure(source: Path, rounds: int) -> dict[str, float]:
    """Seconds a compilation, by contender."""
    times: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    for name, compile_once in CONTENDERS.items():
        if name != "iree-compile":
            compile_once(source)  # warm up: loads the compiler
    for _ in range(rounds):
        for name, compile_once in CONTENDERS.items():
            start = perf_counter()
            compile_once(source)
            times[name].append(perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("example", nargs="*", default=list(examples.names()))
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print("| example | iree-compile, s | in-process, s | il.compile, s | ratio | steps | changed |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name in arguments.example:
        source = examples.path(name)
        seconds = measure(source, arguments.rounds)
        steps = il.compile(source).steps
        cells = [f"{seconds[contender]:.2f}" for contender in CONTENDERS]
        ratio = seconds["il.compile"] / seconds["iree-compile"]
        changed = sum(step.changed for step in steps)
        print(f"| {name} | {' | '.join(cells)} | {ratio:.2f} | {len(steps)} | {changed} |")
    print("\nThe ratio is il.compile to iree-compile; medians of interleaved rounds.")
    print(f"Load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")


if __name__ == "__main__":
    main()
