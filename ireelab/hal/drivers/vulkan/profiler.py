"""One profile of a device: stamped recordings, host events, and the events made of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ireelab.errors import DeviceError
from ireelab.hal.drivers.vulkan.barriers import STAGE_COMPUTE, STAGE_TRANSFER
from ireelab.hal.drivers.vulkan.core import Core
from ireelab.hal.drivers.vulkan.profiling import (
    MODES,
    Clock,
    ClockSample,
    CommandOrigin,
    Stamps,
    command_events,
)
from ireelab.hal.drivers.vulkan.queue import Awaited, Point, Queue
from ireelab.hal.timeline import Event

Place = tuple[Queue, tuple[Awaited, ...]]
"""Where an operation goes: a queue, and what it comes after on others."""

if TYPE_CHECKING:
    from ireelab.hal.command_buffer import BindingTable
    from ireelab.hal.drivers.vulkan.command_buffer import VulkanCommandBuffer
    from ireelab.hal.drivers.vulkan.transfer import Transfers

_OVERHEAD_PAIRS = 32


@dataclass(slots=True)
class _Pending:
    """A submission whose stamps are still to be read; ``ticks`` once they are."""

    stamps: Stamps
    command_buffer: int
    submission: int
    not_before_ns: int
    queue_name: str
    ticks: npt.NDArray[np.uint64] | None = None


class Profiler:
    """``mode`` is "command" or "command-buffer" (see ``profiling.py``); ``active`` while it runs.

    ``clock_error_ns`` and ``clock_method`` tell, after a profile, how well device times were put on
    the host's clock.
    """

    def __init__(self, core: Core, device_id: str, mode: str) -> None:
        self.mode = mode
        self.active = False
        self.clock_error_ns = 0
        self.clock_method = ""
        self._core = core
        self._names = {q: f"{device_id} queue {i}" for i, q in enumerate(core.queues.all)}
        self._clock: Clock | None = None
        self._first: ClockSample | None = None
        self._events: list[Event] = []
        self._pending: list[_Pending] = []
        self._unread: dict[Stamps, _Pending] = {}
        self._overhead_ns: int | None = None

    def begin(self) -> None:
        """Start collecting; DeviceError if it is on already, or the queue cannot stamp."""
        if self.active:
            raise DeviceError("the device is profiling already; call end_profiling() first")
        if self.mode not in MODES:
            raise DeviceError(f"no profiling mode {self.mode!r}; there are {', '.join(MODES)}")
        if not self._core.logical.timestamp_bits:
            raise DeviceError(f"the queue of {self._core.physical.name} has no timestamps")
        self._clock = self._clock or Clock(self._core)
        self._first = self._clock.sample()
        self._events, self._pending, self._unread = [], [], {}
        self.active = True

    def end(self) -> tuple[Event, ...]:
        """Stop; the events, by start time."""
        if not self.active:
            raise DeviceError("the device is not profiling; call begin_profiling() first")
        self.active = False
        assert self._clock is not None and self._first is not None
        for pending in self._unread.values():
            pending.ticks = pending.stamps.read()
            pending.stamps.unread = False
        self._unread = {}
        if self._pending:
            # Now, since a GPU changes its clocks with its load.
            self._overhead_ns = self._measure()
            calibration = self._clock.calibrate(self._first, self._clock.sample())
            self.clock_error_ns, self.clock_method = calibration.error_ns, self._clock.method
            for pending in self._pending:
                assert pending.ticks is not None
                self._events += command_events(
                    pending.stamps, pending.ticks, self._clock, calibration, pending.queue_name,
                    pending.command_buffer, pending.submission, pending.not_before_ns,
                )  # fmt: skip
        events, self._events, self._pending = self._events, [], []
        return tuple(sorted(events, key=lambda event: event.start_ns))

    def execute(
        self, place: Place, command_buffer: VulkanCommandBuffer, bindings: BindingTable,
        submission: int,
    ) -> Point:  # fmt: skip
        """Submit the stamped recording."""
        queue, points = place
        recording = command_buffer.recording(bindings, self.mode)
        assert recording.stamps is not None
        earlier = self._unread.pop(recording.stamps, None)
        if earlier is not None:
            earlier.ticks = earlier.stamps.read()
        start_ns = perf_counter_ns()
        point = recording.submit(queue, points)
        pending = _Pending(
            recording.stamps, command_buffer.id, submission, start_ns, self._names[queue]
        )
        self._add(pending)
        name = f"submit command buffer {command_buffer.id}"
        self.host(queue, "submit", name, start_ns, 0, command_buffer.id, submission)
        return point

    def transfer(
        self,
        place: Place,
        transfers: Transfers,
        kind: str,
        size_bytes: int,
        record: Callable[[Any, list[Any]], None],
    ) -> Point:
        """Run a queue transfer between two stamps."""
        queue, points = place
        stamps = Stamps(self._core, 1)
        origin = CommandOrigin(-1, kind, f"queue {kind} {size_bytes} B", size_bytes)

        def stamped(handle: Any, kept: list[Any]) -> None:
            stamps.reset(handle)
            stamps.begin(handle, STAGE_TRANSFER)
            record(handle, kept)
            stamps.end(handle, STAGE_TRANSFER, origin)

        start_ns = perf_counter_ns()
        point = transfers.run(stamped, queue, points)
        ticks = stamps.read()
        stamps.destroy()
        self._pending.append(_Pending(stamps, -1, -1, start_ns, self._names[queue], ticks))
        return point

    def host(
        self, queue: Queue, kind: str, name: str, start_ns: int, size_bytes: int,
        command_buffer: int = -1, submission: int = -1,
    ) -> None:  # fmt: skip
        """An event of the host that ends now."""
        event = Event(
            name, kind, self._names[queue], -1, start_ns, perf_counter_ns(), bytes=size_bytes,
            command_buffer=command_buffer, submission=submission,
        )  # fmt: skip
        self._events.append(event)

    def overhead_ns(self) -> int:
        """What an empty pair of stamps took at the end of the last profile; 0 without stamps."""
        if self._overhead_ns is None:
            self._overhead_ns = self._measure() if self._core.logical.timestamp_bits else 0
        return self._overhead_ns

    def _measure(self) -> int:
        from ireelab.hal.drivers.vulkan.transfer import Transfers

        core = self._core
        stamps = Stamps(core, _OVERHEAD_PAIRS)

        def record(handle: Any, _kept: list[Any]) -> None:
            stamps.reset(handle)
            for number in range(_OVERHEAD_PAIRS):
                stamps.begin(handle, STAGE_COMPUTE)
                stamps.end(handle, STAGE_COMPUTE, CommandOrigin(number, "barrier", "empty"))

        Transfers(core).run(record)
        core.queues.wait_idle()
        ticks = stamps.read()
        stamps.destroy()
        differences = (ticks[:, 1] - ticks[:, 0]).tolist()
        period_ns = float(core.limits["timestampPeriod"])
        return round(sorted(differences)[_OVERHEAD_PAIRS // 2] * period_ns)

    def _add(self, pending: _Pending) -> None:
        self._pending.append(pending)
        self._unread[pending.stamps] = pending
        pending.stamps.unread = True
