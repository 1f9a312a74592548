"""What passes count themselves: MLIR's ``--mlir-pass-statistics`` -> the steps they belong to.

MLIR reports at the end of each pass manager, by C++ class, in the order of the pipeline::

    FoldGlobalsPass
      (S) 1 global ops after folding - Number of util.global ops after folding
    'util.func' Pipeline
      CSEPass
        (S) 4 num-cse'd - Number of operations CSE'd

A pass that runs on several ops is reported once: with the sum, or, of passes that assign their
counts as CSE does, with those of the last op. Pipelines that a pass makes while it runs, such as
those of IREE's adaptors and of code generation, are not reported at all. In the lab's file, lines
``=== step N`` stand between the reports of its steps.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby

STEP_MARK = "=== step "

_TITLE = re.compile(r"^=+-* *-*=*$|\.\.\. Pass statistics report \.\.\.")
_PIPELINE = re.compile(r"^'(?P<op>[^']+)' Pipeline$")
_COLLECTION = "Pipeline Collection"  # around the pipelines of several kinds of op
_STATISTIC = re.compile(r"^\(S\) +(?P<value>\d+) (?P<name>.+?) +- (?P<text>.+)$")


@dataclass(frozen=True, slots=True)
class Statistic:
    """One count of a pass. ``runs`` says how many of its runs share it, as MLIR reports it once."""

    name: str
    value: int
    description: str
    runs: int = 1

    def __str__(self) -> str:
        over = f" (one count for {self.runs} runs)" if self.runs > 1 else ""
        return f"{self.value} {self.name}{over}"


@dataclass(slots=True)
class _Entry:
    """A pass of a report, below the op kinds whose pipelines it stands in."""

    path: tuple[str, ...]
    name: str
    statistics: list[Statistic] = field(default_factory=list[Statistic])


@dataclass(frozen=True, slots=True)
class Ran:
    """A step as far as it is needed here: the kinds of ops around its own, its op, its pass."""

    path: tuple[str, ...]
    scope: tuple[str, ...]
    name: str
    stage: int


def statistics_of(text: str, ran: Sequence[Ran]) -> Mapping[int, tuple[Statistic, ...]]:
    """Statistics by position in ``ran``; passes that have none, or cannot be told, are left out."""
    found: dict[int, tuple[Statistic, ...]] = {}
    for stage, entries in _reports(text):
        members = [number for number, step in enumerate(ran) if stage in (-1, step.stage)]
        found.update(_aligned(entries, members, ran))
    return found


def _reports(text: str) -> Iterator[tuple[int, list[_Entry]]]:
    """Each report with the step of the lab that it belongs to, -1 outside the lab."""
    stage = -1
    entries: list[_Entry] = []
    around: list[tuple[int, str]] = []
    for line in text.splitlines():
        if line.startswith(STEP_MARK):
            if entries:
                yield stage, entries
            stage, entries = int(line.removeprefix(STEP_MARK)), []
            continue
        content = line.strip()
        if not content or _TITLE.search(line):
            continue
        depth = len(line) - len(line.lstrip())
        around = [(outer, op) for outer, op in around if outer < depth]
        if match := _STATISTIC.match(content):
            if entries:
                entries[-1].statistics.append(
                    Statistic(match["name"].strip(), int(match["value"]), match["text"])
                )
        elif match := _PIPELINE.match(content):
            around.append((depth, match["op"]))
        elif not content.startswith(_COLLECTION):
            path = tuple(op for _, op in around)
            entries.append(_Entry(path, content.rpartition("::")[2]))
    if entries:
        yield stage, entries


def _aligned(
    entries: Sequence[_Entry], members: Sequence[int], ran: Sequence[Ran]
) -> Iterator[tuple[int, tuple[Statistic, ...]]]:
    """Pair the passes of the module in order; what stands between two pairs belongs together."""
    outer = [number for number in members if not ran[number].path]
    tops = [position for position, entry in enumerate(entries) if not entry.path]
    pairs = _longest(
        [entries[position].name for position in tops], [ran[number].name for number in outer]
    )
    for a, b in pairs:
        if entries[tops[a]].statistics:
            yield outer[b], tuple(entries[tops[a]].statistics)
    ends = [(tops[a], outer[b]) for a, b in pairs]
    beginning = (-1, members[0] - 1 if members else -1)
    finish = (len(entries), members[-1] + 1 if members else 0)
    for (first, start), (last, end) in zip([beginning, *ends], [*ends, finish], strict=True):
        inner = [entry for entry in entries[first + 1 : last] if entry.path]
        yield from _nested(inner, range(start + 1, end), ran)


def _nested(
    entries: Sequence[_Entry], between: Sequence[int], ran: Sequence[Ran]
) -> Iterator[tuple[int, tuple[Statistic, ...]]]:
    """Passes on ops inside the module: the n-th of a name is each op's n-th run of it."""
    seen: dict[tuple[tuple[str, ...], str], int] = defaultdict(int)
    for entry in entries:
        nth = seen[entry.path, entry.name]
        seen[entry.path, entry.name] += 1
        if not entry.statistics:
            continue
        mine = [
            number
            for number in between
            if ran[number].path == entry.path and _is_called(entry.name, ran[number].name)
        ]
        by_op = groupby(sorted(mine, key=lambda n: (ran[n].scope, n)), lambda n: ran[n].scope)
        runs = [numbers[nth] for _, group in by_op if nth < len(numbers := list(group))]
        for number in runs:
            yield (
                number,
                tuple(
                    Statistic(s.name, s.value, s.description, len(runs)) for s in entry.statistics
                ),
            )


def _longest(classes: Sequence[str], names: Sequence[str]) -> list[tuple[int, int]]:
    """The longest common subsequence of C++ classes and pass arguments; the earliest of them."""
    lengths = [[0] * (len(names) + 1) for _ in range(len(classes) + 1)]
    for a in range(len(classes) - 1, -1, -1):
        row, below = lengths[a], lengths[a + 1]
        for b in range(len(names) - 1, -1, -1):
            same = below[b + 1] + 1 if _is_called(classes[a], names[b]) else 0
            row[b] = max(same, below[b], row[b + 1])
    pairs: list[tuple[int, int]] = []
    a = b = 0
    while a < len(classes) and b < len(names):
        same = _is_called(classes[a], names[b]) and lengths[a][b] == lengths[a + 1][b + 1] + 1
        if same:
            pairs.append((a, b))
            a, b = a + 1, b + 1
        elif lengths[a][b] == lengths[a + 1][b]:
            a += 1
        else:
            b += 1
    return pairs


@cache
def _is_called(cpp_class: str, argument: str) -> bool:
    """Is ``FoldGlobalsPass`` the class of ``iree-util-fold-globals``?"""
    short = cpp_class.removesuffix("Pass").removesuffix("PassBase").lower()
    return argument.replace("-", "").endswith(short)
