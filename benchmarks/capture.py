"""What keeping every step costs: time, memory, disk, and how fast a step opens.

    python benchmarks/capture.py [--rounds N] [--layers N ...]

Inputs are examples/mlp.mlir and transformers of so many layers. Within a round ``iree-compile``,
the same in a fork of a warm process, and ``il.compile`` with every pass captured take turns, with
the same flags and threads; the ratio is of minima, to the fork. The CPU time of both, which other
work on the machine moves less, includes that of reading the trace. Memory is that of the trace's
nodes beside the sum of distinct texts; disk is a saved trace beside what print-after-all prints.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import ireelab as il
from ireelab import Trace, examples
from ireelab.pipeline import compiler_ffi
from ireelab.pipeline.client import WORKER
from ireelab.pipeline.snapshot import Node
from ireelab.pipeline.targets import target_flags

IREE_COMPILE = Path(sys.executable).with_name("iree-compile")
FLAGS = target_flags("llvm-cpu")
COLUMNS = (
    "input", "steps", "iree-compile, s", "fork, s", "captured, s", "ratio", "ratio of medians",
    "fork CPU, s", "captured CPU, s", "ratio",
    "texts, MB", "memory, MB", "ratio", "printed, MB", "on disk, MB", "ratio",
    "open, ms", "diff, ms",
)  # fmt: skip


def transformer(layers: int) -> str:
    """The example's block so many times, with one set of weights."""
    block = examples.path("transformer").read_text()
    if layers == 1:
        return block
    types = [f"tensor<{'x'.join(map(str, a.shape))}xf32>" for a in examples.inputs("transformer")]
    weights = [f"%w{i}" for i in range(1, len(types))]
    signature = ", ".join(f"{name}: {kind}" for name, kind in zip(weights, types[1:], strict=True))
    lines = [f"func.func @main(%x0: {types[0]}, {signature}) -> {types[0]} {{"]
    for i in range(layers):
        operands = ", ".join([f"%x{i}", *weights])
        lines.append(
            f"  %x{i + 1} = call @transformer({operands}) : ({', '.join(types)}) -> {types[0]}"
        )
    lines += [f"  return %x{layers} : {types[0]}", "}"]
    private = block.replace("func.func @transformer", "func.func private @transformer")
    return private + "\n".join(lines) + "\n"


def plain_process(source: Path) -> None:
    command = [IREE_COMPILE, source, *FLAGS, "-o", os.devnull]
    subprocess.run(command, check=True, capture_output=True)


def plain_fork(source: Path) -> None:
    compiler_ffi.load()
    child = os.fork()
    if child == 0:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        os._exit(compiler_ffi.run_main(["iree-compile", str(source), *FLAGS, "-o", os.devnull]))
    if os.waitpid(child, 0)[1]:
        raise SystemExit(f"{source} does not compile")


def captured(source: Path) -> None:
    il.compile(source)


CONTENDERS: tuple[Callable[[Path], None], ...] = (plain_process, plain_fork, captured)


def cpu_seconds() -> float:
    """Of this process, of what it has waited for, and of what the worker has."""
    worker = WORKER._process  # pyright: ignore[reportPrivateUsage]
    assert worker is not None
    time.sleep(1.1)  # The worker waits for its children once a second.
    fields = Path(f"/proc/{worker.pid}/stat").read_text().rpartition(")")[2].split()
    ticks = sum(int(field) for field in fields[11:15])
    own = os.times()
    return sum(own[:4]) + ticks / os.sysconf("SC_CLK_TCK")


def times(source: Path, rounds: int) -> list[list[tuple[float, float]]]:
    """Seconds and CPU seconds of each contender, by round."""
    seconds: list[list[tuple[float, float]]] = [[] for _ in CONTENDERS]
    for _ in range(rounds):
        for contender, taken in zip(CONTENDERS, seconds, strict=True):
            cpu, start = cpu_seconds(), perf_counter()
            contender(source)
            wall = perf_counter() - start
            taken.append((wall, cpu_seconds() - cpu))
    return seconds


def distinct_text_bytes(trace: Trace) -> int:
    seen: dict[bytes, int] = {}

    def visit(node: Node) -> None:
        if node.digest in seen:
            return
        seen[node.digest] = 0 if node.children else len(node.head.encode())
        for child in node.children:
            visit(child)

    for shot in trace.snapshots:
        for node in (shot.before, shot.after, shot.module):
            visit(node)
    return sum(seen.values())


def resident_bytes(path: Path) -> int:
    """What a trace occupies: allocations that live on after it was read."""
    gc.collect()
    tracemalloc.start()
    trace = il.load_trace(path)
    gc.collect()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del trace
    return size


def worst_open_ms(trace: Trace) -> float:
    worst = 0.0
    for step in trace.steps:
        start = perf_counter()
        trace.ir(step)
        worst = max(worst, perf_counter() - start)
    return worst * 1e3


def worst_diff_ms(trace: Trace) -> float:
    steps = range(0, len(trace.steps), max(len(trace.steps) // 12, 1))
    worst = 0.0
    for a in steps:
        for b in steps:
            if a < b:
                start = perf_counter()
                str(trace.diff(a, b))
                worst = max(worst, perf_counter() - start)
    return worst * 1e3


def row(name: str, source: Path, rounds: int, folder: Path) -> list[str]:
    il.compile(source)  # Starts the worker.
    measured = times(source, rounds)
    process, fork, capture = ([wall for wall, _ in taken] for taken in measured)
    fork_cpu, capture_cpu = (min(cpu for _, cpu in taken) for taken in measured[1:])
    trace = il.compile(source)
    saved = trace.save(folder / f"{name}.iltrace")
    texts = distinct_text_bytes(trace)
    printed = sum(len(trace.ir(step).encode()) for step in trace.steps)
    resident, disk = resident_bytes(saved), saved.stat().st_size
    cells = [name, str(len(trace.steps))]
    cells += [f"{min(taken):.2f}" for taken in (process, fork, capture)]
    cells += [f"{min(capture) / min(fork):.2f}"]
    cells += [f"{statistics.median(capture) / statistics.median(fork):.2f}"]
    cells += [f"{fork_cpu:.2f}", f"{capture_cpu:.2f}", f"{capture_cpu / fork_cpu:.2f}"]
    cells += [f"{texts / 1e6:.1f}", f"{resident / 1e6:.1f}", f"{resident / texts:.2f}"]
    cells += [f"{printed / 1e6:.1f}", f"{disk / 1e6:.1f}", f"{disk / printed:.3f}"]
    return [*cells, f"{worst_open_ms(trace):.1f}", f"{worst_diff_ms(trace):.0f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--layers", type=int, nargs="*", default=[1, 12, 48])
    arguments = parser.parse_args()
    print(f"| {' | '.join(COLUMNS)} |\n|---|{'---:|' * (len(COLUMNS) - 1)}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = {"mlp": examples.path("mlp")}
        for layers in arguments.layers:
            path = folder / f"transformer{layers}.mlir"
            path.write_text(transformer(layers))
            sources[path.stem] = path
        for title, source in sources.items():
            print(f"| {' | '.join(row(title, source, arguments.rounds, folder))} |", flush=True)
    print(f"\nLoad of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")


if __name__ == "__main__":
    main()
