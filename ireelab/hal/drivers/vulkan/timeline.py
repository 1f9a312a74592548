"""A timeline semaphore as the host sees it: a number that grows, to be asked for and waited for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic_ns
from typing import Any

from ireelab.errors import DeviceError, DeviceTimeout
from ireelab.hal.drivers.vulkan.vulkan_ffi import SUCCESS, TIMEOUT, Handle, Structs, Vulkan, fail

SLICE_NS = 200_000_000
"""The longest single wait in native code: Ctrl-C is seen between two."""


class Timeline:
    """``completed`` is the newest number known to be reached; it may lag behind.

    ``timeout_ns`` bounds every wait; ``spin_ns`` is how long a wait polls before it sleeps, which
    on a GPU saves the wake-up of the thread.
    """

    def __init__(
        self, vulkan: Vulkan, device: Handle, semaphore: Handle, *, timeout_ns: int, spin_ns: int
    ) -> None:
        self.semaphore = semaphore
        self.completed = 0
        self.timeout_ns = timeout_ns
        self._spin_ns = spin_ns
        self._vulkan = vulkan
        self._device = device
        self._local = threading.local()
        self._watcher: _Watcher | None = None
        self._watching = threading.Lock()
        self._get_counter: Any = vulkan.lib.vkGetSemaphoreCounterValue

    def poll(self) -> int:
        """The newest number reached."""
        counter = self._own_counter()
        result = self._get_counter(self._device, self.semaphore, counter)
        if result != SUCCESS:
            self._fail(result, "vkGetSemaphoreCounterValue")
        value = int(counter[0])
        if value > self.completed:
            self.completed = value
        return self.completed

    def wait(self, number: int) -> None:
        """Wait until ``number`` is reached; DeviceTimeout after the device's own time limit."""
        if not self.wait_up_to(number, self.timeout_ns):
            raise self.timed_out(number)

    def timed_out(self, number: int) -> DeviceTimeout:
        """What a wait for ``number`` raises after the time limit."""
        return DeviceTimeout(
            f"the semaphore did not reach {number} within {self.timeout_ns / 1e9:g} s (it is at "
            f"{self.completed}): what signals it takes longer or was never submitted"
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
        get_counter, device, timeline = self._get_counter, self._device, self.semaphore
        counter = self._own_counter()
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
        with self._watching:
            if self._watcher is None:
                self._watcher = _Watcher(self)
        self._watcher.add(number, callback)

    def stop_watching(self) -> None:
        """Call back whom is still waiting, and end the thread; idempotent."""
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher = None

    def _block(self, number: int, timeout_ns: int) -> None:
        info, values = self._wait_structs()
        values[0] = number
        result = self._vulkan.lib.vkWaitSemaphores(self._device, info, timeout_ns)
        if result not in (SUCCESS, TIMEOUT):
            self._fail(result, "vkWaitSemaphores")

    def _own_counter(self) -> Any:
        """Where a poll finds the value; one for each thread.

        Else a thread could see it before the call that asked for it has returned to the validation
        layer, which then takes for pending what has ended.
        """
        counter: Any = getattr(self._local, "counter", None)
        if counter is None:
            counter = self._local.counter = self._vulkan.ffi.new("uint64_t *")
        return counter

    def _wait_structs(self) -> tuple[Any, Any]:
        """What a wait hands to Vulkan; one for each thread, since two may wait at once."""
        found: tuple[Any, Any, Structs] | None = getattr(self._local, "wait", None)
        if found is None:
            structs = Structs(self._vulkan)
            values = structs.array("uint64_t", [0])
            info = structs.new(
                "VkSemaphoreWaitInfo",
                semaphoreCount=1,
                pSemaphores=structs.array("VkSemaphore", [self.semaphore]),
                pValues=values,
            )
            found = self._local.wait = (info, values, structs)
        return found[0], found[1]

    def _fail(self, result: int, what: str) -> None:
        fail(result, what)


@dataclass(frozen=True, slots=True, eq=False)
class _Wanted:
    """A number that somebody waits for, until ``deadline_ns``."""

    number: int
    deadline_ns: int
    callback: Callable[[BaseException | None], None]


class _Watcher:
    """A thread that waits for numbers that somebody wants to be called back for."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._wanted: list[_Wanted] = []
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="vulkan-watcher", daemon=True)
        self._thread.start()

    def add(self, number: int, callback: Callable[[BaseException | None], None]) -> None:
        deadline_ns = monotonic_ns() + self._timeline.timeout_ns
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
                reached = self._timeline.wait_up_to(number, max(min(left_ns, SLICE_NS), 0))
            except DeviceError as failure:
                reached, error = True, failure
            if reached or self._stopped or left_ns <= SLICE_NS:
                self._call_back(error)

    def _call_back(self, error: BaseException | None) -> None:
        completed = self._timeline.completed
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
                    else self._timeline.timed_out(wanted.number)
                )
            wanted.callback(failure)
