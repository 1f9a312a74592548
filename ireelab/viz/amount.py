"""Numbers of bytes that may depend on values known only at run time.

An ``Amount`` is a constant plus multiples of symbols, all of which are sizes or counts and so
never negative. That is enough to prove most dynamic ranges of a packed slab disjoint:
``[0, 64*d)`` and ``[align(64*d, 64), ...)`` cannot meet, whatever ``d`` is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Symbol:
    """An unknown number, never negative; or ``floor_of`` rounded down to a multiple of ``unit``."""

    name: str  # the SSA value: "%0" of function "main" is "main/%0"
    floor_of: Amount | None = None
    unit: int = 1

    def __str__(self) -> str:
        if self.floor_of is None:
            return self.name
        return f"floor({self.floor_of}, {self.unit})"


@dataclass(frozen=True, slots=True)
class Amount:
    """``constant + sum(factor * symbol)``. Terms are sorted and have non-zero factors."""

    constant: int
    terms: tuple[tuple[Symbol, int], ...] = ()

    @property
    def known(self) -> int | None:
        """The value, None where it depends on a symbol."""
        return None if self.terms else self.constant

    def __add__(self, other: Amount | int) -> Amount:
        if isinstance(other, int):
            return Amount(self.constant + other, self.terms)
        if not self.terms or not other.terms:
            return Amount(self.constant + other.constant, self.terms or other.terms)
        return _collect(self.constant + other.constant, (*self.terms, *other.terms))

    def __sub__(self, other: Amount | int) -> Amount:
        return self + (-other if isinstance(other, int) else other.times(-1))

    def times(self, factor: int) -> Amount:
        """The product with a constant."""
        terms = tuple((symbol, count * factor) for symbol, count in self.terms) if factor else ()
        return Amount(self.constant * factor, terms)

    def floor(self, unit: int) -> Amount:
        """The largest multiple of ``unit`` that is not above this amount."""
        floored = self.constant // unit * unit
        if all(factor % unit == 0 for _, factor in self.terms):
            return Amount(floored, self.terms)
        return Amount(0, ((Symbol("", self, unit), 1),))

    def align(self, unit: int) -> Amount:
        """The smallest multiple of ``unit`` that is not below this amount."""
        return (self + (unit - 1)).floor(unit)

    def never_negative(self) -> bool:
        """Whether the amount is provably at least zero; False means "not proved"."""
        if not self.terms:
            return self.constant >= 0
        if self.constant >= 0 and all(
            factor > 0 and (symbol.floor_of is None or symbol.floor_of.never_negative())
            for symbol, factor in self.terms
        ):
            return True
        bound = self._lower_bound()
        return bound != self and bound.never_negative()

    def _lower_bound(self) -> Amount:
        """Roundings replaced by what they round: ``e - (unit - 1) <= floor(e) <= e``."""
        bound = Amount(self.constant)
        for symbol, factor in self.terms:
            if symbol.floor_of is None:
                bound += Amount(0, ((symbol, factor),))
            else:
                slack = symbol.unit - 1 if factor > 0 else 0
                bound += (symbol.floor_of - slack).times(factor)
        return bound

    def __str__(self) -> str:
        parts = [str(s) if factor == 1 else f"{factor}*{s}" for s, factor in self.terms]
        if self.constant or not parts:
            parts.append(str(self.constant))
        return " + ".join(parts).replace("+ -", "- ")


def _collect(constant: int, terms: Iterable[tuple[Symbol, int]]) -> Amount:
    """One term per symbol, in a fixed order."""
    factors: dict[Symbol, int] = {}
    for symbol, factor in terms:
        factors[symbol] = factors.get(symbol, 0) + factor
    kept = [(symbol, factor) for symbol, factor in factors.items() if factor]
    return Amount(constant, tuple(sorted(kept, key=lambda term: str(term[0]))))
