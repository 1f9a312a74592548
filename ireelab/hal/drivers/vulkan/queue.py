"""A queue and its timeline: every submission gets the next number, and numbers are reached.

One timeline semaphore counts submissions; each starts with a barrier against those before it (see
``recorder.py``), so that "number n is reached" means that everything up to n has ended. HAL
semaphores are mapped on it (``semaphore.py``): signaling one costs no Vulkan object. What a device
has several of, and how those keep order among each other, is in ``queues.py``.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, TypeAlias

from ireelab.errors import DeviceError, DeviceLost, DeviceTimeout
from ireelab.hal.drivers.vulkan.timeline import Timeline
from ireelab.hal.drivers.vulkan.vulkan_ffi import SUCCESS, Handle, Structs, Vulkan

ALL_COMMANDS = 0x10000

Point: TypeAlias = "tuple[Queue, int]"
"""Something on the device that ends: a submission of a queue, by its number there."""

Awaited: TypeAlias = "tuple[Timeline, int]"
"""What a submission can wait for on the device: a point, or a value of another semaphore."""


class Submission:
    """Command buffers, what they wait for and signal, ready to be submitted again and again."""

    __slots__ = ("_structs", "info", "signal")

    def __init__(
        self, vulkan: Vulkan, command_buffers: Sequence[Handle], timeline: Handle,
        points: Sequence[Awaited] = (), signals: Sequence[tuple[Handle, int]] = (),
    ) -> None:  # fmt: skip
        structs = self._structs = Structs(vulkan)
        semaphore, buffer = "VkSemaphoreSubmitInfo", "VkCommandBufferSubmitInfo"

        def info(handle: Handle, value: int) -> Any:
            return structs.new(semaphore, semaphore=handle, value=value, stageMask=ALL_COMMANDS)

        waits = [info(awaited.semaphore, number) for awaited, number in points]
        signaled = structs.array(semaphore, [info(timeline, 0), *[info(*s) for s in signals]])
        self.signal: Any = signaled[0]  # a reference: its value is the submission's number
        self.info: Any = structs.new(
            "VkSubmitInfo2",
            waitSemaphoreInfoCount=len(waits),
            pWaitSemaphoreInfos=waits,
            commandBufferInfoCount=len(command_buffers),
            pCommandBufferInfos=[structs.new(buffer, commandBuffer=b) for b in command_buffers],
            signalSemaphoreInfoCount=1 + len(signals),
            pSignalSemaphoreInfos=signaled,
        )


class Queue(Timeline):
    """``submitted`` and ``completed`` are numbers of submissions; ``completed`` may lag behind.

    ``floor`` is the last submission that nobody was given a fence for: to its caller it has ended,
    so that whatever is submitted next, anywhere, comes after it. Queues over one ``VkQueue`` share
    its ``lock``.
    """

    def __init__(
        self, vulkan: Vulkan, device: Handle, queue: Handle, family: int, lock: threading.Lock,
        *, timeout_ns: int, spin_ns: int,
    ) -> None:  # fmt: skip
        structs = Structs(vulkan)
        kind = structs.new("VkSemaphoreTypeCreateInfo", semaphoreType=1)
        info = structs.new("VkSemaphoreCreateInfo", next=kind)
        semaphore = vulkan.create("vkCreateSemaphore", "VkSemaphore", device, info)
        super().__init__(vulkan, device, semaphore, timeout_ns=timeout_ns, spin_ns=spin_ns)
        self.family = family
        self.submitted = 0
        self.floor = 0
        self._queue = queue
        self._lost: DeviceError | None = None
        self._lock = lock
        self._null: Any = vulkan.null
        self._submit: Any = vulkan.lib.vkQueueSubmit2

    def prepare(self, *command_buffers: Handle) -> Submission:
        """Command buffers that run one after the other, as one submission."""
        return Submission(self._vulkan, command_buffers, self.semaphore)

    def submit(self, submission: Submission) -> int:
        """Submit now; the number that is reached when it has ended."""
        with self._lock:
            if self._lost is not None:
                raise self._lost
            number = self.submitted + 1
            submission.signal.value = number
            result = self._submit(self._queue, 1, submission.info, self._null)
            if result != SUCCESS:
                self._fail(result, "vkQueueSubmit2")
            self.submitted = number
        return number

    def submit_after(self, command_buffer: Handle | None, points: Sequence[Awaited]) -> int:
        """Submit a command buffer, or nothing, that the device starts after points elsewhere."""
        buffers = () if command_buffer is None else (command_buffer,)
        return self.submit(Submission(self._vulkan, buffers, self.semaphore, points))

    def submit_signal(self, semaphore: Handle, value: int) -> int:
        """Signal another timeline semaphore once everything before it on this queue has ended."""
        return self.submit(
            Submission(self._vulkan, (), self.semaphore, signals=[(semaphore, value)])
        )

    def poll(self) -> int:
        return super().poll() if self.completed < self.submitted else self.completed

    def wait_idle(self) -> None:
        """Wait for everything submitted so far."""
        if self.completed < self.submitted:
            self.wait(self.submitted)

    def timed_out(self, number: int) -> DeviceTimeout:
        return DeviceTimeout(
            f"the device did not finish submission {number} within "
            f"{self.timeout_ns / 1e9:g} s (it is at {self.completed}): a kernel runs longer or "
            "never ends; open the device with a larger timeout=SECONDS, or close it"
        )

    def close(self) -> bool:
        """Wait for the work, stop the watcher; whether the queue came to rest. Idempotent.

        Where it did not (a lost device, a kernel that never ends) nothing may be destroyed.
        """
        self.stop_watching()
        try:
            idle = self.wait_up_to(self.submitted, self.timeout_ns)
        except DeviceLost:
            idle = True  # nothing runs any more; destroying is allowed
            self.completed = self.submitted
        if idle:
            semaphore, self.semaphore = self.semaphore, None
            if semaphore is not None:
                self._vulkan.lib.vkDestroySemaphore(self._device, semaphore, self._null)
        return idle

    def _fail(self, result: int, what: str) -> None:
        try:
            super()._fail(result, what)
        except DeviceLost as error:
            self._lost = error
            raise
