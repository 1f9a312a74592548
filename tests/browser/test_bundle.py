"""The explorer's code in a real JupyterLab: a page evaluates it once, whatever the kernel does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Notebook, Server, notebook_of_its_own
from playwright.sync_api import Browser, Locator, expect

pytestmark = pytest.mark.browser

CELLS = [
    """import re
from pathlib import Path
from time import sleep
import ipywidgets
import ireelab as il
from ireelab.widgets.explorer import Explorer
class Other(Explorer):
    _esm = re.sub('"[0-9a-f]{16}"', '"another build"', Explorer._esm)
box = ipywidgets.VBox()
box""",
    """trace = il.compile(il.examples.path("counter"))
explorer = il.explore(trace)
explorer""",
    "il.barriers(trace)",
    # Shown while the cell goes on: no message to the kernel is answered then.
    """display(il.explore(trace))
while not Path("go_on").exists():
    sleep(0.05)""",
]


@pytest.fixture(scope="module")
def notebook(jupyterlab: Server, browser: Browser) -> Iterator[Notebook]:
    with notebook_of_its_own(browser, jupyterlab, "bundle.ipynb", CELLS) as notebook:
        yield notebook


@pytest.fixture
def explorers(notebook: Notebook) -> Locator:
    return notebook.page.locator(".ireelab")


def evaluated(notebook: Notebook) -> int:
    """How many copies of the explorer's code the page holds: modules of a blob, by their size."""
    devtools = notebook.page.context.new_cdp_session(notebook.page)
    scripts: list[dict[str, Any]] = []
    devtools.on("Debugger.scriptParsed", lambda script: scripts.append(script))
    devtools.send("Debugger.enable")  # tells of those that there are already
    notebook.page.wait_for_timeout(200)
    devtools.detach()
    return sum(s["url"].startswith("blob:") and s["length"] > 100_000 for s in scripts)


def expect_all(explorers: Locator, count: int) -> None:
    expect(explorers).to_have_count(count, timeout=60_000)
    for i in range(count):
        explorers.nth(i).scroll_into_view_if_needed()
        expect(explorers.nth(i).locator("[data-pane]").first).to_be_visible(timeout=30_000)


def status(notebook: Notebook) -> str:
    session = "window.jupyterapp.shell.currentWidget.sessionContext.session"
    return notebook.page.evaluate(f"() => {session}.kernel.status")


def test_cells_share_one_copy_while_the_kernel_is_busy(
    notebook: Notebook, explorers: Locator, jupyterlab: Server
) -> None:
    notebook.page.evaluate(
        "() => { void window.jupyterapp.commands.execute('notebook:run-all-cells'); }"
    )
    expect_all(explorers, 3)
    assert status(notebook) == "busy"
    (jupyterlab.root / "go_on").touch()
    notebook.wait_until_idle()
    assert evaluated(notebook) == 1


def test_a_page_that_is_loaded_anew_shares_one_copy(notebook: Notebook, explorers: Locator) -> None:
    notebook.execute("docmanager:save")
    notebook.page.reload()
    notebook.wait_until_idle()
    expect_all(explorers, 3)
    assert evaluated(notebook) == 1


def test_another_build_in_the_same_page_has_its_own(notebook: Notebook, explorers: Locator) -> None:
    notebook.evaluate("box.set_trait('children', [Other(explorer.index, explorer.chunks)])")
    expect_all(explorers, 4)
    assert evaluated(notebook) == 2


def test_a_notebook_saved_with_its_widgets_needs_no_kernel(
    notebook: Notebook, explorers: Locator, jupyterlab: Server
) -> None:
    page = notebook.page
    settings = (
        f"{jupyterlab.url}/lab/api/settings/@jupyter-widgets/jupyterlab-manager:plugin"
        f"?token={jupyterlab.token}"
    )
    page.request.put(settings, data={"raw": '{"saveState": true}'})
    page.reload()
    notebook.wait_until_idle()
    expect_all(explorers, 4)
    notebook.execute("docmanager:save")
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    page.request.put(settings, data={"raw": "{}"})
    page.reload()
    expect_all(explorers, 4)
    assert evaluated(notebook) == 2
    streams = explorers.first.get_by_role("tab", name="Streams")
    streams.click()
    expect(explorers.first.locator("[data-state=loading]")).to_contain_text(
        "The kernel has not answered yet", timeout=15_000
    )
