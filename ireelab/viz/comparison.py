"""What every comparison of models is made of: quantities beside each other, in tables of parts."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from ireelab.viz.text_table import html_table, text_table

Value = int | float | None
_T = TypeVar("_T")

_MOST_ROWS = 60


@dataclass(frozen=True, slots=True)
class Quantity:
    """One measure of all sides; None where a side has no such thing, or its value is unknown."""

    name: str
    unit: str  # "B", "ns", "bit", or "" for a count
    values: tuple[Value, ...]

    @property
    def same(self) -> bool:
        """Whether all sides agree."""
        return len(set(self.values)) == 1

    @property
    def ratios(self) -> tuple[float | None, ...]:
        """Each further side over the first; None where that says nothing."""
        first, *others = self.values
        return tuple(None if value is None or not first else value / first for value in others)

    def to_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "unit": self.unit,
            "values": list(self.values),
            "ratios": list(self.ratios),
        }

    def __str__(self) -> str:
        first, *others = (shown(value, self.unit) for value in self.values)
        ratios = ("" if ratio is None else f" ({ratio:.2f})" for ratio in self.ratios)
        further = (f"{value}{ratio}" for value, ratio in zip(others, ratios, strict=True))
        return f"{self.name}: {', '.join((first, *further))}"


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that the sides have, or some of them: a kernel, a slab, a command buffer.

    ``refs`` says where it stands in each side's model, None where a side has none.
    """

    name: str
    refs: tuple[int | str | None, ...]
    quantities: tuple[Quantity, ...]

    @property
    def same(self) -> bool:
        """Whether all sides have it, and it is the same in all."""
        return None not in self.refs and all(quantity.same for quantity in self.quantities)

    def to_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "refs": list(self.refs),
            "same": self.same,
            "quantities": [quantity.to_json() for quantity in self.quantities],
        }


@dataclass(frozen=True, slots=True)
class PartTable:
    """Parts of one kind. ``listed`` is False where text leaves them out: there are too many."""

    title: str
    parts: tuple[Part, ...]
    listed: bool = True

    def to_json(self) -> dict[str, object]:
        return {"title": self.title, "parts": [part.to_json() for part in self.parts]}


@dataclass(frozen=True)
class Comparison:
    """Two or more models of one kind beside each other; others are held against the first."""

    kind: str
    labels: tuple[str, ...]
    totals: tuple[Quantity, ...]
    tables: tuple[PartTable, ...]
    models: tuple[object, ...] = field(default=(), compare=False, repr=False)

    def __getitem__(self, name: str) -> Quantity:
        """A total by name."""
        for quantity in self.totals:
            if quantity.name == name:
                return quantity
        known = ", ".join(quantity.name for quantity in self.totals)
        raise KeyError(f"a comparison of {self.kind} has no total {name!r}; it has: {known}")

    def table(self, title: str) -> PartTable:
        """A table by its title."""
        for table in self.tables:
            if table.title == title:
                return table
        known = ", ".join(table.title for table in self.tables)
        raise KeyError(f"a comparison of {self.kind} has no table {title!r}; it has: {known}")

    @property
    def same(self) -> bool:
        """Whether no number differs."""
        parts = (part for table in self.tables for part in table.parts)
        return all(q.same for q in self.totals) and all(part.same for part in parts)

    def to_json(self) -> dict[str, object]:
        """See ``docs/json.md``."""
        return {
            "kind": self.kind,
            "labels": list(self.labels),
            "same": self.same,
            "totals": [quantity.to_json() for quantity in self.totals],
            "tables": [table.to_json() for table in self.tables],
        }

    def __str__(self) -> str:
        rows = [_cells(quantity) for quantity in self.totals]
        headings = (self.kind, *_headings(self.labels))
        blocks = [text_table(headings, rows, right=range(1, len(headings)))]
        for table in self.tables:
            if table.listed:
                blocks.append("\n".join(self._lines(table)))
        return "\n\n".join(blocks)

    __repr__ = __str__

    def to_html(self) -> str:
        """Tables that take their colours from the page."""
        headings = ("", *_headings(self.labels))
        numbers = range(1, len(headings))
        blocks = [html_table(self.kind, headings, [_cells(q) for q in self.totals], right=numbers)]
        for table in self.tables:
            rows = list(_differences(table))[:_MOST_ROWS]
            if table.listed and rows:
                caption = f"{table.title}: {_said(table)}"
                right = range(2, len(headings) + 1)
                blocks.append(html_table(caption, (table.title, *headings), rows, right=right))
        return "".join(blocks)

    _repr_html_ = to_html

    def _lines(self, table: PartTable) -> Iterator[str]:
        yield f"{table.title}: {_said(table)}"
        rows = list(_differences(table))
        if rows:
            headings = (table.title, "", *_headings(self.labels))
            yield text_table(headings, rows[:_MOST_ROWS], right=range(2, len(headings)))
        if len(rows) > _MOST_ROWS:
            yield f"... and {len(rows) - _MOST_ROWS} more"


def pair_up(sides: Sequence[Sequence[Hashable]]) -> list[tuple[int | None, ...]]:
    """Positions of the same key in each side: the nth there with the nth here, in order of place.

    Keys that the first side lacks follow at the end, in the order of the side that has them.

    >>> pair_up([["a", "b", "b"], ["b", "a", "c"]])
    [(0, 1), (1, 0), (2, None), (None, 2)]
    """
    rows: dict[tuple[Hashable, int], list[int | None]] = {}
    for side, keys in enumerate(sides):
        seen: dict[Hashable, int] = {}
        for position, key in enumerate(keys):
            nth = seen[key] = seen.get(key, -1) + 1
            rows.setdefault((key, nth), [None] * len(sides))[side] = position
    return [tuple(row) for row in rows.values()]


def members(sides: Sequence[Sequence[_T]], row: Sequence[int | None]) -> list[_T | None]:
    """What a row of ``pair_up`` stands for, per side."""
    return [None if at is None else side[at] for side, at in zip(sides, row, strict=True)]


def first_of(items: Sequence[_T | None]) -> _T:
    """The first side's that has one; a row always has one."""
    return next(item for item in items if item is not None)


def quantity(name: str, unit: str, values: Sequence[Value]) -> Quantity:
    """One measure, from any sequence."""
    return Quantity(name, unit, tuple(values))


def shown(value: Value, unit: str) -> str:
    """A value with its unit; times in microseconds."""
    if value is None:
        return "-"
    if unit == "ns":
        return f"{value / 1e3:,.1f} µs"
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"
    return f"{text} {unit}" if unit else text


def _headings(labels: Sequence[str]) -> tuple[str, ...]:
    return (*labels, *(f"{label}/{labels[0]}" for label in labels[1:]))


def _cells(quantity: Quantity) -> tuple[str, ...]:
    values = (shown(value, quantity.unit) for value in quantity.values)
    ratios = ("" if ratio is None else f"{ratio:.2f}" for ratio in quantity.ratios)
    return (quantity.name, *values, *ratios)


def _differences(table: PartTable) -> Iterator[tuple[str, ...]]:
    for part in table.parts:
        for quantity in part.quantities:
            if not quantity.same:
                yield part.name, *_cells(quantity)


def _said(table: PartTable) -> str:
    same = sum(part.same for part in table.parts)
    return f"{same} of {len(table.parts)} the same"
