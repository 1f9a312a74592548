"""What the parts of one open device share: its queues, memory pools, command buffers, barriers."""

from __future__ import annotations

import threading
from typing import Any, Protocol
from weakref import WeakSet

from ireelab.hal.drivers.vulkan.barriers import STAGE_TRANSFER, WORK, Barriers
from ireelab.hal.drivers.vulkan.logical_device import LogicalDevice
from ireelab.hal.drivers.vulkan.memory import (
    Pool,
    allowed_memory_types,
    choose_device_memory,
    choose_staging_memory,
)
from ireelab.hal.drivers.vulkan.queue import Submission
from ireelab.hal.drivers.vulkan.queues import Queues
from ireelab.hal.drivers.vulkan.vulkan_ffi import Handle, Structs, Vulkan

GPU_SPIN_NS = 2_000_000
"""How long a wait polls on a GPU: sleeping costs 30 to 50 µs for the wake-up. On a CPU device
polling would take the time of its threads."""


class NativeResource(Protocol):
    """Something that must be destroyed before the device."""

    def destroy(self) -> None:
        """Destroy now; idempotent. Nothing on the device uses it any more."""


class Core:
    """``lock`` guards recording and the command pool, which Vulkan wants one thread at a time."""

    def __init__(self, logical: LogicalDevice, *, memory: str, timeout_ns: int) -> None:
        self.logical = logical
        self.physical = logical.physical
        self.vulkan: Vulkan = logical.instance.vulkan
        self.handle: Handle = logical.handle
        self.limits = logical.physical.limits
        self.lock = threading.RLock()
        self.resources: WeakSet[NativeResource] = WeakSet()
        self.imports = 0  # arrays of the caller that are device memory
        self.queues = Queues(
            logical,
            timeout_ns=timeout_ns,
            spin_ns=0 if self.physical.type == "cpu" else GPU_SPIN_NS,
        )
        self._structs = Structs(self.vulkan)
        self.barriers = Barriers(self._structs)
        self._free_command_buffers: dict[int, list[Handle]] = {f: [] for f in logical.families}
        self._begin_infos: dict[int, Any] = {}
        self._submissions: dict[Handle, Submission] = {}
        self._command_pools = {family: self._command_pool(family) for family in logical.families}
        allowed = allowed_memory_types(self.vulkan, logical)
        types = self.physical.memory_types
        largest = int(self.limits["maxMemoryAllocationSize"])
        chosen = choose_device_memory(types, allowed, memory)
        staging = choose_staging_memory(types, allowed)
        self.device_pool = Pool(self.vulkan, logical, chosen, largest, self.queues)
        self.staging_pool = (
            self.device_pool
            if chosen == staging
            else Pool(self.vulkan, logical, staging, largest, self.queues)
        )
        self._pools = {id(p): p for p in (self.device_pool, self.staging_pool)}

    # --- command buffers ----------------------------------------------------------------

    def acquire_command_buffer(self, family: int) -> Handle:
        """A command buffer for queues of a family."""
        free = self._free_command_buffers[family]
        if free:
            return free.pop()
        info = self._structs.new(
            "VkCommandBufferAllocateInfo",
            commandPool=self._command_pools[family],
            commandBufferCount=1,
        )
        out = self.vulkan.ffi.new("VkCommandBuffer[1]")
        result = self.vulkan.lib.vkAllocateCommandBuffers(self.handle, info, out)
        self.vulkan.check(result, "vkAllocateCommandBuffers")
        return out[0]

    def begin(self, handle: Handle, usage: int) -> None:
        """``vkBeginCommandBuffer``; ``usage`` is a ``VkCommandBufferUsageFlags``."""
        info = self._begin_infos.get(usage)
        if info is None:
            info = self._structs.new("VkCommandBufferBeginInfo", flags=usage)
            self._begin_infos[usage] = info
        lib = self.vulkan.lib
        self.vulkan.check(lib.vkBeginCommandBuffer(handle, info), "vkBeginCommandBuffer")

    def end(self, handle: Handle, work: int = WORK) -> None:
        """``vkEndCommandBuffer``, with what was recorded visible to the host."""
        lib = self.vulkan.lib
        lib.vkCmdPipelineBarrier2(handle, self.barriers.to_host(work))
        self.vulkan.check(lib.vkEndCommandBuffer(handle), "vkEndCommandBuffer")

    def work(self, family: int) -> int:
        """The stages in which commands of a queue family write."""
        return WORK if family == self.logical.queue_family else STAGE_TRANSFER

    def submission(self, handle: Handle) -> Submission:
        """How to submit a command buffer to the main queue; kept with it when it is reused."""
        found = self._submissions.get(handle)
        if found is None:
            found = self._submissions[handle] = self.queues.main.prepare(handle)
        return found

    def release_command_buffer(self, handle: Handle, family: int) -> None:
        """For reuse; it is reset when it is begun again."""
        self._free_command_buffers[family].append(handle)

    def _command_pool(self, family: int) -> Handle:
        info = self._structs.new(
            "VkCommandPoolCreateInfo",
            flags=2,  # VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT
            queueFamilyIndex=family,
        )
        return self.vulkan.create("vkCreateCommandPool", "VkCommandPool", self.handle, info)

    def raise_messages(self) -> None:
        """Raise what the validation layer has said, if it listens."""
        if self.logical.instance.messages:
            self.logical.instance.raise_messages()

    def close(self) -> None:
        """Wait, destroy everything, then the device as soon as no array maps its memory."""
        if not self.queues.close():
            return  # a kernel still runs: destroying what it uses would crash the process
        for resource in list(self.resources):
            resource.destroy()
        for pool in self._command_pools.values():
            self.vulkan.lib.vkDestroyCommandPool(self.handle, pool, self.vulkan.null)
        for memory in list(self._pools.values()):
            memory.close(lambda closed=memory: self._pool_is_empty(closed))

    def _pool_is_empty(self, pool: Pool) -> None:
        self._pools.pop(id(pool), None)
        if not self._pools:
            self.logical.close()
