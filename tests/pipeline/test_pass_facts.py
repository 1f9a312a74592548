"""Each step says what its pass does and where it is implemented."""

from __future__ import annotations

from ireelab import Trace


def test_nearly_all_passes_are_described_and_linked(
    mlp_trace: Trace, initializers_trace: Trace
) -> None:
    steps = {step.name: step for step in (*mlp_trace.steps, *initializers_trace.steps)}
    assert len(steps) > 150
    missing = {name for name, step in steps.items() if not (step.description and step.link)}
    assert len(missing) <= len(steps) * 0.05, missing


def test_links_lead_to_the_source(mlp_trace: Trace) -> None:
    link = mlp_trace.step("iree-stream-schedule-allocation").link
    assert link.endswith(
        "v3.13.0/compiler/src/iree/compiler/Dialect/Stream/Transforms/ScheduleAllocation.cpp"
    )
    assert mlp_trace.step("cse").link == "https://mlir.llvm.org/docs/Passes/#-cse"
