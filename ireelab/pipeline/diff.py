"""What differs between two snapshots: changed ops only, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ireelab.pipeline.line_match import changes
from ireelab.pipeline.snapshot import Node

_SSA = re.compile(r"%[\w$.#-]+")


@dataclass(frozen=True, slots=True)
class OpDiff:
    """One op that differs. ``lines`` are unified-diff lines, each with its mark in column 0."""

    op: str  # "util.func @main"
    lines: tuple[str, ...]

    @property
    def added(self) -> int:
        """Lines only in the second snapshot."""
        return sum(line.startswith("+") for line in self.lines)

    @property
    def removed(self) -> int:
        """Lines only in the first snapshot."""
        return sum(line.startswith("-") for line in self.lines)


@dataclass(frozen=True, slots=True)
class IRDiff:
    """Two snapshots compared; falsy when they are equal. ``str`` gives a unified diff."""

    before: str
    after: str
    ops: tuple[OpDiff, ...]

    def __bool__(self) -> bool:
        return bool(self.ops)

    def __str__(self) -> str:
        if not self.ops:
            return f"{self.before} and {self.after} are equal"
        lines = [f"--- {self.before}", f"+++ {self.after}"]
        for op in self.ops:
            lines.extend((f"@@ {op.op}: +{op.added} -{op.removed} @@", *op.lines))
        return "\n".join(lines)

    __repr__ = __str__


def diff_nodes(a: Node, b: Node, *, before: str, after: str, context: int = 3) -> IRDiff:
    """Compare two snapshots; ops equal on both sides cost nothing.

    Lines are matched with SSA names made equal, so that an inserted op does not mark all that
    follows it as changed; a line that differs in nothing but SSA names counts as equal.
    """
    ops = tuple(
        OpDiff(name, lines)
        for name, old, new in _changed(a, b)
        if (lines := tuple(_unified(old, new, context)))
    )
    return IRDiff(before, after, ops)


def _changed(a: Node, b: Node) -> Iterator[tuple[str, str, str]]:
    """(op, text in a, text in b) of what differs, containers taken apart as far as they pair."""
    if a.digest == b.digest:
        return
    if not (a.children and b.children):
        yield b.name, a.text(), b.text()
        return
    if (a.head, a.tail) != (b.head, b.tail):
        yield b.name, f"{a.head}\n", f"{b.head}\n"
    left, right = _keyed(a), _keyed(b)
    for key, child in left.items():
        if key not in right:
            yield child.name, child.text(), ""
        else:
            yield from _changed(child, right[key])
    for key, child in right.items():
        if key not in left:
            yield child.name, "", child.text()


def _keyed(node: Node) -> dict[tuple[str, int], Node]:
    """Children by name, nameless twins counted."""
    counts: dict[str, int] = {}
    keyed: dict[tuple[str, int], Node] = {}
    for child in node.children:
        number = counts.get(child.name, 0)
        counts[child.name] = number + 1
        keyed[child.name, number] = child
    return keyed


def _unified(old: str, new: str, context: int) -> Iterator[str]:
    """Changed lines, with so many lines around them as they stand in ``new``."""
    old_lines, new_lines = old.splitlines(), new.splitlines()
    shown = 0  # lines of ``new`` that are behind us
    differing = changes(_SSA.sub("%", old).splitlines(), _SSA.sub("%", new).splitlines())
    for number, (i1, i2, j1, j2) in enumerate(differing):
        gap = new_lines[shown:j1]
        if number == 0:
            yield from (f"  {line}" for line in gap[len(gap) - min(len(gap), context) :])
        elif len(gap) > 2 * context:
            yield from (f"  {line}" for line in gap[:context])
            yield "  ..."
            yield from (f"  {line}" for line in gap[len(gap) - context :])
        else:
            yield from (f"  {line}" for line in gap)
        yield from (f"- {line}" for line in old_lines[i1:i2])
        yield from (f"+ {line}" for line in new_lines[j1:j2])
        shown = j2
    if differing:
        yield from (f"  {line}" for line in new_lines[shown : shown + context])
