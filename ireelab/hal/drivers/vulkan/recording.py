"""A recorded ``VkCommandBuffer``: submitted as often as wanted, destroyed when nothing runs it."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ireelab.hal.drivers.vulkan.core import Core
from ireelab.hal.drivers.vulkan.memory import Block, Storage
from ireelab.hal.drivers.vulkan.profiling import Stamps
from ireelab.hal.drivers.vulkan.queue import Awaited, Point, Queue, Submission
from ireelab.hal.drivers.vulkan.vulkan_ffi import Handle

Range: TypeAlias = "tuple[int, int]"
"""Device memory: a pointer (see ``memory.py``) and a length in bytes."""

MAX_FOLLOWED = 16
"""Kept submissions of one recording together with others."""


@dataclass(frozen=True, slots=True)
class WithCopies:
    """One submission: a recording, then copies of device memory to ``places``."""

    submission: Submission
    places: dict[Range, Storage]


class Recording:
    """A recorded command buffer and what it needs to stay alive.

    ``bound`` is the memory of its binding table, which lives whenever it is submitted. ``reads``
    are parts of that which were read right after it, with their blocks, and ``next`` is the next
    submission with copies of them, if that is so (see ``download.py``).
    """

    def __init__(
        self, core: Core, command_buffer: Handle, family: int, bound: Sequence[Range] = ()
    ) -> None:
        self._core = core
        self._family = family
        self._bound = bound
        self.command_buffer: Handle | None = command_buffer
        self.submission: Submission = core.submission(command_buffer)
        self.descriptor_pool: Handle | None = None
        self.stamps: Stamps | None = None
        self.kept: list[Any] = []
        self.reads: dict[Range, Block] = {}
        self.next: WithCopies | None = None
        self._followed: dict[tuple[Recording, ...], Submission] = {}
        core.resources.add(self)

    def submit(self, queue: Queue, points: Sequence[Awaited]) -> Point:
        """Run it on a queue, after ``points``."""
        queues = self._core.queues
        return queues.submit(queue, points, self.submission, self.command_buffer)

    def remember(self, read: Range, block: Block) -> None:
        """Memory was read after it; what is no part of a binding may be gone when it runs again."""
        start, end = read[0], read[0] + read[1]
        if any(pointer <= start and end <= pointer + length for pointer, length in self._bound):
            self.reads = {**self.reads, read: block}

    def forget(self, unread: Container[Range]) -> None:
        self.reads = {read: block for read, block in self.reads.items() if read not in unread}
        self.next = None

    def followed_by(self, others: tuple[Recording, ...]) -> Submission:
        """This recording and then others, as one submission to the main queue."""
        found = self._followed.get(others)
        if found is None:
            if len(self._followed) >= MAX_FOLLOWED:
                self._followed.clear()
            handles = [other.command_buffer for other in others]
            found = self._core.queues.main.prepare(self.command_buffer, *handles)
            self._followed[others] = found
        return found

    def retire(self) -> None:
        """Destroy once the queue has passed everything submitted so far."""
        self._core.queues.retire(self._release())

    def destroy(self) -> None:
        self._release()()

    def __del__(self) -> None:
        if self.command_buffer is not None:
            self.retire()

    def _release(self) -> Callable[[], None]:
        """What destroys the parts; it holds them, not this object."""
        core, family = self._core, self._family
        command_buffer, pool, stamps = self.command_buffer, self.descriptor_pool, self.stamps
        kept = [*self.kept, self.next, self._followed]
        self.command_buffer, self.descriptor_pool, self.stamps = None, None, None
        self.kept, self.next, self.reads, self._followed = [], None, {}, {}

        def release() -> None:
            if command_buffer is not None:
                core.release_command_buffer(command_buffer, family)
            if pool is not None:
                vulkan = core.vulkan
                vulkan.lib.vkDestroyDescriptorPool(core.handle, pool, vulkan.null)
            if stamps is not None:
                stamps.destroy()
            kept.clear()

        return release
