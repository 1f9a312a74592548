"""The benchmarks run and print their tables; what they measure is not judged here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def run(script: str, *arguments: str) -> list[str]:
    """The rows of the table that a benchmark prints."""
    command = [sys.executable, BENCHMARKS / script, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [line for line in done.stdout.splitlines() if line.startswith("|")]


def test_latency() -> None:
    head, _, *rows = run("latency.py", "--rounds=1", "--calls=2", "elementwise")
    assert "elementwise, µs" in head
    assert len(rows) == 9
    assert any(row.startswith("| iree-benchmark-module local-task (C)") for row in rows)


def test_compile_time() -> None:
    head, _, *rows = run("compile_time.py", "--rounds=1", "elementwise")
    assert "il.compile, s" in head
    assert len(rows) == 1
