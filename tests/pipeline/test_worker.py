"""The compiler's process: killed, orphaned, crowded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import fuzzing
import pytest

import ireelab
from ireelab.errors import CompileError
from ireelab.pipeline.client import MOST_AT_ONCE, WORKER

ELEMENTWISE = ireelab.examples.path("elementwise")

_KILLS_ITSELF = """
import os, signal, sys, tempfile
import ireelab
import ireelab.pipeline.compiler_job as c
tempfile.tempdir = sys.argv[1]
from pathlib import Path
c._SHM = Path("/nowhere")

def die(count, name):
    if count > 20:
        os.kill(os.getpid(), signal.SIGKILL)

ireelab.compile(ireelab.examples.path("transformer"), progress=die)
"""


def test_a_killed_process_leaves_nothing(tmp_path: Path) -> None:
    process = subprocess.run([sys.executable, "-c", _KILLS_ITSELF, str(tmp_path)], check=False)
    assert process.returncode == -signal.SIGKILL
    for _ in range(200):
        if not list(tmp_path.iterdir()):
            return
        time.sleep(0.1)
    pytest.fail(f"left: {[path.name for path in tmp_path.iterdir()]}")


def test_the_supervisor_is_killed_under_a_compilation() -> None:
    """The process between the worker and the compiler: the error says to compile again."""

    def kill(count: int, name: str) -> None:
        for pid in fuzzing.children():
            os.kill(int(pid), signal.SIGKILL)

    with pytest.raises(CompileError, match="compile again"):
        ireelab.compile(ireelab.examples.path("mlp"), progress=kill)
    assert ireelab.compile(ELEMENTWISE, until="abi").complete


def test_no_more_compilers_at_once_than_there_is_room_for() -> None:
    """Eight requests at once: each gets its program, and few compilers run at a time."""
    most = 0
    programs: list[bytes] = []

    def count(_count: int, _name: str) -> None:
        nonlocal most
        most = max(most, len(fuzzing.compilers()))

    def one(pipeline: str) -> None:
        trace = ireelab.compile(ELEMENTWISE, pipeline=pipeline, progress=count)
        programs.append(trace.program.to_bytes())

    alone = ireelab.compile(ELEMENTWISE).program.to_bytes()
    threads = [threading.Thread(target=one, args=(name,)) for name in ("upstream", "lab") * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert programs == [alone] * 8
    assert 1 <= most <= MOST_AT_ONCE


def test_the_worker_that_dies_between_two_requests_is_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is seen alive, and dead when the request arrives."""
    ireelab.compile(ELEMENTWISE, until="abi")
    process = WORKER._process  # pyright: ignore[reportPrivateUsage]
    assert process is not None
    monkeypatch.setattr(process, "poll", lambda: None)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    folder = Path(str(WORKER._folder))  # pyright: ignore[reportPrivateUsage]
    assert ireelab.compile(ELEMENTWISE, until="abi").complete
    assert not folder.exists()
