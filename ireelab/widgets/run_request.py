"""A run as the page asks for it, read and ready to be made."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ireelab.errors import CompileError, IreelabError
from ireelab.program import Program
from ireelab.vm.run import RunResult, run
from ireelab.widgets.history import History, Ran, Variant
from ireelab.widgets.inputs import read_inputs
from ireelab.widgets.jobs import Job, JobState

Request = dict[str, Any]
"""What the page sends: ``{"type": "live", "do": ACTION, ...}``."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A run that is asked for, its inputs read."""

    variant: Variant
    function: str
    inputs: Sequence[Any]
    texts: Sequence[str]
    device: str
    repeat: int
    profile: bool

    @property
    def state(self) -> JobState:
        title = f"running @{self.function} on {self.device}"
        return JobState("run", title, "call", total=self.repeat)

    def call(self, job: Job, program: Program) -> RunResult:
        """Make the run, with this program in the place of its own."""
        return run(
            program,
            self.function,
            *self.inputs,
            device=self.device,
            profile=self.profile,
            repeat=self.repeat,
            progress=job.progress,
            stop=job.stop,
        )


def read_run(request: Request, history: History) -> RunRequest:
    """The run that the Run pane's form describes.

    Raises:
        IreelabError: there is no such program or function, or an input means nothing.
    """
    variant = variant_of(history, int(request["program"]))
    function = variant.program.function(str(request["function"]) or None)
    texts = [str(text) for text in request["inputs"]]
    texts += [""] * (len(function.arguments) - len(texts))
    inputs = read_inputs(texts, function, history.inputs())
    device, repeat = str(request["device"]), int(request["repeat"])
    if repeat < 1:
        raise IreelabError(f"repeat is {repeat}: call it once or more")
    profile = bool(request["profile"])
    return RunRequest(variant, function.name, inputs, texts, device, repeat, profile)


def as_before(ran: Ran, history: History) -> RunRequest:
    """An earlier run as a request: for the same inputs once more."""
    result = ran.result
    inputs = history.inputs()[ran.number]
    calls = getattr(result, "calls", 1)
    profiled = result.timeline is not None
    return RunRequest(ran.variant, result.function, inputs, ran.texts, ran.device, calls, profiled)


def variant_of(history: History, number: int) -> Variant:
    """A program by its number."""
    if not 1 <= number <= len(history.variants):
        raise IreelabError("there is no program to run: the compilation did not end in one")
    return history.variants[number - 1]


def read_flags(request: Request) -> tuple[str, ...]:
    """Flags as a shell would read them."""
    try:
        return tuple(shlex.split(str(request.get("flags") or "")))
    except ValueError as error:
        raise CompileError(f"cannot read the flags: {error}") from None
