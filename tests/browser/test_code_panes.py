"""The panes over code: kernels from linalg to assembly, and the program as the VM runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="pip install 'ireelab[test]' for the browser tests")
from conftest import OpenPage, selection
from page_support import FakeRun, fake_events
from playwright.sync_api import expect

import ireelab as il
from ireelab.hal.timeline import Timeline

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def trace() -> il.Trace:
    return il.compile(il.examples.path("mlp"), name="mlp.mlir")


@pytest.fixture(scope="module")
def page_file(trace: il.Trace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run: Any = FakeRun(Timeline(fake_events(trace), overhead_ns=60))
    return il.explore(trace, run).save_html(tmp_path_factory.mktemp("pages") / "mlp.html")


def test_a_kernel_its_code_and_its_dispatches(
    open_page: OpenPage, page_file: Path, trace: il.Trace
) -> None:
    page = open_page(page_file)
    first, second = il.executables(trace)
    page.locator("[data-pane-tab=executables]").click()
    rows = page.get_by_role("listbox", name="Kernels").get_by_role("option")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("50 %")  # both dispatches of the run take as long
    rows.nth(1).click()
    assert selection(page)["item"] == f"kernel:{second.entry_point}"
    page.keyboard.press("ArrowUp")
    assert selection(page)["item"] == f"kernel:{first.entry_point}"

    # Text and numbers are those of the model.
    assert first.cpu is not None
    counts = page.get_by_role("region", name="What the kernel uses")
    expect(counts).to_contain_text(f"{first.cpu.mix.instructions:,}")
    page.get_by_label("Columns").select_option("2")
    page.get_by_label("Column 1").select_option("llvm_ir")
    page.get_by_label("Column 2").select_option("assembly")
    columns = page.locator(".il-column")
    mapped = [line for line in first.cpu.assembly.llvm_lines if line][5]
    at = first.cpu.assembly.llvm_lines.index(mapped)
    columns.nth(1).locator(".cm-line").nth(at).click(position={"x": 40, "y": 8})
    expect(columns.first.locator(".il-line-selected")).to_have_text(
        str(first.cpu.llvm_ir.lines[mapped - 1])
    )
    expect(page.locator(".il-column-status")).to_contain_text(f"Line {at + 1} of Assembly: 1 line")

    # The dispatch of a kernel, its event, and the kernel of another command.
    expect(page.locator("[data-pane-tab=executables]")).to_have_attribute("aria-selected", "true")
    page.locator("[data-pane-tab=details]").click()
    expect(page.locator("[data-il=event-details] h3")).to_have_text(first.function)
    page.evaluate(
        "window.ireelab.model.set('selection', "
        "{step: null, line: null, view: 'ir', item: 'command:1'})"
    )
    expect(rows.nth(1)).to_have_attribute("aria-selected", "true")

    # A step of code generation, and from there its IR.
    step = next(i for i in second.steps if trace.steps[i].changed and not trace.steps[i].composite)
    page.get_by_label("Column 1").select_option(f"step:{step}")
    page.get_by_role("button", name="IR ›").first.click()
    assert selection(page)["step"] == step
    expect(page.locator("[data-il=ir]")).to_be_visible()


def test_a_low_pane_lists_the_kernels_first(open_page: OpenPage, page_file: Path) -> None:
    page = open_page(page_file, width=800)
    page.locator("[data-pane-tab=executables]").click()
    counts = page.get_by_role("region", name="What the kernel uses")
    expect(page.get_by_role("listbox", name="Kernels")).to_be_visible()
    expect(counts).to_be_hidden()
    page.locator("summary", has_text="What the kernel uses").click()
    expect(counts).to_be_visible()
    page.set_viewport_size({"width": 760, "height": 880})  # what was opened stays open
    expect(counts).to_be_visible()


def test_an_instruction_its_call_its_kernel_and_its_source(
    open_page: OpenPage, page_file: Path, trace: il.Trace
) -> None:
    page = open_page(page_file)
    listing = il.vm_listing(trace.program)
    every = [i for function in listing.functions for i in function.instructions]
    first, second = [i for i in every if i.entry_point]
    page.locator("[data-pane-tab=vm]").click()
    rows = page.get_by_role("listbox", name="Disassembly")
    find = page.get_by_label("Find an instruction")
    find.fill(f"dispatch {second.entry_point}")
    find.press("Enter")
    assert selection(page)["item"] == f"instruction:{second.id}"
    expect(rows.locator(".il-selected")).to_contain_text(second.entry_point.split("_1_")[1])
    foot = page.locator(".il-vm-foot")
    expect(foot).to_contain_text("hal.command_buffer.dispatch(ref")

    # The previous call by keyboard, then the command as another pane would select it.
    rows.focus()
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
        if selection(page)["item"] == f"instruction:{first.id}":
            break
    expect(rows.locator(".il-selected")).to_contain_text(first.entry_point.split("_0_")[1])
    page.evaluate(
        "window.ireelab.model.set('selection', "
        "{step: null, line: null, view: 'ir', item: 'command:1'})"
    )
    expect(rows.locator(".il-selected")).to_contain_text(second.entry_point.split("_1_")[1])
    foot.get_by_role("button", name="kernel").click()
    assert selection(page)["item"].endswith(f"::{second.entry_point}")

    # Who uses a global; and where in the source an instruction comes from.
    (used, *_) = listing.globals
    page.get_by_role("button", name=f"{used.slot} {len(used.uses)} uses").click()
    assert selection(page)["item"] == f"instruction:{used.uses[0]}"
    placed = next(i for i in every if i.location.endswith(":15:13"))
    page.evaluate(
        "item => window.ireelab.model.set('selection', {step: null, line: null, view: 'ir', item})",
        f"instruction:{placed.id}",
    )
    foot.get_by_role("button", name="source line 15").click()
    expect(page.locator("[data-il=ir] .il-line-selected")).to_be_visible()
    assert selection(page) == {
        "step": None,
        "line": 15,
        "view": "ir",
        "item": selection(page)["item"],
    }


def test_a_call_is_stepped_through(
    open_page: OpenPage, page_file: Path, trace: il.Trace, tmp_path: Path
) -> None:
    """Against the debugger, which executes; what a page holds is a record of the same call."""
    page = open_page(page_file)
    page.locator("[data-pane-tab=vm]").click()
    boxes = [page.locator(name).bounding_box() for name in (".il-vm-list", ".il-vm-foot")]
    assert boxes[0] and boxes[1]
    assert boxes[0]["y"] < boxes[1]["y"], "what is chosen is described below the list"
    page.locator("[data-il=vm-step]").click()
    state = page.get_by_role("region", name="Registers and globals")
    expect(state).to_contain_text("Recorded: the call was stepped through once")
    expect(state).to_contain_text("%r0 •")
    inputs = il.examples.inputs("mlp")
    page.get_by_role("listbox", name="Disassembly").focus()
    with il.debug(trace, "mlp", *inputs) as call:
        for _ in range(5):
            page.keyboard.press("s")
            call.step()
        ordinal = call.stepper.frame.function.ordinal
        assert selection(page)["item"] == f"instruction:{ordinal}:{call.stepper.pc}"
        for name, text in call.registers.items():
            expect(state.locator("dt", has_text=f"%{name}").first).to_be_visible()
            expect(state).to_contain_text(text)

    # A breakpoint two instructions on, then back, to it, and to the end.
    page.keyboard.press("n")
    page.keyboard.press("n")
    page.keyboard.press("b")
    stopped = selection(page)["item"]
    page.keyboard.press("Shift+S")
    assert selection(page)["item"] != stopped
    page.keyboard.press("r")
    assert selection(page)["item"] == stopped
    expect(page.locator(".il-vm-now .il-vm-mark")).to_have_text("●▶")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(state).to_contain_text("✓ returned !hal.buffer_view 8x10xf32")

    # A page of a trace that was not run says why there is nothing.
    page = open_page(il.explore(trace).save_html(tmp_path / "not-run.html"))
    page.locator("[data-pane-tab=vm]").click()
    page.locator("[data-il=vm-step]").click()
    expect(page.locator(".il-vm-state [data-state=absent]")).to_contain_text("was run")
