"""What the queues of all drivers have in common: checks, waiting, and what a failure reaches.

A driver says where an operation goes once its wait fence allows (``_place``), runs it there
(``_fill`` and the like), and signals (``_finish``). Operations that cannot go yet are deferred and
run in the thread that makes their fence ready.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from itertools import count
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ireelab.errors import CommandBufferError, DeviceError, IreelabError
from ireelab.hal.buffer import Buffer
from ireelab.hal.command_buffer import CommandBuffer
from ireelab.hal.device import Device
from ireelab.hal.drivers.queue_rules import READY, check_pattern
from ireelab.hal.file import File
from ireelab.hal.semaphore import Fence

if TYPE_CHECKING:
    from ireelab.hal.command_buffer import BindingTable

B = TypeVar("B", bound=Buffer)
P = TypeVar("P")


class QueueDevice(Device, Generic[B, P]):
    """A device whose buffers are ``B`` and whose operations go to places ``P``.

    ``buffer_type`` and ``command_buffer_type`` are the driver's own classes.
    """

    synchronous = True
    buffer_type: type[Buffer]
    command_buffer_type: type[CommandBuffer]

    def __init__(self, id: str, driver: str) -> None:
        self.id = id
        self.driver = driver
        self._submissions = count(1)
        self._closed = False

    # --- what a driver adds -----------------------------------------------------------

    @abstractmethod
    def _place(self, affinity: int, wait: Fence | None) -> P | None:
        """Where an operation goes, None while ``wait`` does not allow it; raises its failure."""

    @abstractmethod
    def _when_placed(self, wait: Fence, callback: Callable[[], None]) -> None:
        """Call back once, when ``wait`` allows its operations to go or has failed."""

    @abstractmethod
    def _finish(self, signal: Fence | None, place: P, ended: Any) -> None:
        """Signal, once what an operation returned as ``ended`` has."""

    @abstractmethod
    def _allocate(self, memory_type: int, usage: int, size_bytes: int) -> B: ...

    @abstractmethod
    def _fill(self, place: P, target: B, offset: int, length: int, pattern: bytes) -> Any: ...

    @abstractmethod
    def _update(self, place: P, target: B, offset: int, data: bytes) -> Any: ...

    @abstractmethod
    def _copy(
        self, place: P, source: B, source_offset: int, target: B, target_offset: int, length: int
    ) -> Any: ...

    @abstractmethod
    def _load(
        self, place: P, file: File, file_offset: int, target: B, target_offset: int, length: int
    ) -> Any: ...

    @abstractmethod
    def _store(
        self, place: P, source: B, source_offset: int, file: File, file_offset: int, length: int
    ) -> Any: ...

    @abstractmethod
    def _execute(
        self, place: P, command_buffer: CommandBuffer, bindings: BindingTable, submission: int
    ) -> Any:
        """Run; CommandBufferError names the command that failed."""

    @abstractmethod
    def _profiling(self) -> bool: ...

    @abstractmethod
    def _host_event(
        self, affinity: int, kind: str, name: str, start_ns: int, size_bytes: int
    ) -> None:
        """An event of the host that ends now; only called while profiling."""

    # --- queue operations -------------------------------------------------------------

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
    ) -> B:
        # The range is taken now even if ``wait`` is pending: pooled ranges have no other user.
        if not self._profiling():
            buffer = self._allocate(memory_type, usage, size_bytes)
            if wait is not None or signal is not None:
                self._submit(affinity, wait, signal, None)
            return buffer
        start_ns = perf_counter_ns()
        buffer = self._allocate(memory_type, usage, size_bytes)
        self._submit(affinity, wait, signal, None)
        self._host_event(affinity, "alloca", f"alloca {size_bytes} B", start_ns, size_bytes)
        return buffer

    def queue_dealloca(
        self, affinity: int, wait: Fence | None, signal: Fence | None, buffer: Buffer, flags: int
    ) -> None:
        start_ns = perf_counter_ns() if self._profiling() else 0
        if wait is None and signal is None:
            buffer.close()
        else:
            self._submit(affinity, wait, signal, lambda place: buffer.close())
        if self._profiling():
            size_bytes = buffer.length_bytes
            self._host_event(affinity, "dealloca", f"dealloca {size_bytes} B", start_ns, size_bytes)

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
    ) -> None:
        memory = self.own_buffer(target)
        memory.check_range(offset_bytes, length_bytes, "fill")
        check_pattern(pattern, length_bytes)
        self._submit(
            affinity, wait, signal,
            lambda place: self._fill(place, memory, offset_bytes, length_bytes, pattern),
        )  # fmt: skip

    def queue_update(
        self,
        affinity: int,
        wait: Fence | None,
        signal: Fence | None,
        source: bytes,
        target: Buffer,
        offset_bytes: int,
        flags: int,
    ) -> None:
        memory = self.own_buffer(target)
        memory.check_range(offset_bytes, len(source), "update")
        data = bytes(source)  # the caller may change its bytes before a deferred update runs
        self._submit(
            affinity, wait, signal, lambda place: self._update(place, memory, offset_bytes, data)
        )

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
    ) -> None:
        source.check_range(source_offset_bytes, length_bytes, "copy source")
        target.check_range(target_offset_bytes, length_bytes, "copy target")
        read, written = self._reached(source), self._reached(target)

        def copy(place: P) -> Any:
            if read is not None and written is not None:
                return self._copy(
                    place, read, source_offset_bytes, written, target_offset_bytes, length_bytes
                )
            # The other's memory is out of reach: through the host, which waits for its device.
            data = source.read(source_offset_bytes, length_bytes)
            if written is not None:
                return self._update(place, written, target_offset_bytes, data)
            return target.write(target_offset_bytes, data)

        self._submit(affinity, wait, signal, copy)

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
    ) -> None:
        memory = self.own_buffer(target)
        memory.check_range(target_offset_bytes, length_bytes, "file read")
        self._submit(
            affinity, wait, signal,
            lambda place: self._load(
                place, file, source_offset_bytes, memory, target_offset_bytes, length_bytes
            ),
        )  # fmt: skip

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
    ) -> None:
        memory = self.own_buffer(source)
        memory.check_range(source_offset_bytes, length_bytes, "file write")
        self._submit(
            affinity, wait, signal,
            lambda place: self._store(
                place, memory, source_offset_bytes, file, target_offset_bytes, length_bytes
            ),
        )  # fmt: skip

    def queue_barrier(
        self, affinity: int, wait: Fence | None, signal: Fence | None, flags: int
    ) -> None:
        self._submit(affinity, wait, signal, None)

    def queue_execute(
        self,
        affinity: int,
        wait: Fence | None,
        signal: Fence | None,
        command_buffer: CommandBuffer | None,
        bindings: BindingTable,
        flags: int,
    ) -> None:
        if command_buffer is None:
            self._submit(affinity, wait, signal, None)
            return
        if not command_buffer.finalized:
            raise CommandBufferError(
                f"command buffer {command_buffer.id} was submitted before finalize()"
            )
        if not isinstance(command_buffer, self.command_buffer_type):
            raise CommandBufferError(
                f"command buffer {command_buffer.id} belongs to another kind of device"
            )
        if len(bindings) < command_buffer.binding_capacity:
            raise CommandBufferError(
                f"command buffer {command_buffer.id} has {command_buffer.binding_capacity} binding "
                f"slots, but the submission binds {len(bindings)}"
            )
        if (
            wait is None
            and signal is None
            and self._execute_now(affinity, command_buffer, bindings)
        ):
            return
        submission = next(self._submissions)
        self._submit(
            affinity, wait, signal,
            lambda place: self._execute(place, command_buffer, bindings, submission),
        )  # fmt: skip

    def _execute_now(
        self, affinity: int, command_buffer: CommandBuffer, bindings: BindingTable
    ) -> bool:
        """A short cut for submissions without fences, which are most; False where there is none."""
        return False

    def queue_flush(self, affinity: int) -> None:
        """Nothing is batched here."""

    def own_buffer(self, buffer: Buffer) -> B:
        """The buffer as this device's; DeviceError where out of reach, or for a closed one."""
        found = self._reached(buffer)
        if found is None:
            raise DeviceError(
                f"{self.id} cannot reach the memory of {buffer.device.id}; copy it with "
                "queue_copy, or allocate it in memory of the host (hal.host_memory.HostAllocator)"
            )
        return found

    def _reached(self, buffer: Buffer) -> B | None:
        """The same, but None where it cannot reach the memory."""
        memory: Any = buffer
        if not memory.pointer:
            raise DeviceError("the buffer is closed or was deallocated")
        return memory if self._is_own(buffer) else self._imported(buffer)

    def _is_own(self, buffer: Buffer) -> bool:
        return isinstance(buffer, self.buffer_type)

    def _imported(self, buffer: Buffer) -> B | None:
        found: Any = self.allocator.import_buffer(buffer)
        return found

    # --- order ------------------------------------------------------------------------

    def _check_open(self) -> None:
        if self._closed:
            raise DeviceError(f"device {self.id} is closed; create a new one")

    def _submit(
        self,
        affinity: int,
        wait: Fence | None,
        signal: Fence | None,
        operation: Callable[[P], Any] | None,
    ) -> None:
        """Run ``operation`` now, or once ``wait`` allows; then signal."""
        self._check_open()
        try:
            place = self._place(affinity, wait)
        except BaseException as error:
            # Whatever the wait failed with is what the signal fence fails with.
            if signal is None:
                raise
            signal.fail(error)
            return
        if place is None:
            assert wait is not None
            fence = wait
            resume: Callable[[], None] = lambda: self._resume(affinity, fence, signal, operation)  # noqa: E731
            self._when_placed(fence, lambda: READY.run(resume))
            return
        self._run_operation(place, signal, operation)

    def _run_operation(
        self, place: P, signal: Fence | None, operation: Callable[[P], Any] | None
    ) -> None:
        try:
            ended = None if operation is None else operation(place)
        except IreelabError as error:
            if signal is None:
                raise
            signal.fail(error)
            return
        self._finish(signal, place, ended)

    def _resume(
        self,
        affinity: int,
        wait: Fence,
        signal: Fence | None,
        operation: Callable[[P], Any] | None,
    ) -> None:
        """A deferred operation whose wait is over. There is nobody to raise to but the fence."""
        try:
            self._submit(affinity, wait, signal, operation)
        except IreelabError as error:
            if signal is not None:
                signal.fail(error)
