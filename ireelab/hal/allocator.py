"""Memory of a device. Mirrors ``runtime/src/iree/hal/allocator.h``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ireelab.hal.buffer import Buffer

IMPORT_ALIGNMENT_BYTES = 64
"""Of an array that is imported in place: IREE's kernels assume it of every binding."""


@dataclass(frozen=True, slots=True)
class AllocatorStatistics:
    """What an allocator has handed out.

    ``live_*`` counts memory in use (by buffers, subspans or mapped arrays), ``pooled_bytes``
    memory kept for reuse, ``imported_buffers`` the live buffers over the caller's own arrays.
    """

    live_bytes: int = 0
    peak_bytes: int = 0
    live_buffers: int = 0
    total_allocations: int = 0
    reused_allocations: int = 0
    pooled_bytes: int = 0
    imported_buffers: int = 0


class Allocator(ABC):
    """Allocates buffers that live until they are closed."""

    imports_in_place: bool = True
    """Whether ``import_host`` can share an array's memory; where False it always copies."""

    @abstractmethod
    def allocate(self, memory_type: int, usage: int, size_bytes: int) -> Buffer:
        """A buffer of ``size_bytes``, contents undefined; OutOfDeviceMemory when it cannot be."""

    @abstractmethod
    def import_host(self, array: npt.NDArray[Any], memory_type: int, usage: int) -> Buffer:
        """A buffer with the array's bytes.

        With ``imports_in_place``, shares the array's memory where it is C-contiguous and 64-byte
        aligned (the array must then not be changed while the device uses it), else copies.
        """

    def share_host(self, array: npt.NDArray[Any], memory_type: int, usage: int) -> Buffer:
        """A buffer to be used again and again, over the array's own memory where that is as good.

        The array must then not be changed while the device uses it; a copy elsewhere.
        """
        return self.import_host(array, memory_type, usage)

    def staging(
        self, size_bytes: int, memory_type: int, usage: int
    ) -> tuple[Buffer, npt.NDArray[np.uint8]] | None:
        """A buffer that the host fills again and again, and its bytes; None where it cannot.

        It may be filled while nobody else holds it and :meth:`settled` is true.
        """
        if not self.imports_in_place:
            return None
        raw = np.empty(size_bytes + IMPORT_ALIGNMENT_BYTES, np.uint8)
        start = -raw.ctypes.data % IMPORT_ALIGNMENT_BYTES
        memory = raw[start : start + size_bytes]
        return self.import_host(memory, memory_type, usage), memory

    def settled(self) -> bool:
        """Whether no work that was submitted still uses a buffer that nobody holds."""
        return True

    @abstractmethod
    def import_buffer(self, buffer: Buffer) -> Buffer | None:
        """Another device's buffer as one of this device's, over the same memory.

        None where this device cannot reach that memory. Work of both devices on it is ordered by
        fences alone.
        """

    @abstractmethod
    def statistics(self) -> AllocatorStatistics:
        """Counts and bytes at this moment."""

    @abstractmethod
    def trim(self) -> None:
        """Give pooled memory back to the system."""
