"""The tour and the cell magic in a real JupyterLab, by keyboard and mouse."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY, Notebook, OpenNotebook
from playwright.sync_api import Locator, expect

pytestmark = pytest.mark.browser

TOUR = REPOSITORY / "notebooks" / "00_tour.ipynb"

MLP = """import ireelab as il
trace = il.compile(il.examples.path("mlp"))
result = il.run(trace, "mlp", *il.examples.inputs("mlp"), profile=True)
explorer = il.explore(trace, result)
explorer"""

SQUARE = """%%iree square --run --input 4xf32=3
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = arith.mulf %x, %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}"""


def the_explorer(notebook: Notebook) -> Locator:
    """The last explorer of the notebook, loaded and in view."""
    explorer = notebook.page.locator(".ireelab").last
    explorer.scroll_into_view_if_needed()
    expect(explorer.locator(".il-step").first).to_be_visible(timeout=30_000)
    return explorer


def selection(notebook: Notebook, name: str = "explorer") -> dict[str, Any]:
    """The ``selection`` trait as Python has it."""
    return ast.literal_eval(notebook.evaluate(f"dict({name}.selection)"))


def wait_for(notebook: Notebook, holds: Callable[[], bool]) -> None:
    """Until ``holds``; the trait is synced some milliseconds after the click."""
    for _ in range(100):
        if holds():
            return
        notebook.page.wait_for_timeout(100)
    assert holds()


def selected_step(explorer: Locator) -> Locator:
    return explorer.locator(".il-step.il-selected")


def test_the_tour_runs_from_top_to_bottom(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(TOUR)
    notebook.run_all()
    errors = [text for text in notebook.output_texts() if "Error" in text]
    assert errors == []
    explorer = the_explorer(notebook)
    expect(explorer).to_contain_text("square")
    assert notebook.evaluate("type(square).__name__") == "'Trace'"


def test_the_keyboard_steps_and_diffs(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook("keyboard.ipynb", [MLP])
    notebook.run_all()
    explorer = the_explorer(notebook)
    explorer.locator(".il-step").first.click()

    explorer.page.keyboard.press("j")
    expect(selected_step(explorer)).to_contain_text("auto-input-conversion")
    wait_for(notebook, lambda: selection(notebook)["step"] == 0)

    explorer.page.keyboard.press("Shift+J")  # the next step that changed something
    expect(selected_step(explorer)).to_contain_text("import-public")
    step = int(notebook.evaluate("next(s.index for s in trace.steps if s.changed)"))
    wait_for(notebook, lambda: selection(notebook)["step"] == step)

    explorer.page.keyboard.press("d")
    diff = explorer.locator("[data-il=diff]")
    expect(diff).to_be_visible()
    expect(diff).to_contain_text("func.func")
    expect(diff).to_contain_text("util.func")
    wait_for(notebook, lambda: selection(notebook)["view"] == "diff")

    explorer.page.keyboard.press("k")
    expect(selected_step(explorer)).to_contain_text("auto-input-conversion")
    explorer.page.keyboard.press("d")
    expect(diff).to_be_hidden()


def test_python_selects_too(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook("select.ipynb", [MLP])
    notebook.run_all()
    explorer = the_explorer(notebook)
    notebook.evaluate(
        "explorer.set_trait('selection', {**explorer.selection, "
        "'step': trace.step('iree-stream-schedule-execution').index})"
    )
    expect(selected_step(explorer)).to_contain_text("schedule-execution")
    expect(explorer.locator("[data-il=ir]")).to_contain_text("stream.async.execute")


def test_a_click_on_the_timeline_selects_the_dispatch_everywhere(
    open_notebook: OpenNotebook,
) -> None:
    notebook = open_notebook("timeline.ipynb", [MLP])
    notebook.run_all()
    explorer = the_explorer(notebook)
    name = click_a_dispatch(explorer)
    assert name.startswith("mlp_dispatch_")

    # The item is said at once; its step when the models that link them are there.
    wait_for(notebook, lambda: selection(notebook)["item"] is not None)
    wait_for(notebook, lambda: selection(notebook)["step"] is not None)
    chosen = selection(notebook)
    event = f"result.timeline.events[{chosen['item'].removeprefix('event:')}]"
    assert notebook.evaluate(f"{event}.name") == repr(name)
    # The step is one whose IR shows this dispatch, and the line is one that names it.
    assert notebook.evaluate(f"{event}.entry_point in trace.ir({chosen['step']})") == "True"
    expect(explorer.locator(".il-line-selected").first).to_contain_text(name.split("_matmul")[0])
    expect(explorer.locator(".il-details")).to_contain_text(name)
    expect(selected_step(explorer)).to_be_visible()


def click_a_dispatch(explorer: Locator) -> str:
    """Find a dispatch on the timeline with the mouse, click it, and return its name."""
    canvas = explorer.locator(".il-timeline-canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    mouse, tip = explorer.page.mouse, explorer.locator(".il-timeline-tip")
    for y in range(30, int(box["height"]), 14):
        for x in range(int(box["width"]) - 4, 150, -4):
            mouse.move(box["x"] + x, box["y"] + y)
            if tip.is_visible() and "dispatch_" in (text := tip.inner_text()):
                mouse.click(box["x"] + x, box["y"] + y)
                return text.splitlines()[0]
    pytest.fail("no dispatch on the timeline answers to the mouse")


def test_a_failing_cell_shows_its_line_and_leaves_the_rest_alone(
    open_notebook: OpenNotebook,
) -> None:
    broken = SQUARE.replace("%x, %x", "%x, %nowhere")
    notebook = open_notebook("error.ipynb", ["%load_ext ireelab", SQUARE, broken])
    notebook.run_all()
    text = notebook.output_texts()[2]
    lines = text.splitlines()
    assert any("square.mlir:3:" in line for line in lines), text
    shown = next(i for i, line in enumerate(lines) if "arith.mulf %x, %nowhere" in line)
    assert lines[shown + 1].index("^") == lines[shown].index("%nowhere")
    assert "Traceback" not in text
    assert len(lines) < 10, text

    assert notebook.evaluate("square.complete") == "True"
    assert notebook.evaluate("square_result.outputs[0].tolist()") == "[9.0, 9.0, 9.0, 9.0]"
    expect(notebook.page.locator(".ireelab").last).to_contain_text("undeclared SSA value")
    earlier = notebook.page.locator(".ireelab").first
    earlier.locator(".il-step").nth(2).click()
    expect(selected_step(earlier)).to_be_visible()


def test_a_failing_pass_is_explored(open_notebook: OpenNotebook) -> None:
    failing = SQUARE.replace("arith.mulf %x, %x :", "stablehlo.custom_call @nobody(%x) :").replace(
        ": tensor<4xf32>\n  return", ": (tensor<4xf32>) -> tensor<4xf32>\n  return"
    )
    notebook = open_notebook("pass.ipynb", ["%load_ext ireelab", failing])
    notebook.run_all()
    explorer = notebook.page.locator(".ireelab").last
    expect(explorer.locator("[data-il=problems]")).to_contain_text("custom_call", timeout=30_000)
    assert "iree-stablehlo-to-iree-input" in notebook.output_texts()[1]


def test_dark_theme(open_notebook: OpenNotebook) -> None:
    """Everything follows when the theme changes, the canvas of the timeline included."""
    notebook = open_notebook("dark.ipynb", [MLP])
    notebook.run_all()
    explorer = the_explorer(notebook)
    explorer.locator(".il-timeline-canvas").scroll_into_view_if_needed()
    assert lightness(explorer) > 0.8
    notebook.set_theme("JupyterLab Dark")
    wait_for(notebook, lambda: lightness(explorer) < 0.3)
    background = explorer.evaluate("e => getComputedStyle(e).backgroundColor")
    assert sum(_rgb(background)) < 3 * 80
    notebook.set_theme("JupyterLab Light")


def lightness(explorer: Locator) -> float:
    """Of the timeline's background, from 0 (black) to 1; a pixel in its empty lower left."""
    pixel: list[int] = explorer.locator(".il-timeline-canvas").evaluate(
        """c => [...c.getContext('2d').getImageData(4, c.height - 4, 1, 1).data]"""
    )
    return sum(pixel[:3]) / 3 / 255


def _rgb(color: str) -> list[float]:
    return [float(part) for part in color.strip("rgba()").split(",")[:3]]


def test_the_page_from_the_command_line_is_the_same_explorer(
    tmp_path: Path, page: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ireelab import examples
    from ireelab.cli import main

    monkeypatch.chdir(tmp_path)
    assert main(["explore", str(examples.path("mlp"))]) == 0
    page.goto((tmp_path / "mlp.html").as_uri())
    expect(page.locator(".il-step").first).to_be_visible()
    page.locator(".il-step").first.click()
    page.keyboard.press("j")
    expect(page.locator(".il-step.il-selected")).to_contain_text("auto-input-conversion")


def test_models_come_from_the_kernel_and_cells_of_one_trace_share_a_selection(
    open_notebook: OpenNotebook,
) -> None:
    cells = [MLP, "il.allocation(trace)", "il.barriers(trace)"]
    notebook = open_notebook("linked.ipynb", cells)
    notebook.run_all()
    explorers = notebook.page.locator(".ireelab")
    expect(explorers).to_have_count(3, timeout=30_000)
    explorer, allocation, barriers = (explorers.nth(i) for i in range(3))

    # Asked for over the comm when the pane is first shown.
    explorer.scroll_into_view_if_needed()
    explorer.locator("[data-pane-tab=streams]").click()
    expect(explorer.locator(".il-graph-canvas")).to_be_visible(timeout=30_000)
    expect(explorer.locator("[data-pane=streams] .il-note")).to_contain_text("2 commands")

    # A slice chosen in its own cell is chosen in the explorer, and its barrier in the third.
    allocation.scroll_into_view_if_needed()
    allocation.locator(".il-live-row").first.click()
    wait_for(notebook, lambda: selection(notebook)["item"] == "slice:0")
    barriers.scroll_into_view_if_needed()
    barriers.locator(".il-b-command").nth(1).click()
    wait_for(notebook, lambda: selection(notebook)["item"] == "recorded:0.1")
    allocation.scroll_into_view_if_needed()
    expect(allocation.locator(".il-live-row.il-selected")).to_have_count(1)

    # The state that the explorer has now brings the view back.
    assert notebook.evaluate("explorer.state['selection']['item']") == "'recorded:0.1'"
    assert "streams" in notebook.evaluate("str(explorer.state['arrangement'])")


def test_a_simulation_in_a_cell_tries_other_devices(open_notebook: OpenNotebook) -> None:
    """The kernel simulates what the cell asks for, with the times that the cell shows."""
    cells = [MLP, "il.simulate(trace, times={0: 800.0, 1: 200.0}, units=1, invocations=1)"]
    notebook = open_notebook("simulated.ipynb", cells)
    notebook.run_all()
    cell = notebook.page.locator(".ireelab").nth(1)
    cell.scroll_into_view_if_needed()
    summary = cell.locator(".il-model-summary")
    expect(summary).to_contain_text("critical path 1.00\u00a0µs", timeout=30_000)
    expect(summary).to_contain_text("times: 2 given")
    cell.get_by_label("Calls", exact=True).select_option("3")
    cell.get_by_role("button", name="Table", exact=True).click()
    expect(cell.locator(".il-schedule-table h4")).to_contain_text("6 commands")
    expect(cell.locator(".il-schedule-figures tbody td").first).to_have_text("3.00\u00a0µs")
    cell.locator(".il-schedule-table .il-row").first.click()
    wait_for(notebook, lambda: selection(notebook)["item"] == "command:0")
