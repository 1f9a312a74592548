"""Long work beside the kernel: one job at a time, in a thread, with progress and a way to stop.

A kernel that works cannot answer the page: no progress would arrive there, and no Stop here. What
a job finds out is therefore delivered on the kernel's own thread, through its event loop: widgets
belong to that thread. Without a kernel (plain Python) the job's thread delivers by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from ireelab.errors import IreelabError

_PROGRESS_SECONDS = 0.15


class Busy(IreelabError):
    """A job was asked for while another one runs."""


class Stopped(IreelabError):
    """What a job raises that was stopped before it had anything to show."""


@dataclass(frozen=True, slots=True)
class JobState:
    """A running job as the page shows it. ``total`` is 0 where nobody knows it."""

    kind: str  # "run", "compile" or "vm": a call that is stepped through
    title: str
    unit: str  # what is counted: "call", "step" or "instruction"
    count: int = 0
    total: int = 0
    now: str = ""  # the newest pass
    stopping: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "title": self.title,
            "unit": self.unit,
            "count": self.count,
            "total": self.total,
            "now": self.now,
            "stopping": self.stopping,
        }


Deliver = Callable[[], None]
"""What a job leaves behind: called on the kernel's thread once the job has ended."""


@dataclass
class Job:
    """What the work of a job is given."""

    state: JobState
    tell: Callable[[JobState], None]
    stop: threading.Event = field(default_factory=threading.Event)
    _next_seconds: float = 0.0

    def progress(self, count: int, now: str = "") -> None:
        """So many calls or steps are done; told a few times a second."""
        self.state = replace(self.state, count=count, now=now)
        now_seconds = time.monotonic()
        if now_seconds >= self._next_seconds:
            self._next_seconds = now_seconds + _PROGRESS_SECONDS
            self.tell(self.state)

    def next(self, state: JobState) -> None:
        """Another part of the same job begins.

        Raises:
            Stopped: not after a stop.
        """
        if self.stop.is_set():
            raise Stopped("stopped before " + state.title)
        self.state = state
        self.tell(state)


class Jobs:
    """Runs one job at a time.

    Args:
        on_state: told the state of the job as it changes, None when it has ended.
        on_error: told what a job raised.
    """

    def __init__(
        self,
        on_state: Callable[[JobState | None], None],
        on_error: Callable[[Exception], None],
    ) -> None:
        self._on_state = on_state
        self._on_error = on_error
        self._job: Job | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._outbox: deque[Callable[[], None]] = deque()
        self._closed = False

    @property
    def state(self) -> JobState | None:
        """Of the job that runs, if one does."""
        return None if self._job is None else self._job.state

    def start(self, state: JobState, work: Callable[[Job], Deliver]) -> None:
        """Begin ``work`` in a thread of its own.

        Raises:
            Busy: another job runs.
        """
        if self._job is not None:
            raise Busy(f"{self._job.state.title} still goes on: stop it, or wait for its end")
        self._loop = _kernel_loop()
        job = Job(state, lambda now: self._post(lambda: self._show(job, now)))
        self._job = job
        self._on_state(state)
        self._thread = threading.Thread(
            target=self._work, args=(job, work), name="ireelab-job", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Ask the job to end.

        A compilation ends at once, a run after its current call, stepping after an instruction.
        """
        if self._job is not None:
            self._job.stop.set()
            self._show(self._job, self._job.state)

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Until the job has ended and what it found is delivered; False after the timeout."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout_seconds)
            if thread.is_alive():
                return False
        self._drain()
        return True

    def close(self) -> None:
        """Stop the job; what it still finds out is dropped."""
        self._closed = True
        if self._job is not None:
            self._job.stop.set()
        self._job = self._thread = None
        self._outbox.clear()

    # --- the job's thread ----------------------------------------------------------------

    def _work(self, job: Job, work: Callable[[Job], Deliver]) -> None:
        try:
            deliver = work(job)
        except Exception as error:  # whatever it is, the page that waits must be told
            deliver = partial(self._on_error, error)
        self._post(lambda: self._finish(job, deliver))

    def _post(self, action: Callable[[], None]) -> None:
        if self._closed:
            return
        self._outbox.append(action)
        if self._loop is None:
            self._drain()
            return
        with contextlib.suppress(RuntimeError):  # the loop is closed: the kernel ends
            self._loop.call_soon_threadsafe(self._drain)

    # --- the kernel's thread -------------------------------------------------------------

    def _drain(self) -> None:
        while self._outbox:
            try:
                action = self._outbox.popleft()
            except IndexError:  # another thread was faster
                return
            action()

    def _show(self, job: Job, state: JobState) -> None:
        if job is self._job:
            self._on_state(replace(state, stopping=job.stop.is_set()))

    def _finish(self, job: Job, deliver: Deliver) -> None:
        if job is not self._job:
            return
        try:
            deliver()
        except Exception as error:
            self._on_error(error)
        self._job = None
        self._on_state(None)


def _kernel_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop that the Jupyter kernel answers messages in, when called by it."""
    if "IPython" not in sys.modules:
        return None
    from IPython import get_ipython

    if getattr(get_ipython(), "kernel", None) is None:
        return None
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
