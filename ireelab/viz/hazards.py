"""Data dependence between commands, exact to the byte where sizes are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ireelab.viz.access import Access, ByteRange, Overlap


@dataclass(frozen=True, slots=True)
class Hazard:
    """Two commands that must not run at once or in the other order.

    ``first`` and ``second`` are positions in the list the hazards were found in. The bytes are
    those both touch, None where they are known only at run time. ``exact`` is False where the
    two may turn out not to overlap: it is then assumed that they do.
    """

    kind: str  # "RAW", "WAR" or "WAW"
    first: int
    second: int
    resource: str
    offset_bytes: int | None
    length_bytes: int | None
    exact: bool

    def to_json(self) -> dict[str, object]:
        """The fields by name, ``first`` and ``second`` as ``from`` and ``to``."""
        return {
            "kind": self.kind,
            "from": self.first,
            "to": self.second,
            "resource": self.resource,
            "offset_bytes": self.offset_bytes,
            "length_bytes": self.length_bytes,
            "exact": self.exact,
        }

    def __str__(self) -> str:
        sure = "" if self.exact else " (may overlap)"
        where = (
            "" if self.offset_bytes is None else f"[{self.offset_bytes} for {self.length_bytes}]"
        )
        return f"{self.kind} {self.first} -> {self.second} on {self.resource}{where}{sure}"


def find_hazards(commands: Sequence[Sequence[Access]]) -> tuple[Hazard, ...]:
    """The hazards of commands that run in this order.

    Each byte is followed back to its last writer and the reads since; a write hides what came
    before it. Any placement of barriers (or of edges) that orders the hazards found orders the
    hidden ones too. Accesses within one command do not conflict.
    """
    hazards: dict[Hazard, None] = {}
    history: dict[str, list[tuple[int, list[Access]]]] = {}
    written: set[str] = set()
    for position, accesses in enumerate(commands):
        touched: dict[str, list[Access]] = {}
        for access in accesses:
            touched.setdefault(access.resource, []).append(access)
            if access.writes or access.resource in written:
                before = history.get(access.resource, [])
                hazards.update(dict.fromkeys(_looking_back(position, access, before)))
        for resource, uses in touched.items():
            history.setdefault(resource, []).append((position, uses))
            if any(use.writes for use in uses):
                written.add(resource)
    return tuple(hazards)


def _looking_back(
    position: int, access: Access, before: Sequence[tuple[int, list[Access]]]
) -> Iterator[Hazard]:
    """Hazards of one access with earlier commands, latest first, until a write hides the rest."""
    open_ranges: tuple[ByteRange, ...] = (access.range,)
    for earlier, uses in reversed(before):
        hiding: list[ByteRange] = []
        for use in uses:
            kinds = _kinds(use, access)
            if not kinds:
                continue
            for part in open_ranges:
                overlap = use.range.overlap(part)
                if overlap is Overlap.NONE:
                    continue
                yield from _hazards(kinds, earlier, position, use, part, overlap)
                if use.writes:
                    hiding.append(use.range)
        for written in hiding:
            open_ranges = tuple(left for part in open_ranges for left in part.minus(written))
        if not open_ranges:
            return


def _kinds(first: Access, second: Access) -> tuple[str, ...]:
    kinds = (
        ("RAW", first.writes and second.reads),
        ("WAR", first.reads and second.writes),
        ("WAW", first.writes and second.writes),
    )
    return tuple(kind for kind, holds in kinds if holds)


def _hazards(
    kinds: Sequence[str], first: int, second: int, use: Access, part: ByteRange, overlap: Overlap
) -> Iterator[Hazard]:
    mine, theirs = use.range.known, part.known
    offset_bytes: int | None = None
    length_bytes: int | None = None
    if mine and theirs:
        offset_bytes = max(mine[0], theirs[0])
        length_bytes = min(mine[1], theirs[1]) - offset_bytes
    exact = overlap is Overlap.CERTAIN
    for kind in kinds:
        yield Hazard(kind, first, second, use.resource, offset_bytes, length_bytes, exact)
