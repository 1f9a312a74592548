"""How memory is shared over time: slabs, the slices packed into them, and what that wastes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ireelab.pipeline.session import value_names
from ireelab.pipeline.trace import Trace
from ireelab.viz.memory_over_time import (
    MemoryOverTime,
    MemorySample,
    observed,
    read_over_time,
)
from ireelab.viz.pack_ir import (
    Buffer,
    GlobalResource,
    MemoryProgram,
    Pack,
    PackedValue,
    read_memory,
)
from ireelab.viz.slice_layout import SliceLayout, symbols_of
from ireelab.viz.steps import before, last_stream_step, layout_steps
from ireelab.viz.stream_ir import Command, read_stream_program
from ireelab.viz.text_table import html_table, text_table
from ireelab.viz.timeline import Profiled

DEFAULT_ALIGNMENT_BYTES = 64
"""IREE's alignment of offsets and sizes where no flag or resource configuration sets one."""

_ALIGNMENT_FLAG = re.compile(r"--iree-stream-resource-min-offset-alignment=(\d+)")
_NO_TIME = MemoryOverTime(0, (), ())
_HEADINGS = ("slab", "slice", "offset", "size", "from", "to", "defined by", "last used by")


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a slab, for a while. Bytes are None where known only at run time.

    ``start`` and ``end`` are points in the order of the slab's execution, both inclusive: two
    slices whose intervals meet may not share a byte. ``size_bytes`` is the aligned size, what
    packing must place; ``requested_bytes`` what the program needs. ``uses`` are indices into
    the commands of the module that was packed.
    """

    slab: int
    name: str
    offset_bytes: int | None
    size_bytes: int | None
    requested_bytes: int | None
    start: int
    end: int
    defined_by: str  # name of the first command that uses it, empty if none does
    last_used_by: str
    uses: tuple[int, ...]
    in_place: tuple[int, ...] = ()  # those of ``uses`` that read it and write it

    def to_json(self) -> dict[str, object]:
        return {
            "slab": self.slab,
            "name": self.name,
            "offset_bytes": self.offset_bytes,
            "size_bytes": self.size_bytes,
            "requested_bytes": self.requested_bytes,
            "start": self.start,
            "end": self.end,
            "defined_by": self.defined_by,
            "last_used_by": self.last_used_by,
            "uses": list(self.uses),
            "in_place": list(self.in_place),
            "dynamic": self.size_bytes is None or self.offset_bytes is None,
        }


@dataclass(frozen=True, slots=True)
class Slab:
    """One allocation.

    ``packed`` slabs hold slices; others hold a single value and are their own lower bound.
    Besides the transient slab of an execution there are external (results), variable, constant
    and staging ones. ``devices`` use it: more than one where it crosses from one to another.
    ``lower_bound_bytes`` is the largest sum of slices that live at once.
    """

    index: int
    function: str
    resource: str
    lifetime: str
    devices: tuple[str, ...]
    packed: bool
    alignment_bytes: int
    size_bytes: int | None
    lower_bound_bytes: int | None
    executions: tuple[int, ...] = ()  # that touch it, as numbered by the stream graph

    @property
    def scope(self) -> str:
        """The lifetime; of a transient one also whether it outlives a command buffer."""
        if self.lifetime != "transient" or not self.executions:
            return self.lifetime
        several = len(self.executions) > 1
        return f"transient {'across command buffers' if several else 'in a command buffer'}"

    @property
    def waste_bytes(self) -> int | None:
        """Bytes above the lower bound, None when dynamic."""
        if self.size_bytes is None or self.lower_bound_bytes is None:
            return None
        return self.size_bytes - self.lower_bound_bytes

    def to_json(self) -> dict[str, object]:
        return {
            "index": self.index,
            "function": self.function,
            "resource": self.resource,
            "lifetime": self.lifetime,
            "devices": list(self.devices),
            "scope": self.scope,
            "executions": list(self.executions),
            "packed": self.packed,
            "alignment_bytes": self.alignment_bytes,
            "size_bytes": self.size_bytes,
            "lower_bound_bytes": self.lower_bound_bytes,
            "waste_bytes": self.waste_bytes,
            "dynamic": self.size_bytes is None,
        }


@dataclass(frozen=True, slots=True)
class Allocation:
    """The memory of a program, over all functions.

    ``buffers`` lists every allocation, slabs included, mapped constants and imported arguments.
    """

    step: int  # whose IR the offsets were read from
    slabs: tuple[Slab, ...]
    slices: tuple[Slice, ...]
    buffers: tuple[Buffer, ...]
    globals: tuple[GlobalResource, ...]
    over_time: MemoryOverTime = _NO_TIME
    observed: tuple[MemorySample, ...] = ()  # of a run; empty without one
    trace: Trace | None = field(default=None, compare=False, repr=False)  # it was read from
    run: Profiled | None = field(default=None, compare=False, repr=False)  # times come from

    @property
    def dynamic(self) -> bool:
        """Whether some transient slab's size is known only at run time."""
        return any(slab.size_bytes is None for slab in self.transient_slabs)

    @property
    def transient_slabs(self) -> tuple[Slab, ...]:
        """The slabs that live within one call."""
        return tuple(slab for slab in self.slabs if slab.lifetime == "transient")

    @property
    def transient_bytes(self) -> int | None:
        """All transient slabs together; None when one is dynamic."""
        return _total(slab.size_bytes for slab in self.transient_slabs)

    @property
    def lower_bound_bytes(self) -> int | None:
        """The same with every slab at its lower bound; None when one is dynamic."""
        return _total(slab.lower_bound_bytes for slab in self.transient_slabs)

    @property
    def waste_bytes(self) -> int | None:
        """``transient_bytes - lower_bound_bytes``; None when dynamic."""
        return _total(slab.waste_bytes for slab in self.transient_slabs)

    def by_lifetime(self) -> dict[str, int | None]:
        """Bytes of all buffers of each lifetime; None where one of them is dynamic."""
        lifetimes = sorted({buffer.lifetime for buffer in self.buffers})
        return {
            scope: _total(b.size_bytes for b in self.buffers if b.lifetime == scope)
            for scope in lifetimes
        }

    def to_json(self) -> dict[str, object]:
        """The plan for JSON: sums, ``slabs``, ``slices``, ``buffers``, ``globals``.

        Bytes known only at run time are null, with ``"dynamic": true`` beside them;
        ``known_transient_bytes`` sums the slabs that are not.
        """
        return {
            "step": self.step,
            "transient_bytes": self.transient_bytes,
            "known_transient_bytes": sum(s.size_bytes or 0 for s in self.transient_slabs),
            "lower_bound_bytes": self.lower_bound_bytes,
            "waste_bytes": self.waste_bytes,
            "dynamic": self.dynamic,
            "by_lifetime": self.by_lifetime(),
            "slabs": [slab.to_json() for slab in self.slabs],
            "slices": [piece.to_json() for piece in self.slices],
            "buffers": [buffer.to_json() for buffer in self.buffers],
            "globals": [item.to_json() for item in self.globals],
            "over_time": self.over_time.to_json(),
            "observed": [[sample.event, sample.at_ns, sample.bytes] for sample in self.observed],
        }

    def _rows(self) -> list[tuple[object, ...]]:
        return [
            (
                piece.slab,
                piece.name,
                piece.offset_bytes,
                piece.size_bytes,
                piece.start,
                piece.end,
                piece.defined_by,
                piece.last_used_by,
            )
            for piece in self.slices
        ]

    def _summary(self) -> str:
        count = len(self.transient_slabs)
        if not count:
            return "Allocation: no transient memory"
        slabs = f"{count} transient slab{'s' if count > 1 else ''}"
        if self.dynamic:
            known = sum(slab.size_bytes or 0 for slab in self.transient_slabs)
            return f"Allocation: {slabs}, {known:,} B and what is known only at run time"
        return (
            f"Allocation: {slabs}, {self.transient_bytes:,} B, "
            f"lower bound {self.lower_bound_bytes:,} B, {self.waste_bytes:,} B wasted"
        )

    def __str__(self) -> str:
        return f"{self._summary()}\n{text_table(_HEADINGS, self._rows())}"

    def _repr_html_(self) -> str:
        return html_table(self._summary(), _HEADINGS, self._rows())


def allocation(trace: Trace, *, run: Profiled | None = None) -> Allocation:
    """Read the memory plan: lifetimes before IREE's slice layout, offsets after it.

    ``run`` is a profiled run, for the memory that it was observed to use.

    Raises:
        CompileError: the trace has no stream phase.
    """
    plan = _plan(trace)
    seen = () if run is None or run.timeline is None else observed(run.timeline)
    return replace(plan, over_time=_over_time(trace), observed=seen, trace=trace, run=run)


def _over_time(trace: Trace) -> MemoryOverTime:
    module = trace.module(last_stream_step(trace))
    memory = read_memory(module, value_names)
    return read_over_time(module, value_names, memory.buffers, memory.globals)


def _plan(trace: Trace) -> Allocation:
    steps = list(layout_steps(trace))
    if not steps:
        step = last_stream_step(trace)
        module = trace.module(step)
        memory = read_memory(module, value_names)
        users = read_stream_program(module, value_names).users()
        single = tuple(_single_slabs(memory, (), 0, users))
        return Allocation(step.index, single, (), memory.buffers, memory.globals)
    module = trace.module(before(trace, steps[0]))
    packs = read_memory(module, value_names).packs
    undecided = read_stream_program(module, value_names)
    layout = SliceLayout(trace, steps, undecided)
    default = _default_alignment(trace.flags)
    slabs: list[Slab] = []
    slices: list[Slice] = []
    for index, pack in enumerate(packs):
        alignment = pack.alignment_bytes or default
        parts = [_slice(index, value, alignment, layout) for value in pack.values]
        slabs.append(_packed_slab(index, pack, alignment, parts, layout))
        slices.extend(parts)
    packed = {slab.resource for slab in slabs}
    slabs.extend(_single_slabs(layout.memory, packed, len(slabs), layout.users))
    memory = layout.memory
    return Allocation(steps[-1].index, tuple(slabs), tuple(slices), memory.buffers, memory.globals)


def lower_bound(slices: Iterable[tuple[int, int, int]]) -> int:
    """The most bytes live at once, for ``(start, end, size_bytes)`` with inclusive ends."""
    changes: dict[int, int] = {}
    for start, end, size_bytes in slices:
        changes[start] = changes.get(start, 0) + size_bytes
        changes[end + 1] = changes.get(end + 1, 0) - size_bytes
    live = most = 0
    for _, change in sorted(changes.items()):
        live += change
        most = max(most, live)
    return most


def _default_alignment(flags: Sequence[str]) -> int:
    matches = [match for flag in flags if (match := _ALIGNMENT_FLAG.fullmatch(flag))]
    return int(matches[-1][1]) if matches else DEFAULT_ALIGNMENT_BYTES


def _slice(slab: int, value: PackedValue, alignment: int, layout: SliceLayout) -> Slice:
    uses = layout.uses(value.symbol)
    place = layout.place(value.symbol)
    return Slice(
        slab=slab,
        name=value.name,
        offset_bytes=place[1].known if place else None,
        size_bytes=value.size.align(alignment).known,
        requested_bytes=value.size.known,
        start=value.start,
        end=value.end,
        defined_by=uses[0].name if uses else "",
        last_used_by=uses[-1].name if uses else "",
        uses=tuple(command.index for command in uses),
        in_place=tuple(command.index for command in uses if _in_place(command, value.symbol)),
    )


def _in_place(command: Command, symbol: str) -> bool:
    """Whether a command reads and writes bytes of the slice at this offset."""
    touched = [a for a in command.accesses if symbol in symbols_of(a)]
    return any(access.reads for access in touched) and any(access.writes for access in touched)


def _packed_slab(
    index: int, pack: Pack, alignment: int, slices: Sequence[Slice], layout: SliceLayout
) -> Slab:
    places = (layout.place(value.symbol) for value in pack.values)
    resource = next((place[0] for place in places if place), f"{pack.function}/{pack.name}")
    buffer = layout.slab(resource)
    sizes = [(piece.start, piece.end, piece.size_bytes) for piece in slices]
    known = [(start, end, size) for start, end, size in sizes if size is not None]
    return Slab(
        index=index,
        function=pack.function,
        resource=resource,
        lifetime=buffer.lifetime if buffer else "transient",
        devices=buffer.devices if buffer else (),
        packed=True,
        alignment_bytes=alignment,
        size_bytes=buffer.size_bytes if buffer else None,
        lower_bound_bytes=lower_bound(known) if len(known) == len(sizes) else None,
        executions=layout.users.get(resource, ()),
    )


def _single_slabs(
    memory: MemoryProgram,
    packed: Iterable[str],
    first: int,
    users: Mapping[str, tuple[int, ...]],
) -> Iterator[Slab]:
    """Allocations of one value, numbered from ``first``."""
    taken = set(packed)
    made = (buffer for buffer in memory.buffers if buffer.origin in ("alloca", "alloc"))
    single = (buffer for buffer in made if buffer.id not in taken)
    for index, buffer in enumerate(single, first):
        yield Slab(
            index=index,
            function=buffer.function,
            resource=buffer.id,
            lifetime=buffer.lifetime,
            devices=buffer.devices,
            packed=False,
            alignment_bytes=1,
            size_bytes=buffer.size_bytes,
            lower_bound_bytes=buffer.size_bytes,
            executions=users.get(buffer.id, ()),
        )


def _total(sizes: Iterable[int | None]) -> int | None:
    known: list[int] = []
    for size in sizes:
        if size is None:
            return None
        known.append(size)
    return sum(known)
