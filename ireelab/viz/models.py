"""The models of a trace by name, as the explorer asks for them: computed when first shown.

A name may carry an argument after a slash: ``located/EXECUTABLE::FUNCTION`` is one kernel,
``schedule/units=8`` the simulation of another device.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ireelab.errors import IreelabError
from ireelab.pipeline.trace import Trace
from ireelab.program import Program
from ireelab.viz.allocation import allocation
from ireelab.viz.barriers import barriers
from ireelab.viz.executables import executables
from ireelab.viz.payload import Run
from ireelab.viz.provenance_payload import provenance_record
from ireelab.viz.schedule_record import schedule_record, with_settings
from ireelab.viz.simulate import Simulation, simulate
from ireelab.viz.steps import reached
from ireelab.viz.stream_graph import stream_graph
from ireelab.viz.vm_listing import vm_listing

_LEVEL = 1  # gzip level: the browser is beside the kernel, time matters more than bytes.

_LARGE_SCHEDULE = 1000  # commands; from there on two invocations must do


@dataclass(frozen=True, slots=True)
class Subject:
    """What models are made from: a trace, its program, a run of it, as far as there are any.

    Beside a trace ``program`` is its own one with executables replaced; None: it is as compiled.
    A cell that shows a simulation asks for others of the same commands and times.
    """

    trace: Trace | None = None
    program: Program | None = None
    run: Run | None = None
    simulation: Simulation | None = None

    def reached(self, phase: str) -> bool:
        """Whether the compilation went through a phase; a program is all phases' result."""
        if not phase:
            return True
        if self.trace is None:
            return self.program is not None
        return reached(self.trace, phase)


@dataclass(frozen=True, slots=True)
class _Kind:
    phase: str  # the phase that a compilation must have gone through; "": none
    make: Callable[[Subject, str], dict[str, Any]]  # the second is the name's argument
    of_program: bool = False  # a program without its trace is enough
    on_request: bool = False  # never part of a saved page


def _of_run(make: Callable[..., Any]) -> Callable[[Subject, str], dict[str, Any]]:
    """Of models that take a profiled run too, for times."""

    def record(subject: Subject, _argument: str) -> dict[str, Any]:
        run = subject.run if subject.run is not None and subject.run.timeline is not None else None
        return make(subject.trace, run=run).to_json()

    return record


def _executables(subject: Subject, _argument: str) -> dict[str, Any]:
    source = subject.trace or subject.program
    assert source is not None
    return executables(source, subject.program if subject.trace else None).to_json()


def _located(subject: Subject, argument: str) -> dict[str, Any]:
    assert subject.trace is not None
    return executables(subject.trace).located(argument).to_json()


def _provenance(subject: Subject, _argument: str) -> dict[str, Any]:
    assert subject.trace is not None
    return provenance_record(subject.trace)


def _vm(subject: Subject, _argument: str) -> dict[str, Any]:
    program = subject.program
    if program is None:
        assert subject.trace is not None
        program = subject.trace.program
    return vm_listing(program, subject.run).to_json()


def _schedule(subject: Subject, argument: str) -> dict[str, Any]:
    """Without an argument the device that ran; with one, such as ``units=8``, any other."""
    simulation = subject.simulation
    if simulation is None:
        assert subject.trace is not None
        timed = subject.run is not None and subject.run.timeline is not None
        simulation = simulate(subject.trace, times=subject.run if timed else None, invocations=1)
        small = len(simulation.work.items) <= _LARGE_SCHEDULE
        simulation = simulation.again(invocations=4 if small else 2)
    if argument:
        return with_settings(simulation, argument).to_json()
    return schedule_record(simulation)


_KINDS: dict[str, _Kind] = {
    "stream": _Kind("stream", _of_run(stream_graph)),
    "allocation": _Kind("stream", _of_run(allocation)),
    "barriers": _Kind("hal", _of_run(barriers)),
    "schedule": _Kind("stream", _schedule),
    "executables": _Kind("executable", _executables, of_program=True),
    "located": _Kind("vm", _located, on_request=True),
    "vm": _Kind("vm", _vm, of_program=True),
    "provenance": _Kind("", _provenance),
}

MODEL_NAMES = tuple(name for name, kind in _KINDS.items() if not kind.on_request)
"""Every model that a saved page carries."""

RUN_MODELS = ("stream", "barriers", "schedule", "executables", "vm")
"""Those that say something of the run, or of the program that was run; the front end has the same
list in app.ts."""


@dataclass(frozen=True, slots=True)
class ModelBlob:
    """A model as the front end reads it: gzip-compressed JSON, or why there is none."""

    data: bytes = b""
    absent: str = ""


def model_record(subject: Subject, name: str) -> dict[str, Any] | None:
    """A model as JSON; None where the compilation ended before the phase that it reads."""
    name, _, argument = name.partition("/")
    kind = _KINDS[name]
    return kind.make(subject, argument) if subject.reached(kind.phase) else None


def model_blob(subject: Subject, name: str) -> ModelBlob:
    """A model for the front end; what cannot be had says why in words for the user."""
    kind = _KINDS.get(name.partition("/")[0])
    if kind is None:
        return ModelBlob(absent=f"There is no model {name!r}; there are: {', '.join(_KINDS)}.")
    if subject.trace is None and not (kind.of_program and subject.program):
        return ModelBlob(absent="This program came without the trace of its compilation.")
    try:
        record = model_record(subject, name)
    except IreelabError as error:
        return ModelBlob(absent=str(error))
    if record is None:
        return ModelBlob(absent=f"The compilation ended before phase {kind.phase}.")
    return pack_model(record)


def pack_model(record: dict[str, Any]) -> ModelBlob:
    """JSON as the front end reads it."""
    return ModelBlob(gzip.compress(json.dumps(record, separators=(",", ":")).encode(), _LEVEL))
