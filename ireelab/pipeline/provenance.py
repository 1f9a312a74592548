"""``trace.provenance(op)``: the ops, source lines, kernels and events that belong to one op."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ireelab.pipeline.provenance_index import ProvenanceIndex, SourceOp, provenance_index
from ireelab.pipeline.provenance_sites import DispatchSites
from ireelab.pipeline.provenance_walk import (
    Module,
    Places,
    Walker,
    modules_of,
    nameless,
    own_lines,
)

if TYPE_CHECKING:
    from ireelab.pipeline.step import Step
    from ireelab.pipeline.trace import Trace

_EXECUTABLES = frozenset({"flow.executable", "stream.executable", "hal.executable"})
_SHOWN_COLUMNS = 100
_KERNEL = re.compile(r"^\s*(?:func|llvm|spirv)\.func\b[^@]*@([\w$.-]+)")


@dataclass(frozen=True, slots=True, order=True)
class OpRef:
    """A line of the whole module after a step. ``step`` -1 is the source text.

    ``line`` counts from 1 in ``trace.ir(step, module=True)``, or in ``trace.source``.
    """

    step: int
    line: int

    @classmethod
    def find(cls, trace: Trace, step: int | str, text: str) -> OpRef:
        """The first line after a step, or of the source (step -1), that contains ``text``.

        An SSA name such as ``%hidden`` finds the op that defines it.

        Raises:
            KeyError: no line contains it.
        """
        number = -1 if step == -1 else trace.step(step).index
        body = trace.source if number == -1 else trace.ir(number, module=True)
        lines = body.splitlines()
        defines = re.compile(rf"^\s*{re.escape(text)}(?::\d+)?(?:, .*)? = ")
        if text.startswith("%"):
            for line_number, line in enumerate(lines, 1):
                if defines.match(line):
                    return cls(number, line_number)
        for line_number, line in enumerate(lines, 1):
            if text in line:
                return cls(number, line_number)
        where = "the source" if number == -1 else f"the module after step {number}"
        raise KeyError(f"no line of {where} contains {text!r}")


@dataclass(frozen=True, slots=True)
class OpLine:
    """One op of a step: its line in the module (from 1) and the text of that line."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class StepOps:
    """What the op is after one step that changed the module. ``kernels`` are where they stand."""

    step: int
    name: str
    phase: str
    ops: tuple[OpLine, ...]
    kernels: tuple[str, ...]  # functions of executables: "mlp_dispatch_0_matmul_8x128x64_f32"

    def to_json(self) -> dict[str, object]:
        return {
            "step": self.step,
            "name": self.name,
            "phase": self.phase,
            "ops": [{"line": op.line, "text": op.text} for op in self.ops],
            "kernels": list(self.kernels),
        }


class KernelEvent(Protocol):
    """A timeline event, as far as it is linked."""

    @property
    def kind(self) -> str: ...
    @property
    def entry_point(self) -> str: ...
    @property
    def executable(self) -> str: ...
    @property
    def start_ns(self) -> int: ...
    @property
    def end_ns(self) -> int: ...


class _Timeline(Protocol):
    @property
    def events(self) -> Sequence[KernelEvent]: ...


class ProfiledRun(Protocol):
    """What ``il.run`` returns, as far as it is linked."""

    @property
    def timeline(self) -> _Timeline | None: ...


@dataclass(frozen=True, slots=True)
class Provenance:
    """Everything that one op came from and became.

    ``entry_points`` are ``executable::function`` as the last Stream step names them; ``kernels``
    the LLVM or SPIR-V functions; ``events`` indices into the timeline of the run that was given.
    """

    op: OpRef
    text: str
    sources: tuple[SourceOp, ...]
    ancestors: tuple[StepOps, ...]
    descendants: tuple[StepOps, ...]
    entry_points: tuple[str, ...]
    kernels: tuple[str, ...]
    dispatches: tuple[OpRef, ...]  # where it is dispatched, in the last step of stream, hal and vm
    events: tuple[int, ...]

    def to_json(self) -> dict[str, object]:
        """Plain data, lines and steps as numbers."""
        return {
            "op": {"step": self.op.step, "line": self.op.line, "text": self.text},
            "sources": [source.to_json() for source in self.sources],
            "ancestors": [step.to_json() for step in self.ancestors],
            "descendants": [step.to_json() for step in self.descendants],
            "entry_points": list(self.entry_points),
            "kernels": list(self.kernels),
            "dispatches": [{"step": ref.step, "line": ref.line} for ref in self.dispatches],
            "events": list(self.events),
        }

    def __str__(self) -> str:
        lines = [f"{self.text.strip()}"]
        for source in self.sources:
            lines.append(f"  from source line {source.line}: {source.text}")
            for chain in source.origins:
                lines.append("    " + ", called at ".join(str(frame) for frame in chain))
        for title, steps in (("was", self.ancestors), ("became", self.descendants)):
            for step in _where_it_changed(steps):
                shown = "; ".join(_cut(op.text.strip()) for op in step.ops[:3])
                more = f" (and {len(step.ops) - 3} more)" if len(step.ops) > 3 else ""
                lines.append(
                    f"  {title} {step.step:5d} {step.phase:20s} {step.name}: {shown}{more}"
                )
        for title, names in (
            ("entry points", self.entry_points),
            ("kernels", self.kernels),
        ):
            if names:
                lines.append(f"  {title}: {', '.join(names)}")
        if self.events:
            lines.append(f"  timeline events: {', '.join(map(str, self.events))}")
        return "\n".join(lines)

    __repr__ = __str__


def _where_it_changed(steps: Sequence[StepOps]) -> Iterator[StepOps]:
    last: tuple[str, ...] | None = None
    for step in steps:
        texts = tuple(nameless(op.text.strip()) for op in step.ops)
        if texts != last:
            yield step
        last = texts


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_COLUMNS else f"{text[: _SHOWN_COLUMNS - 1]}…"


def as_reference(trace: Trace, op: OpRef | tuple[Step | int | str, int | str]) -> OpRef:
    """An ``OpRef`` of what ``Trace.provenance`` takes.

    Raises:
        KeyError: no such step, or no line with the text.
    """
    if isinstance(op, OpRef):
        return op
    step, where = op
    number = trace.step(step).index
    return OpRef(number, where) if isinstance(where, int) else OpRef.find(trace, number, where)


def provenance(trace: Trace, op: OpRef, run: ProfiledRun | None = None) -> Provenance:
    """See ``Trace.provenance``."""
    return _Query(trace, provenance_index(trace)).answer(op, run)


class _Query:
    """One question to one trace."""

    def __init__(self, trace: Trace, index: ProvenanceIndex) -> None:
        self._trace = trace
        self._index = index
        self._modules = modules_of(trace)
        self._sites = DispatchSites(index, trace, self._modules)

    def answer(self, op: OpRef, run: ProfiledRun | None) -> Provenance:
        start = self._start(op)
        text, atoms, places = self._seed(op, start)
        entries = self._sites.entries_of(text, atoms)
        if entries:
            atoms = atoms | self._sites.atoms_inside(entries)
        walker = Walker(self._index, self._index.near(atoms))
        if not places and self._modules:
            first = self._modules[start][1]
            places = Walker(self._index, atoms).anywhere(first) or walker.anywhere(first)
        after = self._walk(walker, places, range(start + 1, len(self._modules)), start)
        before = self._walk(walker, places, range(start - 1, -1, -1), start)
        if op.step == -1 and self._modules:
            after.insert(0, (start, places))
        descendants = tuple(self._step_ops(at, found) for at, found in after)
        ancestors = tuple(self._step_ops(at, found) for at, found in reversed(before))
        names = {kernel for _, kernel in entries}
        if not names:
            names = {k for step in (*ancestors, *descendants) for k in step.kernels}
            names.update(self._kernels(self._modules[start][1], places))
        if not names:
            # Of equal executables one is kept, located at its own ops; its sites have the others'.
            names = self._sites.dispatched_for(self._index.near(self._index.ops_among(atoms)))
        entry_points = self._sites.entry_points(names)
        return Provenance(
            op=op,
            text=text,
            sources=self._index.sources_of(self._telling(atoms)),
            ancestors=ancestors,
            descendants=descendants,
            entry_points=tuple(f"{exe}::{kernel}" for exe, kernel in entry_points),
            kernels=tuple(sorted(names)),
            dispatches=tuple(OpRef(*at) for at in self._sites.dispatches(entry_points)),
            events=_events(run, {kernel for _, kernel in entry_points}),
        )

    def _start(self, op: OpRef) -> int:
        """Position in ``_modules`` of the module that a reference means.

        Raises:
            KeyError: no such step.
        """
        if op.step != -1:
            self._trace.step(op.step)
        return max(n for n, (step, _) in enumerate(self._modules) if step <= max(op.step, -1))

    def _seed(self, op: OpRef, start: int) -> tuple[str, set[int], Places]:
        """The op's text, its atoms, and where it stands.

        Raises:
            KeyError: no such line.
        """
        if op.step == -1:
            lines = self._trace.source.splitlines()
            if not 0 < op.line <= len(lines):
                raise KeyError(f"the source has {len(lines)} lines, not {op.line}")
            return lines[op.line - 1], self._index.atoms_at(op.line), {}
        place = self._modules[start][1].place(op.line - 1)
        if place is None:
            raise KeyError(f"the module after step {op.step} has no line {op.line}")
        piece, line = place
        group = self._index.lines(piece)[line]
        atoms = set(self._index.groups[group])
        return own_lines(piece)[line], atoms, {(piece[0].digest, piece[1]): {line}}

    def _walk(
        self, walker: Walker, places: Places, path: range, start: int
    ) -> list[tuple[int, Places]]:
        """The places in each module along a path, where they differ from those before."""
        found: list[tuple[int, Places]] = []
        last = start
        for at in path:
            following = walker.follow(places, self._modules[last][1], self._modules[at][1])
            if following != places and following:
                found.append((at, following))
            places, last = following, at
        return found

    def _step_ops(self, at: int, places: Places) -> StepOps:
        number, module = self._modules[at]
        ops: list[OpLine] = []
        for key, lines in places.items():
            piece, first, _ = module.by_key[key]
            texts = own_lines(piece)
            ops.extend(OpLine(first + line + 1, texts[line]) for line in lines)
        ops.sort(key=lambda op: op.line)
        name, phase = "", "input"
        if number >= 0:
            step = self._trace.steps[number]
            name, phase = step.name, step.phase
        return StepOps(number, name, phase, tuple(ops), self._kernels(module, places))

    def _kernels(self, module: Module, places: Places) -> tuple[str, ...]:
        """The functions of executables that hold these lines."""
        names: set[str] = set()
        for key, lines in places.items():
            piece, _, path = module.by_key[key]
            if not any(node.kind in _EXECUTABLES for node in path):
                continue
            names.update(_functions_at(own_lines(piece), lines))
        return tuple(sorted(names & self._sites.kernels))

    def _telling(self, atoms: set[int]) -> set[int]:
        """Without those that are whole functions, where there are others."""
        return self._index.ops_among(atoms) or atoms


def _functions_at(texts: Sequence[str], lines: set[int]) -> Iterator[str]:
    """The names of the functions that begin last before any of these lines."""
    name = ""
    for number, text in enumerate(texts[: max(lines) + 1]):
        match = _KERNEL.match(text)
        name = match[1] if match else name
        if number in lines and name:
            yield name


def _events(run: ProfiledRun | None, kernels: set[str]) -> tuple[int, ...]:
    if run is None or run.timeline is None:
        return ()
    return tuple(
        number
        for number, event in enumerate(run.timeline.events)
        if event.kind == "dispatch" and event.entry_point in kernels
    )
