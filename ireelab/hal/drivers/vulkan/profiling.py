"""Timestamps of commands, on the host's clock.

Each stamped command has two timestamps in the stage it runs in. A stamp waits for the commands
before it in that stage, so that stamping each command serialises work that could overlap: the mode
"command-buffer" stamps only whole command buffers and leaves them as they are.
"""

# NumPy types some members of an array only in part.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter_ns
from typing import Any

import numpy as np
import numpy.typing as npt

from ireelab.hal.drivers.vulkan.barriers import STAGE_ALL, STAGE_COMPUTE
from ireelab.hal.drivers.vulkan.core import Core
from ireelab.hal.drivers.vulkan.vulkan_ffi import Handle, Structs
from ireelab.hal.timeline import Event

MODES = ("command", "command-buffer")
_QUERY_TIMESTAMP = 2
_RESULTS_64_AND_WAIT = 1 | 2
_DOMAIN_DEVICE, _DOMAIN_MONOTONIC = 0, 1
_CALIBRATED = "VK_EXT_calibrated_timestamps"
_FIT_SAMPLES = 9


@dataclass(frozen=True, slots=True)
class CommandOrigin:
    """What a pair of stamps belongs to; ``command`` is its place in the record, -1 for all."""

    command: int
    kind: str
    name: str
    bytes: int = 0
    locations: tuple[str, ...] = ()
    workgroups: tuple[int, ...] | None = None
    executable: str = ""


class Stamps:
    """The queries of one recording. Its results are read before it is submitted again."""

    def __init__(self, core: Core, capacity: int) -> None:
        self._core = core
        self.origins: list[CommandOrigin] = []
        self.barriers: list[tuple[int, int]] = []  # (command, how many origins come before)
        self.unread = False  # whether somebody will still ask for the results
        self._kept: npt.NDArray[np.uint64] | None = None
        self._count = 2 * max(capacity, 1)
        info = Structs(core.vulkan).new(
            "VkQueryPoolCreateInfo", queryType=_QUERY_TIMESTAMP, queryCount=self._count
        )
        self._pool: Handle | None = core.vulkan.create(
            "vkCreateQueryPool", "VkQueryPool", core.handle, info
        )

    def reset(self, handle: Handle) -> None:
        self._core.vulkan.lib.vkCmdResetQueryPool(handle, self._pool, 0, self._count)

    def begin(self, handle: Handle, stage: int) -> None:
        self._stamp(handle, stage, 2 * len(self.origins))

    def end(self, handle: Handle, stage: int, origin: CommandOrigin) -> None:
        self._stamp(handle, stage, 2 * len(self.origins) + 1)
        self.origins.append(origin)

    def barrier(self, command: int) -> None:
        self.barriers.append((command, len(self.origins)))

    def read(self) -> npt.NDArray[np.uint64]:
        """Ticks, [origin, (start, end)]; waits until they are there."""
        if self._kept is not None:
            return self._kept
        count = 2 * len(self.origins)
        ticks = np.zeros((len(self.origins), 2), np.uint64)
        if not count:
            return ticks
        core = self._core
        core.queues.wait_idle()
        result = core.vulkan.lib.vkGetQueryPoolResults(
            core.handle, self._pool, 0, count, ticks.nbytes,
            core.vulkan.ffi.from_buffer(ticks), 8, _RESULTS_64_AND_WAIT,
        )  # fmt: skip
        core.vulkan.check(result, "vkGetQueryPoolResults")
        return ticks

    def destroy(self) -> None:
        if self._pool is not None:
            if self.unread:
                self._kept = self.read()
            vulkan = self._core.vulkan
            vulkan.lib.vkDestroyQueryPool(self._core.handle, self._pool, vulkan.null)
            self._pool = None

    def _stamp(self, handle: Handle, stage: int, query: int) -> None:
        # Only one stage may be given; two mean the whole command buffer.
        one = stage if stage & (stage - 1) == 0 else STAGE_ALL
        self._core.vulkan.lib.vkCmdWriteTimestamp2(handle, one, self._pool, query)


@dataclass(frozen=True, slots=True)
class ClockSample:
    """A moment on both clocks; ``error_ns`` bounds how far apart the readings were."""

    ticks: int
    host_ns: int
    error_ns: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """From device ticks to ``time.perf_counter_ns``. ``error_ns`` bounds the offset's error."""

    ticks: int
    host_ns: int
    ns_per_tick: float
    error_ns: int

    def to_host_ns(self, ticks: int) -> int:
        return self.host_ns + round((ticks - self.ticks) * self.ns_per_tick)


class Clock:
    """Relates the device's clock to the host's: by the driver's calibration, or by measuring."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.period_ns = float(core.limits["timestampPeriod"])
        bits = core.logical.timestamp_bits
        self.mask = (1 << bits) - 1
        self._calibrated: Any = self._find_calibrated()
        self.method = "calibrated timestamps" if self._calibrated is not None else "measured"

    def sample(self) -> ClockSample:
        """The device's and the host's clock now."""
        if self._calibrated is not None:
            return self._sample_calibrated()
        return min((self._sample_measured() for _ in range(_FIT_SAMPLES)), key=_error)

    def calibrate(self, first: ClockSample, last: ClockSample) -> Calibration:
        """A line through two samples; the nominal period where they are too close to tell."""
        ticks = (last.ticks - first.ticks) & self.mask
        elapsed_ns = last.host_ns - first.host_ns
        error_ns = max(first.error_ns, last.error_ns)
        period = self.period_ns
        # Drift of a part in 10^4 must be above the samples' own error to be believed.
        if ticks and elapsed_ns > 20_000 * max(error_ns, 1):
            measured = elapsed_ns / ticks
            if abs(measured / period - 1) < 1e-2:
                period = measured
        return Calibration(first.ticks, first.host_ns, period, error_ns)

    def _find_calibrated(self) -> Any:
        core = self._core
        if _CALIBRATED not in core.logical.extensions:
            return None
        vulkan = core.vulkan
        listing = vulkan.instance_function(
            core.logical.instance.handle, "vkGetPhysicalDeviceCalibrateableTimeDomainsEXT"
        )
        if listing is None:
            return None
        domains = vulkan.enumerate(listing, "VkTimeDomainEXT", core.physical.handle)
        if not {_DOMAIN_DEVICE, _DOMAIN_MONOTONIC} <= {int(domain) for domain in domains}:
            return None
        return vulkan.device_function(core.handle, "vkGetCalibratedTimestampsEXT")

    def _sample_calibrated(self) -> ClockSample:
        vulkan = self._core.vulkan
        structs = Structs(vulkan)
        name = "VkCalibratedTimestampInfoEXT"
        domains = (_DOMAIN_DEVICE, _DOMAIN_MONOTONIC)
        infos = structs.array(name, [structs.new(name, timeDomain=d) for d in domains])
        times = vulkan.ffi.new("uint64_t[2]")
        deviation = vulkan.ffi.new("uint64_t *")
        result = self._calibrated(self._core.handle, 2, infos, times, deviation)
        vulkan.check(result, "vkGetCalibratedTimestampsEXT")
        return ClockSample(int(times[0]) & self.mask, int(times[1]), int(deviation[0]))

    def _sample_measured(self) -> ClockSample:
        """A lone stamp lies between its submission and the end of the wait for it."""
        from ireelab.hal.drivers.vulkan.transfer import Transfers

        core = self._core
        stamps = Stamps(core, 1)

        def record(handle: Handle, _kept: list[Any]) -> None:
            stamps.reset(handle)
            stamps.begin(handle, STAGE_COMPUTE)
            stamps.end(handle, STAGE_COMPUTE, CommandOrigin(0, "barrier", "clock"))

        core.queues.wait_idle()
        before_ns = perf_counter_ns()
        Transfers(core).run(record)
        core.queues.wait_idle()
        after_ns = perf_counter_ns()
        ticks = int(stamps.read()[0, 0])
        stamps.destroy()
        return ClockSample(
            ticks & self.mask, (before_ns + after_ns) // 2, (after_ns - before_ns) // 2
        )


def command_events(
    stamps: Stamps,
    ticks: npt.NDArray[np.uint64],
    clock: Clock,
    calibration: Calibration,
    queue: str,
    command_buffer: int,
    submission: int,
    not_before_ns: int,
) -> list[Event]:
    """Events of one submission, none earlier than the call that submitted it."""
    reference = calibration.ticks
    spans: list[tuple[int, int]] = []
    for start, end in ticks.tolist():
        # Differences wrap with the number of valid bits.
        start_ticks = _wrapped(start - reference, clock.mask) + reference
        start_ns = max(calibration.to_host_ns(start_ticks), not_before_ns)
        duration_ns = round(((end - start) & clock.mask) * calibration.ns_per_tick)
        spans.append((start_ns, start_ns + duration_ns))
    events = [
        Event(
            name=origin.name,
            kind=origin.kind,
            queue=queue,
            worker=0,
            start_ns=start_ns,
            end_ns=end_ns,
            workgroups=_triple(origin.workgroups),
            bytes=origin.bytes,
            executable=origin.executable,
            entry_point=origin.name if origin.kind == "dispatch" else "",
            source_locations=origin.locations,
            command_buffer=command_buffer,
            command=origin.command,
            submission=submission,
        )
        for origin, (start_ns, end_ns) in zip(stamps.origins, spans, strict=True)
    ]
    for command, before in stamps.barriers:
        if 0 < before < len(spans):
            start_ns = max(end for _, end in spans[:before])
            events.append(
                Event(
                    "execution barrier",
                    "barrier",
                    queue,
                    0,
                    start_ns,
                    max(start_ns, spans[before][0]),
                    command_buffer=command_buffer,
                    command=command,
                    submission=submission,
                )
            )
    return events


def _wrapped(difference: int, mask: int) -> int:
    """A difference of two counters of ``mask`` bits, as a signed number."""
    difference &= mask
    return difference - mask - 1 if difference > mask >> 1 else difference


def _triple(workgroups: tuple[int, ...] | None) -> tuple[int, int, int] | None:
    return None if workgroups is None else (workgroups[0], workgroups[1], workgroups[2])


def _error(sample: ClockSample) -> int:
    return sample.error_ns
