"""Continue a compilation from any boundary of its trace, with the IR there edited or not."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from ireelab.errors import CompileError, UnknownStep
from ireelab.pipeline.lab.pipeline import Pipeline
from ireelab.pipeline.lab.pipeline import pipeline as lab_pipeline
from ireelab.pipeline.step import PHASES, Step

if TYPE_CHECKING:
    from ireelab.pipeline.compiler_job import Progress
    from ireelab.pipeline.trace import Trace

_ELIDED = "__elided__"
_CONSTANT = f"dense_resource<{_ELIDED}>"
_TYPED = re.compile(re.escape(_CONSTANT) + r"(?: : (\w+<[^,>]*))?")
_VALUE = re.compile(r"%[\w$.-]+")


def boundaries(trace: Trace) -> dict[str, int]:
    """Where a trace can be resumed: phases and, of a lab trace, its steps; each with its last pass.

    Between two passes of an upstream phase nothing has a name.
    """
    known: dict[str, int] = {}
    for step in trace.steps:
        known.update({step.phase: step.index, step.lab or step.phase: step.index})
    return dict(sorted(known.items(), key=lambda item: item[1]))


def resume(
    trace: Trace,
    after: Step | int | str,
    ir: object = None,
    *,
    pipeline: Pipeline | None = None,
    until: str = "vm",
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Trace:
    """Run what follows a boundary on the IR there: only that is compiled.

    Args:
        trace: a compilation, complete or not.
        after: the boundary: a step of the lab pipeline or a phase by name, or the last pass of
            one as a ``Step`` or its index.
        ir: the module to go on with, text or ``ir.Module``; None: as it stands there.
        pipeline: whose steps follow; None: the lab's own.
        until: the last phase or step to run.
        progress, stop: as ``il.compile`` takes them.

    Returns:
        A trace with the steps up to the boundary and those that ran now.

    Raises:
        UnknownStep: there is no boundary ``after``.
        CompileError: no boundary ends there, or the text has elided constants other than those of
            the snapshot there, which are filled in; and what ``il.compile`` raises.
    """
    from ireelab.pipeline.compile import compile

    name, last = _boundary(trace, after)
    steps = pipeline or lab_pipeline()
    text = trace.ir(last, module=True) if ir is None else str(ir)
    if _ELIDED in text:
        text = _with_constants(text, trace, last, name, steps, stop)
    try:
        continued = compile(
            text,
            target=trace.target,
            pipeline=steps,
            from_step=_following(steps, name),
            until=until,
            flags=trace.flags,
            name=f"{trace.name}.mlir",
            progress=progress,
            stop=stop,
        )
    except CompileError as error:
        if error.trace is not None:
            error.trace = _joined(trace, last, error.trace, edited=ir is not None)
        raise
    return _joined(trace, last, continued, edited=ir is not None)


def _with_constants(
    text: str,
    trace: Trace,
    last: int,
    name: str,
    steps: Pipeline,
    stop: threading.Event | None,
) -> str:
    """``text`` with the constants that snapshots elide, in the order in which they stand.

    They come from running the steps up to the boundary once more.
    """
    from ireelab.pipeline.compile import whole_module

    whole, elided = whole_module(trace, steps, name, stop)
    constants: list[str] = []
    for full, shown in zip(whole.split("\n"), elided.split("\n"), strict=False):
        pattern = re.escape(shown).replace(re.escape(_CONSTANT), "(.*)")
        if _CONSTANT in shown and (match := re.fullmatch(pattern, full)):
            constants += match.groups()
    known = trace.ir(last, module=True)
    ran_alike = _elided_lines(known) == _elided_lines(elided)
    if not ran_alike or _TYPED.findall(text) != _TYPED.findall(known) or not constants:
        raise CompileError(
            f"{trace.name}: the IR after {name!r} has constants that snapshots show elided "
            f"({_ELIDED}), and they cannot be told; write them out, or resume before they appear"
        )
    pieces = text.split(_CONSTANT)
    filled = [piece + constant for piece, constant in zip(pieces, constants, strict=False)]
    return "".join((*filled, *pieces[len(filled) :]))


def _elided_lines(text: str) -> list[str]:
    """The lines with elided constants, names of values aside."""
    lines = (line.strip() for line in text.split("\n") if _ELIDED in line)
    return [_VALUE.sub("%", line) for line in lines]


def _boundary(trace: Trace, after: Step | int | str) -> tuple[str, int]:
    """Its name, and the index of the pass that ends it."""
    known = boundaries(trace)
    if isinstance(after, str):
        names = [name for name in known if after in (name, trace.steps[known[name]].name)]
        names = names or [name for name in known if after.endswith(f"-{name}")]
        if names:
            return names[0], known[names[0]]
        raise UnknownStep(f"{trace.name}: no boundary {after!r}; there are: {', '.join(known)}")
    index = trace.step(after).index
    for name, last in known.items():
        if last >= index:
            if last == index:
                return name, last
            raise CompileError(
                f"{trace.name}: {trace.steps[index].name} is inside {name!r}; resume after "
                f"step {last}, which ends it"
            )
    raise CompileError(f"{trace.name}: no boundary after step {index}")


def _following(steps: Pipeline, name: str) -> str:
    """The step that comes after a step or a phase."""
    names = steps.names()
    if name in names and name not in PHASES:
        at = names.index(name)
    elif name in PHASES:
        at = max(number for number, step in enumerate(steps) if step.phase == name)
    else:
        at = steps.index(name)
    if at + 1 == len(names):
        raise CompileError(f"nothing follows {name!r}: it is the last of the pipeline")
    return names[at + 1]


def _joined(trace: Trace, last: int, continued: Trace, *, edited: bool) -> Trace:
    """One trace: what led to the boundary, then what ran from it.

    The module at the boundary is the edited one, so that the edit is no later pass's doing.
    """
    kept = last + 1
    before = trace.snapshots[:kept]
    if edited and continued.initial is not None:
        before = (*before[:-1], replace(before[-1], module=continued.initial))
    steps = (
        *trace.steps[:kept],
        *(replace(step, index=step.index + kept) for step in continued.steps),
    )
    return replace(
        continued,
        name=trace.name,
        source=trace.source,
        steps=steps,
        snapshots=(*before, *continued.snapshots),
        initial=trace.initial,
    )
