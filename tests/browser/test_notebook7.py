"""The explorer in Notebook 7, which is another application over JupyterLab's parts."""

from __future__ import annotations

import pytest

pytest.importorskip("playwright", reason="pip install 'ireelab[test]' for the browser tests")
pytest.importorskip("notebook", reason="pip install 'ireelab[test]' for Notebook 7")
from conftest import OpenNotebook, save
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

CELL = """import ireelab as il
trace = il.compile(il.examples.path("mlp"), name="mlp.mlir")
result = il.run(trace, "mlp", *il.examples.inputs("mlp"), profile=True)
explorer = il.explore(trace, result)
explorer"""


def test_panes_keys_and_selection(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(
        "seven.ipynb", [CELL, "il.barriers(trace, run=result)"], app="notebooks"
    )
    page = notebook.page
    assert page.evaluate("() => window.jupyterapp.name") == "Jupyter Notebook"
    notebook.run_all()
    explorers = page.locator(".ireelab")
    expect(explorers).to_have_count(2, timeout=60_000)
    explorer, barriers = explorers.nth(0), explorers.nth(1)
    explorer.scroll_into_view_if_needed()
    expect(explorer.locator(".il-step").first).to_be_visible(timeout=30_000)

    # Keys reach the explorer and not the notebook: j steps, d d would delete the cell.
    explorer.locator(".il-steps-list").focus()
    page.keyboard.press("j")
    page.keyboard.press("d")
    page.keyboard.press("d")
    expect(explorer.locator(".il-step.il-selected")).to_have_count(1)
    expect(explorers).to_have_count(2)

    # A model comes over the comm, and cells of one trace share what is selected.
    explorer.locator("[data-pane-tab=streams]").click()
    expect(explorer.locator("[data-pane=streams] .il-note")).to_contain_text("2 commands")
    barriers.scroll_into_view_if_needed()
    barriers.locator(".il-b-command").nth(1).click()
    save(page, "notebook7")
    page.wait_for_timeout(400)
    assert notebook.evaluate("explorer.selection['item']") == "'recorded:0.1'"
