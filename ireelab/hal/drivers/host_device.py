"""What devices whose memory is the host's share: the pool, the order, the host's events.

A driver adds how commands run: ``_run``, ``_write_fill``, ``_write`` and ``_move``. Operations run
on the thread that submits them, or, when deferred, on the thread that signals their wait fence, and
have ended when they return. A ``concurrent`` device, one of several that a program uses, runs those
that signal a fence on a thread of its own.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from ireelab.errors import DeviceError
from ireelab.hal.drivers.queue_device import QueueDevice
from ireelab.hal.drivers.queue_thread import QueueThread
from ireelab.hal.file import File
from ireelab.hal.host_memory import HostAllocator, HostBuffer
from ireelab.hal.semaphore import Fence
from ireelab.hal.timeline import Event

if TYPE_CHECKING:
    from ireelab.hal.command_buffer import BindingTable, CommandBuffer


class HostDevice(QueueDevice[HostBuffer, bool]):
    """A device with one in-order queue over host memory; its place is True."""

    buffer_type = HostBuffer

    def __init__(
        self, id: str, driver: str, limit_bytes: int | None = None, *, concurrent: bool = False
    ) -> None:
        super().__init__(id, driver)
        self._thread = QueueThread(f"{id} queue") if concurrent else None
        self._allocator = HostAllocator(self, limit_bytes)
        self.queue_name = f"{id} queue 0"
        self._events: list[Event] | None = None
        # Making events out of stamps is left for the end: it takes longer than most submissions.
        self._pending_events: list[Callable[[], Iterable[Event]]] = []

    @property
    def allocator(self) -> HostAllocator:
        return self._allocator

    # --- what a driver adds -----------------------------------------------------------

    @abstractmethod
    def _run(self, command_buffer: CommandBuffer, bindings: BindingTable, submission: int) -> None:
        """Run to the end; CommandBufferError names the command that failed."""

    @abstractmethod
    def _write_fill(self, target: HostBuffer, offset: int, length: int, pattern: bytes) -> None: ...

    @abstractmethod
    def _write(self, target: HostBuffer, offset: int, data: bytes | memoryview) -> None: ...

    @abstractmethod
    def _move(
        self, source: HostBuffer, source_offset: int, target: HostBuffer, target_offset: int,
        length: int,
    ) -> None: ...  # fmt: skip

    # --- QueueDevice ------------------------------------------------------------------

    def _place(self, affinity: int, wait: Fence | None) -> bool | None:
        return True if wait is None or wait.is_signaled() else None

    def _when_placed(self, wait: Fence, callback: Callable[[], None]) -> None:
        wait.on_signaled(callback)

    def _finish(self, signal: Fence | None, place: bool, ended: Any) -> None:
        if signal is not None:
            signal.signal()

    def _allocate(self, memory_type: int, usage: int, size_bytes: int) -> HostBuffer:
        return self._allocator.allocate(memory_type, usage, size_bytes)

    def _fill(
        self, place: bool, target: HostBuffer, offset: int, length: int, pattern: bytes
    ) -> None:
        self._timed("fill", length, lambda: self._write_fill(target, offset, length, pattern))

    def _update(self, place: bool, target: HostBuffer, offset: int, data: bytes) -> None:
        self._timed("update", len(data), lambda: self._write(target, offset, data))

    def _copy(
        self, place: bool, source: HostBuffer, source_offset: int, target: HostBuffer,
        target_offset: int, length: int,
    ) -> None:  # fmt: skip
        self._timed(
            "copy", length,
            lambda: self._move(source, source_offset, target, target_offset, length),
        )  # fmt: skip

    def _load(
        self, place: bool, file: File, file_offset: int, target: HostBuffer, target_offset: int,
        length: int,
    ) -> None:  # fmt: skip
        self._timed(
            "copy", length,
            lambda: self._write(target, target_offset, file.read(file_offset, length)),
        )  # fmt: skip

    def _store(
        self, place: bool, source: HostBuffer, source_offset: int, file: File, file_offset: int,
        length: int,
    ) -> None:  # fmt: skip
        self._timed(
            "copy", length, lambda: file.write(file_offset, source.read(source_offset, length))
        )

    def _execute_now(
        self, affinity: int, command_buffer: CommandBuffer, bindings: BindingTable
    ) -> bool:
        if self._events is not None or self._thread is not None:
            return False
        self._check_open()
        self._run(command_buffer, bindings, next(self._submissions))
        return True

    def _execute(
        self, place: bool, command_buffer: CommandBuffer, bindings: BindingTable, submission: int
    ) -> None:
        start_ns = perf_counter_ns()
        self._run(command_buffer, bindings, submission)
        if self._events is not None:
            name = f"submit command buffer {command_buffer.id}"
            self._add_event("submit", name, -1, start_ns, 0, command_buffer.id, submission)

    def _run_operation(
        self, place: bool, signal: Fence | None, operation: Callable[[bool], Any] | None
    ) -> None:
        thread = self._thread
        if thread is None or operation is None:
            super()._run_operation(place, signal, operation)
        elif signal is None:  # nobody is told of its end but the caller
            thread.drain()
            super()._run_operation(place, signal, operation)
        else:
            thread.put(lambda: self._run_apart(signal, operation))

    def _run_apart(self, signal: Fence, operation: Callable[[bool], Any]) -> None:
        """On the queue's thread: there is nobody to raise to but the fence."""
        try:
            super()._run_operation(True, signal, operation)
        except BaseException as error:
            signal.fail(error)

    def _end_thread(self) -> None:
        if self._thread is not None:
            self._thread.close()

    # --- profiling --------------------------------------------------------------------

    def begin_profiling(self) -> None:
        if self._events is not None:
            raise DeviceError(f"{self.id} is profiling already; call end_profiling() first")
        self._events = []

    def end_profiling(self) -> tuple[Event, ...]:
        if self._events is None:
            raise DeviceError(f"{self.id} is not profiling; call begin_profiling() first")
        if self._thread is not None:
            self._thread.drain()
        events, self._events = self._events, None
        pending, self._pending_events = self._pending_events, []
        for make_events in pending:
            events.extend(make_events())
        return tuple(sorted(events, key=lambda event: event.start_ns))

    def _profiling(self) -> bool:
        return self._events is not None

    def _host_event(
        self, affinity: int, kind: str, name: str, start_ns: int, size_bytes: int
    ) -> None:
        self._add_event(kind, name, -1, start_ns, size_bytes)

    def _add_event(
        self, kind: str, name: str, worker: int, start_ns: int, size_bytes: int,
        command_buffer: int = -1, submission: int = -1,
    ) -> None:  # fmt: skip
        event = Event(
            name, kind, self.queue_name, worker, start_ns, perf_counter_ns(), bytes=size_bytes,
            command_buffer=command_buffer, submission=submission,
        )  # fmt: skip
        if self._events is not None:
            self._events.append(event)

    def _timed(self, kind: str, size_bytes: int, run: Callable[[], None]) -> None:
        """``run``, with a device event where profiling is on."""
        start_ns = perf_counter_ns()
        run()
        if self._events is not None:
            self._add_event(kind, f"queue {kind} {size_bytes} B", 0, start_ns, size_bytes)
