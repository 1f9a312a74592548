"""What a failure leaves behind shows it again, with IREE's own tools or with Python alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import ireelab
from ireelab import lab
from ireelab.errors import CompileError, CompilerCrashed, PassFailed, PythonPassFailed

BAD_CALL = """func.func @f(%a: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.custom_call @nobody(%a) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
"""
CRASHES = """func.func @f(%a: tensor<?xf32>) -> tensor<?xf32> {
  %0 = "no_dialect.op"(%a) : (tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
"""
BAD_TILES = """func.func @f(%a: tensor<64x64xf32>, %b: tensor<64x64xf32>) -> tensor<64x64xf32> {
  %w = arith.constant dense<2.0> : tensor<64x64xf32>
  %z = arith.constant dense<0.0> : tensor<64x64xf32>
  %0 = linalg.matmul {lowering_config = #iree_cpu.lowering_config<distribution = [0, 0, 0],
        vector_common_parallel = [64, 64, 0], vector_reduction = [0, 0, 64]>}
      ins(%a, %b : tensor<64x64xf32>, tensor<64x64xf32>)
      outs(%z : tensor<64x64xf32>) -> tensor<64x64xf32>
  return %0 : tensor<64x64xf32>
}
"""
SMALL_STACK = "--iree-llvmcpu-stack-allocation-limit=16"
ELEMENTWISE = ireelab.examples.path("elementwise")


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder for temporary files."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def again(error: CompileError, temporary: Path) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Its command run from another folder, and its own folder."""
    (folder,) = temporary.glob("ireelab-reproducer-*")
    assert error.reproducer is not None
    assert str(folder) in error.reproducer
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    done = subprocess.run(
        error.reproducer,
        shell=True,
        cwd="/",
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    return done, folder


@pytest.mark.parametrize("pipeline", ["upstream", "lab"])
@pytest.mark.parametrize(
    ("source", "flags", "said", "ran"),
    [
        (BAD_CALL, [], "failed to legalize", "builtin.module(iree-stablehlo-to-iree-input)"),
        (BAD_TILES, [SMALL_STACK], "lowering config", "iree-llvmcpu-select-lowering-strategy)"),
    ],
)
def test_the_failing_pass_alone(
    pipeline: str, source: str, flags: list[str], said: str, ran: str, temporary: Path
) -> None:
    with pytest.raises(PassFailed, match=said) as caught:
        ireelab.compile(source, name="cell.mlir", pipeline=pipeline, flags=flags)
    done, folder = again(caught.value, temporary)
    assert done.returncode == 1
    assert said in done.stderr
    assert ran in (folder / "failing-step.mlir").read_text()
    assert (folder / "cell.mlir").read_text() == source
    readme = (folder / "README.txt").read_text()
    assert "tried, it fails the same way" in readme
    assert "IREE: 3.13" in readme
    whole = next(line for line in readme.splitlines() if line.startswith("  iree-compile"))
    tool = Path(sys.executable).with_name("iree-compile")
    done = subprocess.run(
        [tool, *whole.split()[1:]], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert said in done.stderr


def test_a_pass_that_crashes(temporary: Path) -> None:
    with pytest.raises(CompilerCrashed) as caught:
        ireelab.compile(CRASHES)
    done, folder = again(caught.value, temporary)
    assert done.returncode not in (0, 1)
    assert "form-dispatch-regions{" in (folder / "failing-step.mlir").read_text()


def test_a_python_pass_with_its_whole_input(temporary: Path) -> None:
    def refuses(module: Any, options: Mapping[str, Any]) -> None:
        raise ValueError(f"not today, {options['name']}")

    constant = 'dense<"0x' + "".join(f"{i:02x}00803f" for i in range(64)) + '">'
    source = ELEMENTWISE.read_text().replace("16xf32", "64xf32")
    source = source.replace("func.func @main", f"util.global @w = {constant} : tensor<64xf32>\n"
                            "func.func @main")  # fmt: skip
    pipeline = lab.insert_after("abi", refuses).options("refuses", name="you")
    with pytest.raises(PythonPassFailed) as caught:
        ireelab.compile(source, pipeline=pipeline)
    done, folder = again(caught.value, temporary)
    assert "ValueError: not today, you" in done.stderr
    assert "def refuses" in (folder / "pass.py").read_text()
    module = (folder / "failing-step.mlir").read_text()
    assert "__elided__" not in module
    assert "@w" in module


def test_a_text_that_is_no_pipeline(temporary: Path) -> None:
    with pytest.raises(PassFailed) as caught:
        ireelab.compile(
            ELEMENTWISE, pipeline=lab.insert_after("verify-input", "util.func(one-shot-bufferize)")
        )
    done, _ = again(caught.value, temporary)
    assert done.returncode == 1
    assert "restricted to 'builtin.module'" in done.stderr
