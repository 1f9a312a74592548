"""How much of a command buffer could run at once, given what its commands took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise

from ireelab.viz.command_times import longest_chain
from ireelab.viz.hazards import Hazard


@dataclass(frozen=True, slots=True)
class Concurrency:
    """Nanoseconds of a command buffer on a device of unlimited width; commands not timed take 0.

    ``total_ns``: one command after the other. ``emitted_ns``: with the barriers as they were
    emitted, commands between two of them at once. ``critical_ns``: with nothing but the hazards
    in the way, along ``critical_path`` (positions of commands).
    """

    total_ns: float
    emitted_ns: float
    critical_ns: float
    critical_path: tuple[int, ...]
    timed: int

    @property
    def emitted(self) -> float:
        """Commands that run at once on average, with the emitted barriers."""
        return self.total_ns / self.emitted_ns if self.emitted_ns else 0.0

    @property
    def achievable(self) -> float:
        """The same with barriers that separate hazards only: what no schedule can exceed."""
        return self.total_ns / self.critical_ns if self.critical_ns else 0.0

    def to_json(self) -> dict[str, object]:
        record: dict[str, object] = asdict(self)
        return record | {"emitted": self.emitted, "achievable": self.achievable}


def concurrency(
    times: Sequence[float | None], hazards: Sequence[Hazard], barriers: Sequence[int]
) -> Concurrency:
    """Of one command buffer: ``barriers`` are the numbers of commands before each."""
    weights = [ns or 0.0 for ns in times]
    path, critical_ns = longest_chain(weights, [(h.first, h.second) for h in hazards])
    bounds = [0, *sorted(barriers), len(weights)]
    emitted_ns = sum(max(weights[a:b], default=0.0) for a, b in pairwise(bounds))
    timed = sum(ns is not None for ns in times)
    return Concurrency(sum(weights), emitted_ns, critical_ns, path, timed)
