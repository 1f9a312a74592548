"""Is this an ELF file that the dynamic loader can be trusted with?

The loader maps and patches what the headers say without asking, so a truncated or garbled file is
a crash. What it will read is checked here first. The file says most things twice, in its program
headers and in its section headers: they must agree. Bytes inside code and data are not checked.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ireelab.errors import ExecutableMismatch

MACHINES = {"x86_64": 62, "arm_64": 183, "riscv_64": 243}
"""``e_machine`` by IREE's architecture name, the 64-bit ones."""

# Relocations that a linked shared object has: relative first, then symbol addresses.
_RELOCATIONS = {62: (8, 1, 6, 7), 183: (1027, 257, 1025, 1026), 243: (3, 2, 5)}

_HEADER = struct.Struct("<4sBBBBB7sHHIQQQIHHHHHH")
_PROGRAM = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_DYNAMIC_ENTRY = struct.Struct("<qQ")
_RELOCATION = struct.Struct("<QIIq")
_SYMBOL = struct.Struct("<IBBHQQ")
_FUNCTION = 2

_PT_LOAD, _PT_DYNAMIC, _PT_PHDR, _PT_GNU_STACK = 1, 2, 6, 0x6474E551
# interpreter, note, program headers, exception frames, read-only after relocation, property
_PT_OTHER = (3, 4, 6, 0x6474E550, 0x6474E552, 0x6474E553)
_READ, _WRITE, _EXECUTE = 4, 2, 1
_SHF_WRITE, _SHF_ALLOC, _SHF_EXECUTE = 1, 2, 4
_SHT_NOBITS = 8

_DT_PLTRELSZ, _DT_STRTAB, _DT_SYMTAB, _DT_RELA, _DT_RELASZ = 2, 5, 6, 7, 8
_DT_RELAENT, _DT_STRSZ, _DT_SYMENT, _DT_JMPREL, _DT_RELACOUNT = 9, 10, 11, 23, 0x6FFFFFF9
_DT_NEEDED = 1
# Tag -> section whose address it must be.
_SECTION_OF_TAG = {4: ".hash", 5: ".dynstr", 6: ".dynsym", 7: ".rela.dyn", 23: ".rela.plt",
                   0x6FFFFEF5: ".gnu.hash"}  # fmt: skip
_SIZE_OF_TAG = {8: ".rela.dyn", 10: ".dynstr", 2: ".rela.plt"}
_FIXED_VALUES = {9: 24, 11: 24, 20: 7}  # sizes of a relocation and of a symbol; PLT kind is RELA
# Pointers and flags that a linker may add besides: PLTGOT, INIT, FINI, SONAME, arrays, FLAGS...
_OTHER_TAGS = frozenset((1, 3, 12, 13, 14, 25, 26, 27, 28, 30, 0x6FFFFFF0, 0x6FFFFFF9, 0x6FFFFFFB,
                         0x6FFFFFFE, 0x6FFFFFFF))  # fmt: skip
_ADDRESS_TAGS = (3, 12, 13, 25, 26, 0x6FFFFFF0, 0x6FFFFFFE)


@dataclass(frozen=True, slots=True)
class _Range:
    """A segment or a section. ``flags`` are those of program headers (read, write, execute)."""

    name: str
    address: int
    memory_bytes: int
    offset: int
    file_bytes: int
    flags: int


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
    loads, dynamic = _read_segments(image, header[11], header[15], header[16])
    sections = _read_sections(image, header[12], header[17], header[18], header[19])
    _check_sections(loads, dynamic, sections)
    entries = _read_dynamic(image, dynamic)
    _check_dynamic(loads, sections, entries)
    symbols = _check_symbols(image, loads, sections)
    _check_relocations(image, loads, entries, _RELOCATIONS[machine], symbols)


def _corrupt(what: str) -> ExecutableMismatch:
    return ExecutableMismatch(
        f"the executable's ELF file is truncated or corrupt: {what}; compile the program again"
    )


def _read_segments(
    image: bytes, table: int, entry_bytes: int, count: int
) -> tuple[list[_Range], _Range]:
    if entry_bytes != _PROGRAM.size or table + count * entry_bytes > len(image):
        raise _corrupt("the program headers are outside the file")
    loads: list[_Range] = []
    dynamic: _Range | None = None
    for index in range(count):
        kind, flags, offset, address, _, file_bytes, memory_bytes, align = _PROGRAM.unpack_from(
            image, table + index * entry_bytes
        )
        if offset + file_bytes > len(image):
            raise _corrupt(f"segment {index} ends at byte {offset + file_bytes} of {len(image)}")
        name = f"segment {index}"
        segment = _Range(name, address, memory_bytes, offset, file_bytes, flags)
        if kind == _PT_LOAD:
            _check_load(segment, align, loads)
            loads.append(segment)
        elif kind == _PT_DYNAMIC and dynamic is None:
            dynamic = segment
        elif kind not in _PT_OTHER and kind != _PT_GNU_STACK:
            raise _corrupt(f"{name} is of an unknown kind {kind:#x}")
        elif kind == _PT_PHDR and not address == offset == table:
            raise _corrupt("the program headers are not where they say")
        elif kind not in (_PT_PHDR, _PT_GNU_STACK) and not _inside(loads, segment):
            raise _corrupt(f"{name} is outside what is loaded")
    if not loads or loads[0].address or loads[0].offset or dynamic is None:
        raise _corrupt("there is nothing to load, or no dynamic table")
    return loads, dynamic


def _check_load(segment: _Range, align: int, before: list[_Range]) -> None:
    if segment.file_bytes > segment.memory_bytes or segment.memory_bytes > 1 << 32:
        raise _corrupt(f"{segment.name} has impossible sizes")
    if align not in (1 << 12, 1 << 14, 1 << 16, 1 << 21):
        raise _corrupt(f"{segment.name} has the impossible alignment {align}")
    if (segment.address - segment.offset) % align:
        raise _corrupt(f"{segment.name} is misaligned")
    if not segment.flags & _READ or segment.flags & ~7:
        raise _corrupt(f"{segment.name} has impossible flags")
    if before:
        end = before[-1].address + before[-1].memory_bytes
        if not end <= segment.address < end + (1 << 22):
            raise _corrupt(f"{segment.name} does not follow the one before it")


def _read_sections(
    image: bytes, table: int, entry_bytes: int, count: int, names_index: int
) -> dict[str, _Range]:
    if entry_bytes != _SECTION.size or table + entry_bytes * count > len(image):
        raise _corrupt("the section headers are outside the file")
    rows = [_SECTION.unpack_from(image, table + i * entry_bytes) for i in range(count)]
    if not 0 < names_index < count:
        raise _corrupt("the section names are missing")
    names = image[rows[names_index][4] : rows[names_index][4] + rows[names_index][5]]
    sections: dict[str, _Range] = {}
    for name_at, kind, flags, address, offset, size, *_ in rows[1:]:
        if not flags & _SHF_ALLOC:
            continue
        name = names[name_at : names.find(b"\0", name_at)].decode("latin-1")
        mode = _READ
        mode |= _WRITE if flags & _SHF_WRITE else 0
        mode |= _EXECUTE if flags & _SHF_EXECUTE else 0
        file_bytes = 0 if kind == _SHT_NOBITS else size
        sections[name] = _Range(name, address, size, offset, file_bytes, mode)
    return sections


def _check_sections(loads: list[_Range], dynamic: _Range, sections: dict[str, _Range]) -> None:
    for section in sections.values():
        if not any(_holds(load, section) for load in loads):
            raise _corrupt(f"section {section.name} does not match any segment")
    for load in loads:
        inside = [section for section in sections.values() if _holds(load, section)]
        needed = _READ
        for section in inside:
            needed |= section.flags
        if load.flags != needed:
            raise _corrupt(f"{load.name} has other access rights than its sections")
        # All of a segment is sections, but for the headers at the start of the first.
        if not inside or max(_end(section) for section in inside) != _end(load):
            raise _corrupt(f"{load.name} does not end with its last section")
        if max(s.address + s.file_bytes for s in inside) != load.address + load.file_bytes:
            raise _corrupt(f"{load.name} has another size than its sections")
    table = sections.get(".dynamic")
    if table is None or (table.address, table.offset, table.file_bytes) != (
        dynamic.address,
        dynamic.offset,
        dynamic.file_bytes,
    ):
        raise _corrupt("the dynamic table is not where its section says")
    if dynamic.memory_bytes != dynamic.file_bytes or dynamic.file_bytes % _DYNAMIC_ENTRY.size:
        raise _corrupt("the dynamic table has an impossible size")


def _read_dynamic(image: bytes, dynamic: _Range) -> dict[int, int]:
    entries: dict[int, int] = {}
    for offset in range(dynamic.offset, dynamic.offset + dynamic.file_bytes, 16):
        tag, value = _DYNAMIC_ENTRY.unpack_from(image, offset)
        if tag == 0:
            return entries
        known = tag in _OTHER_TAGS or tag in _SECTION_OF_TAG or tag in _SIZE_OF_TAG
        if not known and tag not in _FIXED_VALUES:
            raise _corrupt(f"the dynamic table has an unknown entry {tag:#x}")
        if tag in entries and tag != _DT_NEEDED:
            raise _corrupt(f"the dynamic table has two entries {tag:#x}")
        entries[tag] = value
    raise _corrupt("the dynamic table has no end")


def _check_dynamic(
    loads: list[_Range], sections: dict[str, _Range], entries: dict[int, int]
) -> None:
    for tag, name in _SECTION_OF_TAG.items():
        if (tag in entries) != (name in sections):
            raise _corrupt(f"section {name} and the dynamic table do not match")
        if tag in entries and entries[tag] != sections[name].address:
            raise _corrupt(f"the dynamic table puts {name} elsewhere")
    for tag, name in _SIZE_OF_TAG.items():
        if (tag in entries) != (name in sections) or (
            tag in entries and entries[tag] != sections[name].file_bytes
        ):
            raise _corrupt(f"the dynamic table gives {name} another size")
    for tag, value in _FIXED_VALUES.items():
        if entries.get(tag, value) != value:
            raise _corrupt(f"dynamic entry {tag:#x} is {entries[tag]}, not {value}")
    required = {_DT_STRTAB, _DT_STRSZ, _DT_SYMTAB, _DT_SYMENT}
    if _DT_RELA in entries:
        required |= {_DT_RELASZ, _DT_RELAENT}
    if not required <= entries.keys():
        raise _corrupt("the dynamic table is incomplete")
    for tag in _ADDRESS_TAGS:
        address = entries.get(tag, 0)
        if not any(s.address <= address < s.address + max(s.memory_bytes, 1) for s in loads):
            raise _corrupt(f"dynamic entry {tag:#x} points outside the image")
    # Flags: symbolic, text relocations, bind now, static; flags 1 may also say "no delete" etc.
    if entries.get(30, 0) & ~0x1F or entries.get(0x6FFFFFFB, 0) & ~0x0800_0001:
        raise _corrupt("the dynamic table has unknown flags")


def _check_symbols(image: bytes, loads: list[_Range], sections: dict[str, _Range]) -> int:
    """Number of dynamic symbols; each must be undefined or lie in the image."""
    table, names = sections[".dynsym"], sections[".dynstr"]
    count = table.file_bytes // _SYMBOL.size
    for index in range(count):
        name, info, _, section, value, size = _SYMBOL.unpack_from(
            image, table.offset + index * _SYMBOL.size
        )
        if name >= names.file_bytes:
            raise _corrupt("a symbol has no name")
        executable = _EXECUTE if info & 0xF == _FUNCTION else 0
        if section and not any(
            load.address <= value and value + size <= _end(load)
            and executable == executable & load.flags
            for load in loads
        ):  # fmt: skip
            raise _corrupt("a symbol lies outside the image")
    for name in (".hash", ".gnu.hash"):
        if name in sections:
            _check_hash(image, sections[name], count, gnu=name == ".gnu.hash")
    return count


def _check_hash(image: bytes, table: _Range, symbols: int, *, gnu: bool) -> None:
    """Bounds of a symbol hash table: the loader follows its indices without checks."""
    words = struct.unpack_from(f"<{table.file_bytes // 4}I", image, table.offset)
    if gnu:
        buckets, first, filter_words = words[0], words[1], words[2]
        end = 4 + 2 * filter_words + buckets
        chains = end + max(symbols - first, 0)
        valid = buckets and filter_words and not filter_words & (filter_words - 1)
        valid = valid and chains <= len(words) and all(
            not index or first <= index < symbols for index in words[end - buckets : end]
        )  # fmt: skip
    else:
        buckets, chain_count = words[0], words[1]
        valid = buckets and chain_count == symbols and len(words) == 2 + buckets + chain_count
        # A chain that does not fall could be a ring.
        chain = words[2 + buckets :]
        valid = valid and all(index < symbols for index in words[2:])
        valid = valid and all(not after or after != at for at, after in enumerate(chain))
    if not valid:
        raise _corrupt("the symbol hash table is broken")


def _check_relocations(
    image: bytes,
    loads: list[_Range],
    entries: dict[int, int],
    kinds: tuple[int, ...],
    symbols: int,
) -> None:
    relative = entries.get(_DT_RELACOUNT, 0)
    for table, size in ((_DT_RELA, _DT_RELASZ), (_DT_JMPREL, _DT_PLTRELSZ)):
        count, rest = divmod(entries.get(size, 0), _RELOCATION.size)
        if rest or (table == _DT_RELA and relative > count):
            raise _corrupt("the relocation table has an impossible size")
        if not count:
            continue
        start = _file_offset(loads, entries[table])
        for index in range(count):
            target, kind, symbol, addend = _RELOCATION.unpack_from(image, start + index * 24)
            if kind not in kinds or symbol >= symbols:
                raise _corrupt("a relocation is of an unknown kind")
            if table == _DT_RELA and index < relative and kind != kinds[0]:
                raise _corrupt("the relocation table is out of order")
            if not any(
                load.flags & _WRITE and load.address <= target <= _end(load) - 8 for load in loads
            ):
                raise _corrupt("a relocation writes outside the image")
            if kind == kinds[0] and not 0 <= addend <= _end(loads[-1]):
                raise _corrupt("a relocation points outside the image")


def _end(segment: _Range) -> int:
    return segment.address + segment.memory_bytes


def _holds(load: _Range, section: _Range) -> bool:
    """Whether the section lies in the segment, at the same distance in memory and in the file."""
    if not load.address <= section.address or section.address + section.memory_bytes > _end(load):
        return False
    distance = section.address - load.address
    return not section.file_bytes or section.offset - load.offset == distance


def _inside(loads: list[_Range], segment: _Range) -> bool:
    return any(_holds(load, segment) for load in loads)


def _file_offset(loads: list[_Range], address: int) -> int:
    for load in loads:
        if load.address <= address < load.address + load.file_bytes:
            return load.offset + address - load.address
    raise _corrupt("a table is outside the image")
