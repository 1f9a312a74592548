"""What the page is told of an explorer that can run and compile: the ``live`` trait, as JSON."""

from __future__ import annotations

from typing import Any

from ireelab.errors import CompileError, InvalidCode
from ireelab.pipeline.trace import Trace
from ireelab.program import Function, Program
from ireelab.viz.payload import error_record
from ireelab.vm.declaration import parse_declaration
from ireelab.widgets.history import Compilation, History, Ran


def options_record() -> dict[str, Any]:
    """What can be chosen here: devices, targets, pipelines, phases and steps."""
    from ireelab.hal.registry import devices
    from ireelab.pipeline.compile import PIPELINES
    from ireelab.pipeline.lab.pipeline import pipeline
    from ireelab.pipeline.step import PHASES
    from ireelab.pipeline.targets import TARGETS

    return {
        "devices": [
            {
                "id": info.id,
                "description": info.description,
                "available": info.available,
                "reason": info.reason,
            }
            for info in devices()
        ],
        "targets": list(TARGETS),
        "pipelines": list(PIPELINES),
        "phases": list(PHASES),
        "lab_steps": list(pipeline().names()),
    }


def live_record(
    history: History, shown: Compilation | None, program: Program | None, ran: Ran | None
) -> dict[str, Any]:
    """Everything there is to choose from, and which of it is shown."""
    number = 0 if shown is None else shown.number
    variants = history.variants_of(number)
    return {
        "compilations": [one.to_json() for one in history.compilations],
        "compilation": number,
        "programs": [{"number": one.number, "label": one.label} for one in variants],
        "functions": [] if program is None else [_function(f) for f in program.functions],
        "runs": [one.to_json() for one in history.runs],
        "run": 0 if ran is None else ran.number,
        "boundaries": {} if shown is None else _boundaries(shown.trace),
    }


def problem_record(where: str, error: Exception) -> dict[str, Any]:
    """An error for the pane ``where`` it was asked for."""
    if isinstance(error, CompileError):
        return {"where": where, **error_record(error), "line": _line(error)}
    return {
        "where": where,
        "kind": type(error).__name__,
        "message": str(error),
        "step": None,
        "diagnostics": [],
        "reproducer": None,
        "line": error.line if isinstance(error, InvalidCode) else 0,
    }


def _line(error: CompileError) -> int:
    return next((one.line for one in error.diagnostics if one.line), 0)


def _boundaries(trace: Trace) -> dict[str, int]:
    """Where one can go on; after the last phase nothing follows."""
    last = trace.steps[-1].index if trace.complete and trace.steps else -1
    return {name: index for name, index in trace.boundaries.items() if index != last}


def _function(function: Function) -> dict[str, Any]:
    declared, _ = parse_declaration(function.declaration)
    known = len(declared) == len(function.arguments)
    return {
        "name": function.name,
        "arguments": [
            {"name": declared[i].name, "type": declared[i].text}
            if known
            else {"name": "", "type": letter}
            for i, letter in enumerate(function.arguments)
        ],
    }
