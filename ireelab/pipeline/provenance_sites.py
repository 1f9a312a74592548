"""Where kernels are dispatched, and which source ops they were made of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ireelab.pipeline.provenance_index import ProvenanceIndex
from ireelab.pipeline.provenance_walk import Module, own_lines

if TYPE_CHECKING:
    from ireelab.pipeline.trace import Trace

_SITE = re.compile(r"\b(?:flow|stream\.async|stream\.cmd)\.dispatch\b[^@]*@([\w$.-]+)::")
_ENTRY = re.compile(r"@([\w$.-]+)(?:::@[\w$.-]+)*::@([\w$.-]+)")
_LOWERED_SITE = re.compile(r"\bhal\.command_buffer\.dispatch\b")


class DispatchSites:
    """Where kernels are dispatched: by symbol until the end of stream, by location after it."""

    def __init__(
        self, index: ProvenanceIndex, trace: Trace, modules: Sequence[tuple[int, Module]]
    ) -> None:
        self._index = index
        self._last: dict[str, tuple[int, Module]] = {}
        for number, module in modules:
            if number >= 0:
                self._last[trace.steps[number].phase] = number, module
        self._by_entry: dict[tuple[str, str], set[int]] = {}
        self._lines: dict[tuple[str, str], list[tuple[int, int]]] = {}
        for phase in ("flow", "stream"):
            if phase in self._last:
                self._read(*self._last[phase])
        self.kernels = {kernel for _, kernel in self._by_entry}

    def _read(self, number: int, module: Module) -> None:
        self._by_entry.clear()
        self._lines.clear()
        for piece, first, _ in module.pieces:
            groups = self._index.lines(piece)
            for line, text in enumerate(own_lines(piece)):
                for entry in _entries(text):
                    atoms = self._by_entry.setdefault(entry, set())
                    atoms.update(self._index.groups[groups[line]])
                    self._lines.setdefault(entry, []).append((number, first + line + 1))

    def entries_of(self, text: str, atoms: set[int]) -> set[tuple[str, str]]:
        """What a line dispatches, if it does: (executable, kernel)."""
        entries = set(_entries(text))
        if not entries and _LOWERED_SITE.search(text):
            entries = {e for e, own in self._by_entry.items() if not atoms.isdisjoint(own)}
        return entries

    def atoms_inside(self, entries: set[tuple[str, str]]) -> set[int]:
        """The source ops that kernels were made of."""
        atoms: set[int] = set()
        for phase in ("stream", "flow"):
            if phase not in self._last:
                continue
            for piece, _, path in self._last[phase][1].pieces:
                symbols = {node.symbol for node in path}
                if any(exe in symbols and kernel in symbols for exe, kernel in entries):
                    for group in self._index.lines(piece):
                        atoms.update(self._index.groups[group])
            break
        return self._index.ops_among(atoms)

    def site_atoms(self, entry: tuple[str, str]) -> set[int]:
        """The source ops that the ops dispatching an entry point are located at."""
        return self._by_entry[entry]

    def dispatched_for(self, atoms: set[int]) -> set[str]:
        """The kernels that are dispatched by ops located at any of these."""
        return {kernel for (_, kernel), own in self._by_entry.items() if not atoms.isdisjoint(own)}

    def entry_points(self, kernels: set[str]) -> tuple[tuple[str, str], ...]:
        """(executable, kernel) of kernels, in the order in which they are dispatched."""
        return tuple(entry for entry in self._by_entry if entry[1] in kernels)

    def dispatches(self, entries: Sequence[tuple[str, str]]) -> tuple[tuple[int, int], ...]:
        """The dispatching lines in the last step of stream, of hal and of vm."""
        found = [ref for entry in entries for ref in self._lines[entry]]
        atoms = {atom for entry in entries for atom in self._by_entry[entry]}
        for phase in ("hal", "vm"):
            if phase not in self._last:
                continue
            number, module = self._last[phase]
            for piece, first, _ in module.pieces:
                groups = self._index.lines(piece)
                found.extend(
                    (number, first + line + 1)
                    for line, text in enumerate(own_lines(piece))
                    if groups[line]
                    and _LOWERED_SITE.search(text)
                    and not atoms.isdisjoint(self._index.groups[groups[line]])
                )
        return tuple(sorted(set(found)))


def _entries(text: str) -> Iterator[tuple[str, str]]:
    site = _SITE.search(text)
    if site:
        yield from ((match[1], match[2]) for match in _ENTRY.finditer(text, site.start(1) - 1))
