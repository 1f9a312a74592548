"""Damaged sources and misplaced passes: every failure is typed, nothing is left behind."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from fuzzing import attempts, watch

import ireelab


def test_damaged_sources_and_misplaced_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ireelab.pipeline.compiler_job._SHM", tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    # IR with erased ops may keep a pass busy for ever; that ends as an interrupt does.
    tried = list(attempts(seed=4, count=15, watched=watch(tmp_path), limit_seconds=20))
    assert len({attempt.ended for attempt in tried}) > 2
    assert [attempt for attempt in tried if attempt.left] == []
    assert ireelab.compile(ireelab.examples.path("elementwise"), until="abi").complete


def test_modules_nested_deeper_than_pythons_stack() -> None:
    depth = 400
    trace = ireelab.compile("module {" * depth + "}" * depth, until="input")
    assert trace.ir(-1, module=True).count("module") >= depth
