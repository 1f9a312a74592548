"""What commands of a schedule took on a device, from the events of a run."""

from __future__ import annotations

from collections.abc import Sequence

from ireelab.hal.timeline import Timeline


def command_times(
    entry_points: Sequence[str], timeline: Timeline | None
) -> tuple[float | None, ...]:
    """Mean nanoseconds of the runs of each command, told by its entry point; None without any.

    Events of an entry point belong to its commands in turn, so that a program called several times
    gives each command one event a call.
    """
    places: dict[str, list[int]] = {}
    for index, entry_point in enumerate(entry_points):
        if entry_point:
            places.setdefault(entry_point, []).append(index)
    found: list[list[int]] = [[] for _ in entry_points]
    seen: dict[str, int] = {}
    for event in timeline.events if timeline is not None else ():
        peers = places.get(event.entry_point)
        if peers is None or event.kind != "dispatch":
            continue
        nth = seen[event.entry_point] = seen.get(event.entry_point, -1) + 1
        found[peers[nth % len(peers)]].append(event.duration_ns)
    return tuple(sum(times) / len(times) if times else None for times in found)


def longest_chain(
    weights: Sequence[float], edges: Sequence[tuple[int, int]]
) -> tuple[tuple[int, ...], float]:
    """The dependent commands that take longest, and how long; edges go to later positions."""
    into: dict[int, list[int]] = {position: [] for position in range(len(weights))}
    for first, second in edges:
        if first < second:
            into[second].append(first)
    best: list[float] = []
    before: list[int] = []
    for position, weight in enumerate(weights):
        previous = max(into[position], key=lambda i: best[i], default=-1)
        before.append(previous)
        best.append(weight + (best[previous] if previous >= 0 else 0.0))
    if not best:
        return (), 0.0
    at = max(range(len(best)), key=best.__getitem__)
    path, weight = [at], best[at]
    while (at := before[at]) >= 0:
        path.append(at)
    return tuple(reversed(path)), weight
