"""A recorded ``VkCommandBuffer``: submitted as often as wanted, destroyed when nothing runs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ireelab.hal.drivers.vulkan.core import Core
from ireelab.hal.drivers.vulkan.profiling import Stamps
from ireelab.hal.drivers.vulkan.queue import Point, Queue, Submission
from ireelab.hal.drivers.vulkan.vulkan_ffi import Handle


class Recording:
    """A recorded command buffer and what it needs to stay alive."""

    def __init__(self, core: Core, command_buffer: Handle) -> None:
        self._core = core
        self.command_buffer: Handle | None = command_buffer
        self.submission: Submission = core.submission(command_buffer)
        self.descriptor_pool: Handle | None = None
        self.stamps: Stamps | None = None
        self.kept: list[Any] = []
        core.resources.add(self)

    def submit(self, queue: Queue, points: Sequence[Point]) -> Point:
        """Run it on a queue, after ``points``."""
        queues = self._core.queues
        return queues.submit(queue, points, self.submission, self.command_buffer)

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
        core, command_buffer, pool = self._core, self.command_buffer, self.descriptor_pool
        stamps, kept = self.stamps, self.kept
        self.command_buffer, self.descriptor_pool, self.stamps, self.kept = None, None, None, []

        def release() -> None:
            if command_buffer is not None:
                core.release_command_buffer(command_buffer, core.queues.main.family)
            if pool is not None:
                vulkan = core.vulkan
                vulkan.lib.vkDestroyDescriptorPool(core.handle, pool, vulkan.null)
            if stamps is not None:
                stamps.destroy()
            kept.clear()

        return release
