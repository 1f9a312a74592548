"""Allocations of Stream-level IR as plain records: packs, single buffers, globals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ireelab.viz.amount import Amount
from ireelab.viz.mlir_walk import ValueReader, devices_of, functions, lifetime, walk
from ireelab.viz.stream_origin import Origins

_ALLOCATING = (
    "stream.resource.alloca",
    "stream.resource.alloc",
    "stream.resource.try_map",
    "stream.tensor.import",
)
_ALIGNMENT = re.compile(r"min_buffer_range_alignment\s*=\s*(\d+)")
_GLOBAL_TYPE = re.compile(r"!stream\.resource<(\w+)>")


@dataclass(frozen=True, slots=True)
class PackedValue:
    """A result of ``stream.resource.pack``: the offset of one slice, not yet decided."""

    name: str  # "%9#1"
    symbol: str  # what amounts call it: "main/%9#1"
    size: Amount
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Pack:
    """One ``stream.resource.pack``. ``alignment_bytes`` is None where the IR does not say."""

    function: str
    name: str
    total: str  # the symbol of the total length
    alignment_bytes: int | None
    values: tuple[PackedValue, ...]


@dataclass(frozen=True, slots=True)
class Buffer:
    """One allocated, mapped or imported resource. ``size_bytes`` is None when dynamic."""

    id: str
    function: str
    origin: str  # "alloca" (pooled, in stream order), "alloc", "try_map" or "import"
    lifetime: str
    devices: tuple[str, ...]  # that use it, as its affinity says
    size_bytes: int | None

    def to_json(self) -> dict[str, object]:
        return {
            "id": self.id,
            "function": self.function,
            "origin": self.origin,
            "lifetime": self.lifetime,
            "devices": list(self.devices),
            "size_bytes": self.size_bytes,
        }


@dataclass(frozen=True, slots=True)
class GlobalResource:
    """A global that holds a resource: a packed pool of constants, or a variable.

    ``size_bytes`` is that of the largest buffer ever stored, None when dynamic.
    """

    name: str
    lifetime: str
    size_bytes: int | None

    def to_json(self) -> dict[str, object]:
        return {"name": self.name, "lifetime": self.lifetime, "size_bytes": self.size_bytes}


@dataclass(frozen=True, slots=True)
class MemoryProgram:
    """Everything a module allocates, in program order."""

    packs: tuple[Pack, ...]
    buffers: tuple[Buffer, ...]
    globals: tuple[GlobalResource, ...]


def read_memory(module: Any, new_names: Any) -> MemoryProgram:
    """Read a live module; ``new_names`` makes an ``ir.AsmState`` for an op."""
    packs: list[Pack] = []
    buffers: list[Buffer] = []
    stored: dict[str, list[Amount | None]] = {}
    for name, function in functions(module):
        values = ValueReader(name, function, new_names(function.operation))
        origins = Origins(function, values)
        for op in walk(function):
            kind = str(op.operation.name)
            if kind == "stream.resource.pack":
                packs.append(_pack(name, op, values))
            elif kind in _ALLOCATING:
                buffers.extend(_buffers(name, op, values))
            elif kind == "util.global.store" and lifetime(op.operation.operands[0]):
                target = op.operation.attributes["global"].value
                stored.setdefault(target, []).append(origins.size(op.operation.operands[0]))
    return MemoryProgram(tuple(packs), tuple(buffers), tuple(_globals(module, stored)))


def _pack(function: str, op: Any, values: ValueReader) -> Pack:
    view: Any = op.operation.opview
    intervals = [int(bound.value) for bound in view.lifetime_intervals]
    packed = tuple(
        PackedValue(
            name=values.name(offset),
            symbol=f"{function}/{values.name(offset)}",
            size=values.amount(size),
            start=start,
            end=end,
        )
        for offset, size, start, end in zip(
            view.packed_offsets,
            view.dynamic_slice_sizes,
            intervals[::2],
            intervals[1::2],
            strict=True,
        )
    )
    total = values.name(view.total_length)
    return Pack(function, total.split("#")[0], f"{function}/{total}", _alignment(op), packed)


def _alignment(op: Any) -> int | None:
    """From the nearest ``stream.resources`` attribute; the bindings do not open it."""
    parent: Any = op.operation
    while parent is not None:
        if "stream.resources" in parent.attributes:
            match = _ALIGNMENT.search(str(parent.attributes["stream.resources"]))
            return int(match[1]) if match else None
        parent = parent.parent.operation if parent.parent is not None else None
    return None


def _buffers(function: str, op: Any, values: ValueReader) -> Iterator[Buffer]:
    view: Any = op.operation.opview
    size = view.storage_size if hasattr(view, "storage_size") else view.result_size
    for result in op.operation.results:
        scope = lifetime(result)
        if scope is not None:
            yield Buffer(
                id=f"{function}/{values.name(result)}",
                function=function,
                origin=str(op.operation.name).rsplit(".", 1)[1],
                lifetime=scope,
                devices=devices_of(view.affinity),
                size_bytes=values.constant(size),
            )


def _globals(module: Any, stored: dict[str, list[Amount | None]]) -> Iterator[GlobalResource]:
    for op in module.body.operations:
        if str(op.operation.name) != "util.global":
            continue
        match = _GLOBAL_TYPE.fullmatch(str(op.operation.attributes["type"].value))
        if match is None:
            continue
        name = op.operation.attributes["sym_name"].value
        sizes = [size.known if size else None for size in stored.get(name, ())]
        known = [size for size in sizes if size is not None]
        size_bytes = max(known) if known and len(known) == len(sizes) else None
        yield GlobalResource(name, match[1], size_bytes)
