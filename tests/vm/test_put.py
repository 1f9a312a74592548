"""Inputs put on the device once: shared where they can be, checked like arrays."""

from __future__ import annotations

import numpy as np
import pytest

import ireelab as il
from ireelab.errors import InvalidInput

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
