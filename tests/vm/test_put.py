"""Inputs put on the device once: shared where they can be, checked like arrays."""

from __future__ import annotations

import numpy as np
import pytest

import ireelab as il
from ireelab.errors import InvalidInput
from ireelab.hal.buffer import BufferView

SORT = """
func.func @sort(%a: tensor<4096xi32>) -> tensor<4096xi32> {
  %sorted = "stablehlo.sort"(%a) ({
  ^bb0(%x: tensor<i32>, %y: tensor<i32>):
    %less = stablehlo.compare LT, %x, %y : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %less : tensor<i1>
  }) {dimension = 0 : i64, is_stable = false} : (tensor<4096xi32>) -> tensor<4096xi32>
  return %sorted : tensor<4096xi32>
}
"""


def aligned(count: int) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    memory = np.zeros(count + 16, np.int32)
    start = -memory.ctypes.data % 64 // 4
    return memory[start : start + count]


def test_an_aligned_array_is_used_where_it_is() -> None:
    """Seen by a program that sorts in place: it changes the caller's memory."""
    values = aligned(4096)
    values[...] = np.arange(4096)[::-1]
    with il.Context(il.compile(SORT).program) as context:
        view = context.put(values)
        (ordered,) = context.invoke("sort", view)
        np.testing.assert_array_equal(ordered, np.arange(4096))
        np.testing.assert_array_equal(values, np.arange(4096))
        (again,) = context.invoke("sort", view)
        np.testing.assert_array_equal(again, ordered)


def test_what_does_not_fit_is_refused_before_anything_runs() -> None:
    with il.Context(il.compile(SORT).program) as context:
        with pytest.raises(InvalidInput, match="takes tensor<4096xi32>, got an array of 8xi32"):
            context.invoke("sort", context.put(aligned(8)))
        with pytest.raises(InvalidInput, match="got an array of 4096xf32"):
            context.invoke("sort", context.put(np.zeros(4096, np.float32)))


SORTED_CONSTANT = """
func.func @sort() -> tensor<64xi32> {
  %a = util.unfoldable_constant dense_resource<values> : tensor<64xi32>
  %sorted = "stablehlo.sort"(%a) ({
  ^bb0(%x: tensor<i32>, %y: tensor<i32>):
    %less = stablehlo.compare LT, %x, %y : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %less : tensor<i1>
  }) {dimension = 0 : i64, is_stable = false} : (tensor<64xi32>) -> tensor<64xi32>
  return %sorted : tensor<64xi32>
}
{-# dialect_resources: { builtin: { values: "0x04000000VALUES" } } #-}
"""


def test_constants_of_a_program_are_never_written() -> None:
    """IREE sorts in the memory of the constant; the program must stay as it was loaded."""
    values = np.arange(64, dtype=np.int32)[::-1]
    program = il.compile(SORTED_CONSTANT.replace("VALUES", values.tobytes().hex())).program
    before = program.to_bytes()
    for _ in range(2):
        (ordered,) = il.run(program, "sort").outputs
        np.testing.assert_array_equal(ordered, np.arange(64))
    assert program.to_bytes() == before


DOUBLE = """
func.func @double(%x: tensor<8xf32>) -> tensor<8xf32> {
  %y = arith.addf %x, %x : tensor<8xf32>
  return %y : tensor<8xf32>
}
"""
NUMBERS = """
func.func @step(%x: tensor<8xf32>, %n: i32) -> (tensor<8xf32>, i32) {
  %y = arith.addf %x, %x : tensor<8xf32>
  %one = arith.constant 1 : i32
  %next = arith.addi %n, %one : i32
  return %y, %next : tensor<8xf32>, i32
}
func.func @nothing() { return }
func.func @ten() -> i32 {
  %ten = arith.constant 10 : i32
  return %ten : i32
}
"""


@pytest.mark.parametrize("flags", [(), ("--iree-execution-model=async-external",)])
def test_results_that_stay_on_the_device(flags: tuple[str, ...]) -> None:
    """Views of one call are inputs of the next; arrays are made where somebody asks."""
    array = np.arange(8, dtype=np.float32)
    with il.Context(il.compile(DOUBLE, flags=flags).program) as context:
        views = context.call("double", array)
        for _ in range(3):
            views = (*views, *context.call("double", views[-1]))
    for step, view in enumerate(views):
        assert isinstance(view, BufferView)
        np.testing.assert_array_equal(view.to_numpy(), array * 2 ** (step + 1))


def test_numbers_are_results_as_they_are() -> None:
    with il.Context(il.compile(NUMBERS).program) as context:
        view, number = context.call("step", np.ones(8, np.float32), 4)
        assert isinstance(view, BufferView) and number == 5
        assert context.call("ten") == (10,) and context.call("nothing") == ()
