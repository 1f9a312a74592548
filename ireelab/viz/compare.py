"""``il.compare``: two or more traces, runs or models of one kind beside each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast, overload

from ireelab.errors import InvalidInput
from ireelab.hal.timeline import Timeline
from ireelab.pipeline.trace import Trace
from ireelab.viz.allocation import Allocation
from ireelab.viz.barrier_model import Barriers
from ireelab.viz.compare_models import compare_allocations, compare_barriers, compare_streams
from ireelab.viz.compare_programs import compare_executables, compare_vm
from ireelab.viz.compare_runs import compare_runs
from ireelab.viz.compare_traces import Compared, Side
from ireelab.viz.comparison import Comparison
from ireelab.viz.executables import Executables
from ireelab.viz.payload import Run
from ireelab.viz.stream_graph import StreamGraph
from ireelab.viz.timeline import Profiled, TimelineModel, timeline
from ireelab.viz.vm_listing import VmListing

_KINDS: tuple[tuple[type[Any], Callable[[Any, tuple[str, ...]], Comparison]], ...] = (
    (StreamGraph, compare_streams),
    (Allocation, compare_allocations),
    (Barriers, compare_barriers),
    (Executables, compare_executables),
    (VmListing, compare_vm),
    (TimelineModel, compare_runs),
)

Model = StreamGraph | Allocation | Barriers | Executables | VmListing | TimelineModel


@overload
def compare(*sides: Trace | tuple[Trace, Run | None], labels: Sequence[str] = ()) -> Compared: ...
@overload
def compare(*sides: Model | Profiled | Timeline, labels: Sequence[str] = ()) -> Comparison: ...
def compare(*sides: Any, labels: Sequence[str] = ()) -> Compared | Comparison:
    """Hold further traces, runs or models against the first.

    Args:
        sides: two or more of one kind: traces, or ``(trace, result)`` pairs; profiled results;
            stream graphs, allocations, barriers, executables, VM listings or timelines.
        labels: what the sides are called; A, B, C and so on where there are none.

    Returns:
        Of traces a ``Compared``: steps aligned, where they part, and every model of them compared
        when asked for. Of models a ``Comparison``: totals, and tables of their parts.

    Raises:
        InvalidInput: fewer than two, of several kinds, of a kind that nothing compares, or labels
            that are not one each.
    """
    if len(sides) < 2:
        raise InvalidInput("compare takes two or more traces, results or models of one kind")
    named = tuple(labels) or tuple(chr(ord("A") + i) for i in range(len(sides)))
    if len(named) != len(sides) or len(set(named)) != len(named):
        raise InvalidInput(f"{len(sides)} sides need {len(sides)} different labels, not {named}")
    traced = [_traced(side) for side in sides]
    if all(side is not None for side in traced):
        return Compared(named, tuple(side for side in traced if side is not None))
    models = [_model(side) for side in sides]
    for kind, make in _KINDS:
        if all(isinstance(model, kind) for model in models):
            return make(models, named)
    kinds = ", ".join(dict.fromkeys(type(side).__name__ for side in sides))
    known = ", ".join(kind.__name__ for kind, _ in _KINDS)
    raise InvalidInput(f"compare takes traces, results, or one of {known}; these are {kinds}")


def _traced(side: object) -> Side | None:
    if isinstance(side, Trace):
        return Side(side)
    pair = cast("tuple[object, ...]", side) if isinstance(side, tuple) else ()
    if len(pair) == 2 and isinstance(pair[0], Trace):
        return Side(pair[0], cast("Run | None", pair[1]))
    return None


def _model(side: Any) -> object:
    """A result is compared as its timeline."""
    profiled = isinstance(side, Timeline) or hasattr(side, "timeline")
    return timeline(side) if profiled and not isinstance(side, TimelineModel) else side
