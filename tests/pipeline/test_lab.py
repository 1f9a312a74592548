"""The lab pipeline against upstream, and what can be done to it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping
from typing import Any

import first_fit
import numpy as np
import pytest

import ireelab
from ireelab import Trace, lab
from ireelab.errors import (
    CompileError,
    CompileInterrupted,
    CompilerCrashed,
    InvalidPythonPass,
    PassFailed,
    PythonPassFailed,
    UnknownStep,
)

MLP = ireelab.examples.path("mlp")
ELEMENTWISE = ireelab.examples.path("elementwise")


@pytest.fixture(scope="session")
def lab_trace() -> Trace:
    return ireelab.compile(ELEMENTWISE, pipeline="lab")


@pytest.mark.parametrize(
    ("example", "options"),
    [
        ("mlp", {}),
        ("counter", {}),
        ("while", {"flags": ["--iree-opt-level=O3"]}),
        ("mlp", {"flags": ["--iree-opt-data-tiling"]}),
        ("dynamic", {"target": "vmvx"}),
        ("transformer", {"target": "vulkan:ampere"}),
    ],
)
def test_the_same_bytes_as_upstream(example: str, options: dict[str, Any]) -> None:
    source = ireelab.examples.path(example)
    ours = ireelab.compile(source, pipeline="lab", **options)
    theirs = ireelab.compile(source, **options)
    assert ours.program.to_bytes() == theirs.program.to_bytes()
    assert ours.program.llvm_ir.keys() == theirs.program.llvm_ir.keys()
    assert list(ours.phases) == list(theirs.phases)


def test_every_pass_says_which_step_ran_it(lab_trace: Trace) -> None:
    assert {step.lab for step in lab_trace.steps} <= set(lab.pipeline().names())
    layout = [step for step in lab_trace.steps if step.lab == "schedule-execution"]
    assert {step.name for step in layout} == {"iree-stream-schedule-execution"}
    assert layout[-1].phase == "stream"
    for _, last in list(lab_trace.boundaries.items())[::20]:
        assert lab_trace.module(last).operation.verify()


def test_a_pipeline_is_a_value() -> None:
    default = lab.pipeline()
    changed = default.insert_before("layout-slices", "util.func(cse)", called="mine")
    assert changed.index("mine") == default.index("iree-stream-layout-slices")
    assert len(changed.remove("mine")) == len(default) == len(lab.pipeline())
    assert lab.insert_after("vm", "canonicalize").names()[-1] == "canonicalize"
    assert lab.options("layout-slices", a=1).step("layout-slices").options == {"a": 1}
    with pytest.raises(UnknownStep, match="did you mean 'layout-slices'"):
        lab.replace("layout-slice", "")


def test_slices_packed_in_python() -> None:
    """The worked example: the same outputs, no more transient memory than IREE's greedy packer."""
    source = ireelab.examples.path("transformer")
    pipeline = lab.replace("layout-slices", first_fit.first_fit).options(
        "layout-slices", alignment=64
    )
    ours, theirs = ireelab.compile(source, pipeline=pipeline), ireelab.compile(source)
    function = theirs.program.functions[0]
    from ireelab.vm.example_inputs import example_inputs

    inputs = list(example_inputs(function))
    a = ireelab.run(ours, function.name, *inputs).outputs
    b = ireelab.run(theirs, function.name, *inputs).outputs
    for mine, other in zip(a, b, strict=True):
        np.testing.assert_array_equal(mine, other)
    mine, other = ireelab.allocation(ours), ireelab.allocation(theirs)
    assert mine.transient_bytes == mine.lower_bound_bytes == 393_216
    assert other.transient_bytes == 458_752


def test_only_what_ran_other_passes_is_composite(lab_trace: Trace) -> None:
    """A pass of the module that stands behind passes of its functions did not run them."""
    composite = {step.name for step in lab_trace.steps if step.composite}
    assert {"iree-op-pipeline-adaptor", "iree-hal-translate-all-executables"} <= composite
    alone = {"iree-hal-conversion", "iree-util-propagate-subranges", "symbol-dce"}
    assert alone.isdisjoint(composite)


def raises(module: Any, options: Mapping[str, Any]) -> None:
    raise ValueError(f"cannot go on with {options['name']}")


def test_what_a_python_pass_raises_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    def prints(module: Any, options: Mapping[str, Any]) -> None:
        print("seen", module.operation.name)

    pipeline = lab.insert_after("schedule-allocation", prints)
    pipeline = pipeline.insert_after("prints", raises).options("raises", name="me")
    with pytest.raises(PythonPassFailed, match="cannot go on with me") as caught:
        ireelab.compile(ELEMENTWISE, pipeline=pipeline, until="stream")
    assert caught.value.step == "raises"
    assert "raise ValueError(f\"cannot go on with {options['name']}\")" in caught.value.traceback
    assert caught.value.trace is not None
    assert "prints" in {step.lab for step in caught.value.trace.steps}
    assert "seen builtin.module" in capfd.readouterr().out


def test_invalid_ir_is_the_fault_of_the_pass_that_left_it() -> None:
    def breaks(module: Any, options: Mapping[str, Any]) -> None:
        for op in module.body.operations:
            if op.operation.name == "util.func":
                body = list(op.operation.regions[0].blocks[0].operations)
                body[-1].operation.erase()

    with pytest.raises(
        PythonPassFailed, match=r"(?s)'breaks' left invalid IR.*terminator"
    ) as caught:
        ireelab.compile(ELEMENTWISE, pipeline=lab.insert_after("schedule-allocation", breaks))
    trace = caught.value.trace
    assert trace is not None
    assert trace.steps[-1].lab == "schedule-allocation"
    assert trace.module(-1).operation.verify()


def test_a_crash_names_the_python_pass() -> None:
    def dies(module: Any, options: Mapping[str, Any]) -> None:
        os.kill(os.getpid(), signal.SIGSEGV)

    with pytest.raises(CompilerCrashed, match="SIGSEGV in dies"):
        ireelab.compile(ELEMENTWISE, pipeline=lab.insert_after("schedule-allocation", dies))


def test_a_python_pass_that_does_not_end_can_be_interrupted() -> None:
    def loops(module: Any, options: Mapping[str, Any]) -> None:
        while True:
            pass

    timer = threading.Timer(2.0, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(CompileInterrupted):
        ireelab.compile(ELEMENTWISE, pipeline=lab.insert_after("conversion", loops))
    timer.join()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("util.func(no-such-pass)", "no-such-pass"),
        ("util.func(", "unbalanced"),
        ("canonicalize{no-such-option=3}", "no such option"),
    ],
)
def test_texts_that_are_no_pipeline(text: str, said: str) -> None:
    pipeline = lab.insert_after("verify-input", text, called="mine")
    with pytest.raises(PassFailed, match=said) as caught:
        ireelab.compile(ELEMENTWISE, pipeline=pipeline, until="stream")
    assert caught.value.step == "mine"


def test_requests_that_make_no_sense() -> None:
    lock = threading.Lock()
    with pytest.raises(InvalidPythonPass, match="cannot be sent"):
        ireelab.compile(ELEMENTWISE, pipeline=lab.replace("vm", lambda m, o: print(lock)))
    with pytest.raises(CompileError, match="no step for --iree-flow-break-dispatch"):
        ireelab.compile(ELEMENTWISE, pipeline="lab", flags=["--iree-flow-break-dispatch=a"])
    with pytest.raises(CompileError, match="from_step= goes with"):
        ireelab.compile(ELEMENTWISE, from_step="flow")
    with pytest.raises(UnknownStep):
        ireelab.compile(ELEMENTWISE, pipeline="lab", until="no-such-step")


def test_resume_compiles_only_what_follows(lab_trace: Trace) -> None:
    end = lab_trace.boundaries["schedule-allocation"]
    resumed = lab_trace.resume("schedule-allocation")
    assert resumed.steps[: end + 1] == lab_trace.steps[: end + 1]
    assert resumed.snapshots[end] is lab_trace.snapshots[end]
    assert resumed.steps[end + 1].lab == "emplace-transients"
    assert [step.index for step in resumed.steps] == list(range(len(resumed.steps)))
    function = lab_trace.program.functions[0]
    from ireelab.vm.example_inputs import example_inputs

    inputs = list(example_inputs(function))
    np.testing.assert_array_equal(
        ireelab.run(resumed, function.name, *inputs).outputs[0],
        ireelab.run(lab_trace, function.name, *inputs).outputs[0],
    )


def test_resume_with_edited_text_and_from_a_phase_of_upstream(lab_trace: Trace) -> None:
    text = lab_trace.ir(lab_trace.boundaries["abi"], module=True)
    edited = text.replace("arith.addf", "arith.subf")
    assert edited != text
    partial = lab_trace.resume("abi", edited, until="flow")
    assert "arith.addf" not in partial.ir(-1, module=True)
    assert "arith.subf" in partial.ir(partial.boundaries["abi"], module=True)
    with pytest.raises(CompileError) as caught:
        lab_trace.resume("abi", edited, pipeline=lab.insert_after("verify-input", "no-such-pass"))
    assert caught.value.trace is not None
    assert (
        caught.value.trace.steps[: partial.boundaries["abi"] + 1]
        == lab_trace.steps[: partial.boundaries["abi"] + 1]
    )
    upstream = ireelab.compile(ELEMENTWISE, until="flow")
    assert upstream.resume("flow", until="schedule-execution").steps[-1].lab == "schedule-execution"


def test_resume_where_constants_are_elided() -> None:
    """Their values come back, also where the kernels are bytes by now, and into edited text."""
    values = np.linspace(1, 2, 64, dtype=np.float32)
    source = f"""func.func @main(%a: tensor<64xf32>) -> tensor<64xf32> {{
  %w = arith.constant dense<"0x{values.tobytes().hex()}"> : tensor<64xf32>
  %0 = arith.addf %a, %w : tensor<64xf32>
  return %0 : tensor<64xf32>
}}"""
    trace = ireelab.compile(source, pipeline="lab")
    text = trace.ir(trace.boundaries["schedule-allocation"], module=True)
    assert "__elided__" in text
    edited = trace.resume("schedule-allocation", text.replace("arith.addf", "arith.subf"))
    zeros = np.zeros(64, np.float32)
    np.testing.assert_array_equal(ireelab.run(edited, "main", zeros).outputs[0], -values)
    assert "__elided__" in trace.ir(trace.boundaries["hal"], module=True)
    again = trace.resume("hal")
    np.testing.assert_array_equal(ireelab.run(again, "main", zeros).outputs[0], values)
    with pytest.raises(CompileError, match="cannot be told"):
        trace.resume("hal", text)
    stop = threading.Event()
    stop.set()
    with pytest.raises(CompileInterrupted, match="while its constants were looked up"):
        trace.resume("hal", stop=stop)


def test_resume_says_what_is_wrong(lab_trace: Trace) -> None:
    with pytest.raises(CompileError, match="no boundary 'nowhere'"):
        lab_trace.resume("nowhere")
    inside = lab_trace.boundaries["preprocessing"] + 1
    with pytest.raises(CompileError, match="is inside 'global-optimization'"):
        lab_trace.resume(inside)
    with pytest.raises(CompileError, match="elided"):
        lab_trace.resume("flow", "module { } // dense_resource<__elided__>")
    with pytest.raises(CompileError, match="nothing follows"):
        lab_trace.resume("vm", "module {}")
