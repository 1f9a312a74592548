"""The debug database of a module: which source positions an instruction came from."""

from __future__ import annotations

import struct
from bisect import bisect_right
from functools import lru_cache

from ireelab.vm.flatbuffer import Table

_CALL_SITE, _FILE, _FUSED, _NAME = 1, 2, 3, 4
_COUNT_LIMIT = 64  # positions of one instruction; deeper nesting than this helps nobody


class DebugDatabase:
    """Function names and locations, decoded where asked for.

    ``names`` holds the name of each function in the module it was compiled from ("" where
    unknown); these are unreliable for internal functions.
    """

    def __init__(self, table: Table, function_count: int) -> None:
        # A union takes two slots (its types, then its values), hence functions are field 2.
        self._kinds = bytes(table.vector(0, 1))
        self._locations = table.tables(1, "debug location")
        functions = table.tables(2, "debug function")
        # iree-compile 3.13 stores every function's map under the same ordinal, so that only the
        # last function's survives, as the only entry.
        first = function_count - 1 if len(functions) == 1 else 0
        self.names = {first + i: f.string(0) for i, f in enumerate(functions)}
        self._maps: dict[int, list[tuple[int, int]]] = {
            first + i: [(a, b) for a, b in struct.iter_unpack("<ii", f.vector(1, 8))]
            for i, f in enumerate(functions)
        }
        self.locations = lru_cache(maxsize=4096)(self._find)

    def location(self, function: int, pc: int) -> str:
        """The first source position of an instruction as ``file:line:column``, or ""."""
        found = self.locations(function, pc)
        return found[0] if found else ""

    def _find(self, function: int, pc: int) -> tuple[str, ...]:
        """All source positions of the instruction at byte ``pc`` of a function."""
        source_map = self._maps.get(function, [])
        row = bisect_right(source_map, pc, key=lambda entry: entry[0]) - 1
        if row < 0:
            return ()
        return tuple(dict.fromkeys(self._positions(source_map[row][1])))

    def _positions(self, root: int) -> list[str]:
        """File positions below one location, outermost first."""
        out: list[str] = []
        pending = [root]
        seen: set[int] = set()  # a corrupt table can form a cycle
        while pending and len(out) < _COUNT_LIMIT:
            index = pending.pop()
            if index in seen or not 0 <= index < min(len(self._locations), len(self._kinds)):
                continue
            seen.add(index)
            kind, table = self._kinds[index], self._locations[index]
            if kind == _FILE:
                out.append(f"{table.string(0)}:{table.scalar(1, 'i')}:{table.scalar(2, 'i')}")
            elif kind == _FUSED:
                children = table.vector(1, 4)[: 4 * _COUNT_LIMIT]
                pending.extend(c for (c,) in reversed(list(struct.iter_unpack("<i", children))))
            elif kind == _CALL_SITE:
                pending.extend((table.scalar(1, "i"), table.scalar(0, "i")))  # the callee first
            elif kind == _NAME:
                pending.append(table.scalar(1, "i"))
        return out
