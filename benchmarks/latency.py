"""Call latency: ireelab beside IREE's own runtime, on the same .vmfb, in one run.

    python benchmarks/latency.py [--rounds N] [--calls N] [EXAMPLE ...]

Every engine takes NumPy arrays and gives NumPy arrays, except the rows "inputs on the device"
and iree-benchmark-module (C), which convert nothing. Engines take turns within a round; a cell
is the median over rounds of the median call of a round. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import iree.runtime as rt
import numpy as np
from iree.runtime import _binding

import ireelab as il
from ireelab import examples
from ireelab.examples import Example

BASELINE = "iree.runtime local-sync"
BINARIES = Path(sys.executable).parent

# Runs one round of so many calls, returns the median call in microseconds.
Engine = Callable[[int], float]


def timed(call: Callable[[], object], calls: int) -> float:
    """Median time of one call, in microseconds."""
    times = []
    for _ in range(calls):
        start_ns = perf_counter_ns()
        call()
        times.append(perf_counter_ns() - start_ns)
    return statistics.median(times) / 1e3


def here(program: il.Program, example: Example, stack: ExitStack, *, profile: bool) -> Engine:
    """ireelab's VM and HAL."""
    context = stack.enter_context(il.Context(program, "llvm-cpu"))
    inputs = example.inputs()

    def run(calls: int) -> float:
        if profile:
            context.device.begin_profiling()
        try:
            return timed(lambda: context.invoke(example.function, *inputs), calls)
        finally:
            if profile:
                context.device.end_profiling()

    return run


def there(vmfb: bytes, example: Example, device: str, *, resident: bool = False) -> Engine:
    """IREE's runtime from Python; ``resident`` inputs are on its device already."""
    config = rt.Config(device)
    module = rt.load_vm_module(rt.VmModule.copy_buffer(config.vm_instance, vmfb), config)
    function = getattr(module, example.function)
    inputs: list[Any] = list(example.inputs())
    if resident:
        inputs = [rt.asdevicearray(config.device, array) for array in inputs]

    def call() -> object:
        results = function(*inputs)
        several = results if isinstance(results, tuple) else (results,)
        return [np.asarray(result) for result in several]

    return lambda calls: timed(call, calls)


def c_tool(vmfb: bytes, example: Example, device: str, folder: Path) -> Engine:
    """iree-benchmark-module: C from end to end, inputs made once."""
    path = folder / f"{example.name}.vmfb"
    path.write_bytes(vmfb)
    inputs = []
    for number, array in enumerate(example.inputs()):
        file = folder / f"{example.name}.{number}.npy"
        np.save(file, array)
        inputs.append(f"--input=@{file}")
    command = [
        BINARIES / "iree-benchmark-module",
        f"--module={path}",
        f"--device={device}",
        f"--function={example.function}",
        "--benchmark_format=json",
        "--benchmark_min_time=0.05s",
        "--benchmark_repetitions=5",
        *inputs,
    ]

    def run(_calls: int) -> float:
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        report = json.loads(done.stdout)["benchmarks"]
        (median,) = (row for row in report if row.get("aggregate_name") == "median")
        return (
            median["real_time"] * {"ns": 1e-3, "us": 1.0, "ms": 1e3, "s": 1e6}[median["time_unit"]]
        )

    return run


def engines(example: Example, stack: ExitStack, folder: Path) -> dict[str, Engine]:
    """All engines, over one compilation of the example."""
    jit = il.compile(example.path).program
    vmfb = jit.to_bytes()
    elf = il.load(vmfb)
    return {
        "ireelab, ELF": here(elf, example, stack, profile=False),
        "ireelab, JIT": here(jit, example, stack, profile=False),
        "ireelab, ELF, profiled": here(elf, example, stack, profile=True),
        "ireelab, JIT, profiled": here(jit, example, stack, profile=True),
        BASELINE: there(vmfb, example, "local-sync"),
        "iree.runtime local-task": there(vmfb, example, "local-task"),
        f"{BASELINE}, inputs on the device": there(vmfb, example, "local-sync", resident=True),
        "iree-benchmark-module local-sync (C)": c_tool(vmfb, example, "local-sync", folder),
        "iree-benchmark-module local-task (C)": c_tool(vmfb, example, "local-task", folder),
    }


def measure(example: Example, rounds: int, calls: int) -> dict[str, float]:
    """Microseconds a call, by engine."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        contenders = engines(example, stack, folder)
        for run in contenders.values():
            run(10)  # warm up
        times: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(rounds):
            for name, run in contenders.items():
                times[name].append(run(calls))
        return {name: statistics.median(values) for name, values in times.items()}


def table(results: dict[str, dict[str, float]]) -> str:
    """One row an engine; a column of microseconds and one of ratios for each example."""
    head = [cell for name in results for cell in (f"{name}, µs", "ratio")]
    lines = [f"| engine | {' | '.join(head)} |", "|---|" + "---:|" * len(head)]
    for engine in next(iter(results.values())):
        cells = []
        for times in results.values():
            cells += [f"{times[engine]:.1f}", f"{times[engine] / times[BASELINE]:.2f}"]
        lines.append(f"| {engine} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("example", nargs="*", default=["mlp", "transformer"])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--calls", type=int, default=100, help="calls a round, of each engine")
    arguments = parser.parse_args()
    _binding.disable_leak_checker()
    results = {
        name: measure(examples.get(name), arguments.rounds, arguments.calls)
        for name in arguments.example
    }
    print(table(results))
    print(f"\nRatios are to {BASELINE}; medians of {arguments.rounds} interleaved rounds.")
    print(f"Load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")


if __name__ == "__main__":
    main()
