"""A thread that runs what a queue of the host is given, in order.

Only devices beside others have one: alone, running on the submitting thread is faster.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue


class QueueThread:
    """``put`` never blocks; operations must not raise."""

    def __init__(self, name: str) -> None:
        self._operations: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, operation: Callable[[], None]) -> None:
        self._operations.put(operation)

    def drain(self) -> None:
        """Wait until all that was put before has run; at once in the thread itself."""
        if threading.current_thread() is self._thread or not self._thread.is_alive():
            return
        done = threading.Event()
        self._operations.put(done.set)
        done.wait()

    def close(self) -> None:
        """Run what was put, then end. Idempotent."""
        self._operations.put(None)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        while (operation := self._operations.get()) is not None:
            operation()
            del operation  # and what it holds, while the next one is waited for
