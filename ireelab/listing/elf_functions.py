"""How many bytes of code each function of an object file has."""

from __future__ import annotations

import struct

_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_SYMBOL_TABLE, _FUNCTION = 2, 2
_ELF64_LITTLE = b"\x7fELF\x02\x01"


def function_sizes(image: bytes) -> dict[str, int]:
    """Name -> bytes, from the symbol table of a 64-bit ELF file; empty for another kind of file."""
    if image[:6] != _ELF64_LITTLE:
        return {}
    (table,) = struct.unpack_from("<Q", image, 40)
    entry_bytes, count = struct.unpack_from("<HH", image, 58)
    sections: list[tuple[int, ...]] = [
        _SECTION.unpack_from(image, table + i * entry_bytes) for i in range(count)
    ]
    found: dict[str, int] = {}
    for section in sections:
        kind, offset, size, link = section[1], section[4], section[5], section[6]
        if kind != _SYMBOL_TABLE:
            continue
        names = sections[link][4]
        for at in range(offset, offset + size, _SYMBOL.size):
            name, info, _, _, _, length = _SYMBOL.unpack_from(image, at)
            if info & 15 == _FUNCTION and length:
                end = image.index(b"\0", names + name)
                found[image[names + name : end].decode(errors="replace")] = length
    return found
