"""Vulkan: ireelab beside IREE's own runtime and profiler, on the same .vmfb files, in one run.

    python benchmarks/vulkan_programs.py /tmp/programs        # where the compiler is
    python benchmarks/vulkan.py /tmp/programs                 # where the GPU is
    python benchmarks/vulkan.py --describe                    # the GPU's compile target, as text

Needs numpy, ml_dtypes and vulkan; with iree-base-runtime also the peers, with torch and CUDA also
torch's time for the large kernels. Prints Markdown. For the latency of a call engines take turns
within a round, each in a new process (idle runtimes disturb others), and a cell is the median call
of the best round, after a warm-up: whatever else the machine does, it makes nothing faster.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np

# This file is not the package of the same name, which Python would otherwise find here first.
sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != Path(__file__).resolve().parent]

from ireelab.errors import DeviceUnavailable, IreelabError  # noqa: E402
from ireelab.hal.drivers.vulkan.device import VulkanDevice  # noqa: E402
from ireelab.hal.registry import create_device  # noqa: E402
from ireelab.program import load  # noqa: E402
from ireelab.vm.context import Context  # noqa: E402

PEER = importlib.util.find_spec("iree") is not None and (
    importlib.util.find_spec("iree.runtime") is not None
)
BASELINE = "iree.runtime"
BINARIES = Path(sys.executable).parent
PROFILE_CALLS = 60
# A GPU needs a while to reach its clocks, the longer the less it has to do, and loses them while a
# process starts: an H100 took 0.64 or 1.31 µs for the same empty pair of timestamps.
WARM_UP_NS = 1_000_000_000
PEER_WARM_UP_CALLS = 440  # of 2 to 4 ms each on a GPU, most of it on the host
PEER_MEMORY_BYTES = 16 << 30  # IREE's profiler lets the outputs of its calls add up

Engine = Callable[[int], float]


@dataclass
class Case:
    """One program with its inputs."""

    name: str
    function: str
    path: Path
    inputs: list[np.ndarray]
    flop: float
    bytes: float


def read_cases(folder: Path, *, heavy: bool, only: list[str]) -> list[Case]:
    found = []
    random = np.random.default_rng(0)
    for entry in json.loads((folder / "manifest.json").read_text()):
        if (entry["heavy"] and not heavy) or (only and entry["name"] not in only):
            continue
        inputs = [
            (random.standard_normal(shape, np.float32) * scale).astype(dtype)
            for shape, dtype, scale in entry["inputs"]
        ]
        path = folder / f"{entry['name']}.vmfb"
        found.append(
            Case(
                entry["name"], entry["function"], path, inputs, entry["flop"], entry["bytes"]
            )
        )  # fmt: skip
    return found


def warm_up(call: Callable[[], object]) -> None:
    until = perf_counter_ns() + WARM_UP_NS
    while perf_counter_ns() < until:
        call()


def timed(call: Callable[[], object], calls: int) -> float:
    """Median time of one call in a row of them, in microseconds, after a warm-up."""
    warm_up(call)
    times = []
    for _ in range(calls):
        start_ns = perf_counter_ns()
        call()
        times.append(perf_counter_ns() - start_ns)
    return statistics.median(times) / 1e3


# --- engines ------------------------------------------------------------------------


def here(case: Case, name: str, calls: int, *, resident: bool = False, profile: str = "") -> float:
    """ireelab; ``resident`` inputs are on the device already, ``profile`` is a mode."""
    option = f"{',' if ':' in name else ':'}profile={profile}" if profile else ""
    device = create_device(name + option)
    with device, Context(load(case.path), device) as context:
        inputs: list[Any] = [context.put(a) for a in case.inputs] if resident else case.inputs
        if profile:
            device.begin_profiling()
        time_us = timed(lambda: context.invoke(case.function, *inputs), calls)
        if profile:
            device.end_profiling()
        return time_us


def there(case: Case, name: str, calls: int, *, resident: bool = False) -> float:
    """IREE's runtime from Python."""
    import iree.runtime as rt

    config = rt.Config(name)
    module = rt.load_vm_module(rt.VmModule.mmap(config.vm_instance, str(case.path)), config)
    function = getattr(module, case.function)
    inputs: list[Any] = list(case.inputs)
    if resident:
        inputs = [rt.asdevicearray(config.device, array) for array in inputs]
    # Its outputs stay on the device: reading them fails for most host pointers on Vulkan (3.13,
    # DeviceArray._copy_to_host, "minImportedHostPointerAlignment"). That is in its favour.
    return timed(lambda: function(*inputs), calls)


def in_a_process(measure: Callable[..., float], *arguments: Any, **options: Any) -> Engine:
    """Each turn in a new process, so that no other runtime is there, idle or not."""
    context = multiprocessing.get_context("spawn")

    def run(calls: int) -> float:
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            return pool.submit(measure, *arguments, calls, **options).result()

    return run


def tool_inputs(case: Case, folder: Path) -> list[str]:
    files = []
    for number, array in enumerate(case.inputs):
        path = folder / f"{case.name}.{number}.npy"
        np.save(path, array)
        files.append(f"--input=@{path}")
    return files


def tool(name: str) -> str:
    """One of IREE's binaries, beside this interpreter or on the path."""
    beside = BINARIES / name
    return str(beside) if beside.exists() else name


def benchmark_command(case: Case, device: str, folder: Path, *more: str) -> list[str]:
    return [
        tool("iree-benchmark-module"), f"--module={case.path}", f"--device={device}",
        f"--function={case.function}", "--benchmark_format=json", *tool_inputs(case, folder), *more,
    ]  # fmt: skip


def c_tool(case: Case, device: str, folder: Path) -> Engine:
    """iree-benchmark-module: C from end to end, inputs made once."""
    command = benchmark_command(
        case, device, folder, "--benchmark_min_time=0.1s", "--benchmark_repetitions=3"
    )
    units = {"ns": 1e-3, "us": 1.0, "ms": 1e3, "s": 1e6}

    def run(_calls: int) -> float:
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        report = json.loads(done.stdout[done.stdout.index("{") :])["benchmarks"]
        (median,) = (row for row in report if row.get("aggregate_name") == "median")
        return float(median["real_time"]) * units[median["time_unit"]]

    return run


# --- measurements -------------------------------------------------------------------


def latency(
    case: Case, device: str, peer: str, rounds: int, calls: int, folder: Path
) -> dict[str, float]:
    """Microseconds a call, by engine."""
    engines = {
        "ireelab": in_a_process(here, case, device),
        "ireelab, inputs on the device": in_a_process(here, case, device, resident=True),
        "ireelab, profiled by command buffer": in_a_process(
            here, case, device, profile="command-buffer"
        ),
        "ireelab, profiled by command": in_a_process(here, case, device, profile="command"),
    }
    if PEER:
        engines[BASELINE] = in_a_process(there, case, peer)
        engines[f"{BASELINE}, inputs on the device"] = in_a_process(
            there, case, peer, resident=True
        )
        engines["iree-benchmark-module (C)"] = c_tool(case, peer, folder)
    times: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(rounds):
        for name, run in engines.items():
            times[name].append(run(calls))
    return {name: min(values) for name, values in times.items()}


def profile(case: Case, device: VulkanDevice, mode: str, kind: str) -> dict[str, float]:
    """GPU time of events of a kind by their name, in microseconds."""
    device.profiler.mode = mode
    with Context(load(case.path), device) as context:
        inputs = [context.put(a) for a in case.inputs]
        warm_up(lambda: context.invoke(case.function, *inputs))
        device.begin_profiling()
        for _ in range(PROFILE_CALLS):
            context.invoke(case.function, *inputs)
        events = device.end_profiling()
    found: dict[str, list[int]] = {}
    for event in events:
        if event.kind == kind:
            found.setdefault(event.name, []).append(event.duration_ns)
    return {name: settled(values) for name, values in found.items()}


def settled(durations_ns: list[int]) -> float:
    """The median of the second half, in microseconds: the first calls of either are slower."""
    return statistics.median(durations_ns[len(durations_ns) // 2 :]) / 1e3


def dispatch_times(case: Case, device: VulkanDevice) -> dict[str, float]:
    """GPU time of each kernel, in microseconds."""
    return profile(case, device, "command", "dispatch")


def busy_time(case: Case, device: VulkanDevice) -> float:
    """GPU time of a call from its first command to its last, in microseconds."""
    times = profile(case, device, "command-buffer", "command buffer")
    return sum(times.values())


def peer_dispatch_times(
    case: Case, peer: str, folder: Path, warm_up_calls: int
) -> dict[str, float]:
    """The same by IREE's own profiler; {} where it does not work."""
    bundle = folder / f"{case.name}.prof"
    output_bytes = max(array.nbytes for array in case.inputs)  # of its size, in these programs
    calls = min(PROFILE_CALLS + warm_up_calls, PEER_MEMORY_BYTES // output_bytes)
    modes = "device-queue-events,dispatch-events,memory-events"
    command = benchmark_command(
        case, peer, folder, f"--benchmark_min_time={calls}x",
        f"--device_profiling_mode={modes}", f"--device_profiling_output={bundle}",
    )  # fmt: skip
    if subprocess.run(command, capture_output=True).returncode:
        return {}
    report = [
        tool("iree-profile"), "dispatch", "--format=jsonl", "--dispatch_events", str(bundle),
    ]  # fmt: skip
    done = subprocess.run(report, capture_output=True, text=True)
    found: dict[str, list[int]] = {}
    for line in done.stdout.splitlines():
        row = json.loads(line) if line.startswith("{") else {}
        if row.get("type") == "dispatch_event" and row["valid"]:
            found.setdefault(row["key"], []).append(row["duration_ns"])
    return {name: settled(values) for name, values in found.items()}


def difference(case: Case, device: VulkanDevice, peer: str, folder: Path) -> str:
    """The largest difference between ireelab's outputs and IREE's."""
    with Context(load(case.path), device) as context:
        ours = [np.array(out) for out in context.invoke(case.function, *case.inputs)]
    files = [folder / f"{case.name}.out{number}.npy" for number in range(len(ours))]
    command = [
        tool("iree-run-module"), f"--module={case.path}", f"--device={peer}",
        f"--function={case.function}", *tool_inputs(case, folder),
        *(f"--output=@{file}" for file in files),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    theirs = [np.load(file) for file in files]
    worst = max(
        float(np.abs(a.astype(np.float64) - b.astype(np.float64)).max())
        for a, b in zip(ours, theirs, strict=True)
    )
    return "bit-identical" if worst == 0 else f"{worst:.2g}"


def torch_time(case: Case) -> float | None:
    """Microseconds of the same kernel in torch, None where torch has no CUDA device."""
    if importlib.util.find_spec("torch") is None:
        return None
    import torch

    if not torch.cuda.is_available():
        return None
    torch.backends.cuda.matmul.allow_tf32 = False
    a, b = (torch.from_numpy(array).cuda() for array in case.inputs)
    run = (lambda: a @ b) if case.flop else (lambda: torch.addcmul(a, a, b))
    for _ in range(5):
        run()
    events = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
    events[0].record()
    for _ in range(20):
        run()
    events[1].record()
    torch.cuda.synchronize()
    return float(events[0].elapsed_time(events[1])) / 20 * 1e3


# --- tables -------------------------------------------------------------------------


def latency_table(results: dict[str, dict[str, float]]) -> str:
    head = [cell for name in results for cell in (f"{name}, µs", "ratio")]
    lines = [f"| engine | {' | '.join(head)} |", "|---|" + "---:|" * len(head)]
    for engine in next(iter(results.values())):
        cells = []
        for times in results.values():
            base = times.get(BASELINE)
            ratio = f"{times[engine] / base:.3f}" if base else ""
            cells += [f"{times[engine]:.1f}", ratio]
        lines.append(f"| {engine} | {' | '.join(cells)} |")
    return "\n".join(lines)


def breakdown_table(latencies: dict[str, dict[str, float]], busy: dict[str, float]) -> str:
    """Where a call goes; "the rest" is the VM, the submission, and waking up."""
    lines = [
        "| program | call, µs | inputs | GPU | the rest |",
        "|---|--:|--:|--:|--:|",
    ]
    for program, times in latencies.items():
        call, resident = times["ireelab"], times["ireelab, inputs on the device"]
        gpu = busy[program]
        lines.append(
            f"| {program} | {call:.1f} | {call - resident:.1f} | {gpu:.1f} | {resident - gpu:.1f} |"
        )
    return "\n".join(lines)


def dispatch_table(ours: dict[str, dict[str, float]], theirs: dict[str, dict[str, float]]) -> str:
    lines = [
        "| program | kernel | ireelab, µs | iree-profile, µs | ratio |",
        "|---|---|--:|--:|--:|",
    ]
    for program, kernels in ours.items():
        for name, value in kernels.items():
            peer = theirs.get(program, {}).get(name)
            ratio = f"{peer:.2f} | {value / peer:.3f}" if peer else " | "
            lines.append(f"| {program} | {name} | {value:.2f} | {ratio} |")
    return "\n".join(lines)


def throughput_table(cases: list[Case], ours: dict[str, dict[str, float]]) -> str:
    lines = ["| kernel | µs | rate | torch, µs |", "|---|--:|--:|--:|"]
    for case in cases:
        if not (case.flop or case.bytes) or case.name not in ours:
            continue
        total_us = sum(ours[case.name].values())
        rate = (
            f"{case.flop / total_us / 1e6:.2f} TFLOP/s"
            if case.flop
            else f"{case.bytes / total_us / 1e3:.0f} GB/s"
        )
        peer = torch_time(case)
        lines.append(f"| {case.name} | {total_us:.1f} | {rate} | {f'{peer:.1f}' if peer else ''} |")
    return "\n".join(lines)


def describe(device: str) -> None:
    from ireelab.device_target import vulkan_target

    text = vulkan_target(device)
    if not text:
        raise DeviceUnavailable("no Vulkan device here; `ireelab devices` says why")
    print(text)


def report(arguments: argparse.Namespace) -> None:
    opened = create_device(arguments.device)
    assert isinstance(opened, VulkanDevice)
    with opened as device, tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        physical = device.physical
        heavy = physical.type != "cpu" or arguments.heavy
        cases = read_cases(arguments.folder, heavy=heavy, only=arguments.only)
        small = [case for case in cases if not case.flop and not case.bytes]
        version = ".".join(map(str, physical.api_version))
        print(f"## Vulkan: {physical.name}\n")
        print(f"- {datetime.date.today()}, {physical.driver_name} {physical.driver_info}, ", end="")
        print(f"Vulkan {version}, memory type {device.core.device_pool.memory_type.flags:#x}")
        load_now = os.getloadavg()[0]
        print(f"- load of the machine: {load_now:.1f} on {os.cpu_count()} cores\n")
        latencies: dict[str, dict[str, float]] = {}
        busy: dict[str, float] = {}
        ours: dict[str, dict[str, float]] = {}
        theirs: dict[str, dict[str, float]] = {}
        for case in cases:
            try:
                if case in small:
                    latencies[case.name] = latency(
                        case, arguments.device, arguments.peer, arguments.rounds,
                        arguments.calls, folder,
                    )  # fmt: skip
                    busy[case.name] = busy_time(case, device)
                ours[case.name] = dispatch_times(case, device)
                pair_us = device.profiling_overhead_ns() / 1e3
                print(f"- {case.name}: an empty pair of timestamps: {pair_us:.2f} µs", flush=True)
                if PEER:
                    theirs[case.name] = peer_dispatch_times(
                        case, arguments.peer, folder, PEER_WARM_UP_CALLS if heavy else 0
                    )
                    print(f"- {case.name}: outputs against IREE's runtime: ", end="")
                    print(difference(case, device, arguments.peer, folder), flush=True)
            except (IreelabError, RuntimeError, ValueError, subprocess.CalledProcessError) as error:
                print(f"- {case.name}: {type(error).__name__}: {str(error)[:300]}", flush=True)
        profiler = device.profiler
        print(f"- clock: {profiler.clock_method}, within {profiler.clock_error_ns} ns\n")
        if latencies:
            print(f"### Latency of a call (ratio to {BASELINE})\n")
            print(latency_table(latencies), "\n")
            print("### Where a call goes\n")
            print(breakdown_table(latencies, busy), "\n")
        print("### GPU time of each kernel\n")
        print(dispatch_table(ours, theirs), "\n")
        print("### Throughput\n")
        print(throughput_table(cases, ours))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--device", default="vulkan", help="of ireelab, for example vulkan:1")
    parser.add_argument("--peer", default="vulkan", help="the same device in IREE's words")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=50, help="calls a round, of each engine")
    parser.add_argument("--only", nargs="*", default=[], help="names of programs")
    parser.add_argument("--heavy", action="store_true", help="large kernels on a CPU device too")
    parser.add_argument("--describe", action="store_true", help="print the compile target and stop")
    arguments = parser.parse_args()
    try:
        if arguments.describe:
            describe(arguments.device.partition(":")[2])
        elif arguments.folder is None:
            parser.error("FOLDER is missing: what benchmarks/vulkan_programs.py wrote")
        else:
            report(arguments)
    except DeviceUnavailable as error:
        sys.exit(f"benchmarks/vulkan.py: {error}")


if __name__ == "__main__":
    main()
