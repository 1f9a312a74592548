"""Stepping through a call from the VM pane, asked without a page: against the debugger."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from live_support import ask, run

import ireelab as il
from ireelab.widgets.explorer import Explorer

X, *REST = il.examples.inputs("mlp")


@pytest.fixture(scope="module")
def trace() -> il.Trace:
    return il.compile(il.examples.path("mlp"))


@pytest.fixture
def explorer(trace: il.Trace) -> Iterator[Explorer]:
    explorer = il.explore(trace, il.run(trace, "mlp", X, *REST))
    yield explorer
    explorer.close()


def vm(explorer: Explorer, op: str, **request: Any) -> dict[str, Any]:
    """Do it to the end; returns where the call then stands."""
    assert ask(explorer, "vm", op=op, **request) is None
    return explorer.stepping


def held(state: dict[str, Any]) -> dict[str, str]:
    return {f"{one['name']}": one["text"] for one in state["frames"][-1]["registers"]}


def test_a_call_is_stepped_through_with_the_inputs_of_the_run(
    explorer: Explorer, trace: il.Trace
) -> None:
    assert run(explorer, "8x64xf32=2", "run 1", "run 1", "run 1") is None
    state = vm(explorer, "start")
    assert state["why"] == "started"
    assert (state["inputs"], state["device"]) == ("inputs of run 2", "llvm-cpu")
    twos = [np.full((8, 64), 2, np.float32), *REST]
    with il.debug(trace, "mlp", *twos) as call:
        for op, move in (("step", call.step), ("over", call.step_over), ("step", call.step)):
            state = vm(explorer, op)
            move()
            frame = state["frames"][-1]
            assert (frame["ordinal"], frame["pc"]) == call.address
            assert held(state) == dict(call.registers)
    # What %r0 holds is the input that was given.
    assert vm(explorer, "open", name="%r0", **{"as": "", "offset": 0})["opened"][0]["type"] == "f32"
    assert set(explorer.stepping["opened"][0]["texts"]) == {"2"}
    state = vm(explorer, "break", place="hal.buffer_view.create")
    assert [one["text"] for one in state["breakpoints"]] == ["hal.buffer_view.create"]
    state = vm(explorer, "continue")
    assert state["why"] == "breakpoint hal.buffer_view.create"
    state = vm(explorer, "continue")
    assert state["why"] == "returned" and state["results"][0]["text"].endswith("8x10xf32")
    (opened,) = vm(explorer, "open", name="result 0", **{"as": "", "offset": 0})["opened"][1:]
    result: Any = explorer.result
    np.testing.assert_allclose(
        [float(text) for text in opened["texts"]], result.outputs[0].ravel(), rtol=1e-5
    )
    first = f"{state['breakpoints'][0]['ids'][0]}"
    state = vm(explorer, "restart")
    assert state["why"] == "started" and state["breakpoints"][0]["ids"] == [first]
    assert vm(explorer, "to", id=first)["why"] == "stepped"
    assert vm(explorer, "clear", place="hal.buffer_view.create")["breakpoints"] == []
    assert vm(explorer, "end") == {}


def test_the_form_says_what_is_called_and_another_run_ends_the_session(explorer: Explorer) -> None:
    given = form("", "8x64xf32=3")
    assert vm(explorer, "start", form=given)["inputs"] == "inputs of the Run pane"
    (opened,) = vm(explorer, "open", name="%r0", **{"as": "i32", "offset": 0})["opened"]
    assert set(opened["texts"]) == {str(np.float32(3).view(np.int32))}
    for wrong in ({"op": "break", "place": "hal.nothing"}, {"op": "to", "place": "nowhere"}):
        problem = ask(explorer, "vm", **wrong)
        assert problem is not None
        assert (problem["where"], problem["kind"]) == ("vm", "InvalidInput")
    assert explorer.stepping["why"] == "started"
    assert vm(explorer, "break", place="hal.buffer_view.create")["breakpoints"]
    state = vm(explorer, "start", form=form(""))
    assert state["inputs"] == "made-up inputs"
    assert [one["text"] for one in state["breakpoints"]] == ["hal.buffer_view.create"]
    assert run(explorer) is None
    assert explorer.stepping == {}
    problem = ask(explorer, "vm", op="step")
    assert problem is not None
    assert "start one" in problem["message"]


HOST = """
func.func @count(%n: i32) -> i32 {
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %sum = scf.while (%i = %zero) : (i32) -> i32 {
    %more = arith.cmpi ne, %i, %n : i32
    scf.condition(%more) %i : i32
  } do {
  ^bb0(%i: i32):
    %next = arith.addi %i, %one : i32
    scf.yield %next : i32
  }
  return %sum : i32
}
func.func @checked(%i: i32) -> i32 {
  %zero = arith.constant 0 : i32
  %fine = arith.cmpi ne, %i, %zero : i32
  cf.assert %fine, "i must not be zero"
  return %i : i32
}
"""


def form(function: str, *inputs: str) -> dict[str, Any]:
    """What the Run pane holds."""
    return {"program": 1, "function": function, "inputs": list(inputs), "device": "llvm-cpu",
            "repeat": 1, "profile": False}  # fmt: skip


@pytest.fixture(scope="module")
def host() -> il.Trace:
    """A program whose numbers are the host's own business."""
    return il.compile(HOST)


def test_a_long_continue_is_stopped_and_closing_ends_it(host: il.Trace) -> None:
    explorer = il.explore(host)
    assert vm(explorer, "start", form=form("count", "2000000000"))["why"] == "started"
    begun = threading.Event()
    explorer.observe(lambda change: begun.set() if change.new.get("count") else None, "job")
    explorer.answer({"type": "live", "do": "vm", "op": "continue"})
    assert explorer.job["title"] == "continuing @count"
    assert begun.wait(60)  # how many instructions there were
    explorer.answer({"type": "live", "do": "vm", "op": "break", "place": "@count"})
    assert "stop it first" in explorer.live["problem"]["message"]
    explorer.answer({"type": "live", "do": "vm", "op": "step"})
    assert "still goes on" in explorer.live["problem"]["message"]
    explorer.stop()
    assert explorer.wait(60)
    state = explorer.stepping
    assert state["why"] == "stopped"
    steps = state["steps"]
    assert vm(explorer, "step")["steps"] == steps + 1
    explorer.answer({"type": "live", "do": "vm", "op": "continue"})
    (thread,) = (t for t in threading.enumerate() if t.name == "ireelab-job")
    explorer.close()
    thread.join(60)
    assert not thread.is_alive()
    assert explorer.stepping == {}


def test_a_failure_is_shown_at_its_instruction(host: il.Trace) -> None:
    explorer = il.explore(host)
    vm(explorer, "start", form=form("checked", "0"))
    state = vm(explorer, "continue")
    assert (state["why"], state["kind"]) == ("failed", "VMError")
    assert state["error"].startswith("FAILED_PRECONDITION: i must not be zero")
    frame = state["frames"][-1]
    listing = il.vm_listing(host.program)
    (at,) = (i for f in listing.functions if f.ordinal == frame["ordinal"]
             for i in f.instructions if i.pc == frame["pc"] and i.mnemonic)  # fmt: skip
    assert at.mnemonic == "fail"
    assert vm(explorer, "step")["frames"][-1]["pc"] == frame["pc"]  # there is no way on
    assert vm(explorer, "restart")["error"] == ""
    assert explorer.live["problem"] is None
    explorer.close()
