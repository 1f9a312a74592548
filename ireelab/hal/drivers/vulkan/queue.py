"""A queue and its timeline: every submission gets the next number, and numbers are reached.

One timeline semaphore counts submissions; each starts with a barrier against those before it (see
``recorder.py``), so that "number n is reached" means that everything up to n has ended. HAL
semaphores are mapped on it (``semaphore.py``): signaling one costs no Vulkan object. What a device
has several of, and how those keep order among each other, is in ``queues.py``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic_ns
from typing import Any, TypeAlias

from ireelab.errors import DeviceError, DeviceLost, DeviceTimeout
from ireelab.hal.drivers.vulkan.vulkan_ffi import SUCCESS, TIMEOUT, Handle, Structs, Vulkan, fail

ALL_COMMANDS = 0x10000
SLICE_NS = 200_000_000
"""The longest single wait in native code: Ctrl-C is seen between two."""


Point: TypeAlias = "tuple[Queue, int]"
"""Something on the device that ends: a submission of a queue, by its number there."""


class Submission:
    """Command buffers and what they wait for, ready to be submitted without building anything."""

    __slots__ = ("_structs", "info", "signal")

    def __init__(
        self, vulkan: Vulkan, command_buffers: Sequence[Handle], timeline: Handle,
        points: Sequence[Point] = (),
    ) -> None:  # fmt: skip
        structs = self._structs = Structs(vulkan)
        semaphore, buffer = "VkSemaphoreSubmitInfo", "VkCommandBufferSubmitInfo"
        self.signal: Any = structs.new(semaphore, semaphore=timeline, stageMask=ALL_COMMANDS)
        waits = [
            structs.new(semaphore, semaphore=queue.timeline, value=number, stageMask=ALL_COMMANDS)
            for queue, number in points
        ]
        self.info: Any = structs.new(
            "VkSubmitInfo2",
            waitSemaphoreInfoCount=len(waits),
            pWaitSemaphoreInfos=waits,
            commandBufferInfoCount=len(command_buffers),
            pCommandBufferInfos=[structs.new(buffer, commandBuffer=b) for b in command_buffers],
            signalSemaphoreInfoCount=1,
            pSignalSemaphoreInfos=self.signal,
        )


class Queue:
    """``submitted`` and ``completed`` are numbers of submissions; ``completed`` may lag behind.

    ``floor`` is the last submission that nobody was given a fence for: to its caller it has ended,
    so that whatever is submitted next, anywhere, comes after it. ``timeout_ns`` bounds every wait;
    ``spin_ns`` is how long a wait polls before it sleeps, which on a GPU saves the wake-up of the
    thread. Queues over one ``VkQueue`` share its ``lock``.
    """

    def __init__(
        self, vulkan: Vulkan, device: Handle, queue: Handle, family: int, lock: threading.Lock,
        *, timeout_ns: int, spin_ns: int,
    ) -> None:  # fmt: skip
        self.family = family
        self.submitted = 0
        self.completed = 0
        self.floor = 0
        self.timeout_ns = timeout_ns
        self._spin_ns = spin_ns
        self._vulkan = vulkan
        self._device = device
        self._queue = queue
        self._lost: DeviceError | None = None
        self._lock = lock
        self._local = threading.local()
        self._watcher: _Watcher | None = None
        structs = self._structs = Structs(vulkan)
        kind = structs.new("VkSemaphoreTypeCreateInfo", semaphoreType=1)
        info = structs.new("VkSemaphoreCreateInfo", next=kind)
        self.timeline = vulkan.create("vkCreateSemaphore", "VkSemaphore", device, info)
        self._counter: Any = vulkan.ffi.new("uint64_t *")
        self._null: Any = vulkan.null
        self._submit: Any = vulkan.lib.vkQueueSubmit2
        self._get_counter: Any = vulkan.lib.vkGetSemaphoreCounterValue

    def prepare(self, *command_buffers: Handle) -> Submission:
        """Command buffers that run one after the other, as one submission."""
        return Submission(self._vulkan, command_buffers, self.timeline)

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

    def submit_after(self, command_buffer: Handle | None, points: Sequence[Point]) -> int:
        """Submit a command buffer, or nothing, that the device starts after points elsewhere."""
        buffers = () if command_buffer is None else (command_buffer,)
        return self.submit(Submission(self._vulkan, buffers, self.timeline, points))

    def poll(self) -> int:
        """The newest number reached."""
        if self.completed < self.submitted:
            result = self._get_counter(self._device, self.timeline, self._counter)
            if result != SUCCESS:
                self._fail(result, "vkGetSemaphoreCounterValue")
            value = int(self._counter[0])
            if value > self.completed:
                self.completed = value
        return self.completed

    def wait_idle(self) -> None:
        """Wait for everything submitted so far."""
        if self.completed < self.submitted:
            self.wait(self.submitted)

    def wait(self, number: int) -> None:
        """Wait until ``number`` is reached; DeviceTimeout after the device's own time limit."""
        if not self.wait_up_to(number, self.timeout_ns):
            raise self.timed_out(number)

    def timed_out(self, number: int) -> DeviceTimeout:
        """What a wait for ``number`` raises after the time limit."""
        return DeviceTimeout(
            f"the device did not finish submission {number} within "
            f"{self.timeout_ns / 1e9:g} s (it is at {self.completed}): a kernel runs longer or "
            "never ends; open the device with a larger timeout=SECONDS, or close it"
        )

    def wait_up_to(self, number: int, timeout_ns: int) -> bool:
        """Wait at most ``timeout_ns``; whether ``number`` is reached."""
        if self.poll() >= number:
            return True
        start_ns = monotonic_ns()
        end_ns = start_ns + timeout_ns
        if self._spin(number, min(start_ns + self._spin_ns, end_ns)):
            return True
        while self.poll() < number:
            left_ns = end_ns - monotonic_ns()
            if left_ns <= 0:
                return False
            self._block(number, min(left_ns, SLICE_NS))
        return True

    def _spin(self, number: int, end_ns: int) -> bool:
        """Poll until ``end_ns``. Half a round passes unseen on average: nothing is in it twice."""
        get_counter, device, timeline = self._get_counter, self._device, self.timeline
        counter = self._counter
        while monotonic_ns() < end_ns:
            result = get_counter(device, timeline, counter)
            if result != SUCCESS:
                self._fail(result, "vkGetSemaphoreCounterValue")
            value = int(counter[0])
            if value >= number:
                self.completed = max(value, self.completed)
                return True
        return False

    def notify(self, number: int, callback: Callable[[BaseException | None], None]) -> None:
        """Call back from another thread when ``number`` is reached, or with what failed.

        Like any wait it is bounded: ``DeviceTimeout`` after the device's own time limit.
        """
        with self._lock:
            if self._watcher is None:
                self._watcher = _Watcher(self)
        self._watcher.add(number, callback)

    def close(self) -> bool:
        """Wait for the work, stop the watcher; whether the queue came to rest. Idempotent.

        Where it did not (a lost device, a kernel that never ends) nothing may be destroyed.
        """
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher = None
        try:
            idle = self.wait_up_to(self.submitted, self.timeout_ns)
        except DeviceLost:
            idle = True  # nothing runs any more; destroying is allowed
            self.completed = self.submitted
        if idle:
            timeline, self.timeline = self.timeline, None
            if timeline is not None:
                self._vulkan.lib.vkDestroySemaphore(self._device, timeline, self._null)
        return idle

    def _block(self, number: int, timeout_ns: int) -> None:
        info, values = self._wait_structs()
        values[0] = number
        result = self._vulkan.lib.vkWaitSemaphores(self._device, info, timeout_ns)
        if result not in (SUCCESS, TIMEOUT):
            self._fail(result, "vkWaitSemaphores")

    def _wait_structs(self) -> tuple[Any, Any]:
        """What a wait hands to Vulkan; one for each thread, since two may wait at once."""
        found: tuple[Any, Any, Structs] | None = getattr(self._local, "wait", None)
        if found is None:
            structs = Structs(self._vulkan)
            values = structs.array("uint64_t", [0])
            info = structs.new(
                "VkSemaphoreWaitInfo",
                semaphoreCount=1,
                pSemaphores=structs.array("VkSemaphore", [self.timeline]),
                pValues=values,
            )
            found = self._local.wait = (info, values, structs)
        return found[0], found[1]

    def _fail(self, result: int, what: str) -> None:
        try:
            fail(result, what)
        except DeviceLost as error:
            self._lost = error
            raise


@dataclass(frozen=True, slots=True, eq=False)
class _Wanted:
    """A number that somebody waits for, until ``deadline_ns``."""

    number: int
    deadline_ns: int
    callback: Callable[[BaseException | None], None]


class _Watcher:
    """A thread that waits for numbers that somebody wants to be called back for."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._wanted: list[_Wanted] = []
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="vulkan-watcher", daemon=True)
        self._thread.start()

    def add(self, number: int, callback: Callable[[BaseException | None], None]) -> None:
        deadline_ns = monotonic_ns() + self._queue.timeout_ns
        with self._changed:
            self._wanted.append(_Wanted(number, deadline_ns, callback))
            self._changed.notify()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._wanted and not self._stopped:
                    self._changed.wait()
                if self._stopped and not self._wanted:
                    return
                number = min(wanted.number for wanted in self._wanted)
                left_ns = min(wanted.deadline_ns for wanted in self._wanted) - monotonic_ns()
            error: BaseException | None = None
            try:
                reached = self._queue.wait_up_to(number, max(min(left_ns, SLICE_NS), 0))
            except DeviceError as failure:
                reached, error = True, failure
            if reached or self._stopped or left_ns <= SLICE_NS:
                self._call_back(error)

    def _call_back(self, error: BaseException | None) -> None:
        completed = self._queue.completed
        with self._changed:
            stopped, now_ns = self._stopped, monotonic_ns()
            ready = [
                wanted for wanted in self._wanted
                if wanted.number <= completed or error or stopped or wanted.deadline_ns <= now_ns
            ]  # fmt: skip
            self._wanted = [wanted for wanted in self._wanted if wanted not in ready]
        for wanted in ready:
            failure = error
            if error is None and wanted.number > completed:
                failure = (
                    DeviceError("the device was closed while work was waited for")
                    if stopped
                    else self._queue.timed_out(wanted.number)
                )
            wanted.callback(failure)
