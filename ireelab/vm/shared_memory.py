"""Where programs on several devices keep what more than one of them uses.

IREE asks which of some devices is best for that (``hal.allocator.select``), once, and allocates
there. Which one it is would depend on the hardware; memory of the host can be imported by all. So
the answer is a device of its own: the first one, but for its memory.
"""

from __future__ import annotations

from collections.abc import Sequence

from ireelab.hal.allocator import Allocator
from ireelab.hal.buffer import Buffer
from ireelab.hal.device import Device
from ireelab.hal.device_wrapper import WrappedDevice
from ireelab.hal.host_memory import HostAllocator
from ireelab.hal.semaphore import Fence


class SharedMemoryDevice(WrappedDevice):
    """A device whose buffers are memory of the host."""

    def __init__(self, inner: Device) -> None:
        super().__init__(inner)
        self._allocator = HostAllocator(inner)

    @property
    def allocator(self) -> Allocator:
        return self._allocator

    def queue_alloca(
        self, affinity: int, wait: Fence | None, signal: Fence | None, pool: int,
        memory_type: int, usage: int, size_bytes: int, flags: int,
    ) -> Buffer:  # fmt: skip
        # Taken now even if ``wait`` is pending: pooled memory has no other user.
        buffer = self._allocator.allocate(memory_type, usage, size_bytes)
        self.inner.queue_barrier(affinity, wait, signal, flags)
        return buffer


class SharedMemory:
    """Takes the place of ``HalModule``'s import of the same name."""

    def __init__(self, devices: Sequence[Device]) -> None:
        self.device = SharedMemoryDevice(devices[0])

    def allocator_select(
        self, _memory: int, _usage: int, _flags: int, choices: Sequence[tuple[Device, int]]
    ) -> tuple[Device, int]:
        """The only device, or one for the memory of several."""
        first, affinity = choices[0]
        alone = all(device is first for device, _ in choices)
        return first if alone else self.device, affinity
