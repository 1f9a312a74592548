"""The warm compiler process: loads IREE's library once and forks a child per compilation.

Run as ``python -m ireelab.pipeline.worker SOCKET JOB_PREFIX``. Each connection carries one JSON
request line ``{"argv": [...], "cwd", "stdout", "stderr", "journal"}``; the answer is
one JSON line ``{"exit": code}`` (negative: killed by that signal). Closing the connection kills the
child. The process ends when its standard input closes, that is, with the process that started it.
Where that one was killed, it removes what was left: its socket, and the folders of jobs.

A fork per compilation is what makes a crash harmless, lets every request have its own global
LLVM flags (they can be set only once per process) and returns all memory afterwards.
"""

from __future__ import annotations

import errno
import json
import os
import select
import shutil
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from ireelab.pipeline import compiler_ffi, instrumentation_ffi, interpose_ffi

_POLL_SECONDS = 0.01
_ENDING_SECONDS = 5


def _compile(request: dict[str, Any]) -> NoReturn:
    """In the child: redirect the output, run iree-compile's main, leave without clean-up."""
    for stream, key in ((1, "stdout"), (2, "stderr")):
        handle = os.open(
            request[key], os.O_WRONLY | os.O_CREAT, 0o644
        )  # What is kept there stays room.
        os.dup2(handle, stream)
    os.chdir(request["cwd"])
    argv: list[str] = request["argv"]
    interpose_ffi.install(compiler_ffi.load())
    hooks = instrumentation_ffi.hooks()
    journal = instrumentation_ffi.Journal(Path(request["journal"]))
    if hooks is not None:
        journal.install(hooks, argv)
    else:  # Snapshots then stay where MLIR puts them, in an order that one thread makes plain.
        argv.append("--mlir-disable-threading")
    if request.get("lab"):
        from ireelab.pipeline import lab_worker

        sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115
        code = lab_worker.run(request["lab"], argv, journal)
    else:
        code = compiler_ffi.run_main(argv)
    if journal.failed:  # No trace that lacks passes is taken for a whole one.
        os.write(2, f"error: {os.strerror(errno.ENOSPC)}\n".encode())
        code = code or 1
    os._exit(code)


def _supervise(connection: socket.socket) -> None:
    """In a process per connection: run one compilation, report its end or kill it."""
    stream = connection.makefile("rb")
    line = stream.readline()
    if not line:
        return
    child = os.fork()
    if child == 0:
        connection.close()
        _compile(json.loads(line))
    ended = os.pidfd_open(child) if hasattr(os, "pidfd_open") else None
    watched = [connection] if ended is None else [connection, ended]
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            answer = json.dumps({"exit": os.waitstatus_to_exitcode(status)})
            connection.sendall(answer.encode() + b"\n")
            return
        # A descriptor of the process wakes this up when it ends; elsewhere it asks again and again.
        readable, _, _ = select.select(watched, [], [], _POLL_SECONDS if ended is None else None)
        if connection in readable:  # The only thing a client sends now is its own end.
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return


def serve(path: str) -> None:
    """Accept connections until standard input closes."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    interpose_ffi.prepare(compiler_ffi.load())  # Machine code is made once; children have it too.
    if instrumentation_ffi.hooks() is not None:
        instrumentation_ffi.engine()
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(64)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        readable, _, _ = select.select([server, sys.stdin], [], [], 1.0)
        while _reap():
            pass
        if sys.stdin in readable:
            return
        if server in readable:
            connection, _ = server.accept()
            if os.fork() == 0:
                server.close()
                _supervise(connection)
                os._exit(0)
            connection.close()


def _clean_up(socket_folder: Path, job_prefix: str) -> None:
    """Remove what a killed parent has left, once nothing writes there any more."""
    end_seconds = time.monotonic() + _ENDING_SECONDS
    while _reap() or (_has_children() and time.monotonic() < end_seconds):
        time.sleep(_POLL_SECONDS)
    shutil.rmtree(socket_folder, ignore_errors=True)
    for base in (socket_folder.parent, Path("/dev/shm")):
        for folder in base.glob(f"{job_prefix}*"):
            shutil.rmtree(folder, ignore_errors=True)


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _reap() -> bool:
    """Collect one supervisor that has ended; False when there is none."""
    try:
        return os.waitpid(-1, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False


if __name__ == "__main__":
    parent = os.getppid()
    serve(sys.argv[1])
    if not sys.stdin.read():  # The other end did not say that it closes: it was killed.
        _clean_up(Path(sys.argv[1]).parent, f"{sys.argv[2]}{parent}-")
