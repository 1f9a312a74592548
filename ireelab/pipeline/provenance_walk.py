"""From one op through every step: what it came from, and what it became.

Between two neighbouring steps an op whose text, names of values aside, and location are as before
is the same op. One that is gone became the new ops whose location names one of its source ops:
those with the same op name and location where there are any, else those with the same location,
else all. Where a step leaves none of these, the next step that has ops from there takes over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from ireelab.pipeline.snapshot import Node

if TYPE_CHECKING:
    from ireelab.pipeline.provenance_index import ProvenanceIndex
    from ireelab.pipeline.trace import Trace

_SSA = re.compile(r"%[\w$.#-]+")
_NAME = re.compile(r'^\s*(?:%[^=\n]*? = )?"?([a-zA-Z_][\w.$-]*)')

Piece = tuple[Node, bool]
"""A node's own lines: those of its head, or (True) of its tail."""

PieceKey = tuple[bytes, bool]
_LineKey = tuple[str, int]

Places = dict[PieceKey, set[int]]
"""Lines by the piece that they stand in."""


def op_name(line: str) -> str:
    """``linalg.matmul`` of a line of IR, empty where no op begins on it.

    >>> op_name("  %0:2 = scf.for %i = %a to %b step %c {")
    'scf.for'
    """
    match = _NAME.match(line)
    return match[1] if match else ""


def nameless(line: str) -> str:
    """A line with all SSA names made equal."""
    return _SSA.sub("%", line)


def own_lines(piece: Piece) -> list[str]:
    """The lines of a piece, as far left as they are stored."""
    node, tail = piece
    return (node.tail if tail else node.head).split("\n")


class Module:
    """One module, as the pieces its text is made of."""

    def __init__(self, root: Node) -> None:
        self.root = root

    @cached_property
    def pieces(self) -> tuple[tuple[Piece, int, tuple[Node, ...]], ...]:
        """(piece, first line from 0, the nodes around it from the root to its own)."""
        return tuple(_pieces(self.root, 0, ()))

    @cached_property
    def by_key(self) -> Mapping[PieceKey, tuple[Piece, int, tuple[Node, ...]]]:
        """The first of the pieces of each text."""
        found: dict[PieceKey, tuple[Piece, int, tuple[Node, ...]]] = {}
        for entry in self.pieces:
            found.setdefault(_key(entry[0]), entry)
        return found

    def place(self, line: int) -> tuple[Piece, int] | None:
        """The piece that holds a line of the module's text (from 0), and the line in it."""
        for piece, start, _ in self.pieces:
            lines = own_lines(piece)
            if start <= line < start + len(lines):
                return piece, line - start
        return None


def modules_of(trace: Trace) -> list[tuple[int, Module]]:
    """The module as parsed (step -1) and after each step that changed it."""
    modules: list[tuple[int, Module]] = []
    for step, root in enumerate((trace.initial, *(s.module for s in trace.snapshots)), -1):
        if root is not None and (not modules or root is not modules[-1][1].root):
            modules.append((step, Module(root)))
    return modules


def _pieces(
    node: Node, start: int, path: tuple[Node, ...]
) -> Iterator[tuple[Piece, int, tuple[Node, ...]]]:
    path = (*path, node)
    yield (node, False), start, path
    at = start + node.head.count("\n") + 1
    for child in node.children:
        last = at
        for entry in _pieces(child, at, path):
            yield entry
            last = entry[1] + _line_count(entry[0])
        at = last
    if node.tail:
        yield (node, True), at, path


def _line_count(piece: Piece) -> int:
    node, tail = piece
    return (node.tail if tail else node.head).count("\n") + 1


def _key(piece: Piece) -> PieceKey:
    return piece[0].digest, piece[1]


class Walker:
    """Follows ops from module to module, only through what changed between the two."""

    def __init__(self, index: ProvenanceIndex, wanted: set[int]) -> None:
        """``wanted`` are the atoms that a walk never leaves."""
        self._index = index
        self._wanted = wanted
        self._groups = index.groups_touching(wanted)

    def follow(self, places: Places, old: Module, new: Module) -> Places:
        """The counterparts in ``new`` of ``places`` in ``old``; the order in time is yours."""
        before, after = old.by_key, new.by_key
        kept: Places = {key: set(lines) for key, lines in places.items() if key in after}
        lost = [
            (before[key][0], line)
            for key, lines in places.items()
            if key not in after and key in before
            for line in sorted(lines)
        ]
        if lost:
            change = _Change(
                self._index,
                [entry[0] for key, entry in before.items() if key not in after],
                [entry[0] for key, entry in after.items() if key not in before],
            )
            for piece, line in lost:
                for found, at in change.counterparts(piece, line, self._groups):
                    kept.setdefault(_key(found), set()).add(at)
        return kept or self.anywhere(new)

    def anywhere(self, module: Module) -> Places:
        """All lines of a module whose location touches the wanted atoms."""
        places: Places = {}
        for piece, _, _ in module.pieces:
            found = {n for n, g in enumerate(self._index.lines(piece)) if g in self._groups}
            if found:
                places[_key(piece)] = found
        return places


class _Change:
    """What differs between two modules, matched line by line."""

    def __init__(self, index: ProvenanceIndex, gone: list[Piece], come: list[Piece]) -> None:
        self._index = index
        self._old = _by_key(index, gone)
        self._new = _by_key(index, come)
        self._own = {(_key(p), n): key for key, places in self._old.items() for p, n in places}
        self._pairs: dict[tuple[_LineKey, str], dict[tuple[PieceKey, int], tuple[Piece, int]]] = {}
        self._answers: dict[tuple[int, str], list[tuple[Piece, int]]] = {}
        self._fresh = [
            (piece, line, key)
            for key, places in self._new.items()
            for piece, line in places[len(self._old.get(key, ())) :]
        ]

    def counterparts(self, piece: Piece, line: int, groups: set[int]) -> list[tuple[Piece, int]]:
        """What a line of an old piece is among the new ones; ``groups`` bounds the search."""
        own = self._own.get((_key(piece), line)) or _line_key(self._index, piece, line)
        same = self._new.get(own)
        if same:
            # The k-th of equal lines stays the k-th, within its function where that is there.
            where = (own, piece[0].name)
            pairs = self._pairs.get(where)
            if pairs is None:
                near = [p for p in same if p[0][0].name == piece[0].name] or same
                mine = [p for p in self._old[own] if p[0][0].name == piece[0].name]
                pairs = self._pairs[where] = {
                    (_key(old), at): near[min(rank, len(near) - 1)]
                    for rank, (old, at) in enumerate(mine)
                }
            return [pairs[_key(piece), line]]
        name = op_name(own[0])
        known = self._answers.get((own[1], name))
        if known is None:
            known = self._answers[own[1], name] = self._successors(own[1], name, groups)
        return known

    def _successors(self, group: int, name: str, groups: set[int]) -> list[tuple[Piece, int]]:
        """The new lines that an op of this name and group became."""
        atoms = self._index.atoms_near(group)
        found = [
            (place, at, key)
            for place, at, key in self._fresh
            if key[1] in groups and not atoms.isdisjoint(self._index.groups[key[1]])
        ]
        for rule in (
            [f for f in found if f[2][1] == group and op_name(f[2][0]) == name],
            [f for f in found if f[2][1] == group],
            found,
        ):
            if rule:
                return [(place, at) for place, at, _ in rule]
        return []


def _line_key(index: ProvenanceIndex, piece: Piece, line: int) -> _LineKey:
    return nameless(own_lines(piece)[line]), index.lines(piece)[line]


def _by_key(
    index: ProvenanceIndex, pieces: Iterable[Piece]
) -> dict[_LineKey, list[tuple[Piece, int]]]:
    found: dict[_LineKey, list[tuple[Piece, int]]] = {}
    for piece in pieces:
        for number, (text, group) in enumerate(
            zip(own_lines(piece), index.lines(piece), strict=True)
        ):
            if group:
                found.setdefault((nameless(text), group), []).append((piece, number))
    return found
