"""Parameters in files: IREE's archives (``.irpa``), ``.safetensors`` and ``.gguf``.

Files are mapped, not read: what a program does not use is never loaded. The mapping is private, so
that writing to it leaves the file alone. Mirrors ``runtime/src/iree/io/formats``.
"""

# NumPy types some members of an array only in part.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from ireelab.errors import ParameterError

Bytes: TypeAlias = "npt.NDArray[np.uint8]"


@dataclass(frozen=True)
class Parameter:
    """``length`` bytes: those of ``data``, or ``data`` again and again (a *splat*)."""

    data: Bytes
    length: int
    splat: bool = False

    def read(self, offset: int, length: int) -> Bytes:
        """A range, which was checked; a view unless this is a splat."""
        if not self.splat:
            return self.data[offset : offset + length]
        return np.resize(np.roll(self.data, -(offset % self.data.size)), length)


def read_file(path: Path) -> dict[str, Parameter]:
    """The parameters of a file by their keys; ``ParameterError`` says what is wrong with it."""
    try:
        size = path.stat().st_size
        data = np.memmap(path, np.uint8, mode="c") if size else np.empty(0, np.uint8)
    except OSError as error:
        raise ParameterError(f"cannot read the parameters {path}: {error.strerror}") from error
    magic = bytes(data[:4])
    read = {b"IRPA": _archive, b"GGUF": _gguf}.get(magic)
    if read is None and path.suffix == ".safetensors":
        read = _safetensors
    if read is None:
        raise ParameterError(f"{path} is neither an .irpa, a .gguf nor a .safetensors file")
    try:
        return dict(read(np.asarray(data)))
    except (struct.error, ValueError, KeyError, TypeError, IndexError, OverflowError) as error:
        raise ParameterError(f"{path} is truncated or damaged: {error}") from error


def _slice(data: Bytes, offset: int, length: int) -> Bytes:
    if offset < 0 or length < 0 or offset + length > data.size:
        raise ValueError(f"bytes [{offset}, {offset + length}) of {data.size}")
    return data[offset : offset + length]


# --- IREE's parameter archive (runtime/src/iree/schemas/parameter_archive.h) -----------------

_HEADER = struct.Struct("<4sHHQQQ")  # magic, major, minor, size, next header, flags
_TABLES = struct.Struct("<7Q")  # entries; entry, metadata and storage segments: offset, length
_ENTRY = struct.Struct("<QIQ5Q")  # size, type, flags, name and metadata: offset, length; alignment
_SKIP, _SPLAT, _DATA = 0, 1, 2


def _archive(data: Bytes) -> Iterator[tuple[str, Parameter]]:
    start = 0
    while True:
        magic, major, _, _, following, _ = _HEADER.unpack(bytes(_slice(data, start, _HEADER.size)))
        if magic != b"IRPA" or major != 0:
            raise ValueError(f"the header at byte {start} is not of an archive of version 0")
        tables = _TABLES.unpack(bytes(_slice(data, start + _HEADER.size, _TABLES.size)))
        yield from _entries(data, start, tables)
        if not following:
            return
        start += following


def _entries(data: Bytes, start: int, tables: tuple[int, ...]) -> Iterator[tuple[str, Parameter]]:
    count, entries, _, metadata, metadata_length, storage, storage_length = tables
    names = _slice(data, start + metadata, metadata_length)
    stored = _slice(data, start + storage, storage_length)
    at = start + entries
    for _ in range(count):
        size, kind, _, name, name_length, *_ = _ENTRY.unpack(bytes(_slice(data, at, _ENTRY.size)))
        rest = bytes(_slice(data, at, size)[_ENTRY.size :])
        key = bytes(_slice(names, name, name_length)).decode()
        if kind == _SPLAT:
            length, pattern, pattern_length = struct.unpack_from("<Q16sB", rest)
            repeated = np.frombuffer(pattern, np.uint8)[:pattern_length]
            if not pattern_length or length % pattern_length:
                raise ValueError(f"{key!r} is no whole number of its {pattern_length}-byte pattern")
            yield key, Parameter(repeated, length, splat=True)
        elif kind == _DATA:
            found = _slice(stored, *struct.unpack_from("<QQ", rest))
            yield key, Parameter(found, found.size)
        elif kind != _SKIP:
            raise ValueError(f"{key!r} is of entry type {kind}: data outside the archive")
        at += -(-size // 16) * 16


# --- Hugging Face's safetensors ----------------------------------------------------------------


def _safetensors(data: Bytes) -> Iterator[tuple[str, Parameter]]:
    (length,) = struct.unpack("<Q", bytes(_slice(data, 0, 8)))
    header: dict[str, Mapping[str, Any]] = json.loads(bytes(_slice(data, 8, length)))
    for key, entry in header.items():
        if key != "__metadata__":
            first, end = cast("tuple[int, int]", tuple(entry["data_offsets"]))
            found = _slice(data, 8 + length + first, end - first)
            yield key, Parameter(found, found.size)


# --- llama.cpp's GGUF, versions 2 and 3 ----------------------------------------------------------

_GGUF_SCALARS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_GGUF_UINT32, _GGUF_STRING, _GGUF_ARRAY = 4, 8, 9
_GGUF_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
    9: (32, 40), 10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210),
    15: (256, 292), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 30: (1, 2),
}  # fmt: skip
"""Elements and bytes of a block by tensor type: F32, F16, Q4_0 to Q8_K, I8 to I64, F64, BF16."""


class _Cursor:
    def __init__(self, data: Bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, format: str) -> tuple[Any, ...]:
        size = struct.calcsize(f"<{format}")
        self.at += size
        return struct.unpack(f"<{format}", bytes(_slice(self.data, self.at - size, size)))

    def text(self) -> str:
        (length,) = self.take("Q")
        self.at += length
        return bytes(_slice(self.data, self.at - length, length)).decode()

    def value(self, kind: int) -> int:
        """Skip a value of the metadata; a uint32 is returned."""
        if kind == _GGUF_UINT32:
            return int(self.take("I")[0])
        if kind == _GGUF_STRING:
            self.text()
        elif kind == _GGUF_ARRAY:
            inner, count = self.take("IQ")
            if inner in _GGUF_SCALARS:
                self.at += _GGUF_SCALARS[inner] * count
            else:
                for _ in range(count):
                    self.value(inner)
        else:
            self.at += _GGUF_SCALARS[kind]
        return 0


def _gguf(data: Bytes) -> Iterator[tuple[str, Parameter]]:
    cursor = _Cursor(data)
    _, version, tensors, pairs = cursor.take("4sIQQ")
    if version not in (2, 3):
        raise ValueError(f"version {version} of GGUF; 2 and 3 are read")
    alignment = 32
    for _ in range(pairs):
        key = cursor.text()
        value = cursor.value(cursor.take("I")[0])
        alignment = value if key == "general.alignment" else alignment
    found: list[tuple[str, int, int]] = []
    for _ in range(tensors):
        key = cursor.text()
        (rank,) = cursor.take("I")
        elements = 1
        for size in cursor.take(f"{rank}Q"):
            elements *= size
        kind, offset = cursor.take("IQ")
        if kind not in _GGUF_BLOCKS:
            raise ValueError(f"tensor {key!r} is of type {kind}, whose size is not known")
        block, block_bytes = _GGUF_BLOCKS[kind]
        found.append((key, offset, elements // block * block_bytes))
    start = -(-cursor.at // alignment) * alignment
    for key, offset, length in found:
        yield key, Parameter(_slice(data, start + offset, length), length)
