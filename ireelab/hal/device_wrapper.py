"""A device around another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ireelab.hal.device import Device
from ireelab.hal.types import BufferUsage

if TYPE_CHECKING:
    from ireelab.hal.allocator import Allocator
    from ireelab.hal.buffer import Buffer
    from ireelab.hal.command_buffer import BindingTable, CommandBuffer
    from ireelab.hal.executable import Executable
    from ireelab.hal.file import File
    from ireelab.hal.semaphore import Fence, Semaphore
    from ireelab.hal.timeline import Event


class WrappedDevice(Device):
    """Everything goes to ``inner``; what is to differ is overridden.

    ``_use`` is told each buffer of a queue operation first, with the usage the operation needs.
    """

    def __init__(self, inner: Device) -> None:
        self.inner = inner
        self.id = inner.id
        self.driver = inner.driver

    def _use(self, what: str, buffer: Buffer, usage: BufferUsage) -> None:
        """Nothing to check here."""

    @property
    def allocator(self) -> Allocator:
        return self.inner.allocator

    def query_i64(self, category: str, key: str) -> int | None:
        return self.inner.query_i64(category, key)

    def create_semaphore(self, initial: int = 0) -> Semaphore:
        return self.inner.create_semaphore(initial)

    def create_fence(self) -> Fence:
        return self.inner.create_fence()

    def create_executable(
        self, format: str, data: memoryview, constants: bytes, *, llvm_ir: str | None = None
    ) -> Executable:
        return self.inner.create_executable(format, data, constants, llvm_ir=llvm_ir)

    def create_command_buffer(
        self, modes: int, categories: int, affinity: int, binding_capacity: int
    ) -> CommandBuffer:
        return self.inner.create_command_buffer(modes, categories, affinity, binding_capacity)

    def queue_alloca(
        self, affinity: int, wait: Fence | None, signal: Fence | None, pool: int,
        memory_type: int, usage: int, size_bytes: int, flags: int,
    ) -> Buffer:  # fmt: skip
        return self.inner.queue_alloca(
            affinity, wait, signal, pool, memory_type, usage, size_bytes, flags
        )

    def queue_dealloca(
        self, affinity: int, wait: Fence | None, signal: Fence | None, buffer: Buffer, flags: int
    ) -> None:
        self.inner.queue_dealloca(affinity, wait, signal, buffer, flags)

    def queue_fill(
        self, affinity: int, wait: Fence | None, signal: Fence | None, target: Buffer,
        offset_bytes: int, length_bytes: int, pattern: bytes, flags: int,
    ) -> None:  # fmt: skip
        self._use("queue_fill target", target, BufferUsage.TRANSFER_TARGET)
        self.inner.queue_fill(
            affinity, wait, signal, target, offset_bytes, length_bytes, pattern, flags
        )

    def queue_update(
        self, affinity: int, wait: Fence | None, signal: Fence | None, source: bytes,
        target: Buffer, offset_bytes: int, flags: int,
    ) -> None:  # fmt: skip
        self._use("queue_update target", target, BufferUsage.TRANSFER_TARGET)
        self.inner.queue_update(affinity, wait, signal, source, target, offset_bytes, flags)

    def queue_copy(
        self, affinity: int, wait: Fence | None, signal: Fence | None, source: Buffer,
        source_offset_bytes: int, target: Buffer, target_offset_bytes: int, length_bytes: int,
        flags: int,
    ) -> None:  # fmt: skip
        self._use("queue_copy source", source, BufferUsage.TRANSFER_SOURCE)
        self._use("queue_copy target", target, BufferUsage.TRANSFER_TARGET)
        self.inner.queue_copy(
            affinity, wait, signal, source, source_offset_bytes, target, target_offset_bytes,
            length_bytes, flags,
        )  # fmt: skip

    def queue_read(
        self, affinity: int, wait: Fence | None, signal: Fence | None, file: File,
        source_offset_bytes: int, target: Buffer, target_offset_bytes: int, length_bytes: int,
        flags: int,
    ) -> None:  # fmt: skip
        self._use("queue_read target", target, BufferUsage.TRANSFER_TARGET)
        self.inner.queue_read(
            affinity, wait, signal, file, source_offset_bytes, target, target_offset_bytes,
            length_bytes, flags,
        )  # fmt: skip

    def queue_write(
        self, affinity: int, wait: Fence | None, signal: Fence | None, source: Buffer,
        source_offset_bytes: int, file: File, target_offset_bytes: int, length_bytes: int,
        flags: int,
    ) -> None:  # fmt: skip
        self._use("queue_write source", source, BufferUsage.TRANSFER_SOURCE)
        self.inner.queue_write(
            affinity, wait, signal, source, source_offset_bytes, file, target_offset_bytes,
            length_bytes, flags,
        )  # fmt: skip

    def queue_barrier(
        self, affinity: int, wait: Fence | None, signal: Fence | None, flags: int
    ) -> None:
        self.inner.queue_barrier(affinity, wait, signal, flags)

    def queue_execute(
        self, affinity: int, wait: Fence | None, signal: Fence | None,
        command_buffer: CommandBuffer | None, bindings: BindingTable, flags: int,
    ) -> None:  # fmt: skip
        self.inner.queue_execute(affinity, wait, signal, command_buffer, bindings, flags)

    def queue_flush(self, affinity: int) -> None:
        self.inner.queue_flush(affinity)

    def begin_profiling(self) -> None:
        self.inner.begin_profiling()

    def end_profiling(self) -> tuple[Event, ...]:
        return self.inner.end_profiling()

    def settle(self) -> None:
        self.inner.settle()

    def profiling_overhead_ns(self) -> int:
        return self.inner.profiling_overhead_ns()

    def close(self) -> None:
        self.inner.close()
