"""Memory of other devices as this device's, over the same pages: how memory crosses devices.

Whatever the host sees can be imported (``VK_EXT_external_memory_host``): buffers of the CPU, and
those of another Vulkan device that are mapped. An import is kept as long as the memory is, since a
pool hands out the same memory again and again.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from ireelab.hal.drivers.vulkan.core import Core
from ireelab.hal.drivers.vulkan.memory import Block, Storage

if TYPE_CHECKING:
    from ireelab.hal.buffer import Buffer
    from ireelab.hal.drivers.vulkan.host_import import HostImporter

MAX_IMPORTS = 1024
"""Drivers limit the number of allocations, some to 4096; the oldest import goes first."""


class PeerStorage(Storage):
    """A range of an import; the memory stays with its device while this lives."""

    __slots__ = ("_held",)

    def __init__(self, core: Core, block: Block, offset_bytes: int, buffer: Buffer) -> None:
        super().__init__(core.device_pool, block, offset_bytes, buffer.length_bytes)
        self.shown = True
        self._held = buffer.hold()

    def __del__(self) -> None:
        """It belongs to no pool."""


class PeerMemory:
    """The imports of one device, by address."""

    def __init__(self, core: Core, importer: HostImporter) -> None:
        self._core = core
        self._importer = importer
        self._imports: dict[int, tuple[weakref.ref[object], int, Block, int]] = {}

    def storage(self, buffer: Buffer) -> PeerStorage | None:
        """The buffer's memory, None where it cannot be imported."""
        found = buffer.host_range()
        if found is None:
            return None
        owner, address, length_bytes = found
        known = self._imports.get(address)
        if known is None or known[0]() is not owner or known[1] != length_bytes:
            imported = self._importer.import_range(address, length_bytes)
            if imported is None:
                return None
            self._drop_unused()
            self._core.resources.add(self)
            known = self._imports[address] = (weakref.ref(owner), length_bytes, *imported)
        _, _, block, first = known
        return PeerStorage(self._core, block, first + buffer.host_address() - address, buffer)

    def destroy(self) -> None:
        """Give all pages back; nothing on the device uses them any more."""
        imports, self._imports = self._imports, {}
        for _, _, block, _ in imports.values():
            block.close()

    def _drop_unused(self) -> None:
        """Imports of memory that is gone, and the oldest of too many."""
        unused = [address for address, (owner, *_) in self._imports.items() if owner() is None]
        if len(self._imports) - len(unused) >= MAX_IMPORTS:
            unused.append(next(a for a in self._imports if a not in unused))
        for address in unused:
            block = self._imports.pop(address)[2]
            self._core.queues.retire(block.close)
