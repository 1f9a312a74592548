"""Profiled runs beside each other: by entry point, and event by event."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from ireelab.hal.timeline import HOST_KINDS, Event
from ireelab.viz.comparison import (
    Comparison,
    Part,
    PartTable,
    first_of,
    members,
    pair_up,
    quantity,
)
from ireelab.viz.timeline import Aggregate, TimelineModel


def compare_runs(runs: Sequence[TimelineModel], labels: tuple[str, ...]) -> Comparison:
    """Times of all, of each entry point or kind of command, and of each pair of events.

    Events pair by what they run, in order of time: the third dispatch of a kernel with the third.
    One run each says little about speed: see the spread that repeats have.
    """
    device = [list(run.aggregates) for run in runs]
    rows = pair_up([[_aggregate_key(a) for a in side] for side in device])
    totals = (
        quantity("span", "ns", [run.span_ns for run in runs]),
        quantity("busy", "ns", [sum(q.busy_ns for q in run.queues) for run in runs]),
        quantity("commands", "ns", [sum(a.total_ns for a in side) for side in device]),
        quantity("events", "", [len(run.timeline.events) for run in runs]),
        quantity("dispatches", "", [_dispatches(side) for side in device]),
        quantity("overhead per dispatch", "ns", [run.overhead_ns for run in runs]),
    )
    sides = [run.timeline.events for run in runs]
    events = pair_events(sides)
    entry_points = tuple(_aggregate_part(members(device, row), row) for row in rows)
    pairs = tuple(_event_part(members(sides, row), row) for row in events)
    tables = PartTable("entry points", entry_points), PartTable("events", pairs, listed=False)
    return Comparison("run", labels, totals, tables, tuple(runs))


def pair_events(sides: Sequence[Sequence[Event]]) -> list[tuple[int | None, ...]]:
    """Events that did the same, by index; None where a side has none."""
    return pair_up([[_event_key(event) for event in side] for side in sides])


def _event_key(event: Event) -> Hashable:
    """What an event does. Names of queues and numbers of command buffers are a device's own."""
    if event.entry_point:
        return event.kind, event.entry_point
    return event.kind, event.name if event.kind == "call" else "", event.kind in HOST_KINDS


def _aggregate_key(aggregate: Aggregate) -> Hashable:
    return aggregate.kind, aggregate.entry_point


def _dispatches(aggregates: Sequence[Aggregate]) -> int:
    return sum(a.count for a in aggregates if a.kind == "dispatch")


def _aggregate_part(found: Sequence[Aggregate | None], row: tuple[int | None, ...]) -> Part:
    return Part(
        first_of(found).entry_point,
        row,
        (
            quantity("count", "", [None if a is None else a.count for a in found]),
            quantity("total", "ns", [None if a is None else a.total_ns for a in found]),
            quantity("mean", "ns", [None if a is None else a.mean_ns for a in found]),
            quantity("fastest", "ns", [None if a is None else a.min_ns for a in found]),
        ),
    )


def _event_part(events: Sequence[Event | None], row: tuple[int | None, ...]) -> Part:
    times = [None if event is None else event.duration_ns for event in events]
    return Part(first_of(events).name, row, (quantity("time", "ns", times),))
