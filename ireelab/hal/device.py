"""A device and its queue. Mirrors ``runtime/src/iree/hal/device.h``.

Rules every driver keeps:
- nothing runs before it is submitted, and there is no implicit synchronisation;
- a queue operation whose wait fence is not signaled is deferred until it is, and operations that
  become ready together run in the order they were submitted;
- bad arguments raise at the call; a failure while running fails the signal fence, or raises when
  there is none and the operation was not deferred;
- an operation whose wait fence fails does not run and fails its signal fence the same way.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from ireelab.hal.semaphore import Fence, Semaphore

if TYPE_CHECKING:
    from typing_extensions import Self

    from ireelab.hal.allocator import Allocator
    from ireelab.hal.buffer import Buffer
    from ireelab.hal.command_buffer import BindingTable, CommandBuffer
    from ireelab.hal.executable import Executable
    from ireelab.hal.file import File
    from ireelab.hal.timeline import Event


class Device(ABC):
    """One device: an allocator, executables, command buffers, and queue operations.

    ``affinity`` is a bit mask of queues; drivers with one queue ignore it. ``wait`` and ``signal``
    are fences, None for "nothing to wait for" and "nobody waits".
    """

    id: str
    driver: str

    synchronous: bool = False
    """Whether a queue operation with nothing to wait for has ended when its call returns."""

    @property
    @abstractmethod
    def allocator(self) -> Allocator: ...

    @abstractmethod
    def query_i64(self, category: str, key: str) -> int | None:
        """A configuration value, None when unknown.

        ``("hal.device.id", "local*")`` and ``("hal.executable.format", "embedded-elf-x86_64")``
        answer 1 or 0.
        """

    def create_semaphore(self, initial: int = 0) -> Semaphore:
        return Semaphore(initial)

    def create_fence(self) -> Fence:
        """A fence that nobody has signaled yet."""
        return Fence(((Semaphore(), 1),))

    @abstractmethod
    def create_executable(
        self, format: str, data: memoryview, constants: bytes, *, llvm_ir: str | None = None
    ) -> Executable:
        """Load an executable; ExecutableMismatch when this device cannot run it.

        ``constants`` are the executable-level constants (u32 each). ``llvm_ir`` is the same
        executable as LLVM IR, for drivers that compile it themselves.
        """

    @abstractmethod
    def create_command_buffer(
        self, modes: int, categories: int, affinity: int, binding_capacity: int
    ) -> CommandBuffer: ...

    @abstractmethod
    def queue_alloca(
        self,
        affinity: int,
        wait: Fence | None,
        signal: Fence | None,
        pool: int,
        memory_type: int,
        usage: int,
        size_bytes: int,
        flags: int,
    ) -> Buffer:
        """A pooled buffer, usable by operations that wait for ``signal``."""

    @abstractmethod
    def queue_dealloca(
        self, affinity: int, wait: Fence | None, signal: Fence | None, buffer: Buffer, flags: int
    ) -> None:
        """Return a buffer's memory to the pool after ``wait``."""

    @abstractmethod
    def queue_fill(
        self,
        affinity: int,
        wait: Fence | None,
        signal: Fence | None,
        target: Buffer,
        offset_bytes: int,
        length_bytes: int,
        pattern: bytes,
        flags: int,
    ) -> None: ...

    @abstractmethod
    def queue_update(
        self,
        affinity: int,
        wait: Fence | None,
        signal: Fence | None,
        source: bytes,
        target: Buffer,
        offset_bytes: int,
        flags: int,
    ) -> None: ...

    @abstractmethod
    def queue_copy(
        self,
        affinity: int,
        wait: Fence | None,
        signal: Fence | None,
        source: Buffer,
        source_offset_bytes: int,
        target: Buffer,
        target_offset_bytes: int,
        length_bytes: int,
        flags: int,
    ) -> None: ...

    @abstractmethod
    def queue_read(
        self,
        affinity: int,
        wait: Fence | None,
        signal: Fence | None,
        file: File,
        source_offset_bytes: int,
        target: Buffer,
        target_offset_bytes: int,
        length_bytes: int,
        flags: int,
    ) -> None: ...

    @abstractmethod
    def queue_write(
        self,
        affinity: int,
        wait: Fence | None,
        signal: Fence | None,
        source: Buffer,
        source_offset_bytes: int,
        file: File,
        target_offset_bytes: int,
        length_bytes: int,
        flags: int,
    ) -> None: ...

    @abstractmethod
    def queue_barrier(
        self, affinity: int, wait: Fence | None, signal: Fence | None, flags: int
    ) -> None: ...

    @abstractmethod
    def queue_execute(
        self,
        affinity: int,
        wait: Fence | None,
        signal: Fence | None,
        command_buffer: CommandBuffer | None,
        bindings: BindingTable,
        flags: int,
    ) -> None:
        """Run a finalized command buffer with ``bindings`` in its slots."""

    @abstractmethod
    def queue_flush(self, affinity: int) -> None:
        """Submit what a driver may have batched; drivers here submit at once."""

    @abstractmethod
    def begin_profiling(self) -> None:
        """Start collecting events; DeviceError if it is on already."""

    @abstractmethod
    def end_profiling(self) -> tuple[Event, ...]:
        """Stop, and return the events since ``begin_profiling``, by start time."""

    def settle(self) -> None:  # noqa: B027
        """Wait for what callers take for ended, having given no fence; other work goes on."""

    def profiling_overhead_ns(self) -> int:
        """What profiling adds to one command, measured on this machine; 0 where unknown."""
        return 0

    @abstractmethod
    def close(self) -> None:
        """Stop threads and free memory; idempotent."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
