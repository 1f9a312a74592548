"""Sees every pass that the compiler runs, from inside (64-bit Linux).

MLIR's own IR printer instrumentation, which printing flags turn on, prints each op whole after each
pass, though most passes change nothing and the others little. In the child that runs the compiler
its methods are replaced, in its vtable, by functions of ``instrumentation.ll``. They write one
journal: which pass begins and ends on which op, thread and time, and of the IR only what differs
from what was last written of it. They are machine code: compiler threads must not wait for
Python's lock.

In the same way IREE is kept from generating an assembly listing, which nobody reads, beside the
LLVM IR of an executable.

The vtables are found by name in the library's symbol table. Where they are not (other platforms, a
stripped library) nothing is replaced, and MLIR writes its files: see ``capture``.
"""

# llvmlite has no annotations.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
from __future__ import annotations

import ctypes
import functools
import mmap
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from ireelab.pipeline import compiler_ffi
from ireelab.pipeline.elf import Symbol, find_symbols
from ireelab.pipeline.interpose_ffi import load_address, native
from ireelab.pipeline.journal import OWN, STEP, record
from ireelab.pipeline.snapshot import CONTAINERS

_PRINTER = "_ZTVN12_GLOBAL__N_124IRPrinterInstrumentationE"
_METHOD = "_ZN12_GLOBAL__N_124IRPrinterInstrumentation{}EPN4mlir4PassEPNS1_9OperationE"
_REPLACEMENTS = {
    _METHOD.format("13runBeforePass"): "before_pass",
    _METHOD.format("12runAfterPass"): "after_pass",
    _METHOD.format("18runAfterPassFailed"): "after_failed_pass",
}
"""Methods of the printer, and the function of instrumentation.ll that each becomes."""

_PASS = "_ZTVN4mlir4PassE"
_GET_ARGUMENT = "_ZNK4mlir4Pass11getArgumentEv"
_STATISTIC = "_ZN4mlir4Pass9StatisticC1EPS0_PKcS4_"
_STATISTIC_WORDS, _PASS_WORDS = 16, 128
"""No less than they have."""

_TARGETS = (
    "_ZTVN4llvm16X86TargetMachineE",
    "_ZTVN4llvm22AArch64leTargetMachineE",
    "_ZTVN4llvm18RISCVTargetMachineE",
)
"""CPUs; of a GPU the listing may be the code."""

_EMIT_FILE = (
    "_ZN4llvm24CodeGenTargetMachineImpl19addPassesToEmitFileERNS_6legacy15PassManagerBaseE"
    "RNS_17raw_pwrite_streamEPS4_NS_15CodeGenFileTypeEbPNS_28MachineModuleInfoWrapperPassE"
)

_SOURCE = "instrumentation.ll"
_MLIR_FUNCTION = re.compile(r"^declare .*@(mlir\w+)\(", re.MULTILINE)

_KNOWN_BYTES = (1 << 20) * 16
_IGNORE_LOCATIONS, _IGNORE_COMMUTATIVITY = 1, 8
_PAGE_BYTES = mmap.PAGESIZE


@dataclass(frozen=True, slots=True)
class Hooks:
    """What is replaced: addresses in this process."""

    slots: dict[int, str]  # a slot of the vtable: the function that belongs there
    argument_slot: int  # where a Pass's vtable has getArgument, in bytes
    counts_slot: int  # where a Pass has its vector of statistics, in bytes
    emit_file: int  # what generates code for a CPU; 0 where it is not replaced


@functools.cache
def hooks() -> Hooks | None:
    """Where the library's printer can be replaced; None where it cannot."""
    library = compiler_ffi.load()
    base = load_address(library)
    names = (_PRINTER, *_REPLACEMENTS, _PASS, _GET_ARGUMENT, _STATISTIC)
    if base is None or not all(hasattr(library, name) for name in _mlir_functions()):
        return None
    symbols = find_symbols(compiler_ffi.library_path(), (*names, *_TARGETS, _EMIT_FILE))
    if not all(name in symbols for name in names):
        return None
    slots = {
        slot: function
        for name, function in _REPLACEMENTS.items()
        for slot in _slots(base, symbols[_PRINTER], symbols[name])
    }
    arguments = _slots(base, symbols[_PASS], symbols[_GET_ARGUMENT])
    counts_slot = _counts_slot(base + symbols[_STATISTIC].address)
    if len(slots) != len(_REPLACEMENTS) or not arguments or counts_slot is None:
        return None
    emit_file = symbols.get(_EMIT_FILE)
    if emit_file is not None:
        vtables = [symbols[name] for name in _TARGETS if name in symbols]
        found = [slot for vtable in vtables for slot in _slots(base, vtable, emit_file)]
        slots.update(dict.fromkeys(found, "emit_no_listing"))
    # An object points at the third word of its class's vtable.
    argument_slot = arguments[0] - (base + symbols[_PASS].address) - 16
    return Hooks(slots, argument_slot, counts_slot, base + emit_file.address if emit_file else 0)


def _slots(base: int, vtable: Symbol, method: Symbol) -> list[int]:
    """Addresses of the words of a vtable that point to a method."""
    start = base + vtable.address
    words = (ctypes.c_uint64 * (vtable.size // 8)).from_address(start)
    return [start + 8 * i for i, word in enumerate(words) if word == base + method.address]


def _counts_slot(constructor: int) -> int | None:
    """Where a Pass points to its statistics: their constructor writes that into a blank one.

    None where a statistic is not what instrumentation.ll expects.
    """
    # mlir::Pass::Statistic::Statistic(Pass* owner, const char* name, const char* description)
    construct = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)(constructor)
    owner = (ctypes.c_uint64 * _PASS_WORDS)()
    statistic = (ctypes.c_uint64 * _STATISTIC_WORDS)()
    texts = [ctypes.create_string_buffer(text) for text in (b"name", b"description")]
    name, description = map(ctypes.addressof, texts)
    construct(ctypes.addressof(statistic), ctypes.addressof(owner), name, description)
    vector = [i for i, word in enumerate(owner) if word]  # begin, end, end of the room
    if len(vector) != 3 or list(statistic[1:4]) != [name, description, 0]:
        return None
    begin, end = owner[vector[0]], owner[vector[1]]
    written = ctypes.c_uint64.from_address(begin).value
    if (end - begin, written) != (8, ctypes.addressof(statistic)):
        return None
    return 8 * vector[0]


@functools.cache
def _source() -> str:
    return resources.files("ireelab.pipeline").joinpath(_SOURCE).read_text("utf-8")


def _mlir_functions() -> list[str]:
    """The functions of MLIR's C API that instrumentation.ll calls."""
    return _MLIR_FUNCTION.findall(_source())


@functools.cache
def engine() -> Any:
    """Machine code of instrumentation.ll."""
    library = compiler_ffi.load()
    functions = {
        name: ctypes.cast(getattr(library, name), ctypes.c_void_p).value
        for name in _mlir_functions()
    }
    return native(_source(), functions)


class Journal:
    """What one compilation writes, in the process that runs it."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._writes_to = ctypes.c_int32(self._file)  # -1 after a failed write, of whichever side
        self._known = mmap.mmap(-1, _KNOWN_BYTES)
        self._containers = ctypes.create_string_buffer(
            b"".join(name.encode() + b"\0" for name in sorted(CONTAINERS)) + b"\0"
        )

    def install(self, found: Hooks, argv: Sequence[str]) -> None:
        """Let the library's printer write this journal instead of files."""
        with_locations = any("-mlir-print-debuginfo" in argument for argument in argv)
        self._writes_to = ctypes.c_int32.from_address(engine().get_global_value_address("journal"))
        self._writes_to.value = self._file
        self._set("argument_slot", ctypes.c_int64, found.argument_slot)
        self._set("counts_slot", ctypes.c_int64, found.counts_slot)
        self._set("emit_file", ctypes.c_uint64, found.emit_file)
        self._set("containers", ctypes.c_uint64, ctypes.addressof(self._containers))
        known = ctypes.c_char.from_buffer(self._known)
        self._set("known", ctypes.c_uint64, ctypes.addressof(known))
        flags = _IGNORE_COMMUTATIVITY | (0 if with_locations else _IGNORE_LOCATIONS)
        self._set("hash_flags", ctypes.c_int32, flags)
        for slot, function in found.slots.items():
            _make_writable(slot)
            address = engine().get_function_address(function)
            ctypes.c_uint64.from_address(slot).value = address

    @staticmethod
    def _set(name: str, kind: Any, value: int) -> None:
        kind.from_address(engine().get_global_value_address(name)).value = value

    def begin_step(self, number: int) -> None:
        """What follows belongs to that step of the lab pipeline."""
        self._write(record(STEP, number, 0, 0, b""))

    def add(self, when: str, name: str, text: Callable[[], str]) -> None:
        """The whole module, which this process prints itself; ``when`` is as MLIR says it."""
        start_ns, thread = time.perf_counter_ns(), threading.get_native_id()
        contents = b"\0".join(part.encode() for part in (when, name, text()))
        self._write(record(OWN, start_ns, thread, time.perf_counter_ns(), contents))

    @property
    def failed(self) -> bool:
        """Could something not be written?"""
        return self._writes_to.value < 0

    def _write(self, whole: bytes) -> None:
        """All of it, or nothing more from now on: a record must not begin inside another."""
        while whole and not self.failed:
            try:
                whole = whole[os.write(self._file, whole) :]
            except OSError:
                self._writes_to.value = -1


def _make_writable(address: int) -> None:
    """The page of a vtable, which the loader has made read-only."""
    mprotect = ctypes.CDLL(None, use_errno=True).mprotect
    mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    start = address & -_PAGE_BYTES
    # int mprotect(void* addr, size_t len, int prot)
    if mprotect(start, _PAGE_BYTES, mmap.PROT_READ | mmap.PROT_WRITE):
        raise OSError(ctypes.get_errno(), f"mprotect of a vtable failed on {sys.platform}")
