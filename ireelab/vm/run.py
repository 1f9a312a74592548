"""Runs a function of a program once or several times, profiled where asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ireelab.hal.timeline import Timeline
from ireelab.program import Program
from ireelab.vm.abi import Value
from ireelab.vm.context import Context

if TYPE_CHECKING:
    from ireelab.hal.device import Device
    from ireelab.pipeline.trace import Trace


@dataclass(frozen=True)
class RunResult:
    """Outputs of the last call; ``seconds`` is the mean time of a call, set-up not included.

    ``timeline`` holds every call's events where it was profiled, else it is None. ``function`` and
    ``device`` name what ran where.
    """

    outputs: tuple[Value, ...]
    timeline: Timeline | None = field(repr=False)
    seconds: float = field(repr=False)
    function: str
    device: str


def run(
    program: Program | Trace,
    function: str | None = None,
    *arrays: Any,
    device: str | Device = "llvm-cpu",
    profile: bool = False,
    repeat: int = 1,
) -> RunResult:
    """Loads a program on a device, calls ``function`` (the only one, if None) and unloads it.

    State of globals starts anew with every ``run`` and persists over its ``repeat`` calls; keep a
    ``Context`` to call more often.
    """
    loaded = program if isinstance(program, Program) else program.program
    function = loaded.function(function).name  # before a device is opened
    with Context(loaded, device) as context:
        if profile:
            context.device.begin_profiling()
        outputs: tuple[Value, ...] = ()
        start = perf_counter()
        try:
            for _ in range(max(repeat, 1)):
                outputs = context.invoke(function, *arrays)
        finally:
            seconds = (perf_counter() - start) / max(repeat, 1)
            events = context.device.end_profiling() if profile else ()
        device_id = context.device.id
        timeline = (
            Timeline(events, overhead_ns=context.device.profiling_overhead_ns())
            if profile
            else None
        )
    return RunResult(outputs, timeline, seconds, function, device_id)
