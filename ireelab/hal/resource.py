"""How many HAL objects are alive: for leak tests and for the curious.

Counting asks Python's garbage collector, so that objects cost nothing to be countable.
"""

from __future__ import annotations

import gc
from collections import Counter

from ireelab.hal.buffer import Buffer, BufferView
from ireelab.hal.command_buffer import CommandBuffer
from ireelab.hal.device import Device
from ireelab.hal.executable import Executable
from ireelab.hal.semaphore import Fence, Semaphore

_KINDS = (Buffer, BufferView, CommandBuffer, Device, Executable, Fence, Semaphore)


def live_objects() -> dict[str, int]:
    """Live objects by HAL noun, for example ``{"Buffer": 3, "CommandBuffer": 1}``."""
    gc.collect()
    counts: Counter[str] = Counter()
    for candidate in gc.get_objects():
        for kind in _KINDS:
            # type(), not isinstance(): proxies in other libraries run code on __class__ access.
            if issubclass(type(candidate), kind):
                counts[kind.__name__] += 1
    return dict(counts)
