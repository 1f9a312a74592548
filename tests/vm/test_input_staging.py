"""Memory kept for small inputs is filled again only when nothing uses it any more."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import ireelab as il
from ireelab.hal.registry import devices
from ireelab.program import Program

SOURCE = """
util.global private mutable @sum = dense<0.0> : tensor<1024xf32>
util.global private mutable @kept = dense<0.0> : tensor<1024xf32>
func.func @add(%x: tensor<1024xf32>) {
  %s = util.global.load @sum : tensor<1024xf32>
  %t = arith.addf %s, %x : tensor<1024xf32>
  util.global.store %t, @sum : tensor<1024xf32>
  return
}
func.func @total() -> tensor<1024xf32> {
  %s = util.global.load @sum : tensor<1024xf32>
  return %s : tensor<1024xf32>
}
func.func @keep(%x: tensor<1024xf32>) -> tensor<1024xf32> {
  %old = util.global.load @kept : tensor<1024xf32>
  util.global.store %x, @kept : tensor<1024xf32>
  return %old : tensor<1024xf32>
}
"""


@pytest.fixture(scope="module", params=["llvm-cpu", "vulkan"])
def loaded(request: pytest.FixtureRequest) -> Iterator[il.Context]:
    target: str = request.param
    if not any(d.driver == target and d.available for d in devices()):
        pytest.skip(f"no {target} device")
    program: Program = il.compile(SOURCE, target=target).program
    with il.Context(program, target) as opened:
        yield opened


def ones(value: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.full(1024, value, np.float32)


def test_work_in_flight(loaded: il.Context) -> None:
    """Nothing waits between these calls: the device may still read the last input."""
    for value in range(100):
        loaded.invoke("add", ones(value))
    np.testing.assert_array_equal(loaded.invoke("total")[0], ones(sum(range(100))))


def test_kept_inputs(loaded: il.Context) -> None:
    loaded.invoke("keep", ones(1))
    for value in range(2, 6):
        (old,) = loaded.invoke("keep", ones(value))
        loaded.invoke("add", ones(0))
        np.testing.assert_array_equal(old, ones(value - 1))


def test_memory_is_used_again(loaded: il.Context) -> None:
    """In steady state an input takes no memory of its own."""
    loaded.invoke("add", ones(0))
    loaded.invoke("total")
    before = loaded.device.allocator.statistics().live_buffers
    for _ in range(5):
        loaded.invoke("add", ones(0))
        loaded.invoke("total")
    assert loaded.device.allocator.statistics().live_buffers == before


def test_inputs_of_interleaved_calls(loaded: il.Context) -> None:
    """Both inputs are on the device before either call runs."""
    from ireelab.vm.scheduler import Scheduler

    loaded.invoke("keep", ones(7))
    first, second = loaded.start("keep", ones(8)), loaded.start("keep", ones(9))
    scheduler = Scheduler()
    tasks = [scheduler.spawn(coroutine) for coroutine in (first, second)]
    scheduler.run(30)
    olds = [np.asarray(task.result()[0])[0] for task in tasks]
    assert olds == [7, 8]
    np.testing.assert_array_equal(loaded.invoke("keep", ones(0))[0], ones(9))
