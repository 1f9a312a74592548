"""Timeline semaphores and fences. Mirrors ``runtime/src/iree/hal/semaphore.h`` and ``fence.h``.

One lock guards every semaphore: signals are short, and a lock per semaphore would cost more to
create than it saves. Callbacks always run outside the lock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from time import monotonic_ns

from ireelab.errors import DeviceError

_lock = threading.Lock()


class Semaphore:
    """A counter that only grows; reaching a value is an event others wait for.

    A failure is permanent: every wait, present or future, raises it.
    """

    __slots__ = ("__weakref__", "_error", "_value", "_waiters")

    def __init__(self, initial: int = 0) -> None:
        self._value = initial
        self._error: BaseException | None = None
        self._waiters: list[tuple[int, Callable[[], object]]] | None = None

    def query(self) -> int:
        """The current value; raises the failure if there is one."""
        if self._error is not None:
            raise self._error
        return self._value

    def signal(self, value: int) -> None:
        """Advance to ``value``; DeviceError unless it is larger than the current one."""
        with _lock:
            if self._error is not None:
                return
            if value <= self._value:
                raise DeviceError(
                    f"semaphore signaled to {value}, but it is already at {self._value}; "
                    "timeline values must grow"
                )
            self._value = value
            ready = self._take_ready() if self._waiters else ()
        for callback in ready:
            callback()

    def fail(self, error: BaseException) -> None:
        """Fail every present and future wait with ``error``; the first failure stays."""
        with _lock:
            if self._error is not None:
                return
            self._error = error
            ready = [callback for _, callback in self._waiters or ()]
            self._waiters = None
        for callback in ready:
            callback()

    def wait(self, value: int, timeout_ns: int | None = None) -> bool:
        """Block until ``value`` is reached; False after ``timeout_ns``; raises the failure."""
        if self.query() >= value:
            return True
        if timeout_ns == 0:
            return False
        event = threading.Event()
        self.on_reached(value, event.set)
        event.wait(None if timeout_ns is None else timeout_ns / 1e9)
        return self.query() >= value

    def advance(self, value: int, timeout_ns: int | None) -> None:
        """Block on the device that is to reach ``value``, where that is known; a hint."""

    def on_reached(self, value: int, callback: Callable[[], object]) -> None:
        """Call back once, when ``value`` is reached or the semaphore fails; at once if so already.

        The callback runs in the thread that signals.
        """
        with _lock:
            if self._value < value and self._error is None:
                if self._waiters is None:
                    self._waiters = []
                self._waiters.append((value, callback))
                return
        callback()

    def _take_ready(self) -> Sequence[Callable[[], object]]:
        waiters = self._waiters or []
        ready = [callback for value, callback in waiters if value <= self._value]
        self._waiters = [waiter for waiter in waiters if waiter[0] > self._value] or None
        return ready


class Fence:
    """A set of timepoints (semaphore, value); signaled once all are reached.

    A fence with no timepoints is signaled from the start.
    """

    __slots__ = ("__weakref__", "points")

    def __init__(self, points: tuple[tuple[Semaphore, int], ...] = ()) -> None:
        self.points = points

    def signal(self) -> None:
        """Signal every timepoint."""
        for semaphore, value in self.points:
            semaphore.signal(value)

    def fail(self, error: BaseException) -> None:
        """Fail every semaphore of the fence."""
        for semaphore, _ in self.points:
            semaphore.fail(error)

    def is_signaled(self) -> bool:
        """Whether all timepoints are reached; raises the failure if any semaphore failed."""
        signaled = True
        for semaphore, value in self.points:
            if semaphore.query() < value:
                signaled = False
        return signaled

    def wait(self, timeout_ns: int | None = None) -> bool:
        """Block until signaled; False after ``timeout_ns``; raises the failure.

        The timeout is for the whole fence, not for each timepoint.
        """
        if self.is_signaled():
            return True
        if timeout_ns == 0:
            return False
        deadline_ns = None if timeout_ns is None else monotonic_ns() + timeout_ns
        for semaphore, value in self.points:
            semaphore.advance(value, _left_ns(deadline_ns))
        if self.is_signaled():
            return True
        event = threading.Event()
        self.on_signaled(event.set)
        left_ns = _left_ns(deadline_ns)
        event.wait(None if left_ns is None else left_ns / 1e9)
        return self.is_signaled()

    def on_signaled(self, callback: Callable[[], object]) -> None:
        """Call back once, when every timepoint is reached or one has failed.

        Runs at once when that is so already, else in the thread that signals last.
        """
        pending = _Countdown(len(self.points), callback)
        for semaphore, value in self.points:
            semaphore.on_reached(value, pending.bind(semaphore))
        if not self.points:
            callback()

    @staticmethod
    def join(fences: Iterable[Fence | None]) -> Fence:
        """A fence signaled when all the given ones are; None counts as signaled."""
        present = [fence for fence in fences if fence is not None and fence.points]
        if len(present) == 1:
            return present[0]
        points: dict[Semaphore, int] = {}
        for fence in present:
            for semaphore, value in fence.points:
                points[semaphore] = max(value, points.get(semaphore, value))
        return Fence(tuple(points.items()))


def _left_ns(deadline_ns: int | None) -> int | None:
    return None if deadline_ns is None else max(deadline_ns - monotonic_ns(), 0)


class _Countdown:
    """Calls back when all of ``count`` semaphores are reached, or when the first one fails."""

    __slots__ = ("_callback", "_left")

    def __init__(self, count: int, callback: Callable[[], object]) -> None:
        self._left = count
        self._callback: Callable[[], object] | None = callback

    def bind(self, semaphore: Semaphore) -> Callable[[], None]:
        return lambda: self._reached(failed=semaphore._error is not None)  # pyright: ignore[reportPrivateUsage]

    def _reached(self, *, failed: bool) -> None:
        with _lock:
            self._left -= 1
            if self._left > 0 and not failed:
                return
            callback, self._callback = self._callback, None
        if callback is not None:
            callback()
