"""A pipeline as a value: look at it, change a step, compile with it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Any

from ireelab.errors import UnknownStep
from ireelab.pipeline.lab.step import LabStep, PythonPass
from ireelab.pipeline.lab.steps_device import EXECUTABLES, HAL, VM
from ireelab.pipeline.lab.steps_stream import STREAM
from ireelab.pipeline.lab.steps_tensor import CREATION, FLOW, FRONT

_PREFIXES = (
    "iree-stream-",
    "iree-flow-",
    "iree-dispatch-creation-",
    "iree-util-",
    "iree-hal-",
    "iree-vm-",
    "iree-",
)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """An ordered tuple of steps. Every change gives a new pipeline.

    >>> pipeline().remove("layout-slices").names()[-1]
    'vm'
    """

    steps: tuple[LabStep, ...]

    def names(self) -> tuple[str, ...]:
        """The steps' names, in order."""
        return tuple(step.name for step in self.steps)

    def step(self, name: str) -> LabStep:
        """The step of that name.

        Raises:
            UnknownStep: there is none; the message suggests one.
        """
        return self.steps[self.index(name)]

    def index(self, name: str) -> int:
        """Where a step stands; ``iree-stream-layout-slices`` means ``layout-slices``.

        Raises:
            UnknownStep: no step has that name.
        """
        names = self.names()
        for known in (name, *(name.removeprefix(prefix) for prefix in _PREFIXES)):
            if known in names:
                return names.index(known)
        close = difflib.get_close_matches(name, names, 1, 0.4)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise UnknownStep(f"the pipeline has no step {name!r}{hint} `il.lab.pipeline()` lists them")

    def replace(self, name: str, runs: str | PythonPass) -> Pipeline:
        """With something else in the place of a step: a textual pass pipeline, or a function.

        A text runs on the module: nest it as in ``"util.func(canonicalize)"``.
        """
        return self._with(name, lambda step: (step.running(runs),))

    def insert_before(self, name: str, runs: str | PythonPass, *, called: str = "") -> Pipeline:
        """With a further step before one, in its phase."""
        return self._with(name, lambda step: (self._new(step, runs, called), step))

    def insert_after(self, name: str, runs: str | PythonPass, *, called: str = "") -> Pipeline:
        """With a further step after one, in its phase."""
        return self._with(name, lambda step: (step, self._new(step, runs, called)))

    def remove(self, name: str) -> Pipeline:
        """Without a step."""
        return self._with(name, lambda _: ())

    def options(self, name: str, /, **options: Any) -> Pipeline:
        """With options for a step: of its pass, or what its function gets as ``options``."""
        return self._with(
            name,
            lambda step: (replace(step, options=MappingProxyType({**step.options, **options})),),
        )

    def _with(self, name: str, change: Callable[[LabStep], tuple[LabStep, ...]]) -> Pipeline:
        at = self.index(name)
        changed = change(self.steps[at])
        return Pipeline((*self.steps[:at], *changed, *self.steps[at + 1 :]))

    def _new(self, near: LabStep, runs: str | PythonPass, called: str) -> LabStep:
        name = called or (runs if isinstance(runs, str) else getattr(runs, "__name__", "python"))
        name, count = name.split("{")[0].split("(")[-1].rstrip(")"), 1
        base = name
        while name in self.names():
            count += 1
            name = f"{base}:{count}"
        return LabStep(name, near.phase, "inserted", runs)

    def __iter__(self) -> Iterator[LabStep]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def __repr__(self) -> str:
        lines = [f"{s.phase:20s} {s.name:44s} {s.why}" for s in self.steps]
        return "\n".join((f"<Pipeline of {len(self.steps)} steps>", *lines))


@cache
def pipeline() -> Pipeline:
    """The lab's own pipeline: the steps of IREE, each by its name."""
    return Pipeline((*FRONT, *CREATION, *FLOW, *STREAM, *EXECUTABLES, *HAL, *VM))
