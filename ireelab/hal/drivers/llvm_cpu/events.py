"""From the executor's stamps to timeline events.

The executor writes, for each command and each worker that took part, when it began its first
ticket and ended its last one. A command becomes one event from the earliest start to the latest
end; where several workers shared it, each has a lane. A barrier becomes the gap it guards: from
the end of the commands before it to the start of those after it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ireelab.hal.drivers.llvm_cpu.packer import Origin, PackedCommands
from ireelab.hal.timeline import Event, Lane


def command_events(
    packed: PackedCommands,
    lanes: npt.NDArray[np.int64],
    queue: str,
    command_buffer: int,
    submission: int,
) -> list[Event]:
    """Events of one submission; ``lanes`` is [command, worker, (start, end, workgroups)]."""
    spans = [_lanes_of(row) for row in lanes.tolist()]
    events: list[Event] = []
    for origin, workers in zip(packed.origins, spans, strict=True):
        if workers:
            events.append(_event(origin, workers, queue, command_buffer, submission))
    events.extend(_barriers(packed, spans, queue, command_buffer, submission))
    return events


def _lanes_of(row: list[list[int]]) -> list[Lane]:
    found = [Lane(worker, *cell) for worker, cell in enumerate(row) if cell[1]]
    return sorted(found, key=lambda lane: lane.start_ns)


def _event(
    origin: Origin, workers: list[Lane], queue: str, command_buffer: int, submission: int
) -> Event:
    return Event(
        name=origin.name,
        kind=origin.kind,
        queue=queue,
        worker=workers[0].worker,
        start_ns=workers[0].start_ns,
        end_ns=max(lane.end_ns for lane in workers),
        workgroups=origin.workgroups,
        bytes=max(origin.bytes, 0),
        executable=origin.executable,
        entry_point=origin.name if origin.kind == "dispatch" else "",
        source_locations=origin.source_locations or ((origin.location,) if origin.location else ()),
        command_buffer=command_buffer,
        command=origin.log_index,
        submission=submission,
        lanes=tuple(workers) if len(workers) > 1 else (),
    )


def _barriers(
    packed: PackedCommands, spans: list[list[Lane]], queue: str, command_buffer: int,
    submission: int,
) -> Iterator[Event]:  # fmt: skip
    bounds = (*packed.segment_starts, len(packed.origins))
    for log_index, segment in packed.barriers:
        if not 0 < segment < len(packed.segment_starts):
            continue  # nothing before it, or nothing after it
        before = [lane for row in spans[bounds[segment - 1] : bounds[segment]] for lane in row]
        after = [lane for row in spans[bounds[segment] : bounds[segment + 1]] for lane in row]
        if not before or not after:
            continue
        start_ns = max(lane.end_ns for lane in before)
        end_ns = max(start_ns, min(lane.start_ns for lane in after))
        yield Event(
            "execution barrier", "barrier", queue, 0, start_ns, end_ns,
            command_buffer=command_buffer, command=log_index, submission=submission,
        )  # fmt: skip
