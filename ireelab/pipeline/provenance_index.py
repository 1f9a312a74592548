"""Where every op came from: a compilation repeated with its locations printed, as an index.

Snapshots are printed without locations, for they would double a trace. The first question about
provenance compiles the same source once more with ``--mlir-print-debuginfo``; compilation is
deterministic, so that the steps pair one to one, which is verified text by text. The source goes
in without locations of its own: the parser then gives each op the unique place where it stands
in the text, and what a frontend wrote there (Python lines) is looked up afterwards.

An *atom* is one op of the source as seen through the calls that were inlined: a chain of source
ops, the callee first. A *group* is the set of atoms in one op's location; every line of every
snapshot has a group, 0 where it comes from no op of the source.
"""

from __future__ import annotations

import hashlib
import re
import threading
from array import array
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from ireelab.errors import ProvenanceUnavailable
from ireelab.pipeline.locations import (
    Chain,
    location_aliases,
    parse_location,
    split_location,
)
from ireelab.pipeline.provenance_absorb import absorbed_atoms
from ireelab.pipeline.provenance_walk import Piece, modules_of

if TYPE_CHECKING:
    from ireelab.pipeline.snapshot import Node
    from ireelab.pipeline.trace import Trace

_FUNCTION = re.compile(r'^\s*"?(?:builtin\.)?(?:module|[\w.]*(?:func|executable|initializer))\b')
_ALIAS_LINE = re.compile(r"^#loc\d* = loc\(.*\)$")
# A kernel's argument is located where its value comes from: another kernel's work, or nobody's.
_ARGUMENT = re.compile(r"\s*%\S+ = (?:stream\.binding|hal\.interface\.binding)\.subspan\b")
_BINARY = re.compile(r"(?<=dense_resource<__elided__> : )vector<\d+xi8>")
"""The size of a machine-code binary; it holds the path of the source, which is another."""

_PACKAGE = f"{Path(__file__).parents[1]}/"
_FLAG = "--mlir-print-debuginfo"
_CLOSING = frozenset("}])")
_AFTER_STREAM = ("executable", "hal", "vm")
_KEPT = 4


@dataclass(frozen=True, slots=True)
class SourceOp:
    """One op of the source text; ``origins`` are the places its own location names.

    A chain of ``origins`` begins at the innermost frame: the line of the model that made the op,
    then the lines that called it.
    """

    line: int  # from 1
    column: int  # from 1
    text: str
    origins: tuple[Chain, ...]

    def to_json(self) -> dict[str, object]:
        return {
            "line": self.line,
            "column": self.column,
            "text": self.text,
            "origins": [
                [
                    {"file": f.file, "line": f.line, "column": f.column, "name": f.name}
                    for f in chain
                ]
                for chain in self.origins
            ],
        }


class ProvenanceIndex:
    """Groups of all lines of a trace. Read-only once built."""

    def __init__(self, trace: Trace, located: Trace, name: str) -> None:
        """``located`` is the same compilation with locations, of a source called ``name``.

        Raises:
            ProvenanceUnavailable: the two differ in more than locations.
        """
        self.sources: list[SourceOp] = []
        self.atoms: list[tuple[int, ...]] = []
        self.groups: list[tuple[int, ...]] = [()]
        self._lines: dict[tuple[bytes, bool], array[int]] = {}
        self._reader = _LocationReader(self, trace.source, name)
        self._functions = self._reader.functions
        self._pair_all(trace, located)
        self.related = _related(self.atoms)
        self._relate_absorbed(trace)

    def lines(self, piece: Piece) -> array[int]:
        """The group of each own line of a node."""
        return self._lines[piece[0].digest, piece[1]]

    def atoms_near(self, group: int) -> set[int]:
        """The atoms of a group, with those that are related to them."""
        return self.near(set(self.groups[group]))

    def near(self, atoms: set[int]) -> set[int]:
        """Atoms with those that differ only by calls, were folded into them, or the reverse."""
        return atoms.union(*(self.related.get(atom, ()) for atom in atoms))

    def atoms_at(self, source_line: int) -> set[int]:
        """The atoms of the ops that stand on a line of the source, seen through any calls."""
        at = {i for i, op in enumerate(self.sources) if op.line == source_line}
        return {number for number, atom in enumerate(self.atoms) if at.intersection(atom)}

    def ops_among(self, atoms: set[int]) -> set[int]:
        """Without the atoms that stand for a whole function."""
        return {a for a in atoms if self.sources[self.atoms[a][0]].line not in self._functions}

    def groups_touching(self, atoms: set[int]) -> set[int]:
        """The groups with any of these atoms."""
        return {number for number, group in enumerate(self.groups) if not atoms.isdisjoint(group)}

    def sources_of(self, atoms: set[int]) -> tuple[SourceOp, ...]:
        """The ops of the source behind atoms, calls included, in the order of the text."""
        numbers = {source for atom in atoms for source in self.atoms[atom]}
        return tuple(
            sorted((self.sources[n] for n in numbers), key=lambda op: (op.line, op.column))
        )

    def _relate_absorbed(self, trace: Trace) -> None:
        # Later, whole kernels leave the module for machine code: that folds nothing.
        modules = [
            module
            for step, module in modules_of(trace)
            if step < 0 or trace.steps[step].phase not in _AFTER_STREAM
        ]
        lost = absorbed_atoms(modules, lambda piece, line: self.groups[self.lines(piece)[line]])
        for atom, heirs in lost.items():
            for heir in self.ops_among(heirs):
                self.related.setdefault(atom, set()).add(heir)
                self.related.setdefault(heir, set()).add(atom)

    def _pair_all(self, trace: Trace, located: Trace) -> None:
        if [step.name for step in trace.steps] != [step.name for step in located.steps]:
            raise ProvenanceUnavailable(
                f"{trace.name}: compiled again it took other steps "
                f"({len(trace.steps)} before, {len(located.steps)} now); "
                "was it a different IREE, or a pipeline of your own?"
            )
        done: set[tuple[bytes, bytes]] = set()
        if trace.initial is not None and located.initial is not None:
            self._pair(trace.initial, located.initial, done)
        for plain, with_locations in zip(trace.snapshots, located.snapshots, strict=True):
            for a, b in (
                (plain.before, with_locations.before),
                (plain.after, with_locations.after),
                (plain.module, with_locations.module),
            ):
                self._pair(a, b, done)

    def _pair(self, plain: Node, located: Node, done: set[tuple[bytes, bytes]]) -> None:
        key = (plain.digest, located.digest)
        if key in done:
            return
        done.add(key)
        if len(plain.children) != len(located.children):
            raise _differs(plain)
        texts, groups = self._reader.read(f"{located.head}\n{located.tail}", located.symbol)
        head_lines = plain.head.count("\n") + 1
        text, expected = "\n".join(texts), f"{plain.head}\n{plain.tail}"
        if text != expected and _BINARY.sub("", text) != _BINARY.sub("", expected):
            raise _differs(plain)
        self._add((plain.digest, False), groups[:head_lines])
        self._add((plain.digest, True), groups[head_lines:])
        for a, b in zip(plain.children, located.children, strict=True):
            self._pair(a, b, done)

    def _add(self, key: tuple[bytes, bool], groups: array[int]) -> None:
        known = self._lines.get(key)
        if known is None:
            self._lines[key] = groups
        elif known != groups:  # One text with two histories, such as twins without a name.
            self._lines[key] = array(
                "I", (self._reader.union(a, b) for a, b in zip(known, groups, strict=True))
            )


def _differs(node: Node) -> ProvenanceUnavailable:
    return ProvenanceUnavailable(
        f"{node.name} reads otherwise when compiled again; "
        "was it a different IREE, or a pipeline of your own?"
    )


class _LocationReader:
    """Located text -> plain lines and their groups, each distinct location parsed once."""

    def __init__(self, index: ProvenanceIndex, source: str, name: str) -> None:
        self._index = index
        self._name = name
        self._source = source.splitlines()
        self._aliases = location_aliases(source)
        self.functions = {n for n, text in enumerate(self._source, 1) if _FUNCTION.match(text)}
        self._by_text: dict[str, int] = {}
        self._inferred: dict[str, set[int]] = {}
        self._source_ids: dict[tuple[int, int], int] = {}
        self._atom_ids: dict[tuple[int, ...], int] = {}
        self._group_ids: dict[tuple[int, ...], int] = {(): 0}

    def read(self, text: str, symbol: str) -> tuple[list[str], array[int]]:
        """The lines without locations. An op that spans lines has its group on each of them.

        MLIR gives the scalar ops of a named linalg op, and what they are lowered to, unknown
        locations: they belong to the op that holds them, later to what their function,
        ``symbol``, had of the kind.
        """
        lines: list[str] = []
        groups = array("I")
        open_at: dict[int, list[int]] = {}  # indentation -> the lines that wait for a location
        orphans: list[int] = []
        for number, located in enumerate(text.split("\n")):
            line, group, bare = self._line(located)
            lines.append(line)
            groups.append(0 if _ARGUMENT.match(line) else group)
            indent = len(line) - len(line.lstrip(" "))
            if bare:
                open_at.setdefault(indent, []).append(number)
            elif line[indent : indent + 1] in _CLOSING:
                opener = open_at.get(indent, [number])[0]
                for waiting in [depth for depth in open_at if depth >= indent]:
                    for inner in open_at.pop(waiting):
                        groups[inner] = group
                held = self._index.ops_among(set(self._index.groups[group]))
                while held and orphans and orphans[-1] > opener:
                    groups[orphans.pop()] = group
                    self._inferred.setdefault(symbol, set()).update(held)
            elif "unknown" in located[len(line) :]:
                orphans.append(number)
        atoms = self._inferred.get(symbol)
        for number in orphans if atoms else ():
            groups[number] = self._numbered(atoms or set())
        return lines, groups

    def _line(self, located: str) -> tuple[str, int, bool]:
        """The line, its group, and whether it ends without a location."""
        at = located.rfind(" loc(")
        if at < 0:
            return located, 0, True
        group = self._by_text.get(located[at + 5 : -1])
        if group is not None and " loc(" not in located[:at]:
            return located[:at], group, False
        line, own = split_location(located)
        if not own:
            return line, 0, True
        group = self._by_text.get(own)
        if group is None:
            group = self._by_text[own] = self._group(own)
        return line, group, False

    def union(self, a: int, b: int) -> int:
        """The group with the atoms of both."""
        return a if a == b else self._numbered({*self._index.groups[a], *self._index.groups[b]})

    def _group(self, location: str) -> int:
        atoms = {self._atom(chain) for chain in parse_location(location)}
        return self._numbered({atom for atom in atoms if atom is not None})

    def _numbered(self, atoms: set[int]) -> int:
        key = tuple(sorted(atoms))
        number = self._group_ids.setdefault(key, len(self._index.groups))
        if number == len(self._index.groups):
            self._index.groups.append(key)
        return number

    def _atom(self, chain: Chain) -> int | None:
        """Callers that are functions, as IREE's wrappers of exports have, say nothing."""
        places = [(f.line, f.column) for f in chain if f.file == self._name and f.line]
        while len(places) > 1 and places[-1][0] in self.functions:
            places.pop()
        if not places:
            return None
        key = tuple(self._source_id(place) for place in places)
        number = self._atom_ids.setdefault(key, len(self._index.atoms))
        if number == len(self._index.atoms):
            self._index.atoms.append(key)
        return number

    def _source_id(self, place: tuple[int, int]) -> int:
        sources = self._index.sources
        number = self._source_ids.setdefault(place, len(sources))
        if number == len(sources):
            text = self._source[place[0] - 1] if place[0] <= len(self._source) else ""
            line, own = split_location(text)
            found = parse_location(own, self._aliases) if own else ()
            origins = tuple(chain for chain in map(_outside, found) if chain)
            sources.append(SourceOp(*place, line.strip(), origins))
        return number


def _outside(chain: Chain) -> Chain:
    """The frames below ireelab's own, which called the function that was traced."""
    return tuple(takewhile(lambda frame: not frame.file.startswith(_PACKAGE), chain))


def _related(atoms: list[tuple[int, ...]]) -> dict[int, set[int]]:
    """Atoms of which one is a part of the other's chain, both ways."""
    numbers = {atom: number for number, atom in enumerate(atoms)}
    related: dict[int, set[int]] = {}
    for number, atom in enumerate(atoms):
        for part in _parts(atom):
            other = numbers.get(part)
            if other is not None:
                related.setdefault(number, set()).add(other)
                related.setdefault(other, set()).add(number)
    return related


def _parts(atom: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    for start in range(len(atom)):
        for stop in range(start + 1, len(atom) + 1):
            if stop - start < len(atom):
                yield atom[start:stop]


_indexes: OrderedDict[bytes, ProvenanceIndex] = OrderedDict()
_lock = threading.Lock()


def provenance_index(trace: Trace) -> ProvenanceIndex:
    """The index of a trace; the first call compiles its source again, the newest few are kept.

    Raises:
        ProvenanceUnavailable: the source is not text, or it compiles differently now.
    """
    key = _key(trace)
    with _lock:
        index = _indexes.get(key)
        if index is None:
            index = _indexes[key] = _build(trace)
            while len(_indexes) > _KEPT:
                _indexes.popitem(last=False)
        _indexes.move_to_end(key)
        return index


def _key(trace: Trace) -> bytes:
    hasher = hashlib.blake2b(digest_size=16)
    for part in (trace.source, repr((trace.target, trace.pipeline, trace.until, trace.flags))):
        hasher.update(part.encode())
    for snapshot in trace.snapshots:
        hasher.update(snapshot.module.digest)
    return hasher.digest()


def _build(trace: Trace) -> ProvenanceIndex:
    from ireelab.errors import CompileError
    from ireelab.pipeline.compile import compile_again

    name = f"{trace.name}.mlir"  # IREE names linked executables after the file.
    source = "\n".join(_without_locations(trace.source))
    try:
        located = compile_again(trace, source, name, (*trace.flags, _FLAG))
    except CompileError as error:
        # What failed the first time fails again: the steps until then are what can be asked about.
        if error.trace is None or trace.complete:
            raise ProvenanceUnavailable(
                f"{trace.name} does not compile again, with locations: {error}"
            ) from error
        located = error.trace
    return ProvenanceIndex(trace, located, name)


def _without_locations(source: str) -> Iterator[str]:
    """The lines of a source, none lost, without the locations a frontend wrote."""
    if source.startswith("//") and "MLIR bytecode" in source.split("\n", 1)[0]:
        raise ProvenanceUnavailable(
            "provenance needs the source as text; convert the bytecode with `iree-opt FILE`"
        )
    for line in source.splitlines():
        yield "" if _ALIAS_LINE.match(line) else split_location(line)[0]
