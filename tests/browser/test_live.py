"""Running, compiling, editing and stopping from the page, in a real JupyterLab."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import Notebook, Server, open_notebook_in
from playwright.sync_api import Browser, Locator, expect

pytestmark = pytest.mark.browser

CELLS = [
    """import ireelab as il
import numpy as np
trace = il.compile(il.examples.path("mlp"))
result = il.run(trace, "mlp", *il.examples.inputs("mlp"), profile=True)
twos = np.full((8, 64), 2, np.float32)
explorer = il.explore(trace, result)
explorer"""
]


@pytest.fixture(scope="module")
def notebook(jupyterlab: Server, browser: Browser) -> Iterator[Notebook]:
    """One page for all tests here, with an explorer in it."""
    context = browser.new_context()
    notebook = open_notebook_in(context.new_page(), jupyterlab, "live.ipynb", CELLS)
    notebook.run_all()
    yield notebook
    context.close()


@pytest.fixture
def explorer(notebook: Notebook) -> Locator:
    """The explorer, with its Run pane in front."""
    explorer = notebook.page.locator(".ireelab").last
    explorer.scroll_into_view_if_needed()
    expect(explorer.locator(".il-step").first).to_be_visible(timeout=30_000)
    explorer.locator(".il-step").first.focus()
    notebook.page.keyboard.press("r")
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
