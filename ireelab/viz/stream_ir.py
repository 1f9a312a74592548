"""Stream-level IR -> executions, commands and resources, as plain records.

Reads ``stream.cmd.*`` (after ``iree-stream-schedule-allocation``) and ``stream.async.*`` alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ireelab.viz.access import Access, ByteRange
from ireelab.viz.amount import Amount
from ireelab.viz.binding_types import binding_types
from ireelab.viz.mlir_walk import ValueReader, devices_of, functions, lifetime, symbol_path, walk
from ireelab.viz.stream_access import is_command, read_accesses
from ireelab.viz.stream_origin import Origins

_EXECUTE = ("stream.cmd.execute", "stream.async.execute")
_KINDS = {
    "splat": "fill",
    "clone": "copy",
    "slice": "copy",
    "update": "copy",
    "transfer": "copy",
}


@dataclass(frozen=True, slots=True)
class Resource:
    """One buffer. ``size_bytes`` is None where it is known only at run time."""

    id: str  # "main/%result_0"; "@counter" for what a global holds
    function: str
    lifetime: str  # "transient", "external", "variable", "constant", "staging", "*" (undecided)
    size_bytes: int | None

    def to_json(self) -> dict[str, object]:
        return {
            "id": self.id,
            "function": self.function,
            "lifetime": self.lifetime,
            "size_bytes": self.size_bytes,
        }


@dataclass(frozen=True, slots=True)
class Command:
    """One device operation. ``executable`` and ``entry_point`` are empty but for dispatches.

    ``workload`` and ``operands`` (values passed besides the resources) are None where they are
    not integer constants.
    """

    index: int
    execution: int
    wave: int
    kind: str  # "dispatch", "copy", "fill", "flush", "invalidate", "discard", "call", ...
    name: str  # the entry point of a dispatch, else the kind
    executable: str
    entry_point: str
    workload: tuple[int | None, ...]
    operands: tuple[int | None, ...]
    accesses: tuple[Access, ...]
    types: tuple[str, ...] = ()  # of the accesses of a dispatch: "128x512xf32", "" where unknown

    def to_json(self) -> dict[str, object]:
        """Everything; ``reads`` and ``writes`` list the same accesses by direction."""
        types = self.types or ("",) * len(self.accesses)
        typed = [
            (access, access.to_json() | {"type": type_})
            for access, type_ in zip(self.accesses, types, strict=True)
        ]
        return {
            "index": self.index,
            "execution": self.execution,
            "wave": self.wave,
            "kind": self.kind,
            "name": self.name,
            "executable": self.executable,
            "entry_point": self.entry_point,
            "workload": list(self.workload),
            "operands": list(self.operands),
            "reads": [record for access, record in typed if access.reads],
            "writes": [record for access, record in typed if access.writes],
        }


@dataclass(frozen=True, slots=True)
class Execution:
    """One ``stream.*.execute``: work submitted as a whole once its timepoints are reached.

    ``awaits`` names the awaited timepoints, joins taken apart. ``after`` lists the executions
    those timepoints come from; one that is not earlier belongs to the previous loop iteration.
    """

    index: int
    function: str
    affinity: str
    devices: tuple[str, ...]  # that the affinity names
    once: bool
    awaits: tuple[str, ...]
    after: tuple[int, ...]
    waves: tuple[tuple[int, ...], ...]  # command indices that may run at once
    timepoint: str = ""  # what is reached when it has ended; "" where nothing can wait for it

    def to_json(self) -> dict[str, object]:
        return {
            "index": self.index,
            "function": self.function,
            "affinity": self.affinity,
            "devices": list(self.devices),
            "once": self.once,
            "awaits": list(self.awaits),
            "after": list(self.after),
            "waves": [list(wave) for wave in self.waves],
            "timepoint": self.timepoint,
        }


@dataclass(frozen=True, slots=True)
class StreamProgram:
    """All executions of a module. Commands are numbered through, in program order.

    ``exact`` is False where ranges are those of whole bindings: commands of one wave may then seem
    to touch the same bytes.
    """

    executions: tuple[Execution, ...]
    commands: tuple[Command, ...]
    resources: tuple[Resource, ...]
    exact: bool = True

    def users(self) -> dict[str, tuple[int, ...]]:
        """Resource -> the executions that touch it."""
        found: dict[str, dict[int, None]] = {}
        for command in self.commands:
            for access in command.accesses:
                found.setdefault(access.resource, {})[command.execution] = None
        return {resource: tuple(executions) for resource, executions in found.items()}

    def of_execution(self, index: int) -> tuple[Command, ...]:
        """The commands of one execution, in order."""
        return tuple(c for c in self.commands if c.execution == index)


def read_stream_program(module: Any, new_names: Any) -> StreamProgram:
    """Read a live module; ``new_names`` makes an ``ir.AsmState`` for an op."""
    reader = _ProgramReader(binding_types(module))
    for name, function in functions(module):
        reader.read_function(
            name, function, ValueReader(name, function, new_names(function.operation))
        )
    return StreamProgram(
        tuple(reader.executions), tuple(reader.commands), tuple(reader.resources.values())
    )


class _ProgramReader:
    """Collects records over the functions of a module."""

    def __init__(self, bindings: Mapping[str, tuple[str, ...]]) -> None:
        self._bindings = bindings
        self.executions: list[Execution] = []
        self.commands: list[Command] = []
        self.resources: dict[str, Resource] = {}

    def read_function(self, name: str, function: Any, values: ValueReader) -> None:
        """Executions in order; commands outside any form a last one, not yet scheduled."""
        origins = Origins(function, values)
        first = len(self.executions)
        executes: dict[Any, int] = {}
        outside: list[Any] = []
        for op in _schedule(function):
            if str(op.operation.name) in _EXECUTE:
                executes[op.operation] = first + len(executes)
            else:
                outside.append(op)
        for op, index in executes.items():
            self._read_execution(name, op, index, origins, values, executes)
        if outside:
            waves = self._read_waves(name, len(self.executions), outside, origins, values)
            self.executions.append(
                Execution(len(self.executions), name, "", (), False, (), (), waves)
            )

    def _read_execution(
        self,
        function: str,
        op: Any,
        index: int,
        origins: Origins,
        values: ValueReader,
        executes: dict[Any, int],
    ) -> None:
        view: Any = op.opview
        awaited = origins.awaited(view.await_timepoint)
        body = list(view.body.blocks[0].operations)
        waves = self._read_waves(function, index, body, origins, values)
        after = {executes[e] for e in origins.producers(op, executes)}
        self.executions.append(
            Execution(
                index,
                function,
                str(view.affinity) if view.affinity else "",
                devices_of(view.affinity),
                "once" in op.attributes,
                tuple(values.name(timepoint) for timepoint in awaited),
                tuple(sorted(after)),
                waves,
                values.name(list(op.operation.results)[-1]),
            )
        )

    def _read_waves(
        self, function: str, execution: int, body: list[Any], origins: Origins, values: ValueReader
    ) -> tuple[tuple[int, ...], ...]:
        """An op at the top of the body is a wave; so is a concurrent group as a whole."""
        waves: list[tuple[int, ...]] = []
        for op in body:
            start = len(self.commands)
            for command in (op, *walk(op)):
                if is_command(str(command.operation.name)):
                    self._read_command(function, command, execution, len(waves), origins, values)
            if len(self.commands) > start:
                waves.append(tuple(range(start, len(self.commands))))
        return tuple(waves)

    def _read_command(
        self,
        function: str,
        op: Any,
        execution: int,
        wave: int,
        origins: Origins,
        values: ValueReader,
    ) -> None:
        view: Any = op.operation.opview
        verb = str(op.operation.name).split(".", 2)[2]
        kind = _KINDS.get(verb, verb)
        executable, entry_point = "", ""
        if kind == "dispatch":
            path = symbol_path(view.entry_points[0])
            executable, entry_point = path[0], path[-1]
        elif kind == "call":
            entry_point = view.callee.value
        accesses = tuple(
            self._access(function, use.value, use.mode, use.range, use.size, origins, values)
            for use in read_accesses(view, values)
        )
        self.commands.append(
            Command(
                index=len(self.commands),
                execution=execution,
                wave=wave,
                kind=kind,
                name=entry_point or kind,
                executable=executable,
                entry_point=entry_point,
                workload=values.constants(view.workload) if kind == "dispatch" else (),
                operands=_operands(view, kind, values),
                accesses=accesses,
                types=self._types(entry_point, len(accesses)),
            )
        )

    def _types(self, entry_point: str, count: int) -> tuple[str, ...]:
        """Of its bindings in order, where there is one for each access."""
        types = self._bindings.get(entry_point, ())
        return types if len(types) == count else ()

    def _access(
        self,
        function: str,
        value: Any,
        mode: str,
        touched: ByteRange,
        size: Amount,
        origins: Origins,
        values: ValueReader,
    ) -> Access:
        root = origins.resource(value)
        key = f"@{root.symbol}" if root.symbol else f"{function}/{values.name(root.value)}"
        if key not in self.resources:
            size_bytes = None if root.offset.known != 0 else size.known
            whole = origins.size(root.value)
            if whole is not None:
                size_bytes = whole.known
            self.resources[key] = Resource(key, function, lifetime(root.value) or "*", size_bytes)
        return Access(key, mode, ByteRange(touched.offset + root.offset, touched.length))


def _schedule(function: Any) -> Iterator[Any]:
    """Executions, and commands that stand outside of any, in order."""
    for op in function.regions[0].blocks:
        for nested in op.operations:
            yield from _scheduled(nested)


def _scheduled(op: Any) -> Iterator[Any]:
    name = str(op.operation.name)
    if name in _EXECUTE or is_command(name):
        yield op
        return
    if name in ("stream.async.concurrent", "stream.cmd.concurrent"):
        yield op
        return
    for region in op.regions:
        for block in region.blocks:
            for nested in block.operations:
                yield from _scheduled(nested)


def _operands(view: Any, kind: str, values: ValueReader) -> tuple[int | None, ...]:
    """Constants a dispatch gets besides its resources; the pattern of a fill."""
    if kind == "fill":
        return (values.constant(view.value),)
    if kind != "dispatch":
        return ()
    if hasattr(view, "uniform_operands"):
        return values.constants(view.uniform_operands)
    return tuple(
        values.constant(operand) for operand in view.resource_operands if lifetime(operand) is None
    )
