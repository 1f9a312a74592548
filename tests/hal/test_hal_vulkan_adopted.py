"""An application in raw Vulkan and a program on its device: nothing waits on the host in between.

The application has its own instance, device, queue, buffers and timeline semaphore. It knows this
driver by ``AdoptedHandles`` only.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hal_support import compile_vulkan, require_vulkan

from ireelab.errors import DeviceError, DeviceTimeout
from ireelab.hal.buffer import BufferView
from ireelab.hal.drivers.vulkan import driver
from ireelab.hal.drivers.vulkan.device import VulkanDevice
from ireelab.hal.drivers.vulkan.instance import Instance
from ireelab.hal.drivers.vulkan.logical_device import AdoptedHandles
from ireelab.hal.drivers.vulkan.physical_device import NEEDED_FEATURES
from ireelab.hal.drivers.vulkan.vulkan_ffi import Structs, load
from ireelab.hal.element_type import element_type_from_dtype
from ireelab.hal.registry import create_device
from ireelab.hal.semaphore import Fence
from ireelab.program import Program
from ireelab.vm.context import Context

COUNT = 1024
BYTES = 4 * COUNT
SECOND = 10**9
F32 = element_type_from_dtype(np.dtype(np.float32))
SOURCE = f"""func.func @twice(%x: tensor<{COUNT}xf32>) -> tensor<{COUNT}xf32> {{
  %y = arith.addf %x, %x : tensor<{COUNT}xf32>
  return %y : tensor<{COUNT}xf32>
}}
"""


class Application:
    """Vulkan as an application uses it: a device of its own, raw calls."""

    def __init__(self, *, validate: bool = True) -> None:
        self.vk = load()
        self.instance = Instance(validate=validate)
        structs = self.structs = Structs(self.vk)
        self.physical = driver.choose(self.instance.physical_devices(), "")
        self.family = self.physical.compute_family().index
        features = structs.new("VkPhysicalDeviceVulkan13Features", synchronization2=1)
        features = structs.new(
            "VkPhysicalDeviceVulkan12Features", next=features, timelineSemaphore=1,
            bufferDeviceAddress=1, hostQueryReset=1,
        )  # fmt: skip
        queue = structs.new(
            "VkDeviceQueueCreateInfo", queueFamilyIndex=self.family, queueCount=1,
            pQueuePriorities=[1.0],
        )  # fmt: skip
        info = structs.new(
            "VkDeviceCreateInfo", next=features, queueCreateInfoCount=1, pQueueCreateInfos=[queue]
        )
        self.device = self.vk.create("vkCreateDevice", "VkDevice", self.physical.handle, info)
        out = self.vk.ffi.new("VkQueue *")
        self.vk.lib.vkGetDeviceQueue(self.device, self.family, 0, out)
        self.queue = out[0]
        pool = structs.new("VkCommandPoolCreateInfo", queueFamilyIndex=self.family)
        self.pool = self.vk.create("vkCreateCommandPool", "VkCommandPool", self.device, pool)
        kind = structs.new("VkSemaphoreTypeCreateInfo", semaphoreType=1)
        info = structs.new("VkSemaphoreCreateInfo", next=kind)
        self.semaphore = self.vk.create("vkCreateSemaphore", "VkSemaphore", self.device, info)
        self.memories: list[Any] = []
        self.source, self.source_bytes = self._buffer()
        self.target, self.target_bytes = self._buffer()

    def adopted(self, timeout_s: float = 60) -> VulkanDevice:
        address = self.vk.address
        return driver.adopt(
            AdoptedHandles(
                address(self.instance.handle), address(self.physical.handle),
                address(self.device), self.family, address(self.queue), NEEDED_FEATURES,
            ),
            timeout_s=timeout_s,
        )  # fmt: skip

    def fill(self, word: int, *, wait: int, signal: int) -> None:
        """Fill ``source`` once the semaphore is at ``wait``; it is then at ``signal``."""
        structs, lib = self.structs, self.vk.lib
        handle = self.vk.ffi.new("VkCommandBuffer[1]")
        info = structs.new(
            "VkCommandBufferAllocateInfo", commandPool=self.pool, commandBufferCount=1
        )
        assert lib.vkAllocateCommandBuffers(self.device, info, handle) == 0
        begin = structs.new("VkCommandBufferBeginInfo", flags=1)
        assert lib.vkBeginCommandBuffer(handle[0], begin) == 0
        lib.vkCmdFillBuffer(handle[0], self.source, 0, BYTES, word)
        assert lib.vkEndCommandBuffer(handle[0]) == 0
        commands = structs.new("VkCommandBufferSubmitInfo", commandBuffer=handle[0])
        submit = structs.new(
            "VkSubmitInfo2",
            waitSemaphoreInfoCount=int(wait > 0), pWaitSemaphoreInfos=[self._at(wait)],
            commandBufferInfoCount=1, pCommandBufferInfos=commands,
            signalSemaphoreInfoCount=1, pSignalSemaphoreInfos=[self._at(signal)],
        )  # fmt: skip
        assert lib.vkQueueSubmit2(self.queue, 1, submit, self.vk.null) == 0

    def reach(self, value: int) -> None:
        """Signal from the host."""
        info = self.structs.new("VkSemaphoreSignalInfo", semaphore=self.semaphore, value=value)
        assert self.vk.lib.vkSignalSemaphore(self.device, info) == 0

    def wait(self, value: int) -> None:
        info = self.structs.new(
            "VkSemaphoreWaitInfo", semaphoreCount=1, pSemaphores=[self.semaphore],
            pValues=self.structs.array("uint64_t", [value]),
        )  # fmt: skip
        assert self.vk.lib.vkWaitSemaphores(self.device, info, 60 * SECOND) == 0

    def close(self) -> None:
        lib, null = self.vk.lib, self.vk.null
        lib.vkDeviceWaitIdle(self.device)
        for buffer in (self.source, self.target):
            lib.vkDestroyBuffer(self.device, buffer, null)
        for memory in self.memories:
            lib.vkFreeMemory(self.device, memory, null)
        lib.vkDestroySemaphore(self.device, self.semaphore, null)
        lib.vkDestroyCommandPool(self.device, self.pool, null)
        lib.vkDestroyDevice(self.device, null)
        self.instance.close()

    def _at(self, value: int) -> Any:
        return self.structs.new(
            "VkSemaphoreSubmitInfo", semaphore=self.semaphore, value=value, stageMask=0x10000
        )

    def _buffer(self) -> tuple[Any, npt.NDArray[np.float32]]:
        """A buffer in memory that the application maps."""
        structs, vk = self.structs, self.vk
        info = structs.new("VkBufferCreateInfo", size=BYTES, usage=0x1 | 0x2 | 0x20)
        buffer = vk.create("vkCreateBuffer", "VkBuffer", self.device, info)
        needs: Any = vk.ffi.new("VkMemoryRequirements *")
        vk.lib.vkGetBufferMemoryRequirements(self.device, buffer, needs)
        index = next(
            t.index for t in self.physical.memory_types
            if needs.memoryTypeBits >> t.index & 1 and t.flags & 6 == 6
        )  # fmt: skip
        info = structs.new("VkMemoryAllocateInfo", allocationSize=needs.size, memoryTypeIndex=index)
        memory = vk.create("vkAllocateMemory", "VkDeviceMemory", self.device, info)
        self.memories.append(memory)
        assert vk.lib.vkBindBufferMemory(self.device, buffer, memory, 0) == 0
        out = vk.ffi.new("void **")
        assert vk.lib.vkMapMemory(self.device, memory, 0, BYTES, 0, out) == 0
        return buffer, np.frombuffer(vk.ffi.buffer(out[0], BYTES), np.float32)


@pytest.fixture(params=[True])
def application(request: pytest.FixtureRequest) -> Iterator[Application]:
    require_vulkan()
    opened = Application(validate=request.param)
    yield opened
    opened.close()
    assert opened.instance.messages == []


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    require_vulkan()
    folder: Path = tmp_path_factory.mktemp("twice")
    source = folder / "twice.mlir"
    source.write_text(SOURCE)
    return Program(compile_vulkan(source, folder / "twice.vmfb"), name="twice")


def float_word(value: float) -> int:
    return int(np.float32(value).view(np.uint32))


def test_hand_over_on_the_device(application: Application, program: Program) -> None:
    """Fill (application), twice (program), copy (program), fill (application): on the device."""
    with application.adopted() as device:
        semaphore = device.adopt_semaphore(application.semaphore)
        source = device.adopt_buffer(application.source, BYTES)
        target = device.adopt_buffer(application.vk.address(application.target), BYTES)
        view = BufferView(source, (COUNT,), F32)
        with Context(program, device) as context:
            for step, value in enumerate((1.5, 2.5, 3.5)):
                now = 10 * step
                application.fill(float_word(value), wait=now, signal=now + 1)
                device.queue_barrier(-1, Fence(((semaphore, now + 1),)), None, 0)
                (doubled,) = context.call("twice", view)
                assert isinstance(doubled, BufferView)
                signal = Fence(((semaphore, now + 2),))
                device.queue_copy(-1, None, signal, doubled.buffer, 0, target, 0, BYTES, 0)
                application.fill(float_word(-1.0), wait=now + 2, signal=now + 10)
                application.wait(now + 10)
                assert (application.target_bytes == 2 * value).all()
                assert (application.source_bytes == -1).all()
        del context, doubled, view
        source.close()
        target.close()


# Where the host signals a value that is waited for already, the layer (1.3.239) can miss that, wait
# ten seconds, and say that this is most likely a bug of its own.
unvalidated = pytest.mark.parametrize("application", [False], indirect=True)


@unvalidated
def test_work_waits_for_what_is_signaled_later(application: Application) -> None:
    with application.adopted() as device:
        semaphore = device.adopt_semaphore(application.semaphore)
        target = device.adopt_buffer(application.target, BYTES)
        application.target_bytes[:] = 7
        device.queue_barrier(-1, Fence(((semaphore, 5),)), None, 0)
        done = device.create_fence()
        device.queue_fill(-1, None, done, target, 0, BYTES, bytes(4), 0)
        assert not done.wait(SECOND // 20)
        assert (application.target_bytes == 7).all()
        application.reach(5)
        assert done.wait(60 * SECOND)
        assert (application.target_bytes == 0).all()
        assert target.read(0, 8) == bytes(8)  # through a copy: the host does not see it
        target.write(0, np.float32(3).tobytes())
        assert np.frombuffer(target.read(0, 8), np.float32).tolist() == [3, 0]
        with pytest.raises(DeviceError, match="cannot see"):
            target.map()
        target.close()


@unvalidated
def test_the_host_waits_and_signals(application: Application) -> None:
    with application.adopted() as device:
        semaphore = device.adopt_semaphore(application.semaphore)
        assert semaphore.query() == 0 and not semaphore.wait(1, 0)
        reached: list[int] = []
        semaphore.on_reached(3, lambda: reached.append(semaphore.query()))
        device.queue_barrier(-1, None, Fence(((semaphore, 2),)), 0)
        assert semaphore.wait(2, 60 * SECOND) and not reached
        semaphore.signal(3)
        application.wait(3)
        with pytest.raises(DeviceError, match="already at 3"):
            semaphore.signal(3)
        semaphore.timeline.stop_watching()
        assert reached == [3]


@unvalidated
def test_another_device_waits_for_it(application: Application) -> None:
    """Of another driver: from the host, when it is reached."""
    with application.adopted() as device, create_device("llvm-cpu:threads=1") as cpu:
        semaphore = device.adopt_semaphore(application.semaphore)
        buffer = cpu.allocator.allocate(48, 3, 16)
        done = cpu.create_fence()
        cpu.queue_fill(-1, Fence(((semaphore, 1),)), done, buffer, 0, 16, b"\1", 0)
        assert not done.wait(SECOND // 50)
        application.reach(1)
        assert done.wait(60 * SECOND)
        assert buffer.read() == b"\1" * 16
        semaphore.timeline.stop_watching()


@unvalidated
def test_what_is_never_signaled(application: Application) -> None:
    with application.adopted(timeout_s=0.05) as device:
        semaphore = device.adopt_semaphore(application.semaphore)
        with pytest.raises(DeviceTimeout, match="did not reach 9"):
            semaphore.wait(9)
        device.queue_barrier(-1, Fence(((semaphore, 9),)), None, 0)
        with pytest.raises(DeviceTimeout):
            device.settle()
        application.reach(9)
        device.settle()
