"""How long commands take: measured in a profile, given by the user, or assumed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import cast

from ireelab.errors import InvalidInput
from ireelab.hal.timeline import HOST_KINDS, Event, Timeline
from ireelab.viz.schedule_work import WorkItem, Workload
from ireelab.viz.timeline import Profiled

Times = (
    Timeline | Profiled | Mapping[str, float] | Mapping[int, float] | float
    | Callable[[WorkItem], float] | None
)  # fmt: skip
"""A run, or its timeline; nanoseconds by entry point or by command; of every command; a function
of the command; or None: assume."""

ASSUMED_WORKGROUP_NS = 1000
ASSUMED_BYTES_PER_NS = 4
"""Without times a workgroup takes 1 µs and its share of the command's bytes at 4 GB/s. Made up."""

_MOST_ROUNDS = 64
_UNTIMED = frozenset({"flush", "invalidate", "discard"})  # they are recorded as nothing


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a command takes, and how that is known: "measured", "given" or "assumed".

    ``workgroup_ns`` is what one workgroup takes on one unit. Where only the time of the whole
    command is known, it is taken to have had the device to itself: ``alone_ns``.
    """

    source: str
    workgroups: int
    workgroup_ns: float | None = None
    alone_ns: float = 0.0

    def pieces(self, units: int) -> tuple[int, int]:
        """Pieces that the command falls into on a device of ``units``, and ns of each.

        A piece is a workgroup, or several where there are more than 64 for each unit.
        """
        count = min(self.workgroups, _MOST_ROUNDS * units)
        if self.workgroup_ns is None:
            return count, round(self.alone_ns / -(-count // units))
        return count, round(self.workgroup_ns * self.workgroups / count)

    def alone_on(self, units: int) -> int:
        """Nanoseconds with a device of ``units`` to itself."""
        count, piece_ns = self.pieces(units)
        return -(-count // units) * piece_ns


@dataclass(frozen=True, slots=True)
class Measured:
    """What a profile says of the whole: ``invocations`` is 0 where calls cannot be told apart."""

    units: int  # workers at a command, on average; 0 where the profile names none, as on a GPU
    barrier_ns: float  # median time between two commands with a barrier between them
    invocations: int
    span_ns: float | None  # from an invocation's first command to its last, the median of all


def timings(work: Workload, times: Times) -> tuple[Timing, ...]:
    """The timing of each item; what a profile or a mapping leaves out is assumed.

    Raises:
        InvalidInput: a time that is negative, or ``times`` is nothing of the kind.
    """
    timeline = timeline_of(times)
    if timeline is not None:
        return _measured(work, timeline)
    return tuple(_given(item, times) for item in work.items)


def timeline_of(times: Times) -> Timeline | None:
    """The profile behind ``times``, None where they are no run.

    Raises:
        InvalidInput: the run was not profiled.
    """
    if isinstance(times, Timeline):
        return times
    if not hasattr(times, "timeline"):
        return None
    timeline = cast(Profiled, times).timeline
    if timeline is None:
        raise InvalidInput("this run has no timeline: run with profile=True")
    return timeline


def measured(work: Workload, timeline: Timeline) -> Measured:
    """The whole of a profile beside what is simulated from its parts."""
    commands = _commands(timeline)
    busy_ns = sum(_busy_ns(event) for event in commands)
    parallel = busy_ns / (sum(event.duration_ns for event in commands) or 1)
    gaps = [event.duration_ns for event in timeline.events if event.kind == "barrier"]
    timed = sum(item.kind not in _UNTIMED for item in work.items)
    invocations = len(commands) // timed if timed and len(commands) % timed == 0 else 0
    spans: list[int] = []
    for start in range(0, timed * invocations, max(timed, 1)):
        call = commands[start : start + timed]
        spans.append(max(e.end_ns for e in call) - min(e.start_ns for e in call))
    return Measured(
        units=max(round(parallel), 1) if _names_workers(timeline) else 0,
        barrier_ns=median(gaps) if gaps else 0.0,
        invocations=invocations,
        span_ns=median(spans) if spans else None,
    )


def _commands(timeline: Timeline) -> list[Event]:
    """Device commands in the order they were recorded, submission by submission."""
    events = [e for e in timeline.events if e.kind not in HOST_KINDS and e.kind != "barrier"]
    return sorted(events, key=lambda e: (e.submission, e.command) if e.submission >= 0 else (0, 0))


def _measured(work: Workload, timeline: Timeline) -> tuple[Timing, ...]:
    """The median of all calls; the n-th event of a kernel belongs to its n-th command, in turn."""
    events: dict[str, list[Event]] = {}
    for event in _commands(timeline):
        events.setdefault(event.entry_point or event.kind, []).append(event)
    peers: dict[str, list[int]] = {}
    for at, item in enumerate(work.items):
        peers.setdefault(_key(item), []).append(at)
    shared = _names_workers(timeline)
    found: list[Timing] = []
    for at, item in enumerate(work.items):
        ran = events.get(_key(item), [])
        same = peers[_key(item)]
        if len(ran) % len(same) == 0:
            ran = ran[same.index(at) :: len(same)]
        found.append(_median(item, ran, shared) if ran else _assumed(item))
    return tuple(found)


def _names_workers(timeline: Timeline) -> bool:
    """On a CPU events tell who ran them: their lanes, or where there are none one worker."""
    return any(e.lanes or e.queue.startswith("llvm-cpu") for e in timeline.events)


def _key(item: WorkItem) -> str:
    return item.name if item.kind == "dispatch" else item.kind


def _median(item: WorkItem, events: Sequence[Event], shared: bool) -> Timing:
    """Workers tell how much work there was; without them a command had the whole device."""
    counts = [x * y * z for x, y, z in (e.workgroups for e in events if e.workgroups) if x * y * z]
    workgroups = counts[0] if counts else item.workgroups or 1
    if not shared:
        alone_ns = median(event.duration_ns for event in events)
        return Timing("measured", workgroups, alone_ns=alone_ns)
    return Timing("measured", workgroups, median(map(_busy_ns, events)) / workgroups)


def _busy_ns(event: Event) -> int:
    """Of all workers together."""
    return sum(lane.end_ns - lane.start_ns for lane in event.lanes) or event.duration_ns


def _given(item: WorkItem, times: Times) -> Timing:
    if times is None:
        return _assumed(item)
    if isinstance(times, Mapping):
        by_key = cast(Mapping[object, float], times)
        value = by_key.get(item.command, by_key.get(item.name))
        if value is None:
            return _assumed(item)
    elif isinstance(times, int | float):
        value = 0.0 if item.kind in _UNTIMED else float(times)
    elif callable(times):
        value = times(item)
    else:
        raise InvalidInput(
            f"times are a run, a timeline, a number, a mapping or a function, not {times!r}"
        )
    if value < 0:
        raise InvalidInput(f"command {item.command} ({item.name}) takes {value} ns: less than none")
    return Timing("given", item.workgroups or 1, alone_ns=value)


def _assumed(item: WorkItem) -> Timing:
    workgroups = item.workgroups or 1
    if item.kind in _UNTIMED:
        return Timing("assumed", 1)
    share = item.bytes / workgroups
    return Timing("assumed", workgroups, ASSUMED_WORKGROUP_NS + share / ASSUMED_BYTES_PER_NS)
