"""Which lines of two texts belong together, in time that hardly depends on how they differ.

Patience diff: lines that occur once in both texts are anchors, as far as they keep their order;
between two anchors the same is done again. Where nothing is unique, as in a model of many equal
layers, the n-th of a kind is taken for the n-th, and what that leaves is looked at again. Both take
n log n; the exact longest common subsequence takes seconds for functions of thousands of lines.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

Pair = tuple[int, int]
"""A line of the first text and one of the second, by number from 0."""

Change = tuple[int, int, int, int]
"""Lines ``[a, b)`` of the first text become lines ``[c, d)`` of the second."""


def changes(old: Sequence[str], new: Sequence[str]) -> list[Change]:
    """What to replace in ``old`` for it to become ``new``, in order; between them all is equal.

    >>> changes(["a", "b", "c"], ["a", "x", "c", "d"])
    [(1, 2, 1, 2), (3, 3, 3, 4)]
    """
    pairs = [(-1, -1), *sorted(_matches(old, new)), (len(old), len(new))]
    return [
        (i + 1, next_i, j + 1, next_j)
        for (i, j), (next_i, next_j) in pairwise(pairs)
        if next_i > i + 1 or next_j > j + 1
    ]


def _matches(old: Sequence[str], new: Sequence[str]) -> Iterator[Pair]:
    """Pairs of equal lines, in no order; no two cross."""
    todo = [(0, len(old), 0, len(new))]
    while todo:
        start, end, other_start, other_end = todo.pop()
        while start < end and other_start < other_end and old[start] == new[other_start]:
            yield start, other_start
            start, other_start = start + 1, other_start + 1
        while start < end and other_start < other_end and old[end - 1] == new[other_end - 1]:
            end, other_end = end - 1, other_end - 1
            yield end, other_end
        if start == end or other_start == other_end:
            continue
        a, b = old[start:end], new[other_start:other_end]
        anchors = _in_order(_unique(a, b) or _numbered(a, b))
        yield from ((start + i, other_start + j) for i, j in anchors)
        ends = [(-1, -1), *anchors, (end - start, other_end - other_start)]
        if anchors:
            todo.extend(
                (start + i + 1, start + next_i, other_start + j + 1, other_start + next_j)
                for (i, j), (next_i, next_j) in pairwise(ends)
            )


def _unique(a: Sequence[str], b: Sequence[str]) -> list[Pair]:
    """Lines that occur once on each side."""
    counts, other_counts = Counter(a), Counter(b)
    places = {line: j for j, line in enumerate(b) if other_counts[line] == 1}
    return [(i, places[line]) for i, line in enumerate(a) if counts[line] == 1 and line in places]


def _numbered(a: Sequence[str], b: Sequence[str]) -> list[Pair]:
    """The n-th line of a kind with the n-th of the same."""
    places: dict[str, list[int]] = {}
    for j, line in enumerate(b):
        places.setdefault(line, []).append(j)
    remaining = {line: iter(numbers) for line, numbers in places.items()}
    pairs: list[Pair] = []
    for i, line in enumerate(a):
        j = next(remaining.get(line, iter(())), None)
        if j is not None:
            pairs.append((i, j))
    return pairs


def _in_order(pairs: Sequence[Pair]) -> list[Pair]:
    """The most pairs, given by the first number, whose second numbers grow: patience sorting."""
    tops: list[int] = []  # the smallest second number that a run of each length ends with
    ends: list[int] = []  # the pair that it belongs to
    previous: list[int] = []
    for number, (_, j) in enumerate(pairs):
        length = bisect_left(tops, j)
        previous.append(ends[length - 1] if length else -1)
        if length == len(tops):
            tops.append(j)
            ends.append(number)
        else:
            tops[length], ends[length] = j, number
    longest: list[Pair] = []
    at = ends[-1] if ends else -1
    while at >= 0:
        longest.append(pairs[at])
        at = previous[at]
    return longest[::-1]
