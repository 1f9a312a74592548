"""Lists, buffers, globals, branches and calls: against IREE, stepper against translation."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from vm_support import VmReference, assemble, same

import ireelab as il
from ireelab.errors import VMError
from ireelab.vm import translate
from ireelab.vm.breakpoints import Place
from ireelab.vm.debug_state import state_record
from ireelab.vm.execution import named_values
from ireelab.vm.scheduler import Scheduler
from ireelab.vm.stepper import Stepper

# (program, function, arguments); calls of one program run in this order, on one context.
CALLS: list[tuple[str, str, tuple[Any, ...]]] = [
    *(("vm_values.mlir", "globals", a) for a in [(4, 7, 2.0, 0.5), (-9, -(1 << 40), 0.1, 1e300)]),
    *(("vm_values.mlir", "list_i32", a) for a in [(0, 5), (3, -1), (2, 1 << 30)]),
    *(("vm_values.mlir", "list_narrow", (v,)) for v in (1, 127, 128, 40000, -3)),
    *(("vm_values.mlir", "list_float", (v,)) for v in (1.5, 0.1, -1e39, 3e38)),
    *(("vm_values.mlir", "list_variant", (i, 1 << 33)) for i in (0, 2)),
    *(("vm_values.mlir", "buffer_loads", (i,)) for i in range(8)),
    *(("vm_values.mlir", "buffer_wide", (i,)) for i in (0, 1)),
    ("vm_values.mlir", "buffer_stores", (-2, -(1 << 62) + 5, 1.25, -2.5)),
    ("vm_values.mlir", "buffer_stores", (0x12345, 1 << 50, -0.1, 1e-300)),
    *(("vm_values.mlir", "buffer_compare", a) for a in [(0, 4), (1, 2), (0, 0)]),
    ("vm_values.mlir", "kept_ref", (1,)),
    *(("vm_values.mlir", "switches", (i, 5, 1.5, -2.5)) for i in (-1, 0, 1, 2, 3)),
    *(("vm_control.mlir", "collatz", (n,)) for n in (-4, 1, 6, 27)),
    *(("vm_control.mlir", "table", (i, 100)) for i in (-1, 0, 1, 2, 3)),
    *(("vm_control.mlir", "calls", (7, b)) for b in (3, 9)),
    *(("vm_control.mlir", "swap_loop", (n, 1, -2)) for n in range(4)),
    ("vm_control.mlir", "fails_when_negative", (3,)),
]
FAILURES: list[tuple[str, str, tuple[Any, ...], str]] = [
    ("vm_values.mlir", "list_i32", (4, 1), "out of bounds"),
    ("vm_values.mlir", "list_i32", (-1, 1), "out of bounds"),
    ("vm_values.mlir", "list_variant", (5, 0), "out of bounds"),
    ("vm_values.mlir", "buffer_loads", (8,), "outside of 16 bytes"),
    ("vm_values.mlir", "buffer_wide", (2,), "outside of 16 bytes"),
    ("vm_values.mlir", "buffer_compare", (0, 5), "outside of 4 bytes"),
    ("vm_values.mlir", "kept_ref", (0,), "null"),
    ("vm_control.mlir", "fails_when_negative", (-3,), "FAILED_PRECONDITION: a is negative"),
]


@pytest.fixture(scope="module")
def paths(vm_program: Callable[[str], Path]) -> dict[str, Path]:
    return {name: vm_program(name) for name in ("vm_values.mlir", "vm_control.mlir")}


@pytest.mark.parametrize("name", ["vm_values.mlir", "vm_control.mlir"])
def test_agrees_with_iree(name: str, paths: dict[str, Path]) -> None:
    reference = VmReference(paths[name])
    program = il.load(paths[name])
    with il.Context(program, "null") as called, il.Context(program, "null") as stepped:
        for _, function, arguments in (c for c in CALLS if c[0] == name):
            expected = reference(function, *arguments)
            outputs = called.invoke(function, *arguments)
            stepper = Stepper(stepped, function, *arguments)
            stepper.finish()
            for kind, values in (("called", outputs), ("stepped", stepper.result())):
                pairs = zip(values, expected, strict=True)
                assert all(same(a, b) for a, b in pairs), (
                    f"{function}{arguments} {kind}: {values}, IREE's VM has {expected}"
                )


@pytest.mark.parametrize(("name", "function", "arguments", "message"), FAILURES)
def test_failures(
    name: str, function: str, arguments: tuple[Any, ...], message: str, paths: dict[str, Path]
) -> None:
    with pytest.raises(Exception):  # noqa: B017  # IREE's binding has no type for it
        VmReference(paths[name])(function, *arguments)
    with il.Context(il.load(paths[name]), "null") as vm_context:
        with pytest.raises(VMError, match=message):
            vm_context.invoke(function, *arguments)
        with pytest.raises(VMError, match=message):
            Stepper(vm_context, function, *arguments).finish()


def test_straight_line_functions_have_no_dispatch_loop(paths: dict[str, Path]) -> None:
    program = il.load(paths["vm_values.mlir"])
    source = translate.source(program, "globals")
    assert source.startswith("def globals")
    assert "while" not in source and "pc" not in source
    assert "while True" in translate.source(il.load(paths["vm_control.mlir"]), "collatz")


def test_calls_and_sequential_moves(calls: Path) -> None:
    reference = VmReference(calls)
    with il.Context(il.load(calls), "null") as vm_context:
        for function, arguments in (("fibonacci", (11,)), ("rotate", (1, 2, 3))):
            expected = reference(function, *arguments)
            assert vm_context.invoke(function, *arguments) == expected
            stepper = Stepper(vm_context, function, *arguments)
            stepper.finish()
            assert stepper.result() == expected


def test_invocations_interleave(calls: Path) -> None:
    with il.Context(il.load(calls), "null") as vm_context:
        scheduler = Scheduler()
        tasks = [scheduler.spawn(vm_context.start("yields", n)) for n in (1, 10)]
        for task in tasks:
            task.step()
        assert not any(task.finished for task in tasks)
        scheduler.run()
        assert [task.result() for task in tasks] == [(3,), (12,)]
        assert vm_context.invoke("yields", 5) == (7,)


def test_endless_recursion_is_an_error(calls: Path) -> None:
    with (
        il.Context(il.load(calls), "null") as vm_context,
        pytest.raises(VMError, match="nest too deep"),
    ):
        vm_context.invoke("endless", 1)


def test_stepper_enters_calls(calls: Path) -> None:
    with il.Context(il.load(calls), "null") as vm_context:
        stepper = Stepper(vm_context, "fibonacci", 3)
        assert stepper.function == "fibonacci" and stepper.registers == {"i0": 3}
        assert stepper.run_to(function="fibonacci")
        assert len(stepper.frames) == 2 and stepper.registers == {"i0": 2}
        with pytest.raises(VMError, match="still in 'fibonacci'"):
            stepper.result()
        stepper.finish()
        assert stepper.finished and stepper.result() == (2,)
        with pytest.raises(VMError, match="has ended"):
            _ = stepper.pc
        with pytest.raises(VMError, match="nest too deep"):
            Stepper(vm_context, "endless", 1).finish()


def test_the_debugger_steps_over_and_out_of_calls(calls: Path) -> None:
    with il.debug(il.load(calls), "fibonacci", 3, device="null") as call:
        call.break_at("@fibonacci")
        assert call.resume().why == "breakpoint @fibonacci"
        assert call.resume().why == "breakpoint @fibonacci" and len(call.stepper.frames) == 3
        state = state_record(call)
        assert [frame["function"] for frame in state["frames"]] == ["fibonacci"] * 3
        assert state["depth"] == 3 and call.registers == {"i0": "1"}
        assert named_values(call.stepper)["%i0"] == 1 and named_values(call.stepper)["^^%i0"] == 3
        call.clear_breakpoints()
        assert len(call.step_over().stepper.frames) == 3
        assert len(call.step_out().stepper.frames) == 2 and call.why == "stepped"
        call.break_at(Place(call="fibonacci"))  # its own functions are called too
        assert call.step_out().why == "breakpoint fibonacci"
        call.clear_breakpoints()
        assert call.resume().why == "returned" and call.result() == (2,)
        assert call.restart().registers == {"i0": "3"} and call.why == "started"


def test_a_yield_is_a_stop_and_a_wait_can_be_stopped(vm_program: Callable[[str], Path]) -> None:
    program = il.load(vm_program("vm_waits.mlir"))
    with il.debug(program, "waits", -1, device="null") as call:
        call.break_at("hal.fence.await")
        assert call.resume().why == "breakpoint hal.fence.await" and call.waiting is None
        assert call.step().why == "waits"
        assert call.waiting is not None and "waits for !hal.fence pending" in str(call)
        (awaited,) = state_record(call)["waits"]
        assert awaited["facts"] == [["timepoint 0", "at 0, awaits 1: pending"]]
        pc, steps = call.stepper.pc, call.stepper.steps
        timer = threading.Timer(0.1, call.stop.set)
        timer.start()
        assert call.resume().why == "stopped" and call.stepper.pc == pc
        timer.join()
        call.stop.clear()
        call.waiting.fences[0].signal()
        assert call.step().stepper.pc > pc and call.stepper.registers["i0"] == 0
        assert call.waiting is None and call.stepper.steps == steps  # one instruction, not two
        assert call.resume().result() == (0,)
    expected = il.run(program, "waits", 20, device="null").outputs
    with il.debug(program, "waits", 20, device="null") as call:
        assert call.resume().result() == expected == (4,)  # DEADLINE_EXCEEDED


def test_a_long_continue_is_stopped_between_instructions(calls: Path) -> None:
    with il.debug(il.load(calls), "fibonacci", 40, device="null") as call:
        timer = threading.Timer(0.1, call.stop.set)
        timer.start()
        assert call.resume().why == "stopped" and not call.finished
        timer.join()
        call.stop.clear()
        steps = call.stepper.steps
        assert call.step().stepper.steps == steps + 1


@pytest.mark.parametrize(("name", "function", "arguments", "message"), FAILURES)
def test_a_failed_call_stands_where_it_failed(
    name: str, function: str, arguments: tuple[Any, ...], message: str, paths: dict[str, Path]
) -> None:
    with il.debug(il.load(paths[name]), function, *arguments, device="null") as call:
        with pytest.raises(VMError, match=message):
            call.resume()
        assert call.why == "failed" and not call.finished
        before = str(call)
        with pytest.raises(VMError, match=message):
            call.step()
        assert str(call) == before
        assert state_record(call)["error"] == str(call.error)
        assert call.restart().error is None


def test_run_to_a_pc_in_a_loop(paths: dict[str, Path]) -> None:
    with il.Context(il.load(paths["vm_control.mlir"]), "null") as vm_context:
        stepper = Stepper(vm_context, "swap_loop", 3, 1, -2)
        subtract = None
        while subtract is None:
            if stepper.instruction.mnemonic == "sub.i32":
                subtract = stepper.pc
            stepper.step()
        stops = 0
        while stepper.run_to(pc=subtract):
            stops += 1
        assert stops == 2  # the loop runs three times, the first was stepped through
        assert stepper.result() == (-2, 1)


def test_long_chains_of_conditions_translate(tmp_path: Path) -> None:
    # Neither Python's recursion limit nor its limit of nested blocks may show.
    count = 1500
    lines = ["vm.module @long version 0", "vm.type i32", "", "vm.export @f"]
    lines += ["vm.func @f(%i0: i32) -> (i32) {", "^bb0:", "  vm.br ^bb1()"]
    for i in range(count):
        lines += [f"^bb{2 * i + 1}:", f"  %i1 = vm.const.i32 {i}"]
        lines += ["  %i2 = vm.cmp.eq.i32 %i0, %i1"]
        lines += [f"  vm.cond_br %i2, ^bb{2 * i + 2}(), ^bb{2 * i + 3}()"]
        lines += [f"^bb{2 * i + 2}:", f"  %i1 = vm.const.i32 {7 * i}", "  vm.return %i1"]
    lines += [f"^bb{2 * count + 1}:", "  vm.return %i0", "}"]
    (tmp_path / "long.vmasm").write_text("\n".join(lines) + "\n")
    assemble(tmp_path / "long.vmasm", tmp_path / "long.vmfb")
    with il.Context(il.load(tmp_path / "long.vmfb"), "null") as vm_context:
        assert vm_context.invoke("f", 3) == (21,)
        assert vm_context.invoke("f", count - 1) == (7 * (count - 1),)
        assert vm_context.invoke("f", -5) == (-5,)
