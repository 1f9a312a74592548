"""Dependence analysis against brute force over bytes."""

from __future__ import annotations

import itertools
import random

import pytest

from ireelab.viz.access import Access, ByteRange, byte_range
from ireelab.viz.amount import Amount, Symbol
from ireelab.viz.barrier_judge import fewest_barriers
from ireelab.viz.hazards import Hazard, find_hazards

Commands = list[list[Access]]


def random_commands(rng: random.Random) -> Commands:
    return [
        [
            Access(rng.choice("AB"), rng.choice(("ro", "ro", "wo", "rw")), byte_range(start, size))
            for start, size in (
                (rng.randrange(0, 12), rng.randrange(0, 6)) for _ in range(rng.randrange(1, 4))
            )
        ]
        for _ in range(rng.randrange(1, 8))
    ]


def touched(access: Access) -> set[int]:
    start, end = access.range.known or (0, 0)
    return set(range(start, end))


def conflicts(first: list[Access], second: list[Access]) -> set[str]:
    """Kinds of conflict between two commands, byte by byte."""
    kinds: set[str] = set()
    for a, b in itertools.product(first, second):
        if a.resource == b.resource and touched(a) & touched(b):
            kinds |= {"RAW"} if a.writes and b.reads else set()
            kinds |= {"WAR"} if a.reads and b.writes else set()
            kinds |= {"WAW"} if a.writes and b.writes else set()
    return kinds


def separated(hazards: tuple[Hazard, ...], barriers: set[int]) -> bool:
    return all(any(h.first < gap <= h.second for gap in barriers) for h in hazards)


@pytest.mark.parametrize("seed", range(300))
def test_hazards_are_conflicts_and_imply_all_others(seed: int) -> None:
    commands = random_commands(random.Random(seed))
    hazards = find_hazards(commands)
    reachable = {(h.first, h.second) for h in hazards}
    for middle, first, second in itertools.product(range(len(commands)), repeat=3):
        if (first, middle) in reachable and (middle, second) in reachable:
            reachable.add((first, second))
    for hazard in hazards:
        assert hazard.exact
        assert hazard.kind in conflicts(commands[hazard.first], commands[hazard.second])
    for first, second in itertools.combinations(range(len(commands)), 2):
        if conflicts(commands[first], commands[second]):
            assert (first, second) in reachable


@pytest.mark.parametrize("seed", range(100))
def test_fewest_barriers_is_the_minimum(seed: int) -> None:
    commands = random_commands(random.Random(1000 + seed))
    hazards = find_hazards(commands)
    gaps = range(1, len(commands))
    best = next(
        count
        for count in range(len(commands))
        if any(separated(hazards, set(chosen)) for chosen in itertools.combinations(gaps, count))
    )
    assert fewest_barriers(hazards) == best


def test_the_bytes_of_a_hazard() -> None:
    write = [Access("A", "wo", byte_range(0, 100))]
    read = [Access("A", "ro", byte_range(60, 100))]
    (hazard,) = find_hazards([write, read])
    assert (hazard.kind, hazard.offset_bytes, hazard.length_bytes) == ("RAW", 60, 40)


def test_a_write_hides_what_came_before_only_where_it_writes() -> None:
    whole = [Access("A", "wo", byte_range(0, 8))]
    half = [Access("A", "wo", byte_range(0, 4))]
    read = [Access("A", "ro", byte_range(0, 8))]
    found = {(h.kind, h.first, h.second, h.offset_bytes) for h in find_hazards([whole, half, read])}
    assert found == {("WAW", 0, 1, 0), ("RAW", 1, 2, 0), ("RAW", 0, 2, 4)}


def test_unknown_ranges_are_marked_and_hide_nothing() -> None:
    unknown = ByteRange(Amount(0, ((Symbol("d"), 4),)), Amount(8))
    commands = [
        [Access("A", "wo", byte_range(0, 64))],
        [Access("A", "wo", unknown)],
        [Access("A", "ro", byte_range(0, 8))],
    ]
    found = {(h.kind, h.first, h.second, h.exact) for h in find_hazards(commands)}
    assert found == {("WAW", 0, 1, False), ("RAW", 1, 2, False), ("RAW", 0, 2, True)}
