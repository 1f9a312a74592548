"""The compile path, top to bottom: source -> pipeline in the worker -> trace."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import signal
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ireelab.errors import (
    CompileError,
    CompileInterrupted,
    CompilerCrashed,
    Diagnostic,
    InvalidIR,
    PassFailed,
)
from ireelab.frontends.source import Source, resolve
from ireelab.pipeline.assemble import Assembly, assemble
from ireelab.pipeline.cache import cache_key, cached_trace, keep_trace, steps_key
from ireelab.pipeline.capture import DumpReader
from ireelab.pipeline.client import JOB_PREFIX, WORKER, Job
from ireelab.pipeline.diagnostics import parse_diagnostics
from ireelab.pipeline.lab.job import check_flags, selected, stopped, write_job
from ireelab.pipeline.lab.pipeline import Pipeline
from ireelab.pipeline.lab.pipeline import pipeline as lab_pipeline
from ireelab.pipeline.lab.step import LabStep
from ireelab.pipeline.reproducer import Failure, write_reproducer
from ireelab.pipeline.targets import Target, one_name
from ireelab.pipeline.topology import own_topology
from ireelab.pipeline.trace import Trace
from ireelab.pipeline.upstream import (
    ELIDE_ELEMENTS,
    JobFolder,
    arguments,
    careful_arguments,
    compile_flags,
    driver_arguments,
    reproducing_arguments,
    reproducing_driver_arguments,
)
from ireelab.program import Program

PIPELINES = ("upstream", "lab")
"""Pipelines that ``il.compile`` knows."""

Progress = Callable[[int, str], None]
"""Called while compiling with the number of snapshots so far and the newest pass."""

Arguments = Callable[[str, Sequence[str], JobFolder], Sequence[str]]
"""Makes the compiler's command line from source, flags and folder."""

_POLL_SECONDS = 0.02
_REPRODUCING_SECONDS = 120
_ONE_THREAD = ("--mlir-disable-threading",)
_SHM = Path("/dev/shm")
_SHM_FREE_BYTES = 2 << 30
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


@dataclass(frozen=True, slots=True)
class _Request:
    """One call of ``compile``, resolved."""

    source: Source
    target: str
    pipeline: str
    until: str
    flags: tuple[str, ...]
    command: tuple[str, ...]  # flags as iree-compile gets them
    steps: tuple[LabStep, ...] = ()  # of a lab pipeline
    keeps_module: bool = False  # the last IR of a lab pipeline, whole, in the job's folder
    stop: threading.Event | None = None

    @property
    def stopped(self) -> bool:
        """Has another thread asked to stop?"""
        return self.stop is not None and self.stop.is_set()

    @property
    def complete(self) -> bool:
        """Does it end in a program?"""
        return self.until == "vm"


def compile(
    source: object,
    *,
    target: Target = "llvm-cpu",
    pipeline: str | Pipeline = "upstream",
    until: str = "vm",
    from_step: str | None = None,
    flags: Sequence[str] = (),
    name: str | None = None,
    inputs: Sequence[object] = (),
    progress: Progress | None = None,
    cache: bool = False,
    stop: threading.Event | None = None,
) -> Trace:
    """Compile a model and keep every step.

    Args:
        source: MLIR text, a path to an ``.mlir`` or ``.onnx`` file, an ``ir.Module``, a JAX
            function or a PyTorch module.
        target: a name of ``ireelab.pipeline.targets.TARGETS``; of several the program holds all
            executables and, when loaded, takes the first target that the machine has. ``{name:
            target}`` for a program that uses several devices at once, by the names that its
            affinities (``#hal.device.promise<@name>``) use.
        pipeline: a name of ``PIPELINES``, or a lab pipeline with steps changed.
        until: the last phase to run, or of a lab pipeline the last step; a program exists only
            after ``"vm"``.
        from_step: of a lab pipeline, the first step to run: the source is IR as it stands there.
        flags: further ``iree-compile`` flags; they win over those of the target.
        name: what diagnostics call a source that is not a file.
        inputs: example arguments, which a JAX function or a PyTorch module is traced with.
        progress: called from this thread while the compiler works.
        cache: take the trace from disk where the same was compiled before, and keep it there; not
            with Python passes, since what they call may have changed unseen. See
            ``ireelab.pipeline.cache``.
        stop: set by another thread, it ends the compilation as Ctrl-C does.

    Raises:
        InvalidIR: the source does not parse or verify.
        PassFailed: a pass signalled failure.
        CompilerCrashed: the compiler process died; this one lives.
        CompileInterrupted: stopped by KeyboardInterrupt or ``stop``.
        CompileError: anything else, such as an unknown flag.
        Each carries ``trace`` with the steps that ran.
    """
    source = resolve(source, name=name, inputs=inputs)
    request = _request(source, one_name(target), pipeline, until, from_step, flags)
    request = replace(request, stop=stop)
    steps = steps_key(request.steps)
    if steps is None or not cache:
        return _compile(request, progress)
    key = cache_key(
        request.source.text,
        request.source.name,
        request.until,
        request.target,
        request.flags,
        request.command,
        steps,
    )
    trace = cached_trace(key)
    if trace is None:
        trace = _compile(request, progress)
        keep_trace(key, trace)
    return trace


def run_compiler(
    text: str, name: str, command: Sequence[str], stop: threading.Event | None = None
) -> None:
    """Run ``iree-compile`` in the worker, for what it writes by itself; no trace is made.

    Raises:
        CompileError: it failed, with its diagnostics.
        CompileInterrupted: stopped by KeyboardInterrupt or ``stop``.
    """
    with _job_folder() as folder:
        (folder.root / name).write_text(text)
        job = WORKER.submit(
            ("iree-compile", name, *command, "-o", str(folder.vmfb)),
            cwd=folder.root,
            stdout=folder.stdout,
            stderr=folder.stderr,
            journal=folder.journal,
        )
        code = _wait(job, DumpReader(folder.snapshots, folder.journal), None, stop)
        if code is None:
            raise CompileInterrupted(f"{name}: compilation stopped")
        if code:
            stderr = folder.messages()
            errors = tuple(d for d in parse_diagnostics(stderr) if d.severity == "error")
            said = _located(errors[0]) if errors else stderr.strip() or f"exit code {code}"
            raise CompileError(f"{name}: iree-compile failed: {said}", diagnostics=errors)


def _compile(request: _Request, progress: Progress | None) -> Trace:
    """Run it; once more, carefully, where printing is what crashed."""
    try:
        return _attempt(request, driver_arguments if request.steps else arguments, progress)
    except CompilerCrashed as error:
        if error.step is not None or request.steps:
            raise
        # No pass crashes: a failing pass left IR that only a printer which verifies survives.
        return _attempt(request, careful_arguments, progress)


def _attempt(request: _Request, arguments: Arguments, progress: Progress | None) -> Trace:
    with _job_folder() as folder:
        started = time.perf_counter()
        reader = DumpReader(folder.snapshots, folder.journal)
        job = _submit(request, folder, arguments)
        code = _wait(job, reader, progress, request.stop)
        if request.steps and folder.stdout.exists():  # What Python passes printed is the user's.
            print(folder.stdout.read_text("utf-8", "replace"), end="")
        assembly = assemble(reader.dumps, reader.parser, request.steps)
        seconds = time.perf_counter() - started
        return _finish(request, folder, assembly, code, seconds)


def _request(
    source: Source,
    target: str,
    pipeline: str | Pipeline,
    until: str,
    from_step: str | None,
    flags: Sequence[str],
) -> _Request:
    """What ``compile`` was asked for, checked."""
    if isinstance(pipeline, str) and pipeline not in PIPELINES:
        raise CompileError(f"unknown pipeline {pipeline!r}; known: {', '.join(PIPELINES)}")
    if pipeline == "upstream":
        if from_step is not None:
            raise CompileError("from_step= goes with pipeline='lab': upstream runs as a whole")
        command = own_topology(compile_flags(target, until, flags), source.text)
        return _Request(source, target, "upstream", until, tuple(flags), command)
    steps = lab_pipeline() if isinstance(pipeline, str) else pipeline
    check_flags(flags)
    return _Request(
        source,
        target,
        "lab",
        until,
        tuple(flags),
        own_topology(compile_flags(target, "vm", flags), source.text),
        selected(steps, from_step, until),
    )


@contextlib.contextmanager
def _job_folder() -> Generator[JobFolder]:
    """A folder for one job, in memory where there is room; gone afterwards."""
    parent = None
    if _SHM.is_dir() and os.access(_SHM, os.W_OK):
        stat = os.statvfs(_SHM)
        if stat.f_bavail * stat.f_frsize >= _SHM_FREE_BYTES:
            parent = _SHM
    try:
        root = Path(tempfile.mkdtemp(prefix=f"{JOB_PREFIX}{os.getpid()}-", dir=parent))
    except OSError as error:
        raise _no_room(Path(parent or tempfile.gettempdir()), str(error)) from error
    try:
        folder = JobFolder(root)
        folder.create()
        yield folder
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise _no_room(root.parent, str(error)) from error
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _no_room(place: Path, why: str, trace: Trace | None = None) -> CompileError:
    return CompileError(
        f"cannot keep the files of a compilation in {place}: {why}. Make room there, or let "
        "TMPDIR name another folder",
        trace=trace,
    )


def _submit(
    request: _Request,
    folder: JobFolder,
    arguments: Arguments,
    more: Sequence[str] = (),
) -> Job:
    """Start the compiler; a source without a file is written beside the other files of the job."""
    if request.source.path is not None:
        name, cwd = request.source.name, Path.cwd()
    else:
        name, cwd = Path(request.source.name).name, folder.root
        (folder.root / name).write_text(request.source.text)
    if request.steps:
        write_job(
            folder.job,
            request.steps,
            source=name,
            flags=request.command,
            output=folder.vmfb if request.complete else None,
            outcome=folder.outcome,
            elide=ELIDE_ELEMENTS,
            module=folder.input if request.keeps_module else None,
        )
    return WORKER.submit(
        (*arguments(name, request.command, folder), *more),
        cwd=cwd,
        stdout=folder.stdout,
        stderr=folder.stderr,
        journal=folder.journal,
        lab=folder.job if request.steps else None,
    )


def _wait(
    job: Job,
    reader: DumpReader,
    progress: Progress | None,
    stop: threading.Event | None,
) -> int | None:
    """Read snapshots until the compiler ends. Returns its exit code, None when interrupted."""
    try:
        while (code := job.poll(_POLL_SECONDS)) is None:
            if stop is not None and stop.is_set():
                break
            if reader.poll() and progress is not None:
                progress(len(reader.dumps), reader.newest_pass)
    except KeyboardInterrupt:
        code = None
    finally:
        job.kill()
    reader.finish()
    return code


def _finish(
    request: _Request, folder: JobFolder, assembly: Assembly, code: int | None, seconds: float
) -> Trace:
    """The trace of a compilation that succeeded; the error of one that did not."""
    stderr = folder.messages()
    diagnostics = parse_diagnostics(stderr)
    program = _program(request, folder) if code == 0 and request.complete else None
    trace = Trace(
        name=request.source.stem,
        source=request.source.text,
        target=request.target,
        pipeline=request.pipeline,
        until=request.until,
        flags=request.flags,
        steps=assembly.steps,
        snapshots=assembly.snapshots,
        initial=assembly.initial,
        diagnostics=diagnostics,
        seconds=seconds,
        complete=code == 0,
        compiled=program,
    )
    if code != 0:
        if (full := os.strerror(errno.ENOSPC)) in stderr:  # It was writing, no pass is to blame.
            raise _no_room(folder.root.parent, full, trace)
        if (code or 0) > 0 and (error := _stopped(request, folder, trace, stderr)):
            raise error
        raise _error(request, trace, assembly, code, stderr)
    return trace


def _stopped(
    request: _Request, folder: JobFolder, trace: Trace, stderr: str
) -> CompileError | None:
    """What a lab pipeline says stopped it."""
    errors = tuple(d for d in trace.diagnostics if d.severity == "error")
    error = stopped(folder.outcome, trace.name, errors, stderr.strip(), trace)
    if error is not None:
        said = stderr.strip().partition("\n")[0].removeprefix("error: ")
        message = _first_message(errors) or said or str(error)
        error.reproducer = _reproducer(request, trace, error.step, message)
    return error


def _first_message(errors: Sequence[Diagnostic]) -> str:
    return errors[0].message.partition("\n")[0] if errors else ""


def _program(request: _Request, folder: JobFolder) -> Program:
    """The .vmfb with the LLVM IR of each executable, found by the digest of its binary."""
    llvm_ir: dict[str, str] = {}
    for binary in folder.executables.glob("*.so"):
        text = binary.with_suffix(".codegen.ll")
        if text.exists():
            llvm_ir[hashlib.sha256(binary.read_bytes()).hexdigest()] = text.read_text()
    return Program(folder.vmfb.read_bytes(), llvm_ir=llvm_ir, name=request.source.stem)


def _error(
    request: _Request, trace: Trace, assembly: Assembly, code: int | None, stderr: str
) -> CompileError:
    """What a failed compilation raises."""
    errors = tuple(d for d in trace.diagnostics if d.severity == "error")
    first = errors[0].message if errors else ""
    step = assembly.failed_step
    if code is None:
        ran = f"after {len(trace.steps)} steps"
        return CompileInterrupted(f"{trace.name}: compilation stopped {ran}", trace=trace)
    if code < 0:
        return _crash(request, trace, errors, code)
    if errors and assembly.initial is None:
        return InvalidIR(_located(errors[0]), diagnostics=errors, trace=trace)
    if errors or step:
        message = f"{trace.name}: pass {step or 'unknown'} failed: {first or 'no diagnostic'}"
        reproducer = _reproducer(request, trace, step, _first_message(errors))
        return PassFailed(
            message, diagnostics=errors, step=step, trace=trace, reproducer=reproducer
        )
    said = stderr.strip() or "no message"
    return CompileError(f"{trace.name}: iree-compile refused: {said}", trace=trace)


def _crash(
    request: _Request, trace: Trace, errors: Sequence[Diagnostic], code: int
) -> CompileError:
    """Name the pass that died."""
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


def _crashing_pass(request: _Request) -> tuple[str, str] | None:
    """Let it crash once more, in one thread: (pass that ran, folder of its op).

    None where it does not crash again, or takes no pass to crash.
    """
    with _job_folder() as folder:
        job = _submit(
            request, folder, driver_arguments if request.steps else arguments, _ONE_THREAD
        )
        reader = DumpReader(folder.snapshots, folder.journal)
        code = _wait(job, reader, None, request.stop)
        if code is None:
            raise KeyboardInterrupt
        if code >= 0:
            return None
        if request.steps and request.steps[max(reader.stage, 0)].kind == "python":
            return request.steps[reader.stage].name, "builtin_module_no-symbol-name"
        running = reader.running()
        return (running.name, running.folder) if running else None


def _reproducer(request: _Request, trace: Trace, step: str | None, message: str) -> str | None:
    """A command that shows the failure; what it needs is kept in a folder. None without room."""
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


def _failing_pass(request: _Request) -> str:
    """Let it fail once more: the failing pass's whole input, and that pass with its options."""
    arguments = reproducing_driver_arguments if request.steps else reproducing_arguments
    return _last_input(request, arguments)


def _module_before(request: _Request, step: LabStep) -> str:
    """The whole module that a step of a lab pipeline is given."""
    before = request.steps[: request.steps.index(step)]
    if not before:
        return request.source.text
    until = replace(request, steps=before, until=before[-1].phase, keeps_module=True)
    return _last_input(until, driver_arguments)


def whole_module(trace: Trace, steps: Pipeline, until: str) -> tuple[str, str]:
    """The module that steps of a lab pipeline leave of a trace's source: whole, and elided.

    Both are "" where they do not get there.
    """
    source = resolve(trace.source, name=f"{trace.name}.mlir")
    request = _request(source, trace.target, steps, until, None, trace.flags)
    with _job_folder() as folder:
        job = _submit(replace(request, keeps_module=True), folder, driver_arguments)
        code = _wait(job, DumpReader(folder.snapshots, folder.journal), None, None)
        if code is None:
            raise CompileInterrupted(f"{trace.name}: stopped while its constants were looked up")
        if code:
            return "", ""
        return folder.input.read_text(), folder.input.with_suffix(".elided").read_text()


def _last_input(request: _Request, arguments: Arguments) -> str:
    with _job_folder() as folder, contextlib.suppress(KeyboardInterrupt):
        end_seconds = time.monotonic() + _REPRODUCING_SECONDS
        job = _submit(request, folder, arguments)
        try:
            while job.poll(_POLL_SECONDS) is None and time.monotonic() < end_seconds:
                pass
        finally:
            job.kill()
        return folder.input.read_text("utf-8", "replace") if folder.input.exists() else ""
    return ""


def _located(diagnostic: Diagnostic) -> str:
    place = f"{diagnostic.file}:{diagnostic.line}:{diagnostic.column}: " if diagnostic.line else ""
    return f"{place}{diagnostic.message}"
