"""A run of the perceptron whose timeline is the same on every machine."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import ireelab as il
from ireelab.hal.timeline import Event, Lane, Timeline


@dataclasses.dataclass(frozen=True)
class FakeRun:
    """A run with a timeline that is the same on every machine."""

    timeline: Timeline
    function: str = "mlp"
    device: str = "llvm-cpu"
    outputs: tuple[Any, ...] = ()
    seconds: float = 3e-5


def entry_points(trace: il.Trace) -> list[tuple[str, str]]:
    """(executable, entry point) of every dispatch, as the Stream level names them."""
    return list(dict.fromkeys(re.findall(r"dispatch @(\w+)::@(\w+)", trace.ir(stream_step(trace)))))


def stream_step(trace: il.Trace) -> int:
    """The last step on Stream level that ran on the whole module."""
    return max(s.index for s in trace.steps if s.phase == "stream" and len(s.scope) == 1)


def fake_events(trace: il.Trace) -> list[Event]:
    events = [
        Event("@mlp", "call", "host", -1, 0, 30_000),
        Event("await", "wait", "host", -1, 4_000, 29_000),
    ]
    start = 5_000
    for executable, entry_point in entry_points(trace):
        end = start + 6_000
        lanes = (Lane(0, start, end, 1), Lane(1, start + 100, end - 100, 1))
        events.append(
            Event(
                entry_point, "dispatch", "queue 0", 0, start, end, (2, 1, 1), 40_000, executable,
                entry_point, ("mlp.mlir:4:8",), 0, len(events), 0, lanes,
            )
        )  # fmt: skip
        events.append(Event("barrier", "barrier", "queue 0", 0, end, end + 200))
        start = end + 400
    return events


def event_of(chosen: dict[str, Any]) -> int:
    """The number of the event that a selection is about."""
    kind, number = chosen["item"].split(":")
    assert kind == "event"
    return int(number)
