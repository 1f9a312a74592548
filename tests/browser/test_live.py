"""Running, compiling, editing and stopping from the page, in a real JupyterLab."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import Notebook, Server, notebook_of_its_own
from playwright.sync_api import Browser, Locator, expect

pytestmark = pytest.mark.browser

CELLS = [
    """import ireelab as il
import numpy as np
trace = il.compile(il.examples.path("mlp"))
result = il.run(trace, "mlp", *il.examples.inputs("mlp"), profile=True)
twos = np.full((8, 64), 2, np.float32)
explorer = il.explore(trace, result)
explorer""",
    """import ipywidgets
box = ipywidgets.VBox()
box""",
]


@pytest.fixture(scope="module")
def notebook(jupyterlab: Server, browser: Browser) -> Iterator[Notebook]:
    """One page for all tests here, with an explorer in it."""
    with notebook_of_its_own(browser, jupyterlab, "live.ipynb", CELLS) as notebook:
        notebook.run_all()
        yield notebook


@pytest.fixture
def explorer(notebook: Notebook) -> Locator:
    """The explorer, with its Run pane in front."""
    explorer = notebook.page.locator(".ireelab").first
    explorer.scroll_into_view_if_needed()
    expect(explorer.locator(".il-step").first).to_be_visible(timeout=30_000)
    explorer.locator("[data-il=go-to-run]").click()
    expect(explorer.locator("[data-il=run-form]")).to_be_visible()
    return explorer


def finish(explorer: Locator) -> None:
    expect(explorer.locator(".il-job")).to_be_hidden(timeout=60_000)


def test_a_run_with_another_input_shows_its_outputs_and_times(
    notebook: Notebook, explorer: Locator
) -> None:
    before = explorer.locator("[data-pane=timeline] .il-note").inner_text()
    explorer.locator("[data-il=input-0]").fill("twos")
    explorer.locator("[data-il=repeat]").fill("3")
    explorer.locator("[data-il=run]").click()
    expect(explorer.locator("[data-il=outputs] h4")).to_have_text(
        "Outputs of run 2", timeout=60_000
    )
    finish(explorer)
    expect(explorer.locator("[data-il=difference]")).to_contain_text("differ from run 1")
    assert notebook.evaluate("explorer.result.calls") == "3"
    expected = "il.run(trace, 'mlp', twos, *il.examples.inputs('mlp')[1:]).outputs[0]"
    assert notebook.evaluate(f"bool((explorer.result.outputs[0] == {expected}).all())") == "True"
    after = explorer.locator("[data-pane=timeline] .il-note")
    expect(after).not_to_have_text(before)
    events = notebook.evaluate("len(explorer.result.timeline.events)")
    expect(after).to_contain_text(f"{events} events")


def test_other_flags_make_another_trace_and_the_first_one_comes_back(
    notebook: Notebook, explorer: Locator
) -> None:
    notebook.page.keyboard.press("Escape")
    explorer.locator("[data-pane=run] [data-tab=compile]").click()
    explorer.locator("[data-il=flags]").fill("--iree-opt-level=O3")
    explorer.locator("[data-il=compile]").click()
    entries = explorer.locator("[data-il=compilation-list] .il-live-entry")
    expect(entries).to_have_count(2, timeout=60_000)
    finish(explorer)
    assert notebook.evaluate("explorer.trace.flags") == "('--iree-opt-level=O3',)"
    assert notebook.evaluate("explorer.result.function") == "'mlp'"  # run too
    expect(entries.first).to_have_attribute("aria-current", "true")

    # The first one beside it, then the first one alone.
    entries.last.locator("..").locator("[data-il=compare]").click()
    compare = explorer.locator("[data-pane-tab=compare]")
    expect(compare).to_have_attribute("aria-selected", "true", timeout=30_000)
    finish(explorer)
    expect(explorer.locator("[data-pane=compare]")).to_contain_text("compilation 1")
    entries.last.click()
    expect(compare).to_have_count(0)
    expect(entries.last).to_have_attribute("aria-current", "true")
    assert notebook.evaluate("explorer.trace is trace and len(explorer.traces) == 2") == "True"


def test_a_long_run_is_stopped_while_cells_still_run(notebook: Notebook, explorer: Locator) -> None:
    explorer.locator("[data-il=repeat]").fill("1000000000")
    explorer.locator(".il-check", has_text="Timeline").click()
    explorer.locator("[data-il=run]").click()
    expect(explorer.locator(".il-job-text")).to_contain_text("call ", timeout=30_000)
    assert notebook.evaluate("6 * 7") == "42"
    stop = explorer.locator("[data-il=stop]")
    stop.click()
    finish(explorer)
    calls = int(notebook.evaluate("explorer.result.calls"))
    assert 0 < calls < 1_000_000_000
    expect(explorer.locator("[data-pane=timeline]")).to_contain_text("not profiled")


def test_errors_are_shown_where_they_were_made(notebook: Notebook, explorer: Locator) -> None:
    runs = notebook.evaluate("len(explorer.results)")
    explorer.locator("[data-il=input-0]").fill("4xf32=1")
    explorer.locator("[data-il=repeat]").fill("1")
    explorer.locator("[data-il=run]").click()
    expect(explorer.locator("[data-il=live-problem]")).to_contain_text("takes tensor<8x64xf32>")
    assert notebook.evaluate("len(explorer.results)") == runs

    # A phase's end can be edited; the line that is wrong is marked in the editor.
    step = notebook.evaluate("trace.boundaries['flow']")
    notebook.evaluate(
        f"explorer.set_trait('selection', {{**explorer.selection, 'step': {step}, 'view': 'ir'}})"
    )
    expect(explorer.locator(".il-step.il-selected")).to_contain_text("symbol-dce")
    explorer.locator("[data-il=edit]").click()
    editor = explorer.locator(".il-edit .cm-content")
    editor.locator(".cm-line").nth(2).click(position={"x": 4, "y": 4})
    notebook.page.keyboard.type("nonsense ")
    explorer.locator("[data-il=apply]").click()
    said = explorer.locator(".il-edit .il-edit-message")
    expect(said).to_contain_text("^ error", timeout=60_000)
    expect(explorer.locator(".il-edit .il-line-error")).to_contain_text("nonsense")
    assert notebook.evaluate("explorer.trace is trace") == "True"
    for _ in "nonsense ":
        editor.press("Control+z")
    explorer.locator("[data-il=apply]").click()
    expect(explorer.locator(".il-edit")).to_have_count(0, timeout=60_000)
    finish(explorer)
    assert notebook.evaluate("explorer.trace.pipeline") == "'lab'"


def test_closed_explorers_leave_nothing_behind(notebook: Notebook, explorer: Locator) -> None:
    """Nodes, listeners and data of three that were opened and closed are gone."""
    page = notebook.page
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")

    def measured() -> tuple[int, int, int]:
        for _ in range(3):
            devtools.send("HeapProfiler.collectGarbage")
            page.wait_for_timeout(100)
        metrics = {
            m["name"]: m["value"] for m in devtools.send("Performance.getMetrics")["metrics"]
        }
        buffer_bytes = devtools.send("Runtime.getHeapUsage")["backingStorageSize"]
        return int(metrics["Nodes"]), int(metrics["JSEventListeners"]), int(buffer_bytes)

    def open_one() -> None:
        notebook.evaluate("box.set_trait('children', [il.explore(trace, result)])")
        shown = page.locator(".ireelab")
        expect(shown).to_have_count(2, timeout=30_000)
        shown.last.scroll_into_view_if_needed()
        for pane in ("run", "streams", "allocation", "executables"):
            shown.last.locator(f"[data-pane-tab={pane}]").click()
        columns = shown.last.locator(".il-columns .cm-content")
        expect(columns.first).to_be_visible(timeout=30_000)

    def close() -> None:
        notebook.evaluate("[box.children[0].close(), box.set_trait('children', [])]")
        expect(page.locator(".ireelab")).to_have_count(1)

    open_one()  # what the browser keeps of the first one, it keeps once
    close()
    before = measured()
    open_one()
    opened = measured()
    close()
    for _ in range(2):
        open_one()
        close()
    for _ in range(10):  # the collector takes its time on a busy machine
        after = measured()
        if all(
            now - base < (one - base) / 4
            for base, one, now in zip(before, opened, after, strict=True)
        ):
            break
    names = ("nodes", "listeners", "bytes of data")
    for name, base, one, now in zip(names, before, opened, after, strict=True):
        assert one - base > 50, f"{name} are not counted"
        assert now - base < (one - base) / 4, f"{name}: {base}, {one} with one open, then {now}"
