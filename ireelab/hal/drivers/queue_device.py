"""What devices whose memory is the host's share: fences, deferral, the pool, the host's events.

A driver adds how commands run: ``_execute``, ``_fill``, ``_update`` and ``_copy``. Operations run
on the thread that submits them, or, when deferred, on the thread that signals their wait fence.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from itertools import count
from time import perf_counter_ns
from typing import TYPE_CHECKING

from ireelab.errors import CommandBufferError, DeviceError, IreelabError
from ireelab.hal.device import Device
from ireelab.hal.drivers.queue_rules import READY, check_pattern
from ireelab.hal.file import File
from ireelab.hal.host_memory import HostAllocator, HostBuffer
from ireelab.hal.semaphore import Fence
from ireelab.hal.timeline import Event

if TYPE_CHECKING:
    from ireelab.hal.buffer import Buffer
    from ireelab.hal.command_buffer import BindingTable, CommandBuffer


class QueueDevice(Device):
    """A device with one in-order queue over host memory."""

    synchronous = True

    def __init__(self, id: str, driver: str, limit_bytes: int | None = None) -> None:
        self.id = id
        self.driver = driver
        self._allocator = HostAllocator(self, limit_bytes)
        self.queue_name = f"{id} queue 0"
        self._events: list[Event] | None = None
        # Making events out of stamps is left for the end: it takes longer than most submissions.
        self._pending_events: list[Callable[[], Iterable[Event]]] = []
        self._submissions = count(1)
        self._closed = False

    @property
    def allocator(self) -> HostAllocator:
        return self._allocator

    # --- what a driver adds ---------------------------------------------------------

    @abstractmethod
    def _execute(
        self, command_buffer: CommandBuffer, bindings: BindingTable, submission: int
    ) -> None:
        """Run to the end; CommandBufferError names the command that failed."""

    @abstractmethod
    def _fill(self, target: HostBuffer, offset: int, length: int, pattern: bytes) -> None: ...

    @abstractmethod
    def _update(self, target: HostBuffer, offset: int, data: bytes | memoryview) -> None: ...

    @abstractmethod
    def _copy(
        self, source: HostBuffer, source_offset: int, target: HostBuffer, target_offset: int,
        length: int,
    ) -> None: ...  # fmt: skip

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
    ) -> HostBuffer:
        # The block is taken now even if ``wait`` is pending: pooled blocks have no other user.
        start_ns = perf_counter_ns() if self._events is not None else 0
        buffer = self._allocator.allocate(memory_type, usage, size_bytes)
        if wait is not None or signal is not None:
            self._submit(wait, signal, None)
        if self._events is not None:
            self._host_event("alloca", f"alloca {size_bytes} B", start_ns, size_bytes)
        return buffer

    def queue_dealloca(
        self, affinity: int, wait: Fence | None, signal: Fence | None, buffer: Buffer, flags: int
    ) -> None:
        start_ns = perf_counter_ns() if self._events is not None else 0
        if wait is None and signal is None:
            buffer.close()
        else:
            self._submit(wait, signal, buffer.close)
        if self._events is not None:
            size_bytes = buffer.length_bytes
            self._host_event("dealloca", f"dealloca {size_bytes} B", start_ns, size_bytes)

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
        memory = host_buffer(target)
        memory.check_range(offset_bytes, length_bytes, "fill")
        check_pattern(pattern, length_bytes)

        def run() -> None:
            self._fill(memory, offset_bytes, length_bytes, pattern)

        self._submit(wait, signal, self._timed("fill", length_bytes, run))

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
        memory = host_buffer(target)
        memory.check_range(offset_bytes, len(source), "update")
        data = bytes(source)  # the caller may change its bytes before a deferred update runs

        def run() -> None:
            self._update(memory, offset_bytes, data)

        self._submit(wait, signal, self._timed("update", len(data), run))

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
        read, written = host_buffer(source), host_buffer(target)
        read.check_range(source_offset_bytes, length_bytes, "copy source")
        written.check_range(target_offset_bytes, length_bytes, "copy target")

        def run() -> None:
            self._copy(read, source_offset_bytes, written, target_offset_bytes, length_bytes)

        self._submit(wait, signal, self._timed("copy", length_bytes, run))

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
        memory = host_buffer(target)
        memory.check_range(target_offset_bytes, length_bytes, "file read")

        def run() -> None:
            data = file.read(source_offset_bytes, length_bytes)
            self._update(memory, target_offset_bytes, data)

        self._submit(wait, signal, self._timed("copy", length_bytes, run))

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
        memory = host_buffer(source)
        memory.check_range(source_offset_bytes, length_bytes, "file write")

        def run() -> None:
            file.write(target_offset_bytes, memory.read(source_offset_bytes, length_bytes))

        self._submit(wait, signal, self._timed("copy", length_bytes, run))

    def queue_barrier(
        self, affinity: int, wait: Fence | None, signal: Fence | None, flags: int
    ) -> None:
        self._submit(wait, signal, None)

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
            self._submit(wait, signal, None)
            return
        if not command_buffer.finalized:
            raise CommandBufferError(
                f"command buffer {command_buffer.id} was submitted before finalize()"
            )
        if len(bindings) < command_buffer.binding_capacity:
            raise CommandBufferError(
                f"command buffer {command_buffer.id} has {command_buffer.binding_capacity} binding "
                f"slots, but the submission binds {len(bindings)}"
            )
        submission = next(self._submissions)
        if wait is None and signal is None and self._events is None:
            self._check_open()
            self._execute(command_buffer, bindings, submission)
            return

        def run() -> None:
            start_ns = perf_counter_ns()
            self._execute(command_buffer, bindings, submission)
            if self._events is not None:
                name = f"submit command buffer {command_buffer.id}"
                self._host_event("submit", name, start_ns, 0, command_buffer.id, submission)

        self._submit(wait, signal, run)

    def queue_flush(self, affinity: int) -> None:
        """Nothing is batched here."""

    # --- profiling --------------------------------------------------------------------

    def begin_profiling(self) -> None:
        if self._events is not None:
            raise DeviceError(f"{self.id} is profiling already; call end_profiling() first")
        self._events = []

    def end_profiling(self) -> tuple[Event, ...]:
        if self._events is None:
            raise DeviceError(f"{self.id} is not profiling; call begin_profiling() first")
        events, self._events = self._events, None
        pending, self._pending_events = self._pending_events, []
        for make_events in pending:
            events.extend(make_events())
        return tuple(sorted(events, key=lambda event: event.start_ns))

    def _host_event(
        self, kind: str, name: str, start_ns: int, size_bytes: int,
        command_buffer: int = -1, submission: int = -1,
    ) -> None:  # fmt: skip
        event = Event(
            name, kind, self.queue_name, -1, start_ns, perf_counter_ns(), bytes=size_bytes,
            command_buffer=command_buffer, submission=submission,
        )  # fmt: skip
        if self._events is not None:
            self._events.append(event)

    def _timed(self, kind: str, size_bytes: int, run: Callable[[], None]) -> Callable[[], None]:
        """``run`` that also records a device event when profiling is on as it runs."""

        def timed() -> None:
            start_ns = perf_counter_ns()
            run()
            if self._events is not None:
                name = f"queue {kind} {size_bytes} B"
                event = Event(
                    name, kind, self.queue_name, 0, start_ns, perf_counter_ns(), bytes=size_bytes
                )
                self._events.append(event)

        return timed

    # --- order ------------------------------------------------------------------------

    def _check_open(self) -> None:
        if self._closed:
            raise DeviceError(f"device {self.id} is closed; create a new one")

    def _submit(
        self, wait: Fence | None, signal: Fence | None, operation: Callable[[], None] | None
    ) -> None:
        """Run ``operation`` now, or when ``wait`` is signaled; then signal."""
        self._check_open()
        try:
            ready = wait is None or wait.is_signaled()
        except BaseException as error:
            # Whatever the wait failed with is what the signal fence fails with.
            if signal is None:
                raise
            signal.fail(error)
            return
        if not ready:
            assert wait is not None
            fence = wait
            fence.on_signaled(lambda: READY.run(lambda: self._resume(fence, signal, operation)))
            return
        try:
            if operation is not None:
                operation()
        except IreelabError as error:
            if signal is None:
                raise
            signal.fail(error)
            return
        if signal is not None:
            signal.signal()

    def _resume(
        self, wait: Fence, signal: Fence | None, operation: Callable[[], None] | None
    ) -> None:
        """A deferred operation whose wait is over. There is nobody to raise to but the fence."""
        try:
            self._submit(wait, signal, operation)
        except IreelabError as error:
            if signal is not None:
                signal.fail(error)


def host_buffer(buffer: Buffer) -> HostBuffer:
    """The buffer as host memory; DeviceError for another device's or a closed buffer."""
    if not isinstance(buffer, HostBuffer):
        raise DeviceError(f"{type(buffer).__name__} belongs to another kind of device")
    if not buffer.pointer:
        raise DeviceError("the buffer is closed or was deallocated")
    return buffer
