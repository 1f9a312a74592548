"""What one needs to report a failed compilation: a folder with inputs, command and versions."""

from __future__ import annotations

import platform
import shlex
import tempfile
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ireelab.pipeline.trace import Trace


def write_reproducer(trace: Trace, source: str, command: Sequence[str], step: str | None) -> Path:
    """Write ``ireelab-reproducer-*`` in the folder for temporary files; returns it.

    ``before.mlir`` is the module that the failing pass found (large constants elided), and the
    file ``source`` the program; README.txt says how to run each.
    """
    folder = Path(tempfile.mkdtemp(prefix="ireelab-reproducer-"))
    (folder / source).write_text(trace.source)
    lines = [
        f"pass: {step or 'unknown'}",
        f"target: {trace.target}, pipeline: {trace.pipeline}",
        f"flags: {shlex.join(trace.flags) or 'none'}",
        f"IREE: {_version('iree-base-compiler')}, ireelab: {_version('ireelab')}",
        f"machine: {platform.platform()}",
        "",
        "in this folder:",
        f"  {shlex.join(command)}",
    ]
    before = _before(trace, step)
    if before:
        (folder / "before.mlir").write_text(before)
    if before and step is not None:
        lines.append(f"  iree-opt before.mlir --{step}   (large constants are elided in it)")
    (folder / "README.txt").write_text("\n".join(lines) + "\n")
    return folder


def _before(trace: Trace, step: str | None) -> str:
    """The module as the failing pass found it."""
    if not trace.steps:
        return ""
    failed = next((s for s in reversed(trace.steps) if s.name == step), None)
    if failed is not None and failed.index > 0:
        return trace.ir(failed.index - 1, module=True)
    return trace.ir(-1, module=True)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
