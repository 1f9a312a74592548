"""A real browser and a real JupyterLab for the tests in this folder.

Chromium is found by ``find_chromium``; without one these tests are skipped, and fail where
``CI=true``. A failing test leaves a screenshot of its page in ``test-artifacts/``.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="pip install 'ireelab[test]' for the browser tests")
from playwright.sync_api import Browser, Page

REPOSITORY = Path(__file__).parents[2]
ARTIFACTS = REPOSITORY / "test-artifacts"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    """$CHROMIUM, a Chromium or Chrome on the PATH, or the one that Playwright installed."""
    for name in (os.environ.get("CHROMIUM", ""), *NAMES):
        if name and (found := shutil.which(name)):
            return found
    stamp = REPOSITORY / ".venv" / ".ireelab-browser"  # scripts/setup.sh wrote what it installed
    if stamp.is_file() and os.access(path := stamp.read_text().strip(), os.X_OK):
        return path
    return None


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    chromium = find_chromium()
    if chromium is None:
        missing = "no Chromium: run scripts/setup.sh test, or set CHROMIUM to one"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return {
        **browser_type_launch_args,
        "executable_path": chromium,
        # A container usually runs as root, where Chromium's sandbox cannot.
        "args": ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"],
    }


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    page = getattr(item, "funcargs", {}).get("page")
    if report.when == "call" and report.failed and page is not None:
        ARTIFACTS.mkdir(exist_ok=True)
        page.screenshot(path=ARTIFACTS / f"{item.name}.png")
    return report


# --- pages -----------------------------------------------------------------------------


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """``open_page(path, scheme="dark", width=700)``: offline; page errors fail the test."""
    contexts: list[Any] = []
    errors: list[str] = []

    def open_(path: Path, scheme: str = "light", width: int = 1400, height: int = 900) -> Page:
        context = browser.new_context(
            offline=True,
            color_scheme=scheme,  # pyright: ignore[reportArgumentType]
            viewport={"width": width, "height": height},
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda r: None if is_local(r.url) else errors.append(r.url))
        page.goto(path.as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()
    assert errors == []


def is_local(url: str) -> bool:
    return url.startswith(("file:", "data:", "blob:"))


def selection(page: Page) -> dict[str, Any]:
    return page.evaluate("() => window.ireelab.model.get('selection')")


def save(page: Page, name: str) -> None:
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"{name}.png")


# --- JupyterLab ----------------------------------------------------------------------


@dataclass(frozen=True)
class Server:
    """A running JupyterLab; ``root`` is the folder it shows."""

    url: str
    token: str
    root: Path


@pytest.fixture(scope="session")
def jupyterlab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """JupyterLab on the loopback, with folders of its own: no user's settings, no pop-ups."""
    pytest.importorskip("jupyterlab")
    home = tmp_path_factory.mktemp("jupyter")
    root = home / "root"
    settings = home / "config/lab/user-settings/@jupyterlab/apputils-extension"
    for folder in (root, settings):
        folder.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(
        json.dumps({"fetchNews": "false", "checkForUpdates": False})
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Server(f"http://127.0.0.1:{port}", secrets.token_hex(16), root)
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
    }
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1",
        f"--port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={server.token}",
        f"--ServerApp.root_dir={root}", "--LabApp.expose_app_in_browser=True",
        "--JupyterNotebookApp.expose_app_in_browser=True",
    ]  # fmt: skip
    log = home / "jupyterlab.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=subprocess.STDOUT, cwd=root
        )
    try:
        _wait_until_up(server, process, log)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_until_up(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"{server.url}/api/status?token={server.token}", timeout=2)
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-4000:]}")


# The execution indicator is no sign of readiness: run-all is lost before the session is ready.
_KERNEL_IDLE = """() => {
  const panel = window.jupyterapp?.shell.currentWidget;
  return panel?.sessionContext?.isReady && panel.sessionContext.session?.kernel?.status === 'idle';
}"""


class Notebook:
    """One notebook, open in JupyterLab in ``page``."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def wait_until_idle(self) -> None:
        self.page.wait_for_function(_KERNEL_IDLE, timeout=120_000)

    def run_all(self) -> None:
        """Run every cell, one after another; returns when the last has finished."""
        self.execute("notebook:run-all-cells")
        self.wait_until_idle()

    def execute(self, command: str, arguments: dict[str, Any] | None = None) -> None:
        """A command of JupyterLab, awaited."""
        self.page.evaluate(
            "async ([c, a]) => { await window.jupyterapp.commands.execute(c, a); }",
            [command, arguments or {}],
        )

    def set_theme(self, name: str) -> None:
        """``"JupyterLab Dark"`` or ``"JupyterLab Light"``."""
        self.execute("apputils:change-theme", {"theme": name})
        light = "true" if name.endswith("Light") else "false"
        self.page.wait_for_selector(f'body[data-jp-theme-light="{light}"]', state="attached")

    def evaluate(self, expression: str) -> str:
        """The ``repr`` of a Python expression in the notebook's kernel."""
        reply = self.page.evaluate(
            """async (expression) => {
                 const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
                 const asked = kernel.requestExecute(
                   { code: '', silent: true, user_expressions: { it: expression } });
                 return (await asked.done).content.user_expressions.it;
               }""",
            expression,
        )
        assert reply["status"] == "ok", reply
        return reply["data"]["text/plain"]

    def output_texts(self) -> list[str]:
        """The plain text that each code cell has put out (stdout, results, errors)."""
        return self.page.evaluate(
            """() => window.jupyterapp.shell.currentWidget.content.widgets
                 .filter(c => c.model.type === 'code')
                 .map(c => c.model.outputs.toJSON().map(o =>
                    [o.text, o.data?.['text/plain'], (o.traceback || []).join('\\n')]
                      .flat().filter(Boolean).join('\\n')).join('\\n'))"""
        )


OpenNotebook = Callable[..., Notebook]


@pytest.fixture
def open_notebook(jupyterlab: Server, page: Page) -> OpenNotebook:
    """``open_notebook("x.ipynb", ["cell", ...])`` or, for a file, ``open_notebook(path)``.

    ``app="notebooks"`` opens it in Notebook 7, which the same server serves.
    """

    def open_(name: str | Path, cells: list[str] | None = None, *, app: str = "lab") -> Notebook:
        return open_notebook_in(page, jupyterlab, name, cells, app)

    return open_


@contextmanager
def notebook_of_its_own(
    browser: Browser, server: Server, name: str, cells: list[str]
) -> Generator[Notebook]:
    """One page that the tests of a file share."""
    with browser.new_context() as context:
        yield open_notebook_in(context.new_page(), server, name, cells)


def open_notebook_in(
    page: Page,
    server: Server,
    name: str | Path,
    cells: list[str] | None = None,
    app: str = "lab",
) -> Notebook:
    """A notebook of these cells, or a copy of a file, open and ready in ``page``."""
    if isinstance(name, Path):
        text, name = name.read_text(), name.name
    else:
        text = json.dumps(_notebook_json(cells or []))
    (server.root / name).write_text(text)
    page.set_viewport_size({"width": 1500, "height": 1000})
    place = f"lab/workspaces/{name.split('.')[0]}/tree" if app == "lab" else app
    page.goto(f"{server.url}/{place}/{name}?token={server.token}&reset", timeout=90_000)
    notebook = Notebook(page)
    notebook.wait_until_idle()
    return notebook


def _notebook_json(cells: list[str]) -> dict[str, Any]:
    return {
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell{i}",
                "metadata": {},
                "execution_count": None,
                "outputs": [],
                "source": cell,
            }
            for i, cell in enumerate(cells)
        ],
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
