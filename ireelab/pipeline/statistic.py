"""What a pass counts itself: MLIR's statistics of one of its runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Statistic:
    """One count, under the name that the pass gives it: ``num-cse'd``."""

    name: str
    value: int
    description: str

    def __str__(self) -> str:
        return f"{self.value} {self.name}"
