"""What an explorer has shown: compilations, programs made from them, and runs. Nothing is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ireelab.errors import CompileError
from ireelab.hal.registry import names_of
from ireelab.pipeline.trace import Trace
from ireelab.program import Program
from ireelab.viz.payload import Run, state_of


@dataclass(frozen=True, slots=True)
class Compilation:
    """A compilation by its number, from 1, and how it came about."""

    number: int
    label: str
    trace: Trace
    error: CompileError | None = None

    def to_json(self) -> dict[str, Any]:
        trace = self.trace
        return {
            "number": self.number,
            "label": self.label,
            "target": trace.target,
            "pipeline": trace.pipeline,
            "until": trace.until,
            "flags": list(trace.flags),
            "seconds": trace.seconds,
            "steps": len(trace.steps),
            "state": state_of(self.error),
        }


@dataclass(frozen=True, slots=True)
class Variant:
    """A program that can be run: a compilation's own, or one with a kernel replaced."""

    number: int
    label: str
    compilation: int  # 0 for a program without a trace
    program: Program
    edited: bool = False


@dataclass(frozen=True, slots=True)
class Ran:
    """A run by its number, from 1, and what it was asked with."""

    number: int
    variant: Variant
    result: Run
    texts: tuple[str, ...]
    device: str  # as one opens it

    def to_json(self) -> dict[str, Any]:
        result = self.result
        return {
            "number": self.number,
            "program": self.variant.number,
            "compilation": self.variant.compilation,
            "function": result.function,
            "device": self.device,
            "seconds": result.seconds,
            "calls": getattr(result, "calls", 1),
            "profiled": result.timeline is not None,
            "inputs": list(self.texts),
        }


@dataclass
class History:
    """Everything by number; the lists only grow."""

    compilations: list[Compilation] = field(default_factory=list[Compilation])
    variants: list[Variant] = field(default_factory=list[Variant])
    runs: list[Ran] = field(default_factory=list[Ran])

    def add_compilation(
        self, label: str, trace: Trace, error: CompileError | None = None
    ) -> Compilation:
        """Its own program, where it has one, can be run from now on."""
        made = Compilation(len(self.compilations) + 1, label, trace, error)
        self.compilations.append(made)
        if trace.compiled is not None:
            self.add_variant(f"{label}, as compiled", made.number, trace.compiled)
        return made

    def add_variant(
        self, label: str, compilation: int, program: Program, *, edited: bool = False
    ) -> Variant:
        variant = Variant(len(self.variants) + 1, label, compilation, program, edited)
        self.variants.append(variant)
        return variant

    def add_run(
        self, variant: Variant, result: Run, texts: Sequence[str] | None = None, device: str = ""
    ) -> Ran:
        """``texts`` is what was written for each input; None: they came from Python."""
        number = len(self.runs) + 1
        if texts is None:
            texts = [f"run {number}"] * len(inputs_of(result))
        device = device or names_of(result.device)
        ran = Ran(number, variant, result, tuple(texts), device)
        self.runs.append(ran)
        return ran

    def variants_of(self, compilation: int) -> list[Variant]:
        return [one for one in self.variants if one.compilation == compilation]

    def last_run_of(self, compilation: int) -> Ran | None:
        runs = [one for one in self.runs if one.variant.compilation == compilation]
        return runs[-1] if runs else None

    def inputs(self) -> dict[int, Sequence[Any]]:
        """The inputs of every run, by its number."""
        return {ran.number: inputs_of(ran.result) for ran in self.runs}


def inputs_of(result: Run) -> Sequence[Any]:
    """The arguments of a run; of one that is not ``il.run``'s they may be unknown."""
    return getattr(result, "inputs", ())
