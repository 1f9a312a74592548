"""The panes over models: one selection in all of them, any arrangement, and axe's verdict."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="pip install 'ireelab[test]' for the browser tests")
from conftest import REPOSITORY, OpenPage, save, selection
from page_support import FakeRun, fake_events
from playwright.sync_api import Page, expect

import ireelab as il
from ireelab.hal.timeline import Timeline

pytestmark = pytest.mark.browser

AXE = REPOSITORY / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
MODEL_PANES = ("run", "streams", "allocation", "barriers", "executables", "vm", "schedule")


@pytest.fixture(scope="module")
def trace() -> il.Trace:
    return il.compile(il.examples.path("mlp"), name="mlp.mlir")


@pytest.fixture(scope="module")
def page_file(trace: il.Trace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole explorer, with all models, as ``save_html`` writes it."""
    run: Any = FakeRun(Timeline(fake_events(trace), overhead_ns=60))
    return il.explore(trace, run).save_html(tmp_path_factory.mktemp("pages") / "mlp.html")


def show(page: Page, pane: str) -> None:
    page.locator(f"[data-pane-tab={pane}]").click()
    body = page.locator(f".il-pane-body.il-pane-{pane}")
    expect(body).to_be_visible()
    expect(body.locator("[data-state=loading]")).to_have_count(0)


def select_item(page: Page, item: str) -> None:
    """As a linked cell or Python would."""
    page.evaluate(
        "item => window.ireelab.model.set('selection', {step: null, line: null, view: 'ir', item})",
        item,
    )


def choose_line(page: Page, text: str) -> None:
    line = page.locator("[data-il=ir] .cm-line").filter(has_text=text).first
    line.click(position={"x": 60, "y": 8})  # long lines reach beyond the pane


def test_one_selection_from_op_to_dispatch_to_slice_to_barrier_to_event_and_back(
    open_page: OpenPage, page_file: Path, trace: il.Trace
) -> None:
    page = open_page(page_file)
    graph, memory = il.stream_graph(trace), il.allocation(trace)
    first, second = graph.dispatches

    # An op's line in the stream step: the dispatch it is.
    page.locator(".il-input").fill("schedule-execution")
    page.locator(".il-input").press("Enter")
    page.locator(".il-input").fill("")
    select_item(page, f"command:{first.index}")
    line = page.locator("[data-il=ir] .il-line-selected")
    expect(line).to_contain_text(f"@{first.entry_point}")
    choose_line(page, f"::@{second.entry_point}")
    page.wait_for_function(
        f"() => window.ireelab.model.get('selection').item === 'command:{second.index}'"
    )

    # The dispatch's slice, found in the allocation pane by its mark and clicked there.
    show(page, "allocation")
    (slice_,) = memory.slices
    assert second.index in slice_.uses
    row = page.locator(".il-live-row.il-selected")
    expect(row).to_contain_text(slice_.name)
    row.click()
    assert selection(page)["item"] == "slice:0"

    # The slice's barrier: the one that guards the bytes which both dispatches use.
    show(page, "barriers")
    barrier = page.locator(".il-b-barrier").filter(has_text="RAW")
    barrier.click()
    assert selection(page)["item"] == "barrier:0.0"
    expect(page.locator(".il-b-command.il-selected")).to_have_count(2)
    expect(page.locator(".il-hazards")).to_contain_text(f"[0, {slice_.size_bytes:,})")

    # Its second command, and from there the event on the timeline.
    page.locator(".il-b-command").nth(1).click()
    assert selection(page)["item"] == "recorded:0.1"
    show(page, "details")
    expect(page.locator("[data-il=event-details] h3")).to_have_text(second.entry_point)

    # And back, step by step.
    page.keyboard.press("Alt+ArrowLeft")
    assert selection(page)["item"] == "barrier:0.0"
    page.get_by_role("button", name="Back to the last selection").click()
    assert selection(page)["item"] == "slice:0"
    page.keyboard.press("Alt+ArrowRight")
    assert selection(page)["item"] == "barrier:0.0"


def test_the_graph_by_keyboard_and_as_a_list(
    open_page: OpenPage, page_file: Path, trace: il.Trace
) -> None:
    page = open_page(page_file)
    show(page, "streams")
    page.locator(".il-graph-canvas").focus()
    page.keyboard.press("ArrowDown")
    assert selection(page)["item"] == "command:0"
    page.keyboard.press("ArrowDown")  # along the edge
    assert selection(page)["item"] == "command:1"
    page.keyboard.press("ArrowUp")
    assert selection(page)["item"] == "command:0"
    page.get_by_role("button", name="List").click()
    options = page.get_by_role("listbox", name="Commands in order").get_by_role("option")
    expect(options).to_have_count(len(il.stream_graph(trace).commands))
    expect(options.first).to_have_attribute("aria-selected", "true")
    page.get_by_label("Show", exact=True).select_option("executions")
    page.get_by_role("button", name="List").click()
    expect(page.locator(".il-graph-canvas")).to_be_visible()


def test_schedules_on_other_devices(open_page: OpenPage, page_file: Path, trace: il.Trace) -> None:
    """The page holds the usual devices; a bar, a row and a command are one selection."""
    page = open_page(page_file)
    page.locator(".il-step").first.click()
    page.keyboard.press("g")
    pane = page.locator(".il-pane-schedule")
    expect(pane.locator(".il-model-summary")).to_contain_text("times: 2 measured")
    units = pane.get_by_label("Units", exact=True)
    assert "2 (as run)" in units.inner_text()
    measured = il.simulate(trace, times=Timeline(fake_events(trace)))
    assert figures(page)["waves"][0] == nanoseconds(measured["waves"].makespan_ns)
    units.select_option("8")
    eight = measured.again(units=8)
    assert figures(page)["waves"][0] == nanoseconds(eight["waves"].makespan_ns)
    pane.get_by_label("Memory", exact=True).select_option("0")
    assert figures(page)["waves"][-1] == "", "nothing is packed"
    assert pane.get_by_label("Queues", exact=True).locator("option").count() == 1, "not in the page"

    canvas = pane.locator(".il-schedule-canvas")
    canvas.click(position={"x": 80, "y": 48})
    assert selection(page)["item"] == "command:0"
    expect(page.locator("[data-pane=details] h3").first).to_contain_text("mlp_dispatch_0")
    page.keyboard.press("ArrowRight")
    assert selection(page)["item"] == "command:1"
    page.keyboard.press("ArrowDown")
    page.get_by_role("button", name="Table", exact=True).click()
    expect(pane.locator(".il-schedule-figures tr.il-selected th")).to_have_text("waves")
    rows = pane.get_by_role("listbox", name="Commands in the order they begin").get_by_role(
        "option"
    )
    expect(rows).to_have_count(8)
    expect(rows.filter(has_text="critical")).to_have_count(8)  # a chain
    expect(pane.locator(".il-row.il-selected")).to_have_count(4)
    rows.first.click()
    assert selection(page)["item"] == "command:0"
    pane.get_by_role("button", name="pipelined").click()
    expect(pane.locator(".il-schedule-table h4")).to_contain_text("pipelined: 8 commands")


def figures(page: Page) -> dict[str, list[str]]:
    """The table of policies: their figures by name."""
    toggle = page.get_by_role("button", name="Table", exact=True)
    toggle.click()
    rows = page.locator(".il-schedule-figures tbody tr")
    found = {
        row.locator("th").inner_text(): row.locator("td").all_inner_texts() for row in rows.all()
    }
    toggle.click()
    return found


def nanoseconds(ns: int) -> str:
    """As the front end writes times of this size."""
    return f"{ns / 1e3:.1f}\u00a0µs" if ns < 99_950 else f"{ns / 1e3:.0f}\u00a0µs"


def test_panes_move_by_menu_and_by_dragging(open_page: OpenPage, page_file: Path) -> None:
    page = open_page(page_file)
    show(page, "streams")
    page.locator("[data-pane=streams]").get_by_role("button", name="Arrange panes").click()
    page.get_by_role("menuitem", name="Move to the left").click()
    streams = page.locator("[data-pane=streams]").bounding_box()
    details = page.locator("[data-pane=allocation], [data-pane=details]").first.bounding_box()
    assert streams and details
    assert streams["x"] + streams["width"] <= details["x"] + 6

    tab = page.locator("[data-pane-tab=allocation]").bounding_box()
    timeline = page.locator("[data-pane=timeline]").bounding_box()
    assert tab and timeline
    page.mouse.move(tab["x"] + 10, tab["y"] + 10)
    page.mouse.down()
    page.mouse.move(timeline["x"] + timeline["width"] - 20, timeline["y"] + 90, steps=5)
    page.mouse.up()
    allocation = page.locator("[data-pane=allocation]").bounding_box()
    assert allocation
    assert allocation["y"] >= timeline["y"] - 2, "to the right of the timeline, at the bottom"
    assert allocation["x"] > timeline["x"] + 300

    page.locator("[data-pane=allocation]").get_by_role("button", name="Arrange panes").click()
    page.get_by_role("menuitem", name="Close Allocation").click()
    expect(page.locator("[data-pane-tab=allocation]")).to_have_count(0)
    page.keyboard.press("5")  # its number brings it back
    expect(page.locator("[data-pane=allocation]")).to_be_visible()


def test_a_link_brings_the_view_back(open_page: OpenPage, page_file: Path, tmp_path: Path) -> None:
    page = open_page(page_file)
    show(page, "barriers")
    page.locator(".il-b-command").first.click()
    page.wait_for_function("() => location.hash.includes('recorded')")
    link = page.evaluate("() => location.href")
    page.goto("about:blank")
    page.goto(link)
    expect(page.locator(".il-b-command.il-selected").first).to_be_visible()
    assert selection(page)["item"] == "recorded:0.0"
    # Half a link says nothing and breaks nothing.
    page.goto("about:blank")
    page.goto(link[: len(link) // 2])
    expect(page.locator(".il-step").first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_any_pane(open_page: OpenPage, page_file: Path, scheme: str) -> None:
    if not AXE.is_file():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
            "axe-core is not installed: run npm ci in frontend/"
        )
    page = open_page(page_file, scheme)
    page.evaluate(AXE.read_text())
    select_item(page, "command:0")
    for pane in (*MODEL_PANES, "details"):
        show(page, pane)
        save(page, f"pane-{pane}-{scheme}")
        assert violations(page) == [], pane
    show(page, "schedule")
    page.get_by_role("button", name="Table", exact=True).click()
    save(page, f"pane-schedule-table-{scheme}")
    assert violations(page) == [], "schedules as a table"
    page.locator("[data-pane=timeline]").get_by_role("tab", name="Table", exact=True).click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert violations(page) == []


def violations(page: Page) -> list[str]:
    """What axe finds wrong by WCAG A and AA, one line each."""
    found = page.evaluate(
        """async () => (await axe.run('.ireelab', {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa']}))
             .violations.map(v => v.id + ': ' + v.nodes.slice(0, 3).map(
               n => n.html.slice(0, 160) + ' ' + (n.any[0]?.message ?? '')).join(' | '))"""
    )
    return [re.sub(r"\s+", " ", line) for line in found]


# What reaches beyond its pane and cannot be scrolled to there.
STICKS_OUT = """body => [...body.querySelectorAll('*')].filter((one) => {
  const right = body.getBoundingClientRect().right + 1.5;
  const box = one.getBoundingClientRect();
  if (one.closest('.cm-editor') || !box.width || box.right <= right) return false;
  for (let host = one.parentElement; host !== body; host = host.parentElement)
    if (getComputedStyle(host).overflowX !== 'visible') return false;
  return true;
}).map((one) => `${one.tagName} ${one.className}`)"""


def test_nothing_sticks_out_of_its_pane(open_page: OpenPage, page_file: Path) -> None:
    page = open_page(page_file)
    for width in (1400, 1000, 640):
        page.set_viewport_size({"width": width, "height": 900})
        for pane in MODEL_PANES:
            show(page, pane)
            body = page.locator(f".il-pane-body.il-pane-{pane}")
            if pane == "allocation":
                choice = body.get_by_label("Show", exact=True)
                choice.select_option(label="whole program over time")
            assert body.evaluate(STICKS_OUT) == [], f"{pane} at {width} px"


def test_the_timeline_is_saved_for_perfetto(open_page: OpenPage, page_file: Path) -> None:
    page = open_page(page_file)
    page.get_by_role("button", name="Export", exact=True).click()
    with page.expect_download() as waiting:
        page.get_by_role("menuitem", name="Chrome trace").click()
    saved = json.loads(Path(waiting.value.path()).read_text())
    dispatches = [e for e in saved["traceEvents"] if e.get("cat") == "dispatch"]
    assert len(dispatches) == 4, "two dispatches, each on two workers"


def test_models_absent_from_a_page_say_so(
    open_page: OpenPage, trace: il.Trace, tmp_path: Path
) -> None:
    partial = il.compile(il.examples.path("mlp"), name="mlp.mlir", until="flow")
    page = open_page(il.explore(partial).save_html(tmp_path / "flow.html"))
    page.locator("[data-pane-tab=streams]").click()
    expect(page.locator(".il-pane-streams [data-state=absent]")).to_contain_text("phase stream")
    assert json.loads(json.dumps(il.explore(partial).to_json()))["stream"] is None
