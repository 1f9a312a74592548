"""Chrome trace events of a timeline: the JSON that Perfetto opens.

One process per queue, one thread per worker; what the host did is a process of its own. Commands
that overlap on one worker become nested or sibling slices as their times say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ireelab.hal.timeline import Event, Timeline

_HOST_PROCESS = 1


def trace_events(timeline: Timeline) -> list[dict[str, Any]]:
    """Metadata and complete ("X") events; timestamps in microseconds from the first event."""
    processes: dict[str, int] = {"host": _HOST_PROCESS}
    threads: set[tuple[int, int]] = set()
    slices: list[dict[str, Any]] = []
    for event in timeline.events:
        host = event.worker < 0
        process = processes.setdefault("host" if host else event.queue, len(processes) + 1)
        for worker, start_ns, end_ns in _spans(event):
            threads.add((process, worker))
            slices.append(
                {
                    "ph": "X",
                    "pid": process,
                    "tid": worker + 1,
                    "name": event.name,
                    "cat": event.kind,
                    "ts": (start_ns - timeline.origin_ns) / 1e3,
                    "dur": (end_ns - start_ns) / 1e3,
                    "args": _arguments(event),
                }
            )
    return [*_metadata(processes, threads), *slices]


def _spans(event: Event) -> list[tuple[int, int, int]]:
    if event.lanes:
        return [(lane.worker, lane.start_ns, lane.end_ns) for lane in event.lanes]
    return [(event.worker, event.start_ns, event.end_ns)]


def _arguments(event: Event) -> dict[str, Any]:
    return {
        "workgroups": list(event.workgroups) if event.workgroups else None,
        "bytes": event.bytes,
        "executable": event.executable,
        "entry_point": event.entry_point,
        "source_locations": list(event.source_locations),
        "command_buffer": event.command_buffer,
        "command": event.command,
        "submission": event.submission,
    }


def _metadata(processes: dict[str, int], threads: set[tuple[int, int]]) -> list[dict[str, Any]]:
    rows = [
        {"ph": "M", "pid": pid, "tid": 0, "name": "process_name", "args": {"name": name}}
        for name, pid in processes.items()
    ]
    for pid, worker in sorted(threads):
        name = "host" if worker < 0 else f"worker {worker}"
        rows.append(
            {"ph": "M", "pid": pid, "tid": worker + 1, "name": "thread_name",
             "args": {"name": name}}
        )  # fmt: skip
    return rows
