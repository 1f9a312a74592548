"""Sees every snapshot file that the compiler library opens and closes (Linux).

MLIR's tree printer names files after the op and a counter: ops without a symbol overwrite each
other's files, nothing says which thread ran a pass, and file clocks tick in milliseconds. So in
the child that runs the compiler, the library's own import slots for ``open`` and ``close`` are
pointed at functions of ``interpose.ll`` that give each snapshot a file of its own and note thread
and time in a journal. ``qsort`` gets a memory, since printing sorts the same list of dialects
thousands of times. They are machine code: compiler threads must not wait for Python's lock.
Nothing outside the compiler library's calls is affected, and nothing outside the child.

Journal lines: ``open NUMBER THREAD NANOSECONDS PATH``, ``close NUMBER NANOSECONDS`` and, in a
pipeline of steps, ``step NUMBER 0`` where one begins.
"""

# llvmlite has no annotations.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
from __future__ import annotations

import ctypes
import functools
import itertools
import os
import sys
import threading
import time
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm

_REPLACEMENTS = {
    "open": "snapshot_open",
    "close": "snapshot_close",
    "qsort": "remembering_qsort",
}
"""What the library imports, and the function of interpose.ll that it gets instead."""

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


@functools.cache
def import_slots(library: ctypes.CDLL) -> dict[str, int]:
    """Addresses of a loaded library's jump slots for the functions that are replaced, by name.

    Empty where the platform is not 64-bit Linux or a slot is missing or not writable.
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
        if name in _REPLACEMENTS and _is_writable(base + rela.r_offset):
            slots[name] = base + rela.r_offset
    return slots if len(slots) == len(_REPLACEMENTS) else {}


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
    """Redirects the snapshots of one compilation, in the process that will run it."""

    def __init__(self, root: Path, journal: Path) -> None:
        self._root = ctypes.create_string_buffer(os.fsencode(root) + b"/")
        self._file = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._own = itertools.count()

    def install(self, slots: dict[str, int]) -> None:
        """Point the library's slots at interpose.ll, which writes this journal."""
        engine = native()
        ctypes.c_uint64.from_address(_address(engine, "root")).value = ctypes.addressof(self._root)
        ctypes.c_int64.from_address(_address(engine, "root_length")).value = len(self._root) - 1
        ctypes.c_int32.from_address(_address(engine, "journal")).value = self._file
        for name, function in _REPLACEMENTS.items():
            ctypes.c_uint64.from_address(slots[name]).value = _address(engine, function)

    def begin_step(self, number: int) -> None:
        """Snapshots from here on belong to that step of the pipeline."""
        os.write(self._file, b"step %d 0\n" % number)

    def add(self, place: str, text: Callable[[], str]) -> None:
        """A snapshot that this process writes itself; ``place`` is as MLIR would name it."""
        start_ns, number = time.perf_counter_ns(), f"own{next(self._own)}"
        path = Path(os.fsdecode(self._root.value)) / number
        path.write_text(text(), "utf-8")
        end_ns, thread = time.perf_counter_ns(), threading.get_native_id()
        lines = f"open {number} {thread} {start_ns} {place}\nclose {number} {end_ns}\n"
        os.write(self._file, lines.encode())


@functools.cache
def native() -> Any:
    """Machine code of interpose.ll: an llvmlite engine, which must stay alive."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    text = resources.files("ireelab.pipeline").joinpath("interpose.ll").read_text("utf-8")
    machine = llvm.Target.from_default_triple().create_target_machine(opt=2, jit=True)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(text), machine)
    engine.finalize_object()
    return engine


def _address(engine: Any, name: str) -> int:
    address = engine.get_function_address(name) or engine.get_global_value_address(name)
    assert address, name
    return int(address)
