"""Finds symbols in a shared library's own table, those that it does not export included."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_SECTION = struct.Struct("<IIQQQQIIQQ")  # Elf64_Shdr
_SYMBOL = struct.Struct("<IBBHQQ")  # Elf64_Sym
_SHT_SYMTAB = 2


@dataclass(frozen=True, slots=True)
class Symbol:
    """Where a symbol lies, relative to where the library is loaded."""

    address: int
    size: int


def find_symbols(path: Path, names: Sequence[str]) -> dict[str, Symbol]:
    """The symbols of these (mangled) names; a name that is not there is left out.

    Empty where the file is no little-endian 64-bit ELF file or was stripped.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
        if data[:6] != b"\x7fELF\x02\x01":
            return {}
        (headers,) = struct.unpack_from("<Q", data, 40)
        (count,) = struct.unpack_from("<H", data, 60)
        sections: list[tuple[int, ...]] = [
            _SECTION.unpack_from(data, headers + i * _SECTION.size) for i in range(count)
        ]
        table = next((section for section in sections if section[1] == _SHT_SYMTAB), None)
        if table is None:
            return {}
        strings = sections[table[6]]
        symbols, texts = (table[4], table[5]), (strings[4], strings[5])
        return {
            name: symbol
            for name in names
            if (symbol := _find(data, name, symbols, texts)) is not None
        }


def _find(
    data: mmap.mmap, name: str, symbols: tuple[int, int], strings: tuple[int, int]
) -> Symbol | None:
    """Search the names, then the table for the entry that refers to it; spans are (start, size)."""
    start, end = strings[0], sum(strings)
    text = data.find(b"\0" + name.encode() + b"\0", start, end)
    if text < 0:
        return None
    reference = struct.pack("<I", text + 1 - start)
    entry = data.find(reference, symbols[0], sum(symbols))
    while entry >= 0 and (entry - symbols[0]) % _SYMBOL.size:
        entry = data.find(reference, entry + 1, sum(symbols))
    if entry < 0:
        return None
    *_, address, size = _SYMBOL.unpack_from(data, entry)
    return Symbol(address, size)
