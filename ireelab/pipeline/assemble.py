"""Snapshot files -> the steps of a trace: order, phase, what changed, self time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from ireelab.pipeline.dump import MARKER, Dump
from ireelab.pipeline.lab.step import LabStep
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

_RUN_OTHERS = re.compile(
    "iree-op-pipeline-adaptor|iree-util-fixed-point-iterator"
    "|iree-hal-(configure|translate)-(all-|target-)?executable(s|-variants)"
    r"|iree-(llvmcpu|llvmgpu|spirv|vmvx)-lower-executable-target(-pass)?"
)
"""Passes that always run others."""

_MAY_RUN_OTHERS = re.compile(
    "inline|iree-auto-input-conversion|iree-consteval-jit-globals|iree-convert-to-llvm"
    "|iree-codegen-(bufferize-copy-only-dispatches|lower-executable-using-transform-dialect)"
    "|iree-global-opt-materialize-homogeneous-encodings|iree-preprocessing-attr-based-pipeline"
    "|iree-hal-(preprocess|link|serialize)-.*executable.*"
)
"""Passes that run others where what stands before them, inside their op, is theirs."""

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


def assemble(
    dumps: Sequence[Dump],
    parser: NodeParser,
    lab: Sequence[LabStep] = (),
) -> Assembly:
    """Order the dumps, replay them on the module and turn each into a step.

    ``lab`` are the steps of the lab pipeline that ran, which the dumps refer to by number.
    """
    ordered = _without_seams(sorted(dumps, key=lambda dump: dump.sort_key))
    seconds = _self_seconds(ordered)
    state = _State(parser)
    steps: list[Step] = []
    snapshots: list[Snapshot] = []
    initial: Node | None = None
    failed: str | None = None
    markers = 0
    for dump in ordered:
        if dump.before:
            initial = initial or dump.node
            state.put(dump)
            continue
        if dump.name == MARKER:
            markers += len(dump.path) == 1
            continue
        scope, before, module = state.put(dump)
        if dump.failed and failed is None:  # The passes that ran it fail with it.
            failed = dump.name
        marked = _MARKED_PHASES[min(markers, len(_MARKED_PHASES) - 1)]
        marked = lab[dump.stage].phase if lab else marked
        name_of_lab = lab[dump.stage].name if lab else ""
        steps.append(
            Step(
                index=len(steps),
                name=dump.name,
                phase=_SHOWN_PHASE.get(marked, marked),
                scope=scope,
                seconds=seconds[id(dump)],
                changed=before is not dump.node,
                delta=_delta(before, dump.node),
                composite=_is_composite(dump.name, name_of_lab, scope, steps),
                lab=name_of_lab,
                statistics=dump.statistics,
            )
        )
        snapshots.append(Snapshot(before, dump.node, module))
    return Assembly(tuple(steps), tuple(snapshots), initial, failed)


def _is_composite(name: str, lab: str, scope: tuple[str, ...], before: Sequence[Step]) -> bool:
    """Did a pass run others? Those on ops inside its own stand right before it."""
    inner = len(before) > 0 and len(before[-1].scope) > len(scope) and before[-1].lab == lab
    return bool(_RUN_OTHERS.fullmatch(name) or (inner and _MAY_RUN_OTHERS.fullmatch(name)))


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
        scope, before, module = self._replace(
            self._module, dump.path[1:], dump.twins[1:], dump.node
        )
        if before is None:
            return self._put_detached(dump)
        self._module = module
        return scope, before, module

    def _replace(
        self, node: Node, path: tuple[str, ...], twins: tuple[int, ...], new: Node
    ) -> tuple[tuple[str, ...], Node | None, Node]:
        """``node`` with the op at ``path`` below it replaced; None where there is no such op."""
        if not path:
            return (new.name,), node, new
        candidates = [i for i, child in enumerate(node.children) if child.folder == path[0]]
        if not candidates:
            return (), None, node
        index = candidates[max(min(twins[0], len(candidates) - 1), -len(candidates))]
        scope, before, child = self._replace(node.children[index], path[1:], twins[1:], new)
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
                    self._detached[key], dump.path[length:], dump.twins[length:], dump.node
                )
                if before is not None:
                    self._detached[key] = root
                    return (self._module.name, *scope), before, self._module
        before = self._detached.get(dump.path, dump.node)
        self._detached[dump.path] = dump.node
        return names, before, self._module


def _delta(before: Node, after: Node) -> Mapping[str, int]:
    if before is after:
        return MappingProxyType({})
    counts = Counter(after.op_counts)
    counts.subtract(before.op_counts)
    return MappingProxyType({dialect: n for dialect, n in sorted(counts.items()) if n})


def _self_seconds(ordered: Sequence[Dump]) -> dict[int, float]:
    """Wall time of each pass without those it ran, by ``id`` of its dump.

    It counts from where it began or its thread last finished a snapshot, or other threads one
    inside its op. Where nobody saw it begin, that is when its op's surroundings last ended a pass.
    """
    seconds: dict[int, float] = {}
    by_thread: dict[int, int] = {}
    own: dict[tuple[str, ...], int] = {}
    inside: dict[tuple[str, ...], int] = {}
    start_ns = min((dump.start_ns for dump in ordered), default=0)
    for dump in sorted(ordered, key=lambda dump: dump.start_ns):
        outer = [dump.path[:length] for length in range(1, len(dump.path) + 1)]
        begun = max(
            dump.begin_ns,
            by_thread.get(dump.thread, start_ns),
            inside.get(dump.path, start_ns),
            *(own.get(path, start_ns) for path in outer),
        )
        seconds[id(dump)] = max(dump.start_ns - begun, 0) / 1e9
        by_thread[dump.thread] = own[dump.path] = dump.end_ns
        for path in outer:
            inside[path] = dump.end_ns
    return seconds
