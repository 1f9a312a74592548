"""Which step of a trace an analysis reads."""

from __future__ import annotations

from collections.abc import Iterator

from ireelab.errors import CompileError
from ireelab.pipeline.step import Step
from ireelab.pipeline.trace import Trace

_FUSES_RANGES = "iree-stream-fuse-dispatch-bindings"
_LATER = ("stream", "executable", "hal", "vm")


def reached(trace: Trace, phase: str) -> bool:
    """Whether the compilation went through a phase, stream or a later one, to its end."""
    after = _LATER[_LATER.index(phase) + 1 :]
    passed = trace.complete and trace.until == phase
    return passed or any(step.phase in after for step in trace.steps)


def before(trace: Trace, step: Step) -> Step:
    """The step whose module is the one that ``step`` found."""
    return trace.step(max(step.index - 1, 0))


def last_stream_step(trace: Trace) -> Step:
    """The last step after which Stream commands still say which bytes they touch.

    ``iree-stream-fuse-dispatch-bindings`` widens every access to the whole resource and passes
    offsets to the kernels as plain integers, so this is the step before it.

    Raises:
        CompileError: the compilation did not reach the stream phase.
    """
    steps = [step for step in trace.steps if step.phase == "stream"]
    if not steps:
        raise CompileError(
            f"{trace.name}: no step of phase 'stream'; compile with until='stream' or later",
            trace=trace,
        )
    for step in steps:
        if step.name == _FUSES_RANGES:
            return before(trace, step)
    return steps[-1]


def last_hal_step(trace: Trace) -> Step:
    """The last step of phase ``hal``.

    Raises:
        CompileError: the compilation did not reach it.
    """
    steps = [step for step in trace.steps if step.phase == "hal"]
    if not steps:
        raise CompileError(
            f"{trace.name}: no step of phase 'hal'; compile with until='hal' or later",
            trace=trace,
        )
    return steps[-1]


def layout_steps(trace: Trace) -> Iterator[Step]:
    """The steps that gave packed slices their offsets, one for each function that has any."""
    for step in trace.steps:
        packs = "layout-slices" in step.name and not step.composite and step.changed
        if packs and "stream.resource.pack" in trace.ir_before(step):
            yield step
