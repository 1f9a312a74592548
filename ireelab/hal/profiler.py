"""One timeline of several devices: all of them stamp on the host's clock."""

from __future__ import annotations

from collections.abc import Iterable

from ireelab.hal.device import Device
from ireelab.hal.timeline import Event, Timeline


class Profiler:
    """Profiles devices from its creation to :meth:`end`; one given twice counts once."""

    def __init__(self, devices: Iterable[Device]) -> None:
        """DeviceError where one profiles already; then none does on account of this."""
        self._devices: list[Device] = []
        try:
            for device in dict.fromkeys(devices):
                device.begin_profiling()
                self._devices.append(device)
        except BaseException:
            for device in self._devices:
                device.end_profiling()
            raise

    def end(self) -> Timeline:
        """The events of all; the overhead is that of the device where it is largest."""
        events: list[Event] = []
        for device in self._devices:
            events += device.end_profiling()
        overheads_ns = [device.profiling_overhead_ns() for device in self._devices]
        return Timeline(events, overhead_ns=max(overheads_ns, default=0))
