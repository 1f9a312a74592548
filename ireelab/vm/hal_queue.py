"""Imports of the ``hal`` module that submit work: ``hal.device.queue.*``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ireelab.errors import DeviceError, VMError
from ireelab.hal.buffer import Buffer
from ireelab.hal.command_buffer import CommandBuffer
from ireelab.hal.device import Device
from ireelab.hal.semaphore import Fence
from ireelab.vm.values import VMBuffer


class QueueImports:
    """Methods of ``HalModule``: operations that start when ``wait`` is signaled."""

    def device_queue_alloca(
        self,
        device: Device,
        affinity: int,
        wait: Fence | None,
        signal: Fence | None,
        pool: int,
        memory: int,
        usage: int,
        size: int,
        flags: int,
    ) -> Buffer:
        return device.queue_alloca(affinity, wait, signal, pool, memory, usage, size, flags)

    def device_queue_dealloca(
        self,
        device: Device,
        affinity: int,
        wait: Fence | None,
        signal: Fence | None,
        buffer: Buffer,
        flags: int,
    ) -> None:
        device.queue_dealloca(affinity, wait, signal, buffer, flags)

    def device_queue_fill(
        self,
        device: Device,
        affinity: int,
        wait: Fence | None,
        signal: Fence | None,
        target: Buffer,
        offset: int,
        length: int,
        pattern: int,
        pattern_length: int,
        flags: int,
    ) -> None:
        data = fill_pattern(pattern, pattern_length)
        device.queue_fill(affinity, wait, signal, target, offset, length, data, flags)

    def device_queue_update(
        self,
        device: Device,
        affinity: int,
        wait: Fence | None,
        signal: Fence | None,
        source: VMBuffer,
        source_offset: int,
        target: Buffer,
        offset: int,
        length: int,
        flags: int,
    ) -> None:
        data = bytes(source.span(source_offset, length))
        device.queue_update(affinity, wait, signal, data, target, offset, flags)

    def device_queue_copy(
        self, device: Device, affinity: int, wait: Fence | None, signal: Fence | None, *range: Any
    ) -> None:
        """``range``: source, its offset, target, its offset, length, flags."""
        device.queue_copy(affinity, wait, signal, *range)

    def device_queue_read(
        self, device: Device, affinity: int, wait: Fence | None, signal: Fence | None, *range: Any
    ) -> None:
        """``range``: source file, its offset, target, its offset, length, flags."""
        device.queue_read(affinity, wait, signal, *range)

    def device_queue_write(
        self, device: Device, affinity: int, wait: Fence | None, signal: Fence | None, *range: Any
    ) -> None:
        """``range``: source, its offset, target file, its offset, length, flags."""
        device.queue_write(affinity, wait, signal, *range)

    def device_queue_barrier(
        self, device: Device, affinity: int, wait: Fence | None, signal: Fence | None, flags: int
    ) -> None:
        device.queue_barrier(affinity, wait, signal, flags)

    def device_queue_execute(
        self,
        device: Device,
        affinity: int,
        wait: Fence | None,
        signal: Fence | None,
        command_buffer: CommandBuffer | None,
        flags: int,
    ) -> None:
        device.queue_execute(affinity, wait, signal, command_buffer, (), flags)

    def device_queue_execute_indirect(
        self,
        device: Device,
        affinity: int,
        wait: Fence | None,
        signal: Fence | None,
        command_buffer: CommandBuffer,
        flags: int,
        bindings: Sequence[tuple[Buffer, int, int]],
    ) -> None:
        device.queue_execute(affinity, wait, signal, command_buffer, bindings, flags)

    def device_queue_flush(self, device: Device, affinity: int) -> None:
        device.queue_flush(affinity)


_SIGNALED = Fence()


class InlineQueue:
    """Imports of programs whose operations have ended when their calls return.

    Fences are one that is signaled from the start, operations are submitted without any and so
    raise their failures directly.
    """

    @staticmethod
    def fence_create(_device: Device, _flags: int) -> Fence:
        return _SIGNALED

    @staticmethod
    def fence_join(_flags: int, _fences: Sequence[Fence | None]) -> Fence:
        return _SIGNALED

    @staticmethod
    def fence_query(_fence: Fence | None) -> int:
        return 0

    @staticmethod
    def fence_await(_timeout: int, _flags: int, _fences: Sequence[Fence | None]) -> int:
        return 0

    @staticmethod
    def fence_fail(_fence: Fence, status: int) -> None:
        raise VMError("the program failed a fence", status=status)

    @staticmethod
    def device_queue_alloca(
        device: Device,
        affinity: int,
        _wait: Fence | None,
        _signal: Fence | None,
        pool: int,
        memory: int,
        usage: int,
        size: int,
        flags: int,
    ) -> Buffer:
        return device.queue_alloca(affinity, None, None, pool, memory, usage, size, flags)

    @staticmethod
    def device_queue_dealloca(
        device: Device,
        affinity: int,
        _wait: Fence | None,
        _signal: Fence | None,
        buffer: Buffer,
        flags: int,
    ) -> None:
        device.queue_dealloca(affinity, None, None, buffer, flags)

    @staticmethod
    def device_queue_barrier(
        device: Device, affinity: int, _wait: Fence | None, _signal: Fence | None, flags: int
    ) -> None:
        device.queue_barrier(affinity, None, None, flags)

    @staticmethod
    def device_queue_execute(
        device: Device,
        affinity: int,
        _wait: Fence | None,
        _signal: Fence | None,
        command_buffer: CommandBuffer | None,
        flags: int,
    ) -> None:
        device.queue_execute(affinity, None, None, command_buffer, (), flags)

    @staticmethod
    def device_queue_execute_indirect(
        device: Device,
        affinity: int,
        _wait: Fence | None,
        _signal: Fence | None,
        command_buffer: CommandBuffer,
        flags: int,
        bindings: Sequence[tuple[Buffer, int, int]],
    ) -> None:
        device.queue_execute(affinity, None, None, command_buffer, bindings, flags)


def fill_pattern(pattern: int, length_bytes: int) -> bytes:
    """The bytes that a fill repeats."""
    if length_bytes not in (1, 2, 4, 8):
        raise DeviceError(f"a fill pattern has 1, 2, 4 or 8 bytes, not {length_bytes}")
    return (pattern & 0xFFFF_FFFF_FFFF_FFFF).to_bytes(8, "little")[:length_bytes]
