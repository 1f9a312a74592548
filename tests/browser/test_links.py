"""From an op to its dispatch, slice, barrier, kernel, VM instruction, event, and back: JupyterLab.

Clicks go through the explorer and through cells that show one model of the same trace each.
"""

from __future__ import annotations

import ast
from typing import Any

import pytest

pytest.importorskip("playwright", reason="pip install 'ireelab[test]' for the browser tests")
from conftest import Notebook, OpenNotebook
from playwright.sync_api import Locator, expect

pytestmark = pytest.mark.browser

SETUP = """import ireelab as il
trace = il.compile(il.examples.path("transformer"))
result = il.run(trace, "transformer", *il.examples.inputs("transformer"), profile=True)
graph = il.stream_graph(trace, run=result)
name = next(c.entry_point for c in graph.commands if "matmul" in c.entry_point)
dispatched = [c.index for c in graph.commands if c.entry_point == name]
flow = trace.phases["flow"][-1].index
lines = trace.ir(flow, module=True).splitlines()
ops = [i for i, text in enumerate(lines, 1) if "flow.dispatch @" in text and f"@{name}(" in text]
line = ops[1]
explorer = il.explore(trace, result)
explorer"""
CELLS = [
    SETUP,
    "graph",
    "il.allocation(trace, run=result)",
    "il.barriers(trace, run=result)",
    "il.executables(trace, run=result)",
    "il.vm_listing(trace, result)",
    "il.timeline(result, trace=trace)",
]


class Walk:
    """The notebook, what is selected in its explorer, and what the kernel says to that."""

    def __init__(self, notebook: Notebook) -> None:
        self.notebook = notebook
        self.page = notebook.page

    def cell(self, number: int) -> Locator:
        """The explorer of a cell, scrolled to: the notebook takes out what is far from view."""
        self.page.evaluate(
            "i => window.jupyterapp.shell.currentWidget.content.scrollToItem(i, 'smart')", number
        )
        shown = self.page.locator(f".jp-Cell[data-windowed-list-index='{number}'] .ireelab")
        expect(shown).to_be_visible(timeout=30_000)
        return shown

    def kernel(self, expression: str) -> Any:
        return ast.literal_eval(self.notebook.evaluate(expression))

    def wait_for(self, item: str, line_has: str = "") -> dict[str, Any]:
        """Until the kernel knows that an item is selected, and the IR shows its line."""
        selection: dict[str, Any] = {}
        for _ in range(100):
            selection = self.kernel("dict(explorer.selection)")
            if str(selection["item"]).startswith(item) and (selection["line"] or not line_has):
                break
            self.page.wait_for_timeout(100)
        assert str(selection["item"]).startswith(item)
        if line_has:
            step, line = selection["step"], selection["line"]
            text = self.kernel(f"trace.ir({step}, module=False).splitlines()[{line} - 1]")
            assert line_has in text
        return selection


def link(explorer: Locator, kind: str) -> Locator:
    """The first link in the details to a counterpart of a kind."""
    return explorer.locator(f".il-counterparts [data-kind={kind}]").first


def test_an_op_leads_through_every_view_and_back(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook("links.ipynb", CELLS)
    notebook.run_all()
    walk = Walk(notebook)
    explorer = walk.cell(0)

    # An op of the Flow level: the second of those that dispatch the same kernel.
    line = walk.kernel("line")
    notebook.evaluate("explorer.set_trait('selection', {**explorer.selection, 'step': flow})")
    text = explorer.locator("[data-il=ir] .cm-content")
    expect(text).to_contain_text("flow.executable")
    text.click(position={"x": 5, "y": 5})
    walk.page.keyboard.press("Control+f")
    walk.page.keyboard.type(walk.kernel("lines[line - 1].split(' @')[0].strip()"))
    walk.page.keyboard.press("Enter")
    op = (
        explorer.locator("[data-il=ir] .cm-line")
        .filter(has_text=walk.kernel("name"))
        .filter(has=walk.page.locator(".cm-searchMatch-selected"))
    )
    op.click(position={"x": 40, "y": 8})
    command = f"command:{walk.kernel('dispatched[1]')}"
    assert walk.wait_for(command)["line"] == line

    # Each of its counterparts is a link in the details; the way back is a key.
    link(explorer, "slice").click()
    chosen = walk.wait_for("slice:")["item"].removeprefix("slice:")
    assert walk.kernel(f"dispatched[1] in il.allocation(trace).slices[{chosen}].uses")
    walk.page.keyboard.press("Alt+ArrowLeft")
    walk.wait_for(command)
    link(explorer, "barrier").click()
    barrier = walk.wait_for("barrier:", "hal.command_buffer.execution_barrier")
    assert walk.kernel(f"trace.steps[{barrier['step']}].phase") == "hal"
    walk.page.keyboard.press("Alt+ArrowLeft")
    assert walk.wait_for(command)["line"] == line
    link(explorer, "kernel").click()
    walk.wait_for("kernel:", "flow.dispatch")
    explorer.locator("[data-pane-tab=executables]").click()
    kernel = walk.kernel("name.split('dispatch_')[1].split('_', 1)[1]")
    expect(explorer.locator(".il-kernel-side .il-selected")).to_contain_text(kernel)
    walk.page.keyboard.press("Alt+ArrowLeft")
    walk.wait_for(command)
    link(explorer, "instruction").click()
    walk.wait_for("instruction:")
    explorer.locator("[data-pane-tab=vm]").click()
    chosen_row = explorer.locator(".il-vm-row.il-selected")
    expect(chosen_row.first).to_contain_text("hal.command_buffer.dispatch")
    expect(chosen_row.first).to_be_in_viewport()
    link(explorer, "event").click()
    event = walk.wait_for("event:")["item"].removeprefix("event:")
    assert walk.kernel(f"result.timeline.events[{event}].entry_point == name")
    link(explorer, "command").click()
    walk.wait_for(command)

    # Cells that show one model each have followed, and lead back.
    expect(walk.cell(5).locator(".il-vm-row.il-selected").first).to_contain_text("dispatch")
    expect(walk.cell(4).locator(".il-kernel-side .il-selected")).to_contain_text(kernel)
    live = walk.cell(2).locator(".il-live-row.il-selected")
    expect(live.first).to_be_visible()
    barriers = walk.cell(3)
    expect(barriers.locator(".il-b-command.il-selected")).to_have_count(1)
    barriers.locator(".il-b-barrier.il-selected").first.click()
    walk.wait_for("barrier:", "hal.command_buffer.execution_barrier")
    streams = walk.cell(1)
    streams.get_by_role("button", name="List").click()
    streams.locator(f"[data-row='{walk.kernel('dispatched[1]')}']").click()
    walk.wait_for(command)
