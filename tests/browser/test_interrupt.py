"""The notebook's own stop button while a ``%%iree`` cell compiles, in a real JupyterLab."""

from __future__ import annotations

import pytest
from conftest import OpenNotebook
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

CELLS = [
    """%load_ext ireelab
import ireelab as il
text = il.examples.path("transformer").read_text()
def compile_big():
    get_ipython().run_cell_magic("iree", "big", text)
""",
    "compile_big()",
    """%%iree small --run --input 4xf32=3
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = arith.mulf %x, %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
""",
]


def test_an_interrupted_cell_shows_its_steps_and_the_next_one_works(
    open_notebook: OpenNotebook,
) -> None:
    notebook = open_notebook("interrupt.ipynb", CELLS)
    page = notebook.page
    notebook.execute("notebook:run-cell-and-select-next")
    notebook.wait_until_idle()
    page.evaluate(
        "() => { void window.jupyterapp.commands.execute('notebook:run-cell-and-select-next'); }"
    )
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    first = cells.nth(1).locator(".ireelab")
    expect(first.locator("[data-state=compiling]")).to_contain_text("iree-", timeout=60_000)
    notebook.execute("notebook:interrupt-kernel")
    notebook.wait_until_idle()

    # The steps that ran are there to be looked at, under what ended them.
    expect(first.locator(".il-step").first).to_be_visible(timeout=30_000)
    expect(cells.nth(1)).to_contain_text("compilation stopped after")
    assert notebook.evaluate("big_failed.complete") == "False"
    steps = int(notebook.evaluate("len(big_failed.steps)"))
    assert steps > 0
    expect(first).to_contain_text("stopped")
    first.locator(".il-step").first.click()
    expect(first.locator("[data-pane=code] .cm-content").first).to_be_visible()
    expect(first.locator("[data-state=compiling]")).to_have_count(0)

    cells.nth(2).locator(".jp-InputArea-editor").click()
    notebook.execute("notebook:run-cell")
    notebook.wait_until_idle()
    second = cells.nth(2).locator(".ireelab")
    expect(second.locator(".il-step").first).to_be_visible(timeout=60_000)
    assert notebook.evaluate("small_result.outputs[0].tolist()") == "[9.0, 9.0, 9.0, 9.0]"
    assert notebook.evaluate("small.complete") == "True"
