"""What passes count themselves, beside what iree-opt reports of the same pass."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import ireelab
from ireelab import Trace, lab
from ireelab.pipeline.statistics import Ran, Statistic, statistics_of

TWICE = """func.func @{name}(%a: tensor<4xf32>) -> tensor<4xf32> {{
  %0 = math.exp %a : tensor<4xf32>
  %1 = math.exp %a : tensor<4xf32>
  %2 = math.exp %a : tensor<4xf32>
  %3 = arith.addf %0, %1 : tensor<4xf32>
  %4 = arith.mulf %3, %2 : tensor<4xf32>
  return %4 : tensor<4xf32>
}}
"""
REPORT = """
=== step 3
===----------===
   ... Pass statistics report ...
===----------===
FirstPass
Pipeline Collection : ['func.func', 'util.func']
  'func.func' Pipeline
    CSEPass
      (S) 9 num-cse'd - Number of operations CSE'd
  'util.func' Pipeline
    CSEPass
      (S) 1 num-cse'd - Number of operations CSE'd
    OtherPass
    CSEPass
      (S) 2 num-cse'd - Number of operations CSE'd
my::detail::FoldGlobalsPass
  (S) 5 after folding  - Globals
"""


def value(trace: Trace, index: int) -> dict[str, tuple[int, int]]:
    return {s.name: (s.value, s.runs) for s in trace.steps[index].statistics}


def test_counts_are_those_that_iree_opt_reports(tmp_path: Path) -> None:
    """Two functions: MLIR reports the pass once for both, and so it says."""
    source = TWICE.format(name="f") + TWICE.format(name="g")
    pipeline = lab.insert_before("input", "func.func(cse)", called="count")
    trace = ireelab.compile(source, pipeline=pipeline, until="count")
    runs = [step.index for step in trace.steps if step.lab == "count"]
    assert len(runs) == 2
    module = tmp_path / "source.mlir"
    module.write_text(source)
    said = subprocess.run(
        [Path(sys.executable).with_name("iree-opt"), module, "--mlir-pass-statistics",
         "--pass-pipeline=builtin.module(func.func(cse))", "-o", "/dev/null"],
        capture_output=True, text=True, check=True,
    ).stderr  # fmt: skip
    expected = re.search(r"\(S\) (\d+) num-cse'd", said)
    assert expected is not None
    assert int(expected[1]) > 0
    for index in runs:
        assert value(trace, index)["num-cse'd"] == (int(expected[1]), 2)


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


def test_a_report_is_matched_by_place_not_by_name_alone() -> None:
    f, g = ("builtin.module", "util.func @f"), ("builtin.module", "util.func @g")
    module = ("builtin.module",)
    ran = [
        Ran((), module, "fold-globals", 2),  # of another step of the lab
        Ran(("util.func",), f, "cse", 3),
        Ran(("util.func",), f, "other", 3),
        Ran(("util.func",), f, "cse", 3),
        Ran(("util.func",), g, "cse", 3),
        Ran(("util.func",), g, "other", 3),
        Ran(("util.func",), g, "cse", 3),
        Ran((), module, "iree-util-fold-globals", 3),
    ]
    found = statistics_of(REPORT, ran)
    text = "Number of operations CSE'd"
    assert found == {
        1: (Statistic("num-cse'd", 1, text, 2),),
        4: (Statistic("num-cse'd", 1, text, 2),),
        3: (Statistic("num-cse'd", 2, text, 2),),
        6: (Statistic("num-cse'd", 2, text, 2),),
        7: (Statistic("after folding", 5, "Globals"),),
    }
