"""A compilation that failed -> the typed error: what, where, and how to see it again."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ireelab.errors import (
    CompileError,
    CompileInterrupted,
    CompilerCrashed,
    Diagnostic,
    InvalidIR,
    PassFailed,
)
from ireelab.pipeline.assemble import Assembly
from ireelab.pipeline.capture import DumpReader
from ireelab.pipeline.compiler_job import (
    POLL_SECONDS,
    Arguments,
    Request,
    job_folder,
    no_room,
    submit,
    wait,
)
from ireelab.pipeline.diagnostics import errors_of, located
from ireelab.pipeline.lab.job import stopped
from ireelab.pipeline.lab.pipeline import pipeline as lab_pipeline
from ireelab.pipeline.lab.step import LabStep
from ireelab.pipeline.reproducer import Failure, write_reproducer
from ireelab.pipeline.trace import Trace
from ireelab.pipeline.upstream import (
    JobFolder,
    arguments,
    driver_arguments,
    reproducing_arguments,
    reproducing_driver_arguments,
)

_REPRODUCING_SECONDS = 120
_ONE_THREAD = ("--mlir-disable-threading",)


def failure(
    request: Request,
    folder: JobFolder,
    trace: Trace,
    assembly: Assembly,
    code: int | None,
) -> CompileError:
    """What a compilation raises that ended with ``code``, None where it was stopped."""
    stderr = folder.messages()
    if (full := os.strerror(errno.ENOSPC)) in stderr:  # It was writing, no pass is to blame.
        return no_room(folder.root.parent, full, trace)
    if code is None:
        ran = f"after {len(trace.steps)} steps"
        return CompileInterrupted(f"{trace.name}: compilation stopped {ran}", trace=trace)
    if code < 0:
        return _crash(request, trace, code)
    return _stopped(request, folder, trace, stderr) or _refused(request, trace, assembly, stderr)


def _stopped(request: Request, folder: JobFolder, trace: Trace, stderr: str) -> CompileError | None:
    """What a lab pipeline says stopped it."""
    errors = errors_of(trace.diagnostics)
    error = stopped(folder.outcome, trace.name, errors, stderr.strip(), trace)
    if error is not None:
        said = stderr.strip().partition("\n")[0].removeprefix("error: ")
        message = _first_message(errors) or said or str(error)
        error.reproducer = _reproducer(request, trace, error.step, message)
    return error


def _refused(request: Request, trace: Trace, assembly: Assembly, stderr: str) -> CompileError:
    """What the compiler says it cannot do."""
    errors = errors_of(trace.diagnostics)
    step = assembly.failed_step
    if errors and assembly.initial is None:
        return InvalidIR(located(errors[0]), diagnostics=errors, trace=trace)
    if errors or step:
        first = errors[0].message if errors else "no diagnostic"
        message = f"{trace.name}: pass {step or 'unknown'} failed: {first}"
        reproducer = _reproducer(request, trace, step, _first_message(errors))
        return PassFailed(
            message, diagnostics=errors, step=step, trace=trace, reproducer=reproducer
        )
    said = stderr.strip() or "no message"
    return CompileError(f"{trace.name}: iree-compile refused: {said}", trace=trace)


def _crash(request: Request, trace: Trace, code: int) -> CompileError:
    """Name the pass that died."""
    errors = errors_of(trace.diagnostics)
    try:
        step, folder = _crashing_pass(request) or (None, "")
    except KeyboardInterrupt:
        ran = f"after {len(trace.steps)} steps, while looking for the pass that crashed"
        return CompileInterrupted(f"{trace.name}: compilation stopped {ran}", trace=trace)
    ops = trace.snapshots[-1].module.children if trace.snapshots else ()
    op = next((op.name for op in ops if op.folder == folder), "the module")
    after = f"after {trace.steps[-1].name}" if trace.steps else "before the first pass"
    where = f"in {step} on {op}" if step else f"{after}, and not when tried again,"
    name = signal.Signals(-code).name
    reproducer = _reproducer(request, trace, step, _first_message(errors))
    return CompilerCrashed(
        f"{trace.name}: the compiler process died with {name} {where} "
        f"({len(trace.steps)} steps had run)"
        + (f". Reproduce with: {reproducer}" if reproducer else ""),
        diagnostics=errors,
        step=step,
        trace=trace,
        reproducer=reproducer,
    )


def _crashing_pass(request: Request) -> tuple[str, str] | None:
    """Let it crash once more, in one thread: (pass that ran, folder of its op).

    None where it does not crash again, or takes no pass to crash.
    """
    with job_folder() as folder:
        job = submit(request, folder, driver_arguments if request.steps else arguments, _ONE_THREAD)
        reader = DumpReader(folder.snapshots, folder.journal)
        code = wait(job, reader, None, request.stop)
        if code is None:
            raise KeyboardInterrupt
        if code >= 0:
            return None
        if request.steps and request.steps[max(reader.stage, 0)].kind == "python":
            return request.steps[reader.stage].name, "builtin_module_no-symbol-name"
        running = reader.running()
        return (running.name, running.folder) if running else None


def _reproducer(request: Request, trace: Trace, step: str | None, message: str) -> str | None:
    """A command that shows the failure; what it needs is kept in a folder. None without room."""
    if not request.reproducible:
        return None
    name = Path(request.source.name).name
    lab = next((s for s in request.steps if s.name == step), None)
    as_iree = not request.steps or request.steps == lab_pipeline().steps
    command = ("iree-compile", name, *request.command, "-o", os.devnull) if as_iree else ()
    try:
        python = lab is not None and lab.kind == "python"
        module = "" if python else _failing_pass(request)
        if lab is not None and lab.kind != "driver" and not module:
            module = _module_before(request, lab)
        return write_reproducer(Failure(trace, name, command, step, message, module, lab))
    except OSError as error:
        warnings.warn(f"no reproducer was written: {error}", stacklevel=2)
        return None


def _failing_pass(request: Request) -> str:
    """Let it fail once more: the failing pass's whole input, and that pass with its options."""
    arguments = reproducing_driver_arguments if request.steps else reproducing_arguments
    return _last_input(request, arguments)


def _module_before(request: Request, step: LabStep) -> str:
    """The whole module that a step of a lab pipeline is given."""
    before = request.steps[: request.steps.index(step)]
    if not before:
        return request.source.text
    until = replace(request, steps=before, until=before[-1].phase, keeps_module=True)
    return _last_input(until, driver_arguments)


def _last_input(request: Request, arguments: Arguments) -> str:
    with job_folder() as folder, contextlib.suppress(KeyboardInterrupt):
        end_seconds = time.monotonic() + _REPRODUCING_SECONDS
        job = submit(request, folder, arguments)
        try:
            while job.poll(POLL_SECONDS) is None and time.monotonic() < end_seconds:
                if request.stopped:
                    break
        finally:
            job.kill()
        return folder.input.read_text("utf-8", "replace") if folder.input.exists() else ""
    return ""


def _first_message(errors: Sequence[Diagnostic]) -> str:
    return errors[0].message.partition("\n")[0] if errors else ""
