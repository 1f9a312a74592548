"""Reads the journal of ``instrumentation.ll``: passes as they end, with the IR that they left.

Ops are known by their address in the compiler. What is written of one holds until something else
is written of it: of a function its text, of a container (a module, an executable) the line before
its body and which ops it holds. From these the nodes are put together, so that a pass that changed
one function costs that function.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ireelab.pipeline.dump import Dump, folder_name
from ireelab.pipeline.holes_ffi import release
from ireelab.pipeline.snapshot import Node, NodeParser
from ireelab.pipeline.statistic import Statistic

_HEADER = struct.Struct("<5q")  # kind, bytes that follow, op, thread, nanoseconds

BEGIN, AFTER, COUNTS, WRITTEN, INITIAL, LEAF, FRAME, STEP, OWN = map(ord, "BACWILFSO")
"""Kinds of records: a pass began, ended, what it counted, all is written; IR of an op; a lab step
began; IR that Python wrote, with the time when it began in place of the op."""

_ROOT = "builtin_module_no-symbol-name"


def record(kind: int, op: int, thread: int, time_ns: int, contents: bytes) -> bytes:
    """A record, as it stands in the file."""
    return _HEADER.pack(kind, len(contents), op, thread, time_ns) + contents


@dataclass(frozen=True, slots=True)
class Running:
    """A pass that has begun."""

    name: str
    folder: str  # of the op that it runs on
    begin_ns: int
    stage: int


@dataclass(frozen=True, slots=True)
class _Place:
    """An op and those around it, from the root."""

    name: str  # of the pass
    path: tuple[str, ...]
    addresses: tuple[int, ...]
    twins: tuple[int, ...]


class JournalReader:
    """Follows a journal that a running compiler writes."""

    def __init__(self, journal: Path, parser: NodeParser) -> None:
        self._journal = journal
        self._offset = 0
        self._ops = _Ops(parser)
        self._parser = parser
        self._counts: dict[int, int] = {}
        self._running: dict[int, list[Running]] = {}
        self._ended: dict[int, tuple[_Place, bool, int]] = {}
        self._counted: dict[int, tuple[Statistic, ...]] = {}
        self._stage = -1

    @property
    def found(self) -> bool:
        """Has anything been written?"""
        return self._offset > 0

    def poll(self) -> Iterator[Dump]:
        """What has been written whole since the last call."""
        for kind, op, thread, time_ns, contents in self._records():
            if kind == BEGIN:
                place = _place(contents)
                self._begin(thread, place, time_ns)
            elif kind == LEAF:
                self._ops.put_leaf(op, contents.decode("utf-8", "replace"))
            elif kind == FRAME:
                self._ops.put_frame(op, contents)
            elif kind == AFTER:
                failed = bool(contents[0])
                self._ended[thread] = _place(contents[8:]), failed, time_ns
            elif kind == COUNTS:
                self._counted[thread] = _statistics(contents)
            elif kind == WRITTEN:
                yield self._after(op, thread, time_ns)
            elif kind == INITIAL:
                node = self._ops.node(op, root=True)
                yield _of_module(node, "initial", "Before", thread, time_ns, time_ns, self._stage)
            elif kind == STEP:
                self._stage = op
            elif kind == OWN:
                when, name, text = contents.decode("utf-8", "replace").split("\0", 2)
                node = self._parser.parse_dump(text, root=True)
                yield _of_module(node, name, when, thread, op, time_ns, self._stage)

    def running(self) -> Running | None:
        """The pass that began last of those that have not ended."""
        inmost = [passes[-1] for passes in self._running.values() if passes]
        return max(inmost, key=lambda running: running.begin_ns, default=None)

    @property
    def stage(self) -> int:
        """The lab step that began last."""
        return self._stage

    def _records(self) -> Iterator[tuple[int, int, int, int, bytes]]:
        """The whole records since the last call; the last one may be half written."""
        if not self._journal.exists():
            return
        with self._journal.open("r+b") as journal:
            release(journal.fileno(), self._offset)
            journal.seek(self._offset)
            news = journal.read()
        at = 0
        while at + _HEADER.size <= len(news):
            kind, length, op, thread, time_ns = _HEADER.unpack_from(news, at)
            end = at + _HEADER.size + length
            if end > len(news):
                break
            yield kind, op, thread, time_ns, news[at + _HEADER.size : end]
            self._offset += end - at
            at = end

    def _begin(self, thread: int, place: _Place, begin_ns: int) -> None:
        running = Running(place.name, place.path[-1], begin_ns, self._stage)
        self._running.setdefault(thread, []).append(running)

    def _after(self, op: int, thread: int, end_ns: int) -> Dump:
        place, failed, start_ns = self._ended.pop(thread)
        begun = self._running.get(thread)
        running = begun.pop() if begun else None
        for address in place.addresses[:-1]:  # As MLIR counts, for the same order.
            self._counts.setdefault(address, 0)
        self._counts[op] = self._counts.get(op, -1) + 1
        return Dump(
            path=place.path,
            counters=tuple(self._counts[address] for address in place.addresses),
            twins=place.twins,
            name=place.name,
            before=False,
            failed=failed,
            node=self._ops.node(op, root=len(place.path) == 1),
            thread=thread,
            start_ns=start_ns,
            end_ns=end_ns,
            begin_ns=running.begin_ns if running else 0,
            stage=self._stage,
            statistics=self._counted.pop(thread, ()),
        )


def _of_module(
    node: Node, name: str, when: str, thread: int, start_ns: int, end_ns: int, stage: int
) -> Dump:
    """The whole module at some moment that is no pass of the compiler's."""
    return Dump(
        path=(_ROOT,),
        counters=(-1 if when == "Before" else 0,),
        twins=(0,),
        name=name,
        before=when == "Before",
        failed=when == "Failed",
        node=node,
        thread=thread,
        start_ns=start_ns,
        end_ns=end_ns,
        stage=stage,
    )


@functools.lru_cache(maxsize=64)
def _place(contents: bytes) -> _Place:
    name, *parts = contents.decode("utf-8", "replace").split("\0")
    path: list[str] = []
    addresses: list[int] = []
    twins: list[int] = []
    for i in range(len(parts) - 4, -1, -3):  # The root comes last; behind it stands nothing.
        kind, symbol, (address, twin) = parts[i], parts[i + 1], parts[i + 2].split(" ")
        path.append(folder_name(kind, symbol))
        addresses.append(int(address, 16))
        twins.append(int(twin))
    return _Place(name, tuple(path), tuple(addresses), tuple(twins))


@functools.lru_cache(maxsize=1024)
def _statistics(contents: bytes) -> tuple[Statistic, ...]:
    found: list[Statistic] = []
    while contents:
        name, description, rest = contents.split(b"\0", 2)
        (value,) = struct.unpack_from("<Q", rest)
        found.append(Statistic(name.decode().strip(), value, description.decode()))
        contents = rest[8:]
    return tuple(found)


class _Ops:
    """What is known of each op, by its address."""

    def __init__(self, parser: NodeParser) -> None:
        self._parser = parser
        self._leaves: dict[int, str] = {}
        self._frames: dict[int, tuple[str, tuple[int, ...]]] = {}
        self._parents: dict[int, int] = {}
        self._nodes: dict[int, Node] = {}

    def put_leaf(self, op: int, text: str) -> None:
        """From now on this is the op's text."""
        self._frames.pop(op, None)
        self._leaves[op] = text
        self._forget(op)

    def put_frame(self, op: int, contents: bytes) -> None:
        """From now on the op is a container with this head and these children."""
        (count,) = struct.unpack_from("<q", contents)
        children = struct.unpack_from(f"<{count}q", contents, 8)
        self._leaves.pop(op, None)
        self._frames[op] = contents[8 + 8 * count :].decode("utf-8", "replace"), children
        for child in children:
            self._parents[child] = op
        self._forget(op)

    def node(self, op: int, *, root: bool) -> Node:
        """The op as it now stands."""
        node = self._nodes.get(op)
        if node is None:
            if op in self._frames:
                head, addresses = self._frames[op]
                children = [self.node(address, root=False) for address in addresses]
                node = self._parser.container(head, children, root=root)
            else:
                node = self._parser.parse_dump(self._leaves[op], root=root)
            self._nodes[op] = node
        return node

    def _forget(self, op: int) -> None:
        """Drop the nodes that hold this op. Where there is none, none around it is there either."""
        self._nodes.pop(op, None)
        parent = self._parents.get(op)
        while parent is not None and self._nodes.pop(parent, None) is not None:
            parent = self._parents.get(parent)
