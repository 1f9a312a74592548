"""Damaged sources and misplaced passes: every failure is typed, nothing is left behind."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

import pytest
from fuzzing import attempts

import ireelab


def test_damaged_sources_and_misplaced_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ireelab.pipeline.compile._SHM", tmp_path / "none")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ended = [attempt.ended for attempt in attempts(seed=4, count=24)]
    assert len(set(ended)) > 2
    left = {path.name for path in tmp_path.iterdir()}
    kept = ("ireelab-reproducer-", "ireelab-worker-")  # the worker lives on
    assert {name for name in left if not name.startswith(kept)} == set()
    assert ireelab.compile(ireelab.examples.path("elementwise"), until="abi").complete


def test_eight_compilations_at_once() -> None:
    source = ireelab.examples.path("elementwise")
    alone = ireelab.compile(source).program.to_bytes()
    programs: list[bytes] = []

    def one(pipeline: str) -> None:
        programs.append(ireelab.compile(source, pipeline=pipeline).program.to_bytes())

    names = ["upstream", "lab"] * 4
    threads = [threading.Thread(target=one, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert programs == [alone] * 8


def test_modules_nested_deeper_than_pythons_stack() -> None:
    depth = 400
    trace = ireelab.compile("module {" * depth + "}" * depth, until="input")
    assert trace.ir(-1, module=True).count("module") >= depth
