"""One job of the compiler: what was asked for, the folder that it works in, its course."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ireelab.errors import CompileError
from ireelab.frontends.source import Source
from ireelab.pipeline.capture import DumpReader
from ireelab.pipeline.client import JOB_PREFIX, WORKER, Job
from ireelab.pipeline.lab.job import write_job
from ireelab.pipeline.lab.step import LabStep
from ireelab.pipeline.trace import Trace
from ireelab.pipeline.upstream import ELIDE_ELEMENTS, JobFolder

Progress = Callable[[int, str], None]
"""Called while compiling with the number of snapshots so far and the newest pass."""

Arguments = Callable[[str, Sequence[str], JobFolder], Sequence[str]]
"""Makes the compiler's command line from source, flags and folder."""

POLL_SECONDS = 0.02
_SHM = Path("/dev/shm")
_SHM_FREE_BYTES = 2 << 30
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


@dataclass(frozen=True, slots=True)
class Request:
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
    reproducible: bool = True  # whether a failure is worth a reproducer

    @property
    def stopped(self) -> bool:
        """Has another thread asked to stop?"""
        return self.stop is not None and self.stop.is_set()

    @property
    def complete(self) -> bool:
        """Does it end in a program?"""
        return self.until == "vm"


@contextlib.contextmanager
def job_folder() -> Generator[JobFolder]:
    """A folder for one job, in memory where there is room; gone afterwards."""
    parent = None
    if _SHM.is_dir() and os.access(_SHM, os.W_OK):
        stat = os.statvfs(_SHM)
        if stat.f_bavail * stat.f_frsize >= _SHM_FREE_BYTES:
            parent = _SHM
    try:
        root = Path(tempfile.mkdtemp(prefix=f"{JOB_PREFIX}{os.getpid()}-", dir=parent))
    except OSError as error:
        raise no_room(Path(parent or tempfile.gettempdir()), str(error)) from error
    try:
        folder = JobFolder(root)
        folder.create()
        yield folder
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise no_room(root.parent, str(error)) from error
    finally:
        shutil.rmtree(root, ignore_errors=True)


def no_room(place: Path, why: str, trace: Trace | None = None) -> CompileError:
    return CompileError(
        f"cannot keep the files of a compilation in {place}: {why}. Make room there, or let "
        "TMPDIR name another folder",
        trace=trace,
    )


def submit(
    request: Request,
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


def wait(
    job: Job,
    reader: DumpReader,
    progress: Progress | None,
    stop: threading.Event | None,
) -> int | None:
    """Read snapshots until the compiler ends. Returns its exit code, None when interrupted."""
    try:
        while (code := job.poll(POLL_SECONDS)) is None:
            if stop is not None and stop.is_set():
                break
            with interrupts_held():
                news = reader.poll()
            if news and progress is not None:
                progress(len(reader.dumps), reader.newest_pass)
    except KeyboardInterrupt:
        code = None
    finally:
        job.kill()
    reader.finish()
    return code


@contextlib.contextmanager
def interrupts_held() -> Generator[None]:
    """A Ctrl-C within comes at the end: a record that is left half read cannot be read again."""
    before = signal.getsignal(signal.SIGINT)
    if before is None or threading.current_thread() is not threading.main_thread():
        yield  # no other thread is interrupted
        return
    heard: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _frame: heard.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if heard:
            signal.raise_signal(signal.SIGINT)
