"""Snapshot files -> the steps of a trace: order, phase, what changed, self time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from ireelab.pipeline.capture import MARKER, Dump
from ireelab.pipeline.snapshot import Node, NodeParser
from ireelab.pipeline.step import Step

_MARKED_PHASES = (
    "input",
    "abi",
    "preprocessing",
    "global-optimization",
    "dispatch-creation",
    "flow",
    "stream",
    "executable-sources",
    "executable-configurations",
    "executable-targets",
    "hal",
    "vm",
)
"""IREE's own phases, in the order in which their end markers come."""

_ADAPTOR = "iree-op-pipeline-adaptor"

_SHOWN_PHASE = {
    "preprocessing": "global-optimization",
    "executable-sources": "executable",
    "executable-configurations": "executable",
    "executable-targets": "executable",
}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one step saw and left: its scope before and after, and the whole module after."""

    before: Node
    after: Node
    module: Node


@dataclass(frozen=True, slots=True)
class Assembly:
    """The steps of a compilation with their snapshots; ``initial`` is the module as parsed."""

    steps: tuple[Step, ...]
    snapshots: tuple[Snapshot, ...]
    initial: Node | None
    failed_step: str | None


def assemble(dumps: Sequence[Dump], parser: NodeParser) -> Assembly:
    """Order the dumps, replay them on the module and turn each into a step."""
    ordered = _without_seams(sorted(dumps, key=lambda dump: dump.sort_key))
    seconds = _self_seconds(ordered, min((dump.start_ns for dump in dumps), default=0))
    state = _State(parser)
    steps: list[Step] = []
    snapshots: list[Snapshot] = []
    initial: Node | None = None
    failed: str | None = None
    markers = 0
    for position, dump in enumerate(ordered):
        if dump.before:
            initial = dump.node
            state.put(dump)
            continue
        if dump.name == MARKER:
            markers += len(dump.path) == 1
            continue
        scope, before, module = state.put(dump)
        if dump.failed and failed is None:  # The passes that ran it fail with it.
            failed = dump.name
        marked = _MARKED_PHASES[min(markers, len(_MARKED_PHASES) - 1)]
        steps.append(
            Step(
                index=len(steps),
                name=dump.name,
                phase=_SHOWN_PHASE.get(marked, marked),
                scope=scope,
                seconds=seconds[position],
                changed=before is not dump.node,
                delta=_delta(before, dump.node),
                composite=_is_composite(ordered, position),
            )
        )
        snapshots.append(Snapshot(before, dump.node, module))
    return Assembly(tuple(steps), tuple(snapshots), initial, failed)


def _without_seams(ordered: list[Dump]) -> list[Dump]:
    """Drop the adaptors that exist only because a phase marker stands behind them.

    IREE merges neighbouring adaptors into one; a marker between two keeps them apart.
    """
    outer = [position for position, dump in enumerate(ordered) if len(dump.path) == 1]
    seams = {
        before
        for before, marker, after in zip(outer, outer[1:], outer[2:], strict=False)
        if ordered[marker].name == MARKER
        and ordered[before].name == ordered[after].name == _ADAPTOR
    }
    return [dump for position, dump in enumerate(ordered) if position not in seams]


class _State:
    """The module as it stands while snapshots are replayed on it.

    Ops outside the module, such as the inner module that constant evaluation compiles, live
    beside it under the folder path where they first appeared.
    """

    def __init__(self, parser: NodeParser) -> None:
        self._parser = parser
        self._module: Node | None = None
        self._detached: dict[tuple[str, ...], Node] = {}

    def put(self, dump: Dump) -> tuple[tuple[str, ...], Node, Node]:
        """Apply one snapshot: (scope names, the op before, the module after)."""
        if len(dump.path) == 1 or self._module is None:
            before = self._module or dump.node
            self._module = dump.node
            self._detached.clear()
            return (dump.node.name,), before, dump.node
        scope, before, module = self._replace(self._module, dump.path[1:], dump.node)
        if before is None:
            return self._put_detached(dump)
        self._module = module
        return scope, before, module

    def _replace(
        self, node: Node, path: tuple[str, ...], new: Node
    ) -> tuple[tuple[str, ...], Node | None, Node]:
        """``node`` with the op at ``path`` below it replaced; None where there is no such op."""
        if not path:
            return (new.name,), node, new
        index = _child_index(node, path[0], new)
        if index is None:
            return (), None, node
        scope, before, child = self._replace(node.children[index], path[1:], new)
        if before is None:
            return (), None, node
        if child is not node.children[index]:
            node = self._parser.with_child(node, index, child)
        return (node.name, *scope), before, node

    def _put_detached(self, dump: Dump) -> tuple[tuple[str, ...], Node, Node]:
        assert self._module is not None
        names = (self._module.name, *dump.path[1:-1], dump.node.name)
        for length in range(2, len(dump.path)):
            key = dump.path[:length]
            if key in self._detached:
                scope, before, root = self._replace(
                    self._detached[key], dump.path[length:], dump.node
                )
                if before is not None:
                    self._detached[key] = root
                    return (self._module.name, *scope), before, self._module
        before = self._detached.get(dump.path, dump.node)
        self._detached[dump.path] = dump.node
        return names, before, self._module


def _child_index(node: Node, folder: str, new: Node) -> int | None:
    """Which child a folder name means; among nameless twins the one that reads most alike."""
    candidates = [i for i, child in enumerate(node.children) if child.folder == folder]
    if len(candidates) < 2:
        return candidates[0] if candidates else None
    lines = set(new.text().splitlines())
    return max(candidates, key=lambda i: _likeness(node.children[i], new, lines))


def _likeness(node: Node, new: Node, lines: set[str]) -> float:
    if node is new:
        return 2.0
    own = set(node.text().splitlines())
    return len(own & lines) / len(own | lines)


def _delta(before: Node, after: Node) -> Mapping[str, int]:
    if before is after:
        return MappingProxyType({})
    counts = Counter(after.op_counts)
    counts.subtract(before.op_counts)
    return MappingProxyType({dialect: n for dialect, n in sorted(counts.items()) if n})


def _is_composite(ordered: Sequence[Dump], position: int) -> bool:
    """Did this step run the steps just before it on ops inside its own?"""
    dump = ordered[position]
    if dump.name in (_ADAPTOR, "iree-util-fixed-point-iterator"):
        return True
    previous = ordered[position - 1] if position else None
    return previous is not None and len(previous.path) > len(dump.path)


def _self_seconds(ordered: Sequence[Dump], start_ns: int) -> list[float]:
    """Wall time of each pass without those it ran: since its thread last finished a snapshot.

    A thread that had been idle starts with the op's surroundings: their newest snapshot, or, for
    an op that other threads worked inside of, the newest from there.
    """
    seconds = [0.0] * len(ordered)
    by_thread: dict[int, int] = {}
    own: dict[tuple[str, ...], int] = {}
    inside: dict[tuple[str, ...], int] = {}
    for position in sorted(range(len(ordered)), key=lambda p: ordered[p].start_ns):
        dump = ordered[position]
        outer = [dump.path[:length] for length in range(1, len(dump.path) + 1)]
        begun = max(
            by_thread.get(dump.thread, start_ns),
            inside.get(dump.path, start_ns),
            *(own.get(path, start_ns) for path in outer),
        )
        seconds[position] = max(dump.start_ns - begun, 0) / 1e9
        by_thread[dump.thread] = own[dump.path] = dump.end_ns
        for path in outer:
            inside[path] = dump.end_ns
    return seconds
