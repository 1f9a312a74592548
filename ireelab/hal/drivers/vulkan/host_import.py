"""Arrays of the caller as device memory, without a copy (``VK_EXT_external_memory_host``).

Arrays only where the device's own memory is the host's, cached (CPUs, integrated GPUs): a discrete
GPU reads host memory several times slower than its own, and a copy pays for itself at once. What
devices share (``peer_memory.py``) is imported by any device.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy.typing as npt

from ireelab.errors import DeviceError
from ireelab.hal.drivers.vulkan.core import Core
from ireelab.hal.drivers.vulkan.memory import HOST_ALLOCATION, Block, Storage
from ireelab.hal.drivers.vulkan.physical_device import (
    EXTERNAL_MEMORY_HOST,
    MEMORY_COHERENT,
    MEMORY_HOST_VISIBLE,
    HeapType,
)
from ireelab.hal.drivers.vulkan.vulkan_ffi import Handle, Structs

SMALLEST_IMPORT_BYTES = 1 << 18
"""Below, copying is faster than telling the driver."""


class ImportedStorage(Storage):
    """An array's pages; the array stays alive with this, and the pages while work uses them."""

    __slots__ = ("_core", "array")

    def __init__(
        self, core: Core, block: Block, offset_bytes: int, array: npt.NDArray[Any]
    ) -> None:
        super().__init__(core.device_pool, block, offset_bytes, array.nbytes)
        self.shown = True
        self._core = core
        self.array = array
        core.resources.add(self)
        core.imports += 1

    def destroy(self) -> None:
        """Give the pages back; the array is left alone."""
        if self.block.host is not None:
            self.block.close()
            self._core.imports -= 1

    def __del__(self) -> None:
        if self.block.host is not None:
            self._core.imports -= 1
            self._core.queues.retire(partial(_close, self.block, self.array))


class HostImporter:
    """Imports arrays for one device; ``import_array`` is None for what has to be copied."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._properties: Any = None
        self._types: list[HeapType] = []
        if EXTERNAL_MEMORY_HOST in core.logical.extensions:
            name = "vkGetMemoryHostPointerPropertiesEXT"
            self._properties = core.vulkan.device_function(core.handle, name)
            self._alignment = int(core.limits["minImportedHostPointerAlignment"])

    def import_array(self, array: npt.NDArray[Any]) -> ImportedStorage | None:
        core = self._core
        if (
            not core.device_pool.host_reads_fast
            or array.nbytes < SMALLEST_IMPORT_BYTES
            or not (array.flags.c_contiguous and array.flags.writeable)
        ):
            return None
        found = self.import_range(int(array.ctypes.data), array.nbytes)
        return None if found is None else ImportedStorage(core, *found, array)

    def import_range(self, address: int, length_bytes: int) -> tuple[Block, int] | None:
        """The pages of a range as a block, and where in it the range begins."""
        if self._properties is None:
            return None
        core = self._core
        # Whole pages: the neighbours on the first and last one are not touched.
        start = address // self._alignment * self._alignment
        end = -(-(address + length_bytes) // self._alignment) * self._alignment
        if (address - start) % core.limits["minStorageBufferOffsetAlignment"]:
            return None
        memory_type = self._memory_type(core.vulkan.pointer(start))
        if memory_type is None:
            return None
        try:
            block = Block(core.vulkan, core.logical, memory_type, end - start, start)
        except DeviceError:  # the system's limit of locked memory, or a kind of memory it refuses
            return None
        return block, address - start

    def _memory_type(self, pointer: Any) -> HeapType | None:
        core = self._core
        found: Handle = Structs(core.vulkan).new("VkMemoryHostPointerPropertiesEXT")
        if self._properties(core.handle, HOST_ALLOCATION, pointer, found):
            return None
        wanted = MEMORY_HOST_VISIBLE | MEMORY_COHERENT
        return next(
            (t for t in core.physical.memory_types
             if found.memoryTypeBits >> t.index & 1 and t.flags & wanted == wanted),
            None,
        )  # fmt: skip


def _close(block: Block, array: npt.NDArray[Any]) -> None:
    """``array`` is only kept alive until here."""
    block.close()
    del array
