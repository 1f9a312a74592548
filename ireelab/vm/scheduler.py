"""Runs invocations, which are coroutines: they yield what they wait for.

One scheduler can interleave several; a single one is driven directly. A coroutine yields a
``Wait``, or None to let others run.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeAlias

from ireelab.errors import VMError
from ireelab.hal.semaphore import Fence

DEADLINE_EXCEEDED = 4

Coroutine: TypeAlias = "Generator[Wait | None, None, Any]"


class Wait:
    """What an invocation waits for: fences, until a deadline (``time.monotonic``) if any."""

    __slots__ = ("deadline", "fences")

    def __init__(self, fences: Sequence[Fence], deadline: float | None) -> None:
        self.fences = fences
        self.deadline = deadline

    def expired(self) -> bool:
        return self.deadline is not None and time.monotonic() >= self.deadline

    def done(self) -> bool:
        """Whether to resume: all is signaled, failed, or the deadline has passed."""
        return all(_settled(fence) for fence in self.fences) or self.expired()

    def result(self) -> Any:
        """IREE's status for the VM: 0, or DEADLINE_EXCEEDED; itself where it must wait on.

        Raises the failure of a failed fence.
        """
        if all(fence.is_signaled() for fence in self.fences):
            return 0
        return DEADLINE_EXCEEDED if self.expired() else self

    def block(self, limit: float | None) -> None:
        """Blocks this thread until done; ``VMError`` where ``limit`` passes first."""
        for fence in self.fences:
            until = [t for t in (self.deadline, limit) if t is not None]
            left = None if not until else max(min(until) - time.monotonic(), 0.0)
            fence.wait(None if left is None else int(left * 1e9))
        if limit is not None and time.monotonic() >= limit and not self.done():
            raise _timed_out()


def _settled(fence: Fence) -> bool:
    try:
        return fence.is_signaled()
    except Exception:  # a failed fence is settled; result() raises what it failed with
        return True


def _timed_out() -> VMError:
    return VMError("the invocation did not end in the time given", status=DEADLINE_EXCEEDED)


def drive(coroutine: Coroutine, timeout_s: float | None = None) -> Any:
    """Runs one invocation to its end and returns its result."""
    limit = None if timeout_s is None else time.monotonic() + timeout_s
    try:
        while True:
            wait = next(coroutine)
            if wait is not None:
                wait.block(limit)
            elif limit is not None and time.monotonic() >= limit:
                raise _timed_out()
    except StopIteration as stop:
        return stop.value
    finally:
        coroutine.close()


class Task:
    """One spawned invocation. ``result()`` is its value, or raises what it failed with."""

    def __init__(self, coroutine: Coroutine) -> None:
        self.coroutine = coroutine
        self.wait: Wait | None = None
        self.finished = False
        self._value: Any = None
        self._error: BaseException | None = None

    def step(self) -> None:
        """Runs it up to its next wait, or to its end."""
        try:
            self.wait = next(self.coroutine)
        except StopIteration as stop:
            self.finish(stop.value, None)
        except Exception as error:  # belongs to whoever asks for the result
            self.finish(None, error)

    def finish(self, value: Any, error: BaseException | None) -> None:
        self.finished = True
        self._value, self._error = value, error
        self.coroutine.close()

    def result(self) -> Any:
        if self._error is not None:
            raise self._error
        if not self.finished:
            raise VMError("the invocation has not ended; run the scheduler", status=9)
        return self._value


class Scheduler:
    """Interleaves invocations on the calling thread, round robin."""

    def __init__(self) -> None:
        self._tasks: list[Task] = []

    def spawn(self, coroutine: Coroutine) -> Task:
        task = Task(coroutine)
        self._tasks.append(task)
        return task

    def run(self, timeout_s: float | None = None) -> None:
        """Runs all tasks to their ends; those that do not end in time fail with ``VMError``."""
        limit = None if timeout_s is None else time.monotonic() + timeout_s
        while self._tasks:
            ready = [t for t in self._tasks if t.wait is None or t.wait.done()]
            for task in ready:
                task.step()
            self._tasks = [t for t in self._tasks if not t.finished]
            if limit is not None and time.monotonic() >= limit:
                for task in self._tasks:
                    task.finish(None, _timed_out())
                self._tasks = []
            if not ready and self._tasks:
                self._sleep(limit)

    def _sleep(self, limit: float | None) -> None:
        """Until some task can go on, or the next deadline."""
        event = threading.Event()
        wake: Callable[[], object] = event.set
        deadlines = [limit] if limit is not None else []
        for task in self._tasks:
            assert task.wait is not None  # it would be ready
            if task.wait.deadline is not None:
                deadlines.append(task.wait.deadline)
            for fence in task.wait.fences:
                if not _settled(fence):
                    fence.on_signaled(wake)
        event.wait(max(min(deadlines) - time.monotonic(), 0.0) if deadlines else None)
