"""Byte amounts: arithmetic and proofs, against evaluation with numbers."""

from __future__ import annotations

import random

import pytest

from ireelab.viz.access import ByteRange, Overlap, byte_range
from ireelab.viz.amount import Amount, Symbol

NAMES = ("d", "e")


def symbol(name: str) -> Amount:
    return Amount(0, ((Symbol(name), 1),))


def evaluate(amount: Amount, values: dict[str, int]) -> int:
    total = amount.constant
    for term, factor in amount.terms:
        if term.floor_of is None:
            total += factor * values[term.name]
        else:
            total += factor * (evaluate(term.floor_of, values) // term.unit * term.unit)
    return total


def random_amount(rng: random.Random, depth: int = 0) -> Amount:
    amount = Amount(rng.randrange(-70, 200))
    for name in NAMES:
        amount += symbol(name).times(rng.choice((-4, -1, 0, 0, 1, 4, 64)))
    if depth < 2 and rng.random() < 0.6:
        amount += (
            random_amount(rng, depth + 1).align(rng.choice((4, 64))).times(rng.choice((-1, 1)))
        )
    return amount


@pytest.mark.parametrize("seed", range(200))
def test_arithmetic_and_proofs_hold_for_numbers(seed: int) -> None:
    rng = random.Random(seed)
    left, right = random_amount(rng), random_amount(rng)
    for _ in range(30):
        values = {name: rng.randrange(0, 300) for name in NAMES}
        a, b = evaluate(left, values), evaluate(right, values)
        assert evaluate(left + right, values) == a + b
        assert evaluate(left - right, values) == a - b
        assert evaluate(left.align(64), values) == -(-a // 64) * 64
        if left.never_negative():
            assert a >= 0


def test_a_difference_cancels() -> None:
    amount = symbol("d").times(64) + 7
    assert amount - amount == Amount(0)
    assert (amount - symbol("d").times(64)).known == 7


def test_alignment_of_a_multiple_changes_nothing() -> None:
    assert symbol("d").times(64).align(64) == symbol("d").times(64)
    assert symbol("d").times(4).align(64) != symbol("d").times(4)


def test_ranges_packed_one_after_the_other_are_disjoint() -> None:
    size = symbol("d").times(4)
    first = ByteRange(Amount(0), size)
    second = ByteRange(size.align(64), size)
    third = ByteRange(size.align(64) + size.align(64), size)
    for one, other in ((first, second), (second, third), (first, third)):
        assert one.overlap(other) is Overlap.NONE
        assert other.overlap(one) is Overlap.NONE
    assert first.overlap(first) is Overlap.CERTAIN
    assert first.overlap(byte_range(0, 4)) is Overlap.MAYBE


def test_what_is_left_of_a_range() -> None:
    whole = byte_range(10, 20)
    assert whole.minus(byte_range(15, 5)) == (byte_range(10, 5), byte_range(20, 10))
    assert whole.minus(byte_range(0, 12)) == (byte_range(12, 18),)
    assert whole.minus(byte_range(0, 100)) == ()
    assert whole.minus(byte_range(40, 4)) == (whole,)
