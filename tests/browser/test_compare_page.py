"""Several compilations in one explorer: IR side by side, numbers, packings, two time axes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="pip install 'ireelab[test]' for the browser tests")
from conftest import OpenPage, save, selection
from page_support import FakeRun, fake_events
from playwright.sync_api import Locator, Page, expect
from test_panes import AXE, select_item, show, violations

import ireelab as il
from ireelab.hal.timeline import Timeline
from ireelab.viz.compare_traces import Compared

pytestmark = pytest.mark.browser

LABELS = ("usual", "lab", "generic")


@pytest.fixture(scope="module")
def compared() -> Compared:
    """The perceptron by IREE, as lab steps, and for any x86; each run slower than the last."""
    path = il.examples.path("mlp")
    generic = ("--iree-llvmcpu-target-cpu=generic", "--iree-llvmcpu-target-cpu-features=")
    traces = (
        il.compile(path, name="mlp.mlir"),
        il.compile(path, name="mlp.mlir", pipeline="lab"),
        il.compile(path, name="mlp.mlir", flags=generic),
    )
    sides: list[tuple[il.Trace, Any]] = []
    for factor, trace in enumerate(traces, 1):
        events = [
            dataclasses.replace(e, start_ns=e.start_ns * factor, end_ns=e.end_ns * factor, lanes=())
            for e in fake_events(trace)
        ]
        sides.append((trace, FakeRun(Timeline(events))))
    return il.compare(*sides, labels=LABELS)


@pytest.fixture(scope="module")
def page_file(compared: Compared, tmp_path_factory: pytest.TempPathFactory) -> Path:
    first, *others = [(side.trace, side.run) for side in compared.sides]
    explorer = il.explore(*first, compare=others, labels=LABELS)
    return explorer.save_html(tmp_path_factory.mktemp("pages") / "compared.html")


def columns(page: Page) -> Locator:
    return page.locator(".il-aligned .il-column")


def row_texts(page: Page) -> list[list[str]]:
    """The lines that stand at each height of the screen, per column."""
    return page.evaluate(
        """() => [...document.querySelectorAll('.il-aligned .il-column')].map(column => {
             const top = column.querySelector('.cm-scroller').getBoundingClientRect().top;
             return [...column.querySelectorAll('.cm-line')].map(line =>
               Math.round(line.getBoundingClientRect().top - top) + ' ' +
               line.textContent.replace(/%[\\w#.-]+/g, '%'));
           })"""
    )


def test_sides_stand_level_at_the_first_divergence(
    open_page: OpenPage, page_file: Path, compared: Compared
) -> None:
    page = open_page(page_file)
    expect(columns(page)).to_have_count(3)
    first = compared.steps[0].first
    assert first is not None and first.pair.a is not None and first.pair.b is not None
    page.get_by_role("button", name="First divergence of lab").click()
    page.wait_for_function(
        f"() => window.ireelab.model.get('selection').step === {first.pair.a.index}"
    )
    expect(columns(page).nth(1)).to_contain_text(f"{first.pair.b.index + 1} {first.pair.b.name}")
    expect(page.locator(".il-line-differs").first).to_be_visible()
    usual, lab, generic = row_texts(page)
    assert len(set(usual) & set(lab)) > 5, "equal lines stand at equal heights"
    assert set(usual) == set(generic) or len(set(usual) & set(generic)) > 5
    # Scrolling one scrolls all.
    scrollers = page.locator(".il-aligned .cm-scroller")
    scrollers.nth(1).evaluate("e => e.scrollTo(0, 36)")
    for i in (0, 2):
        handle = scrollers.nth(i).element_handle()
        page.wait_for_function("e => Math.abs(e.scrollTop - 36) <= 1", arg=handle)


def test_from_one_differing_step_to_the_next(
    open_page: OpenPage, page_file: Path, compared: Compared
) -> None:
    page = open_page(page_file)
    different = [number for number, row in enumerate(compared.rows) if not row.same]
    page.get_by_role("button", name="Next step that differs").click()
    for number in different[:4]:
        row = compared.rows[number]
        for i, step in enumerate(row.steps):
            expected = "no such step" if step is None else f"{step + 1} "
            expect(columns(page).nth(i)).to_contain_text(expected)
        page.get_by_role("button", name="Next step that differs").click()
    page.get_by_role("button", name="Previous step that differs").click()
    at = compared.rows[different[3]].steps
    for i, step in enumerate(at):
        expected = "no such step" if step is None else f"{step + 1} "
        expect(columns(page).nth(i)).to_contain_text(expected)


def test_numbers_are_those_of_python_and_link_to_kernels(
    open_page: OpenPage, page_file: Path, compared: Compared
) -> None:
    page = open_page(page_file)
    page.get_by_role("button", name="Numbers").click()
    kernels = page.locator("[data-compared=executables]")
    width = kernels.locator("tr").filter(has_text="vector width").first
    part = compared["executables"].table("kernels").parts[0]
    (quantity,) = [q for q in part.quantities if q.name == "vector width"]
    assert quantity.values[0] != quantity.values[2]
    for value in quantity.values:
        expect(width).to_contain_text(f"{value} bit")
    expect(page.locator("[data-compared=vm]")).to_contain_text("functions: ")
    expect(page.locator("[data-compared=run] tbody tr").first).to_be_visible()
    kernels.get_by_role("button", name=part.name).first.click()
    assert selection(page)["item"] == f"kernel:{part.refs[0]}"
    rows = kernels.locator("tbody tr").count()
    page.get_by_role("button", name="Differences only").click()
    assert kernels.locator("tbody tr").count() > rows


def test_two_runs_on_one_axis(open_page: OpenPage, page_file: Path, compared: Compared) -> None:
    page = open_page(page_file)
    timeline = page.locator("[data-pane=timeline]")
    expect(timeline).to_contain_text("(2.00), generic")
    timeline.get_by_role("tab", name="Table", exact=True).click()
    run = compared.sides[0].run
    assert run is not None and run.timeline is not None
    events = run.timeline.events
    mine = next(i for i, event in enumerate(events) if event.kind == "dispatch")
    row = timeline.get_by_role("row").filter(has_text=events[mine].name).filter(has_text="generic")
    row.first.click()
    page.wait_for_function("() => window.ireelab.model.get('selection').item")
    assert selection(page)["item"] == f"event@2:{mine}"
    details = page.locator("[data-il=event-details]")
    page.locator("[data-pane-tab=details]").click()
    expect(details).to_contain_text("generic · queue 0")
    expect(details).to_contain_text("18.0 µs")
    # Steps, commands and texts are the first side's: they show its counterpart.
    page.wait_for_function("() => window.ireelab.model.get('selection').step !== null")
    expect(page.locator(".il-step.il-selected")).to_be_visible()
    expect(timeline).to_contain_text("usual 6.00 µs, lab 12.0 µs (2.00), generic 18.0 µs (3.00)")
    timeline.get_by_role("tab", name="Ratios").click()
    first = timeline.locator(".il-ratios tbody tr").first
    expect(first).to_contain_text("3.00")
    first.get_by_role("button").click()
    assert selection(page)["item"].startswith("event:")


def test_packings_at_one_scale(open_page: OpenPage, page_file: Path) -> None:
    page = open_page(page_file)
    show(page, "allocation")
    canvases = page.locator(".il-packings .il-packing-canvas")
    expect(canvases).to_have_count(3)
    canvases.nth(1).focus()
    page.keyboard.press("ArrowRight")
    assert selection(page)["item"] == "slice:0"
    expect(page.locator(".il-packings output")).to_contain_text("lab at 0 B")
    expect(page.locator(".il-packings-side").nth(1)).to_contain_text("(1.00 of usual)")
    page.get_by_role("button", name="Side by side").click()
    expect(canvases.first).to_be_hidden()
    expect(page.locator(".il-live-row.il-selected")).to_be_visible()


def test_a_slice_of_another_side_alone(open_page: OpenPage, tmp_path: Path) -> None:
    source = il.examples.path("mlp").read_text()
    traces = [il.compile(source), il.compile(source.replace("tensor<8x", "tensor<16x"))]
    explorer = il.explore(traces[0], compare=traces[1], labels=("8", "16"))
    page = open_page(explorer.save_html(tmp_path / "sizes.html"))
    show(page, "allocation")
    page.locator(".il-packings .il-packing-canvas").nth(1).focus()
    page.keyboard.press("ArrowRight")
    assert selection(page)["item"] == "slice@1:0"
    said = page.locator(".il-packings output")
    expect(said).to_contain_text("8 has none · 16 at 0 B")
    page.keyboard.press("Alt+ArrowLeft")
    assert selection(page)["item"] is None
    expect(said).to_contain_text("Select a slice")
    page.keyboard.press("Alt+ArrowRight")
    expect(said).to_contain_text("8 has none · 16 at 0 B")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_comparisons(
    open_page: OpenPage, page_file: Path, scheme: str
) -> None:
    page = open_page(page_file, scheme)
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: run npm ci in frontend/")
    page.evaluate(AXE.read_text())
    page.get_by_role("button", name="First divergence of lab").click()
    expect(page.locator(".il-line-differs").first).to_be_visible()
    select_item(page, "command:0")
    show(page, "allocation")
    save(page, f"compare-{scheme}")
    assert violations(page) == []
    page.get_by_role("button", name="Numbers").click()
    expect(page.locator("[data-compared=vm]")).to_be_visible()
    page.locator("[data-pane=timeline]").get_by_role("tab", name="Ratios").click()
    save(page, f"compare-numbers-{scheme}")
    assert violations(page) == []
    page.set_viewport_size({"width": 700, "height": 1000})
    save(page, f"compare-narrow-{scheme}")


def test_without_a_comparison_there_is_no_pane(open_page: OpenPage, tmp_path: Path) -> None:
    trace = il.compile(il.examples.path("elementwise"), until="flow")
    page = open_page(il.explore(trace).save_html(tmp_path / "one.html"))
    expect(page.locator("[data-pane-tab=code]")).to_be_visible()
    expect(page.locator("[data-pane-tab=compare]")).to_have_count(0)
