"""Two or more traces beside each other: steps aligned, and each model compared when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import Any

from ireelab.errors import InvalidInput
from ireelab.pipeline.compare import TraceComparison, compare_traces
from ireelab.pipeline.trace import Trace
from ireelab.viz.allocation import allocation
from ireelab.viz.barriers import barriers
from ireelab.viz.compare_models import compare_allocations, compare_barriers, compare_streams
from ireelab.viz.compare_programs import compare_executables, compare_vm
from ireelab.viz.compare_runs import compare_runs
from ireelab.viz.comparison import Comparison, pair_up
from ireelab.viz.executables import executables
from ireelab.viz.payload import Run
from ireelab.viz.steps import reached
from ireelab.viz.stream_graph import stream_graph
from ireelab.viz.timeline import timeline
from ireelab.viz.vm_listing import vm_listing


@dataclass(frozen=True, slots=True)
class Side:
    """A trace, and a run of it where there is one."""

    trace: Trace
    run: Run | None = None


@dataclass(frozen=True, slots=True)
class StepRow:
    """The same pass in every side, by step index; None where a side has none.

    ``same`` says that all sides have it and that it left the same IR in all.
    """

    steps: tuple[int | None, ...]
    same: bool


@dataclass(frozen=True, slots=True)
class _Kind:
    phase: str  # the phase that a trace must have gone through
    make: Callable[[Trace], Any]
    compare: Callable[[Any, tuple[str, ...]], Comparison]


_KINDS = {
    "streams": _Kind("stream", stream_graph, compare_streams),
    "allocation": _Kind("stream", allocation, compare_allocations),
    "barriers": _Kind("hal", barriers, compare_barriers),
    "executables": _Kind("executable", executables, compare_executables),
    "vm": _Kind("vm", lambda trace: vm_listing(trace.program), compare_vm),
}
MODELS = (*_KINDS, "run")
"""Everything of traces and runs that is compared."""


@dataclass(frozen=True)
class Compared:
    """What ``il.compare`` makes of traces; in a notebook it shows itself as an explorer.

    The first side is what the others are held against. ``comparison["allocation"]`` and its like
    (``names``) are made when they are asked for.
    """

    labels: tuple[str, ...]
    sides: tuple[Side, ...]
    _made: dict[str, Comparison] = field(
        default_factory=dict[str, Comparison], repr=False, compare=False
    )

    @cached_property
    def steps(self) -> tuple[TraceComparison, ...]:
        """The first trace against each other one: see ``Trace.compare``."""
        first, *others = (side.trace for side in self.sides)
        return tuple(compare_traces(first, other) for other in others)

    @cached_property
    def rows(self) -> tuple[StepRow, ...]:
        """All steps of all sides, aligned, in an order that every side's steps keep."""
        return tuple(_rows(self.steps))

    @property
    def names(self) -> tuple[str, ...]:
        """The models that every side has; "run" where every side was run with a profile."""
        found = [
            name
            for name, kind in _KINDS.items()
            if all(reached(side.trace, kind.phase) for side in self.sides)
        ]
        runs = [side.run for side in self.sides]
        profiled = all(run is not None and run.timeline is not None for run in runs)
        return (*found, "run") if profiled else tuple(found)

    def __getitem__(self, name: str) -> Comparison:
        """One model compared: one of ``names``.

        Raises:
            InvalidInput: not every side has it, or there is no such model.
        """
        if name not in self.names:
            have = ", ".join(self.names) or "none"
            raise InvalidInput(f"not every side has the model {name!r}; these they have: {have}")
        if name not in self._made:
            self._made[name] = self._compare(name)
        return self._made[name]

    def _compare(self, name: str) -> Comparison:
        if name == "run":
            runs = [timeline(side.run) for side in self.sides if side.run is not None]
            return compare_runs(runs, self.labels)
        kind = _KINDS[name]
        return kind.compare([kind.make(side.trace) for side in self.sides], self.labels)

    @property
    def descriptions(self) -> tuple[str, ...]:
        """What each side is, in words: name, pipeline, target, flags, device."""
        return tuple(_describe(side) for side in self.sides)

    def to_json(self, models: Iterable[str] | None = None) -> dict[str, object]:
        """All models, or those named; see ``docs/json.md``."""
        return {
            "labels": list(self.labels),
            "sides": list(self.descriptions),
            "rows": [list(row.steps) for row in self.rows],
            "different": [number for number, row in enumerate(self.rows) if not row.same],
            "steps": [comparison.to_json() for comparison in self.steps],
            "models": {
                name: self[name].to_json() for name in (self.names if models is None else models)
            },
        }

    def summary(self) -> str:
        """What each side is, how its steps compare to the first's, and where they part."""
        named = zip(self.labels, self.descriptions, strict=True)
        lines = [f"{label}: {text}" for label, text in named]
        a, *others = self.labels
        for b, steps in zip(others, self.steps, strict=True):
            same = sum(pair.same for pair in steps.pairs)
            lines.append(
                f"{b} against {a}: {same} steps left the same IR, {len(steps.different)} other "
                f"IR, {len(steps.only_a)} only in {a}, {len(steps.only_b)} only in {b}"
            )
            lines.append(f"  {_parting(steps)}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return "\n\n".join((self.summary(), *(str(self[name]) for name in self.names)))

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        blocks = [self[name].to_html() for name in self.names]
        return f"<pre>{escape(self.summary())}</pre>{''.join(blocks)}"


def _describe(side: Side) -> str:
    trace, run = side.trace, side.run
    words = [trace.name, trace.pipeline, f"for {trace.target}", *trace.flags]
    if run is not None:
        words.append(f"run on {run.device}")
    return " ".join(words)


def _parting(steps: TraceComparison) -> str:
    if steps.first is None or steps.first.pair.a is None:
        return "no step that both ran left other IR"
    step, where = steps.first.pair.a, ", ".join(steps.first.symbols)
    return f"they part at step {step.index} {step.name} ({step.phase}) in {where}"


def _rows(comparisons: tuple[TraceComparison, ...]) -> Iterator[StepRow]:
    """Along the first trace; what another side has besides follows the step it came after."""
    matched: dict[int, list[int | None]] = {}
    same: dict[int, bool] = {}
    extra: dict[int, list[list[tuple[object, int]]]] = {}
    for side, comparison in enumerate(comparisons):
        at = -1
        for pair in comparison.pairs:
            if pair.a is not None:
                at = pair.a.index
                row = matched.setdefault(at, [None] * len(comparisons))
                row[side] = None if pair.b is None else pair.b.index
                same[at] = same.get(at, True) and pair.same
            elif pair.b is not None:
                step = pair.b
                here = extra.setdefault(at, [[] for _ in comparisons])
                here[side].append(((step.phase, step.name, step.scope), step.index))
    for at in range(-1, max(matched, default=-1) + 1):
        if at in matched:
            yield StepRow((at, *matched[at]), same[at])
        others = extra.get(at, [])
        for row in pair_up([[key for key, _ in side] for side in others]):
            found = [None if n is None else side[n][1] for side, n in zip(others, row, strict=True)]
            yield StepRow((None, *found), False)
