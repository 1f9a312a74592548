"""A trace as one file: the same afterwards, and clear errors for other files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import ireelab
from ireelab import Trace
from ireelab.errors import TraceError


@pytest.fixture(scope="module")
def saved(mlp_trace: Trace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mlp_trace.save(tmp_path_factory.mktemp("saved") / "mlp.iltrace")


def test_everything_comes_back(mlp_trace: Trace, saved: Path) -> None:
    trace = ireelab.load_trace(saved)
    assert trace.steps == mlp_trace.steps
    for step in trace.steps:
        assert trace.ir(step, module=True) == mlp_trace.ir(step, module=True)
        assert trace.ir_before(step) == mlp_trace.ir_before(step)
    assert trace.source == mlp_trace.source
    assert trace.program.to_bytes() == mlp_trace.program.to_bytes()
    assert trace.program.llvm_ir == mlp_trace.program.llvm_ir
    assert trace.diagnostics == mlp_trace.diagnostics
    assert str(trace.diff(0, -1)) == str(mlp_trace.diff(0, -1))


def test_it_is_a_tenth_of_what_print_after_all_writes(mlp_trace: Trace, saved: Path) -> None:
    printed = sum(len(mlp_trace.ir(step)) for step in mlp_trace.steps)
    assert saved.stat().st_size < printed / 10


def test_the_compiler_need_not_be_installed(saved: Path) -> None:
    code = (
        "import sys; sys.modules['iree.compiler'] = None; sys.modules['iree'] = None\n"
        "import ireelab as il\n"
        f"trace = il.load_trace({str(saved)!r}); print(len(trace.steps), len(trace.ir(-1)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(ran.stdout.split()[0]) > 500


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[: len(data) // 2], "truncated"),
        (lambda data: data[:20], "truncated"),
        (lambda data: data[:500] + bytes([data[500] ^ 1]) + data[501:], "damaged"),
        (lambda data: b"PK" + data, "not a saved trace"),
        (lambda data: b"", "not a saved trace"),
        (lambda data: data[:7] + b"\x63" + data[8:], "format 99"),
    ],
    ids=["half", "header", "bit", "foreign", "empty", "version"],
)
def test_other_files_are_refused(change: object, message: str, saved: Path, tmp_path: Path) -> None:
    assert callable(change)
    path = tmp_path / "other.iltrace"
    path.write_bytes(change(saved.read_bytes()))
    with pytest.raises(TraceError, match=message) as caught:
        ireelab.load_trace(path)
    assert "other.iltrace" in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="cannot read"):
        ireelab.load_trace(tmp_path / "none.iltrace")


def test_comparing_a_trace_with_itself(mlp_trace: Trace, saved: Path) -> None:
    comparison = mlp_trace.compare(ireelab.load_trace(saved))
    assert comparison.first is None
    assert all(pair.same for pair in comparison.pairs)
    assert "no step that both ran left other IR" in str(comparison)


def test_comparing_two_programs(mlp_trace: Trace, initializers_trace: Trace) -> None:
    comparison = mlp_trace.compare(initializers_trace)
    assert comparison.first is not None
    first = comparison.first.pair
    assert first.a is not None
    assert first.b is not None
    assert mlp_trace.ir(first.a) != initializers_trace.ir(first.b)
    assert comparison.only_b, "constants are evaluated in the second only"
    record = comparison.to_json()
    assert record["first"]["a"] == first.a.index
    paired = record["same"] + len(record["different"])
    assert paired + len(record["only_a"]) == len(mlp_trace.steps)
    assert paired + len(record["only_b"]) == len(initializers_trace.steps)
