"""HAL- or VM-level host code -> what it records and what it submits, with fences and buffers.

In the HAL dialect these are ``hal.command_buffer.*`` and ``hal.device.queue.*`` ops, in the VM
dialect calls of imports with the same names, whose arguments are flat: ``host_calls`` reads both
as one kind of call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ireelab.viz.access import Access, ByteRange
from ireelab.viz.amount import Amount
from ireelab.viz.command_buffer_ir import Recording, read_recorded
from ireelab.viz.host_calls import Binding, HostCall, host_call
from ireelab.viz.mlir_walk import ValueReader, branch_inputs, functions, walk
from ireelab.viz.recorded_calls import record_call

_QUEUE = "hal.device.queue."
_LOADS = frozenset({"util.global.load", "vm.global.load.ref"})
_STORES = frozenset({"util.global.store", "vm.global.store.ref"})
_RETURNS = frozenset({"util.return", "vm.return"})
_NULLS = frozenset({"util.null", "vm.const.ref.zero"})
_CALLS = frozenset({"util.call", "vm.call"})
_ONE_SHOT = 1  # a bit of IREE's CommandBufferModeBitfield
_READS = {"copy": 0, "write": 0}  # kind -> which of its ranges it reads


@dataclass(frozen=True, slots=True)
class QueueOperation:
    """One thing the host asks of a queue, or waits for.

    ``kind`` is alloca, dealloca, execute, fill, copy, update, read, write, barrier or await (the
    host blocks). ``waits`` and ``signals`` name fences, joins taken apart; ``after`` are the
    operations that signal what it waits for, as positions in the module's list. ``recording`` is
    the command buffer that an execute submits, None where the IR does not say.
    """

    function: str
    kind: str
    device: str  # the global that holds it, "" where it comes from elsewhere
    affinity: int | None
    waits: tuple[str, ...]
    signals: tuple[str, ...]
    after: tuple[int, ...]
    recording: int | None
    resource: str  # of an alloca or dealloca
    size_bytes: int | None  # of an alloca
    bindings: tuple[Access, ...]  # slots of an execute in order; their mode is "rw"
    accesses: tuple[Access, ...]  # of a fill, copy, ...


@dataclass(frozen=True, slots=True)
class HostProgram:
    """All recordings and queue operations of a module in the order of the text."""

    recordings: tuple[Recording, ...]
    operations: tuple[QueueOperation, ...]


def read_host(module: Any, new_names: Any, modes: Mapping[str, tuple[str, ...]]) -> HostProgram:
    """Read a live module; ``new_names`` makes an ``ir.AsmState`` for an op.

    ``modes`` gives, for an entry point, the access of each of its bindings; a binding of an
    unknown entry point is taken to be read and written.
    """
    found = [
        (name, function, new_names(function.operation)) for name, function in functions(module)
    ]
    readers = {name: ValueReader(name, function, names) for name, function, names in found}
    links = _Links([(name, function) for name, function, _ in found])
    recordings = _Recordings(modes)
    operations: list[QueueOperation] = []
    for name, function, _ in found:
        for op in walk(function):
            recordings.add(name, op, readers[name])
    for name, function, _ in found:
        reader = _QueueReader(name, function, readers[name], links, recordings.numbers)
        operations.extend(reader.read(len(operations)))
    return HostProgram(tuple(recordings.all), tuple(operations))


class _Recordings:
    """Command buffers, by the value that stands for each."""

    def __init__(self, modes: Mapping[str, tuple[str, ...]]) -> None:
        self.all: list[Recording] = []
        self.numbers: dict[Any, int] = {}
        self._modes = modes
        self._blocks: dict[int, set[int]] = {}

    def add(self, function: str, op: Any, values: ValueReader) -> None:
        call = host_call(op)
        if call is not None and call.name == "hal.command_buffer.create":
            modes = call.constant("modes", values)
            self.numbers[op.operation.results[0]] = len(self.all)
            device = _device(call.values.get("device"))
            self.all.append(Recording(function, device, bool((modes or 0) & _ONE_SHOT)))
            return
        number = next((self.numbers[v] for v in op.operation.operands if v in self.numbers), None)
        if number is None:
            return
        read = record_call if str(op.operation.name).startswith("vm.") else read_recorded
        item = read(op, values, self._modes)
        if item is None:
            return
        self.all[number].items.append(item)
        blocks = self._blocks.setdefault(number, set())
        blocks.add(hash(op.operation.block))
        self.all[number].straight = len(blocks) == 1


class _Links:
    """Where values of references come from, across functions and globals."""

    def __init__(self, found: Sequence[tuple[str, Any]]) -> None:
        self._stored: dict[str, list[Any]] = {}
        self._returned: dict[str, list[Any]] = {}
        self._incoming: dict[Any, list[Any]] = {}
        for name, function in found:
            self._incoming.update(branch_inputs(function))
            for op in walk(function):
                kind = str(op.operation.name)
                if kind in _STORES:
                    self._stored.setdefault(_global(op), []).append(op.operation.operands[0])
                elif kind in _RETURNS:
                    self._returned.setdefault(name, []).extend(op.operation.operands)

    def sources(self, value: Any) -> Iterator[Any]:
        """The values it may be, itself included, nearest first."""
        todo, seen = [value], set[Any]()
        while todo:
            now = todo.pop(0)
            if now in seen:
                continue
            seen.add(now)
            yield now
            todo.extend(self._before(now))

    def _before(self, value: Any) -> list[Any]:
        kind = str(getattr(value.owner, "name", ""))
        if not kind:  # A block argument is owned by a block.
            return self._incoming.get(value, [])
        if kind in _LOADS:
            return self._stored.get(_global(value.owner), [])
        if kind in _CALLS:
            return self._returned.get(value.owner.attributes["callee"].value, [])
        if kind in ("arith.select", "vm.select.ref"):
            return list(value.owner.operands)[1:]
        return []


@dataclass
class _QueueReader:
    """Queue operations of one function."""

    name: str
    function: Any
    values: ValueReader
    links: _Links
    recordings: Mapping[Any, int]

    def read(self, first: int) -> Iterator[QueueOperation]:
        signaled: dict[Any, int] = {}  # fence -> the operation that signals it
        number = first
        for op in walk(self.function):
            call = host_call(op)
            if call is None or not (call.name.startswith(_QUEUE) or call.name == "hal.fence.await"):
                continue
            if call.name == f"{_QUEUE}flush":
                continue
            yield self._operation(call, op, signaled)
            for fence in self._fences(call.values.get("signal_fence")):
                signaled[fence] = number
            number += 1

    def _operation(self, call: HostCall, op: Any, signaled: Mapping[Any, int]) -> QueueOperation:
        kind = call.name.removeprefix(_QUEUE).removesuffix(".indirect")
        waits = self._fences(call.values.get("wait_fence"))
        if call.name == "hal.fence.await":
            kind, waits = "await", [f for value in call.fences for f in self._fences(value)]
        buffer = op.operation.results[0] if kind == "alloca" else call.values.get("buffer")
        return QueueOperation(
            function=self.name,
            kind=kind,
            device=_device(call.values.get("device")),
            affinity=call.constant("queue_affinity", self.values),
            waits=tuple(map(self.values.name, waits)),
            signals=tuple(map(self.values.name, self._fences(call.values.get("signal_fence")))),
            after=tuple(sorted({signaled[fence] for fence in waits if fence in signaled})),
            recording=self._recording(call.values.get("command_buffer")),
            resource=self._access(Binding(buffer, None, None), "rw").resource if buffer else "",
            size_bytes=call.constant("result_size", self.values),
            bindings=tuple(self._access(binding, "rw") for binding in call.bindings),
            accesses=tuple(self._touched(kind, call)),
        )

    def _touched(self, kind: str, call: HostCall) -> Iterator[Access]:
        for position, binding in enumerate(call.ranges):
            yield self._access(binding, "ro" if _READS.get(kind) == position else "wo")

    def _fences(self, value: Any) -> list[Any]:
        """The fences that make up one, joins taken apart, null ones left out."""
        if value is None or str(getattr(value.owner, "name", "")) in _NULLS:
            return []
        call = host_call(value.owner) if hasattr(value.owner, "opview") else None
        if call is not None and call.name == "hal.fence.join":
            return [fence for part in call.fences for fence in self._fences(part)]
        return [value]

    def _recording(self, value: Any) -> int | None:
        if value is None:
            return None
        return next(
            (self.recordings[v] for v in self.links.sources(value) if v in self.recordings), None
        )

    def _access(self, binding: Binding, mode: str) -> Access:
        """Of the buffer behind views and spans, by its global where it was loaded from one."""
        value, offset = binding.buffer, self._amount(binding.offset)
        while (
            call := host_call(value.owner) if hasattr(value.owner, "opview") else None
        ) is not None:
            if call.name != "hal.buffer.subspan":
                break
            offset = offset + self._amount(call.values["source_offset"])
            value = call.values["source_buffer"]
        load = str(getattr(value.owner, "name", "")) in _LOADS
        key = f"@{_global(value.owner)}" if load else f"{self.name}/{self.values.name(value)}"
        return Access(key, mode, ByteRange(offset, self._amount(binding.length)))

    def _amount(self, value: Any) -> Amount:
        return Amount(0) if value is None else self.values.amount(value)


def _device(value: Any) -> str:
    if value is None or str(getattr(value.owner, "name", "")) not in _LOADS:
        return ""
    return _global(value.owner)


def _global(op: Any) -> str:
    return op.operation.attributes["global"].value
