"""Which hazards barriers separate, which barriers can go, and how few would do."""

from __future__ import annotations

from collections.abc import Sequence

from ireelab.viz.access import Access
from ireelab.viz.barrier_model import Barrier
from ireelab.viz.command_buffer_ir import RecordedBarrier
from ireelab.viz.hazards import Hazard, find_hazards


def judge(
    stages: Sequence[str],
    accesses: Sequence[Sequence[Access]],
    emitted: Sequence[tuple[int, RecordedBarrier]],
) -> tuple[tuple[Hazard, ...], tuple[Barrier, ...], tuple[int, ...], int]:
    """Hazards, barriers, positions of hazards not separated, and the fewest barriers needed.

    Args:
        stages: the stage each command runs in.
        accesses: what each command touches.
        emitted: barriers with the number of commands before them, in order.
    """
    hazards = find_hazards(accesses)
    crossing = [
        [
            at
            for at, (position, barrier) in enumerate(emitted)
            if hazard.first < position <= hazard.second
            and stages[hazard.first] in barrier.source_stages
            and stages[hazard.second] in barrier.target_stages
        ]
        for hazard in hazards
    ]
    kept = _fewest(hazards, crossing)
    guards: list[list[int]] = [[] for _ in emitted]
    for position, crossed in enumerate(crossing):
        for at in crossed:
            guards[at].append(position)
    judged = tuple(
        Barrier(
            position,
            tuple(sorted(barrier.source_stages)),
            tuple(sorted(barrier.target_stages)),
            tuple(guards[at]),
            at not in kept,
        )
        for at, (position, barrier) in enumerate(emitted)
    )
    open_hazards = tuple(position for position, crossed in enumerate(crossing) if not crossed)
    return hazards, judged, open_hazards, fewest_barriers(hazards)


def fewest_barriers(hazards: Sequence[Hazard]) -> int:
    """The fewest full barriers that separate all hazards.

    A hazard is an interval of gaps between commands; the fewest points that hit all intervals
    are found by taking them by their end and putting a point there when none hits one yet.
    """
    count, last = 0, -1  # ``last`` is the command right after the newest barrier
    for hazard in sorted(hazards, key=lambda hazard: hazard.second):
        if hazard.first >= last:
            count, last = count + 1, hazard.second
    return count


def _fewest(hazards: Sequence[Hazard], crossing: Sequence[Sequence[int]]) -> frozenset[int]:
    """Emitted barriers to keep: for each hazard not yet separated, the last that does."""
    kept: set[int] = set()
    order = sorted(range(len(hazards)), key=lambda position: max(crossing[position], default=-1))
    for position in order:
        crossed = crossing[position]
        if crossed and kept.isdisjoint(crossed):
            kept.add(crossed[-1])
    return frozenset(kept)
