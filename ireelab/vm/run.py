"""Runs a function of a program once or several times, profiled where asked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ireelab.hal.profiler import Profiler
from ireelab.hal.timeline import Timeline
from ireelab.program import Program
from ireelab.vm.abi import Value
from ireelab.vm.context import Context
from ireelab.vm.devices import Devices

if TYPE_CHECKING:
    from ireelab.pipeline.trace import Trace


@dataclass(frozen=True)
class RunResult:
    """Outputs of the last call; ``seconds`` is the mean time of a call, set-up not included.

    ``timeline`` holds every call's events where it was profiled, else it is None. ``function`` and
    ``device`` name what ran where, several devices with commas between; ``inputs`` are the
    arguments as they were given, ``calls`` how often it was called.
    """

    outputs: tuple[Value, ...]
    timeline: Timeline | None = field(repr=False)
    seconds: float = field(repr=False)
    function: str
    device: str
    inputs: tuple[Any, ...] = field(repr=False, default=())
    calls: int = 1


def run(
    program: Program | Trace,
    function: str | None = None,
    *arrays: Any,
    device: Devices = "llvm-cpu",
    profile: bool = False,
    repeat: int = 1,
    progress: Callable[[int], None] | None = None,
    stop: threading.Event | None = None,
) -> RunResult:
    """Loads a program on a device, calls ``function`` (the only one, if None) and unloads it.

    A program that uses several devices at once is given a list of them: see ``Context``.

    State of globals starts anew with every ``run`` and persists over its ``repeat`` calls; keep a
    ``Context`` to call more often. ``progress`` is told after each call how many are done. Once
    another thread sets ``stop`` no further call is made, and the result is of those that were.
    """
    loaded = program if isinstance(program, Program) else program.program
    function = loaded.function(function).name  # before a device is opened
    with Context(loaded, device) as context:
        profiler = Profiler(context.devices) if profile else None
        outputs: tuple[Value, ...] = ()
        calls = 0
        start = perf_counter()
        try:
            while calls < max(repeat, 1):
                outputs = context.invoke(function, *arrays)
                calls += 1
                if progress is not None:
                    progress(calls)
                if stop is not None and stop.is_set():
                    break
        finally:
            seconds = (perf_counter() - start) / max(calls, 1)
            timeline = None if profiler is None else profiler.end()
        devices = ", ".join(device.id for device in context.devices)
    return RunResult(outputs, timeline, seconds, function, devices, arrays, calls)
