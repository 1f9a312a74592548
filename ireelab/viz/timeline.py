"""A profile as lanes, what overlapped, what waited, and where the time went."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Protocol

from ireelab.errors import InvalidInput
from ireelab.hal.timeline import HOST_KINDS, Event, Timeline
from ireelab.viz.text_table import text_table

if TYPE_CHECKING:
    from ireelab.pipeline.trace import Trace

_MOST_GAPS = 1000
_HEADINGS = (
    "entry point",
    "count",
    "total [µs]",
    "mean [µs]",
    "min [µs]",
    "max [µs]",
    "share",
    "GB/s of bindings",
)


class Profiled(Protocol):
    """A run as ``il.run`` returns it."""

    @property
    def timeline(self) -> Timeline | None: ...


@dataclass(frozen=True, slots=True)
class Span:
    """An event, or one worker's part of it, on a lane. ``row`` separates those that overlap."""

    event: int  # index in the timeline's events
    start_ns: int
    end_ns: int
    row: int


@dataclass(frozen=True, slots=True)
class LaneModel:
    """One line of the picture: the host, a queue of a device, or a worker of a queue.

    A queue shows whole commands, its workers their parts of them. ``busy_ns`` is the time in
    which anything ran on the lane.
    """

    id: str
    kind: str  # "host", "queue" or "worker"
    label: str
    spans: tuple[Span, ...]
    rows: int
    busy_ns: int


@dataclass(frozen=True, slots=True)
class Flow:
    """A submission: the host's call, and the commands that it led to, by event.

    ``queued_ns`` is from the end of the host's call to the first command (negative: it began
    meanwhile). ``wait`` is the host's wait that ended next, -1 where none was recorded.
    """

    submission: int
    queue: str
    submit: int  # -1: not recorded
    first: int
    last: int
    commands: int
    queued_ns: int
    wait: int


@dataclass(frozen=True, slots=True)
class Aggregate:
    """All events of one entry point, or of one kind of command where there is none.

    ``share`` is of the device time of all commands. ``bytes_per_second`` counts the length of each
    binding once, and so is an upper bound where the compiler bound a whole slab, of which the
    kernel uses a part; None where no lengths are known.
    """

    entry_point: str
    kind: str
    count: int
    total_ns: int
    mean_ns: float
    min_ns: int
    max_ns: int
    share: float
    bytes: int
    bytes_per_second: float | None
    events: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """Time in which a queue ran nothing, between the events ``before`` and ``after``.

    ``reason`` is "barrier" (inside a submission), "host" (the next was not submitted yet) or
    "queue" (it was, but had not begun).
    """

    queue: str
    start_ns: int
    end_ns: int
    before: int
    after: int
    reason: str

    @property
    def duration_ns(self) -> int:
        return self.end_ns - self.start_ns


@dataclass(frozen=True, slots=True)
class QueueUse:
    """How well a queue was used, from its first command to its last.

    ``concurrency_ns[k]`` is the time in which exactly ``k`` commands ran.
    """

    queue: str
    span_ns: int
    busy_ns: int
    total_ns: int
    concurrency_ns: tuple[int, ...]

    @property
    def utilisation(self) -> float:
        """Share of the span in which anything ran."""
        return self.busy_ns / self.span_ns if self.span_ns else 0.0


@dataclass(frozen=True)
class TimelineModel:
    """What a timeline shows. Times are as in the events; ``origin_ns`` is the first."""

    origin_ns: int
    span_ns: int
    overhead_ns: int
    lanes: tuple[LaneModel, ...]
    flows: tuple[Flow, ...]
    aggregates: tuple[Aggregate, ...]
    gaps: tuple[Gap, ...]
    queues: tuple[QueueUse, ...]
    timeline: Timeline = field(repr=False, compare=False)
    trace: Trace | None = field(default=None, repr=False, compare=False)
    run: Profiled | None = field(default=None, repr=False, compare=False)

    def to_json(self) -> dict[str, object]:
        """See ``docs/json.md``; events are indices into the timeline's."""
        return {
            "origin_ns": self.origin_ns,
            "span_ns": self.span_ns,
            "overhead_ns": self.overhead_ns,
            "lanes": [asdict(lane) for lane in self.lanes],
            "flows": [asdict(flow) for flow in self.flows],
            "aggregates": [asdict(aggregate) for aggregate in self.aggregates],
            "gaps": [asdict(gap) for gap in self.gaps],
            "queues": [asdict(q) | {"utilisation": q.utilisation} for q in self.queues],
        }

    def __repr__(self) -> str:
        lines = [f"Timeline: {len(self.timeline)} events in {self.span_ns / 1e3:.1f} µs"]
        for use in self.queues:
            widest = len(use.concurrency_ns) - 1
            lines.append(
                f"{use.queue}: busy {use.busy_ns / 1e3:.1f} of {use.span_ns / 1e3:.1f} µs "
                f"({use.utilisation:.0%}), at most {widest} at once"
            )
        for gap in self.gaps[:3]:
            idle, start = gap.duration_ns / 1e3, (gap.start_ns - self.origin_ns) / 1e3
            lines.append(f"idle {idle:.1f} µs at {start:.1f} µs on {gap.queue}: {gap.reason}")
        return "\n".join((*lines, text_table(_HEADINGS, [_row(a) for a in self.aggregates])))


def timeline(source: Profiled | Timeline, *, trace: Trace | None = None) -> TimelineModel:
    """The model of a profiled run; ``trace``, what ran, links its view to the trace's others.

    Raises:
        InvalidInput: the run was not profiled.
    """
    found = source if isinstance(source, Timeline) else source.timeline
    if found is None:
        raise InvalidInput("this run has no timeline: run it again with profile=True")
    events = found.events
    return TimelineModel(
        origin_ns=found.origin_ns,
        span_ns=found.span_ns,
        overhead_ns=found.overhead_ns,
        lanes=tuple(_lanes(events)),
        flows=tuple(_flows(events)),
        aggregates=_aggregates(events),
        gaps=_gaps(events),
        queues=tuple(_queue_uses(events)),
        timeline=found,
        trace=trace,
        run=None if isinstance(source, Timeline) else source,
    )


def _on_host(event: Event) -> bool:
    return event.worker < 0 or event.kind in HOST_KINDS


def _commands(events: Sequence[Event]) -> dict[str, list[tuple[int, Event]]]:
    """Per queue the commands that do something, by start."""
    found: dict[str, list[tuple[int, Event]]] = {}
    for index, event in enumerate(events):
        if not _on_host(event) and event.kind != "barrier":
            found.setdefault(event.queue, []).append((index, event))
    return found


def _lanes(events: Sequence[Event]) -> Iterator[LaneModel]:
    spans: dict[tuple[str, str, str], list[tuple[int, int, int]]] = {}
    for index, event in enumerate(events):
        if _on_host(event):
            spans.setdefault(("host", "host", "host"), []).append(
                (index, event.start_ns, event.end_ns)
            )
            continue
        queue = "queue", f"queue:{event.queue}", event.queue
        spans.setdefault(queue, []).append((index, event.start_ns, event.end_ns))
        parts = [(lane.worker, lane.start_ns, lane.end_ns) for lane in event.lanes]
        for worker, start_ns, end_ns in parts or [(event.worker, event.start_ns, event.end_ns)]:
            if event.kind != "barrier":
                name = f"{event.queue} worker {worker}"
                spans.setdefault(("worker", f"worker:{event.queue}:{worker}", name), []).append(
                    (index, start_ns, end_ns)
                )
    order = {"host": 0, "queue": 1, "worker": 2}
    for kind, identity, label in sorted(spans, key=lambda key: (order[key[0]], key[1])):
        placed, rows = _stacked(sorted(spans[kind, identity, label], key=lambda s: s[1]))
        busy_ns = sum(end - start for start, end in _merged((s.start_ns, s.end_ns) for s in placed))
        yield LaneModel(identity, kind, label, placed, rows, busy_ns)


def _stacked(spans: list[tuple[int, int, int]]) -> tuple[tuple[Span, ...], int]:
    """Each span on the first row that is free when it starts."""
    ends: list[int] = []
    placed: list[Span] = []
    for event, start_ns, end_ns in spans:
        row = next((i for i, end in enumerate(ends) if end <= start_ns), len(ends))
        ends[row : row + 1] = [end_ns]
        placed.append(Span(event, start_ns, end_ns, row))
    return tuple(placed), len(ends)


def _merged(spans: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Spans by start -> the disjoint stretches that they cover."""
    current: tuple[int, int] | None = None
    for start, end in spans:
        if current is not None and start <= current[1]:
            current = current[0], max(current[1], end)
            continue
        if current is not None:
            yield current
        current = start, end
    if current is not None:
        yield current


def _flows(events: Sequence[Event]) -> Iterator[Flow]:
    submits = {(e.queue, e.submission): i for i, e in enumerate(events) if e.kind == "submit"}
    waits = sorted((e.end_ns, i) for i, e in enumerate(events) if e.kind == "wait")
    for queue, commands in _commands(events).items():
        groups: dict[int, list[tuple[int, Event]]] = {}
        for index, event in commands:
            if event.submission >= 0:
                groups.setdefault(event.submission, []).append((index, event))
        for submission, members in groups.items():
            first_index, first = members[0]
            last_index, last = max(members, key=lambda member: member[1].end_ns)
            submit = submits.get((queue, submission), -1)
            queued_ns = first.start_ns - events[submit].end_ns if submit >= 0 else 0
            wait = next((i for end_ns, i in waits if end_ns >= last.end_ns), -1)
            yield Flow(
                submission, queue, submit, first_index, last_index, len(members), queued_ns, wait
            )


def _aggregates(events: Sequence[Event]) -> tuple[Aggregate, ...]:
    groups: dict[tuple[str, str], list[int]] = {}
    for commands in _commands(events).values():
        for index, event in commands:
            groups.setdefault((event.entry_point or event.kind, event.kind), []).append(index)
    totals = {key: sum(events[i].duration_ns for i in found) for key, found in groups.items()}
    whole = sum(totals.values())
    return tuple(
        _aggregate(key, [events[i] for i in groups[key]], groups[key], whole)
        for key in sorted(groups, key=lambda key: -totals[key])
    )


def _aggregate(
    key: tuple[str, str], members: list[Event], indices: list[int], whole_ns: int
) -> Aggregate:
    durations = [event.duration_ns for event in members]
    total_ns, moved = sum(durations), sum(event.bytes for event in members)
    return Aggregate(
        entry_point=key[0],
        kind=key[1],
        count=len(members),
        total_ns=total_ns,
        mean_ns=total_ns / len(members),
        min_ns=min(durations),
        max_ns=max(durations),
        share=total_ns / whole_ns if whole_ns else 0.0,
        bytes=moved,
        bytes_per_second=moved / total_ns * 1e9 if moved and total_ns else None,
        events=tuple(indices),
    )


def _gaps(events: Sequence[Event]) -> tuple[Gap, ...]:
    """The longest first."""
    submits = {(e.queue, e.submission): e for e in events if e.kind == "submit"}
    found: list[Gap] = []
    for queue, commands in _commands(events).items():
        reached = commands[0]
        for index, event in commands[1:]:
            if event.start_ns > reached[1].end_ns:
                submit = submits.get((queue, event.submission))
                reason = _reason(reached[1], event, submit)
                found.append(
                    Gap(queue, reached[1].end_ns, event.start_ns, reached[0], index, reason)
                )
            if event.end_ns > reached[1].end_ns:
                reached = index, event
    return tuple(sorted(found, key=lambda gap: -gap.duration_ns)[:_MOST_GAPS])


def _reason(before: Event, after: Event, submit: Event | None) -> str:
    if before.submission == after.submission and before.submission >= 0:
        return "barrier"
    return "host" if submit is None or submit.end_ns > before.end_ns else "queue"


def _queue_uses(events: Sequence[Event]) -> Iterator[QueueUse]:
    for queue, commands in _commands(events).items():
        changes = sorted(
            change for _, e in commands for change in ((e.start_ns, 1), (e.end_ns, -1))
        )
        concurrency: dict[int, int] = {}
        running, since = 0, changes[0][0]
        for at, change in changes:
            concurrency[running] = concurrency.get(running, 0) + at - since
            running, since = running + change, at
        levels = tuple(concurrency.get(k, 0) for k in range(max(concurrency) + 1))
        span_ns = changes[-1][0] - changes[0][0]
        total_ns = sum(event.duration_ns for _, event in commands)
        yield QueueUse(queue, span_ns, span_ns - levels[0], total_ns, levels)


def _row(aggregate: Aggregate) -> tuple[object, ...]:
    rate = aggregate.bytes_per_second
    return (
        aggregate.entry_point,
        aggregate.count,
        f"{aggregate.total_ns / 1e3:.1f}",
        f"{aggregate.mean_ns / 1e3:.2f}",
        f"{aggregate.min_ns / 1e3:.2f}",
        f"{aggregate.max_ns / 1e3:.2f}",
        f"{aggregate.share:.1%}",
        "" if rate is None else f"{rate / 1e9:.2f}",
    )
