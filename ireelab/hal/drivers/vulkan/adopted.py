"""Semaphores and buffers of the application whose device this driver uses; none of them is owned.

Its timeline semaphores are HAL semaphores: work here waits for them, and signals them, on the
device. Its buffers are HAL buffers that the host does not see.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ireelab.errors import DeviceError
from ireelab.hal.drivers.vulkan.core import Core
from ireelab.hal.drivers.vulkan.memory import POINTER_BLOCK_SHIFT, Block, Storage, block_numbers
from ireelab.hal.drivers.vulkan.queue import Point
from ireelab.hal.drivers.vulkan.timeline import Timeline
from ireelab.hal.drivers.vulkan.vulkan_ffi import Handle, Structs
from ireelab.hal.semaphore import Semaphore


class AdoptedSemaphore(Semaphore):
    """A timeline semaphore of the application, which may signal and wait for it as it likes.

    Work may wait for a value before what signals that is submitted; all later work of the queue
    waits with it. A failure of the work that is to signal it is seen by waits on the host only.
    """

    __slots__ = ("core", "timeline")

    def __init__(self, core: Core, handle: Any) -> None:
        super().__init__()
        self.core = core
        self.timeline = Timeline(
            core.vulkan, core.handle, core.vulkan.handle("VkSemaphore", handle),
            timeout_ns=core.queues.main.timeout_ns, spin_ns=0,
        )  # fmt: skip

    def query(self) -> int:
        super().query()  # raises the failure
        return self.timeline.poll()

    def signal(self, value: int) -> None:
        if value <= self.query():
            raise DeviceError(
                f"semaphore signaled to {value}, but it is already at {self.timeline.completed}; "
                "timeline values must grow"
            )
        vulkan = self.core.vulkan
        info = Structs(vulkan).new(
            "VkSemaphoreSignalInfo", semaphore=self.timeline.semaphore, value=value
        )
        vulkan.check(vulkan.lib.vkSignalSemaphore(self.core.handle, info), "vkSignalSemaphore")

    def signal_after(self, point: Point, value: int) -> None:
        """Reach ``value`` on the device, after everything up to ``point``."""
        point[0].submit_signal(self.timeline.semaphore, value)

    def wait(self, value: int, timeout_ns: int | None = None) -> bool:
        self.advance(value, timeout_ns)
        return self.query() >= value

    def advance(self, value: int, timeout_ns: int | None) -> None:
        if timeout_ns is None:
            self.timeline.wait(value)
        else:
            self.timeline.wait_up_to(value, timeout_ns)

    def on_reached(self, value: int, callback: Callable[[], object]) -> None:
        def settle(error: BaseException | None) -> None:
            if error is not None:
                self.fail(error)
            callback()

        self.timeline.notify(value, settle)


class AdoptedBlock(Block):
    """A ``VkBuffer`` of the application."""

    def __init__(self, core: Core, buffer: Handle, size_bytes: int, device_address: int) -> None:
        self.number = next(block_numbers)
        self.base = self.number << POINTER_BLOCK_SHIFT
        self.size_bytes = size_bytes
        self.buffer = buffer
        self.device_address = device_address
        self.host: npt.NDArray[np.uint8] | None = None

    def close(self) -> None:
        """It is not ours."""


class AdoptedStorage(Storage):
    """All of such a buffer."""

    __slots__ = ()

    def __init__(self, core: Core, block: AdoptedBlock) -> None:
        super().__init__(core.device_pool, block, 0, block.size_bytes)
        self.shown = True

    def __del__(self) -> None:
        """It belongs to no pool."""
