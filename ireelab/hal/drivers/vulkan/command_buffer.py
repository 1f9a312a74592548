"""Command buffers: a record, and what was made of it for each binding table.

A program passes the same few tables again and again (the pool gives it the same memory), so that
a submission usually finds its recording and hands it to the queue as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ireelab.errors import CommandBufferError
from ireelab.hal.command_buffer import BindingTable, CommandBuffer
from ireelab.hal.drivers.vulkan.buffer import VulkanAllocator
from ireelab.hal.drivers.vulkan.core import Core
from ireelab.hal.types import CommandBufferMode

if TYPE_CHECKING:
    from ireelab.hal.drivers.vulkan.recording import Recording

MAX_RECORDINGS = 16
"""Of one command buffer; the oldest goes first."""

Key = tuple[object, ...]


def _key(bindings: BindingTable, stamped: str) -> Key:
    """A pointer names Vulkan memory in the whole process, and is no address of the host's."""
    table: Any = bindings
    return (stamped, *[(b.pointer if b is not None else 0, o, n) for b, o, n in table])


class VulkanCommandBuffer(CommandBuffer):
    """Records lazily: only a submission knows the buffers."""

    def __init__(
        self, core: Core, allocator: VulkanAllocator, modes: int, categories: int, affinity: int,
        binding_capacity: int,
    ) -> None:  # fmt: skip
        super().__init__(modes, categories, affinity, binding_capacity)
        self.core = core
        self._allocator = allocator
        self.recordings: dict[Key, Recording] = {}

    def recorded(self, bindings: BindingTable, stamped: str = "") -> Recording | None:
        """The recording for these buffers, None where there is none (they were not checked then).

        ``stamped`` is "", or the profiling mode: stamped recordings are other ones.
        """
        return self.recordings.get(_key(bindings, stamped))

    def recording(self, bindings: BindingTable, stamped: str = "") -> Recording:
        """The same, made where there is none yet."""
        key = _key(bindings, stamped)
        found = self.recordings.get(key)
        return found if found is not None else self._make_recording(key, bindings, stamped)

    def _make_recording(self, key: Key, bindings: BindingTable, stamped: str) -> Recording:
        from ireelab.hal.drivers.vulkan.recorder import record

        if not self.finalized:
            raise CommandBufferError(f"command buffer {self.id} is closed")
        self._check_table(bindings)
        one_shot = bool(self.modes & CommandBufferMode.ONE_SHOT)
        recording = record(
            self.core, self._allocator, self.id, bindings, self.log, one_shot=one_shot,
            stamped=stamped,
        )  # fmt: skip
        while len(self.recordings) >= MAX_RECORDINGS:
            oldest = next(iter(self.recordings))
            self.recordings.pop(oldest).retire()
        self.recordings[key] = recording
        return recording

    def _check_table(self, bindings: BindingTable) -> None:
        table: Any = bindings[: self.binding_capacity]
        for slot, (buffer, offset, length) in enumerate(table):
            if buffer is None:  # an unused slot; a command that uses it is refused by name
                continue
            where = f"binding table slot {slot} of command buffer {self.id}"
            if not self._allocator.owns(buffer):
                raise CommandBufferError(f"{where}: the buffer belongs to another device")
            if not buffer.pointer:
                raise CommandBufferError(f"{where}: the buffer is closed or deallocated memory")
            if offset < 0 or offset + max(length, 0) > buffer.length_bytes:
                raise CommandBufferError(
                    f"{where}: bytes [{offset}, {offset + length}) of a buffer of "
                    f"{buffer.length_bytes} bytes"
                )

    def _finalize(self) -> None:
        """Recorded when it is submitted."""

    def _close(self) -> None:
        recordings, self.recordings = self.recordings, {}
        for recording in recordings.values():
            recording.retire()
