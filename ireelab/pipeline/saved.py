"""A trace as one file, ``.iltrace``: written and read without the compiler.

Layout: magic (8 bytes, the last one the version), length of index and of pieces (8 bytes each,
little endian), SHA-256 of both, the index (zlib-compressed JSON), the pieces. A piece is a text or
a program, zlib-compressed; the index says where each lies. Nodes are a Merkle tree, children
first, as in ``ireelab.pipeline.snapshot``.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ireelab.errors import Diagnostic, TraceError
from ireelab.pipeline.assemble import Snapshot
from ireelab.pipeline.snapshot import Node
from ireelab.pipeline.statistic import Statistic
from ireelab.pipeline.step import Step
from ireelab.pipeline.trace import Trace
from ireelab.program import Program

SUFFIX = ".iltrace"
"""How files with a saved trace are named."""

_NodeRecord = tuple[str, str, str | int, list[int], str, str, str, dict[str, int]]
"""Kind, symbol, head or its piece, children, tail, digest, frame, ops per dialect."""

_VERSION = 3
_MAGIC = b"ILTRACE"
_HEADER = struct.Struct("<7sBQQ32s")


class _Writer:
    """Collects pieces and nodes, each once."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.nodes: list[list[Any]] = []
        self._numbers: dict[bytes, int] = {}

    def piece(self, data: bytes) -> int:
        self.pieces.append(data)
        return len(self.pieces) - 1

    def node(self, node: Node | None) -> int | None:
        """The node's number; its children come before it."""
        if node is None:
            return None
        if node.digest not in self._numbers:
            children = [self.node(child) for child in node.children]
            packed = node.packed if isinstance(node.packed, str) else self.piece(node.packed)
            digests = [node.digest.hex(), node.frame.hex()]
            counts = dict(node.op_counts)
            self._numbers[node.digest] = len(self.nodes)
            self.nodes.append(
                [node.kind, node.symbol, packed, children, node.tail, *digests, counts]
            )
        return self._numbers[node.digest]


def trace_bytes(trace: Trace) -> bytes:
    """The contents of a ``.iltrace`` file."""
    writer = _Writer()
    index = {
        "name": trace.name,
        "source": writer.piece(zlib.compress(trace.source.encode(), 1)),
        "target": trace.target,
        "pipeline": trace.pipeline,
        "until": trace.until,
        "flags": trace.flags,
        "seconds": trace.seconds,
        "complete": trace.complete,
        "diagnostics": [_diagnostic_record(item) for item in trace.diagnostics],
        "steps": [_step_record(step) for step in trace.steps],
        "initial": writer.node(trace.initial),
        "snapshots": [
            [writer.node(shot.before), writer.node(shot.after), writer.node(shot.module)]
            for shot in trace.snapshots
        ],
        "program": None if trace.compiled is None else _program_record(trace.compiled, writer),
        "nodes": writer.nodes,
        "pieces": [len(piece) for piece in writer.pieces],
    }
    packed = zlib.compress(json.dumps(index, separators=(",", ":")).encode(), 1)
    body = b"".join((packed, *writer.pieces))
    digest = hashlib.sha256(body).digest()
    header = _HEADER.pack(_MAGIC, _VERSION, len(packed), len(body) - len(packed), digest)
    return header + body


def save_trace(trace: Trace, path: str | os.PathLike[str]) -> Path:
    """Write a ``.iltrace`` file; one that was there is replaced at once or stays as it was."""
    path = Path(path)
    write_atomically(path, trace_bytes(trace))
    return path


def write_atomically(path: Path, data: bytes) -> None:
    """Write beside the path, then rename: readers and other writers never see half a file."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def load_trace(path: str | os.PathLike[str]) -> Trace:
    """Read what ``Trace.save`` wrote; needs no compiler.

    Raises:
        TraceError: no such file, or one that is truncated, damaged, or no saved trace.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TraceError(f"cannot read {path}: {error.strerror}") from error
    return read_trace(data, str(path))


def read_trace(data: bytes, where: str) -> Trace:
    """A trace from the contents of a ``.iltrace`` file; ``where`` names it in errors."""
    index, pieces = _checked(data, where)
    try:
        return _trace(index, pieces)
    except (KeyError, IndexError, TypeError, ValueError, zlib.error) as error:
        raise TraceError(f"{where}: the index does not describe a trace: {error!r}") from error


def _checked(data: bytes, where: str) -> tuple[dict[str, Any], list[bytes]]:
    """Index and pieces, once header, lengths and checksum agree."""
    if not data.startswith(_MAGIC):
        raise TraceError(f"{where} is not a saved trace: it does not begin with {_MAGIC.decode()}")
    if len(data) < _HEADER.size:
        raise TraceError(f"{where} is truncated: {len(data)} bytes, the header has {_HEADER.size}")
    _, version, index_length, pieces_length, digest = _HEADER.unpack_from(data)
    if version != _VERSION:
        raise TraceError(
            f"{where} has format {version}, this ireelab reads {_VERSION}; save the trace again"
        )
    expected = _HEADER.size + index_length + pieces_length
    if len(data) != expected:
        raise TraceError(f"{where} is truncated or extended: {len(data)} bytes of {expected}")
    body = memoryview(data)[_HEADER.size :]
    if hashlib.sha256(body).digest() != digest:
        raise TraceError(f"{where} is damaged: the checksum over {len(body)} bytes does not match")
    index = json.loads(zlib.decompress(body[:index_length]))
    pieces: list[bytes] = []
    offset = index_length
    for length in index["pieces"]:
        pieces.append(bytes(body[offset : offset + length]))
        offset += length
    return index, pieces


def _trace(index: dict[str, Any], pieces: list[bytes]) -> Trace:
    nodes: list[Node] = []
    records: list[_NodeRecord] = index["nodes"]
    for kind, symbol, packed, children, tail, digest, frame, counts in records:
        head = packed if isinstance(packed, str) else pieces[packed]
        below = tuple(nodes[number] for number in children)
        digests = bytes.fromhex(digest), bytes.fromhex(frame)
        nodes.append(Node(kind, symbol, head, below, tail, *digests, counts))
    steps: list[dict[str, Any]] = index["steps"]
    shots: list[tuple[int, int, int]] = index["snapshots"]
    diagnostics: list[dict[str, Any]] = index["diagnostics"]
    flags: list[str] = index["flags"]
    source: int = index["source"]
    initial: int | None = index["initial"]
    return Trace(
        name=index["name"],
        source=zlib.decompress(pieces[source]).decode(),
        target=index["target"],
        pipeline=index["pipeline"],
        until=index["until"],
        flags=tuple(flags),
        steps=tuple(_step(record) for record in steps),
        snapshots=tuple(Snapshot(nodes[a], nodes[b], nodes[c]) for a, b, c in shots),
        initial=None if initial is None else nodes[initial],
        diagnostics=tuple(_diagnostic(record) for record in diagnostics),
        seconds=index["seconds"],
        complete=index["complete"],
        compiled=_program(index["program"], pieces, index["name"]),
    )


def _step_record(step: Step) -> dict[str, Any]:
    fields = {name: getattr(step, name) for name in Step.__slots__}
    counted = [(s.name, s.value, s.description) for s in step.statistics]
    return {**fields, "delta": dict(step.delta), "statistics": counted}


def _step(record: dict[str, Any]) -> Step:
    scope: list[str] = record["scope"]
    delta: dict[str, int] = record["delta"]
    counted: list[tuple[str, int, str]] = record["statistics"]
    fields: dict[str, Any] = {
        **record,
        "scope": tuple(scope),
        "delta": MappingProxyType(delta),
        "statistics": tuple(Statistic(*fact) for fact in counted),
    }
    return Step(**fields)


def _program_record(program: Program, writer: _Writer) -> dict[str, Any]:
    texts: Mapping[str, int] = {
        digest: writer.piece(zlib.compress(text.encode(), 1))
        for digest, text in program.llvm_ir.items()
    }
    return {"vmfb": writer.piece(zlib.compress(program.to_bytes(), 1)), "llvm_ir": texts}


def _program(record: dict[str, Any] | None, pieces: list[bytes], name: str) -> Program | None:
    if record is None:
        return None
    numbers: dict[str, int] = record["llvm_ir"]
    vmfb: int = record["vmfb"]
    texts = {digest: zlib.decompress(pieces[n]).decode() for digest, n in numbers.items()}
    return Program(zlib.decompress(pieces[vmfb]), llvm_ir=texts, name=name)


def _diagnostic_record(item: Diagnostic) -> dict[str, Any]:
    fields = {name: getattr(item, name) for name in Diagnostic.__slots__}
    return {**fields, "notes": [_diagnostic_record(note) for note in item.notes]}


def _diagnostic(record: dict[str, Any]) -> Diagnostic:
    notes: list[dict[str, Any]] = record["notes"]
    fields: dict[str, Any] = {**record, "notes": tuple(_diagnostic(note) for note in notes)}
    return Diagnostic(**fields)
