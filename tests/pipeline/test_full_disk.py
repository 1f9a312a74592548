"""Disks that are full or read-only, for real: small file systems in memory, mounted here."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import ireelab
from ireelab import examples
from ireelab.errors import CompileError, PassFailed
from ireelab.pipeline.instrumentation_ffi import Journal

ELEMENTWISE = examples.path("elementwise")
Mount = Callable[[str], Path]


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Mounts a file system with given options; skips the test where one may not."""
    mounted: list[Path] = []

    def one(options: str) -> Path:
        path = tmp_path / f"disk{len(mounted)}"
        path.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            pytest.skip("no mount here")
        if done.returncode:
            pytest.skip(f"no file system may be mounted here: {done.stderr.strip()}")
        mounted.append(path)
        return path

    yield one
    for path in mounted:
        subprocess.run(["umount", path], check=True)


@pytest.mark.parametrize("pipeline", ["upstream", "lab"])
@pytest.mark.parametrize("size", ["4k", "200k", "2m"])
def test_no_room_for_the_files_of_a_compilation(
    pipeline: str, size: str, mount: Mount, monkeypatch: pytest.MonkeyPatch
) -> None:
    ireelab.compile(ELEMENTWISE, until="abi")  # The worker has its own folder elsewhere.
    disk = mount(f"size={size}")
    monkeypatch.setattr("ireelab.pipeline.compiler_job._SHM", disk / "none")
    monkeypatch.setattr(tempfile, "tempdir", str(disk))
    with pytest.raises(CompileError, match=r"No space left on device.*TMPDIR") as caught:
        ireelab.compile(examples.path("transformer"), pipeline=pipeline)
    assert str(disk) in str(caught.value)
    assert not isinstance(caught.value, PassFailed)
    assert list(disk.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no file that is always full")
def test_a_journal_that_cannot_be_written_says_so() -> None:
    journal = Journal(Path("/dev/full"))
    assert not journal.failed
    journal.begin_step(0)
    assert journal.failed


@pytest.mark.parametrize("options", ["size=40k", "ro"])
def test_a_cache_without_room_or_leave_to_write(
    options: str, mount: Mount, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = mount(options)
    monkeypatch.setenv("IREELAB_CACHE_DIR", str(disk))
    with pytest.warns(UserWarning, match="compiled without the cache: cannot write"):
        trace = ireelab.compile(ELEMENTWISE, cache=True)
    assert trace.complete
    assert not trace.cached
    assert list(disk.iterdir()) == []


def test_a_read_only_cache_still_serves(mount: Mount, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = mount("size=64m")
    monkeypatch.setenv("IREELAB_CACHE_DIR", str(disk))
    ireelab.compile(ELEMENTWISE, until="abi", cache=True)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    assert ireelab.compile(ELEMENTWISE, until="abi", cache=True).cached


def test_a_trace_and_a_reproducer_without_room(
    tmp_path: Path, mount: Mount, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = mount("size=8k")
    trace = ireelab.compile(ELEMENTWISE)
    with pytest.raises(OSError, match="No space left"):
        trace.save(disk / "x.iltrace")
    assert list(disk.iterdir()) == []
    tiny = mount("size=4k")
    shared = tmp_path / "shared"
    shared.mkdir()
    monkeypatch.setattr("ireelab.pipeline.compiler_job._SHM", shared)
    monkeypatch.setattr("ireelab.pipeline.compiler_job._SHM_FREE_BYTES", 0)
    monkeypatch.setattr(tempfile, "tempdir", str(tiny))
    pipeline = ireelab.lab.insert_after("verify-input", "no-such-pass")
    with (
        pytest.warns(UserWarning, match="no reproducer was written"),
        pytest.raises(PassFailed, match="no-such-pass") as caught,
    ):
        ireelab.compile(examples.path("transformer"), pipeline=pipeline)
    assert caught.value.reproducer is None
