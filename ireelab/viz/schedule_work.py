"""What the simulator schedules: the commands of one function, what orders them, what they hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ireelab.errors import InvalidInput, IreelabError
from ireelab.pipeline.trace import Trace
from ireelab.viz.allocation import Allocation, Slice, allocation
from ireelab.viz.barriers import barriers
from ireelab.viz.hazards import Hazard
from ireelab.viz.stream_graph import StreamGraph
from ireelab.viz.stream_ir import Command


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One command. Positions are within ``Workload.items``, ``command`` is the graph's index.

    ``data`` are the items whose results it reads or overwrites in place; ``reuse`` those it waits
    for only because it writes bytes of a slab that held something else before. ``state`` says
    that it touches a variable, which invocations share.
    """

    command: int
    name: str
    kind: str
    execution: int  # position in ``Workload.executions``
    wave: int
    workgroups: int | None  # None: known only at run time, or not compiled that far
    bytes: int  # that it reads and writes, as far as known
    data: tuple[int, ...]
    reuse: tuple[int, ...]
    state: bool


@dataclass(frozen=True, slots=True)
class Value:
    """Transient bytes, alive from the start of its first user to the end of its last."""

    name: str
    size_bytes: int | None  # None: known only at run time
    users: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Workload:
    """One function's commands in program order; ``executions`` lists the earlier ones awaited."""

    function: str
    items: tuple[WorkItem, ...]
    executions: tuple[tuple[int, ...], ...]
    values: tuple[Value, ...]
    slab_bytes: int | None  # what the compiled program allocates for them; None: at run time
    trace: Trace | None

    @property
    def unsized(self) -> int:
        """Values whose size is known only at run time: they are missing from all sums."""
        return sum(value.size_bytes is None for value in self.values)


def workload(graph: StreamGraph, function: str | None = None) -> Workload:
    """Read one function; by default the one with the most commands.

    Raises:
        InvalidInput: no such function, or nothing runs on a device.
    """
    trace = graph.trace
    name = _function(graph, function)
    memory = None if trace is None else allocation(trace)
    slices = _slices(graph, memory)
    members = [e.index for e in graph.executions if e.function == name]
    commands = [c for c in graph.commands if c.execution in members]
    position = {command.index: at for at, command in enumerate(commands)}
    data, reuse = _orders(graph.edges, position, slices)
    counts = {} if trace is None else _workgroups(graph, trace)
    executions = {index: at for at, index in enumerate(members)}
    variables = {r.id for r in graph.resources if r.lifetime == "variable" and r.id[0] == "@"}
    return Workload(
        function=name,
        items=tuple(
            WorkItem(
                command=command.index,
                name=command.name,
                kind=command.kind,
                execution=executions[command.execution],
                wave=command.wave,
                workgroups=counts.get(command.index) if command.kind == "dispatch" else 1,
                bytes=_bytes(command),
                data=tuple(sorted(data.get(at, ()))),
                reuse=tuple(sorted(reuse.get(at, set[int]()) - data.get(at, set[int]()))),
                state=any(access.resource in variables for access in command.accesses),
            )
            for at, command in enumerate(commands)
        ),
        executions=tuple(
            tuple(executions[a] for a in graph.executions[index].after if a < index)
            for index in members
        ),
        values=tuple(_values(graph, slices, position)),
        slab_bytes=_slab_bytes(memory, name),
        trace=trace,
    )


def _function(graph: StreamGraph, wanted: str | None) -> str:
    functions = {e.index: e.function for e in graph.executions}
    counts: dict[str, int] = {}
    for command in graph.commands:
        counts[functions[command.execution]] = counts.get(functions[command.execution], 0) + 1
    if not counts:
        raise InvalidInput("nothing to simulate: the program has no commands for a device")
    if wanted is None:
        return max(counts, key=lambda name: counts[name])
    name = function_named(graph, wanted)
    if name is None:
        raise InvalidInput(
            f"function {wanted!r} has no commands for a device; these have: {', '.join(counts)}"
        )
    return name


def function_named(graph: StreamGraph, name: str) -> str | None:
    """The function itself, or what IREE calls the body of an export that it wrapped."""
    functions = {execution.function for execution in graph.executions}
    return next((one for one in (name, f"_{name}") if one in functions), None)


def _slices(graph: StreamGraph, memory: Allocation | None) -> tuple[Slice, ...]:
    """The packed slices, where their ``uses`` number the commands of this very graph."""
    slices = () if memory is None else memory.slices
    for piece in slices:
        if piece.uses and (
            piece.uses[-1] >= len(graph.commands)
            or graph.commands[piece.uses[0]].name != piece.defined_by
            or graph.commands[piece.uses[-1]].name != piece.last_used_by
        ):
            return ()
    return slices


def _orders(
    edges: Iterable[Hazard], position: Mapping[int, int], slices: Iterable[Slice]
) -> tuple[dict[int, set[int]], dict[int, set[int]]]:
    """Who waits for whom: for data, and for bytes that were reused.

    Two commands that meet in a slice share a value; where they share bytes and no slice, packing
    put one value where another had been. RAW is data in either case.
    """
    together: dict[int, set[int]] = {}
    for number, piece in enumerate(slices):
        for use in piece.uses:
            together.setdefault(use, set()).add(number)
    data: dict[int, set[int]] = {}
    reuse: dict[int, set[int]] = {}
    for edge in edges:
        if edge.first not in position or edge.second not in position:
            continue
        known = edge.first in together and edge.second in together
        apart = known and together[edge.first].isdisjoint(together[edge.second])
        kind = reuse if apart and edge.kind != "RAW" else data
        kind.setdefault(position[edge.second], set()).add(position[edge.first])
    return data, reuse


def _workgroups(graph: StreamGraph, trace: Trace) -> dict[int, int]:
    """Workgroups of each dispatch, from the command buffer that records its execution."""
    try:
        buffers = barriers(trace).command_buffers
    except IreelabError:  # not compiled as far as HAL
        return {}
    found: dict[int, int] = {}
    for buffer in buffers:
        dispatches = [
            c for c in graph.commands if c.execution == buffer.execution and c.kind == "dispatch"
        ]
        recorded = [c for c in buffer.commands if c.kind == "dispatch"]
        if [c.name for c in dispatches] != [c.name for c in recorded]:
            continue
        for command, record in zip(dispatches, recorded, strict=True):
            total = 1
            for count in record.workgroups:
                total = 0 if count is None else total * count
            if total:
                found[command.index] = total
    return found


def _bytes(command: Command) -> int:
    ranges = [access.range.known for access in command.accesses]
    return sum(end - start for start, end in filter(None, ranges))


def _values(
    graph: StreamGraph, slices: Iterable[Slice], position: Mapping[int, int]
) -> Iterable[Value]:
    """Packed slices, and transient resources that no slice is part of."""
    packed: set[str] = set()
    for piece in slices:
        users = tuple(position[use] for use in piece.uses if use in position)
        if users:
            yield Value(piece.name, piece.size_bytes, users)
            touched = [{a.resource for a in graph.commands[use].accesses} for use in piece.uses]
            packed.update(set[str].intersection(*touched))
    for resource in graph.resources:
        if resource.lifetime != "transient" or resource.id in packed:
            continue
        users = tuple(
            at
            for index, at in position.items()
            if any(a.resource == resource.id for a in graph.commands[index].accesses)
        )
        if users:
            yield Value(resource.id, resource.size_bytes, users)


def _slab_bytes(memory: Allocation | None, function: str) -> int | None:
    if memory is None:
        return None
    sizes = [slab.size_bytes for slab in memory.transient_slabs if slab.function == function]
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None
