"""A GPU as a HAL device. Mirrors ``runtime/src/iree/hal/drivers/vulkan``.

Submissions run on the device behind the caller's back, in order; whatever reads or writes memory
from the host waits for them first. So to a caller who gives no fences each operation seems to have
ended when its call returns (``synchronous``), while host and device overlap.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from itertools import count
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np

from ireelab.errors import CommandBufferError, DeviceError, IreelabError
from ireelab.hal.buffer import Buffer
from ireelab.hal.command_buffer import BindingTable, CommandBuffer
from ireelab.hal.device import Device
from ireelab.hal.drivers.queue_rules import READY, check_pattern
from ireelab.hal.drivers.vulkan.buffer import VulkanAllocator, VulkanBuffer
from ireelab.hal.drivers.vulkan.command_buffer import VulkanCommandBuffer
from ireelab.hal.drivers.vulkan.core import Core
from ireelab.hal.drivers.vulkan.executable import FORMATS, VulkanExecutable
from ireelab.hal.drivers.vulkan.logical_device import LogicalDevice
from ireelab.hal.drivers.vulkan.physical_device import PhysicalDevice
from ireelab.hal.drivers.vulkan.pipeline_cache import PipelineCache
from ireelab.hal.drivers.vulkan.profiler import Profiler
from ireelab.hal.drivers.vulkan.semaphore import VulkanSemaphore, when_schedulable
from ireelab.hal.drivers.vulkan.transfer import (
    Transfers,
    record_copy,
    record_fill,
    record_update,
)
from ireelab.hal.file import File
from ireelab.hal.semaphore import Fence, Semaphore
from ireelab.hal.timeline import Event

DEFAULT_TIMEOUT_S = 120.0
FILE_CHUNK_BYTES = 64 << 20

_ordinals = count(0)


class VulkanDevice(Device):
    """One device with one queue.

    ``timeout_s`` bounds every wait. ``memory`` is "auto", "device", "rebar" or "host" (see
    ``memory.py``). ``cache_folder`` holds compiled pipelines; None keeps none.
    """

    synchronous = True

    def __init__(
        self,
        logical: LogicalDevice,
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        memory: str = "auto",
        cache_folder: Path | None = None,
        profiling_mode: str = "command",
    ) -> None:
        self.id = f"vulkan:{next(_ordinals)}"
        self.driver = "vulkan"
        self.core = Core(logical, memory=memory, timeout_ns=round(timeout_s * 1e9))
        self.transfers = Transfers(self.core)
        self.queue_name = f"{self.id} queue 0"
        self.profiler = Profiler(self.core, self.queue_name, profiling_mode)
        self._queue = self.core.queue
        self._allocator = VulkanAllocator(self)
        self._cache = PipelineCache(self.core, cache_folder)
        self._submissions = count(1)
        self._closed = False

    @property
    def allocator(self) -> VulkanAllocator:
        return self._allocator

    @property
    def physical(self) -> PhysicalDevice:
        """What the device is and can do."""
        return self.core.physical

    def query_i64(self, category: str, key: str) -> int | None:
        limits = self.core.limits
        if category == "hal.device.id":
            return int(fnmatchcase("vulkan", key))
        if category == "hal.executable.format":
            return int(key in self._formats())
        if (category, key) in (("hal.device", "concurrency"), ("hal.dispatch", "concurrency")):
            return 1
        if category == "vulkan.device":
            values: dict[str, int] = {
                "subgroup_size": limits["subgroupSize"],
                "max_compute_workgroup_invocations": limits["maxComputeWorkGroupInvocations"],
                "max_compute_shared_memory_size": limits["maxComputeSharedMemorySize"],
            }
            return values.get(key)
        return None

    def create_semaphore(self, initial: int = 0) -> Semaphore:
        return VulkanSemaphore(self._queue, initial)

    def create_fence(self) -> Fence:
        return Fence(((VulkanSemaphore(self._queue), 1),))

    def create_executable(
        self,
        format: str,
        data: bytes | memoryview,
        constants: bytes,
        *,
        llvm_ir: str | None = None,
    ) -> VulkanExecutable:
        self._check_open()
        return VulkanExecutable(self.core, self._cache, format, data, constants)

    def create_command_buffer(
        self, modes: int, categories: int, affinity: int, binding_capacity: int
    ) -> VulkanCommandBuffer:
        self._check_open()
        return VulkanCommandBuffer(self.core, modes, categories, affinity, binding_capacity)

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
    ) -> VulkanBuffer:
        # The range is taken now even if ``wait`` is pending: pooled ranges have no other user.
        start_ns = perf_counter_ns() if self.profiler.active else 0
        buffer = self._allocator.allocate(memory_type, usage, size_bytes)
        if wait is not None or signal is not None:
            self._submit(wait, signal, None)
        if self.profiler.active:
            self.profiler.host("alloca", f"alloca {size_bytes} B", start_ns, size_bytes)
        return buffer

    def queue_dealloca(
        self, affinity: int, wait: Fence | None, signal: Fence | None, buffer: Buffer, flags: int
    ) -> None:
        # Later users of the memory are behind this point of the queue: nothing has to be waited
        # for on the host.
        start_ns = perf_counter_ns() if self.profiler.active else 0
        if wait is None and signal is None:
            buffer.close()
        else:
            self._submit(wait, signal, lambda: buffer.close())
        if self.profiler.active:
            size_bytes = buffer.length_bytes
            self.profiler.host("dealloca", f"dealloca {size_bytes} B", start_ns, size_bytes)

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
        memory = vulkan_buffer(target)
        memory.check_range(offset_bytes, length_bytes, "fill")
        check_pattern(pattern, length_bytes)

        def record(handle: Any, kept: list[Any]) -> None:
            block, start = _place(memory, offset_bytes, kept)
            record_fill(self.core, kept, handle, block.buffer, start, length_bytes, pattern)

        self._submit(wait, signal, self._transfer("fill", length_bytes, record))

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
        memory = vulkan_buffer(target)
        memory.check_range(offset_bytes, len(source), "update")
        data = bytes(source)  # the caller may change its bytes before a deferred update runs

        def record(handle: Any, kept: list[Any]) -> None:
            block, start = _place(memory, offset_bytes, kept)
            record_update(self.core, kept, handle, block.buffer, start, data)

        self._submit(wait, signal, self._transfer("update", len(data), record))

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
        read, written = vulkan_buffer(source), vulkan_buffer(target)
        read.check_range(source_offset_bytes, length_bytes, "copy source")
        written.check_range(target_offset_bytes, length_bytes, "copy target")

        def record(handle: Any, kept: list[Any]) -> None:
            from_block, from_start = _place(read, source_offset_bytes, kept)
            to_block, to_start = _place(written, target_offset_bytes, kept)
            record_copy(
                self.core, handle, from_block.buffer, from_start, to_block.buffer, to_start,
                length_bytes,
            )  # fmt: skip

        self._submit(wait, signal, self._transfer("copy", length_bytes, record))

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
        memory = vulkan_buffer(target)
        memory.check_range(target_offset_bytes, length_bytes, "file read")

        def run() -> None:
            data = np.frombuffer(file.read(source_offset_bytes, length_bytes), np.uint8)
            storage = vulkan_buffer(memory).storage
            assert storage is not None
            pointer = memory.pointer + target_offset_bytes
            for start in range(0, length_bytes, FILE_CHUNK_BYTES):
                chunk = data[start : start + FILE_CHUNK_BYTES]
                self.transfers.upload(storage, pointer + start, chunk)

        self._submit(wait, signal, run)

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
        memory = vulkan_buffer(source)
        memory.check_range(source_offset_bytes, length_bytes, "file write")

        def run() -> None:
            file.write(target_offset_bytes, memory.read(source_offset_bytes, length_bytes))

        self._submit(wait, signal, run)

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
        if not isinstance(command_buffer, VulkanCommandBuffer):
            raise CommandBufferError(
                f"command buffer {command_buffer.id} belongs to another kind of device"
            )
        if not command_buffer.finalized:
            raise CommandBufferError(
                f"command buffer {command_buffer.id} was submitted before finalize()"
            )
        if len(bindings) < command_buffer.binding_capacity:
            raise CommandBufferError(
                f"command buffer {command_buffer.id} has {command_buffer.binding_capacity} binding "
                f"slots, but the submission binds {len(bindings)}"
            )
        if wait is None and signal is None and not self.profiler.active and not self._closed:
            self._queue.submit(command_buffer.recording(bindings).submission)
            if self.core.logical.instance.messages:
                self.core.raise_messages()
            return

        def run() -> None:
            self._execute(command_buffer, bindings)

        self._submit(wait, signal, run)

    def queue_flush(self, affinity: int) -> None:
        """Nothing is batched here."""

    # --- profiling --------------------------------------------------------------------

    def begin_profiling(self) -> None:
        self._check_open()
        self.profiler.begin()

    def end_profiling(self) -> tuple[Event, ...]:
        return self.profiler.end()

    def profiling_overhead_ns(self) -> int:
        return self.profiler.overhead_ns()

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        # Lost or stuck: core.close() knows what may still be destroyed.
        with contextlib.suppress(DeviceError):
            self._queue.wait_idle()
        self._cache.close()
        self.core.close()

    # --- parts ------------------------------------------------------------------------

    def _formats(self) -> Iterable[str]:
        by_address = "shaderInt64" in self.core.logical.features
        return FORMATS if by_address else FORMATS[:1]

    def _execute(self, command_buffer: VulkanCommandBuffer, bindings: BindingTable) -> None:
        if self.profiler.active:
            self.profiler.execute(command_buffer, bindings, next(self._submissions))
        else:
            self._queue.submit(command_buffer.recording(bindings).submission)
        self.core.raise_messages()

    def _transfer(
        self, kind: str, size_bytes: int, record: Callable[[Any, list[Any]], None]
    ) -> Callable[[], object]:
        def run() -> None:
            if self.profiler.active:
                self.profiler.transfer(self.transfers, kind, size_bytes, record)
            else:
                self.transfers.run(record)

        return run

    def _check_open(self) -> None:
        if self._closed:
            raise DeviceError(f"device {self.id} is closed; create a new one")

    # --- order ------------------------------------------------------------------------

    def _submit(
        self, wait: Fence | None, signal: Fence | None, operation: Callable[[], object] | None
    ) -> None:
        """Run ``operation`` now, or once ``wait`` is reached or sure to be; then signal."""
        self._check_open()
        try:
            number = 0 if wait is None else self._reached_with(wait)
        except BaseException as error:
            # Whatever the wait failed with is what the signal fence fails with.
            if signal is None:
                raise
            signal.fail(error)
            return
        if number is None:
            assert wait is not None
            fence = wait
            resume: Callable[[], None] = lambda: self._resume(fence, signal, operation)  # noqa: E731
            when_schedulable(fence, self._queue, lambda: READY.run(resume))
            return
        before = self._queue.submitted
        try:
            if operation is not None:
                operation()
        except IreelabError as error:
            if signal is None:
                raise
            signal.fail(error)
            return
        if signal is not None:
            submitted = self._queue.submitted
            self._signal(signal, submitted if submitted != before else number)

    def _reached_with(self, wait: Fence) -> int | None:
        """The submission with which the fence is reached, 0 where it is, None where unknown."""
        number: int | None = 0
        for semaphore, value in wait.points:
            if semaphore.query() >= value:
                continue
            scheduled = None
            if isinstance(semaphore, VulkanSemaphore):
                scheduled = semaphore.scheduled_number(self._queue, value)
            # Where unknown, still look at the others: one of them may have failed.
            unknown = scheduled is None or number is None
            number = None if unknown else max(number or 0, scheduled or 0)
        return number

    def _signal(self, signal: Fence, number: int) -> None:
        for semaphore, value in signal.points:
            if isinstance(semaphore, VulkanSemaphore) and semaphore.queue is self._queue:
                semaphore.schedule(value, number)
            elif number <= self._queue.poll():
                semaphore.signal(value)
            else:
                self._signal_later(semaphore, value, number)

    def _signal_later(self, semaphore: Semaphore, value: int, number: int) -> None:
        """Another device's semaphore is signaled from the host, by the watching thread."""

        def settle(error: BaseException | None) -> None:
            if error is not None:
                semaphore.fail(error)
            else:
                semaphore.signal(value)

        self._queue.notify(number, settle)

    def _resume(
        self, wait: Fence, signal: Fence | None, operation: Callable[[], object] | None
    ) -> None:
        """A deferred operation whose wait is over. There is nobody to raise to but the fence."""
        try:
            self._submit(wait, signal, operation)
        except IreelabError as error:
            if signal is not None:
                signal.fail(error)


def vulkan_buffer(buffer: Buffer) -> VulkanBuffer:
    """The buffer as Vulkan memory; DeviceError for another device's or a closed buffer."""
    if not isinstance(buffer, VulkanBuffer):
        raise DeviceError(f"{type(buffer).__name__} belongs to another kind of device")
    if not buffer.pointer:
        raise DeviceError("the buffer is closed or was deallocated")
    return buffer


def _place(buffer: VulkanBuffer, offset_bytes: int, kept: list[Any]) -> tuple[Any, int]:
    """Block and offset in it; the memory stays until ``kept`` goes."""
    storage = vulkan_buffer(buffer).storage
    assert storage is not None
    kept.append(storage)
    return storage.block, buffer.pointer - storage.block.base + offset_bytes
