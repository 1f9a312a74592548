"""What became of source ops that no location names any more: folded, or the twin of another.

A broadcast that is fused into its user, or a transpose that becomes an indexing map, leaves no op
of its own: its users, where it was last seen, stand for it. An op that CSE removes is stood for by
the equal op that stays.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from ireelab.pipeline.provenance_walk import Module, Piece, PieceKey, own_lines

_DEFINES = re.compile(r"^\s*((?:%[\w$.#-]+(?::\d+)?(?:, )?)+) = (.*)$")
_VALUE = re.compile(r"%[\w$.-]+")

Atoms = Callable[[Piece, int], Sequence[int]]
"""The atoms of a line of a piece."""


def absorbed_atoms(modules: Sequence[Module], atoms_of: Atoms) -> dict[int, set[int]]:
    """For each atom that some step loses, the atoms that stand for it from there on."""
    found: dict[int, set[int]] = {}
    present: Counter[int] = Counter()
    known: dict[PieceKey, frozenset[int]] = {}

    def atoms_in(key: PieceKey, piece: Piece) -> frozenset[int]:
        if key not in known:
            lines = range(len(own_lines(piece)))
            known[key] = frozenset(atom for line in lines for atom in atoms_of(piece, line))
        return known[key]

    old = Module(modules[0].root) if modules else None
    for key, (piece, _, _) in old.by_key.items() if old else ():
        present.update(atoms_in(key, piece))
    for new in modules[1:]:
        assert old is not None
        gone = [(key, entry[0]) for key, entry in old.by_key.items() if key not in new.by_key]
        for key, (piece, _, _) in new.by_key.items():
            if key not in old.by_key:
                present.update(atoms_in(key, piece))
        for key, piece in gone:
            present.subtract(atoms_in(key, piece))
        for key, piece in gone:
            lost = {atom for atom in atoms_in(key, piece) if present[atom] <= 0}
            if lost:
                for atom, heirs in _heirs(piece, lost, atoms_of):
                    found.setdefault(atom, set()).update(heirs)
        old = new
    return {atom: closed for atom in found if (closed := _closure(atom, found))}


def _heirs(piece: Piece, lost: set[int], atoms_of: Atoms) -> Iterator[tuple[int, set[int]]]:
    """(lost atom, atoms of the op equal to it, else of its users) within one piece."""
    lines = own_lines(piece)
    users: dict[str, list[int]] = {}
    equals: dict[str, list[int]] = {}
    for number, line in enumerate(lines):
        definition = _DEFINES.match(line)
        right = definition[2] if definition else line
        equals.setdefault(right, []).append(number)
        for value in _VALUE.findall(right):
            users.setdefault(value, []).append(number)
    for number, line in enumerate(lines):
        mine = lost.intersection(atoms_of(piece, number))
        definition = _DEFINES.match(line) if mine else None
        if definition is None:
            continue
        twins = [n for n in equals[definition[2]] if lost.isdisjoint(atoms_of(piece, n))]
        near = twins or [n for v in _VALUE.findall(definition[1]) for n in users.get(v, ())]
        heirs = {atom for n in near for atom in atoms_of(piece, n)} - mine
        for atom in mine:
            yield atom, heirs


def _closure(atom: int, found: dict[int, set[int]]) -> set[int]:
    seen: set[int] = set()
    pending = [atom]
    while pending:
        for heir in found.get(pending.pop(), ()):
            if heir not in seen and heir != atom:
                seen.add(heir)
                pending.append(heir)
    return seen
