"""What the page may ask of the kernel, asked without a page: run, compile, edit, stop."""

from __future__ import annotations

import gc
import gzip
import json
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from live_support import ask, run

import ireelab as il
from ireelab.widgets.explorer import Explorer

X, *REST = il.examples.inputs("mlp")


@pytest.fixture(scope="module")
def trace() -> il.Trace:
    return il.compile(il.examples.path("mlp"))


@pytest.fixture(scope="module")
def lab() -> il.Trace:
    return il.compile(il.examples.path("elementwise"), pipeline="lab")


@pytest.fixture
def explorer(trace: il.Trace) -> Iterator[Explorer]:
    explorer = il.explore(trace, il.run(trace, "mlp", X, *REST, profile=True))
    yield explorer
    explorer.close()


def shown_run(explorer: Explorer) -> dict[str, Any]:
    return json.loads(gzip.decompress(explorer.run))


def test_runs_are_kept_and_held_against_each_other(explorer: Explorer, trace: il.Trace) -> None:
    assert run(explorer, "8x64xf32=2", "run 1", "run 1", "run 1", repeat=3) is None
    expected = il.run(trace, "mlp", np.full((8, 64), 2, np.float32), *REST).outputs[0]
    result: Any = explorer.result
    np.testing.assert_array_equal(result.outputs[0], expected)
    assert result.calls == 3
    assert explorer.results[1] is result

    record = shown_run(explorer)
    first: Any = explorer.results[0]
    apart = record["outputs"][0]["difference"]
    assert apart["run"] == 1
    assert apart["absolute"] == pytest.approx(np.abs(expected - first.outputs[0]).max())
    assert len(record["timeline"]) == len(result.timeline.events)
    assert explorer.to_json()["run"]["seconds"] == result.seconds

    assert run(explorer, "run 2", "run 2", "run 2", "run 2") is None
    assert shown_run(explorer)["outputs"][0]["difference"]["different"] == 0
    assert ask(explorer, "show-run", number=1) is None
    assert explorer.result is first
    assert explorer.live["run"] == 1
    assert len(explorer.results) == 3


def test_inputs_nobody_gave_are_made_up_and_python_is_not_evaluated(explorer: Explorer) -> None:
    assert run(explorer) is None
    problem = run(explorer, "np.zeros((8, 64))")
    assert problem is not None
    assert problem["kind"] == "InvalidInput"
    assert "assign it to a variable" in problem["message"]
    assert "input 0" in problem["message"]


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        ({"device": "nowhere"}, "DeviceUnavailable"),
        ({"function": "nobody"}, "UnknownFunction"),
        ({"repeat": 0}, "IreelabError"),
        ({"program": 9}, "IreelabError"),
        ({"inputs": ["run 7"]}, "InvalidInput"),
    ],
)
def test_what_cannot_run_is_said_and_changes_nothing(
    explorer: Explorer, request_: dict[str, Any], kind: str
) -> None:
    before = explorer.result
    problem = run(explorer, **request_)
    assert problem is not None
    assert problem["kind"] == kind
    assert problem["where"] == "run"
    assert explorer.result is before
    assert run(explorer) is None  # and the next one works


def test_arrays_and_variables_of_the_notebook(
    explorer: Explorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ireelab.widgets import inputs

    monkeypatch.setattr(inputs, "_notebook", lambda: {"x": X, "words": "no array"})
    np.save(tmp_path / "w.npy", REST[0])
    assert run(explorer, "x", f"@{tmp_path / 'w.npy'}", "run 1", "run 1") is None
    assert shown_run(explorer)["outputs"][0]["difference"]["different"] == 0
    problem = run(explorer, "words")
    assert problem is not None
    assert "not an array" in problem["message"]


def test_compiling_keeps_both_and_runs_the_new_one_alike(explorer: Explorer) -> None:
    first = explorer.trace
    asked = {"target": "llvm-cpu", "pipeline": "upstream", "until": "vm", "run": True}
    assert ask(explorer, "compile", **asked, flags="--iree-opt-level=O3") is None
    assert explorer.trace is not first
    assert explorer.traces == (first, explorer.trace)
    assert explorer.trace is not None
    assert explorer.trace.flags == ("--iree-opt-level=O3",)
    assert len(explorer.results) == 2
    assert shown_run(explorer)["outputs"][0]["difference"]["absolute"] < 1e-3

    problem = ask(explorer, "compile", **asked, flags="--nonsense")
    assert problem is not None
    assert "nonsense" in problem["message"]
    assert len(explorer.traces) == 2
    assert ask(explorer, "show-compilation", number=1) is None
    assert explorer.trace is first
    assert explorer.result is explorer.results[0]
    assert ask(explorer, "show-run", number=2) is None  # brings its compilation back
    assert explorer.trace is explorer.traces[1]


def test_one_job_at_a_time_and_it_can_be_stopped(explorer: Explorer) -> None:
    begun = threading.Event()
    explorer.observe(lambda change: begun.set() if change.new.get("count") else None, "job")
    request = {"type": "live", "do": "run", "program": 1, "function": "mlp", "inputs": [],
               "device": "llvm-cpu", "repeat": 10**9, "profile": False}  # fmt: skip
    explorer.answer(request)
    assert begun.wait(60)
    explorer.answer(request)
    assert "still goes on" in explorer.live["problem"]["message"]
    explorer.answer({"type": "live", "do": "stop"})
    assert explorer.wait(60)
    result: Any = explorer.result
    assert 0 < result.calls < 10**9
    assert explorer.job == {}


def test_stopping_a_compilation_keeps_its_steps(explorer: Explorer) -> None:
    explorer.observe(lambda change: explorer.stop() if change.new.get("count") else None, "job")
    asked = {"target": "llvm-cpu", "pipeline": "upstream", "until": "vm", "flags": ""}
    problem = ask(explorer, "compile", **asked)
    assert problem is not None
    assert problem["kind"] == "CompileInterrupted"
    assert [one["state"] for one in explorer.live["compilations"]] == ["ready", "stopped"]
    assert explorer.trace is explorer.traces[0]


def test_edited_ir_goes_on_from_a_boundary(lab: il.Trace) -> None:
    explorer = il.explore(lab)
    boundary = explorer.live["boundaries"]["flow"]
    text = lab.ir(boundary, module=True)
    broken = text.replace("util.return", "util.nothing", 1)
    problem = ask(explorer, "resume", step=boundary, text=broken)
    assert problem is not None
    assert problem["where"] == "resume"
    line = next(i for i, one in enumerate(broken.splitlines(), 1) if "util.nothing" in one)
    assert problem["line"] == line
    assert problem["diagnostics"][0]["source_line"].strip().startswith("util.nothing")
    assert explorer.trace is lab

    assert ask(explorer, "resume", step=boundary, text=text, until="stream") is None
    assert explorer.trace is not lab
    assert explorer.traces[0] is lab
    assert explorer.trace is not None
    assert explorer.trace.steps[: boundary + 1] == lab.steps[: boundary + 1]
    inside = next(i for i in range(boundary) if i not in explorer.live["boundaries"].values())
    problem = ask(explorer, "resume", step=inside, text=text)
    assert problem is not None
    assert "inside" in problem["message"]
    explorer.close()


def test_a_kernel_is_edited_and_compiled_again(explorer: Explorer, trace: il.Trace) -> None:
    kernel = il.executables(trace).entry_points[0]
    text = str(kernel.llvm_ir)
    line = next(i for i, row in enumerate(text.splitlines(), 1) if "= fadd " in row)
    broken = text.replace("= fadd ", "= fadx ", 1)
    problem = ask(explorer, "edit-kernel", kernel=kernel.entry_point, text=broken)
    assert problem is not None
    assert (problem["kind"], problem["line"]) == ("InvalidCode", line)

    edited = text.replace("= fadd ", "= fsub ")
    assert ask(explorer, "edit-kernel", kernel=kernel.entry_point, text=edited) is None
    w1, b1, w2 = REST
    expected = np.maximum(X @ w1 - b1, 0) @ w2
    result: Any = explorer.result
    np.testing.assert_allclose(result.outputs[0], expected, rtol=1e-4, atol=1e-4)
    assert [one["label"] for one in explorer.live["programs"]][1].endswith("LLVM IR edited")
    assert explorer.live["runs"][-1]["program"] == explorer.live["programs"][-1]["number"]
    model = json.loads(gzip.decompress(explorer.model("executables").data))
    assert "fsub" in json.dumps(model["entry_points"][0])

    flags = "--iree-opt-level=O3"
    assert ask(explorer, "recompile-kernel", kernel=kernel.executable, flags=flags) is None
    assert len(explorer.results) == 3
    assert explorer.trace is trace


def test_closing_stops_the_job_and_frees_what_was_shown() -> None:
    compiled = il.compile(il.examples.path("elementwise"))
    explorer = il.explore(compiled)
    explorer.model("stream")
    explorer.answer({"type": "live", "do": "options"})
    assert run(explorer, profile=False) is None
    request = {"type": "live", "do": "run", "program": 1, "function": "", "inputs": [],
               "device": "llvm-cpu", "repeat": 10**9, "profile": False}  # fmt: skip
    explorer.answer(request)
    (thread,) = (t for t in threading.enumerate() if t.name == "ireelab-job")
    # Whoever holds the trace holds its program; traces themselves have no weak references.
    held = [weakref.ref(one) for one in (compiled.program, explorer, explorer.results[0])]
    explorer.close()
    thread.join(60)
    assert not thread.is_alive()
    assert explorer.traces == explorer.results == ()
    assert explorer.index == explorer.chunks == explorer.run == b""
    del compiled, explorer, thread
    gc.collect()
    assert [one() for one in held] == [None] * 3


def test_a_run_and_a_compilation_are_set_beside_what_is_shown(explorer: Explorer) -> None:
    assert run(explorer, "8x64xf32=2") is None
    assert ask(explorer, "compare", kind="run", number=1) is None
    index = json.loads(gzip.decompress(explorer.index))
    assert index["compared"]["labels"] == ["run 2", "run 1"]
    assert explorer.live["run"] == 2

    asked = {"target": "llvm-cpu", "pipeline": "upstream", "until": "flow", "run": False}
    assert ask(explorer, "compile", **asked, flags="") is None
    assert json.loads(gzip.decompress(explorer.index))["compared"] is None
    assert ask(explorer, "compare", kind="compilation", number=1) is None
    index = json.loads(gzip.decompress(explorer.index))
    assert index["compared"]["labels"] == ["compilation 2", "compilation 1"]
    assert len(explorer.traces) == 2
