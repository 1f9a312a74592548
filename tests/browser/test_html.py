"""The explorer as a page: opened from disk, without a network, in light and dark."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="pip install 'ireelab[test]' for the browser tests")
from conftest import OpenPage, save, selection
from page_support import FakeRun, entry_points, event_of, fake_events
from playwright.sync_api import Locator, Page, expect

import ireelab as il
from ireelab.errors import Diagnostic, PassFailed
from ireelab.hal.timeline import Timeline
from ireelab.viz.html import render_html
from ireelab.viz.payload import trace_payload

pytestmark = pytest.mark.browser

REPOSITORY = Path(__file__).parents[2]
MLP = (REPOSITORY / "examples" / "mlp.mlir").read_text()


@pytest.fixture(scope="module")
def trace() -> il.Trace:
    return il.compile(MLP, name="mlp.mlir")


@pytest.fixture(scope="module")
def good_page(trace: il.Trace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    payload = trace_payload(trace, run=FakeRun(Timeline(fake_events(trace), overhead_ns=60)))
    path = tmp_path_factory.mktemp("pages") / "mlp.html"
    path.write_text(render_html(payload.index, payload.chunks, title="<mlp> & co"))
    return path


@pytest.fixture(scope="module")
def failed_page(trace: il.Trace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    note = Diagnostic("note", "see here", "mlp.mlir", 1, 1, MLP.splitlines()[0])
    error = PassFailed(
        "a pass failed",
        diagnostics=[
            Diagnostic("error", "no </script> here", "mlp.mlir", 2, 3, "\tfunc.func @mlp(", (note,))
        ],
        step="iree-stream-schedule-allocation",
        reproducer="iree-compile mlp.mlir --flag",
    )
    partial = dataclasses.replace(
        trace, steps=trace.steps[:120], snapshots=trace.snapshots[:120], complete=False
    )
    payload = trace_payload(partial, error=error)
    path = tmp_path_factory.mktemp("pages") / "failed.html"
    path.write_text(render_html(payload.index, payload.chunks, title="failed"))
    return path


def steps_list(page: Page) -> Locator:
    return page.get_by_role("tree", name="Compilation steps")


def pixel(page: Page, x: float, y: float) -> list[int]:
    """The colour of the timeline's canvas at a CSS pixel."""
    return page.evaluate(
        """([x, y]) => { const c = document.querySelector('canvas');
           return [...c.getContext('2d').getImageData(
             x * devicePixelRatio, y * devicePixelRatio, 1, 1).data]; }""",
        [x, y],
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_keyboard_filter_diff_and_timeline(
    open_page: OpenPage, good_page: Path, trace: il.Trace, scheme: str
) -> None:
    page = open_page(good_page, scheme)
    expect(page).to_have_title("<mlp> & co")
    expect(page.locator(".ireelab")).to_have_attribute("data-il-theme", scheme)

    # Steps by keyboard.
    steps_list(page).focus()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert selection(page)["step"] == 0
    expect(page.locator("[data-step='0']")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Shift+J")
    changed = selection(page)["step"]
    assert changed == next(step.index for step in trace.steps[1:] if step.changed)

    # Filter: only what matches stays.
    page.keyboard.press("/")
    page.keyboard.type("schedule-allocation")
    expect(page.locator("[data-step]")).to_have_count(1)
    page.keyboard.press("Enter")
    step = trace.steps[selection(page)["step"]]
    assert step.name == "iree-stream-schedule-allocation"
    details = page.locator("[data-il=step-details]")
    expect(details).to_contain_text(step.name)
    expect(details).to_contain_text(step.description)
    assert details.get_by_role("link").get_attribute("href") == step.link

    # What it changed.
    page.keyboard.press("d")
    expect(page.get_by_role("tab", name="Diff", exact=True)).to_have_attribute(
        "aria-selected", "true"
    )
    after = page.get_by_role("textbox", name="Difference, after")
    expect(after.locator(".cm-changedLine").first).to_be_visible()
    expect(after.get_by_text("stream.resource.alloca").first).to_be_visible()
    save(page, f"page-diff-{scheme}")

    # A dispatch of the timeline: its line in the IR.
    page.keyboard.press("/")
    page.keyboard.press("Escape")
    dispatch(page, 1)
    events = fake_events(trace)
    chosen = selection(page)
    event = events[event_of(chosen)]
    assert (event.kind, event.entry_point) == ("dispatch", entry_points(trace)[1][1])
    line = page.locator("[data-il=ir] .il-line-selected")
    expect(line).to_contain_text(f"@{event.entry_point}")
    expect(page.locator("[data-il=event-details]")).to_contain_text("2×1×1")
    save(page, f"page-timeline-{scheme}")


def dispatch(page: Page, number: int) -> None:
    """Click the dispatch of that number on the canvas: each takes 6 µs, from 5 µs on."""
    box = page.locator("canvas").bounding_box()
    assert box is not None
    gutter, span_ns, margin_ns = 150, 30_000, 300
    time_ns = 5_000 + number * 6_400 + 3_000
    x = gutter + (time_ns + margin_ns) / (span_ns + 2 * margin_ns) * (box["width"] - gutter)
    page.locator("canvas").click(position={"x": x, "y": 22 + 3.5 + 2 * 20 + 7 + 10})
    page.wait_for_function("() => window.ireelab.model.get('selection').line !== null")


def test_a_dispatching_line_selects_its_events(
    open_page: OpenPage, good_page: Path, trace: il.Trace
) -> None:
    page = open_page(good_page)
    dispatch(page, 0)
    other = entry_points(trace)[1][1]
    page.locator("[data-il=ir] .cm-line").filter(has_text=f"::@{other}").first.click()
    page.wait_for_function(
        "name => document.querySelector('[data-il=event-details] h3')?.textContent === name",
        arg=other,
    )
    event = fake_events(trace)[event_of(selection(page))]
    assert event.entry_point == other


def test_any_two_steps_can_be_compared(
    open_page: OpenPage, good_page: Path, trace: il.Trace
) -> None:
    page = open_page(good_page)
    steps_list(page).focus()
    page.keyboard.press("j")
    page.keyboard.press("b")
    page.keyboard.press("d")
    page.keyboard.press("Shift+J")
    page.keyboard.press("Shift+J")
    heads = page.locator(".il-diff-heads > div")
    expect(heads.first).to_contain_text(f"A · 1 {trace.steps[0].name}")
    expect(heads.last).to_contain_text(f"B · {selection(page)['step'] + 1} ")
    expect(page.locator("[data-step='0'] .il-badge")).to_have_text("A")


def test_table_of_events_sorts_and_selects(
    open_page: OpenPage, good_page: Path, trace: il.Trace
) -> None:
    page = open_page(good_page)
    page.get_by_role("tab", name="Table", exact=True).click()
    page.get_by_role("columnheader", name="Duration").get_by_role("button").click()
    expect(page.locator("[data-event]").first).to_contain_text("@mlp")  # the longest
    page.locator("[data-event]").filter(has_text="dispatch").first.click()
    page.wait_for_function("() => window.ireelab.model.get('selection').item !== null")
    assert fake_events(trace)[event_of(selection(page))].kind == "dispatch"


def test_search_definitions_and_long_attributes(open_page: OpenPage, good_page: Path) -> None:
    page = open_page(good_page)
    page.keyboard.press("Tab")
    page.locator(".il-input").fill("hal-resolve-device-aliases")
    page.locator(".il-input").press("Enter")
    viewer = page.get_by_role("textbox", name="Intermediate representation")
    folded = viewer.get_by_role("button", name="Show folded attribute").first
    expect(folded).to_be_visible()
    expect(viewer).not_to_contain_text("cpu_features")
    folded.click()
    expect(viewer).to_contain_text("cpu_features")

    value = viewer.locator(".il-tok-ssa").last
    value.scroll_into_view_if_needed()
    value.hover()
    expect(page.locator(".il-card-head").filter(has_text="defined on line")).to_be_visible()
    expect(viewer.locator(".il-ssa-definition, .il-ssa-use").first).to_be_visible()

    viewer.click(position={"x": 200, "y": 10})
    page.keyboard.press("Control+f")
    expect(page.get_by_role("textbox", name="Find")).to_be_focused()


def test_keys_are_listed_and_focus_returns(open_page: OpenPage, good_page: Path) -> None:
    page = open_page(good_page)
    steps_list(page).focus()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(steps_list(page)).to_be_focused()


def test_panes_resize_and_collapse(open_page: OpenPage, good_page: Path) -> None:
    page = open_page(good_page)
    bar = page.get_by_role("separator", name="Between Steps and IR")
    bar.focus()
    before = float(bar.get_attribute("aria-valuenow") or 0)
    page.keyboard.press("ArrowRight")
    assert float(bar.get_attribute("aria-valuenow") or 0) > before
    page.get_by_role("button", name="Collapse Steps").click()
    expect(steps_list(page)).to_be_hidden()
    page.get_by_role("button", name="Expand Steps").click()
    expect(steps_list(page)).to_be_visible()


def test_the_canvas_follows_the_theme(open_page: OpenPage, good_page: Path) -> None:
    page = open_page(good_page)
    page.wait_for_function("() => document.querySelector('canvas')?.width > 300")
    light = sum(pixel(page, 5, 5)[:3])
    page.emulate_media(color_scheme="dark")
    expect(page.locator(".ireelab")).to_have_attribute("data-il-theme", "dark")
    page.evaluate("() => new Promise(requestAnimationFrame)")
    dark = sum(pixel(page, 5, 5)[:3])
    assert light > 600 > 200 > dark


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_narrow_cells_stack_the_panes(open_page: OpenPage, good_page: Path, scheme: str) -> None:
    page = open_page(good_page, scheme, width=700)
    steps = page.locator("[data-pane=steps]").bounding_box()
    code = page.locator("[data-pane=code]").bounding_box()
    assert steps and code
    assert code["y"] >= steps["y"] + steps["height"]
    assert code["width"] > 650
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    save(page, f"page-narrow-{scheme}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_failed_compilation_shows_why(
    open_page: OpenPage, failed_page: Path, trace: il.Trace, scheme: str
) -> None:
    page = open_page(failed_page, scheme)
    problems = page.locator("[data-il=problems]")
    expect(problems).to_contain_text("PassFailed")
    expect(problems).to_contain_text("no </script> here")
    expect(problems.locator("[data-severity=note]")).to_contain_text("see here")
    expect(problems).to_contain_text("iree-compile mlp.mlir --flag")
    snippet = problems.locator(".il-snippet").first.inner_text().splitlines()
    assert snippet[1].index("^") == snippet[0].index("func.func") + 1  # column 3 of "\tfunc"
    save(page, f"page-failed-{scheme}")
    steps_list(page).focus()
    page.keyboard.press("Shift+J")
    expect(problems).to_be_hidden()
    expect(page.locator("[data-il=ir] .cm-line").first).to_be_visible()
    page.get_by_role("tab", name=re.compile("Problems")).click()
    page.get_by_role("button", name="mlp.mlir:2:3").click()
    expect(page.locator("[data-il=ir] .il-line-selected")).to_have_text(MLP.splitlines()[1])


def test_damaged_and_missing_data(open_page: OpenPage, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.html"
    damaged.write_text(render_html(b"not gzip", b"", title="x"))
    expect(open_page(damaged).get_by_role("alert")).to_contain_text("damaged")
    empty = tmp_path / "empty.html"
    empty.write_text(render_html(b"", b"", title="x"))
    expect(open_page(empty).locator("[data-state=empty]")).to_be_visible()


def test_a_page_cannot_be_ended_by_what_stands_in_it(good_page: Path, failed_page: Path) -> None:
    for path in (good_page, failed_page):
        text = path.read_text()
        assert text.count("</script") == 3, "index, chunks, code"
        assert "https://" not in re.sub(r"https://codemirror\.net\S*", "", text.split("<script")[0])
