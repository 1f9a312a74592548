"""Programs on llvm-cpu: equal to IREE's runtime, inputs checked, state kept, nothing leaked."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from vm_support import CpuReference

import ireelab as il
from ireelab.errors import CheckFailed, InvalidInput, UnknownFunction, VMError
from ireelab.hal.registry import create_device
from ireelab.hal.resource import live_objects
from ireelab.vm.scheduler import Scheduler
from ireelab.vm.stepper import Stepper

RNG = np.random.default_rng(7)
X = RNG.standard_normal((8, 64)).astype(np.float32)
W = RNG.standard_normal((64, 32)).astype(np.float32)
B = RNG.standard_normal(32).astype(np.float32)

CALLS: list[tuple[str, tuple[Any, ...]]] = [
    ("mlp", (X, W, B)),
    ("dynamic", (X[:3, :4].copy(), X[3:6, :4].copy())),
    ("dynamic", (X[:, :4].copy(), X[:, 4:8].copy())),
    ("dynamic", (np.zeros((0, 4), np.float32), np.zeros((0, 4), np.float32))),
    ("several", (np.array([1, -2, 1 << 40]), np.array([[1.0, 2], [3, 4]]))),
    (
        "small",
        (
            X[0, :5].astype(np.float16),
            np.array([1, 11, -12, 100, -128], np.int8),
            np.array([1, 0, 1, 1, 0], bool),
            X[0, :5].astype(ml_dtypes.bfloat16),
        ),
    ),
    ("complex", (np.array([1 + 2j, -1j, 3], np.complex64),)),
    ("accumulate", (np.arange(4, dtype=np.float32),)),
    ("accumulate", (np.ones(4, np.float32),)),
    ("until_large", (np.array(3, np.int32),)),
]


@pytest.fixture(scope="module")
def path(cpu_program: Callable[..., Path]) -> Path:
    return cpu_program("mix.mlir", "--iree-input-demote-f64-to-f32=false")


@pytest.fixture
def loaded(path: Path) -> Iterator[il.Context]:
    with il.Context(il.load(path), "llvm-cpu:threads=1") as opened:
        yield opened


def test_outputs_equal_irees(path: Path, loaded: il.Context) -> None:
    reference = CpuReference(path)
    for name, arrays in CALLS:
        outputs = loaded.invoke(name, *arrays)
        for ours, theirs in zip(outputs, reference(name, *arrays), strict=True):
            assert isinstance(ours, np.ndarray) and ours.shape == theirs.shape
            # IREE's binding returns bf16 as raw 16-bit numbers.
            same_type = ours if ours.dtype == theirs.dtype else ours.view(theirs.dtype)
            np.testing.assert_array_equal(same_type, theirs, err_msg=name)


def test_stepping_equals_calling(path: Path, loaded: il.Context) -> None:
    with il.Context(il.load(path), "llvm-cpu:threads=1") as other:
        for name, arrays in CALLS:
            stepper = Stepper(other, name, *arrays)
            stepper.finish()
            for a, b in zip(stepper.result(), loaded.invoke(name, *arrays), strict=True):
                np.testing.assert_array_equal(a, b, err_msg=name)


def test_scalars(loaded: il.Context) -> None:
    assert loaded.invoke("scalars", 21, 1.5, -(1 << 20), 2.0) == (42, 2.25, 1 << 40, 1.0)
    assert loaded.invoke("scalars", np.int32(-1), np.float32(0.5), 2**31, 1)[:2] == (-2, 0.25)


def test_async_external_programs_run(cpu_program: Callable[..., Path], loaded: il.Context) -> None:
    path = cpu_program("mix.mlir", "--iree-execution-model=async-external")
    program = il.load(path)
    assert all(f.asynchronous for f in program.functions if f.name != "scalars")
    result = il.run(program, "mlp", X, W, B, repeat=2)
    np.testing.assert_array_equal(result.outputs[0], loaded.invoke("mlp", X, W, B)[0])
    with il.Context(program) as vm_context:
        stepper = Stepper(vm_context, "mlp", X, W, B)
        stepper.finish()
        np.testing.assert_array_equal(stepper.result()[0], result.outputs[0])


def test_validated_device_runs_the_same(path: Path, loaded: il.Context) -> None:
    with (
        create_device("llvm-cpu:threads=1", validate=True) as device,
        il.Context(il.load(path), device) as checked,
    ):
        for name, arrays in CALLS:
            expected = loaded.invoke(name, *arrays)
            for a, b in zip(checked.invoke(name, *arrays), expected, strict=True):
                np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("name", "arrays", "message"),
    [
        ("mlp", (X, W), r"'mlp' takes 3 inputs \(tensor<8x64xf32>, .*\), 2 are given"),
        ("mlp", (X, W, B.astype(np.float64)), r"input 2 .* takes tensor<32xf32>, got .* 32xf64"),
        ("mlp", (X[:4], W, B), r"input 0 .* takes tensor<8x64xf32>, got an array of 4x64xf32"),
        ("dynamic", (X, X), r"input 0 .* takes tensor<\?x4xf32>, got an array of 8x64xf32"),
        ("dynamic", ("abc", X), r"input 0 .* takes tensor<\?x4xf32>, got str"),
        ("scalars", (1, "x", 1, 1), r"input 1 .* takes a number \(f32\), got 'x'"),
        ("scalars", (1 << 40, 1, 1, 1), r"input 0 .* takes i32, 1099511627776 does not fit"),
        ("scalars", (X, 1, 1, 1), r"input 0 .* takes a number \(i32\), got an array"),
    ],
)
def test_bad_inputs(name: str, arrays: tuple[Any, ...], message: str, loaded: il.Context) -> None:
    with pytest.raises(InvalidInput, match=message):
        loaded.invoke(name, *arrays)


def test_unknown_function(path: Path, loaded: il.Context) -> None:
    with pytest.raises(UnknownFunction, match="did you mean 'dynamic'"):
        loaded.invoke("dinamic")
    with pytest.raises(UnknownFunction, match="name the function to run"):
        il.run(il.load(path))


def test_lists_views_and_foreign_byte_orders_are_taken(loaded: il.Context) -> None:
    (expected,) = loaded.invoke("mlp", X, W, B)
    for arrays in (
        (X.tolist(), W, B),
        (np.asfortranarray(X), W, B),
        (X.astype(">f4"), W, B),
        (np.repeat(X, 2, 1)[:, ::2], W, B),
    ):
        np.testing.assert_array_equal(loaded.invoke("mlp", *arrays)[0], expected)


def test_outputs_outlive_later_calls_and_the_context(path: Path) -> None:
    with il.Context(il.load(path)) as vm_context:
        (first,) = vm_context.invoke("mlp", X, W, B)
        kept = first.copy()
        for _ in range(5):
            vm_context.invoke("mlp", X * 2, W, B)
    gc.collect()
    np.testing.assert_array_equal(first, kept)


def test_kept_inputs_do_not_change_with_the_callers_array(loaded: il.Context) -> None:
    array = np.full(4, 2, np.float32)
    loaded.invoke("keep", array)
    array[:] = 100
    loaded.invoke("identity", array)
    assert loaded.invoke("accumulate", np.zeros(4, np.float32))[0].tolist() == [2, 2, 2, 2]


def test_returned_inputs_do_not_change_with_the_next_call(loaded: il.Context) -> None:
    (first,) = loaded.invoke("identity", np.full(4, 1, np.float32))
    (second,) = loaded.invoke("identity", np.full(4, 2, np.float32))
    assert first.tolist() == [1] * 4 and second.tolist() == [2] * 4


def test_interleaved_invocations(path: Path, loaded: il.Context) -> None:
    scheduler = Scheduler()
    tasks = [scheduler.spawn(loaded.start("mlp", X * k, W, B)) for k in (1, 2, 3)]
    scheduler.run(timeout_s=60)
    for k, task in zip((1, 2, 3), tasks, strict=True):
        np.testing.assert_array_equal(task.result()[0], loaded.invoke("mlp", X * k, W, B)[0])


def test_what_never_waits_is_started_too(loaded: il.Context) -> None:
    assert loaded.entry("scalars").plain
    scheduler = Scheduler()
    task = scheduler.spawn(loaded.start("scalars", 3, 0.5, 4, 0.25))
    scheduler.run(timeout_s=60)
    assert task.result() == loaded.invoke("scalars", 3, 0.5, 4, 0.25)


def test_profile(path: Path) -> None:
    result = il.run(il.load(path), "mlp", X, W, B, profile=True, repeat=2)
    assert result.timeline is not None
    dispatches = [e for e in result.timeline.events if e.kind == "dispatch"]
    assert dispatches and all(e.name and e.end_ns >= e.start_ns for e in dispatches)
    assert il.run(il.load(path), "mlp", X, W, B).timeline is None


def test_nothing_is_left_behind(path: Path) -> None:
    program = il.load(path)
    before = live_objects()
    for _ in range(3):
        il.run(program, "accumulate", np.ones(4, np.float32), repeat=3)
    assert live_objects() == before


def test_closed_context(path: Path) -> None:
    vm_context = il.Context(il.load(path))
    vm_context.close()
    vm_context.close()
    with pytest.raises(VMError, match="closed"):
        vm_context.invoke("mlp", X, W, B)


def test_check_module(cpu_program: Callable[..., Path]) -> None:
    program = il.load(cpu_program("checks.mlir"))
    with il.Context(program) as vm_context:
        for function in program.functions:
            if function.name.startswith("fails"):
                continue
            vm_context.invoke(function.name)
        with pytest.raises(CheckFailed, match=r"1 of 4 elements\n  at \[1, 0\]: expected 9, got 3"):
            vm_context.invoke("fails_eq")
        with pytest.raises(CheckFailed, match=r"atol=0.01 .*: 1 of 2 elements\n  at \[1\]"):
            vm_context.invoke("fails_almost_eq")
        with pytest.raises(CheckFailed, match=r"1 of 3 are 0, the first at \[2\]"):
            vm_context.invoke("fails_all_true")
        with pytest.raises(CheckFailed, match="nonzero"):
            vm_context.invoke("fails_true")
        with pytest.raises(CheckFailed, match="expected 0, got"):
            vm_context.invoke("fails_false")


def test_a_run_tells_its_calls_and_another_thread_stops_it(path: Path) -> None:
    stop, told = threading.Event(), list[int]()

    def progress(calls: int) -> None:
        told.append(calls)
        if calls == 3:
            stop.set()

    result = il.run(
        il.load(path), "mlp", X, W, B, repeat=50, profile=True, progress=progress, stop=stop
    )
    assert told == [1, 2, 3]
    assert result.calls == 3
    assert result.timeline is not None
    once = il.run(il.load(path), "mlp", X, W, B, profile=True).timeline
    assert once is not None
    assert len(once.events) > 0
    assert len(result.timeline.events) == 3 * len(once.events)
    assert result.inputs[0] is X
