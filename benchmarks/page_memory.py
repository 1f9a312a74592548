"""What opening and closing explorers leaves in a page: JavaScript's heap, in a real JupyterLab.

    python benchmarks/page_memory.py [--explorers N]

Each explorer is put into one output, shown, closed and taken out again; after it the browser
collects its garbage and says what is left. The first explorer's share (code that the page keeps,
caches that fill) is told apart from that of those after it. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import CDPSession, Page, WebSocket, sync_playwright
from ui import CHROMIUM, STAMP

MB = 1_000_000

CELL = """import ipywidgets
import ireelab as il
trace = il.compile(il.examples.path("mlp"))
result = il.run(trace, "mlp", *il.examples.inputs("mlp"), profile=True)
box = ipywidgets.VBox()
box"""
OPEN = "box.set_trait('children', [il.explore(trace, result)])"
CLOSE = "[box.children[0].close(), box.set_trait('children', [])]"

IDLE = """() => {
  const context = window.jupyterapp?.shell.currentWidget?.sessionContext;
  return context?.isReady && context.session?.kernel?.status === 'idle';
}"""
EVALUATE = """async (expression) => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const asked = { code: '', silent: true, user_expressions: { it: expression } };
  await kernel.requestExecute(asked).done;
}"""


@contextmanager
def jupyterlab(folder: Path) -> Iterator[str]:
    """The address of a notebook of one cell in a JupyterLab with folders of its own."""
    cell = {"cell_type": "code", "id": "cell", "metadata": {}, "execution_count": None}
    notebook: dict[str, Any] = {"cells": [{**cell, "outputs": [], "source": CELL}]}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook |= {"metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "memory.ipynb").write_text(json.dumps(notebook))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    own = {name: str(folder / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1",
        f"--port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={folder}", "--LabApp.expose_app_in_browser=True",
    ]  # fmt: skip
    server = subprocess.Popen(command, env=os.environ | own, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api/status?token={token}")
                break
            except OSError:
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/lab/tree/memory.ipynb?token={token}"
    finally:
        server.terminate()
        server.wait()


class Heap:
    """A page's heap, and what its kernel has sent it."""

    def __init__(self, page: Page) -> None:
        self.devtools: CDPSession = page.context.new_cdp_session(page)
        self.page = page
        self.received_bytes = 0
        page.on("websocket", self._listen)

    def _listen(self, websocket: WebSocket) -> None:
        websocket.on("framereceived", self._count)

    def _count(self, frame: str | bytes) -> None:
        self.received_bytes += len(frame)

    def used_bytes(self) -> int:
        """Objects and the buffers that they hold, without what only waits for the collector."""
        for _ in range(4):
            self.devtools.send("HeapProfiler.collectGarbage")
            self.page.wait_for_timeout(150)
        usage = self.devtools.send("Runtime.getHeapUsage")
        return int(usage["usedSize"] + usage["backingStorageSize"])


def measure(page: Page, address: str, explorers: int) -> Iterator[str]:
    heap = Heap(page)
    page.goto(address, timeout=90_000)
    page.wait_for_function(IDLE, timeout=120_000)
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_function(IDLE, timeout=120_000)
    left = [heap.used_bytes()]
    shown: list[int] = []
    sent: list[int] = []
    for _ in range(explorers):
        before = heap.received_bytes
        page.evaluate(EVALUATE, OPEN)
        explorer = page.locator(".ireelab")
        explorer.scroll_into_view_if_needed()
        explorer.locator(".il-step").first.wait_for(timeout=60_000)
        shown.append(heap.used_bytes())
        sent.append(heap.received_bytes - before)
        page.evaluate(EVALUATE, CLOSE)
        explorer.wait_for(state="detached")
        left.append(heap.used_bytes())
    later = (left[-1] - left[1]) / (explorers - 1)
    opened = statistics.median(now - base for base, now in zip(left[1:], shown[1:], strict=False))
    yield f"| JupyterLab before | {left[0] / MB:.1f} MB |"
    yield f"| the first explorer leaves, once closed | {(left[1] - left[0]) / MB:.2f} MB |"
    yield f"| each later one holds while it is open | {opened / MB:.2f} MB |"
    yield f"| each later one leaves, once closed | {later / MB:.3f} MB |"
    yield f"| the kernel sends for each | {statistics.median(sent) / MB:.2f} MB |"


def main() -> None:
    parser = argparse.ArgumentParser(description="What explorers leave in a page of JupyterLab")
    parser.add_argument("--explorers", type=int, default=16, help="opened and closed in turn")
    arguments = parser.parse_args()
    executable = os.environ.get("CHROMIUM") or STAMP.read_text().strip()
    with (
        tempfile.TemporaryDirectory() as folder,
        jupyterlab(Path(folder)) as address,
        sync_playwright() as play,
    ):
        browser = play.chromium.launch(executable_path=executable, args=CHROMIUM)
        print(f"{browser.version}, {arguments.explorers} explorers\n")
        print("| what | figure |\n|---|---:|")
        page = browser.new_page(viewport={"width": 1500, "height": 1000})
        for row in measure(page, address, arguments.explorers):
            print(row)
        browser.close()


if __name__ == "__main__":
    main()
