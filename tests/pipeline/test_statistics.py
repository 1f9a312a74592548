"""What passes count themselves, beside what iree-opt reports of the same pass."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import ireelab
from ireelab import Trace, lab
from ireelab.pipeline.step import Step

COUNT = re.compile(r"\(S\) +(\d+) num-cse'd")


def repeated(name: str, times: int) -> str:
    """A function that computes one value ``times`` times more than it needs it."""
    exps = [f"%e{n} = math.exp %a : tensor<4xf32>" for n in range(times + 1)]
    sums = [f"%s{n} = arith.addf %s{n - 1}, %e{n} : tensor<4xf32>" for n in range(1, times + 1)]
    body = "\n  ".join([*exps, "%s0 = arith.addf %e0, %a : tensor<4xf32>", *sums])
    return f"""func.func @{name}(%a: tensor<4xf32>) -> tensor<4xf32> {{
  {body}
  return %s{times} : tensor<4xf32>
}}
"""


@pytest.fixture
def iree_opt(tmp_path: Path) -> Callable[[str], int]:
    """What iree-opt reports CSE to have removed from a module."""

    def count(source: str) -> int:
        module = tmp_path / "source.mlir"
        module.write_text(source)
        said = subprocess.run(
            [Path(sys.executable).with_name("iree-opt"), module, "--mlir-pass-statistics",
             "--pass-pipeline=builtin.module(func.func(cse))", "-o", "/dev/null"],
            capture_output=True, text=True, check=True,
        ).stderr  # fmt: skip
        found = COUNT.search(said)
        assert found is not None
        return int(found[1])

    return count


def value(step: Step) -> dict[str, int]:
    return {s.name: s.value for s in step.statistics}


def test_every_run_has_its_own_count(iree_opt: Callable[[str], int]) -> None:
    """MLIR reports a pass once for all functions, which depends on the threads that it ran on."""
    sources = {f"f{n}": repeated(f"f{n}", n) for n in range(1, 6)}
    pipeline = lab.insert_before("input", "func.func(cse)", called="count")
    trace = ireelab.compile("".join(sources.values()), pipeline=pipeline, until="count")
    counted = {
        step.scope[-1].partition("@")[2]: value(step)["num-cse'd"]
        for step in trace.steps
        if step.lab == "count"
    }
    assert counted == {name: iree_opt(source) for name, source in sources.items()}
    assert list(counted.values()) == [1, 2, 3, 4, 5]


def test_passes_of_upstream_have_theirs(mlp_trace: Trace) -> None:
    counted = [step for step in mlp_trace.steps if step.statistics]
    assert {"symbol-dce", "iree-util-fold-globals", "cse"} <= {step.name for step in counted}
    dead = next(s for s in reversed(counted) if s.name == "symbol-dce" and s.statistics[0].value)
    assert dead.changed
    before = mlp_trace.ir(dead.index - 1, module=True)
    after = mlp_trace.ir(dead.index, module=True)
    private = re.compile(r"^ *vm\.import private", re.MULTILINE)
    gone = len(private.findall(before)) - len(private.findall(after))
    assert gone == dead.statistics[0].value > 10
    assert "counted      " in dead.about()
    assert f"{gone} num-dce'd" in dead.about()


def test_a_count_is_of_its_run_alone(mlp_trace: Trace) -> None:
    """A run of CSE that counts something changes its op, and removes at least as many ops.

    (Whatever CSE makes dead goes with it; canonicalization does not count.)
    """
    runs = [step for step in mlp_trace.steps if step.name == "cse"]
    assert len(runs) > 20
    for step in runs:
        removed = value(step)["num-cse'd"] + value(step)["num-dce'd"]
        assert -sum(step.delta.values()) == removed, step.about()


def test_passes_inside_adaptors_and_code_generation_count(mlp_trace: Trace) -> None:
    inside = [step for step in mlp_trace.steps if step.name == "cse" and len(step.scope) > 3]
    assert any("hal.executable" in scope for step in inside for scope in step.scope)
    assert any(value(step)["num-cse'd"] for step in inside)
