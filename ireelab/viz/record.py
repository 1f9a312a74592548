"""A trace and a run as plain JSON: what ``--json`` and ``Explorer.to_json`` give.

``docs/json.md`` describes every field; the payload of the widget is another thing (it carries all
texts, this none).
"""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from ireelab.array_text import Value, element_type_of
from ireelab.errors import CompileError
from ireelab.pipeline.step import Step
from ireelab.pipeline.trace import Trace
from ireelab.program import Program
from ireelab.viz.models import Subject, model_record
from ireelab.viz.payload import SCHEMA, Run, error_record, state_of


def explore_record(
    trace: Trace, *, run: Run | None = None, error: CompileError | None = None
) -> dict[str, Any]:
    """Steps, scheduling models, run and error of one compilation.

    A model is None where the compilation ended before the phase that it reads.
    """
    subject = Subject(trace)
    return {
        "schema": SCHEMA,
        "name": trace.name,
        "target": trace.target,
        "pipeline": trace.pipeline,
        "flags": list(trace.flags),
        "state": state_of(error),
        "error": None if error is None else error_record(error),
        "seconds": trace.seconds,
        "steps": [_step_record(step) for step in trace.steps],
        "stream": model_record(subject, "stream"),
        "allocation": model_record(subject, "allocation"),
        "barriers": model_record(subject, "barriers"),
        "run": None if run is None else run_record(run, trace.program),
    }


def run_record(run: Run, program: Program) -> dict[str, Any]:
    """The results as JSON, whole arrays, and the timeline where the run was profiled."""
    types = program.function(run.function).result_types
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "function": run.function,
        "device": run.device,
        "seconds": run.seconds,
        "outputs": [_output(value, types[i]) for i, value in enumerate(run.outputs)],
    }
    if run.timeline is not None:
        record["timeline"] = run.timeline.to_json()
    return record


def _step_record(step: Step) -> dict[str, Any]:
    return {
        "index": step.index,
        "name": step.name,
        "phase": step.phase,
        "scope": list(step.scope),
        "seconds": step.seconds,
        "changed": step.changed,
        "composite": step.composite,
        "delta": dict(step.delta),
        "lab": step.lab,
        "description": step.description,
        "link": step.link,
        "statistics": [
            {"name": s.name, "value": s.value, "description": s.description}
            for s in step.statistics
        ],
    }


def _output(value: Value, scalar_type: str) -> dict[str, Any]:
    if isinstance(value, int | float):
        return {"dtype": scalar_type, "shape": [], "values": _number(value)}
    return {
        "dtype": element_type_of(value),
        "shape": list(value.shape),
        "values": _nested(value),
    }


def _nested(array: npt.NDArray[Any]) -> Any:
    """Nested lists of JSON numbers; a complex number is the list of its two parts."""
    if array.dtype.kind == "c":
        return _nested(np.stack((np.real(array), np.imag(array)), axis=-1))
    if array.dtype.kind not in "biuf":  # bf16 and the f8 types
        array = array.astype(np.float32)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return _finite(array.tolist())
    return array.tolist()


def _finite(values: Any) -> Any:
    if isinstance(values, list):
        return [_finite(item) for item in cast("list[Any]", values)]
    return _number(values)


def _number(value: float) -> float | str:
    """JSON has no infinities and no NaN; they are written as strings."""
    return value if math.isfinite(value) else str(value)
