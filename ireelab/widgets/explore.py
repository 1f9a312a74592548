"""``il.explore``: the explorer of whatever there is to look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ireelab.errors import CompileError, InvalidInput
from ireelab.pipeline.compile import compile
from ireelab.pipeline.saved import SUFFIX, load_trace
from ireelab.pipeline.trace import Trace
from ireelab.program import Program
from ireelab.viz.compare import compare as compare_sides
from ireelab.viz.compare_traces import Compared
from ireelab.viz.payload import Run
from ireelab.widgets.explorer import DEFAULT_HEIGHT, Explorer

Other = Trace | tuple[Trace, Run | None]
"""What is compared: a trace, or one with its run."""


def explore(
    shown: Trace | CompileError | Program | str | Path,
    result: Run | None = None,
    *,
    compare: Other | list[Other] | None = None,
    labels: Sequence[str] = (),
    height: int = DEFAULT_HEIGHT,
    theme: str = "auto",
    state: dict[str, Any] | None = None,
) -> Explorer:
    """The explorer of a trace, and of its run where ``result`` is given.

    ``compare`` is another trace, ``(trace, result)``, or a list of these: their steps, packings,
    runs and numbers stand beside those of the first. ``labels`` name all sides.


    MLIR text and ``.mlir`` files are compiled first, ``.iltrace`` files loaded. A
    :class:`CompileError`, given or met while compiling, is explored too: its diagnostics, and the
    steps before the failure. A program without a trace, such as one that ``il.load`` read, is shown
    disassembled. ``state`` brings a view back: what ``Explorer.state`` gave, or the explorer's Link
    button copied.
    """
    if isinstance(shown, str | Path):
        try:
            saved = "\n" not in str(shown) and str(shown).endswith(SUFFIX)
            shown = load_trace(shown) if saved else compile(shown)
        except CompileError as error:
            shown = error
    compared = None
    if compare is not None:
        if not isinstance(shown, Trace):
            raise InvalidInput("compare goes with a trace: what failed has no plans to compare")
        others = compare if isinstance(compare, list) else [compare]
        compared = compare_sides((shown, result), *others, labels=labels)
    explorer = Explorer(height=height, theme=theme)
    try:
        explorer.show(shown, result, compared)
    except CompileError:
        explorer.close()
        raise
    if state is not None:
        explorer.state = state
    return explorer


def explore_compared(compared: Compared, *, height: int = DEFAULT_HEIGHT) -> Explorer:
    """The explorer of what ``il.compare`` made of traces."""
    explorer = Explorer(height=height)
    explorer.show(compared.sides[0].trace, compared.sides[0].run, compared)
    return explorer
