"""What the worker is told about a lab compilation, and what it tells when one stops."""

# cloudpickle has no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

import base64
import io
import json
import linecache
import site
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any, ClassVar

import cloudpickle

from ireelab.errors import (
    CompileError,
    Diagnostic,
    InvalidPythonPass,
    PassFailed,
    PythonPassFailed,
)
from ireelab.pipeline.lab.pipeline import Pipeline
from ireelab.pipeline.lab.step import LabStep

if TYPE_CHECKING:
    from ireelab.pipeline.trace import Trace

_UNSUPPORTED = (
    "iree-flow-break-dispatch",
    "iree-flow-trace-dispatch",
    "iree-parameter-encoder-output-file",
    "iree-tflite-bindings-support",
)
_HOST_MODELS = ("host-only", "inline-static", "inline-dynamic")


def check_flags(flags: Sequence[str]) -> None:
    """Refuse flags that ask for passes which the lab pipeline has no step for.

    Raises:
        CompileError: naming the flag.
    """
    for flag in flags:
        name, _, value = flag.lstrip("-").partition("=")
        if name in _UNSUPPORTED or (name == "iree-execution-model" and value in _HOST_MODELS):
            raise CompileError(
                f"the lab pipeline has no step for {flag}; use pipeline='upstream' for it"
            )


def selected(pipeline: Pipeline, from_step: str | None, until: str) -> tuple[LabStep, ...]:
    """The steps from one on (None: the first) up to a step or the end of a phase.

    Raises:
        CompileError: nothing lies between them.
    """
    first = pipeline.index(from_step) if from_step is not None else 0
    phases = [number for number, step in enumerate(pipeline) if step.phase == until]
    last = phases[-1] if phases else pipeline.index(until)
    if last < first:
        raise CompileError(f"nothing to run: {until!r} ends before {from_step!r} begins")
    return pipeline.steps[first : last + 1]


def write_job(
    path: Path,
    steps: Sequence[LabStep],
    *,
    source: str,
    flags: Sequence[str],
    output: Path | None,
    outcome: Path,
    elide: int,
    module: Path | None = None,
) -> None:
    """Write the job's file; ``output`` is for the program, ``module`` for the last IR.

    Raises:
        InvalidPythonPass: a function cannot be sent to another process.
    """
    job = {
        "source": source,
        "flags": list(flags),
        "steps": [_spelled(step) for step in steps],
        "output": str(output) if output else "",
        "outcome": str(outcome),
        "module": str(module) if module else "",
        "elide": elide,
        "path": sys.path,  # as it is now: functions may import what lies where it points
    }
    path.write_text(json.dumps(job))


def _spelled(step: LabStep) -> dict[str, Any]:
    spelled: dict[str, Any] = {
        "name": step.name,
        "kind": step.kind,
        "when": step.when,
        "repeat": step.repeat,
        "phases": step.phases,
        "text": step.runs if isinstance(step.runs, str) else "",
        "options": dict(step.options) if step.kind != "python" else {},
    }
    if step.kind == "python":
        spelled["pickle"] = _packed(step.name, step.runs)
        spelled["options_pickle"] = _packed(step.name, dict(step.options))
    return spelled


def packed_step(step: LabStep) -> bytes:
    """A Python step for ``cloudpickle.loads``: the pickles of its function and of its options."""
    pieces = (_packed(step.name, step.runs), _packed(step.name, dict(step.options)))
    return cloudpickle.dumps([base64.b64decode(piece) for piece in pieces])


def _packed(name: str, value: object) -> str:
    """Pickled by value where it comes from a file under development, so that edits count."""
    module = sys.modules.get(getattr(value, "__module__", None) or "")
    by_value = module is not None and _is_users(module)
    try:
        if by_value:
            cloudpickle.register_pickle_by_value(module)
        pickled = io.BytesIO()
        _Pickler(pickled).dump(value)
        return base64.b64encode(pickled.getvalue()).decode()
    except Exception as error:
        raise InvalidPythonPass(
            f"step {name!r}: the function cannot be sent to the compiler's process: {error}. "
            "It must not hold IR, open files or locks from outside; create them inside it",
            step=name,
        ) from error
    finally:
        if by_value:
            cloudpickle.unregister_pickle_by_value(module)


def _code(code: CodeType) -> tuple[Any, ...]:
    """Code with the name of its file, which cloudpickle 3.1.3 leaves out: tracebacks need it."""
    reduced: Any = cloudpickle.Pickler.dispatch_table[CodeType](code)
    make, arguments = reduced
    return make, tuple(code.co_filename if a == "<dynamic-code>" else a for a in arguments)


class _Pickler(cloudpickle.Pickler):
    dispatch_table: ClassVar[dict[type, Any]] = {
        **cloudpickle.Pickler.dispatch_table,
        CodeType: _code,
    }


def _is_users(module: Any) -> bool:
    """Is a module neither installed nor part of Python?"""
    file = getattr(module, "__file__", None)
    if file is None or module.__name__.partition(".")[0] == "ireelab":
        return False
    installed = {*site.getsitepackages(), *sysconfig.get_paths().values()}
    return not any(Path(file).is_relative_to(folder) for folder in installed if folder)


def stopped(
    outcome: Path, name: str, diagnostics: Sequence[Diagnostic], said: str, trace: Trace
) -> CompileError | None:
    """The error for what stopped a lab pipeline; None where the job's process did not say."""
    if not outcome.exists():
        return None
    told: dict[str, Any] = json.loads(outcome.read_text())
    step = str(told["step"])
    if told["kind"] == "python":
        shown = _traceback(told)
        return PythonPassFailed(
            f"{name}: the Python pass {step!r} raised\n{shown}",
            step=step,
            traceback=shown,
            trace=trace,
        )
    if told["kind"] == "invalid":
        return PythonPassFailed(
            f"{name}: the Python pass {step!r} left invalid IR: {told['message']}",
            step=step,
            diagnostics=diagnostics,
            trace=trace,
        )
    first = diagnostics[0].message if diagnostics else said or "no diagnostic"
    return PassFailed(
        f"{name}: step {step!r} failed: {first}", step=step, diagnostics=diagnostics, trace=trace
    )


def _traceback(told: dict[str, Any]) -> str:
    """As Python prints it, with the lines of notebook cells, which only this process knows."""
    lines = ["Traceback (most recent call last):"]
    for file, line, function in told["frames"]:
        lines.append(f'  File "{file}", line {line}, in {function}')
        source = linecache.getline(file, line).strip()
        lines += [f"    {source}"] if source else []
    return "\n".join((*lines, told["message"]))
