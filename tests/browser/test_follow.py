"""The Follow pane: one op through all steps, as Python follows it; origins in the details."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="pip install 'ireelab[test]' for the browser tests")
from conftest import OpenPage, save, selection
from page_support import FakeRun, fake_events
from playwright.sync_api import Page, expect
from test_panes import AXE, choose_line, select_item, show, violations

import ireelab as il
from ireelab.hal.timeline import Timeline
from ireelab.pipeline.provenance import OpRef
from ireelab.pipeline.provenance_walk import nameless

pytestmark = pytest.mark.browser

_FILM = """([step, line]) => {
  const {app} = window.ireelab.explorer;
  const text = step === null ? null : app.index.steps[step].module;
  const film = app.follower.film({step, line, text});
  return film.frames.map(f => [f.step, f.after.map(l => film.texts.text(l.key, l.line).trim())]);
}"""


_KERNELS = """(line) => {
  const {app} = window.ireelab.explorer;
  const origin = app.follower.origin({step: null, line, text: null});
  return origin.entryPoints.map(entry => entry.kernel).sort();
}"""
_EQUAL = """
func.func @twice(%a: tensor<8x8xf32>, %b: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<8x8xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<8x8xf32>) -> tensor<8x8xf32>
  %first = linalg.matmul ins(%a, %b : tensor<8x8xf32>, tensor<8x8xf32>)
      outs(%init : tensor<8x8xf32>) -> tensor<8x8xf32>
  %second = linalg.matmul ins(%first, %b : tensor<8x8xf32>, tensor<8x8xf32>)
      outs(%init : tensor<8x8xf32>) -> tensor<8x8xf32>
  return %second : tensor<8x8xf32>
}
"""


@pytest.fixture(scope="module")
def trace() -> il.Trace:
    return il.compile(il.examples.path("mlp"), name="mlp.mlir")


@pytest.fixture(scope="module")
def page_file(trace: il.Trace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run: Any = FakeRun(Timeline(fake_events(trace), overhead_ns=60))
    return il.explore(trace, run).save_html(tmp_path_factory.mktemp("pages") / "mlp.html")


def ready(page: Page) -> None:
    page.wait_for_function("() => window.ireelab.explorer.app?.follower.loaded")


def python_film(trace: il.Trace, op: OpRef) -> list[tuple[int, list[str]]]:
    """What Python says the op became: each step that left other text, names of values aside."""
    found = trace.provenance(op)
    frames: list[tuple[int, list[str]]] = []
    for step in found.descendants:
        texts = [line.text.strip() for line in step.ops]
        if not frames or list(map(nameless, texts)) != list(map(nameless, frames[-1][1])):
            frames.append((step.step, texts))
    return frames


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (-1, "%hidden = linalg.matmul"),
        (-1, "%logits"),
        (-1, "arith.maximumf"),
        (60, "linalg.matmul"),
    ],
)
def test_the_strip_is_what_python_follows(
    open_page: OpenPage, page_file: Path, trace: il.Trace, step: int, text: str
) -> None:
    page = open_page(page_file)
    ready(page)
    op = OpRef.find(trace, step, text)
    film = page.evaluate(_FILM, [None if step < 0 else step, op.line])
    after = [frame for frame in map(tuple, film) if frame[0] > step or step < 0]
    expected = python_film(trace, op)
    if step >= 0 and expected and after[0] != expected[0]:
        expected = expected[1:]  # the first that differs only in names from where it began
    assert after == expected
    assert len(after) > 3


def test_frames_lead_to_steps_by_click_and_by_key(open_page: OpenPage, page_file: Path) -> None:
    page = open_page(page_file)
    page.locator("[data-pane-tab=follow]").click()
    expect(page.locator(".il-pane-follow [data-il=rates] tbody tr")).not_to_have_count(0)
    choose_line(page, "%hidden = linalg.matmul")
    frames = page.get_by_role("listbox", name="Steps that changed this op").get_by_role("option")
    count = frames.count()
    assert count > 10
    expect(frames.first).to_have_attribute("aria-selected", "true")
    frames.nth(3).click()
    chosen = int(frames.nth(3).get_attribute("data-step") or -1)
    assert selection(page)["step"] == chosen
    expect(page.locator("[data-il=ir] .il-line-selected")).to_contain_text("linalg.matmul")
    page.keyboard.press("ArrowRight")
    assert selection(page)["step"] == int(frames.nth(4).get_attribute("data-step") or -1)
    page.keyboard.press("End")
    expect(frames.nth(count - 1)).to_have_attribute("aria-selected", "true")
    expect(frames).to_have_count(count)  # still the strip of the op that was chosen
    page.keyboard.press("k")
    expect(frames).to_have_count(count)

    page.locator(".il-film").get_by_role("button", name="mlp_dispatch_0").click()
    assert re.fullmatch(r"kernel:mlp_dispatch_0\w*::mlp_dispatch_0\w+", selection(page)["item"])
    page.locator(".il-film").get_by_role("button", name="event").first.click()
    assert selection(page)["item"].startswith("event:")


def test_an_op_of_the_source_is_shown_as_what_it_runs_as(
    open_page: OpenPage, page_file: Path
) -> None:
    page = open_page(page_file)
    ready(page)
    show(page, "streams")
    page.get_by_role("button", name="List").click()
    chosen = page.locator(".il-command.il-selected")
    choose_line(page, "%logits = linalg")
    expect(chosen).to_have_count(1)
    expect(chosen).to_contain_text("matmul_8x10x128")
    assert selection(page)["item"] is None


def test_details_say_where_a_line_comes_from(open_page: OpenPage, page_file: Path) -> None:
    page = open_page(page_file)
    ready(page)
    rates = page.locator("[data-il=match-rates] tbody tr")
    expect(rates.first).to_contain_text("100.0%")
    select_item(page, "command:1")
    expect(page.locator("[data-il=ir] .il-line-selected")).to_contain_text("mlp_dispatch_1")
    origin = page.locator("[data-il=origin]")
    expect(origin).to_contain_text("mlp_dispatch_1")
    origin.get_by_role("button", name="%logits = linalg.matmul").click()
    assert selection(page)["step"] is None
    expect(page.locator("[data-il=ir] .il-line-selected")).to_contain_text("%logits")
    page.get_by_role("button", name="Follow through all steps").click()
    expect(page.locator(".il-pane-follow")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 700])
def test_the_strip_in_both_themes(
    open_page: OpenPage, page_file: Path, scheme: str, width: int
) -> None:
    page = open_page(page_file, scheme, width=width)
    ready(page)
    select_item(page, "command:0")
    show(page, "follow")
    expect(page.locator(".il-shot[role=option]").first).to_be_visible()
    save(page, f"follow-{scheme}-{width}")
    if AXE.is_file():
        page.evaluate(AXE.read_text())
        assert violations(page) == []


def test_a_line_inside_a_kernel_runs_in_that_kernel(
    open_page: OpenPage, page_file: Path, trace: il.Trace
) -> None:
    page = open_page(page_file)
    ready(page)
    step = max(s.index for s in trace.steps if "llvm.func @" in trace.ir(s, module=True))
    for name in dict.fromkeys(re.findall(r"llvm.func @(mlp_\w+)", trace.ir(step, module=True))):
        lines = trace.ir(step, module=True).splitlines()
        start = next(i for i, line in enumerate(lines, 1) if f"llvm.func @{name}" in line)
        found = page.evaluate(
            """([step, line]) => {
                 const {app} = window.ireelab.explorer;
                 const text = app.index.steps[step].module;
                 return app.follower.origin({step, line, text}).entryPoints.map(e => e.kernel);
               }""",
            [step, start + 4],
        )
        assert found == [name]


def test_of_equal_kernels_one_is_kept(open_page: OpenPage, tmp_path: Path) -> None:
    """The ops of the others are found by who dispatches it, here and in Python."""
    trace = il.compile(_EQUAL, name="twice.mlir")
    page = open_page(il.explore(trace).save_html(tmp_path / "twice.html"))
    ready(page)
    kernel = "twice_dispatch_0_matmul_8x8x8_f32"
    for text in ("%first =", "%second ="):
        op = OpRef.find(trace, -1, text)
        assert trace.provenance(op).kernels == (kernel,)
        assert page.evaluate(_KERNELS, op.line) == [kernel]


def test_lines_of_a_python_model_are_named(open_page: OpenPage, tmp_path: Path) -> None:
    source = """func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = arith.mulf %x, %x : tensor<4xf32> loc(callsite("layer"("model.py":5:3) at "model.py":9:1))
  return %0 : tensor<4xf32>
}
"""
    trace = il.compile(source, name="f.mlir", until="flow")
    page = open_page(il.explore(trace).save_html(tmp_path / "f.html"))
    ready(page)
    choose_line(page, "arith.mulf")
    expect(page.locator("[data-il=origin]")).to_contain_text("model.py:5 (layer)")
    show(page, "follow")
    python = page.locator(".il-shot-python")
    expect(python).to_have_text("model.py:5 (layer)")
    expect(python).to_have_attribute("title", re.compile(r"model\.py:9"))
