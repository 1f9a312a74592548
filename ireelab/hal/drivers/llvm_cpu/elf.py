"""Is this an ELF file that the dynamic loader can be trusted with?

The loader maps and patches what the headers say without asking, so a truncated or garbled file is
a crash. Everything that it will read is checked here first: headers, segments, the dynamic table,
the tables it points to, and where relocations write.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ireelab.errors import ExecutableMismatch

MACHINES = {"x86_64": 62, "arm_64": 183, "riscv_64": 243}
"""``e_machine`` by IREE's architecture name, the 64-bit ones."""

_HEADER = struct.Struct("<4sBBBBB7sHHIQQQIHHHHHH")
_PROGRAM = struct.Struct("<IIQQQQQQ")
_DYNAMIC = struct.Struct("<qQ")
_RELOCATION = struct.Struct("<QQq")
_LOAD, _DYNAMIC_SEGMENT = 1, 2
_DT_NULL, _DT_PLTRELSZ, _DT_STRTAB, _DT_RELA, _DT_RELASZ, _DT_STRSZ = 0, 2, 5, 7, 8, 10
_DT_SYMTAB, _DT_REL, _DT_JMPREL = 6, 17, 23
# Tags whose value is an address inside the image.
_ADDRESS_TAGS = (3, 4, _DT_STRTAB, _DT_SYMTAB, _DT_RELA, 12, 13, _DT_REL, _DT_JMPREL, 25, 26,
                 0x6FFFFEF5)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Segment:
    address: int
    memory_bytes: int
    offset: int
    file_bytes: int


def check_elf(data: bytes | memoryview, architecture: str) -> None:
    """Raise ExecutableMismatch unless ``data`` is a complete shared object for ``architecture``."""
    image = bytes(data)
    if len(image) < _HEADER.size or image[:4] != b"\x7fELF":
        raise ExecutableMismatch(
            f"the executable is not an ELF file ({len(image)} bytes); the program is corrupt, "
            "or was compiled for another target"
        )
    header = _HEADER.unpack_from(image)
    word_size, byte_order, kind, machine = header[1], header[2], header[7], header[8]
    if word_size != 2 or byte_order != 1 or kind != 3:
        raise ExecutableMismatch("the executable is not a 64-bit little-endian shared object")
    if machine != MACHINES[architecture]:
        raise ExecutableMismatch(
            f"the executable's ELF machine is {machine}, {architecture} is "
            f"{MACHINES[architecture]}; recompile for this machine"
        )
    segments, dynamic = _read_segments(image, header[11], header[15], header[16])
    _check_sections(image, header[12], header[17], header[18])
    _check_dynamic(image, segments, dynamic)


def _corrupt(what: str) -> ExecutableMismatch:
    return ExecutableMismatch(
        f"the executable's ELF file is truncated or corrupt: {what}; compile the program again"
    )


def _read_segments(
    image: bytes, table: int, entry_bytes: int, count: int
) -> tuple[list[_Segment], _Segment | None]:
    if entry_bytes != _PROGRAM.size or table + count * entry_bytes > len(image):
        raise _corrupt("the program headers are outside the file")
    loads: list[_Segment] = []
    dynamic: _Segment | None = None
    for index in range(count):
        kind, _, offset, address, _, file_bytes, memory_bytes, align = _PROGRAM.unpack_from(
            image, table + index * entry_bytes
        )
        if offset + file_bytes > len(image):
            raise _corrupt(f"segment {index} ends at byte {offset + file_bytes} of {len(image)}")
        segment = _Segment(address, memory_bytes, offset, file_bytes)
        if kind == _LOAD:
            if file_bytes > memory_bytes or memory_bytes > 1 << 32 or address > 1 << 40:
                raise _corrupt(f"segment {index} has impossible sizes")
            if align > 1 and (align & (align - 1) or (address - offset) % align):
                raise _corrupt(f"segment {index} is misaligned")
            if loads and address < loads[-1].address + loads[-1].memory_bytes:
                raise _corrupt(f"segment {index} overlaps the one before it")
            loads.append(segment)
        elif kind == _DYNAMIC_SEGMENT:
            dynamic = segment
    if not loads:
        raise _corrupt("there is nothing to load")
    return loads, dynamic


def _check_sections(image: bytes, table: int, entry_bytes: int, count: int) -> None:
    # The loader does not read them, but they lie at the end: a truncated file shows here.
    if count and table + entry_bytes * count > len(image):
        raise _corrupt("the section headers are outside the file")


def _check_dynamic(image: bytes, segments: list[_Segment], dynamic: _Segment | None) -> None:
    if dynamic is None or dynamic.file_bytes % _DYNAMIC.size:
        raise _corrupt("there is no dynamic table")
    entries: dict[int, int] = {}
    for offset in range(dynamic.offset, dynamic.offset + dynamic.file_bytes, _DYNAMIC.size):
        tag, value = _DYNAMIC.unpack_from(image, offset)
        if tag == _DT_NULL:
            break
        entries[tag] = value
    else:
        raise _corrupt("the dynamic table has no end")
    if _DT_STRTAB not in entries or _DT_SYMTAB not in entries:
        raise _corrupt("there is no symbol table")
    for tag in _ADDRESS_TAGS:
        if tag in entries:
            _file_offset(segments, entries[tag], 1, f"dynamic entry {tag}")
    strings = entries.get(_DT_STRTAB, 0)
    _file_offset(segments, strings, entries.get(_DT_STRSZ, 0), "the string table")
    for table, size in ((_DT_RELA, _DT_RELASZ), (_DT_JMPREL, _DT_PLTRELSZ)):
        if table in entries:
            _check_relocations(image, segments, entries[table], entries.get(size, 0))


def _check_relocations(image: bytes, segments: list[_Segment], address: int, size: int) -> None:
    if size % _RELOCATION.size:
        raise _corrupt("the relocation table has a broken entry")
    start = _file_offset(segments, address, size, "the relocation table")
    for offset in range(start, start + size, _RELOCATION.size):
        target, _, _ = _RELOCATION.unpack_from(image, offset)
        if not any(s.address <= target <= s.address + s.memory_bytes - 8 for s in segments):
            raise _corrupt("a relocation writes outside the image")


def _file_offset(segments: list[_Segment], address: int, size: int, what: str) -> int:
    for segment in segments:
        if segment.address <= address and address + size <= segment.address + segment.file_bytes:
            return segment.offset + address - segment.address
    raise _corrupt(f"{what} is outside the image")
