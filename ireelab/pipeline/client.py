"""This process's side of the warm compiler worker: start it, hand it jobs, stop them."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from ireelab.errors import CompileError
from ireelab.pipeline import compiler_ffi

JOB_PREFIX = "ireelab-job-"
"""How a job's folder is called; then come the number of this process and ``-``."""

MOST_AT_ONCE = max(2, os.cpu_count() or 1)
"""How many compilers run side by side, each with threads of its own; further requests wait."""

_KILL_SECONDS = 2.0  # a compiler that waits for a hung disk does not die at once


class Job:
    """One compilation that the worker has started; it owns the connection and a place."""

    def __init__(self, connection: socket.socket, places: threading.Semaphore) -> None:
        self._connection = connection
        self._places: threading.Semaphore | None = places
        self._ended = False

    def poll(self, timeout_seconds: float) -> int | None:
        """The exit code once the compiler has ended (negative: the signal), else None."""
        self._connection.settimeout(timeout_seconds)
        try:
            answer = self._connection.recv(4096)
        except TimeoutError:
            return None
        except OSError:  # Reset: the process at the other end was killed.
            answer = b""
        if not answer:
            raise CompileError("the compiler worker ended without an answer; compile again")
        self._ended = True
        return int(json.loads(answer)["exit"])

    def kill(self) -> None:
        """Stop the compilation, if it still runs, and wait until it has ended. Idempotent."""
        try:
            if not self._ended:
                self._await_end()
        finally:
            self._connection.close()
            places, self._places = self._places, None
            if places is not None:
                places.release()

    def _await_end(self) -> None:
        """While the compiler still writes, the job's folder cannot be removed."""
        self._ended = True
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)
            self._connection.settimeout(_KILL_SECONDS)
            while self._connection.recv(4096):
                pass


class Worker:
    """A warm worker process; started on first use, restarted when it has died."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._folder: str | None = None
        self._owner = os.getpid()
        self._places = threading.Semaphore(MOST_AT_ONCE)
        atexit.register(self.close)

    def submit(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        stdout: Path,
        stderr: Path,
        journal: Path,
        lab: Path | None = None,
    ) -> Job:
        """Run ``iree-compile``'s main with ``argv`` (program name included) in a fresh child,
        or, with those flags, the lab job in the file ``lab``.

        What happens is written to ``journal``: see ``instrumentation_ffi``.
        """
        request = {
            "argv": list(argv),
            "cwd": str(cwd),
            "stdout": str(stdout),
            "stderr": str(stderr),
            "journal": str(journal),
            "lab": str(lab) if lab is not None else "",
        }
        with self._lock:
            self._adopt()
        places = self._places
        places.acquire()
        try:
            return Job(self._sent(json.dumps(request).encode() + b"\n"), places)
        except BaseException:
            places.release()
            raise

    def _sent(self, request: bytes) -> socket.socket:
        """A connection over which the request went; once more where the worker was just killed."""
        for last in (False, True):
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(self._socket_path())
                connection.sendall(request)
                return connection
            except OSError as error:
                connection.close()
                if last:
                    raise CompileError(f"the compiler worker does not answer: {error}") from error
                self._given_up()
        raise AssertionError("unreachable")

    def _given_up(self) -> None:
        """Let the next request start another worker."""
        with self._lock:
            self.close()

    def _socket_path(self) -> str:
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self.close()
                self._start()
            assert self._folder is not None
            return f"{self._folder}/socket"

    def _adopt(self) -> None:
        """A fork of the user's process must not share its worker."""
        if self._owner != os.getpid():
            self._process, self._folder, self._owner = None, None, os.getpid()
            self._places = threading.Semaphore(MOST_AT_ONCE)

    def _start(self) -> None:
        compiler_ffi.library_path()  # Without a compiler say so here, not in the worker.
        self._folder = tempfile.mkdtemp(prefix="ireelab-worker-")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ireelab.pipeline.worker", f"{self._folder}/socket", JOB_PREFIX],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C in a terminal is for this process, not for it.
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "ready\n":
            code = self._process.wait()
            raise CompileError(
                f"the compiler worker did not start (exit code {code}); "
                "its own message is on standard error above"
            )

    def close(self) -> None:
        """End the worker process. Idempotent; the next ``submit`` starts another."""
        if self._owner != os.getpid():
            return
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.write("close\n")  # Without it the worker takes this process for killed.
            process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(2)
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


WORKER = Worker()
"""The worker of this Python process; every compilation goes through it."""
