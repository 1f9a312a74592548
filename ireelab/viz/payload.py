"""A trace and a run -> the two binary blobs that the explorer's front end reads.

``index`` is gzip-compressed JSON: steps, run, error, and how texts are put together. ``chunks`` is
the gzip-compressed UTF-8 text of all distinct pieces of IR. A text is a tree of nodes, as in
``ireelab.pipeline.snapshot``: ``nodes[id] = [head, tail, child, child, ...]`` where head and tail
are chunk numbers (tail -1: none) and children are nodes, printed two columns further in. Snapshots
share nodes, so that a payload grows with what passes changed.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Protocol

from ireelab.array_text import Value
from ireelab.errors import CompileError, CompileInterrupted, Diagnostic
from ireelab.hal.timeline import Event, Timeline
from ireelab.pipeline.snapshot import Node
from ireelab.pipeline.trace import Trace
from ireelab.viz.outputs import difference, output_record
from ireelab.viz.steps import last_stream_step

if TYPE_CHECKING:
    from ireelab.viz.compare_traces import Compared

SCHEMA = 1

_LEVEL = 1  # gzip level: the browser is beside the kernel, time matters more than bytes.


class Run(Protocol):
    """What ``il.run`` returns, as far as it is shown."""

    @property
    def function(self) -> str: ...
    @property
    def device(self) -> str: ...
    @property
    def outputs(self) -> tuple[Value, ...]: ...
    @property
    def timeline(self) -> Timeline | None: ...
    @property
    def seconds(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Payload:
    """The data of one explorer."""

    index: bytes
    chunks: bytes


def trace_payload(
    trace: Trace,
    *,
    run: Run | None = None,
    error: CompileError | None = None,
    compared: Compared | None = None,
) -> Payload:
    """Everything that the explorer shows of a compilation, its run and its failure.

    ``compared`` has the trace as its first side; the others' steps and texts come along.
    """
    texts = _Texts()
    steps = _step_records(trace, texts)
    index = {
        "name": trace.name,
        "pipeline": trace.pipeline,
        "target": trace.target,
        "state": state_of(error),
        "error": None if error is None else error_record(error),
        "compile_seconds": trace.seconds,
        "initial": -1 if trace.initial is None else texts.node(trace.initial),
        "source": {"text": texts.plain(trace.source)},
        "steps": steps,
        "passes": {step.name: [step.description, step.link] for step in trace.steps},
        "run": None if run is None else _run_record(run, trace),
        "compared": None if compared is None else _compared_record(compared, texts),
    }
    return _pack(index, texts)


def _step_records(trace: Trace, texts: _Texts) -> list[dict[str, Any]]:
    return [
        {
            "i": step.index,
            "name": step.name,
            "phase": step.phase,
            "scope": step.scope,
            "seconds": step.seconds,
            "changed": step.changed,
            "composite": step.composite,
            "delta": dict(step.delta),
            "statistics": [[s.name, s.value, s.description] for s in step.statistics],
            "before": texts.node(snapshot.before),
            "after": texts.node(snapshot.after),
            "module": texts.node(snapshot.module),
        }
        for step, snapshot in zip(trace.steps, trace.snapshots, strict=True)
    ]


def _compared_record(compared: Compared, texts: _Texts) -> dict[str, Any]:
    """Rows of aligned steps, where each further side parts from the first, and those sides."""
    rows = compared.rows
    at = {row.steps[0]: number for number, row in enumerate(rows)}
    parting = [steps.first.pair.a if steps.first else None for steps in compared.steps]
    return {
        "labels": list(compared.labels),
        "descriptions": list(compared.descriptions),
        "rows": [list(row.steps) for row in rows],
        "different": [number for number, row in enumerate(rows) if not row.same],
        "first": [None if step is None else at[step.index] for step in parting],
        "sides": [
            {
                "source": texts.plain(side.trace.source),
                "steps": _step_records(side.trace, texts),
                "run": None if side.run is None else _run_record(side.run, side.trace),
            }
            for side in compared.sides[1:]
        ],
    }


def listing_payload(name: str, title: str, listing: str) -> Payload:
    """An explorer of a single text, such as the disassembly of a program without a trace."""
    texts = _Texts()
    node = texts.plain(listing)
    step: dict[str, Any] = {
        "i": 0,
        "name": title,
        "phase": "vm",
        "scope": ["vm.module"],
        "seconds": 0.0,
        "changed": True,
        "composite": False,
        "delta": {},
        "statistics": [],
        "before": node,
        "after": node,
        "module": node,
    }
    index: dict[str, Any] = {
        "name": name,
        "pipeline": "",
        "target": "",
        "state": "ready",
        "error": None,
        "compile_seconds": 0.0,
        "source": {"text": node},
        "steps": [step],
        "run": None,
    }
    return _pack(index, texts)


def state_of(error: CompileError | None) -> str:
    """``ready``, ``stopped`` or ``failed``."""
    if error is None:
        return "ready"
    return "stopped" if isinstance(error, CompileInterrupted) else "failed"


def error_record(error: CompileError) -> dict[str, Any]:
    """A failed compilation as JSON."""
    return {
        "kind": type(error).__name__,
        "message": str(error),
        "step": error.step,
        "diagnostics": [_diagnostic_record(item) for item in error.diagnostics],
        "reproducer": error.reproducer,
    }


def _diagnostic_record(diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "file": diagnostic.file,
        "line": diagnostic.line,
        "column": diagnostic.column,
        "source_line": diagnostic.source_line,
        "notes": [_diagnostic_record(note) for note in diagnostic.notes],
    }


class _Texts:
    """Numbers nodes and chunks, each distinct one once."""

    def __init__(self) -> None:
        self.nodes: list[list[int]] = []
        self.chunks: list[bytes] = []
        self._node_ids: dict[bytes, int] = {}
        self._chunk_ids: dict[str, int] = {}

    def node(self, node: Node) -> int:
        """The number of a node, its descendants numbered first."""
        known = self._node_ids.get(node.digest)
        if known is not None:
            return known
        children = [self.node(child) for child in node.children]
        tail = self._chunk(node.tail) if node.tail else -1
        self.nodes.append([self._chunk(node.head), tail, *children])
        self._node_ids[node.digest] = len(self.nodes) - 1
        return len(self.nodes) - 1

    def plain(self, text: str) -> int:
        """The number of a node that holds any text."""
        self.nodes.append([self._chunk(text.rstrip("\n")), -1])
        return len(self.nodes) - 1

    def _chunk(self, text: str) -> int:
        known = self._chunk_ids.setdefault(text, len(self.chunks))
        if known == len(self.chunks):
            self.chunks.append(text.encode() + b"\n")
        return known


def model_payload(name: str, trace: Trace | None = None, run: Run | None = None) -> Payload:
    """An explorer of models alone, without steps and texts; ``name`` is that of no trace."""
    index: dict[str, Any] = {
        "name": name if trace is None else trace.name,
        "pipeline": "" if trace is None else trace.pipeline,
        "target": "" if trace is None else trace.target,
        "state": "ready",
        "error": None,
        "compile_seconds": 0.0,
        "source": {"text": None},
        "steps": [],
        "run": None if run is None else _run_record(run, trace),
    }
    return _pack(index, _Texts())


def _pack(index: dict[str, Any], texts: _Texts) -> Payload:
    offsets = [0, *accumulate(len(chunk) for chunk in texts.chunks)]
    whole = {"schema": SCHEMA, **index, "nodes": texts.nodes, "chunk_offsets": offsets}
    return Payload(
        gzip.compress(json.dumps(whole, separators=(",", ":")).encode(), _LEVEL),
        gzip.compress(b"".join(texts.chunks), _LEVEL),
    )


def run_payload(
    run: Run, trace: Trace | None, *, number: int = 0, before: tuple[int, Run] | None = None
) -> bytes:
    """A run by itself, as gzip-compressed JSON, to be shown instead of the index's.

    ``number`` is what the explorer calls it, ``before`` another run that its outputs are held
    against.
    """
    record: dict[str, Any] = {**_run_record(run, trace), "number": number}
    if before is not None:
        against, other = before
        for i, value in enumerate(run.outputs[: len(other.outputs)]):
            apart = difference(value, other.outputs[i])
            record["outputs"][i]["difference"] = {"run": against, **apart}
    return gzip.compress(json.dumps(record, separators=(",", ":")).encode(), _LEVEL)


def with_run(index: bytes, run: bytes) -> bytes:
    """An index with another run in it, as a page needs it."""
    whole = {**json.loads(gzip.decompress(index)), "run": json.loads(gzip.decompress(run))}
    return gzip.compress(json.dumps(whole, separators=(",", ":")).encode(), _LEVEL)


def _run_record(run: Run, trace: Trace | None) -> dict[str, Any]:
    events = run.timeline.events if run.timeline is not None else ()
    return {
        "function": run.function,
        "device": run.device,
        "profile_mode": "command" if run.timeline is not None else "off",
        "overhead_ns": run.timeline.overhead_ns if run.timeline is not None else 0,
        "seconds": run.seconds,
        "outputs": [output_record(output) for output in run.outputs],
        "timeline": _event_records(events, trace),
    }


def _event_records(events: Sequence[Event], trace: Trace | None) -> list[dict[str, Any]]:
    places = None if trace is None else _Places(trace)
    origin_ns = min((event.start_ns for event in events), default=0)
    return [
        {
            "name": event.name,
            "kind": event.kind,
            "queue": event.queue,
            "worker": event.worker,
            "start_ns": event.start_ns - origin_ns,
            "end_ns": event.end_ns - origin_ns,
            "workgroups": event.workgroups,
            "bytes": event.bytes,
            "submission": event.submission,
            "executable": event.executable,
            "entry_point": event.entry_point,
            "locations": event.source_locations,
            "lanes": [
                [lane.worker, lane.start_ns - origin_ns, lane.end_ns - origin_ns, lane.workgroups]
                for lane in event.lanes
            ],
            "step": places.step(event.entry_point) if places and event.kind == "dispatch" else None,
        }
        for event in events
    ]


class _Places:
    """Entry point -> the step at which its dispatch is best seen.

    That is where it is scheduled on Stream level and still says which bytes it touches.
    """

    _PHASES = ("stream", "flow", "executable", "hal")

    def __init__(self, trace: Trace) -> None:
        ordered = [
            step
            for phase in self._PHASES
            for step in reversed(trace.steps)
            if step.phase == phase and len(step.scope) == 1
        ]
        if any(step.phase == "stream" for step in trace.steps):
            ordered.insert(0, last_stream_step(trace))
        self._candidates: list[tuple[int, Node]] = []
        seen: set[bytes] = set()
        for step in ordered:
            node = trace.snapshots[step.index].module
            if node.digest not in seen:
                seen.add(node.digest)
                self._candidates.append((step.index, node))
        self._known: dict[str, int | None] = {}

    def step(self, entry_point: str) -> int | None:
        """The index of the step, or None where no step shows the entry point."""
        if entry_point not in self._known:
            self._known[entry_point] = next(
                (index for index, node in self._candidates if _mentions(node, entry_point)), None
            )
        return self._known[entry_point]


def _mentions(node: Node, name: str) -> bool:
    return name in node.head or any(_mentions(child, name) for child in node.children)
