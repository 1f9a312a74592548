"""A compilation, kept: every step with the IR before and after it, and the program."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ireelab.errors import CompileError, Diagnostic
from ireelab.pipeline.assemble import Snapshot
from ireelab.pipeline.diff import IRDiff, diff_nodes
from ireelab.pipeline.snapshot import Node
from ireelab.pipeline.step import PHASES, Step

if TYPE_CHECKING:
    from ireelab.pipeline.compare import TraceComparison
    from ireelab.pipeline.compiler_job import Progress
    from ireelab.pipeline.lab.pipeline import Pipeline
    from ireelab.pipeline.provenance import OpRef, ProfiledRun, Provenance
    from ireelab.program import Program


@dataclass(frozen=True, eq=False, slots=True)
class Trace:
    """What ``il.compile`` returns.

    ``complete`` is False for a compilation that failed or was stopped: the steps that ran are
    here, and ``program`` raises. ``seconds`` is the wall time of the whole compilation, also
    where ``cached`` says that this is a copy of an earlier one.
    """

    name: str
    source: str
    target: str
    pipeline: str
    until: str
    flags: tuple[str, ...]
    steps: tuple[Step, ...]
    snapshots: tuple[Snapshot, ...]
    initial: Node | None
    diagnostics: tuple[Diagnostic, ...]
    seconds: float
    complete: bool
    compiled: Program | None
    cached: bool = False

    @property
    def program(self) -> Program:
        """The compiled program.

        Raises:
            CompileError: the compilation failed, was stopped, or ended at an earlier phase.
        """
        if self.compiled is None:
            why = f"ended after phase {self.until!r}" if self.complete else "did not finish"
            raise CompileError(f"{self.name}: no program, the compilation {why}", trace=self)
        return self.compiled

    @property
    def phases(self) -> dict[str, tuple[Step, ...]]:
        """The steps by phase, phases in order, those that did not run left out."""
        grouped = {phase: tuple(s for s in self.steps if s.phase == phase) for phase in PHASES}
        return {phase: steps for phase, steps in grouped.items() if steps}

    def step(self, key: Step | int | str) -> Step:
        """A step by index (negative from the end) or by pass name (the last that changed the IR).

        Raises:
            KeyError: no such step.
        """
        if isinstance(key, Step):
            return key
        if isinstance(key, int):
            if not -len(self.steps) <= key < len(self.steps):
                raise KeyError(f"no step {key}: the trace has {len(self.steps)}")
            return self.steps[key]
        named = [step for step in self.steps if step.name == key]
        if not named:
            raise KeyError(f"no step runs a pass called {key!r}; trace.steps lists them")
        return next((step for step in reversed(named) if step.changed), named[-1])

    def ir(self, step: Step | int | str, *, module: bool = False) -> str:
        """IR after a step: of the op the pass ran on, or of the whole module as it then stood.

        Large constants are elided; attributes and types are spelled out (no ``#alias``).
        """
        snapshot = self.snapshots[self.step(step).index]
        return (snapshot.module if module else snapshot.after).text()

    def ir_before(self, step: Step | int | str) -> str:
        """IR of the op the pass ran on, as the pass found it."""
        return self.snapshots[self.step(step).index].before.text()

    def diff(self, a: Step | int | str, b: Step | int | str | None = None) -> IRDiff:
        """What step ``a`` changed, or what differs between the modules after ``a`` and ``b``."""
        first = self.step(a)
        snapshot = self.snapshots[first.index]
        if b is None:
            name = f"{first.index} {first.name}"
            return diff_nodes(
                snapshot.before, snapshot.after, before=f"before {name}", after=f"after {name}"
            )
        second = self.step(b)
        return diff_nodes(
            snapshot.module,
            self.snapshots[second.index].module,
            before=f"{first.index} {first.name}",
            after=f"{second.index} {second.name}",
        )

    def provenance(
        self, op: OpRef | tuple[Step | int | str, int | str], *, run: ProfiledRun | None = None
    ) -> Provenance:
        """What an op came from and what it became, in every step, down to kernels and events.

        The first call compiles the source once more, with locations printed.

        Args:
            op: an ``OpRef``, or a step with a line of its whole module (from 1) or a text to find
                there, such as an SSA name. Step -1 of an ``OpRef`` is the source.
            run: a profiled run whose timeline events are to be found too.

        Raises:
            KeyError: no such step or line.
            ProvenanceUnavailable: the source does not compile again as it did.
        """
        from ireelab.pipeline.provenance import as_reference, provenance

        return provenance(self, as_reference(self, op), run)

    def module(self, step: Step | int | str) -> Any:
        """The whole module after a step as a live ``iree.compiler.ir.Module``: a copy, yours."""
        from ireelab.pipeline.session import parse_module

        return parse_module(self.ir(step, module=True))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write everything into one ``.iltrace`` file, for ``il.load_trace``; returns its path."""
        from ireelab.pipeline.saved import save_trace

        return save_trace(self, path)

    def compare(self, other: Trace) -> TraceComparison:
        """This trace and another, aligned by pass and op: what differs, and where it began."""
        from ireelab.pipeline.compare import compare_traces

        return compare_traces(self, other)

    @property
    def boundaries(self) -> dict[str, int]:
        """Where ``resume`` can go on: names of lab steps (or phases), and their last pass."""
        from ireelab.pipeline.resume import boundaries

        return boundaries(self)

    def resume(
        self,
        after: Step | int | str,
        ir: object = None,
        *,
        pipeline: Pipeline | None = None,
        until: str = "vm",
        progress: Progress | None = None,
        stop: threading.Event | None = None,
    ) -> Trace:
        """Run what follows a boundary on the IR there, or on ``ir``: an edited copy.

        Only that is compiled; see ``ireelab.pipeline.resume`` for arguments and errors.
        """
        from ireelab.pipeline.resume import resume

        return resume(self, after, ir, pipeline=pipeline, until=until, progress=progress, stop=stop)

    def recompile(
        self,
        executable: str,
        *,
        flags: Sequence[str] = (),
        program: Program | None = None,
        progress: Progress | None = None,
        stop: threading.Event | None = None,
    ) -> tuple[Program, Trace]:
        """The program with one executable compiled with further flags, and that compilation.

        Args:
            executable: its symbol, such as ``main_dispatch_0``.
            flags: ``iree-compile`` flags that steer code generation. Without any the code is the
                same, but its debug locations are lines of the executable's source, which is the
                source of the trace that is returned.
            program: what to put it into, where other executables were replaced already.
            progress, stop: as ``il.compile`` takes them.

        Raises:
            KeyError: no such executable.
            CompileError: see ``ireelab.pipeline.recompile``; or what ``il.compile`` raises.
        """
        from ireelab.pipeline.recompile import recompile

        return recompile(self, executable, flags, program, progress, stop)

    def changed_steps(self) -> Iterator[Step]:
        """The steps that changed the IR."""
        return (step for step in self.steps if step.changed)

    def summary(self) -> str:
        """Phases with their number of passes, of changes, and time, as a table."""
        lines = [f"{'phase':20s} {'passes':>7s} {'changed':>8s} {'time':>12s}"]
        for phase, steps in self.phases.items():
            milliseconds = sum(step.seconds for step in steps) * 1e3
            changed = sum(step.changed for step in steps)
            lines.append(f"{phase:20s} {len(steps):7d} {changed:8d} {milliseconds:9.1f} ms")
        changed = sum(step.changed for step in self.steps)
        total = f"{'total':20s} {len(self.steps):7d} {changed:8d} {self.seconds * 1e3:9.1f} ms"
        note = ["from the cache; times are those of the compilation"] if self.cached else []
        return "\n".join((*lines, total, *note))

    def __repr__(self) -> str:
        state = ", from the cache" if self.cached else ""
        state += "" if self.complete else ", incomplete"
        changed = sum(step.changed for step in self.steps)
        return (
            f"<Trace {self.name}: {len(self.steps)} steps, {changed} changed, "
            f"{self.seconds:.2f} s, {self.pipeline} for {self.target}{state}>"
        )
