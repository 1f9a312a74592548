"""Lists, buffers, globals, branches and calls: against IREE, stepper against translation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from vm_support import PROGRAMS, VmReference, assemble, same

import ireelab as il
from ireelab.errors import VMError
from ireelab.vm import translate
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
            assert not stepper.resume()  # no breakpoints: to the end
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
            Stepper(vm_context, function, *arguments).resume()


def test_straight_line_functions_have_no_dispatch_loop(paths: dict[str, Path]) -> None:
    program = il.load(paths["vm_values.mlir"])
    source = translate.source(program, "globals")
    assert source.startswith("def globals")
    assert "while" not in source and "pc" not in source
    assert "while True" in translate.source(il.load(paths["vm_control.mlir"]), "collatz")


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program in VM assembly: what the compiler would inline or never writes."""
    path = tmp_path_factory.mktemp("assembled") / "calls.vmfb"
    assemble(PROGRAMS / "calls.vmasm", path)
    return path


def test_calls_and_sequential_moves(calls: Path) -> None:
    reference = VmReference(calls)
    with il.Context(il.load(calls), "null") as vm_context:
        for function, arguments in (("fibonacci", (11,)), ("rotate", (1, 2, 3))):
            expected = reference(function, *arguments)
            assert vm_context.invoke(function, *arguments) == expected
            stepper = Stepper(vm_context, function, *arguments)
            stepper.resume()
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


def test_stepper_enters_calls_and_stops_at_breakpoints(calls: Path) -> None:
    with il.Context(il.load(calls), "null") as vm_context:
        stepper = Stepper(vm_context, "fibonacci", 3)
        assert stepper.function == "fibonacci" and stepper.registers == {"i0": 3}
        start = stepper.pc
        assert stepper.run_to(function="fibonacci")
        assert len(stepper.frames) == 2 and stepper.registers == {"i0": 2}
        stepper.breakpoints.add(("fibonacci", start))
        assert stepper.resume() and len(stepper.frames) == 3
        depth = len(stepper.frames)
        stepper.step_over()
        assert len(stepper.frames) == depth
        with pytest.raises(VMError, match="still in 'fibonacci'"):
            stepper.result()
        stepper.breakpoints.clear()
        assert not stepper.resume() and stepper.finished and stepper.result() == (2,)
        with pytest.raises(VMError, match="has ended"):
            _ = stepper.pc


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
