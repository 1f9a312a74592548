"""How fast the explorer feels: opening, scrolling, panning, in a real Chromium without a screen.

    python benchmarks/ui.py [--layers N] [--only NAME ...]

Pages are written by ``Explorer.save_html`` and opened from disk, offline, at 1400 x 900. Input is
real: wheel, mouse and keys through the browser. A recorder in the page notes every animation frame
and every task longer than 50 ms. Chromium without a screen still paces frames at 60 a second, so 60
is the ceiling and 16.7 ms the least gap; without a GPU it also rasters on the CPU, which a desktop
does not. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import statistics
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import quote

from capture import transformer
from playwright.sync_api import Browser, Page, sync_playwright

import ireelab as il
from ireelab.hal.timeline import Event, Timeline
from ireelab.pipeline.assemble import Snapshot
from ireelab.pipeline.snapshot import Node, NodeParser
from ireelab.viz.models import Subject
from ireelab.widgets.explorer import Explorer

CHROMIUM = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync")
STAMP = Path(__file__).parents[1] / ".venv" / ".ireelab-browser"
MB = 1_000_000

TEXT_SHOWN = "document.querySelector('[data-il=ir] .cm-line')?.getBoundingClientRect().height > 0"
# The pane says how long the critical path is once the graph has been laid out.
GRAPH_SHOWN = "/critical path \\d/.test(document.querySelector('.ireelab')?.textContent ?? '')"

# Since ``watch()``: the gaps between frames and the longest task, in milliseconds.
RECORDER = """
window.bench = { gaps: [], tasks: [], last: 0, from: 0 };
new PerformanceObserver((list) => {
  for (const entry of list.getEntries())
    if (entry.startTime + entry.duration >= bench.from) bench.tasks.push(entry.duration);
}).observe({ entryTypes: ["longtask"] });
const tick = (now) => {
  if (bench.last) bench.gaps.push(now - bench.last);
  bench.last = now;
  requestAnimationFrame(tick);
};
requestAnimationFrame(tick);
bench.watch = () => { bench.gaps = []; bench.tasks = []; bench.from = performance.now(); };
// Select something and resolve once `ready` holds in a painted frame: milliseconds since then.
bench.timed = (act, ready) => new Promise((resolve) => {
  bench.watch();
  const start = performance.now();
  act();
  const look = () => {
    if (ready()) requestAnimationFrame(() => resolve(performance.now() - start));
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
});
bench.select = (step, view) =>
  window.ireelab.model.set("selection", { step, line: null, view, item: null });
"""


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table; ``met`` is None for what has no target."""

    what: str
    figure: str
    target: str
    met: bool | None
    frames: str = ""


@dataclasses.dataclass(frozen=True)
class Frames:
    """What the recorder saw, in milliseconds."""

    gaps: tuple[float, ...]
    tasks: tuple[float, ...]

    @property
    def per_second(self) -> float:
        return 1000 * len(self.gaps) / sum(self.gaps)

    def __str__(self) -> str:
        ordered = sorted(self.gaps)
        late = ordered[-1 - len(ordered) // 20]
        longest = max(self.tasks, default=0.0)
        return (
            f"gap median {statistics.median(ordered):.1f}, 95 % {late:.1f}, "
            f"most {ordered[-1]:.0f}; longest task {longest:.0f}"
        )


@dataclasses.dataclass(frozen=True)
class ManyEvents:
    """A run with as many events as one likes, for the explorer."""

    timeline: Timeline
    function: str = "main"
    device: str = "llvm-cpu"
    outputs: tuple[Any, ...] = ()
    seconds: float = 1.0


class Bench:
    """A browser, a folder for pages, and the traces that several measurements share."""

    def __init__(self, browser: Browser, folder: Path, layers: int) -> None:
        self.browser = browser
        self.folder = folder
        self.source = transformer(layers)
        self.trace = il.compile(self.source, name="transformer")

    def open(
        self, explorer: Explorer, name: str, ready: str = TEXT_SHOWN
    ) -> tuple[Page, float, int]:
        """The page, milliseconds from navigation to content on the screen, and its bytes."""
        path = explorer.save_html(self.folder / f"{name}.html")
        state = quote(json.dumps({"arrangement": explorer.arrangement}))
        context = self.browser.new_context(offline=True, viewport={"width": 1400, "height": 900})
        page = context.new_page()
        page.add_init_script(RECORDER)
        page.goto(f"{path.as_uri()}#state={state}", wait_until="commit")
        shown = page.wait_for_function(f"() => {ready} ? performance.now() : 0")
        return page, float(shown.json_value()), path.stat().st_size


def frames_while(page: Page, act: Callable[[], None]) -> Frames:
    page.evaluate("() => bench.watch()")
    act()
    return seen_by(page)


def seen_by(page: Page) -> Frames:
    seen = page.evaluate("() => ({gaps: bench.gaps, tasks: bench.tasks})")
    return Frames(tuple(seen["gaps"]), tuple(seen["tasks"]))


def timed(page: Page, act: str, ready: str) -> tuple[float, Frames]:
    """Milliseconds from an action to a frame that shows it, and the frames meanwhile."""
    taken = page.evaluate(f"() => bench.timed(() => {{ {act} }}, () => {ready})")
    return float(taken), seen_by(page)


def middle(page: Page, selector: str) -> tuple[float, float]:
    box = page.locator(selector).first.bounding_box()
    assert box is not None, f"{selector} is not shown"
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


# --- what is measured --------------------------------------------------------------------


def large_module(trace: il.Trace, size: int, *, edited: bool = False) -> Node:
    """So many bytes of the trace's own functions; edited, one line in 40 differs."""
    last = max(s.index for s in trace.steps if s.phase == "stream" and len(s.scope) == 1)
    body = trace.ir(last, module=True)
    function = body[body.index("  util.func public") :].rsplit("\n}", 1)[0]
    name = function.split("@", 1)[1].split("(", 1)[0]
    pieces: list[str] = []
    while sum(map(len, pieces)) < size:
        pieces.append(function.replace(f"@{name}(", f"@{name}_{len(pieces)}("))
    lines = "\n".join(pieces).splitlines()
    if edited:
        lines[20::40] = [line.replace("%c0", "%c1", 1) + " // changed" for line in lines[20::40]]
    return NodeParser().parse_dump("module {\n" + "\n".join(lines) + "\n}", root=True)


def texts(bench: Bench) -> Iterator[Row]:
    """10 MB of IR, and the diff of two modules of 2 MB."""
    big, before = large_module(bench.trace, 10 * MB), large_module(bench.trace, 2 * MB)
    after = large_module(bench.trace, 2 * MB, edited=True)
    snapshots = list(bench.trace.snapshots)
    snapshots[1] = Snapshot(big, big, big)
    snapshots[2] = Snapshot(before, after, after)
    shown = Explorer()
    shown.show(dataclasses.replace(bench.trace, snapshots=tuple(snapshots)))
    page, _, _ = bench.open(shown, "texts")
    page.evaluate("() => bench.select(0, 'ir')")
    page.wait_for_timeout(500)
    taken, frames = timed(
        page,
        "bench.select(1, 'ir')",
        "document.querySelector('[data-il=ir] .cm-scroller').scrollHeight > 100000",
    )
    size = len(big.text()) / MB
    yield Row(f"{size:.0f} MB of IR opens", f"{taken:.0f} ms", "500 ms", taken < 500, str(frames))

    page.mouse.move(*middle(page, "[data-il=ir]"))
    frames = frames_while(page, lambda: wheel(page, 0, 400))
    assert page.evaluate(
        "() => document.querySelector('[data-il=ir] .cm-scroller').scrollTop > 4000"
    )
    yield rate("it scrolls", frames, 60)

    taken, frames = timed(
        page,
        "bench.select(2, 'diff')",
        "document.querySelectorAll('[data-il=diff] .cm-scroller').length === 2 &&"
        " document.querySelector('[data-il=diff] .cm-changedLine') !== null",
    )
    size = len(before.text()) / MB
    what = f"diff of two modules of {size:.0f} MB"
    yield Row(what, f"{taken:.0f} ms", "1000 ms", taken < 1000, str(frames))


def wheel(page: Page, dx: float, dy: float) -> None:
    for _ in range(120):
        page.mouse.wheel(dx, dy)


def rate(what: str, frames: Frames, target: int) -> Row:
    """Half a frame less in a second is the clock, not the page."""
    per_second = frames.per_second
    figure = f"{per_second:.1f} frames/s"
    return Row(what, figure, f"{target} frames/s", per_second > target - 0.5, str(frames))


def stream_graph(bench: Bench) -> Iterator[Row]:
    """10,000 commands: the program's own graph, one copy after the other."""
    record: dict[str, Any] = il.stream_graph(bench.trace).to_json()
    many = repeated_graph(record, 10_000)
    shown = Explorer()
    shown.show_model("stream", "streams", many, Subject())
    page, opened, _ = bench.open(shown, "graph", GRAPH_SHOWN)
    frames = seen_by(page)
    count = len(many["dispatches"]) + len(many["others"])
    what = f"stream graph of {count:,} nodes: page opened, laid out, drawn"
    yield Row(what, f"{opened:.0f} ms", "3000 ms", opened < 3000, str(frames))
    pan = partial(drag, page, ".il-graph-canvas")
    yield rate("it is panned", frames_while(page, pan), 30)
    page.keyboard.press("0")  # all of it
    yield rate("it is panned, all nodes in view", frames_while(page, pan), 30)


def repeated_graph(record: dict[str, Any], count: int) -> dict[str, Any]:
    """A stream graph's JSON with its executions repeated until there are so many commands."""
    commands = sorted(record["dispatches"] + record["others"], key=lambda one: one["index"])
    copies = -(-count // len(commands))
    width, executions = len(commands), len(record["executions"])
    every: list[dict[str, Any]] = []
    groups: list[dict[str, Any]] = []
    edges: list[dict[str, Any]] = []
    order: list[list[int]] = []
    for copy in range(copies):
        first, group = copy * width, copy * executions
        every += [
            {**one, "index": one["index"] + first, "execution": one["execution"] + group}
            for one in commands
        ]
        groups += [
            {
                **one,
                "index": one["index"] + group,
                "after": [before + group for before in one["after"]],
                "waves": [[index + first for index in wave] for wave in one["waves"]],
            }
            for one in record["executions"]
        ]
        edges += [
            {**edge, "from": edge["from"] + first, "to": edge["to"] + first}
            for edge in record["edges"]
        ]
        order += [[group - 1, group]] if copy else []
    return {
        **record,
        "executions": groups,
        "dispatches": [one for one in every if one["kind"] == "dispatch"],
        "others": [one for one in every if one["kind"] != "dispatch"],
        "edges": edges,
        "execution_edges": order,
    }


def drag(page: Page, selector: str) -> None:
    x, y = middle(page, selector)
    page.mouse.move(x, y)
    page.mouse.down()
    for i in range(240):
        page.mouse.move(x + 200 * ((i % 80) / 80 - 0.5), y + 100 * ((i % 50) / 50 - 0.5))
    page.mouse.up()


def timeline(bench: Bench) -> Iterator[Row]:
    """100,000 events: a profile of the program, one after the other."""
    inputs = il.examples.inputs("transformer")
    result = il.run(bench.trace, "main", *inputs, profile=True)
    assert result.timeline is not None
    many = repeated_events(result.timeline, 100_000)
    shown = Explorer()
    shown.show(bench.trace, ManyEvents(Timeline(many)))
    page, opened, size = bench.open(shown, "timeline")
    page.wait_for_selector(".il-timeline-canvas")
    page.wait_for_timeout(500)
    what = f"page of {len(many):,} events opens"
    yield Row(what, f"{opened:.0f} ms", "", None, f"{size / MB:.1f} MB")
    page.mouse.click(*middle(page, ".il-timeline-canvas"))
    yield rate(f"{len(many):,} events, zoomed by keys", frames_while(page, lambda: keys(page)), 30)


def keys(page: Page) -> None:
    for key in "wwwwddaassss" * 10:
        page.keyboard.press(key)


def repeated_events(timeline: Timeline, count: int) -> list[Event]:
    span = timeline.span_ns + 1000
    copies = -(-count // len(timeline.events))
    return [
        dataclasses.replace(
            event,
            start_ns=event.start_ns + copy * span,
            end_ns=event.end_ns + copy * span,
            lanes=tuple(
                dataclasses.replace(
                    lane, start_ns=lane.start_ns + copy * span, end_ns=lane.end_ns + copy * span
                )
                for lane in event.lanes
            ),
        )
        for copy in range(copies)
        for event in timeline.events
    ][:count]


def first_view(bench: Bench) -> Iterator[Row]:
    """The explorer of the whole transformer: in the kernel, then in the browser."""
    result = il.run(bench.trace, "main", *il.examples.inputs("transformer"), profile=True)
    start = perf_counter()
    shown = Explorer()
    shown.show(bench.trace, result)
    made = (perf_counter() - start) * 1000
    page, opened, size = bench.open(shown, "transformer")
    page.close()
    total = made + opened
    parts = f"{made:.0f} ms in the kernel, {opened:.0f} ms in the page"
    yield Row(
        "explore: first view after compilation", f"{total:.0f} ms", "1000 ms", total < 1000, parts
    )
    yield Row("saved page", f"{size / MB:.1f} MB", "10 MB", size < 10 * MB)
    yield Row("saved page opens", f"{opened:.0f} ms", "2000 ms", opened < 2000)


MEASUREMENTS: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "first_view": first_view,
    "texts": texts,
    "stream_graph": stream_graph,
    "timeline": timeline,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="How fast the explorer feels, in a real Chromium")
    parser.add_argument("--layers", type=int, default=12, help="of the transformer")
    parser.add_argument("--only", nargs="*", choices=MEASUREMENTS, default=[*MEASUREMENTS])
    arguments = parser.parse_args()
    executable = os.environ.get("CHROMIUM") or STAMP.read_text().strip()
    with sync_playwright() as play, tempfile.TemporaryDirectory() as folder:
        browser = play.chromium.launch(executable_path=executable, args=CHROMIUM)
        bench = Bench(browser, Path(folder), arguments.layers)
        print(f"{browser.version}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
        print("| what | figure | target | met | frames and tasks, ms |\n|---|---:|---:|---|---|")
        for name in arguments.only:
            for row in MEASUREMENTS[name](bench):
                met = {True: "yes", False: "**no**", None: ""}[row.met]
                print(
                    f"| {row.what} | {row.figure} | {row.target} | {met} | {row.frames} |",
                    flush=True,
                )
        browser.close()


if __name__ == "__main__":
    main()
