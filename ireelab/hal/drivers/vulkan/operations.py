"""The queue's single operations: fills, updates, copies, and what goes from and to files.

Each is a command buffer of its own, recorded for this one time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ireelab.hal.drivers.queue_device import QueueDevice
from ireelab.hal.drivers.vulkan.buffer import VulkanBuffer
from ireelab.hal.drivers.vulkan.core import Core
from ireelab.hal.drivers.vulkan.memory import Block
from ireelab.hal.drivers.vulkan.profiler import Place, Profiler
from ireelab.hal.drivers.vulkan.queue import Point
from ireelab.hal.drivers.vulkan.transfer import Transfers, record_copy, record_fill, record_update
from ireelab.hal.file import File

FILE_CHUNK_BYTES = 64 << 20


class Operations(QueueDevice[VulkanBuffer, Place]):
    """The part of ``VulkanDevice`` that records them."""

    buffer_type = VulkanBuffer
    core: Core
    transfers: Transfers
    profiler: Profiler

    def _fill(
        self, place: Place, target: VulkanBuffer, offset: int, length: int, pattern: bytes
    ) -> Point:
        def record(handle: Any, kept: list[Any]) -> None:
            block, start = self._locate(target, offset, kept)
            record_fill(self.core, kept, handle, block.buffer, start, length, pattern)

        return self._transfer(place, "fill", length, record)

    def _update(self, place: Place, target: VulkanBuffer, offset: int, data: bytes) -> Point:
        def record(handle: Any, kept: list[Any]) -> None:
            block, start = self._locate(target, offset, kept)
            record_update(self.core, kept, handle, block.buffer, start, data)

        return self._transfer(place, "update", len(data), record)

    def _copy(
        self, place: Place, source: VulkanBuffer, source_offset: int, target: VulkanBuffer,
        target_offset: int, length: int,
    ) -> Point:  # fmt: skip
        def record(handle: Any, kept: list[Any]) -> None:
            from_block, from_start = self._locate(source, source_offset, kept)
            to_block, to_start = self._locate(target, target_offset, kept)
            record_copy(
                self.core, handle, from_block.buffer, from_start, to_block.buffer, to_start, length
            )

        return self._transfer(place, "copy", length, record)

    def _load(
        self, place: Place, file: File, file_offset: int, target: VulkanBuffer, target_offset: int,
        length: int,
    ) -> Point | None:  # fmt: skip
        data = np.frombuffer(file.read(file_offset, length), np.uint8)
        storage = self.own_buffer(target).storage
        assert storage is not None
        pointer = target.pointer + target_offset
        point = None
        for start in range(0, length, FILE_CHUNK_BYTES):
            chunk = data[start : start + FILE_CHUNK_BYTES]
            point = self.transfers.upload(storage, pointer + start, chunk, place[1])
        return point

    def _store(
        self, place: Place, source: VulkanBuffer, source_offset: int, file: File, file_offset: int,
        length: int,
    ) -> None:  # fmt: skip
        # The host waits for all that was submitted, what the operation waits for among it.
        file.write(file_offset, source.read(source_offset, length))

    def _transfer(
        self, place: Place, kind: str, size_bytes: int, record: Callable[[Any, list[Any]], None]
    ) -> Point:
        if self.profiler.active:
            return self.profiler.transfer(place, self.transfers, kind, size_bytes, record)
        return self.transfers.run(record, *place)

    def _locate(
        self, buffer: VulkanBuffer, offset_bytes: int, kept: list[Any]
    ) -> tuple[Block, int]:
        """Block and offset in it; the memory stays until ``kept`` goes."""
        storage = self.own_buffer(buffer).storage
        assert storage is not None
        kept.append(storage)
        return storage.block, buffer.pointer - storage.block.base + offset_bytes
