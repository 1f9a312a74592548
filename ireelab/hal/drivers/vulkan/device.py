"""A GPU as a HAL device. Mirrors ``runtime/src/iree/hal/drivers/vulkan``.

Submissions run on the device behind the caller's back. Whatever reads or writes memory from the
host waits for them first, and what is submitted without a fence comes before all that follows: to a
caller who gives no fences each operation seems to have ended when its call returns
(``synchronous``), while host and device overlap.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from itertools import count
from pathlib import Path
from typing import Any

from ireelab.errors import DeviceError
from ireelab.hal.buffer import Buffer
from ireelab.hal.command_buffer import BindingTable, CommandBuffer
from ireelab.hal.drivers.vulkan.adopted import AdoptedBlock, AdoptedSemaphore, AdoptedStorage
from ireelab.hal.drivers.vulkan.buffer import VulkanAllocator, VulkanBuffer
from ireelab.hal.drivers.vulkan.command_buffer import VulkanCommandBuffer
from ireelab.hal.drivers.vulkan.core import Core
from ireelab.hal.drivers.vulkan.download import Downloads
from ireelab.hal.drivers.vulkan.executable import FORMATS, VulkanExecutable
from ireelab.hal.drivers.vulkan.logical_device import LogicalDevice
from ireelab.hal.drivers.vulkan.operations import Operations
from ireelab.hal.drivers.vulkan.peer_memory import PeerStorage
from ireelab.hal.drivers.vulkan.physical_device import PhysicalDevice
from ireelab.hal.drivers.vulkan.pipeline_cache import PipelineCache
from ireelab.hal.drivers.vulkan.profiler import Place, Profiler
from ireelab.hal.drivers.vulkan.queue import Awaited, Point
from ireelab.hal.drivers.vulkan.semaphore import VulkanSemaphore, when_schedulable
from ireelab.hal.drivers.vulkan.transfer import (
    Transfers,
)
from ireelab.hal.semaphore import Fence, Semaphore
from ireelab.hal.timeline import Event
from ireelab.hal.types import BufferUsage, MemoryType

DEFAULT_TIMEOUT_S = 120.0
_ADOPTED_MEMORY = int(MemoryType.DEVICE_LOCAL)
_ADOPTED_USAGE = int(BufferUsage.DEFAULT)

_ordinals = count(0)


class VulkanDevice(Operations):
    """One device with one or more compute queues, numbered as in affinity masks.

    ``timeout_s`` bounds every wait. ``memory`` is "auto", "device", "rebar" or "host" (see
    ``memory.py``). ``cache_folder`` holds compiled pipelines; None keeps none.
    """

    command_buffer_type = VulkanCommandBuffer

    def __init__(
        self,
        logical: LogicalDevice,
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        memory: str = "auto",
        cache_folder: Path | None = None,
        profiling_mode: str = "command",
        ordinal: int | None = None,
    ) -> None:
        """``ordinal`` tells several apart that one program uses; others are numbered through."""
        super().__init__(f"vulkan:{next(_ordinals) if ordinal is None else ordinal}", "vulkan")
        self.core = Core(logical, memory=memory, timeout_ns=round(timeout_s * 1e9))
        self.transfers = Transfers(self.core)
        self.downloads = Downloads(self.core)
        self.profiler = Profiler(self.core, self.id, profiling_mode)
        self._queues = self.core.queues
        self._allocator = VulkanAllocator(self)
        self._cache = PipelineCache(self.core, cache_folder)
        self._reaches_out = False  # into memory of another device, which does not wait for this one

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
            return len(self._queues.compute) if category == "hal.device" else 1
        if category == "vulkan.device":
            values: dict[str, int] = {
                "subgroup_size": limits["subgroupSize"],
                "max_compute_workgroup_invocations": limits["maxComputeWorkGroupInvocations"],
                "max_compute_shared_memory_size": limits["maxComputeSharedMemorySize"],
            }
            return values.get(key)
        return None

    def create_semaphore(self, initial: int = 0) -> Semaphore:
        return VulkanSemaphore(self._queues, initial)

    def create_fence(self) -> Fence:
        return Fence(((VulkanSemaphore(self._queues), 1),))

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
        return VulkanCommandBuffer(
            self.core, self._allocator, modes, categories, affinity, binding_capacity
        )

    # --- what belongs to the application ---------------------------------------------

    def adopt_semaphore(self, handle: Any) -> AdoptedSemaphore:
        """The application's timeline ``VkSemaphore``, as a cffi handle or integer, for fences.

        ``queue_barrier(-1, Fence(((semaphore, 5),)), None, 0)`` lets all later work wait for 5 on
        the device; as a signal fence of an operation it is signaled there.
        """
        return AdoptedSemaphore(self.core, handle)

    def adopt_buffer(
        self, handle: Any, length_bytes: int, *, device_address: int = 0
    ) -> VulkanBuffer:
        """The application's ``VkBuffer``, to be kept alive by it while work here uses it.

        It needs the usages storage buffer, transfer source and transfer target; kernels that are
        compiled for addresses need its ``device_address``, too.
        """
        buffer = self.core.vulkan.handle("VkBuffer", handle)
        block = AdoptedBlock(self.core, buffer, length_bytes, device_address)
        storage = AdoptedStorage(self.core, block)
        return VulkanBuffer(
            self, storage, storage.pointer, length_bytes, _ADOPTED_MEMORY, _ADOPTED_USAGE
        )

    # --- QueueDevice: operations ------------------------------------------------------

    def _allocate(self, memory_type: int, usage: int, size_bytes: int) -> VulkanBuffer:
        return self._allocator.allocate(memory_type, usage, size_bytes)

    def _imported(self, buffer: Buffer) -> VulkanBuffer | None:
        self._reaches_out = True
        return super()._imported(buffer)

    def _is_own(self, buffer: Buffer) -> bool:
        return self._allocator.owns(buffer)

    def queue_execute(
        self, affinity: int, wait: Fence | None, signal: Fence | None,
        command_buffer: CommandBuffer | None, bindings: BindingTable, flags: int,
    ) -> None:  # fmt: skip
        if wait is None and signal is None and self._run_again(affinity, command_buffer, bindings):
            return
        for buffer, _, _ in bindings:
            if buffer and (buffer.device is not self or type(buffer) is not VulkanBuffer):
                bindings = self._imported_table(bindings)
                break
        super().queue_execute(affinity, wait, signal, command_buffer, bindings, flags)

    def _imported_table(self, bindings: BindingTable) -> BindingTable:
        """The table with other devices' buffers as this one's."""
        return tuple((self.own_buffer(b) if b else b, o, n) for b, o, n in bindings)

    def _run_again(
        self, affinity: int, command_buffer: CommandBuffer | None, bindings: BindingTable
    ) -> bool:
        """The short cut for most submissions: recorded before, no fences, nothing elsewhere."""
        queues, core = self._queues, self.core
        if (
            type(command_buffer) is not VulkanCommandBuffer
            or command_buffer.core is not core
            or self._closed
            or self.profiler.active
            or not (affinity & 1 and queues.quiet())
        ):
            return False
        recording = command_buffer.recorded(bindings)
        if recording is None:
            return False
        if core.device_pool.host_reads_fast:
            queues.main.floor = queues.submit_main(recording.submission)
        else:
            queues.main.floor = self.downloads.submit(recording)
        if core.logical.instance.messages:
            core.raise_messages()
        return True

    def _execute(
        self, place: Place, command_buffer: CommandBuffer, bindings: BindingTable, submission: int
    ) -> Point:
        recorded: Any = command_buffer
        table: Any = bindings
        peers = [b.storage for b, _, _ in table if b and isinstance(b.storage, PeerStorage)]
        if self.profiler.active:
            point = self.profiler.execute(place, recorded, bindings, submission)
        else:
            point = recorded.recording(bindings).submit(*place)
        if peers:  # Another device's pool knows nothing of this queue.
            self._queues.retire(peers.clear)
        self.core.raise_messages()
        return point

    # --- QueueDevice: order -----------------------------------------------------------

    def _place(self, affinity: int, wait: Fence | None) -> Place | None:
        queue = self._queues.select(affinity)
        if wait is None:
            return queue, ()
        points: list[Awaited] = []
        unknown = False
        for semaphore, value in wait.points:
            if semaphore.query() >= value:
                continue
            point: Awaited | None = None
            if isinstance(semaphore, AdoptedSemaphore) and semaphore.core is self.core:
                point = semaphore.timeline, value
            elif isinstance(semaphore, VulkanSemaphore):
                point = semaphore.scheduled(self._queues, value)
            # Where unknown, still look at the others: one of them may have failed.
            unknown = unknown or point is None
            if point is not None:
                points.append(point)
        return None if unknown else (queue, tuple(points))

    def _when_placed(self, wait: Fence, callback: Callable[[], None]) -> None:
        when_schedulable(wait, self._queues, callback)

    def _finish(self, signal: Fence | None, place: Place, ended: Point | None) -> None:
        if signal is None:
            if ended is None and place[1]:
                ended = self._queues.follow(*place)
            if ended is not None:
                queue, number = ended
                queue.floor = max(queue.floor, number)
            if self._reaches_out:
                self._reaches_out = False
                self.settle()
            return
        point = self._queues.meet(*place) if ended is None else ended
        for semaphore, value in signal.points:
            if isinstance(semaphore, VulkanSemaphore) and semaphore.queues is self._queues:
                semaphore.schedule(value, point)
            elif isinstance(semaphore, AdoptedSemaphore) and semaphore.core is self.core:
                semaphore.signal_after(point, value)
            else:
                _signal_from_host(semaphore, value, point)

    # --- profiling --------------------------------------------------------------------

    def begin_profiling(self) -> None:
        self._check_open()
        self.profiler.begin()

    def end_profiling(self) -> tuple[Event, ...]:
        return self.profiler.end()

    def settle(self) -> None:
        for queue in self._queues.all:
            if queue.completed < queue.floor:
                queue.wait(queue.floor)

    def profiling_overhead_ns(self) -> int:
        return self.profiler.overhead_ns()

    def _profiling(self) -> bool:
        return self.profiler.active

    def _host_event(
        self, affinity: int, kind: str, name: str, start_ns: int, size_bytes: int
    ) -> None:
        self.profiler.host(self._queues.select(affinity), kind, name, start_ns, size_bytes)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        # Lost or stuck: core.close() knows what may still be destroyed.
        with contextlib.suppress(DeviceError):
            self._queues.wait_idle()
        self._cache.close()
        self.downloads.forget()
        self.core.close()

    def _formats(self) -> Iterable[str]:
        by_address = "shaderInt64" in self.core.logical.features
        return FORMATS if by_address else FORMATS[:1]


def _signal_from_host(semaphore: Semaphore, value: int, point: Point) -> None:
    """Another device's semaphore is signaled from the host, by the watching thread."""

    def settle(error: BaseException | None) -> None:
        if error is not None:
            semaphore.fail(error)
        else:
            semaphore.signal(value)

    queue, number = point
    if number <= queue.poll():
        semaphore.signal(value)
    else:
        queue.notify(number, settle)
