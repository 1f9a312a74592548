"""``%%iree`` and its line magics in a shell, without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from ireelab.errors import UnknownFunction
from ireelab.pipeline.compile import compile
from ireelab.widgets.magic import CellFailed, register_magics
from ireelab.widgets.magic_completion import completions

SQUARE = """func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = arith.mulf %x, %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
"""


@pytest.fixture(scope="module")
def module_shell() -> Iterator[InteractiveShell]:
    shell = InteractiveShell.instance()
    yield shell
    InteractiveShell.clear_instance()


@pytest.fixture
def shell(module_shell: InteractiveShell) -> InteractiveShell:
    """A shell with the magics, and nothing defined but ``np``."""
    module_shell.reset(new_session=False)
    register_magics(module_shell)
    module_shell.user_ns["np"] = np
    return module_shell


def cell(shell: InteractiveShell, line: str, body: str = SQUARE) -> Any:
    return shell.run_cell_magic("iree", line, body)


def line(shell: InteractiveShell, name: str, text: str) -> Any:
    return shell.run_line_magic(name, text)


def test_a_cell_binds_its_trace_and_shows_an_explorer(shell: InteractiveShell) -> None:
    with capture_output() as captured:
        cell(shell, "square --until flow")
    trace = shell.user_ns["square"]
    assert trace.complete
    assert set(trace.phases) <= {
        "input", "abi", "global-optimization", "dispatch-creation", "flow",
    }  # fmt: skip
    (shown,) = captured.outputs
    assert "application/vnd.jupyter.widget-view+json" in shown.data


def test_the_default_name(shell: InteractiveShell) -> None:
    cell(shell, "--until abi")
    assert shell.user_ns["_iree"].source.endswith(SQUARE)


def test_flags_reach_the_compiler(shell: InteractiveShell) -> None:
    cell(shell, "a --until abi --flag --iree-opt-level=O3 --flag=--iree-input-type=none")
    assert shell.user_ns["a"].flags == ("--iree-opt-level=O3", "--iree-input-type=none")


@pytest.mark.parametrize(
    "option",
    ['--input "np.arange(4, dtype=np.float32)"', "--input values", "--input '4xf32=0 1 2 3'"],
)
def test_a_cell_runs(shell: InteractiveShell, option: str) -> None:
    shell.user_ns["values"] = np.arange(4, dtype=np.float32)
    cell(shell, f"square --run {option}")
    result = shell.user_ns["square_result"]
    np.testing.assert_array_equal(result.outputs[0], [0, 1, 4, 9])
    assert any(event.kind == "dispatch" for event in result.timeline.events)


def test_source_locations_are_those_of_the_cell(shell: InteractiveShell) -> None:
    """The function is on the cell's second line: the magic stands on the first."""
    cell(shell, "square --run --input 4xf32=1")
    events = shell.user_ns["square_result"].timeline.events
    places = {place for event in events for place in event.source_locations}
    assert places <= {"square.mlir:2", "square.mlir:3"}
    assert places


def test_a_cell_on_two_devices(shell: InteractiveShell) -> None:
    body = """func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %b = flow.tensor.transfer %x : tensor<4xf32> to #hal.device.promise<@b>
  %0 = arith.mulf %b, %b : tensor<4xf32>
  %a = flow.tensor.transfer %0 : tensor<4xf32> to #hal.device.promise<@a>
  return %a : tensor<4xf32>
}
"""
    devices = "--device llvm-cpu --device llvm-cpu"
    with capture_output():
        targets = "--target a=llvm-cpu --target b=llvm-cpu"
        cell(shell, f"two {targets} {devices} --run --input 4xf32=3", body)
    result = shell.user_ns["two_result"]
    np.testing.assert_array_equal(result.outputs[0], np.full(4, 9, np.float32))
    assert result.device == "llvm-cpu:0, llvm-cpu:1"
    again = line(shell, "iree_run", f"two --input 4xf32=2 {devices}")
    np.testing.assert_array_equal(again.outputs[0], np.full(4, 4, np.float32))
    with pytest.raises(CellFailed, match="uses 2 devices at once"):
        line(shell, "iree_run", "two --input 4xf32=2")
    with capture_output(), pytest.raises(CellFailed, match="--target a=llvm-cpu"):
        cell(shell, devices, body)


def test_iree_run_uses_the_latest_cell(shell: InteractiveShell) -> None:
    cell(shell, "square")
    line(shell, "iree_run", "--input 4xf32=3")
    np.testing.assert_array_equal(shell.user_ns["square_result"].outputs[0], [9] * 4)
    line(shell, "iree_run", "square --function main --input 4xf32=2 --repeat 2")
    np.testing.assert_array_equal(shell.user_ns["square_result"].outputs[0], [4] * 4)


def test_iree_diff_by_phase_pass_and_index(shell: InteractiveShell) -> None:
    cell(shell, "square --until flow")
    by_phase = line(shell, "iree_diff", "input flow")
    assert "flow.dispatch" in str(by_phase)
    by_index = line(shell, "iree_diff", "0 -1 --trace square")
    assert str(by_index).splitlines()[-1] == str(by_phase).splitlines()[-1]
    with pytest.raises(UsageError, match="phases: input, abi"):
        line(shell, "iree_diff", "input nowhere")


# --- failing cells -------------------------------------------------------------------


def test_an_invalid_cell_shows_its_line_and_keeps_earlier_results(shell: InteractiveShell) -> None:
    cell(shell, "square --until abi")
    before = shell.user_ns["square"]
    with pytest.raises(CellFailed) as failed:
        cell(shell, "square --until abi", SQUARE.replace("%x, %x", "%x, %y"))
    lines = failed.value._render_traceback_()
    assert any("square.mlir:3:" in text and "undeclared SSA value" in text for text in lines)
    source = next(i for i, text in enumerate(lines) if "arith.mulf %x, %y" in text)
    assert lines[source + 1].index("^") == lines[source].index("%y")
    assert not any("Traceback" in text or "File " in text for text in lines)
    assert shell.user_ns["square"] is before


def test_a_failing_pass_is_named_and_its_steps_are_kept(shell: InteractiveShell) -> None:
    body = (
        "func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {\n"
        "  %0 = stablehlo.custom_call @nobody(%x) : (tensor<4xf32>) -> tensor<4xf32>\n"
        "  return %0 : tensor<4xf32>\n}\n"
    )
    with pytest.raises(CellFailed, match="iree-stablehlo-to-iree-input") as failed:
        cell(shell, "odd", body)
    assert "odd.mlir:3:" in str(failed.value)
    assert shell.user_ns["odd_failed"].steps
    assert "odd" not in shell.user_ns


def test_a_failing_run_keeps_the_trace(shell: InteractiveShell) -> None:
    with pytest.raises(CellFailed) as failed:
        cell(shell, "square --run nobody --input 4xf32=1")
    assert isinstance(failed.value.__cause__, UnknownFunction)
    assert shell.user_ns["square"].complete
    assert "square_result" not in shell.user_ns


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("not-a-name", "cannot be the name of a variable"),
        ("a --input 4xf32=1", "goes with --run"),
        ("a --run --until flow", "without --until flow"),
        ("a --run --input nothing", "nothing.*NameError"),
        ("a --run --input '4xf32=1 2'", "gives 2 values"),
        ("a --what", "unrecognized arguments"),
        ("a --pipeline mine", "mine.*upstream, lab"),
        ("a --pipeline np", "module is no pipeline"),
        ("a --target llvm-cpuu", "did you mean 'llvm-cpu'"),
    ],
)
def test_wrong_usage_is_said_before_compiling(
    shell: InteractiveShell, text: str, said: str
) -> None:
    with pytest.raises((UsageError, CellFailed), match=said):
        cell(shell, text)
    assert "a" not in shell.user_ns


def test_line_magics_without_a_cell(shell: InteractiveShell) -> None:
    with pytest.raises(UsageError, match="no %%iree cell has been compiled"):
        line(shell, "iree_run", "")
    with pytest.raises(UsageError, match="no variable 'nobody'"):
        line(shell, "iree_diff", "0 1 --trace nobody")


@pytest.mark.parametrize(("magic", "text"), [("iree_run", "np"), ("iree_diff", "0 1 --trace np")])
def test_a_variable_that_holds_no_trace(shell: InteractiveShell, magic: str, text: str) -> None:
    with pytest.raises(UsageError, match="np is a module, not a trace"):
        line(shell, magic, text)


# --- completion and help -------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("%%iree --ta", ["--target"]),
        ("%%iree x --target ll", ["llvm-cpu"]),
        ("%%iree x --target=ll", ["llvm-cpu"]),
        ("%%iree x --until str", ["stream"]),
        ("%%iree x --pipeline ", ["upstream", "lab"]),
        ("%iree_run --rep", ["--repeat"]),
        ("%iree_diff --tr", ["--trace"]),
        ("%iree_diff flow str", ["stream"]),
    ],
)
def test_completion(shell: InteractiveShell, text: str, offered: list[str]) -> None:
    assert completions(text) == offered
    assert shell.complete(None, text, len(text))[1] == offered


def test_completion_offers_the_traces_there_are(shell: InteractiveShell) -> None:
    with capture_output():
        cell(shell, "square --until input")
    for text in ("%iree_run sq", "%iree_diff 0 1 --trace sq"):
        assert shell.complete(None, text, len(text))[1] == ["square"]


def test_progress_is_shown_while_compiling(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ireelab.widgets.explorer import Explorer

    seen: list[Any] = []
    made = Explorer.__init__

    def watched(self: Explorer, *args: Any, **traits: Any) -> None:
        made(self, *args, **traits)
        self.observe(lambda change: seen.append(change.new), "progress")

    monkeypatch.setattr(Explorer, "__init__", watched)
    cell(shell, "square")
    assert any(progress.get("count", 0) > 0 and progress["step"] for progress in seen)
    assert seen[-1] == {}


def test_help_lists_the_options(shell: InteractiveShell) -> None:
    documentation = shell.find_cell_magic("iree").__doc__
    for option in ("--target", "--pipeline", "--until", "--run", "--input", "--flag"):
        assert option in documentation


def test_a_cell_that_begins_at_a_lab_step(shell: InteractiveShell) -> None:
    trace = compile(SQUARE, pipeline="lab", until="flow")
    text = trace.ir(-1, module=True)
    with capture_output():
        cell(shell, "part --pipeline lab --from-step verify-input --until schedule-execution", text)
        cell(
            shell, "part --pipeline lab --from-step verify-input --until verify-input --cache", text
        )
        first = shell.user_ns["part"]
        cell(
            shell, "part --pipeline lab --from-step verify-input --until verify-input --cache", text
        )
    assert shell.user_ns["part"].steps[0].lab == "verify-input"
    assert (first.cached, shell.user_ns["part"].cached) == (False, True)
