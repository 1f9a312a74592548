"""Buffers in host memory, from a pool of size classes.

Memory goes back to the pool when the last thing that can see it dies: the buffer, a subspan, a
NumPy array mapped from it, a command buffer that recorded it. Giving a buffer back
(``queue_dealloca``, ``close``) drops only that buffer's own hold, so neither can leave a dangling
pointer behind.
"""

# NumPy types some members of an array only in part.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import os
import sys
import threading
from typing import Any

import numpy as np
import numpy.typing as npt

from ireelab.errors import DeviceError, OutOfDeviceMemory
from ireelab.hal.allocator import IMPORT_ALIGNMENT_BYTES, Allocator, AllocatorStatistics
from ireelab.hal.buffer import Buffer, HostRange
from ireelab.hal.device import Device
from ireelab.hal.host_memory_ffi import copy_bytes

_SMALLEST_CLASS_BYTES = 256


class Storage:
    """One aligned block; ``pointer`` is its address. Returns to its pool when collected."""

    __slots__ = ("_array", "_pool", "capacity_bytes", "pointer", "readonly")

    def __init__(
        self, array: npt.NDArray[Any], pointer: int, capacity_bytes: int, pool: HostPool | None
    ) -> None:
        self._array = array
        self._pool = pool
        self.pointer = pointer
        self.capacity_bytes = capacity_bytes
        self.readonly = False

    @property
    def array(self) -> npt.NDArray[Any]:
        """What owns the memory; it outlives this where the memory goes back to a pool."""
        return self._array

    @property
    def __array_interface__(self) -> dict[str, Any]:
        # Arrays made from this keep the Storage, not just the memory, alive.
        return {
            "shape": (self.capacity_bytes,),
            "typestr": "|u1",
            "data": (self.pointer, self.readonly),
            "version": 3,
        }

    def __del__(self) -> None:
        if self._pool is not None:
            self._pool.recycle(self._array, self.pointer, self.capacity_bytes)


def address_of(array: npt.NDArray[Any]) -> int:
    """The address of an array's first byte."""
    return int(array.__array_interface__["data"][0])


class HostBuffer(Buffer):
    """A range of host memory. ``pointer`` is its address, 0 once closed."""

    __slots__ = ("pointer", "storage")

    def __init__(
        self,
        device: Device,
        storage: Storage,
        pointer: int,
        length_bytes: int,
        memory_type: int,
        usage: int,
    ) -> None:
        self.device = device
        self.storage: Storage | None = storage
        self.pointer = pointer
        self.length_bytes = length_bytes
        self.memory_type = memory_type
        self.usage = usage

    def subspan(self, offset_bytes: int, length_bytes: int) -> HostBuffer:
        if offset_bytes == 0 and length_bytes == self.length_bytes:
            return self
        self.check_range(offset_bytes, length_bytes, "subspan")
        pointer = self.pointer + offset_bytes
        storage = self._open_storage()
        return HostBuffer(self.device, storage, pointer, length_bytes, self.memory_type, self.usage)

    def map(self) -> npt.NDArray[np.uint8]:
        storage = self._open_storage()
        start = self.pointer - storage.pointer
        data: npt.NDArray[np.uint8] = np.asarray(storage)
        return data[start : start + self.length_bytes]

    def host_address(self) -> int:
        return self.pointer

    def host_range(self) -> HostRange:
        storage = self._open_storage()
        return HostRange(storage.array, storage.pointer, storage.capacity_bytes)

    def hold(self) -> Storage:
        return self._open_storage()

    def is_shared(self) -> bool:
        # This object's own reference and the argument's.
        return sys.getrefcount(self.storage) > 2

    def close(self) -> None:
        self.storage = None
        self.pointer = 0

    def _open_storage(self) -> Storage:
        if self.storage is None:
            raise DeviceError("the buffer is closed or was deallocated; it has no contents")
        return self.storage


class HostPool:
    """Free blocks by size class, and the counts of what is out.

    A class is a quarter of a power of two, so at most 25% of a block is unused.
    """

    def __init__(self, limit_bytes: int | None) -> None:
        self.limit_bytes = limit_bytes
        self.retained_limit_bytes = _physical_memory_bytes() // 4
        self.live_bytes = 0
        self.peak_bytes = 0
        self.live_blocks = 0
        self.pooled_bytes = 0
        self.allocations = 0
        self.reused = 0
        self._free: dict[int, list[tuple[npt.NDArray[Any], int]]] = {}
        # Re-entrant: a collection inside a locked region may finalise a Storage.
        self._lock = threading.RLock()

    def take(self, size_bytes: int) -> Storage:
        """A block of at least ``size_bytes``; OutOfDeviceMemory when the host has none."""
        if size_bytes > _SMALLEST_CLASS_BYTES:
            shift = (size_bytes - 1).bit_length() - 3
            capacity = (((size_bytes - 1) >> shift) + 1) << shift
        else:
            capacity = _SMALLEST_CLASS_BYTES
        with self._lock:
            free = self._free.get(capacity)
            if free:
                array, pointer = free.pop()
                self.pooled_bytes -= capacity
                self.reused += 1
            else:
                array, pointer = self._allocate(size_bytes, capacity)
            self.allocations += 1
            self.live_blocks += 1
            self.live_bytes += capacity
            if self.live_bytes > self.peak_bytes:
                self.peak_bytes = self.live_bytes
        return Storage(array, pointer, capacity, self)

    def recycle(self, array: npt.NDArray[Any], pointer: int, capacity_bytes: int) -> None:
        """Keep a block for reuse, or free it when enough are kept already."""
        with self._lock:
            self.live_blocks -= 1
            self.live_bytes -= capacity_bytes
            if self.pooled_bytes + capacity_bytes <= self.retained_limit_bytes:
                self.pooled_bytes += capacity_bytes
                self._free.setdefault(capacity_bytes, []).append((array, pointer))

    def trim(self) -> None:
        """Free every block kept for reuse."""
        with self._lock:
            self._free.clear()
            self.pooled_bytes = 0

    def _allocate(self, size_bytes: int, capacity: int) -> tuple[npt.NDArray[Any], int]:
        limit = self.limit_bytes
        if limit is not None and self.live_bytes + self.pooled_bytes + capacity > limit:
            self.trim()
            if self.live_bytes + capacity > limit:
                raise OutOfDeviceMemory(
                    f"cannot allocate {size_bytes:,} bytes: {self.live_bytes:,} are in use and "
                    f"the device's limit is {limit:,}; raise memory_limit or free buffers"
                )
        try:
            array = np.empty(capacity + IMPORT_ALIGNMENT_BYTES, np.uint8)
        except (MemoryError, ValueError) as error:
            raise OutOfDeviceMemory(
                f"the host cannot allocate {size_bytes:,} bytes ({self.live_bytes:,} are in use); "
                "use smaller inputs or free buffers"
            ) from error
        address = address_of(array)
        return array, -(-address // IMPORT_ALIGNMENT_BYTES) * IMPORT_ALIGNMENT_BYTES


class HostAllocator(Allocator):
    """Allocator over one :class:`HostPool`."""

    def __init__(self, device: Device, limit_bytes: int | None = None) -> None:
        self._device = device
        self._imported = 0
        self.pool = HostPool(limit_bytes)

    def allocate(self, memory_type: int, usage: int, size_bytes: int) -> HostBuffer:
        if size_bytes < 0:
            raise DeviceError(f"a buffer cannot have {size_bytes} bytes")
        storage = self.pool.take(size_bytes)
        return HostBuffer(self._device, storage, storage.pointer, size_bytes, memory_type, usage)

    def import_host(self, array: npt.NDArray[Any], memory_type: int, usage: int) -> HostBuffer:
        if not array.flags.c_contiguous:
            array = np.ascontiguousarray(array)
        address, readonly = array.__array_interface__["data"]
        size_bytes = array.nbytes
        if address % IMPORT_ALIGNMENT_BYTES or not size_bytes:
            buffer = self.allocate(memory_type, usage, size_bytes)
            copy_bytes(buffer.pointer, address, size_bytes)
            return buffer
        storage = _ImportedStorage(array, address, size_bytes, None)
        storage.readonly = readonly
        storage.attach(self)
        return HostBuffer(self._device, storage, address, size_bytes, memory_type, usage)

    def import_buffer(self, buffer: Buffer) -> HostBuffer | None:
        if isinstance(buffer, HostBuffer):
            return buffer
        found = buffer.host_range()
        if found is None:
            return None
        buffer.device.settle()
        storage = _PeerStorage(np.empty(0, np.uint8), found.address, found.length_bytes, None)
        storage.keep(buffer.hold())
        address, length_bytes = buffer.host_address(), buffer.length_bytes
        return HostBuffer(
            self._device, storage, address, length_bytes, buffer.memory_type, buffer.usage
        )

    def statistics(self) -> AllocatorStatistics:
        pool = self.pool
        return AllocatorStatistics(
            live_bytes=pool.live_bytes,
            peak_bytes=pool.peak_bytes,
            live_buffers=pool.live_blocks,
            total_allocations=pool.allocations,
            reused_allocations=pool.reused,
            pooled_bytes=pool.pooled_bytes,
            imported_buffers=self._imported,
        )

    def trim(self) -> None:
        self.pool.trim()

    def count_import(self, change: int) -> None:
        """Called as imported storage comes (+1) and goes (-1)."""
        self._imported += change


class _ImportedStorage(Storage):
    """The caller's own array; never pooled."""

    __slots__ = ("_allocator",)

    def attach(self, allocator: HostAllocator) -> None:
        self._allocator = allocator
        allocator.count_import(1)

    def __del__(self) -> None:
        self._allocator.count_import(-1)


class _PeerStorage(Storage):
    """Memory of another device."""

    __slots__ = ("_held",)

    def keep(self, held: object) -> None:
        self._held = held


def _physical_memory_bytes() -> int:
    if hasattr(os, "sysconf"):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return 4 << 30
