"""The explorer in a notebook: an anywidget over the payload that ``ireelab.viz`` makes."""

# traitlets and anywidget come without complete annotations.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from ireelab.errors import CompileError
from ireelab.pipeline.trace import Trace
from ireelab.program import Program
from ireelab.viz.compare_traces import Compared
from ireelab.viz.html import bundle_bytes, bundle_text, render_html
from ireelab.viz.models import ModelBlob, Subject
from ireelab.viz.payload import (
    Payload,
    Run,
    listing_payload,
    model_payload,
    run_payload,
    trace_payload,
    with_run,
)
from ireelab.viz.record import explore_record
from ireelab.viz.trace_key import trace_key
from ireelab.vm.disassembly import disassemble
from ireelab.widgets.history import Compilation, Ran
from ireelab.widgets.live import Live
from ireelab.widgets.shown_models import ShownModels

DEFAULT_HEIGHT = 680

_NOTHING_SELECTED: dict[str, Any] = {"step": None, "line": None, "view": "ir", "item": None}


class Explorer(anywidget.AnyWidget):
    """A compilation and its run: steps, IR and diffs, schedule, memory, barriers, times.

    ``index`` and ``chunks`` are the two blobs of :class:`ireelab.viz.payload.Payload`; without
    them the explorer is empty, or shows ``progress``: ``{"state": "compiling", "step": name,
    "count": n}``. Models (stream graph, allocation, barriers, ...) are computed and sent when a
    pane first shows them.

    ``selection`` follows the user and can be set: ``{"step": int | None, "line": int | None,
    "view": "ir" | "diff", "item": str | None}``, where ``item`` is a reference such as
    ``"event:3"``, ``"command:5"`` (of the stream graph), ``"slice:0"`` or ``"barrier:0.1"``
    (command buffer, barrier); of another side that is compared, ``"event@1:3"``. Explorers of one
    trace share it. ``arrangement`` is how panes are arranged: ``{"kind": "row" | "column", "sizes":
    [...], "children": [...]}`` around ``{"kind": "stack", "panes": [...], "active": name}``; ``{}``
    is the usual one. ``theme`` is ``auto`` (the notebook's), ``light`` or ``dark``; ``height`` is
    in CSS pixels.

    The page can run and compile anew (``ireelab.widgets.live``): ``results`` and ``traces`` are
    all there were so far, ``result`` and ``trace`` what is shown. ``run`` is the run that is shown
    instead of the index's, ``live`` what there is to choose from, ``job`` what goes on, and
    ``stepping`` where a call stands that the VM pane steps through
    (``ireelab.widgets.vm_session``).
    """

    _esm = bundle_text("widget.js")
    _css = bundle_text("widget.css")
    # The code, of which a page takes one copy: see frontend/src/widget.ts.
    bundle = traitlets.Bytes(bundle_bytes("notebook.js.gz"), read_only=True).tag(sync=True)

    index = traitlets.Bytes(b"").tag(sync=True)
    chunks = traitlets.Bytes(b"").tag(sync=True)
    theme = traitlets.Enum(("auto", "light", "dark"), "auto").tag(sync=True)
    height = traitlets.Int(DEFAULT_HEIGHT, min=160).tag(sync=True)
    selection = traitlets.Dict(default_value=dict(_NOTHING_SELECTED)).tag(sync=True)
    # Not `layout`: the page takes a trait of that name for a model of ipywidgets.
    arrangement = traitlets.Dict(default_value={}).tag(sync=True)
    progress = traitlets.Dict(default_value={}).tag(sync=True)
    run = traitlets.Bytes(b"").tag(sync=True)
    live = traitlets.Dict(default_value={}).tag(sync=True)
    job = traitlets.Dict(default_value={}).tag(sync=True)
    stepping = traitlets.Dict(default_value={}).tag(sync=True)
    key = traitlets.Unicode("").tag(sync=True)

    def __init__(self, index: bytes = b"", chunks: bytes = b"", **traits: Any) -> None:
        # First: a widget that traitlets refuses is closed too.
        self._record: Callable[[], dict[str, Any]] | None = None
        self._models = ShownModels()
        self._live = Live(self)
        super().__init__(index=index, chunks=chunks, **traits)
        self.on_msg(_on_message)

    def show(
        self,
        shown: Trace | CompileError | Program,
        result: Run | None = None,
        compared: Compared | None = None,
    ) -> None:
        """Show something else; progress ends and the selection starts anew.

        ``compared`` has what is shown as its first side, and shows the others beside it.

        Raises:
            CompileError: ``shown`` itself, when it carries no trace to show.
        """
        if isinstance(shown, Program):
            payload = listing_payload(shown.name, "disassembly", disassemble(shown.module))
            self._live.begin(shown, result)
            self._models.show(Subject(None, shown, result), None)
            self._present(payload, None)
            if result is not None:
                self.run = run_payload(result, None, number=1)
            return
        error = shown if isinstance(shown, CompileError) else None
        trace = shown if isinstance(shown, Trace) else shown.trace
        if trace is None:  # nothing to show beside the error itself
            assert error is not None
            raise error
        self._live.begin(shown, result)  # before: the page asks what can be done
        self._show_trace(trace, error, Subject(trace, None, result), compared)

    def show_compilation(
        self, compilation: Compilation, ran: Ran | None, compared: Compared | None = None
    ) -> None:
        """Show another compilation of this explorer's, with a run of it, or beside another."""
        subject = Subject(compilation.trace, *_ran(ran))
        self._show_trace(compilation.trace, compilation.error, subject, compared)

    def show_run(self, ran: Ran, before: Ran | None) -> None:
        """Show another run of what is shown, its outputs held against those of ``before``."""
        trace = self.trace
        program, run = _ran(ran)
        shown = self._models.subject.program
        self._models.show_run(Subject(trace, program if trace else shown, run))
        if trace is not None:
            self._record = partial(explore_record, trace, run=ran.result)
        other = None if before is None or before is ran else (before.number, before.result)
        self.run = run_payload(ran.result, trace, number=ran.number, before=other)

    def _show_trace(
        self,
        trace: Trace,
        error: CompileError | None,
        subject: Subject,
        compared: Compared | None,
    ) -> None:
        record = partial(explore_record, trace, run=subject.run, error=error)
        self._models.show(subject, compared)
        beside = self._models.compared(trace)
        payload = trace_payload(trace, run=subject.run, error=error, compared=beside)
        self._present(payload, record)

    def _present(self, payload: Payload, record: Callable[[], dict[str, Any]] | None) -> None:
        self._record = record
        with self.hold_sync():
            self.key = "" if self.trace is None else trace_key(self.trace)
            self.run = b""
            self.chunks = payload.chunks
            self.index = payload.index
            self.progress = {}
            self.selection = dict(_NOTHING_SELECTED)

    def show_model(self, name: str, pane: str, record: dict[str, Any], subject: Subject) -> None:
        """Show one model alone, in ``pane``; a trace is what links it to other cells."""
        title = pane.capitalize() if subject.program is None else subject.program.name
        payload = model_payload(title, subject.trace, subject.run)
        self._models.show_alone(subject, name, record)
        self._record, trace = None, subject.trace
        with self.hold_sync():
            self.key = "" if trace is None else trace_key(trace)
            self.arrangement = {"kind": "stack", "panes": [pane], "active": pane}
            self.chunks = payload.chunks
            self.index = payload.index

    @property
    def result(self) -> Run | None:
        """The run that is shown."""
        return self._models.subject.run

    @property
    def results(self) -> tuple[Run, ...]:
        """Every run: that it was made with, then those that the page asked for."""
        return tuple(ran.result for ran in self._live.history.runs)

    @property
    def trace(self) -> Trace | None:
        """The compilation that is shown."""
        return self._models.subject.trace

    @property
    def traces(self) -> tuple[Trace, ...]:
        """Every compilation, those that failed or were stopped included."""
        return tuple(made.trace for made in self._live.history.compilations)

    def stop(self) -> None:
        """End what the page has started: a compilation at once, a run after its current call."""
        self._live.stop()

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Until what the page has started has ended; False after the timeout."""
        return self._live.wait(timeout_seconds)

    @property
    def state(self) -> dict[str, Any]:
        """Selection and arrangement: set it, or pass it to ``il.explore``, to bring a view back."""
        return {"selection": dict(self.selection), "arrangement": dict(self.arrangement)}

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        with self.hold_sync():
            self.arrangement = state.get("arrangement", {})
            self.selection = {**_NOTHING_SELECTED, **state.get("selection", {})}

    def model(self, name: str) -> ModelBlob:
        """The model that a pane shows, computed once; see ``ireelab.viz.models``."""
        return self._models.get(name)

    def answer(self, request: dict[str, Any]) -> None:
        """Do what the page asks for; see ``ireelab.widgets.live``."""
        self._live.handle(request)

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
        title = title or self._title()
        index = with_run(self.index, self.run) if self.run else self.index
        page = render_html(index, self.chunks, title=title, models=self._models.saved())
        path.write_text(page, encoding="utf-8")
        return path

    def close(self) -> None:
        """Take the explorer off the page and let go of what it showed."""
        super().close()
        self.layout.close()  # ipywidgets', a model of its own
        self._live.close()
        self._record = None
        self._models.show(Subject(), None)
        with self.hold_trait_notifications():
            self.index = self.chunks = self.run = b""
            self.live = {}
            self.job = {}

    def __repr__(self) -> str:
        name = json.loads(gzip.decompress(self.index)).get("name") if self.index else "empty"
        return f"<Explorer: {name}>"

    def _title(self) -> str:
        name = json.loads(gzip.decompress(self.index)).get("name") if self.index else None
        return f"{name} · ireelab" if name else "ireelab"


def _on_message(explorer: Explorer, content: dict[str, Any], _buffers: list[bytes]) -> None:
    """A pane asks for its model. What goes wrong is said in the pane, not lost in the kernel."""
    if content.get("type") == "live":
        explorer.answer(content)
    if content.get("type") != "model":
        return
    reply = {"type": "model", "name": content["name"], "absent": "", "error": ""}
    buffers: list[bytes] = []
    try:
        blob = explorer.model(str(content["name"]))
        reply["absent"] = blob.absent
        buffers = [] if blob.absent else [blob.data]
    except Exception as error:  # whatever it is, the pane that waits must be told
        reply["error"] = f"{type(error).__name__}: {error}"
    explorer.send(reply, buffers)


def _ran(ran: Ran | None) -> tuple[Program | None, Run | None]:
    """The program that was run, where it is not the compilation's own, and the run."""
    if ran is None:
        return None, None
    return ran.variant.program if ran.variant.edited else None, ran.result
