"""The explorer in a notebook: an anywidget over the payload that ``ireelab.viz`` makes."""

# traitlets and anywidget come without complete annotations.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from ireelab.errors import CompileError
from ireelab.pipeline.compile import compile
from ireelab.pipeline.trace import Trace
from ireelab.program import Program
from ireelab.viz.html import bundle_text, render_html
from ireelab.viz.payload import Payload, Run, listing_payload, trace_payload
from ireelab.viz.record import explore_record
from ireelab.vm.disassembly import disassemble

DEFAULT_HEIGHT = 680

_NOTHING_SELECTED: dict[str, Any] = {"step": None, "event": None, "line": None, "view": "ir"}


class Explorer(anywidget.AnyWidget):
    """The steps of a compilation, their IR and diffs, and when its dispatches ran.

    ``index`` and ``chunks`` are the two blobs of :class:`ireelab.viz.payload.Payload`; without
    them the explorer is empty, or shows ``progress``: ``{"state": "compiling", "step": name,
    "count": n}``. ``selection`` follows the user and can be set: ``{"step": int | None, "event":
    int | None, "line": int | None, "view": "ir" | "diff"}``. ``theme`` is ``auto`` (the
    notebook's), ``light`` or ``dark``; ``height`` is in CSS pixels.
    """

    _esm = bundle_text("widget.js")
    _css = bundle_text("widget.css")

    index = traitlets.Bytes(b"").tag(sync=True)
    chunks = traitlets.Bytes(b"").tag(sync=True)
    theme = traitlets.Enum(("auto", "light", "dark"), "auto").tag(sync=True)
    height = traitlets.Int(DEFAULT_HEIGHT, min=320).tag(sync=True)
    selection = traitlets.Dict(default_value=dict(_NOTHING_SELECTED)).tag(sync=True)
    progress = traitlets.Dict(default_value={}).tag(sync=True)

    def __init__(
        self,
        index: bytes = b"",
        chunks: bytes = b"",
        **traits: Any,
    ) -> None:
        super().__init__(index=index, chunks=chunks, **traits)
        self._record: Callable[[], dict[str, Any]] | None = None

    def show(self, shown: Trace | CompileError | Program, result: Run | None = None) -> None:
        """Show something else; progress ends and the selection starts anew.

        Raises:
            CompileError: ``shown`` itself, when it carries no trace to show.
        """
        payload, record = _content(shown, result)
        self._record = record
        with self.hold_sync():
            self.chunks = payload.chunks
            self.index = payload.index
            self.progress = {}
            self.selection = dict(_NOTHING_SELECTED)

    def to_json(self) -> dict[str, Any]:
        """Steps, scheduling models, run and error as plain data, described in ``docs/json.md``.

        Of an explorer that was made from a payload alone, the payload's index.
        """
        if self._record is not None:
            return self._record()
        return json.loads(gzip.decompress(self.index)) if self.index else {}

    def save_html(self, path: str | Path, *, title: str | None = None) -> Path:
        """Write one self-contained HTML file that works offline; returns its path."""
        path = Path(path)
        page = render_html(self.index, self.chunks, title=title or self._title())
        path.write_text(page, encoding="utf-8")
        return path

    def __repr__(self) -> str:
        name = json.loads(gzip.decompress(self.index)).get("name") if self.index else "empty"
        return f"<Explorer: {name}>"

    def _title(self) -> str:
        name = json.loads(gzip.decompress(self.index)).get("name") if self.index else None
        return f"{name} · ireelab" if name else "ireelab"


def explore(
    shown: Trace | CompileError | Program | str | Path,
    result: Run | None = None,
    *,
    height: int = DEFAULT_HEIGHT,
    theme: str = "auto",
) -> Explorer:
    """The explorer of a trace, and of its run where ``result`` is given.

    MLIR text and ``.mlir`` files are compiled first. A :class:`CompileError`, given or met while
    compiling, is explored too: its diagnostics, and the steps before the failure. A program
    without a trace, such as one that ``il.load`` read, is shown disassembled.
    """
    if isinstance(shown, str | Path):
        try:
            shown = compile(shown)
        except CompileError as error:
            shown = error
    explorer = Explorer(height=height, theme=theme)
    try:
        explorer.show(shown, result)
    except CompileError:
        explorer.close()
        raise
    return explorer


def _content(
    shown: Trace | CompileError | Program, result: Run | None
) -> tuple[Payload, Callable[[], dict[str, Any]] | None]:
    """The payload of what is shown, and how to make its record when someone asks."""
    if isinstance(shown, Program):
        return listing_payload(shown.name, "disassembly", disassemble(shown.module)), None
    error = shown if isinstance(shown, CompileError) else None
    trace = shown if isinstance(shown, Trace) else shown.trace
    if trace is None:  # nothing to show beside the error itself
        assert error is not None
        raise error
    return (
        trace_payload(trace, run=result, error=error),
        lambda: explore_record(trace, run=result, error=error),
    )
