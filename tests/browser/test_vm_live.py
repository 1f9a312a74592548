"""Stepping through a call that the kernel executes, in a real JupyterLab."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import REPOSITORY, Notebook, OpenNotebook, Server, notebook_of_its_own, save
from playwright.sync_api import Browser, Locator, expect
from test_panes import AXE, violations

pytestmark = pytest.mark.browser

# A loop on the host, one dispatch in each turn; it fails where there are none.
SOURCE = """func.func @double(%x: tensor<4xf32>, %turns: i32) -> tensor<4xf32> {
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %fine = arith.cmpi ne, %turns, %zero : i32
  cf.assert %fine, "turns must not be zero"
  %out:2 = scf.while (%i = %zero, %now = %x) : (i32, tensor<4xf32>) -> (i32, tensor<4xf32>) {
    %more = arith.cmpi ne, %i, %turns : i32
    scf.condition(%more) %i, %now : i32, tensor<4xf32>
  } do {
  ^bb0(%i: i32, %now: tensor<4xf32>):
    %next = arith.addi %i, %one : i32
    %sum = arith.addf %now, %now : tensor<4xf32>
    scf.yield %next, %sum : i32, tensor<4xf32>
  }
  return %out#1 : tensor<4xf32>
}
"""
ARRANGEMENT = {"kind": "stack", "panes": ["vm", "run", "code"], "active": "vm"}
CELLS = [
    f"""import ireelab as il
import numpy as np
trace = il.compile({SOURCE!r}, name="double.mlir")
result = il.run(trace, "double", np.full(4, 3, np.float32), 3)
explorer = il.explore(trace, result, state={{"arrangement": {ARRANGEMENT!r}}})
explorer""",
]


@pytest.fixture(scope="module")
def notebook(jupyterlab: Server, browser: Browser) -> Iterator[Notebook]:
    with notebook_of_its_own(browser, jupyterlab, "vm.ipynb", CELLS) as notebook:
        notebook.run_all()
        yield notebook


@pytest.fixture
def vm(notebook: Notebook) -> Iterator[Locator]:
    """The VM pane with a call that has just begun."""
    pane = notebook.page.locator(".ireelab [data-pane=vm]")
    pane.locator("[data-il=vm-step]").click()
    expect(status(pane)).to_contain_text("before the first instruction", timeout=60_000)
    pane.get_by_role("listbox", name="Disassembly").focus()
    yield pane
    pane.locator("[data-il=vm-step]").click()
    expect(pane.locator(".il-vm-live")).to_be_hidden()
    wait_until_ended(notebook)


def wait_until_ended(notebook: Notebook) -> None:
    for _ in range(100):  # the page's requests and this one come by different ways
        if notebook.evaluate("explorer.stepping") == "{}":
            return
        notebook.page.wait_for_timeout(50)
    pytest.fail("the call is still stepped through")


def status(pane: Locator) -> Locator:
    return pane.locator("[data-il=vm-status]")


def value(pane: Locator, name: str) -> Locator:
    """A register or global, by what it is called."""
    return pane.locator(f'.il-vm-value[data-value="{name}"]')


def test_steps_a_breakpoint_and_what_a_register_holds(notebook: Notebook, vm: Locator) -> None:
    page = notebook.page
    expect(vm.locator(".il-vm-live")).to_contain_text("@double on llvm-cpu, inputs of run 1")
    for count in range(1, 4):
        page.keyboard.press("s")
        expect(status(vm)).to_contain_text(f"stepped · {count} instruction")
    # The marked row is where the kernel's debugger stands; its registers are the page's.
    now = notebook.evaluate("'{ordinal}:{pc}'.format(**explorer.stepping['frames'][-1])")
    mark = vm.locator(".il-vm-now.il-selected .il-vm-mark")
    expect(mark).to_have_attribute("data-mark", now[1:-1])
    expect(mark).to_have_text("▶")
    expect(value(vm, "%i0").locator(".il-vm-text")).to_have_text("3")  # turns

    # Memory is there before anything is computed in it.
    vm.locator("[data-il=vm-place]").fill("hal.device.queue.execute.indirect")
    vm.get_by_role("button", name="Add").click()
    vm.locator("[data-il=move-continue]").click()
    expect(status(vm)).to_contain_text("at breakpoint hal.device.queue.execute.indirect")
    made = vm.locator(".il-vm-value", has_text="!hal.buffer 64 B")
    made.click()
    expect(vm.locator(".il-vm-pending")).to_have_text(
        "not computed yet: nothing that writes it was submitted"
    )
    expect(vm.locator(".il-vm-elements")).to_have_count(0)
    save(page, "vm-not-computed")
    made.click()

    # Every turn submits once; what %r0 holds doubles from turn to turn.
    expect(vm.locator("[data-il=vm-breakpoints] li")).to_have_count(1)
    expect(vm.locator(".il-vm-now .il-vm-mark")).to_have_text("●▶")
    value(vm, "%r0").click()
    cells = vm.get_by_role("region", name="Contents of %r0").locator("td")
    expect(cells).to_have_text(["3"] * 4)
    vm.locator("[data-il=move-continue]").click()
    expect(cells).to_have_text(["6"] * 4)
    expect(vm.locator(".il-vm-elements .il-fresh")).to_have_count(4)
    expect(value(vm, "%i1")).to_have_class("il-vm-value il-fresh")  # the turn
    vm.get_by_label("Read %r0 as").select_option("i32")
    expect(cells.first).to_have_text("1086324736")  # the bits of 6.0

    if AXE.is_file():  # where it is not, test_panes says so
        page.evaluate(AXE.read_text())
        for theme in ("Dark", "Light"):
            notebook.set_theme(f"JupyterLab {theme}")
            assert violations(page) == [], theme

    # Without it to the end, whose result can be opened too; then once more from the start.
    vm.get_by_role("button", name="Clear the breakpoint").click()
    expect(vm.locator("[data-il=vm-breakpoints] li")).to_have_count(0)
    vm.locator("[data-il=move-continue]").click()
    expect(vm.locator(".il-vm-live")).to_contain_text("✓ returned !hal.buffer_view 4xf32")
    value(vm, "result 0").click()
    expect(vm.get_by_role("region", name="Contents of result 0").locator("td")).to_have_text(
        ["24"] * 4
    )
    save(page, "vm-returned")
    assert notebook.evaluate("result.outputs[0].tolist()") == "[24.0, 24.0, 24.0, 24.0]"
    vm.locator("[data-il=vm-start]").click()
    expect(status(vm)).to_contain_text("before the first instruction")


def test_clicks_set_breakpoints_and_one_runs_to_the_cursor(notebook: Notebook, vm: Locator) -> None:
    vm.get_by_label("Find an instruction").fill("vm.add.i32")
    vm.get_by_label("Find an instruction").press("Enter")
    add = vm.locator(".il-vm-row", has_text="vm.add.i32")
    add.locator(".il-vm-mark").click()
    expect(add.locator(".il-vm-mark")).to_have_text("●")
    vm.locator("[data-il=move-continue]").click()
    expect(add.locator(".il-vm-mark")).to_have_text("●▶")
    vm.locator(".il-vm-row", has_text="hal.fence.join").locator("code").click()
    vm.locator("[data-il=move-to]").click()
    expect(vm.locator(".il-vm-now")).to_contain_text("hal.fence.join")
    add.locator(".il-vm-mark").click()
    expect(add.locator(".il-vm-mark")).to_have_text("")


def test_a_failure_stands_at_its_instruction_and_a_run_ends_stepping(
    notebook: Notebook, vm: Locator
) -> None:
    explorer = notebook.page.locator(".ireelab")
    explorer.locator("[data-pane-tab=run]").click()
    explorer.locator("[data-il=input-1]").fill("0")
    explorer.locator("[data-pane-tab=vm]").click()
    vm.locator("[data-il=vm-inputs]").select_option("form")
    expect(vm.locator(".il-vm-live")).to_contain_text("inputs of the Run pane", timeout=30_000)
    vm.locator("[data-il=move-continue]").click()
    expect(vm.locator("[data-il=vm-failed]")).to_contain_text("turns must not be zero")
    failed = vm.locator(".il-vm-now.il-vm-failed")
    expect(failed).to_contain_text("vm.fail")
    expect(failed.locator(".il-vm-mark")).to_have_text("✕")
    save(notebook.page, "vm-failed")
    vm.locator("[data-il=vm-place]").fill("hal.nothing")
    vm.get_by_role("button", name="Add").click()
    expect(vm.locator("[data-il=live-problem]")).to_contain_text("does not call 'hal.nothing'")

    # A call without an end is stopped while cells run; another run ends the session.
    explorer.locator("[data-pane-tab=run]").click()
    explorer.locator("[data-il=input-1]").fill("2000000000")
    explorer.locator("[data-pane-tab=vm]").click()
    vm.locator("[data-il=vm-start]").click()
    expect(status(vm)).to_contain_text("before the first instruction", timeout=30_000)
    vm.locator("[data-il=move-continue]").click()
    expect(status(vm)).to_contain_text("continuing @double")
    assert notebook.evaluate("6 * 7") == "42"
    vm.locator("[data-il=vm-stop]").click()
    expect(status(vm)).to_contain_text("stopped · ")
    explorer.locator("[data-pane-tab=run]").click()
    explorer.locator("[data-il=input-1]").fill("2")
    explorer.locator("[data-il=run]").click()
    expect(explorer.locator("[data-il=outputs] h4")).to_have_text(
        "Outputs of run 2", timeout=30_000
    )
    assert notebook.evaluate("explorer.stepping") == "{}"
    explorer.locator("[data-pane-tab=vm]").click()
    vm.locator("[data-il=vm-step]").click()
    expect(vm.locator(".il-vm-live")).to_contain_text("inputs of run 2", timeout=30_000)


def test_a_yield_shows_what_is_awaited_and_a_cleared_output_ends_the_call(
    open_notebook: OpenNotebook, tmp_path: Path
) -> None:
    """A program alone, which waits for a fence that nobody signals."""
    source = REPOSITORY / "tests/vm/programs/vm_waits.mlir"
    compiler = Path(sys.executable).with_name("iree-compile")
    made = tmp_path / "waits.vmfb"
    subprocess.run([compiler, "--compile-mode=vm", source, "-o", made], check=True)
    cell = f"""import ireelab as il
explorer = il.explore(il.load({str(made)!r}), state={{"arrangement": {ARRANGEMENT!r}}})
explorer"""
    notebook = open_notebook("waits.ipynb", [cell])
    notebook.run_all()
    explorer = notebook.page.locator(".ireelab")
    explorer.locator("[data-pane-tab=run]").click()
    explorer.locator("[data-il=input-0]").fill("-1")
    explorer.locator("[data-pane-tab=vm]").click()
    vm = explorer.locator("[data-pane=vm]")
    vm.locator("[data-il=vm-step]").click()
    expect(status(vm)).to_contain_text("before the first instruction", timeout=60_000)
    vm.locator("[data-il=vm-place]").fill("hal.fence.await")
    vm.get_by_role("button", name="Add").click()
    vm.locator("[data-il=move-continue]").click()
    expect(status(vm)).to_contain_text("at breakpoint hal.fence.await")
    vm.locator("[data-il=move-step]").click()
    expect(status(vm)).to_contain_text("yielded")
    expect(vm.locator("[data-il=vm-waits]")).to_contain_text("!hal.fence pending")
    expect(vm.locator("[data-il=vm-waits]")).to_contain_text("at 0, awaits 1: pending")
    vm.locator("[data-il=move-over]").click()
    expect(vm.locator("[data-il=vm-stop]")).to_be_visible()
    save(notebook.page, "vm-waits")
    vm.locator("[data-il=vm-stop]").click()
    expect(status(vm)).to_contain_text("stopped")
    expect(vm.locator("[data-il=vm-waits]")).to_be_visible()
    notebook.execute("notebook:clear-all-cell-outputs")
    expect(explorer).to_have_count(0)
    wait_until_ended(notebook)
