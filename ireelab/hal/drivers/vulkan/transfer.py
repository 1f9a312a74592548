"""Fills, updates and copies, and the bytes that go from the host to device-only memory.

Vulkan fills and updates whole 32-bit words only. Copies have no such limit, so that edges, 8-byte
patterns and odd lengths are copied from a little staging memory that holds the bytes.
"""

# NumPy types some members of an array only in part.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ireelab.hal.drivers.vulkan.barriers import STAGE_TRANSFER
from ireelab.hal.drivers.vulkan.core import Core
from ireelab.hal.drivers.vulkan.memory import Storage
from ireelab.hal.drivers.vulkan.queue import Awaited, Point, Queue
from ireelab.hal.drivers.vulkan.vulkan_ffi import Handle

_UPDATE_LIMIT_BYTES = 65536
_PATTERN_CHUNK_BYTES = 1 << 20
_ONE_TIME = 1

TRANSFER_QUEUE_BYTES = 4 << 20
"""From here on a copy between host and device goes to the transfer queue: below, waiting from one
queue for another costs more than copying."""


def record_copy(
    core: Core, handle: Handle, source: Handle, source_offset: int, target: Handle,
    target_offset: int, length: int,
) -> None:  # fmt: skip
    if not length:
        return
    region = core.vulkan.ffi.new("VkBufferCopy *", (source_offset, target_offset, length))
    core.vulkan.lib.vkCmdCopyBuffer(handle, source, target, 1, region)


def record_update(
    core: Core, kept: list[Any], handle: Handle, target: Handle, offset: int, data: bytes
) -> None:
    """Write ``data``; what it needs to stay alive is added to ``kept``."""
    length = len(data)
    if not length:
        return
    if offset % 4 == 0 and length % 4 == 0 and length <= _UPDATE_LIMIT_BYTES:
        source = core.vulkan.ffi.from_buffer(data)
        core.vulkan.lib.vkCmdUpdateBuffer(handle, target, offset, length, source)
        return
    staged = stage(core, np.frombuffer(data, np.uint8))
    kept.append(staged)
    record_copy(core, handle, staged.block.buffer, _offset(staged), target, offset, length)


def record_fill(
    core: Core, kept: list[Any], handle: Handle, target: Handle, offset: int, length: int,
    pattern: bytes,
) -> None:  # fmt: skip
    """Repeat ``pattern`` (1, 2, 4 or 8 bytes) over the range."""
    if not length:
        return
    if len(pattern) == 8 and pattern[:4] == pattern[4:]:
        pattern = pattern[:4]
    if len(pattern) == 8:
        _repeat(core, kept, handle, target, offset, length, pattern)
        return
    # Head and tail are what does not make whole words.
    first, last = -(-offset // 4) * 4, (offset + length) // 4 * 4
    if first >= last:
        record_update(core, kept, handle, target, offset, _pattern_bytes(pattern, 0, length))
        return
    head, tail = first - offset, offset + length - last
    word = int.from_bytes(_pattern_bytes(pattern, head, 4), "little")
    core.vulkan.lib.vkCmdFillBuffer(handle, target, first, last - first, word)
    if head:
        data = _pattern_bytes(pattern, 0, head)
        record_update(core, kept, handle, target, offset, data)
    if tail:
        data = _pattern_bytes(pattern, last - offset, tail)
        record_update(core, kept, handle, target, last, data)


def stage(core: Core, data: npt.NDArray[np.uint8]) -> Storage:
    """Staging memory that holds a copy of ``data``."""
    storage = core.staging_pool.take(data.size, ended=True)
    assert storage.block.host is not None
    start = _offset(storage)
    storage.block.host[start : start + data.size] = data
    return storage


class Transfers:
    """Single operations, each a command buffer of its own."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def run(
        self,
        record: Callable[[Handle, list[Any]], None],
        queue: Queue | None = None,
        points: Sequence[Awaited] = (),
    ) -> Point:
        """Record with ``record(command buffer, kept)`` and submit after ``points``.

        Without ``queue`` to the main one.
        """
        core, lib = self._core, self._core.vulkan.lib
        queue = queue or core.queues.main
        family = queue.family
        kept: list[Any] = []
        with core.lock:
            handle = core.acquire_command_buffer(family)
            core.begin(handle, _ONE_TIME)
            work = core.work(family)
            lib.vkCmdPipelineBarrier2(handle, core.barriers.first(STAGE_TRANSFER, work=work))
            record(handle, kept)
            core.end(handle, work)
            point = core.queues.submit(queue, points, core.submission(handle), handle)

        def release() -> None:
            core.release_command_buffer(handle, family)
            kept.clear()

        core.queues.retire(release)
        core.raise_messages()
        return point

    def upload(
        self, storage: Storage, pointer: int, data: npt.NDArray[np.uint8],
        points: Sequence[Awaited] = (),
    ) -> Point | None:  # fmt: skip
        """Write to memory that the host cannot see, after ``points``; later submissions see it."""
        if not data.size:
            return None
        core = self._core
        staged = stage(core, data)

        def record(handle: Handle, kept: list[Any]) -> None:
            kept.extend((staged, storage))
            record_copy(
                core, handle, staged.block.buffer, _offset(staged), storage.block.buffer,
                pointer - storage.block.base, data.size,
            )  # fmt: skip

        queue = queue_for(core, data.size)
        number = self.run(record, queue, points)[1]
        queue.floor = max(queue.floor, number)
        return queue, number


def queue_for(core: Core, length: int) -> Queue:
    """The transfer queue for what is worth waiting for another queue."""
    queues = core.queues
    return queues.transfer if length >= TRANSFER_QUEUE_BYTES else queues.main


def _repeat(
    core: Core, kept: list[Any], handle: Handle, target: Handle, offset: int, length: int,
    pattern: bytes,
) -> None:  # fmt: skip
    """An 8-byte pattern: copies of a staged piece of it."""
    piece = min(length, _PATTERN_CHUNK_BYTES, max(4096, length // 256 // 8 * 8))
    staged = stage(core, np.frombuffer(_pattern_bytes(pattern, 0, piece), np.uint8))
    kept.append(staged)
    starts = range(0, length, piece)
    regions = core.vulkan.ffi.new(
        "VkBufferCopy[]",
        [(_offset(staged), offset + at, min(piece, length - at)) for at in starts],
    )
    core.vulkan.lib.vkCmdCopyBuffer(handle, staged.block.buffer, target, len(starts), regions)


def _pattern_bytes(pattern: bytes, start: int, length: int) -> bytes:
    """``length`` bytes of the endless repetition of ``pattern``, from byte ``start`` on."""
    start %= len(pattern)
    return (pattern * (-(-(start + length) // len(pattern))))[start : start + length]


def _offset(storage: Storage) -> int:
    return storage.pointer - storage.block.base
