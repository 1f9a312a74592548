"""The compile path, top to bottom: source -> pipeline in the worker -> trace."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from ireelab.errors import CompileError, CompileInterrupted, CompilerCrashed
from ireelab.frontends.source import Source, resolve
from ireelab.pipeline.assemble import Assembly, assemble
from ireelab.pipeline.cache import cache_key, cached_trace, keep_trace, steps_key
from ireelab.pipeline.capture import DumpReader
from ireelab.pipeline.client import WORKER
from ireelab.pipeline.compiler_job import (
    Arguments,
    Progress,
    Request,
    job_folder,
    submit,
    wait,
)
from ireelab.pipeline.diagnostics import errors_of, located, parse_diagnostics
from ireelab.pipeline.failures import failure
from ireelab.pipeline.lab.job import check_flags, selected
from ireelab.pipeline.lab.pipeline import Pipeline
from ireelab.pipeline.lab.pipeline import pipeline as lab_pipeline
from ireelab.pipeline.targets import Target, one_name
from ireelab.pipeline.topology import own_topology
from ireelab.pipeline.trace import Trace
from ireelab.pipeline.upstream import (
    JobFolder,
    arguments,
    careful_arguments,
    compile_flags,
    driver_arguments,
)
from ireelab.program import Program

PIPELINES = ("upstream", "lab")
"""Pipelines that ``il.compile`` knows."""

_FURTHER = 500
"""Passes beyond those of a trace: side by side they may end in another order."""


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
    with job_folder() as folder:
        (folder.root / name).write_text(text)
        job = WORKER.submit(
            ("iree-compile", name, *command, "-o", str(folder.vmfb)),
            cwd=folder.root,
            stdout=folder.stdout,
            stderr=folder.stderr,
            journal=folder.journal,
        )
        code = wait(job, DumpReader(folder.snapshots, folder.journal), None, stop)
        if code is None:
            raise CompileInterrupted(f"{name}: compilation stopped")
        if code:
            stderr = folder.messages()
            errors = errors_of(parse_diagnostics(stderr))
            said = located(errors[0]) if errors else stderr.strip() or f"exit code {code}"
            raise CompileError(f"{name}: iree-compile failed: {said}", diagnostics=errors)


def compile_again(trace: Trace, source: str, name: str, flags: Sequence[str]) -> Trace:
    """Compile another text of a trace's source; of a trace that broke off, about as far as it came.

    Raises:
        CompileError: as ``compile``, but without a reproducer. ``trace`` is what there is of it.
    """
    stop = threading.Event()

    def passed(count: int, _name: str) -> None:
        if not trace.complete and count > len(trace.steps) + _FURTHER:
            stop.set()

    resolved = resolve(source, name=name)
    request = _request(resolved, trace.target, trace.pipeline, trace.until, None, flags)
    return _compile(replace(request, stop=stop, reproducible=False), passed)


def _compile(request: Request, progress: Progress | None) -> Trace:
    """Run it; once more, carefully, where printing is what crashed."""
    try:
        return _attempt(request, driver_arguments if request.steps else arguments, progress)
    except CompilerCrashed as error:
        if error.step is not None or request.steps:
            raise
        # No pass crashes: a failing pass left IR that only a printer which verifies survives.
        return _attempt(request, careful_arguments, progress)


def _attempt(request: Request, arguments: Arguments, progress: Progress | None) -> Trace:
    with job_folder() as folder:
        started = time.perf_counter()
        reader = DumpReader(folder.snapshots, folder.journal)
        job = submit(request, folder, arguments)
        code = wait(job, reader, progress, request.stop)
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
) -> Request:
    """What ``compile`` was asked for, checked."""
    if isinstance(pipeline, str) and pipeline not in PIPELINES:
        raise CompileError(f"unknown pipeline {pipeline!r}; known: {', '.join(PIPELINES)}")
    if pipeline == "upstream":
        if from_step is not None:
            raise CompileError("from_step= goes with pipeline='lab': upstream runs as a whole")
        command = own_topology(compile_flags(target, until, flags), source.text)
        return Request(source, target, "upstream", until, tuple(flags), command)
    if not isinstance(pipeline, str | Pipeline):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise CompileError(
            f"a {type(pipeline).__name__} is no pipeline; give {', '.join(PIPELINES)} or what "
            "il.lab.replace(...) makes"
        )
    steps = lab_pipeline() if isinstance(pipeline, str) else pipeline
    check_flags(flags)
    return Request(
        source,
        target,
        "lab",
        until,
        tuple(flags),
        own_topology(compile_flags(target, "vm", flags), source.text),
        selected(steps, from_step, until),
    )


def _finish(
    request: Request, folder: JobFolder, assembly: Assembly, code: int | None, seconds: float
) -> Trace:
    """The trace of a compilation that succeeded; the error of one that did not."""
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
        diagnostics=parse_diagnostics(folder.messages()),
        seconds=seconds,
        complete=code == 0,
        compiled=program,
    )
    if code != 0:
        raise failure(request, folder, trace, assembly, code)
    return trace


def _program(request: Request, folder: JobFolder) -> Program:
    """The .vmfb with the LLVM IR of each executable, found by the digest of its binary."""
    llvm_ir: dict[str, str] = {}
    for binary in folder.executables.glob("*.so"):
        text = binary.with_suffix(".codegen.ll")
        if text.exists():
            llvm_ir[hashlib.sha256(binary.read_bytes()).hexdigest()] = text.read_text()
    return Program(folder.vmfb.read_bytes(), llvm_ir=llvm_ir, name=request.source.stem)


def whole_module(
    trace: Trace, steps: Pipeline, until: str, stop: threading.Event | None
) -> tuple[str, str]:
    """The module that steps of a lab pipeline leave of a trace's source: whole, and elided.

    Both are "" where they do not get there.

    Raises:
        CompileInterrupted: stopped by KeyboardInterrupt or ``stop``.
    """
    source = resolve(trace.source, name=f"{trace.name}.mlir")
    request = _request(source, trace.target, steps, until, None, trace.flags)
    with job_folder() as folder:
        job = submit(replace(request, keeps_module=True), folder, driver_arguments)
        code = wait(job, DumpReader(folder.snapshots, folder.journal), None, stop)
        if code is None:
            raise CompileInterrupted(f"{trace.name}: stopped while its constants were looked up")
        if code:
            return "", ""
        return folder.input.read_text(), folder.input.with_suffix(".elided").read_text()
