"""What the queues of all drivers have in common."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from ireelab.errors import CommandBufferError


class _Ready(threading.local):
    """Deferred operations that this thread has to run, in order.

    A queue, not recursion: a chain of a thousand deferred operations must not nest a thousand
    calls.
    """

    def __init__(self) -> None:
        self.operations: deque[Callable[[], None]] = deque()
        self.running = False

    def run(self, operation: Callable[[], None]) -> None:
        self.operations.append(operation)
        if self.running:
            return
        self.running = True
        try:
            while self.operations:
                self.operations.popleft()()
        finally:
            self.running = False


READY = _Ready()
"""Operations whose wait fence has been signaled, of every device."""


def check_pattern(pattern: bytes, length_bytes: int) -> None:
    """Raise CommandBufferError unless whole patterns of 1, 2, 4 or 8 bytes fill the length."""
    if len(pattern) not in (1, 2, 4, 8):
        raise CommandBufferError(f"a fill pattern has 1, 2, 4 or 8 bytes, not {len(pattern)}")
    if length_bytes % len(pattern):
        raise CommandBufferError(
            f"a fill of {length_bytes} bytes is not a whole number of {len(pattern)}-byte patterns"
        )
