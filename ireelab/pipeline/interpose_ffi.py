"""Sees every snapshot file that the compiler library opens and closes (Linux).

MLIR's tree printer names files after the op and a counter: ops without a symbol overwrite each
other's files, nothing says which thread ran a pass, and file clocks tick in milliseconds. So in
the child that runs the compiler, the library's own import slots for ``open`` and ``close`` are
pointed at functions that give each snapshot a file of its own and note thread and time in a
journal. Nothing outside the compiler library's calls is affected, and nothing outside the child.

Journal lines: ``open NUMBER THREAD NANOSECONDS PATH`` and ``close NUMBER NANOSECONDS``.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

_OPEN = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_uint, use_errno=True)
_CLOSE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, use_errno=True)

_RTLD_DI_LINKMAP = 2
_DT_PLTRELSZ, _DT_STRTAB, _DT_SYMTAB, _DT_JMPREL = 2, 5, 6, 23


class _LinkMap(ctypes.Structure):
    """``struct link_map`` of <link.h>, as far as it is public."""

    _fields_ = (
        ("l_addr", ctypes.c_uint64),
        ("l_name", ctypes.c_char_p),
        ("l_ld", ctypes.c_uint64),
    )


class _Dyn(ctypes.Structure):
    """``Elf64_Dyn``."""

    _fields_ = (("d_tag", ctypes.c_int64), ("d_val", ctypes.c_uint64))


class _Rela(ctypes.Structure):
    """``Elf64_Rela``; the symbol's index is the upper half of ``r_info``."""

    _fields_ = (
        ("r_offset", ctypes.c_uint64),
        ("r_info", ctypes.c_uint64),
        ("r_addend", ctypes.c_int64),
    )


class _Sym(ctypes.Structure):
    """``Elf64_Sym``."""

    _fields_ = (
        ("st_name", ctypes.c_uint32),
        ("st_info", ctypes.c_uint8),
        ("st_other", ctypes.c_uint8),
        ("st_shndx", ctypes.c_uint16),
        ("st_value", ctypes.c_uint64),
        ("st_size", ctypes.c_uint64),
    )


def import_slots(library: ctypes.CDLL, names: tuple[str, ...]) -> dict[str, int]:
    """Addresses of a loaded library's jump slots for imported functions, by name.

    Empty where the platform is not 64-bit Linux or the library has no writable slots.
    """
    if not sys.platform.startswith("linux") or ctypes.sizeof(ctypes.c_void_p) != 8:
        return {}
    table = ctypes.POINTER(_LinkMap)()
    dlinfo = ctypes.CDLL(None).dlinfo
    dlinfo.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
    # int dlinfo(void* handle, int request, void* info)
    if dlinfo(library._handle, _RTLD_DI_LINKMAP, ctypes.byref(table)):  # pyright: ignore[reportPrivateUsage]
        return {}
    base = int(table.contents.l_addr)
    dynamic = _dynamic_section(int(table.contents.l_ld), base)
    if not all(tag in dynamic for tag in (_DT_JMPREL, _DT_PLTRELSZ, _DT_SYMTAB, _DT_STRTAB)):
        return {}
    count = dynamic[_DT_PLTRELSZ] // ctypes.sizeof(_Rela)
    slots: dict[str, int] = {}
    for rela in (_Rela * count).from_address(dynamic[_DT_JMPREL]):
        index = rela.r_info >> 32
        symbol = _Sym.from_address(dynamic[_DT_SYMTAB] + index * ctypes.sizeof(_Sym))
        name = ctypes.string_at(dynamic[_DT_STRTAB] + symbol.st_name).decode()
        if name in names and _is_writable(base + rela.r_offset):
            slots[name] = base + rela.r_offset
    return slots


def _dynamic_section(address: int, base: int) -> dict[int, int]:
    """Tags of the dynamic section; addresses made absolute where the loader has not done so."""
    entries: dict[int, int] = {}
    for number in itertools.count():
        entry = _Dyn.from_address(address + number * ctypes.sizeof(_Dyn))
        if entry.d_tag == 0:
            return entries
        value = int(entry.d_val)
        is_address = entry.d_tag in (_DT_STRTAB, _DT_SYMTAB, _DT_JMPREL)
        entries[int(entry.d_tag)] = value + base if is_address and value < base else value
    raise AssertionError("unreachable")


def _is_writable(address: int) -> bool:
    """Is this address mapped for writing? Slots are not under full RELRO."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, permissions, *_ = line.split()
        start, end = (int(bound, 16) for bound in span.split("-"))
        if start <= address < end:
            return "w" in permissions
    return False


class Journal:
    """Redirects the snapshots of one compilation; keep it alive while the compiler runs."""

    def __init__(self, root: Path, journal: Path) -> None:
        self._root = os.fsencode(root) + b"/"
        self._file = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._numbers = itertools.count()
        self._open_files: dict[int, int] = {}
        libc = ctypes.CDLL(None, use_errno=True)
        self._libc_open, self._libc_close = libc.open, libc.close
        self._callbacks: tuple[Callable[..., int], ...] = (
            _OPEN(self._on_open),
            _CLOSE(self._on_close),
        )

    def install(self, slots: dict[str, int]) -> None:
        """Point the library's slots at this journal."""
        for name, callback in zip(("open", "close"), self._callbacks, strict=True):
            address = ctypes.cast(callback, ctypes.c_void_p).value  # pyright: ignore[reportArgumentType]
            assert address is not None
            ctypes.c_uint64.from_address(slots[name]).value = address

    def _on_open(self, path: bytes, flags: int, mode: int) -> int:
        """``int open(const char* path, int flags, mode_t mode)``"""
        if not (flags & os.O_CREAT and path.startswith(self._root)):
            return int(self._libc_open(path, flags, ctypes.c_uint(mode)))
        now_ns = time.perf_counter_ns()
        number = next(self._numbers)
        target = self._root + b"%d" % number
        handle = int(self._libc_open(target, flags, ctypes.c_uint(mode)))
        if handle >= 0:
            self._open_files[handle] = number
            line = b"open %d %d %d " % (number, threading.get_native_id(), now_ns)
            os.write(self._file, line + path[len(self._root) :] + b"\n")
        return handle

    def _on_close(self, handle: int) -> int:
        """``int close(int fd)``"""
        number = self._open_files.pop(handle, None)
        result = int(self._libc_close(handle))
        if number is not None:
            os.write(self._file, b"close %d %d\n" % (number, time.perf_counter_ns()))
        return result
