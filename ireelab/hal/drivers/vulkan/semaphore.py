"""HAL semaphores whose values are reached by submissions of a device's queues.

A value is *scheduled* once the submission that reaches it is in a queue: later submissions to the
device may then follow at once, since a queue runs in order, and waits for another on the device. It
is *reached* when that queue's timeline says so; that is looked up when somebody asks, and watched
only for callbacks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from ireelab.errors import DeviceError
from ireelab.hal.drivers.vulkan.queue import Point
from ireelab.hal.drivers.vulkan.queues import Queues
from ireelab.hal.semaphore import Fence, Semaphore

_lock = threading.Lock()


class VulkanSemaphore(Semaphore):
    """A semaphore that submissions to ``queues`` may signal; anybody may wait for it."""

    __slots__ = ("_on_scheduled", "_schedule", "queues")

    def __init__(self, queues: Queues, initial: int = 0) -> None:
        super().__init__(initial)
        self.queues = queues
        self._schedule: list[tuple[int, Point]] = []  # (value, where it is reached)
        self._on_scheduled: list[tuple[int, Callable[[], object]]] = []

    def schedule(self, value: int, point: Point) -> None:
        """``value`` is reached with a submission."""
        queue, number = point
        if number <= queue.poll():
            self.signal(value)
            return
        with _lock:
            self._schedule.append((value, point))
            ready = [item for item in self._on_scheduled if item[0] <= value]
            self._on_scheduled = [item for item in self._on_scheduled if item[0] > value]
        if self._waiters:
            queue.notify(number, self._settle)
        for _, callback in ready:
            callback()

    def scheduled(self, queues: Queues, value: int) -> Point | None:
        """The submission to ``queues`` that reaches ``value``, None where there is none yet."""
        if queues is not self.queues:
            return None
        return next((point for entry, point in self._schedule if entry >= value), None)

    def on_scheduled(self, queues: Queues, value: int, callback: Callable[[], object]) -> None:
        """Call back when ``value`` is scheduled on ``queues``, reached, or has failed."""
        with _lock:
            waiting = queues is self.queues and not any(v >= value for v, _ in self._schedule)
            if waiting and self._value < value and self._error is None:
                self._on_scheduled.append((value, callback))
                return
        if queues is self.queues:
            callback()
        else:
            self.on_reached(value, callback)

    # --- Semaphore --------------------------------------------------------------------

    def query(self) -> int:
        if self._schedule:
            self._settle(None)
        return super().query()

    def signal(self, value: int) -> None:
        super().signal(value)
        self._release_scheduled(value)

    def fail(self, error: BaseException) -> None:
        super().fail(error)
        self._release_scheduled(None)

    def advance(self, value: int, timeout_ns: int | None) -> None:
        entry = next((e for e in self._schedule if e[0] >= value), None)
        if entry is None:
            return
        queue, number = entry[1]
        if timeout_ns is None:
            queue.wait(number)
        else:
            queue.wait_up_to(number, timeout_ns)

    def wait(self, value: int, timeout_ns: int | None = None) -> bool:
        if timeout_ns != 0:
            self.advance(value, timeout_ns)
        return super().wait(value, timeout_ns)

    def on_reached(self, value: int, callback: Callable[[], object]) -> None:
        super().on_reached(value, callback)
        entry = next((e for e in self._schedule if e[0] >= value), None)
        if entry is not None:
            queue, number = entry[1]
            queue.notify(number, self._settle)

    def _settle(self, error: BaseException | None) -> None:
        """Take over from the queues what they have reached."""
        if error is not None:
            self.fail(error)
            return
        done = {queue: queue.poll() for _, (queue, _) in tuple(self._schedule)}
        with _lock:
            left: list[tuple[int, Point]] = []
            reached: list[int] = []
            for value, (queue, number) in self._schedule:
                if number <= done.get(queue, 0):
                    reached.append(value)
                else:
                    left.append((value, (queue, number)))
            self._schedule = left
        if not reached or max(reached) <= self._value:
            return
        try:
            self.signal(max(reached))
        except DeviceError:
            if self._value < max(reached):  # else another thread settled a later value first
                raise

    def _release_scheduled(self, value: int | None) -> None:
        if not self._on_scheduled:
            return
        with _lock:
            ready = [item for item in self._on_scheduled if value is None or item[0] <= value]
            self._on_scheduled = [item for item in self._on_scheduled if item not in ready]
        for _, callback in ready:
            callback()


def when_schedulable(fence: Fence, queues: Queues, callback: Callable[[], None]) -> None:
    """Call back once all of the fence is reached or scheduled on ``queues``, or one has failed."""
    countdown = _Countdown(len(fence.points), callback)
    for semaphore, value in fence.points:
        if isinstance(semaphore, VulkanSemaphore):
            semaphore.on_scheduled(queues, value, partial(countdown.step, semaphore))
        else:
            semaphore.on_reached(value, partial(countdown.step, semaphore))


class _Countdown:
    """Calls back after ``count`` steps, or with the first step of a failed semaphore."""

    def __init__(self, count: int, callback: Callable[[], None]) -> None:
        self._left = count
        self._callback: Callable[[], None] | None = callback

    def step(self, semaphore: Semaphore) -> None:
        failed = semaphore._error is not None  # pyright: ignore[reportPrivateUsage]
        with _lock:
            self._left -= 1
            if self._left > 0 and not failed:
                return
            callback, self._callback = self._callback, None
        if callback is not None:
            callback()
