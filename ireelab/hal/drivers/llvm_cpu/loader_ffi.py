"""IREE's ELF executables, loaded by the system's dynamic loader from memory."""

from __future__ import annotations

import ctypes
import os
import sys

from ireelab.errors import ExecutableMismatch
from ireelab.hal.drivers.llvm_cpu.elf import MACHINES, check_elf


class LoadedLibrary:
    """A shared object; unloaded when the last user of this object is gone."""

    def __init__(self, data: bytes | memoryview, architecture: str) -> None:
        """Load; ExecutableMismatch unless the file is sound and for this architecture."""
        if sys.platform != "linux":
            raise ExecutableMismatch(
                "ELF executables load on Linux only; compile the program here with il.compile(), "
                "which keeps the LLVM IR, and it runs without the ELF file"
            )
        if architecture not in MACHINES:
            raise ExecutableMismatch(f"no ELF executables for architecture {architecture!r}")
        check_elf(data, architecture)
        # The loader knows libraries by path, and /proc/self/fd/N is a new file as soon as N is
        # free again: the descriptor stays open for as long as the library is loaded.
        self._descriptor = os.memfd_create("ireelab-executable")
        try:
            _write_all(self._descriptor, data)
            self._library = ctypes.CDLL(f"/proc/self/fd/{self._descriptor}")
        except OSError as error:
            raise ExecutableMismatch(f"the executable does not load: {error}") from error

    def address(self, function: str) -> int:
        """Address of an exported function; ExecutableMismatch if there is none."""
        try:
            pointer = ctypes.cast(getattr(self._library, function), ctypes.c_void_p).value
        except AttributeError as error:
            raise ExecutableMismatch(f"the executable does not export {function!r}") from error
        assert pointer is not None
        return pointer

    def __del__(self) -> None:
        library = getattr(self, "_library", None)
        if library is not None:
            # int dlclose(void* handle)
            _dlclose(library._handle)
        descriptor = getattr(self, "_descriptor", None)
        if descriptor is not None:
            os.close(descriptor)


def _write_all(descriptor: int, data: bytes | memoryview) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


_dlclose = ctypes.CDLL(None).dlclose
_dlclose.argtypes = (ctypes.c_void_p,)
_dlclose.restype = ctypes.c_int
