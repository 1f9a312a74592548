"""One executed pass, as a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ireelab.pipeline.pass_facts import pass_description, pass_link
from ireelab.pipeline.statistic import Statistic

PHASES = (
    "input",
    "abi",
    "global-optimization",
    "dispatch-creation",
    "flow",
    "stream",
    "executable",
    "hal",
    "vm",
)
"""IREE's compilation phases in order; the three executable phases are one here."""


@dataclass(frozen=True, slots=True)
class Step:
    """One run of one pass on one op.

    ``seconds`` is the wall time of the pass itself, nested passes and the writing of snapshots
    excluded. Where MLIR writes files (see ``capture``) it is measured between those, by the file
    system's clock.
    ``delta`` counts ops per dialect added or removed in the scope. A ``composite`` step ran
    other steps, which stand before it. ``lab`` names the step of a lab pipeline it is part of.
    ``statistics`` are what the pass counted in this run, where it counts and the journal tells.
    """

    index: int
    name: str  # the pass argument: "iree-stream-schedule-concurrency"
    phase: str
    scope: tuple[str, ...]  # from the module inwards: ("builtin.module", "util.func @main")
    seconds: float
    changed: bool
    delta: Mapping[str, int]
    composite: bool
    lab: str = ""
    statistics: tuple[Statistic, ...] = ()

    @property
    def description(self) -> str:
        """One line on what the pass does, "" where nothing is known."""
        return pass_description(self.name)

    @property
    def link(self) -> str:
        """Where the pass is implemented or documented, "" where unknown."""
        return pass_link(self.name)

    def about(self) -> str:
        """All that is known of the step but its IR, a line each."""
        delta = ", ".join(f"{dialect} {n:+d}" for dialect, n in self.delta.items())
        facts = {
            "step": f"{self.index}" + (f", of {self.lab}" if self.lab else ""),
            "pass": f"{self.name}: {self.description}" if self.description else self.name,
            "implemented": self.link,
            "phase": self.phase,
            "scope": " > ".join(self.scope),
            "time": f"{self.seconds * 1e3:.3f} ms",
            "changed": "yes" if self.changed else "no",
            "ops": delta,
            "counted": ", ".join(map(str, self.statistics)),
        }
        return "\n".join(f"{name:12s} {fact}" for name, fact in facts.items() if fact)

    def __str__(self) -> str:
        mark = "*" if self.changed else " "
        head = f"{self.index:5d} {mark} {self.phase:20s} {self.seconds * 1e3:9.3f} ms"
        return f"{head}  {self.name}  ({self.scope[-1]})"
