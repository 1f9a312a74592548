"""Device memory: large blocks, ranges of them in size classes, and the buffers over those.

A ``vkAllocateMemory`` can cost most of a millisecond, so that a call must not make one. Ranges go
back to the pool when the last thing that can see them dies (as in ``hal/host_memory.py``): the
buffer, a subspan, a mapped array, a recorded command buffer. While one queue does all the work,
reuse by the device needs no wait, since that queue runs in order; with several, and for what the
host writes, a range is used again once everything has ended that was submitted before it came back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt

from ireelab.errors import OutOfDeviceMemory
from ireelab.hal.drivers.vulkan.logical_device import LogicalDevice
from ireelab.hal.drivers.vulkan.physical_device import (
    MEMORY_CACHED,
    MEMORY_COHERENT,
    MEMORY_DEVICE_LOCAL,
    MEMORY_HOST_VISIBLE,
    HeapType,
)
from ireelab.hal.drivers.vulkan.queues import Queues, Stamp
from ireelab.hal.drivers.vulkan.vulkan_ffi import Handle, Structs, Vulkan

# TRANSFER_SRC | TRANSFER_DST | UNIFORM | STORAGE | INDIRECT | SHADER_DEVICE_ADDRESS
_BUFFER_USAGE = 0x1 | 0x2 | 0x10 | 0x20 | 0x100 | 0x20000
_DEVICE_ADDRESS_FLAG = 2  # VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT

HOST_ALLOCATION = 0x80  # VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT

BLOCK_BYTES = 64 << 20
SMALLEST_CLASS_BYTES = 256
"""Also the alignment of every range: no device asks for more."""

POINTER_BLOCK_SHIFT = 48
POINTER_BLOCK_BYTES = 1 << POINTER_BLOCK_SHIFT
"""A buffer's ``pointer`` is its block's number and its offset there: unique in the process."""

_LOOK_BACK = 8  # free ranges that are asked whether work still uses them

block_numbers = count(1)


class Block:
    """One ``VkDeviceMemory`` under one ``VkBuffer``; ``host`` is its mapping, None without one."""

    def __init__(
        self, vulkan: Vulkan, logical: LogicalDevice, memory_type: HeapType, size_bytes: int,
        host_pointer: int = 0,
    ) -> None:  # fmt: skip
        """``host_pointer``: the caller's own memory, imported instead of allocated."""
        self.number = next(block_numbers)
        self.base = self.number << POINTER_BLOCK_SHIFT
        self.size_bytes = size_bytes
        self.used_bytes = 0
        self.live_ranges = 0
        self._vulkan = vulkan
        self._device = device = logical.handle
        structs = Structs(vulkan)
        info = _buffer_info(structs, logical.families, size_bytes, imported=bool(host_pointer))
        self.buffer: Handle = vulkan.create("vkCreateBuffer", "VkBuffer", device, info)
        try:
            self.memory: Handle = self._allocate(structs, memory_type, host_pointer)
        except BaseException:
            vulkan.lib.vkDestroyBuffer(device, self.buffer, vulkan.null)
            raise
        result = vulkan.lib.vkBindBufferMemory(device, self.buffer, self.memory, 0)
        vulkan.check(result, "vkBindBufferMemory")
        self.device_address = int(
            vulkan.lib.vkGetBufferDeviceAddress(
                device, structs.new("VkBufferDeviceAddressInfo", buffer=self.buffer)
            )
        )
        self.host: npt.NDArray[np.uint8] | None = None
        if host_pointer:
            self.host = np.frombuffer(
                vulkan.ffi.buffer(vulkan.pointer(host_pointer), size_bytes), np.uint8
            )
        elif memory_type.flags & MEMORY_HOST_VISIBLE:
            self.host = self._map()

    def close(self) -> None:
        """Destroy; nothing may use it any more."""
        vulkan, self.host = self._vulkan, None
        vulkan.lib.vkDestroyBuffer(self._device, self.buffer, vulkan.null)
        vulkan.lib.vkFreeMemory(self._device, self.memory, vulkan.null)

    def _allocate(self, structs: Structs, memory_type: HeapType, host_pointer: int) -> Handle:
        vulkan = self._vulkan
        needs: Any = vulkan.ffi.new("VkMemoryRequirements *")
        vulkan.lib.vkGetBufferMemoryRequirements(self._device, self.buffer, needs)
        size_bytes, imported = int(needs.size), None
        if host_pointer:
            size_bytes = self.size_bytes
            imported = structs.new(
                "VkImportMemoryHostPointerInfoEXT",
                handleType=HOST_ALLOCATION,
                pHostPointer=vulkan.pointer(host_pointer),
            )
        flags = structs.new("VkMemoryAllocateFlagsInfo", next=imported, flags=_DEVICE_ADDRESS_FLAG)
        info = structs.new(
            "VkMemoryAllocateInfo",
            next=flags,
            allocationSize=size_bytes,
            memoryTypeIndex=memory_type.index,
        )
        return vulkan.create("vkAllocateMemory", "VkDeviceMemory", self._device, info)

    def _map(self) -> npt.NDArray[np.uint8]:
        vulkan = self._vulkan
        out = vulkan.ffi.new("void **")
        result = vulkan.lib.vkMapMemory(self._device, self.memory, 0, self.size_bytes, 0, out)
        vulkan.check(result, "vkMapMemory")
        return np.frombuffer(vulkan.ffi.buffer(out[0], self.size_bytes), np.uint8)


class Storage:
    """A range of a block; goes back to its pool when collected.

    ``shown``: the host may have written there, or may do so without this driver seeing it.
    """

    __slots__ = ("__weakref__", "block", "capacity_bytes", "pointer", "pool", "shown")

    def __init__(self, pool: Pool, block: Block, offset_bytes: int, capacity_bytes: int) -> None:
        self.pool = pool
        self.block = block
        self.pointer = block.base + offset_bytes
        self.capacity_bytes = capacity_bytes
        self.shown = False

    @property
    def __array_interface__(self) -> dict[str, Any]:
        # Arrays made from this keep the Storage alive.
        assert self.block.host is not None
        address = self.block.host.__array_interface__["data"][0]
        return {
            "shape": (self.capacity_bytes,),
            "typestr": "|u1",
            "data": (address + self.pointer - self.block.base, False),
            "version": 3,
        }

    def __del__(self) -> None:
        self.pool.recycle(self.block, self.pointer - self.block.base, self.capacity_bytes)


class Pool:
    """Ranges of one memory type. ``host_reads_fast`` says whether the host reads them cached."""

    def __init__(
        self,
        vulkan: Vulkan,
        logical: LogicalDevice,
        memory_type: HeapType,
        largest_bytes: int,
        queues: Queues,
    ) -> None:
        self.memory_type = memory_type
        self.host_visible = bool(memory_type.flags & MEMORY_HOST_VISIBLE)
        self.host_reads_fast = bool(memory_type.flags & MEMORY_CACHED)
        self.live_bytes = 0
        self.peak_bytes = 0
        self.live_ranges = 0
        self.allocations = 0
        self.reused = 0
        self._vulkan = vulkan
        self._logical = logical
        self._queues = queues
        self._on_empty: Callable[[], None] | None = None
        self._largest_bytes = min(largest_bytes, memory_type.heap_bytes)
        self._block_bytes = min(BLOCK_BYTES, max(memory_type.heap_bytes // 16, 1 << 20))
        self._blocks: dict[int, Block] = {}
        self._current: Block | None = None
        self._free: dict[int, list[tuple[Block, int, Stamp]]] = {}
        # Re-entrant: a collection inside a locked region may finalise a Storage.
        self._lock = threading.RLock()

    @property
    def pooled_bytes(self) -> int:
        """What is allocated from the device and not in use."""
        return sum(block.size_bytes for block in self._blocks.values()) - self.live_bytes

    def take(self, size_bytes: int, *, ended: bool = False) -> Storage:
        """A range of at least ``size_bytes``; OutOfDeviceMemory where the device has none.

        With ``ended`` no work uses it any more, so that the host may write to it at once.
        """
        if size_bytes > SMALLEST_CLASS_BYTES:
            # A class is a quarter of a power of two: at most 25% of a range is unused.
            shift = max((size_bytes - 1).bit_length() - 3, 8)
            capacity = (((size_bytes - 1) >> shift) + 1) << shift
        else:
            capacity = SMALLEST_CLASS_BYTES
        with self._lock:
            free = self._free.get(capacity)
            found = self._reusable(free, ended=ended) if free else None
            if found is not None:
                block, offset = found
                self.reused += 1
            else:
                block, offset = self._carve(size_bytes, capacity)
            block.live_ranges += 1
            self.allocations += 1
            self.live_ranges += 1
            self.live_bytes += capacity
            if self.live_bytes > self.peak_bytes:
                self.peak_bytes = self.live_bytes
        return Storage(self, block, offset, capacity)

    def recycle(self, block: Block, offset_bytes: int, capacity_bytes: int) -> None:
        stamp = self._queues.everything()
        with self._lock:
            block.live_ranges -= 1
            self.live_ranges -= 1
            self.live_bytes -= capacity_bytes
            self._free.setdefault(capacity_bytes, []).append((block, offset_bytes, stamp))
            if self._on_empty is not None:
                self._free_unused()

    def trim(self) -> None:
        """Free the blocks that nobody uses, once the queue is idle."""
        self._queues.wait_idle()
        self._queues.collect()
        with self._lock:
            self._free_unused()

    def close(self, on_empty: Callable[[], None]) -> None:
        """Free every block as soon as nothing uses it, then call ``on_empty``.

        Arrays mapped from device memory stay valid until they are collected.
        """
        with self._lock:
            self._on_empty = on_empty
            self._free_unused()

    def _reusable(
        self, free: list[tuple[Block, int, Stamp]], *, ended: bool
    ) -> tuple[Block, int] | None:
        """The newest free range that may be used, taken off the list."""
        if not ended and not self._queues.used:
            block, offset, _ = free.pop()
            return block, offset
        for place in range(len(free) - 1, max(len(free) - 1 - _LOOK_BACK, -1), -1):
            block, offset, stamp = free[place]
            if not stamp or self._queues.reached(stamp):
                del free[place]
                return block, offset
        return None

    def _free_unused(self) -> None:
        unused = {number for number, block in self._blocks.items() if not block.live_ranges}
        for capacity, free in list(self._free.items()):
            self._free[capacity] = [entry for entry in free if entry[0].number not in unused]
        if self._current is not None and self._current.number in unused:
            self._current = None
        for number in unused:
            self._blocks.pop(number).close()
        if self._on_empty is not None and not self._blocks:
            on_empty, self._on_empty = self._on_empty, None
            on_empty()

    def _carve(self, size_bytes: int, capacity: int) -> tuple[Block, int]:
        if capacity > self._block_bytes // 4:
            return self._new_block(size_bytes, capacity, capacity), 0
        block = self._current
        if block is None or block.used_bytes + capacity > block.size_bytes:
            block = self._current = self._new_block(size_bytes, self._block_bytes, 0)
        offset = block.used_bytes
        block.used_bytes += capacity
        return block, offset

    def _new_block(self, size_bytes: int, block_bytes: int, used_bytes: int) -> Block:
        if block_bytes > self._largest_bytes:
            raise self._out_of_memory(size_bytes, "the device's largest allocation is")
        try:
            block = Block(self._vulkan, self._logical, self.memory_type, block_bytes)
        except OutOfDeviceMemory:
            self.trim()
            try:
                block = Block(self._vulkan, self._logical, self.memory_type, block_bytes)
            except OutOfDeviceMemory:
                raise self._out_of_memory(size_bytes, "its heap has") from None
        block.used_bytes = used_bytes
        self._blocks[block.number] = block
        return block

    def _out_of_memory(self, size_bytes: int, limit: str) -> OutOfDeviceMemory:
        return OutOfDeviceMemory(
            f"the device cannot allocate {size_bytes:,} bytes: {self.live_bytes:,} are in use, "
            f"{self.pooled_bytes:,} kept for reuse, {limit} {self._largest_bytes:,}; use smaller "
            "inputs or free buffers"
        )


def choose_device_memory(types: tuple[HeapType, ...], allowed: int, kind: str) -> HeapType:
    """The memory that kernels work in.

    ``kind`` is "auto", "device" (not host-visible), "rebar" (device-local and host-visible) or
    "host". Auto takes host-visible memory only where it covers the whole of the device's: a small
    window would run out.
    """
    usable = [t for t in types if allowed >> t.index & 1]
    local = [t for t in usable if t.flags & MEMORY_DEVICE_LOCAL]
    visible = MEMORY_HOST_VISIBLE | MEMORY_COHERENT
    bar = [t for t in local if t.flags & visible == visible]
    host = [t for t in usable if t.flags & visible == visible]
    largest = max((t.heap_bytes for t in local), default=0)
    if kind == "auto":
        bar = [t for t in bar if t.heap_bytes >= largest]
    plain = [t for t in local if not t.flags & MEMORY_HOST_VISIBLE] or local
    order = {
        "auto": bar or plain or host,
        "device": plain or host,
        "rebar": bar or plain or host,
        "host": [t for t in host if not t.flags & MEMORY_DEVICE_LOCAL] or host,
    }[kind]
    return max(order, key=lambda t: (t.heap_bytes, bool(t.flags & MEMORY_CACHED), -t.index))


def choose_staging_memory(types: tuple[HeapType, ...], allowed: int) -> HeapType:
    """Memory that the host reads and writes fast; Vulkan promises a coherent type."""
    visible = MEMORY_HOST_VISIBLE | MEMORY_COHERENT
    usable = [t for t in types if allowed >> t.index & 1 and t.flags & visible == visible]
    return max(
        usable,
        key=lambda t: (bool(t.flags & MEMORY_CACHED), not t.flags & MEMORY_DEVICE_LOCAL, -t.index),
    )


def allowed_memory_types(vulkan: Vulkan, logical: LogicalDevice) -> int:
    """Bit mask of the memory types that buffers of this driver can use."""
    device = logical.handle
    structs = Structs(vulkan)  # owns what the struct points to
    info = _buffer_info(structs, logical.families, SMALLEST_CLASS_BYTES, imported=False)
    buffer = vulkan.create("vkCreateBuffer", "VkBuffer", device, info)
    needs: Any = vulkan.ffi.new("VkMemoryRequirements *")
    vulkan.lib.vkGetBufferMemoryRequirements(device, buffer, needs)
    vulkan.lib.vkDestroyBuffer(device, buffer, vulkan.null)
    return int(needs.memoryTypeBits)


def _buffer_info(
    structs: Structs, families: tuple[int, ...], size_bytes: int, *, imported: bool
) -> Any:
    """Queues of all families use a buffer without handing it over."""
    external = None
    if imported:
        external = structs.new("VkExternalMemoryBufferCreateInfo", handleTypes=HOST_ALLOCATION)
    shared = len(families) > 1
    return structs.new(
        "VkBufferCreateInfo",
        next=external,
        size=size_bytes,
        usage=_BUFFER_USAGE,
        sharingMode=int(shared),
        queueFamilyIndexCount=len(families) if shared else 0,
        pQueueFamilyIndices=list(families) if shared else [],
    )
