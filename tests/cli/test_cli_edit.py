"""``ireelab ir``, ``resume``, ``--pipeline FILE.py:NAME`` and kernels edited on a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ireelab.cli import main

SQUARE = """func.func @square(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = arith.mulf %x, %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
"""
PASSES = """import ireelab as il


def tells(module, options):
    import sibling

    print("seen", module.operation.name, sibling.WORD)


mine = il.lab.insert_after("schedule-allocation", tells)
number = 3
"""


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``square.mlir`` in a working folder of its own."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "square.mlir"
    path.write_text(SQUARE)
    return path


def run(*arguments: str) -> int:
    return main(list(arguments))


def out(capfd: pytest.CaptureFixture[str], *arguments: str) -> str:
    capfd.readouterr()
    assert run(*arguments) == 0
    return capfd.readouterr().out


def test_ir_of_a_step_and_what_it_changed(source: Path, capfd: pytest.CaptureFixture[str]) -> None:
    listed = out(capfd, "ir", "square.mlir")
    assert "iree-hal-conversion" in listed
    assert "arith.mulf" in out(capfd, "ir", "square.mlir", "--step", "flow", "--module")
    name = ("ir", "square.mlir", "--step", "iree-hal-conversion")
    assert "stream.cmd.execute" in out(capfd, *name, "--before")
    assert "stream.cmd.execute" not in out(capfd, *name)
    assert "\n- " in out(capfd, *name, "--diff")
    about = out(capfd, "ir", "square.mlir", "--step", "symbol-dce", "--about")
    assert "num-dce'd" in about
    assert "https://" in about
    between = out(capfd, "ir", "square.mlir", "--step", "flow", "--diff", "stream")
    assert "flow.dispatch" in between


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--step", "nowhere"], "no step runs a pass called 'nowhere'"),
        (["--step", "99999"], "no step 99999"),
        (["--module"], "give --step"),
        (["--step", "1", "--before", "--module"], "without --module"),
    ],
)
def test_ir_says_what_is_wrong(
    source: Path, options: list[str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run("ir", "square.mlir", *options) == 2
    assert said in capfd.readouterr().err


def test_edit_and_resume(source: Path, capfd: pytest.CaptureFixture[str]) -> None:
    trace = ("--save-trace", "t.iltrace", "--json", "t.json", "-o", "t.vmfb")
    assert run("explore", "square.mlir", "--pipeline", "lab", *trace) == 0
    assert "schedule-allocation" in out(capfd, "resume", "t.iltrace")
    boundary = ("t.iltrace", "--step", "schedule-allocation", "--module", "-o", "edit.mlir")
    assert run("ir", *boundary) == 0
    text = Path("edit.mlir").read_text()
    Path("edit.mlir").write_text(text.replace("arith.mulf", "arith.addf"))
    after = ("resume", "t.iltrace", "--after", "schedule-allocation", "--ir", "edit.mlir")
    assert run(*after, "--json", "r.json", "-o", "r.vmfb", "--run", "--input=4xf32=3") == 0
    before, resumed = (json.loads(Path(f"{name}.json").read_text()) for name in "tr")
    assert resumed["run"]["outputs"][0]["values"] == [6.0] * 4
    kept = next(i for i, s in enumerate(before["steps"]) if "emplace-transients" in s["name"])
    assert resumed["steps"][:kept] == before["steps"][:kept]
    assert "4xf32=6 6 6 6" in out(capfd, "run", "r.vmfb", "--input=4xf32=3")
    assert run(*after[:2], "--ir", "edit.mlir") == 2
    assert "say which, --after" in capfd.readouterr().err


def test_a_pipeline_from_a_python_file(source: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Path("passes.py").write_text(PASSES)
    Path("sibling.py").write_text("WORD = 'here'\n")
    run_it = ("run", "square.mlir", "--input=4xf32=3", "--pipeline", "passes.py:mine")
    shown = out(capfd, *run_it)
    assert "seen builtin.module here" in shown
    assert "4xf32=9 9 9 9" in shown
    Path("passes.py").write_text(PASSES.replace('"seen"', '"edited"'))
    assert "edited builtin.module" in out(capfd, *run_it)
    assert "tells" in out(capfd, "passes", "--pipeline", "passes.py:mine")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("labb", "neither upstream nor lab nor a FILE.py:NAME"),
        ("nowhere.py:mine", "no such file: nowhere.py"),
        ("passes.py:number", "is not a pipeline"),
        ("broken.py:mine", "broken.py raised NameError"),
    ],
)
def test_what_is_no_pipeline(
    source: Path, name: str, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("passes.py").write_text(PASSES)
    Path("broken.py").write_text("mine = nothing\n")
    assert run("run", "square.mlir", "--input=4xf32=3", "--pipeline", name) == 2
    assert said in capfd.readouterr().err


def test_one_kernel_edited_or_compiled_with_other_flags(
    source: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shown = ("executables", "square.mlir", "--executable", "square_dispatch_0", "--show", "llvm")
    Path("edited.ll").write_text(out(capfd, *shown).replace("fmul ", "fadd "))
    run_it = ("run", "square.mlir", "--input=4xf32=3")
    edited = out(capfd, *run_it, "--llvm-ir", "square_dispatch_0=edited.ll")
    assert "4xf32=6 6 6 6" in edited
    both = ("--with=square_dispatch_0=--iree-opt-level=O3", "--timeline=-")
    assert "4xf32=9 9 9 9" in out(capfd, *run_it, *both)
    assert run(*run_it, "--llvm-ir", "square_dispatch_7=edited.ll") == 2
    assert "no executable 'square_dispatch_7'" in capfd.readouterr().err
    assert run(*run_it, "--llvm-ir", "edited.ll") == 2
    assert "write KERNEL=" in capfd.readouterr().err
