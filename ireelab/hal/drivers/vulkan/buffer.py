"""Buffers over pooled device memory, and how the host reads and writes them.

The host waits for the queue before it touches memory. Where the host reads device memory slowly or
not at all, reads go through a copy to staging memory that the device makes.
"""

# NumPy types some members of an array only in part.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ireelab.errors import DeviceError
from ireelab.hal.allocator import Allocator, AllocatorStatistics
from ireelab.hal.buffer import Buffer, HostRange
from ireelab.hal.drivers.vulkan.host_import import HostImporter
from ireelab.hal.drivers.vulkan.memory import POINTER_BLOCK_BYTES, Pool, Storage
from ireelab.hal.drivers.vulkan.peer_memory import PeerMemory
from ireelab.hal.host_memory import address_of
from ireelab.hal.types import MemoryType

if TYPE_CHECKING:
    from ireelab.hal.drivers.vulkan.device import VulkanDevice


_HOST_VISIBLE = int(MemoryType.HOST_VISIBLE)


class VulkanBuffer(Buffer):
    """A range of a block. ``pointer`` names block and offset, 0 once closed."""

    __slots__ = ("_owner", "pointer", "storage")

    def __init__(
        self,
        device: VulkanDevice,
        storage: Storage,
        pointer: int,
        length_bytes: int,
        memory_type: int,
        usage: int,
    ) -> None:
        self.device = self._owner = device
        self.storage: Storage | None = storage
        self.pointer = pointer
        self.length_bytes = length_bytes
        self.memory_type = memory_type
        self.usage = usage

    def subspan(self, offset_bytes: int, length_bytes: int) -> VulkanBuffer:
        if offset_bytes == 0 and length_bytes == self.length_bytes:
            return self
        self.check_range(offset_bytes, length_bytes, "subspan")
        storage = self._open_storage()
        pointer = self.pointer + offset_bytes
        return VulkanBuffer(
            self._owner, storage, pointer, length_bytes, self.memory_type, self.usage
        )

    def map(self) -> npt.NDArray[np.uint8]:
        storage = self._open_storage()
        if storage.block.host is None:
            raise DeviceError(
                "the buffer is in memory that the host cannot see; use read() and write(), or "
                "allocate it with MemoryType.HOST_VISIBLE"
            )
        self._owner.core.queues.wait_idle()
        storage.shown = True
        start = self.pointer - storage.pointer
        data: npt.NDArray[np.uint8] = np.asarray(storage)
        return data[start : start + self.length_bytes]

    def contents(self) -> npt.NDArray[np.uint8]:
        storage = self._open_storage()
        if storage.pool.host_reads_fast and storage.block.host is not None:
            return self.map()
        return self._owner.downloads.download(storage, self.pointer, self.length_bytes)

    def read(self, offset_bytes: int = 0, length_bytes: int | None = None) -> bytes:
        if length_bytes is None:
            length_bytes = self.length_bytes - offset_bytes
        self.check_range(offset_bytes, length_bytes, "read")
        if not length_bytes:
            return b""
        storage = self._open_storage()
        if storage.pool.host_reads_fast and storage.block.host is not None:
            return self.map()[offset_bytes : offset_bytes + length_bytes].tobytes()
        start = self.pointer + offset_bytes
        return self._owner.downloads.download(storage, start, length_bytes).tobytes()

    def write(self, offset_bytes: int, data: bytes | bytearray | memoryview) -> None:
        source = np.frombuffer(data, np.uint8)
        self.check_range(offset_bytes, source.size, "write")
        self.write_array(offset_bytes, source)

    def write_array(self, offset_bytes: int, source: npt.NDArray[np.uint8]) -> None:
        """Overwrite bytes; the range was checked."""
        storage = self._open_storage()
        host = storage.block.host
        if host is None:
            everything = self._owner.core.queues.everything()
            self._owner.transfers.upload(storage, self.pointer + offset_bytes, source, everything)
            return
        self._owner.core.queues.wait_idle()
        storage.shown = True
        start = self.pointer - storage.block.base + offset_bytes
        host[start : start + source.size] = source

    def host_address(self) -> int:
        storage = self._open_storage()
        storage.shown = True
        host = storage.block.host
        return 0 if host is None else address_of(host) + self.pointer % POINTER_BLOCK_BYTES

    def host_range(self) -> HostRange | None:
        storage = self._open_storage()
        storage.shown = True
        host = storage.block.host
        return None if host is None else HostRange(host, address_of(host), host.size)

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


class VulkanAllocator(Allocator):
    """Device-local memory, and host memory for those who ask to map and the device cannot."""

    imports_in_place = False

    def __init__(self, device: VulkanDevice) -> None:
        self._device = device
        self._pool: Pool = device.core.device_pool
        self._staging: Pool = device.core.staging_pool
        self._importer = HostImporter(device.core)
        self._peers = PeerMemory(device.core, self._importer)

    def allocate(self, memory_type: int, usage: int, size_bytes: int) -> VulkanBuffer:
        if size_bytes < 0:
            raise DeviceError(f"a buffer cannot have {size_bytes} bytes")
        pool = self._pool
        if not pool.host_visible and memory_type & _HOST_VISIBLE:
            pool = self._staging
        storage = pool.take(size_bytes)
        return VulkanBuffer(self._device, storage, storage.pointer, size_bytes, memory_type, usage)

    def import_host(self, array: npt.NDArray[Any], memory_type: int, usage: int) -> VulkanBuffer:
        """Always a copy, since programs may compute in the memory of their inputs."""
        storage = self._pool.take(array.nbytes, ended=True)
        if array.nbytes:
            if not array.flags.c_contiguous:
                array = np.ascontiguousarray(array)
            source = array.reshape(-1).view(np.uint8)
            host = storage.block.host
            if host is None:
                self._device.transfers.upload(storage, storage.pointer, source)
            else:
                start = storage.pointer - storage.block.base
                host[start : start + source.size] = source
        return VulkanBuffer(
            self._device, storage, storage.pointer, array.nbytes, memory_type, usage
        )

    def share_host(self, array: npt.NDArray[Any], memory_type: int, usage: int) -> VulkanBuffer:
        storage = self._importer.import_array(array)
        if storage is None:
            return self.import_host(array, memory_type, usage)
        return VulkanBuffer(
            self._device, storage, storage.pointer, array.nbytes, memory_type, usage
        )

    def staging(
        self, size_bytes: int, memory_type: int, usage: int
    ) -> tuple[VulkanBuffer, npt.NDArray[np.uint8]] | None:
        if not self._pool.host_visible:
            return None
        storage = self._pool.take(size_bytes, ended=True)
        host, start = storage.block.host, storage.pointer - storage.block.base
        assert host is not None
        storage.shown = True
        pointer = storage.pointer
        buffer = VulkanBuffer(self._device, storage, pointer, size_bytes, memory_type, usage)
        return buffer, host[start : start + size_bytes]

    def settled(self) -> bool:
        return not self._device.core.queues.everything()

    def owns(self, buffer: Buffer) -> bool:
        """Whether a buffer is of this device."""
        return isinstance(buffer, VulkanBuffer) and buffer.device is self._device

    def import_buffer(self, buffer: Buffer) -> VulkanBuffer | None:
        if isinstance(buffer, VulkanBuffer) and self.owns(buffer):
            return buffer
        storage = self._peers.storage(buffer)
        if storage is None:
            return None
        buffer.device.settle()
        return VulkanBuffer(
            self._device, storage, storage.pointer, buffer.length_bytes, buffer.memory_type,
            buffer.usage,
        )  # fmt: skip

    def statistics(self) -> AllocatorStatistics:
        pools = {id(pool): pool for pool in (self._pool, self._staging)}.values()
        return AllocatorStatistics(
            live_bytes=sum(pool.live_bytes for pool in pools),
            peak_bytes=sum(pool.peak_bytes for pool in pools),
            live_buffers=sum(pool.live_ranges for pool in pools),
            total_allocations=sum(pool.allocations for pool in pools),
            reused_allocations=sum(pool.reused for pool in pools),
            pooled_bytes=sum(pool.pooled_bytes for pool in pools),
            imported_buffers=self._device.core.imports,
        )

    def trim(self) -> None:
        self._device.downloads.forget()
        self._pool.trim()
        self._staging.trim()
