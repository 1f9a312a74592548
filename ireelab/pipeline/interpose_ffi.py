"""Gives the compiler library's ``qsort`` a memory (Linux).

Printing IR sorts the same list of dialects thousands of times. In the child that runs the compiler
the library's import slot for ``qsort`` is pointed at a function of ``interpose.ll``. It is machine
code: compiler threads must not wait for Python's lock. Nothing outside the compiler library's
calls is affected, and nothing outside the child.
"""

# llvmlite has no annotations.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
from __future__ import annotations

import ctypes
import functools
import itertools
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm

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


def _link_map(library: ctypes.CDLL) -> _LinkMap | None:
    """The loader's record of a loaded library; None where the platform is not 64-bit Linux."""
    if not sys.platform.startswith("linux") or ctypes.sizeof(ctypes.c_void_p) != 8:
        return None
    table = ctypes.POINTER(_LinkMap)()
    dlinfo = ctypes.CDLL(None).dlinfo
    dlinfo.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
    # int dlinfo(void* handle, int request, void* info)
    failed = dlinfo(library._handle, _RTLD_DI_LINKMAP, ctypes.byref(table))  # pyright: ignore[reportPrivateUsage]
    return None if failed else table.contents


def load_address(library: ctypes.CDLL) -> int | None:
    """What is added to a loaded library's own addresses; None where the platform does not tell."""
    link_map = _link_map(library)
    return None if link_map is None else int(link_map.l_addr)


@functools.cache
def import_slot(library: ctypes.CDLL, wanted: str) -> int | None:
    """Address of a loaded library's jump slot for a function that it imports.

    None where the platform is not 64-bit Linux or the slot is missing or not writable.
    """
    link_map = _link_map(library)
    if link_map is None:
        return None
    base = int(link_map.l_addr)
    dynamic = _dynamic_section(int(link_map.l_ld), base)
    if not all(tag in dynamic for tag in (_DT_JMPREL, _DT_PLTRELSZ, _DT_SYMTAB, _DT_STRTAB)):
        return None
    count = dynamic[_DT_PLTRELSZ] // ctypes.sizeof(_Rela)
    for rela in (_Rela * count).from_address(dynamic[_DT_JMPREL]):
        index = rela.r_info >> 32
        symbol = _Sym.from_address(dynamic[_DT_SYMTAB] + index * ctypes.sizeof(_Sym))
        name = ctypes.string_at(dynamic[_DT_STRTAB] + symbol.st_name).decode()
        if name == wanted:
            return base + rela.r_offset if _is_writable(base + rela.r_offset) else None
    return None


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


@functools.cache
def _engine() -> Any:
    text = resources.files("ireelab.pipeline").joinpath("interpose.ll").read_text("utf-8")
    return native(text, {})


def prepare(library: ctypes.CDLL) -> bool:
    """Make the machine code, once, for all children; False where it has no use."""
    return import_slot(library, "qsort") is not None and _engine() is not None


def install(library: ctypes.CDLL) -> None:
    """Let the library's ``qsort`` remember, where that can be done."""
    slot = import_slot(library, "qsort")
    if slot is not None:
        address = _engine().get_function_address("remembering_qsort")
        ctypes.c_uint64.from_address(slot).value = address


def native(text: str, functions: dict[str, int | None]) -> Any:
    """LLVM IR that calls these functions as machine code: an engine, which must stay alive."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    for name, address in functions.items():
        llvm.add_symbol(name, address)
    machine = llvm.Target.from_default_triple().create_target_machine(opt=2, jit=True)
    module = llvm.parse_assembly(text)
    tuning = llvm.create_pipeline_tuning_options(speed_level=2)
    builder = llvm.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(module, builder)
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    return engine
