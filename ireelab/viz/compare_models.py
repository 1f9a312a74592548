"""Stream graphs, allocations and barriers beside each other."""

from __future__ import annotations

from collections.abc import Sequence

from ireelab.viz.allocation import Allocation, Slab, Slice
from ireelab.viz.barrier_model import Barriers, CommandBuffer
from ireelab.viz.comparison import (
    Comparison,
    Part,
    PartTable,
    Quantity,
    Value,
    first_of,
    members,
    pair_up,
    quantity,
)
from ireelab.viz.stream_graph import StreamGraph


def compare_streams(graphs: Sequence[StreamGraph], labels: tuple[str, ...]) -> Comparison:
    """Executions, waves, commands and edges; per entry point how often it is dispatched."""
    kinds = sorted({command.kind for graph in graphs for command in graph.commands})
    widest = [
        max((len(wave) for e in graph.executions for wave in e.waves), default=0)
        for graph in graphs
    ]
    totals = (
        quantity("executions", "", [len(graph.executions) for graph in graphs]),
        quantity("waves", "", [sum(len(e.waves) for e in g.executions) for g in graphs]),
        quantity("widest wave", "", widest),
        *(quantity(kind, "", [g.counts().get(kind, 0) for g in graphs]) for kind in kinds),
        quantity("edges", "", [len(graph.edges) for graph in graphs]),
        quantity("resources", "", [len(graph.resources) for graph in graphs]),
    )
    counts = [_dispatch_counts(graph) for graph in graphs]
    names = [list(found) for found in counts]
    parts = [
        Part(
            next(names[i][at] for i, at in enumerate(row) if at is not None),
            tuple(None if at is None else names[i][at] for i, at in enumerate(row)),
            (
                quantity(
                    "dispatches",
                    "",
                    [0 if at is None else counts[i][names[i][at]] for i, at in enumerate(row)],
                ),
            ),
        )
        for row in pair_up(names)
    ]
    table = PartTable("entry points", tuple(parts))
    return Comparison("streams", labels, totals, (table,), tuple(graphs))


def _dispatch_counts(graph: StreamGraph) -> dict[str, int]:
    counts: dict[str, int] = {}
    for command in graph.dispatches:
        counts[command.entry_point] = counts.get(command.entry_point, 0) + 1
    return counts


def compare_allocations(plans: Sequence[Allocation], labels: tuple[str, ...]) -> Comparison:
    """Peaks, lower bounds and waste; the slabs, and the slices with where they moved.

    Slabs pair by function and lifetime, in order; slices by the commands that define and last use
    them and by what they need, in order.
    """
    lifetimes = sorted({lifetime for plan in plans for lifetime in plan.by_lifetime()})
    rows = pair_up([[_slice_key(plan, piece) for piece in plan.slices] for plan in plans])
    totals = (
        quantity("transient", "B", [plan.transient_bytes for plan in plans]),
        quantity("lower bound", "B", [plan.lower_bound_bytes for plan in plans]),
        quantity("waste", "B", [plan.waste_bytes for plan in plans]),
        *(_lifetime(plans, lifetime) for lifetime in lifetimes),
        quantity("slabs", "", [len(plan.slabs) for plan in plans]),
        quantity("slices", "", [len(plan.slices) for plan in plans]),
        quantity("slices moved", "", _moved(plans, rows)),
    )
    slabs = [list(plan.slabs) for plan in plans]
    slab_rows = pair_up([[_slab_key(slab) for slab in plan] for plan in slabs])
    slices = [list(plan.slices) for plan in plans]
    return Comparison(
        "allocation",
        labels,
        totals,
        (
            PartTable("slabs", tuple(_slab_part(members(slabs, row), row) for row in slab_rows)),
            PartTable("slices", tuple(_slice_part(members(slices, row), row) for row in rows)),
        ),
        tuple(plans),
    )


def _lifetime(plans: Sequence[Allocation], lifetime: str) -> Quantity:
    held = [plan.by_lifetime().get(lifetime, 0) for plan in plans]
    return quantity(f"all {lifetime}", "B", held)


def _slab_key(slab: Slab) -> tuple[str, str, bool]:
    return slab.function, slab.lifetime, slab.packed


def _slice_key(plan: Allocation, piece: Slice) -> tuple[object, ...]:
    slab = plan.slabs[piece.slab]
    return slab.function, piece.defined_by, piece.last_used_by, piece.requested_bytes


def _moved(plans: Sequence[Allocation], rows: Sequence[tuple[int | None, ...]]) -> list[Value]:
    """Per side the slices at another offset than in the first."""
    moved: list[Value] = []
    for side, plan in enumerate(plans):
        pairs = [(row[0], row[side]) for row in rows]
        moved.append(
            sum(
                plans[0].slices[a].offset_bytes != plan.slices[b].offset_bytes
                for a, b in pairs
                if a is not None and b is not None
            )
        )
    return moved


def _slab_part(slabs: Sequence[Slab | None], row: tuple[int | None, ...]) -> Part:
    one = first_of(slabs)
    return Part(
        f"{one.lifetime} {one.function}",
        row,
        (
            quantity("size", "B", [slab and slab.size_bytes for slab in slabs]),
            quantity("lower bound", "B", [slab and slab.lower_bound_bytes for slab in slabs]),
            quantity("waste", "B", [slab and slab.waste_bytes for slab in slabs]),
        ),
    )


def _slice_part(slices: Sequence[Slice | None], row: tuple[int | None, ...]) -> Part:
    one = first_of(slices)
    return Part(
        f"{one.name} {one.defined_by}",
        row,
        (
            quantity("offset", "B", [piece and piece.offset_bytes for piece in slices]),
            quantity("size", "B", [piece and piece.size_bytes for piece in slices]),
            quantity("first step", "", [piece and piece.start for piece in slices]),
            quantity("last step", "", [piece and piece.end for piece in slices]),
        ),
    )


def compare_barriers(plans: Sequence[Barriers], labels: tuple[str, ...]) -> Comparison:
    """Barriers emitted, needed and redundant, and the hazards; the command buffers by function."""
    hazards = [sum(len(b.hazards) for b in plan.command_buffers) for plan in plans]
    totals = (
        quantity("command buffers", "", [len(plan.command_buffers) for plan in plans]),
        quantity("emitted", "", [plan.emitted for plan in plans]),
        quantity("needed", "", [plan.needed for plan in plans]),
        quantity("redundant", "", [plan.redundant for plan in plans]),
        quantity("hazards", "", hazards),
        quantity("missing", "", [len(plan.missing) for plan in plans]),
    )
    buffers = [list(plan.command_buffers) for plan in plans]
    rows = pair_up([[buffer.function for buffer in plan] for plan in buffers])
    parts = tuple(_buffer_part(members(buffers, row), row) for row in rows)
    table = PartTable("command buffers", parts)
    return Comparison("barriers", labels, totals, (table,), tuple(plans))


def _buffer_part(buffers: Sequence[CommandBuffer | None], row: tuple[int | None, ...]) -> Part:
    def count(of: str) -> list[Value]:
        return [None if buffer is None else len(getattr(buffer, of)) for buffer in buffers]

    redundant = [None if b is None else sum(x.redundant for x in b.barriers) for b in buffers]
    return Part(
        first_of(buffers).function,
        row,
        (
            quantity("commands", "", count("commands")),
            quantity("barriers", "", count("barriers")),
            quantity("needed", "", [buffer and buffer.needed for buffer in buffers]),
            quantity("redundant", "", redundant),
            quantity("hazards", "", count("hazards")),
            quantity("missing", "", count("missing")),
        ),
    )
