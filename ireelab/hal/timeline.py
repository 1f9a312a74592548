"""What ran when: events of one profile, and their exports.

All times are nanoseconds of ``time.perf_counter_ns()``, the clock that the host also reads.
"""

from __future__ import annotations

import csv
import html
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

HOST_KINDS = frozenset({"alloca", "dealloca", "submit", "wait", "call"})
"""Kinds of events that happen on the host, not on a device queue."""


@dataclass(frozen=True, slots=True)
class Lane:
    """The part of one command that one worker did."""

    worker: int
    start_ns: int
    end_ns: int
    workgroups: int


@dataclass(frozen=True, slots=True)
class Event:
    """One command, or one thing the host did.

    ``kind`` is dispatch, copy, fill, update, barrier, alloca, dealloca, submit, wait or call.
    ``worker`` is the thread that began it (-1: the host); where several workers shared a command
    each has a lane, else ``lanes`` is empty. ``bytes`` is the sum of the binding lengths.
    ``command_buffer``, ``command`` and ``submission`` are -1 where they do not apply.
    """

    name: str
    kind: str
    queue: str
    worker: int
    start_ns: int
    end_ns: int
    workgroups: tuple[int, int, int] | None = None
    bytes: int = 0
    executable: str = ""
    entry_point: str = ""
    source_locations: tuple[str, ...] = ()
    command_buffer: int = -1
    command: int = -1
    submission: int = -1
    lanes: tuple[Lane, ...] = ()

    @property
    def duration_ns(self) -> int:
        return self.end_ns - self.start_ns


@dataclass(frozen=True, slots=True)
class QueueStatistics:
    """How busy one queue was.

    ``busy_ns`` is the time in which at least one command ran, ``total_ns`` the sum of durations
    (larger than ``busy_ns`` when commands overlapped), ``span_ns`` first start to last end.
    """

    queue: str
    events: int
    busy_ns: int
    total_ns: int
    span_ns: int

    @property
    def overlap_ns(self) -> int:
        """Time saved by running commands at the same time."""
        return self.total_ns - self.busy_ns


class Timeline:
    """The events of one profile, by start time."""

    def __init__(self, events: Iterable[Event], *, overhead_ns: int = 0) -> None:
        self.events = tuple(sorted(events, key=lambda event: (event.start_ns, -event.end_ns)))
        self.overhead_ns = overhead_ns

    @cached_property
    def origin_ns(self) -> int:
        """Start of the first event; tables and exports count from here."""
        return self.events[0].start_ns if self.events else 0

    @property
    def span_ns(self) -> int:
        """From the first start to the last end."""
        return max((event.end_ns for event in self.events), default=0) - self.origin_ns

    def statistics(self) -> tuple[QueueStatistics, ...]:
        """Busy and total time of each queue, device commands only."""
        queues: dict[str, list[Event]] = {}
        for event in self.events:
            if event.kind not in HOST_KINDS and event.kind != "barrier":
                queues.setdefault(event.queue, []).append(event)
        return tuple(_queue_statistics(queue, events) for queue, events in queues.items())

    def table(self) -> str:
        """Aligned text: one line an event, times in microseconds from the first event."""
        rows = [self._header(), *(self._row(event) for event in self.events)]
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines = ["  ".join(_cell(row[i], widths[i], i) for i in range(len(row))) for row in rows]
        lines.insert(1, "  ".join("-" * width for width in widths))
        return "\n".join(line.rstrip() for line in lines)

    def to_json(self) -> list[dict[str, Any]]:
        """One dictionary an event, with the field names of :class:`Event`."""
        return [asdict(event) for event in self.events]

    def to_csv(self, path: str | Path) -> None:
        """One line an event; tuples are written as ``4x2x1`` and ``;``-separated lists."""
        names = [field.name for field in fields(Event) if field.name != "lanes"]
        with Path(path).open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(names)
            for event in self.events:
                writer.writerow([_csv_value(name, getattr(event, name)) for name in names])

    def to_perfetto(self, path: str | Path) -> None:
        """Chrome trace JSON, which ui.perfetto.dev and chrome://tracing open."""
        from ireelab.hal.perfetto import trace_events

        payload = {"displayTimeUnit": "ns", "traceEvents": trace_events(self)}
        Path(path).write_text(json.dumps(payload), encoding="utf-8")

    @cached_property
    def _several_queues(self) -> bool:
        return len({event.queue for event in self.events}) > 1

    def _header(self) -> tuple[str, ...]:
        return (*_HEADER, "queue") if self._several_queues else _HEADER

    def _row(self, event: Event) -> tuple[str, ...]:
        groups = "x".join(map(str, event.workgroups)) if event.workgroups else ""
        workers = "+".join(str(lane.worker) for lane in event.lanes) or str(event.worker)
        return (
            f"{(event.start_ns - self.origin_ns) / 1e3:.3f}",
            f"{event.duration_ns / 1e3:.3f}",
            event.kind,
            event.name,
            groups,
            str(event.bytes) if event.bytes else "",
            "host" if event.worker < 0 else workers,
            *((event.queue,) if self._several_queues else ()),
        )

    def __len__(self) -> int:
        return len(self.events)

    def __repr__(self) -> str:
        return self.table()

    def _repr_html_(self) -> str:
        head = "".join(_html_cell(title, i, "th") for i, title in enumerate(self._header()))
        body = "".join(
            "<tr>" + "".join(_html_cell(text, i) for i, text in enumerate(self._row(event)))
            + "</tr>"
            for event in self.events
        )  # fmt: skip
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


_HEADER = ("start [µs]", "duration [µs]", "kind", "name", "workgroups", "bytes [B]", "worker")
_RIGHT_ALIGNED = frozenset({0, 1, 4, 5})


def _cell(text: str, width: int, column: int) -> str:
    return text.rjust(width) if column in _RIGHT_ALIGNED else text.ljust(width)


def _html_cell(text: str, column: int, tag: str = "td") -> str:
    side = "right" if column in _RIGHT_ALIGNED else "left"
    return f'<{tag} style="text-align:{side};font-family:monospace">{html.escape(text)}</{tag}>'


def _csv_value(name: str, value: Any) -> Any:
    if name == "workgroups":
        return "x".join(map(str, value)) if value else ""
    return ";".join(value) if name == "source_locations" else value


def _queue_statistics(queue: str, events: list[Event]) -> QueueStatistics:
    busy_ns = 0
    covered_to = 0
    for event in sorted(events, key=lambda event: event.start_ns):
        busy_ns += max(0, event.end_ns - max(event.start_ns, covered_to))
        covered_to = max(covered_to, event.end_ns)
    start_ns = min(event.start_ns for event in events)
    total_ns = sum(event.duration_ns for event in events)
    return QueueStatistics(queue, len(events), busy_ns, total_ns, covered_to - start_ns)
