"""What the panes over models show beside their main picture, against the models themselves."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="pip install 'ireelab[test]' for the browser tests")
from conftest import OpenPage, selection
from page_support import FakeRun, fake_events
from playwright.sync_api import Page, expect

import ireelab as il
from ireelab.hal.timeline import Event, Timeline

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def trace() -> il.Trace:
    return il.compile(il.examples.path("mlp"), name="mlp.mlir")


@pytest.fixture(scope="module")
def run_(trace: il.Trace) -> Any:
    """With allocations: 320 bytes that stay, 4 KiB that come and go."""
    memory = [
        Event("alloca", "alloca", "queue 0", -1, 100, 200, bytes=320),
        Event("alloca", "alloca", "queue 0", -1, 300, 400, bytes=4096),
        Event("submit", "submit", "queue 0", -1, 2_000, 3_000, submission=0),
        Event("dealloca", "dealloca", "queue 0", -1, 29_000, 29_100, bytes=4096),
    ]
    return FakeRun(Timeline([*fake_events(trace), *memory], overhead_ns=60))


@pytest.fixture(scope="module")
def page_file(trace: il.Trace, run_: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return il.explore(trace, run_).save_html(tmp_path_factory.mktemp("pages") / "mlp.html")


def show(page: Page, pane: str) -> Any:
    page.locator(f"[data-pane-tab={pane}]").click()
    body = page.locator(f".il-pane-body.il-pane-{pane}")
    expect(body.locator("[data-state=loading]")).to_have_count(0)
    return body


def test_memory_over_time_and_what_a_run_used(
    open_page: OpenPage, page_file: Path, trace: il.Trace, run_: Any
) -> None:
    page = open_page(page_file)
    body = show(page, "allocation")
    found = il.allocation(trace, run=run_)
    body.get_by_label("Show", exact=True).select_option(label="whole program over time")
    expect(body).to_contain_text(f"peak {found.over_time.peak_bytes / 1024:.1f} KiB")
    expect(body).to_contain_text("observed 4.31 KiB")  # 320 + 4096
    assert max(sample.bytes for sample in found.observed) == 4416
    body.locator(".il-packing-canvas").focus()
    page.keyboard.press("ArrowRight")
    expect(body).to_contain_text("At command 1 of @mlp")
    expect(body.locator(".il-live-row")).to_have_count(
        sum(span.first <= 1 <= span.last for span in found.over_time.spans)
    )


def test_shapes_executions_and_resources(
    open_page: OpenPage, page_file: Path, trace: il.Trace
) -> None:
    page = open_page(page_file)
    body = show(page, "streams")
    graph = il.stream_graph(trace)
    canvas = body.locator(".il-graph-canvas").bounding_box()
    assert canvas
    tip = body.locator(".il-tip")
    for y in range(20, 400, 12):  # down the middle, until a node is under the pointer
        page.mouse.move(canvas["x"] + canvas["width"] / 2, canvas["y"] + y)
        if tip.is_visible():
            break
    expect(tip).to_contain_text(f"reads {graph.commands[0].types[0]} ")
    page.get_by_role("button", name="Tables").click()
    tables = page.get_by_role("region", name="Executions and resources")
    (execution,) = graph.executions
    for name in (*execution.awaits, execution.timepoint, "@__device_0"):
        expect(tables).to_contain_text(name)
    rows = tables.locator("table").nth(1).locator("tbody tr")
    expect(rows).to_have_count(len(graph.resources))
    lifetimes = graph.lifetimes()
    shared = next(r for r in graph.resources if lifetimes[r.id] == (0, 1))
    row = rows.filter(has_text=f"{shared.id.split('/')[1]}@")
    expect(row).to_contain_text(shared.lifetime)
    row.get_by_title("Command 1").click()
    assert selection(page)["item"] == "command:1"


def test_a_walk_through_submissions_signals_fences(
    open_page: OpenPage, page_file: Path, trace: il.Trace, run_: Any
) -> None:
    page = open_page(page_file)
    body = show(page, "barriers")
    found = il.barriers(trace, run=run_)
    fences = {name for one in found.submissions for name in (*one.waits, *one.signals)}
    expect(body.locator(".il-fence")).to_have_count(len(fences))
    signaled = body.locator(".il-fence-signaled")
    expect(signaled).to_have_count(1)  # the first row is an allocation
    page.get_by_label("Walk through the submissions").focus()
    page.keyboard.press("End")
    expect(signaled).to_have_count(len(fences))
    expect(body).to_contain_text(f"submission {len(found.submissions)} of {len(found.submissions)}")
    body.locator(".il-b-buffer").click()
    (buffer,) = found.command_buffers
    assert buffer.concurrency is not None
    expect(body.locator(".il-hazards")).to_contain_text("12.0 µs of commands")
    expect(body.locator(".il-hazards")).to_contain_text("(1.00 achievable)")
    expect(body.locator(".il-critical")).to_have_count(len(buffer.concurrency.critical_path))


def test_a_dragged_area_has_statistics(open_page: OpenPage, page_file: Path) -> None:
    page = open_page(page_file)
    canvas = page.locator(".il-timeline-canvas")
    box = canvas.bounding_box()
    assert box
    page.mouse.move(box["x"] + 205, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 4, box["y"] + 60, steps=4)
    page.mouse.up()
    area = page.get_by_role("region", name="Statistics of the area")
    dispatches = area.locator("tr").filter(has_text=re.compile("^dispatch"))
    expect(dispatches).to_contain_text("12.0 µs")
    expect(area.locator("table")).to_have_count(2)
    expect(area).to_contain_text("matmul_8x10x128_f32")
    assert selection(page).get("item") is None
    area.get_by_role("button", name="Close the statistics").click()
    expect(area).to_be_hidden()
    # With Shift a drag pans, as the keys do, and measures nothing.
    page.keyboard.down("Shift")
    page.mouse.down()
    page.mouse.move(box["x"] + 600, box["y"] + 60, steps=4)
    page.mouse.up()
    page.keyboard.up("Shift")
    expect(area).to_be_hidden()
