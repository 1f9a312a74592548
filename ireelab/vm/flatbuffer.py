"""A bounds-checked reader for the few FlatBuffer constructs a ``.vmfb`` uses.

Every read is checked against the buffer, so that a truncated or corrupt file ends in a
``ProgramError`` that says what was being read and at which byte, never in a crash, a hang or a
huge allocation. Mirrors the wire format, not the FlatBuffers API.
"""

from __future__ import annotations

import struct

from ireelab.errors import ProgramError

_U16 = struct.Struct("<H")
_I32 = struct.Struct("<i")
_U32 = struct.Struct("<I")


class Reader:
    """A FlatBuffer's bytes. ``base_bytes`` is its place in the file, for messages only."""

    def __init__(self, data: memoryview, base_bytes: int = 0) -> None:
        self.data = data
        self.base_bytes = base_bytes
        # Tables of a genuine file do not overlap, so it cannot hold more than one per four bytes;
        # a corrupt one can point at the same table from everywhere.
        self._tables_left = len(data) // 4 + 1

    def unpack(self, layout: struct.Struct, offset: int, what: str) -> int:
        """The first value of ``layout`` at byte ``offset``."""
        self.check(offset, layout.size, what)
        return layout.unpack_from(self.data, offset)[0]

    def check(self, offset: int, length_bytes: int, what: str) -> None:
        """Raises unless ``length_bytes`` bytes lie at ``offset``."""
        if offset < 0 or length_bytes < 0 or offset + length_bytes > len(self.data):
            raise ProgramError(
                f"corrupt or truncated program: {what} needs {length_bytes} bytes at byte "
                f"{self.base_bytes + offset}, but the FlatBuffer ends at byte "
                f"{self.base_bytes + len(self.data)}"
            )

    def follow(self, offset: int, what: str) -> int:
        """The position that the unsigned relative offset stored at ``offset`` points to."""
        return offset + self.unpack(_U32, offset, what)

    def root(self, what: str) -> Table:
        return self.table_at(self.follow(0, what), what)

    def table_at(self, position: int, what: str) -> Table:
        self._tables_left -= 1
        if self._tables_left < 0:
            raise ProgramError(
                f"corrupt program: more tables than the file has room for, seen while reading "
                f"{what} at byte {self.base_bytes + position}"
            )
        return Table(self, position, what)


class Table:
    """One FlatBuffer table; fields are named by their index in the schema."""

    __slots__ = ("_fields", "position", "reader", "what")

    def __init__(self, reader: Reader, position: int, what: str) -> None:
        self.reader = reader
        self.position = position
        self.what = what
        vtable = position - reader.unpack(_I32, position, what)
        size_bytes = reader.unpack(_U16, vtable, f"{what} (vtable)")
        reader.check(vtable, size_bytes, f"{what} (vtable)")
        count = max(size_bytes - 4, 0) // 2
        self._fields: tuple[int, ...] = struct.unpack_from(f"<{count}H", reader.data, vtable + 4)

    def _offset(self, field: int) -> int:
        """Position of a field's value, or 0 where the field is absent."""
        if field >= len(self._fields) or not self._fields[field]:
            return 0
        return self.position + self._fields[field]

    def scalar(self, field: int, code: str, default: int = 0) -> int:
        """An integer field; ``code`` is its ``struct`` letter."""
        offset = self._offset(field)
        if not offset:
            return default
        return self.reader.unpack(struct.Struct("<" + code), offset, self._named(field))

    def string(self, field: int) -> str:
        """A string field, "" where absent."""
        data = self.vector(field, 1)
        try:
            return bytes(data).decode()
        except UnicodeDecodeError as error:
            raise ProgramError(f"corrupt program: {self._named(field)} is not UTF-8") from error

    def has(self, field: int) -> bool:
        return bool(self._offset(field))

    def table(self, field: int) -> Table | None:
        offset = self._offset(field)
        if not offset:
            return None
        return self.reader.table_at(
            self.reader.follow(offset, self._named(field)), self._named(field)
        )

    def tables(self, field: int, what: str) -> tuple[Table, ...]:
        """A vector of tables; ``what`` names one of them in messages."""
        offset = self._offset(field)
        if not offset:
            return ()
        start = self.reader.follow(offset, self._named(field))
        count = self.reader.unpack(_U32, start, self._named(field))
        self.reader.check(start + 4, 4 * count, self._named(field))
        reader = self.reader
        return tuple(
            reader.table_at(reader.follow(start + 4 + 4 * i, what), f"{what} {i}")
            for i in range(count)
        )

    def vector(self, field: int, item_bytes: int) -> memoryview:
        """A vector of scalars or structs as its raw bytes, empty where absent."""
        offset = self._offset(field)
        if not offset:
            return self.reader.data[0:0]
        start = self.reader.follow(offset, self._named(field))
        length_bytes = item_bytes * self.reader.unpack(_U32, start, self._named(field))
        self.reader.check(start + 4, length_bytes, self._named(field))
        return self.reader.data[start + 4 : start + 4 + length_bytes]

    def _named(self, field: int) -> str:
        return f"{self.what}, field {field}"
