"""Finished compilations on disk, so that the same one need not run twice.

A file per trace (``saved.py``) in ``$IREELAB_CACHE_DIR``, else ``$XDG_CACHE_HOME/ireelab``, else
``~/.cache/ireelab``. Its name is a digest of all that the result depends on.
``IREELAB_CACHE_SIZE`` limits the folder (bytes, default 1 GiB); what was used longest ago goes
first. A cache that cannot be written costs a warning, never the compilation; a damaged file is
compiled again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import warnings
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ireelab.errors import TraceError
from ireelab.pipeline.lab.step import LabStep
from ireelab.pipeline.saved import SUFFIX, load_trace, trace_bytes, write_atomically
from ireelab.pipeline.trace import Trace

_DEFAULT_BYTES = 1 << 30


def cache_folder() -> Path:
    """Where cached traces lie."""
    if given := os.environ.get("IREELAB_CACHE_DIR"):
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "ireelab"


def cache_key(*parts: str | Sequence[str]) -> str:
    """A digest of what a compilation depends on, this package and the compiler included.

    The processor's features count too: ``llvm-cpu`` compiles for this machine.
    """
    versions = [_version("ireelab"), _version("iree-base-compiler"), _processor()]
    text = json.dumps([versions, *(p if isinstance(p, str) else list(p) for p in parts)])
    return hashlib.sha256(text.encode()).hexdigest()


def steps_key(steps: Sequence[LabStep]) -> tuple[str, ...] | None:
    """What the steps of a lab pipeline are, as text; None with a Python pass among them.

    What a function calls, in other modules or in the notebook, may change unseen.
    """
    if any(step.kind == "python" for step in steps):
        return None
    return tuple(
        repr((s.name, s.phase, s.text(), s.when, s.repeat, dict(s.options))) for s in steps
    )


def cached_trace(key: str) -> Trace | None:
    """The trace of an earlier compilation, marked as such; None where there is none."""
    path = cache_folder() / f"{key}{SUFFIX}"
    if not path.exists():
        return None
    try:
        trace = load_trace(path)
    except TraceError:
        return None
    with contextlib.suppress(OSError):  # A cache that is read-only still serves.
        os.utime(path)
    return dataclasses.replace(trace, cached=True)


def keep_trace(key: str, trace: Trace) -> None:
    """Keep a finished compilation; warns where that is impossible."""
    limit_bytes = _limit_bytes()
    data = trace_bytes(trace)
    if len(data) > limit_bytes:
        return
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / f"{key}{SUFFIX}", data)
        _evict(folder, limit_bytes)
    except OSError as error:
        warnings.warn(
            f"compiled without the cache: cannot write {folder}: {error.strerror}", stacklevel=3
        )


def _limit_bytes() -> int:
    given = os.environ.get("IREELAB_CACHE_SIZE", "")
    if given and not given.isdigit():
        warnings.warn(f"IREELAB_CACHE_SIZE is a number of bytes, not {given!r}", stacklevel=4)
    return int(given) if given.isdigit() else _DEFAULT_BYTES


def _evict(folder: Path, limit_bytes: int) -> None:
    """Remove what was used longest ago until the rest fits."""
    files: list[tuple[int, int, Path]] = []
    for path in folder.glob(f"*{SUFFIX}"):
        with contextlib.suppress(FileNotFoundError):  # Another process evicts too.
            stat = path.stat()
            files.append((stat.st_mtime_ns, stat.st_size, path))
    total = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if total <= limit_bytes:
            return
        path.unlink(missing_ok=True)
        total -= size


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _processor() -> str:
    """What tells this machine's processor from others."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return " ".join(os.uname())
    kept = [line for line in lines if line.startswith(("model name", "flags", "Features"))]
    return "\n".join(sorted(set(kept)))
