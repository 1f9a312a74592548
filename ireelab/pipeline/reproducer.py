"""What one needs to report or study a failure: a folder with inputs, command and versions."""

from __future__ import annotations

import contextlib
import inspect
import platform
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from ireelab.pipeline.lab.job import packed_step

if TYPE_CHECKING:
    from ireelab.pipeline.lab.step import LabStep
    from ireelab.pipeline.trace import Trace

INPUT = "failing-step.mlir"
"""The module as the failing step found it, whole; of a C++ pass with the pipeline that runs it."""

_SECONDS = 60
_PIPELINE = "mlir_reproducer"  # the resource in which MLIR keeps a pass and its options
_RUN_PASS = ("iree-opt", "--run-reproducer", "--allow-unregistered-dialect")

_RUN_PYTHON = '''"""Calls the Python pass on the module that it failed on, then the verifier."""

from pathlib import Path

import cloudpickle
from iree.compiler import ir

here = Path(__file__).parent
function, options = (cloudpickle.loads(piece) for piece in cloudpickle.loads(
    (here / "pass.pickle").read_bytes()))
context = ir.Context()
context.allow_unregistered_dialects = True
with context, ir.Location.unknown():
    module = ir.Module.parse((here / "failing-step.mlir").read_text())
    function(module, options)
    module.operation.verify()
'''


@dataclass(frozen=True, slots=True)
class Failure:
    """What failed, as far as it is known.

    ``command`` is the whole compilation as IREE's own tool would run it, and empty where there is
    none, as for a lab pipeline with other steps than IREE's. ``module`` is the failing step's
    input ("" where it did not fail once more), ``lab`` that step where it is one of a lab pipeline.
    """

    trace: Trace
    source: str
    command: tuple[str, ...]
    step: str | None
    message: str
    module: str
    lab: LabStep | None = None


def write_reproducer(failure: Failure) -> str:
    """Fill ``ireelab-reproducer-*`` in the folder for temporary files; the command that shows it.

    README.txt in the folder says what the files are, how to run them, and whether the failing
    pass fails alone too, which is tried.
    """
    folder = Path(tempfile.mkdtemp(prefix="ireelab-reproducer-"))
    (folder / failure.source).write_text(failure.trace.source)
    commands: list[tuple[Sequence[str], str]] = []
    if failure.module:
        (folder / INPUT).write_text(failure.module)
        commands.append(_failing_step(folder, failure))
    elif failure.trace.steps:
        (folder / "before.mlir").write_text(failure.trace.ir(-1, module=True))
        commands.append(((), "before.mlir is the last module, its large constants elided"))
    if failure.command:
        commands.append((failure.command, "the whole compilation"))
    (folder / "README.txt").write_text(_readme(failure, commands))
    best = next((c for c, note in commands if c and not note.startswith("alone")), ())
    return shlex.join(_elsewhere(folder, best or next((c for c, _ in commands if c), ())))


def _failing_step(folder: Path, failure: Failure) -> tuple[Sequence[str], str]:
    """The command for the failing step, and what came of trying it."""
    if failure.lab is not None and failure.lab.kind == "python":
        return _python(folder, failure.lab)
    command = (*_RUN_PASS, INPUT)
    if _PIPELINE not in failure.module and failure.lab is not None:  # The text is no pipeline.
        text = f"builtin.module({failure.lab.text()})"
        command = ("iree-opt", f"--pass-pipeline={text}", "--allow-unregistered-dialect", INPUT)
    return _tried(folder, command, failure.message)


def _tried(folder: Path, command: Sequence[str], message: str) -> tuple[Sequence[str], str]:
    tool = Path(sys.executable).with_name(command[0])
    try:
        done = subprocess.run(
            [tool, *command[1:], "-o", "/dev/null"],
            cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return command, f"alone it was not seen to fail: {error}"
    if done.returncode == 0 or (done.returncode > 0 and message not in done.stderr):
        return command, "alone it does not fail like that"
    return command, "the failing pass alone; tried, it fails the same way"


def _python(folder: Path, step: LabStep) -> tuple[Sequence[str], str]:
    (folder / "pass.pickle").write_bytes(packed_step(step))
    (folder / "reproduce.py").write_text(_RUN_PYTHON)
    with contextlib.suppress(OSError, TypeError):  # Without a source of its own: it is pickled.
        source = inspect.getsource(step.runs)  # pyright: ignore[reportArgumentType]
        (folder / "pass.py").write_text(source)
    return ("python", "reproduce.py"), "the Python pass alone"


def _readme(failure: Failure, commands: Sequence[tuple[Sequence[str], str]]) -> str:
    trace = failure.trace
    runs = f", which runs {failure.lab.text()}" if failure.lab else ""
    lines = [
        f"step: {failure.step or 'unknown'}{runs}",
        f"what was said: {failure.message or 'nothing'}",
        f"target: {trace.target}, pipeline: {trace.pipeline}",
        f"flags: {shlex.join(trace.flags) or 'none'}",
        f"IREE: {_version('iree-base-compiler')}, ireelab: {_version('ireelab')}, "
        f"Python: {platform.python_version()}",
        f"machine: {platform.platform()}",
        "",
        "in this folder:",
    ]
    for command, note in commands:
        lines += [f"  # {note}", *([f"  {shlex.join(command)}"] if command else [])]
    return "\n".join(lines) + "\n"


def _elsewhere(folder: Path, command: Sequence[str]) -> tuple[str, ...]:
    """A command as it is run from any folder."""
    return tuple(str(folder / word) if (folder / word).is_file() else word for word in command)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
