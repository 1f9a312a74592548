"""Two traces side by side: which steps only one has, which left other IR, where it began."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

from ireelab.pipeline.diff import IRDiff, diff_nodes
from ireelab.pipeline.step import Step
from ireelab.pipeline.trace import Trace


@dataclass(frozen=True, slots=True)
class StepPair:
    """Two steps that run the same pass on the same op; one is None where the other trace has none.

    ``same`` says that they left the same IR of that op.
    """

    a: Step | None
    b: Step | None
    same: bool


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first pair of steps that found the same IR, or ran first, and left different IR."""

    pair: StepPair
    symbols: tuple[str, ...]
    diff: IRDiff


@dataclass(frozen=True, slots=True)
class TraceComparison:
    """What ``Trace.compare`` finds; ``str`` is a table."""

    a: str
    b: str
    pairs: tuple[StepPair, ...]
    first: Divergence | None

    @property
    def only_a(self) -> tuple[Step, ...]:
        """Steps that only the first trace has."""
        return tuple(pair.a for pair in self.pairs if pair.a is not None and pair.b is None)

    @property
    def only_b(self) -> tuple[Step, ...]:
        """Steps that only the second trace has."""
        return tuple(pair.b for pair in self.pairs if pair.b is not None and pair.a is None)

    @property
    def different(self) -> tuple[StepPair, ...]:
        """Pairs that left different IR."""
        return tuple(p for p in self.pairs if p.a is not None and p.b is not None and not p.same)

    def to_json(self) -> dict[str, Any]:
        """Counts, step indices by pair, and the first divergence."""
        return {
            "a": self.a,
            "b": self.b,
            "same": sum(pair.same for pair in self.pairs),
            "only_a": [step.index for step in self.only_a],
            "only_b": [step.index for step in self.only_b],
            "different": [
                [p.a.index, p.b.index]
                for p in self.different
                if p.a is not None and p.b is not None
            ],
            "first": None if self.first is None else _divergence_record(self.first),
        }

    def __str__(self) -> str:
        same = sum(pair.same for pair in self.pairs)
        lines = [
            f"A: {self.a}",
            f"B: {self.b}",
            f"steps that left the same IR {same:6d}",
            f"steps that left other IR    {len(self.different):6d}",
            f"steps only in A             {len(self.only_a):6d}  {_names(self.only_a)}",
            f"steps only in B             {len(self.only_b):6d}  {_names(self.only_b)}",
        ]
        if self.first is None:
            return "\n".join((*lines, "no step that both ran left other IR"))
        for mark, step in (("A", self.first.pair.a), ("B", self.first.pair.b)):
            lines.append(f"first divergence in {mark}: {str(step).strip()}")
        lines.append(f"in {', '.join(self.first.symbols)}")
        return "\n".join((*(line.rstrip() for line in lines), str(self.first.diff)))

    __repr__ = __str__


def compare_traces(a: Trace, b: Trace) -> TraceComparison:
    """Align two traces by pass, phase and op, and find where they part."""
    matcher = difflib.SequenceMatcher(
        None, [_key(step) for step in a.steps], [_key(step) for step in b.steps], autojunk=False
    )
    pairs: list[StepPair] = []
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            pairs.extend(
                StepPair(old, new, _same(a, old, b, new))
                for old, new in zip(a.steps[i1:i2], b.steps[j1:j2], strict=True)
            )
            continue
        pairs.extend(StepPair(step, None, False) for step in a.steps[i1:i2])
        pairs.extend(StepPair(None, step, False) for step in b.steps[j1:j2])
    return TraceComparison(repr(a), repr(b), tuple(pairs), _first(a, b, pairs))


def _key(step: Step) -> tuple[str, str, tuple[str, ...]]:
    return step.phase, step.name, step.scope


def _same(a: Trace, old: Step, b: Trace, new: Step) -> bool:
    return a.snapshots[old.index].after.digest == b.snapshots[new.index].after.digest


def _first(a: Trace, b: Trace, pairs: list[StepPair]) -> Divergence | None:
    for pair in pairs:
        if pair.a is None or pair.b is None or pair.same:
            continue
        diff = diff_nodes(
            a.snapshots[pair.a.index].after,
            b.snapshots[pair.b.index].after,
            before=f"A {pair.a.index} {pair.a.name}",
            after=f"B {pair.b.index} {pair.b.name}",
        )
        if diff:  # Names of values alone are no difference.
            return Divergence(pair, tuple(op.op for op in diff.ops), diff)
    return None


def _names(steps: tuple[Step, ...]) -> str:
    names = list(dict.fromkeys(step.name for step in steps))
    return ", ".join(names[:4]) + (" ..." if len(names) > 4 else "")


def _divergence_record(first: Divergence) -> dict[str, Any]:
    return {
        "a": None if first.pair.a is None else first.pair.a.index,
        "b": None if first.pair.b is None else first.pair.b.index,
        "symbols": list(first.symbols),
        "diff": str(first.diff),
    }
