"""Every check-dialect program of ``tests/programs``, on three engines.

``iree`` (IREE's own compiler and runtime) shows that the program is right; ``jit`` compiles and
runs it here; ``elf`` runs here what ``iree-compile`` wrote.
"""

from __future__ import annotations

from pathlib import Path

import artefacts
import pytest
from artefacts import PROGRAMS
from iree_engine import Engine

import ireelab as il
from ireelab.errors import CheckFailed


def names(path: Path) -> str:
    return path.stem


def test_there_are_enough_programs() -> None:
    assert len(PROGRAMS) >= 25


@pytest.mark.parametrize("source", PROGRAMS, ids=names)
def test_iree(source: Path) -> None:
    engine = Engine(artefacts.theirs(source))
    functions = engine.functions()
    assert functions
    for function in functions:
        engine.invoke(function)
        assert not engine.failures, f"@{function}: {engine.failures}"


@pytest.mark.parametrize("kind", ["elf", "jit"])
@pytest.mark.parametrize("source", PROGRAMS, ids=names)
def test_here(source: Path, kind: str) -> None:
    program = artefacts.program(source, kind)
    before = program.to_bytes()
    with il.Context(program, "llvm-cpu") as context:
        for function in program.functions:
            if not function.name.endswith("$async"):  # torch's second form, which takes fences
                assert context.invoke(function.name) == ()
    assert program.to_bytes() == before, "running a program must not change it"


WRONG = """
func.func @equal() {
  %a = util.unfoldable_constant dense<[1, 2]> : tensor<2xi32>
  check.expect_eq_const(%a, dense<[1, 3]> : tensor<2xi32>) : tensor<2xi32>
  return
}
func.func @almost_equal() {
  %a = util.unfoldable_constant dense<[1.0, 2.0]> : tensor<2xf32>
  check.expect_almost_eq_const(%a, dense<[1.0, 2.1]> : tensor<2xf32>, atol 0.05) : tensor<2xf32>
  return
}
func.func @true() {
  %a = util.unfoldable_constant 0 : i32
  check.expect_true(%a) : i32
  return
}
func.func @all_true() {
  %a = util.unfoldable_constant dense<[1, 0]> : tensor<2xi32>
  check.expect_all_true(%a) : tensor<2xi32>
  return
}
"""


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("wrong") / "wrong.mlir"
    source.write_text(WRONG)
    return source


@pytest.mark.parametrize("function", ["equal", "almost_equal", "true", "all_true"])
def test_a_wrong_program_fails(wrong: Path, function: str) -> None:
    """Otherwise nothing above would mean anything."""
    engine = Engine(artefacts.theirs(wrong))
    engine.invoke(function)
    assert len(engine.failures) == 1
    with (
        il.Context(artefacts.program(wrong, "elf"), "llvm-cpu") as context,
        pytest.raises(CheckFailed),
    ):
        context.invoke(function)
