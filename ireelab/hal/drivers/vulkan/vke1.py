"""IREE's Vulkan executables: a 64-byte header and a FlatBuffer.

Mirrors ``runtime/src/iree/schemas/vulkan_executable_def.fbs``. Every read is checked, so that a
corrupt file ends in ExecutableMismatch.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ireelab.errors import ExecutableMismatch

MAGIC = b"VKE1"
HEADER_BYTES = 64
ABI_DESCRIPTORS, ABI_ADDRESSES = 0, 1


@dataclass(frozen=True, slots=True)
class LayoutBinding:
    """One binding of a descriptor set layout; ``type`` and ``stages`` are Vulkan's numbers."""

    binding: int
    type: int
    count: int
    stages: int


@dataclass(frozen=True, slots=True)
class PushRange:
    stages: int
    offset_bytes: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class PipelineLayout:
    sets: tuple[int, ...]  # ordinals of set layouts
    push_ranges: tuple[PushRange, ...]


@dataclass(frozen=True, slots=True)
class AddressLayout:
    """How a kernel of the buffer-device-address ABI gets its bindings and constants."""

    version: int
    root_offset_bytes: int
    root_size_bytes: int
    constants_offset_bytes: int
    constant_count: int
    entry_type: int
    binding_count: int


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One entry point. ``subgroup_size`` is 0 where the compiler asks for none."""

    module: int
    entry_point: str
    layout: int
    subgroup_size: int
    abi: int
    addresses: AddressLayout
    name: str
    location: str


@dataclass(frozen=True, slots=True)
class ExecutableDef:
    pipelines: tuple[Pipeline, ...]
    set_layouts: tuple[tuple[LayoutBinding, ...], ...]
    layouts: tuple[PipelineLayout, ...]
    modules: tuple[bytes, ...]


def parse(data: bytes | memoryview) -> ExecutableDef:
    """Decode an executable; ExecutableMismatch for anything that is not one."""
    view = memoryview(data)
    if bytes(view[:4]) != MAGIC or len(view) < HEADER_BYTES:
        raise ExecutableMismatch(
            "the executable is not one of IREE's Vulkan executables (no VKE1 header); compile the "
            "program with --iree-hal-target-device=vulkan and IREE 3.13"
        )
    (size,) = struct.unpack_from("<Q", view, 8)
    try:
        return _executable(_root(view[HEADER_BYTES : HEADER_BYTES + size]))
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise ExecutableMismatch(f"the Vulkan executable is corrupt ({error})") from error


def with_module(data: bytes, ordinal: int, code: bytes) -> bytes:
    """The executable with other words for one SPIR-V module.

    They go to the end, where the module's table then points: offsets in a FlatBuffer are positive.
    """
    (size,) = struct.unpack_from("<Q", data, 8)
    body = bytearray(data[HEADER_BYTES : HEADER_BYTES + size])
    body.extend(bytes(-len(body) % 16))
    vector = len(body)
    body.extend(struct.pack("<I", len(code) // 4) + code)
    table = _root(memoryview(body)).tables(3)[ordinal]
    struct.pack_into("<I", body, table.place(0), vector - table.place(0))
    header = bytearray(data[:HEADER_BYTES])
    struct.pack_into("<Q", header, 8, len(body))
    return bytes(header + body)


def _executable(root: _Table) -> ExecutableDef:
    found = ExecutableDef(
        pipelines=tuple(_pipeline(table) for table in root.tables(0)),
        set_layouts=tuple(
            tuple(LayoutBinding(*(b.integer(i) for i in range(4))) for b in layout.tables(0))
            for layout in root.tables(1)
        ),
        layouts=tuple(
            PipelineLayout(
                tuple(ordinal for (ordinal,) in layout.structs(0, "<I")),
                tuple(PushRange(*fields) for fields in layout.structs(1, "<III")),
            )
            for layout in root.tables(2)
        ),
        modules=tuple(module.data(0, 4) for module in root.tables(3)),
    )
    for pipeline in found.pipelines:
        # An IndexError here is a corrupt file.
        _ = found.modules[pipeline.module]
        for ordinal in found.layouts[pipeline.layout].sets:
            _ = found.set_layouts[ordinal]
    return found


def _pipeline(table: _Table) -> Pipeline:
    debug = table.table(4)
    place = debug.table(1) if debug is not None else None
    entry_point = table.string(1)
    addresses = table.table(6)
    return Pipeline(
        module=table.integer(0),
        entry_point=entry_point,
        layout=table.integer(2),
        subgroup_size=table.integer(3),
        abi=table.integer(5, "<B"),
        addresses=_addresses(addresses) if addresses is not None else _NO_ADDRESSES,
        name=(debug.string(0) if debug is not None else "") or entry_point,
        location=f"{place.string(0)}:{place.integer(1)}" if place is not None else "",
    )


def _addresses(table: _Table) -> AddressLayout:
    return AddressLayout(
        version=table.integer(0, default=1),
        root_offset_bytes=table.integer(1),
        root_size_bytes=table.integer(2, default=32),
        constants_offset_bytes=table.integer(3, default=32),
        constant_count=table.integer(4),
        entry_type=table.integer(5, "<B"),
        binding_count=table.integer(6),
    )


_NO_ADDRESSES = AddressLayout(0, 0, 0, 0, 0, 0, 0)


class _Table:
    """One FlatBuffer table; fields are named by their index in the schema."""

    def __init__(self, data: memoryview, position: int) -> None:
        self._data = data
        self._position = position
        self._vtable = position - self._unpack("<i", position)
        self._vtable_bytes = self._unpack("<H", self._vtable)

    def integer(self, field: int, layout: str = "<I", default: int = 0) -> int:
        at = self._field(field)
        return self._unpack(layout, at) if at else default

    def place(self, field: int) -> int:
        """Where a field that is set lies."""
        at = self._field(field)
        assert at
        return at

    def string(self, field: int) -> str:
        return self.data(field, 1).decode()

    def table(self, field: int) -> _Table | None:
        at = self._field(field)
        return _Table(self._data, at + self._unpack("<I", at)) if at else None

    def tables(self, field: int) -> list[_Table]:
        start, count = self._vector(field)
        places = [start + 4 * i for i in range(count)]
        return [_Table(self._data, at + self._unpack("<I", at)) for at in places]

    def structs(self, field: int, layout: str) -> list[tuple[int, ...]]:
        start, count = self._vector(field)
        size = struct.calcsize(layout)
        return [struct.unpack_from(layout, self._data, start + size * i) for i in range(count)]

    def data(self, field: int, item_bytes: int) -> bytes:
        """A vector of scalars as bytes."""
        start, count = self._vector(field)
        if start + count * item_bytes > len(self._data):
            raise IndexError("a vector reaches past the end")
        return bytes(self._data[start : start + count * item_bytes])

    def _vector(self, field: int) -> tuple[int, int]:
        at = self._field(field)
        if not at:
            return 0, 0
        start = at + self._unpack("<I", at)
        count = self._unpack("<I", start)
        if count > len(self._data):
            raise IndexError("a vector reaches past the end")
        return start + 4, count

    def _field(self, field: int) -> int:
        at = 4 + 2 * field
        if at >= self._vtable_bytes:
            return 0
        offset = self._unpack("<H", self._vtable + at)
        return self._position + offset if offset else 0

    def _unpack(self, layout: str, at: int) -> int:
        if at < 0:
            raise IndexError("an offset points before the start")
        return int(struct.unpack_from(layout, self._data, at)[0])


def _root(data: memoryview) -> _Table:
    return _Table(data, int(struct.unpack_from("<I", data, 0)[0]))
