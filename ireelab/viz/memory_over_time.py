"""Memory of the whole program over its commands, and what a run was seen to allocate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ireelab.hal.timeline import Timeline
from ireelab.viz.mlir_walk import ValueReader, functions, walk
from ireelab.viz.pack_ir import Buffer, GlobalResource
from ireelab.viz.stream_access import is_command

_DEALLOCATES = "stream.resource.dealloca"


@dataclass(frozen=True, slots=True)
class MemorySpan:
    """A buffer and the commands, first and last, between whose beginnings and ends it exists.

    ``last`` is before ``first`` where no command runs meanwhile. ``origin`` is that of
    :class:`Buffer`, or "global" for what a global holds from call to call.
    """

    id: str
    function: str
    lifetime: str
    origin: str
    size_bytes: int | None
    first: int
    last: int

    def to_json(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class MemoryOverTime:
    """Time is commands, numbered as in the stream graph, function after function.

    ``functions`` are (name, first command, number of commands). Functions are called in no known
    order; what one allocates and returns counts until its end.
    """

    commands: int
    functions: tuple[tuple[str, int, int], ...]
    spans: tuple[MemorySpan, ...]

    def bytes_at(self, command: int) -> dict[str, int]:
        """Bytes by lifetime while a command runs; buffers sized at run time left out."""
        found: dict[str, int] = {}
        for span in self.spans:
            if span.first <= command <= span.last:
                found[span.lifetime] = found.get(span.lifetime, 0) + (span.size_bytes or 0)
        return found

    @property
    def peak_bytes(self) -> int:
        """The most bytes at any command."""
        return max((sum(self.bytes_at(i).values()) for i in range(self.commands)), default=0)

    def to_json(self) -> dict[str, object]:
        return {
            "commands": self.commands,
            "peak_bytes": self.peak_bytes,
            "functions": [list(function) for function in self.functions],
            "spans": [span.to_json() for span in self.spans],
        }


def read_over_time(
    module: Any, new_names: Any, buffers: Sequence[Buffer], globals_: Sequence[GlobalResource]
) -> MemoryOverTime:
    """Read a live module of Stream level, whose allocations ``read_memory`` gave."""
    known = {buffer.id: buffer for buffer in buffers}
    at = 0
    ranges: list[tuple[str, int, int]] = []
    spans: list[MemorySpan] = []
    for name, function in functions(module):
        values = ValueReader(name, function, new_names(function.operation))
        found, count = _lifetimes(name, function, values, known, at)
        spans.extend(found)
        if count:
            ranges.append((name, at, count))
        at += count
    calls = next((start for name, start, _ in ranges if not name.startswith("initializer")), 0)
    spans.extend(
        MemorySpan(f"@{g.name}", "", g.lifetime, "global", g.size_bytes, calls, at - 1)
        for g in globals_
    )
    return MemoryOverTime(at, tuple(ranges), tuple(spans))


def _lifetimes(
    name: str, function: Any, values: ValueReader, known: dict[str, Buffer], first: int
) -> tuple[list[MemorySpan], int]:
    """The buffers of one function, and how many commands it has."""
    at = first
    begun: dict[str, int] = {}
    ended: dict[str, int] = {}
    for op in walk(function):
        kind = str(op.operation.name)
        if is_command(kind):
            at += 1
        elif kind == _DEALLOCATES:
            ended[f"{name}/{values.name(op.operation.operands[0])}"] = at - 1
        else:
            begun.update((key, at) for key in _results(name, op, values) if key in known)
    spans = [
        MemorySpan(key, name, b.lifetime, b.origin, b.size_bytes, start, ended.get(key, at - 1))
        for key, start in begun.items()
        if (b := known[key])
    ]
    return spans, at - first


def _results(name: str, op: Any, values: ValueReader) -> Iterator[str]:
    return (f"{name}/{values.name(result)}" for result in op.operation.results)


@dataclass(frozen=True, slots=True)
class MemorySample:
    """Bytes in use after an event of a run. Times are those of the events."""

    event: int
    at_ns: int
    bytes: int


def observed(timeline: Timeline) -> tuple[MemorySample, ...]:
    """What the queue operations of a run allocated less what they deallocated.

    Buffers that a call hands out are given back by whoever holds them, unseen: they count on.
    """
    samples: list[MemorySample] = []
    total = 0
    for index, event in enumerate(timeline.events):
        if event.kind in ("alloca", "dealloca"):
            total += event.bytes if event.kind == "alloca" else -event.bytes
            samples.append(MemorySample(index, event.end_ns, total))
    return tuple(samples)
