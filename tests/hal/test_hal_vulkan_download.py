"""Outputs in memory that the host reads slowly or not at all, as GPUs have it: copied along.

Lavapipe's memory is the host's; here the driver takes it for the other kinds.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hal_support import USAGE, Kernels, compile_vulkan, ints, quiet_vulkan, slot

from ireelab.hal.buffer import Buffer
from ireelab.hal.command_buffer import CommandBuffer
from ireelab.hal.drivers.vulkan import core
from ireelab.hal.drivers.vulkan.device import VulkanDevice
from ireelab.hal.drivers.vulkan.download import MAX_COPIES
from ireelab.hal.drivers.vulkan.physical_device import (
    MEMORY_CACHED,
    MEMORY_COHERENT,
    MEMORY_HOST_VISIBLE,
    HeapType,
)
from ireelab.hal.types import MemoryType
from ireelab.program import Program
from ireelab.vm.context import Context
from ireelab.vm.scheduler import drive

Array = npt.NDArray[Any]
HIDDEN = {
    "uncached": MEMORY_CACHED,
    "unseen": MEMORY_CACHED | MEMORY_COHERENT | MEMORY_HOST_VISIBLE,
}
SOURCE = """
func.func @step(%a: tensor<64xf32>) -> (tensor<64xf32>, tensor<64xf32>) {
  %one = arith.constant dense<1.0> : tensor<64xf32>
  %b = arith.addf %a, %one : tensor<64xf32>
  %c = arith.mulf %a, %a : tensor<64xf32>
  return %b, %c : tensor<64xf32>, tensor<64xf32>
}
"""


@pytest.fixture(params=HIDDEN)
def device(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[VulkanDevice]:
    """A device under the validation layer, with device memory of the kind asked for."""
    choose = core.choose_device_memory

    def hidden(types: tuple[HeapType, ...], allowed: int, kind: str) -> HeapType:
        found = choose(types, allowed, kind)
        return replace(found, flags=found.flags & ~HIDDEN[request.param])

    monkeypatch.setattr(core, "choose_device_memory", hidden)
    with quiet_vulkan() as device:
        assert not device.core.device_pool.host_reads_fast
        yield device


@pytest.fixture
def submissions(device: VulkanDevice, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many command buffers each submission has."""
    counts: list[int] = []
    queue = device.core.queues.main
    submit: Any = queue._submit

    def counted(handle: Any, count: int, infos: Any, fence: Any) -> int:
        counts.append(infos.commandBufferInfoCount)
        return submit(handle, count, infos, fence)

    monkeypatch.setattr(queue, "_submit", counted)
    return counts


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    folder: Path = tmp_path_factory.mktemp("step")
    source = folder / "step.mlir"
    source.write_text(SOURCE)
    exact = "--iree-scheduling-optimize-bindings=false"
    return Program(compile_vulkan(source, folder / "step.vmfb", exact), name="step")


def array(number: int) -> Array:
    return np.arange(number, number + 64, dtype=np.float32)


def check(results: tuple[Any, ...], number: int) -> None:
    b, c = results
    assert (b == array(number) + 1).all()
    assert (c == array(number) * array(number)).all()


def test_a_call_is_one_submission(
    device: VulkanDevice, program: Program, submissions: list[int]
) -> None:
    with Context(program, device) as context:
        counts: list[list[int]] = []
        for number in range(12):
            submissions.clear()
            check(context.invoke("step", array(number)), number)
            counts.append([count for count in submissions if count])
    host_visible = device.core.device_pool.host_visible
    assert counts[0] == [1, 1, 1] if host_visible else [1, 1, 1, 1]  # the last: of the input
    assert counts[-1] == [3] if host_visible else [1, 3]


def test_outputs_outlive_later_calls(device: VulkanDevice, program: Program) -> None:
    count = MAX_COPIES + 8  # more places than copies are kept for
    with Context(program, device) as context:
        results = [context.invoke("step", array(number)) for number in range(count)]
    for number, result in enumerate(results):
        check(result, number)


def test_threads_with_programs_of_their_own(device: VulkanDevice, program: Program) -> None:
    """Copies that go along are prepared, read and dropped by several at once."""
    wrong: list[object] = []

    def calls(first: int) -> None:
        try:
            with Context(program, device) as context:
                kept = [(n, context.invoke("step", array(n))) for n in range(first, first + 200)]
            for number, results in kept:
                check(results, number)
        except BaseException as error:  # of a thread: told to the test
            wrong.append(error)

    threads = [threading.Thread(target=calls, args=(1000 * each,)) for each in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_what_is_not_read_does_not_go_along(
    device: VulkanDevice, program: Program, submissions: list[int]
) -> None:
    with Context(program, device) as context:
        for number in range(8):
            context.invoke("step", array(number))
        entry = context.entry("step")
        submissions.clear()
        for number in range(64):
            drive(entry.code(*entry.signature.to_device([array(number)])))
        # Each of the buffers that the read calls used has copies that go along once more.
        assert sum(buffers > 1 for buffers in submissions) <= 8
        check(context.invoke("step", array(9)), 9)


def local(device: VulkanDevice) -> Buffer:
    return device.allocator.allocate(int(MemoryType.DEVICE_LOCAL), USAGE, 4096)


class Doubling:
    """``target = 2 * source``, recorded with slots."""

    def __init__(self, device: VulkanDevice, kernels: Kernels) -> None:
        self.device = device
        self.source, self.target = local(device), local(device)
        executable = device.create_executable("vulkan-spirv-fb", memoryview(kernels.spirv), b"")
        self.commands: CommandBuffer = device.create_command_buffer(0, 3, -1, 2)
        bindings = [slot(0, 4096), slot(1, 4096)]
        scale = executable.lookup("scale")
        self.commands.dispatch(executable, scale, (1024, 1, 1), [2, 0], bindings)
        self.commands.finalize()
        self.source.write(0, np.arange(1024, dtype=np.int32).tobytes())

    def run(self) -> None:
        table: list[tuple[Buffer, int, int]] = [(self.source, 0, 4096), (self.target, 0, 4096)]
        self.device.queue_execute(-1, None, None, self.commands, table, 0)


DOUBLED = list(range(0, 2048, 2))


@pytest.fixture
def doubling(device: VulkanDevice, kernels: Kernels) -> Doubling:
    """Run and read twice: from now on the copy goes along."""
    made = Doubling(device, kernels)
    for _ in range(2):
        made.run()
        assert ints(made.target) == DOUBLED
    return made


def test_the_copy_went_along(doubling: Doubling, submissions: list[int]) -> None:
    doubling.run()
    assert ints(doubling.target) == DOUBLED
    assert submissions == [2]
    assert ints(doubling.target) == DOUBLED  # read again: copied again
    assert submissions == [2, 1]


def test_what_the_host_writes_in_between_is_read(doubling: Doubling) -> None:
    doubling.run()
    doubling.target.write(4, b"\x07\0\0\0")
    assert ints(doubling.target) == [0, 7, *DOUBLED[2:]]
    doubling.run()
    assert ints(doubling.target) == DOUBLED


def test_what_the_device_writes_in_between_is_read(doubling: Doubling) -> None:
    device, target = doubling.device, doubling.target
    doubling.run()
    device.queue_fill(-1, None, None, target, 0, 8, b"\x07\0\0\0", 0)
    assert ints(target) == [7, 7, *DOUBLED[2:]]
    doubling.run()
    device.queue_fill(2, None, None, target, 0, 8, b"\x08\0\0\0", 0)  # on another queue
    assert ints(target) == [8, 8, *DOUBLED[2:]]


def test_what_is_written_through_a_mapping_is_read(doubling: Doubling) -> None:
    if not doubling.device.core.device_pool.host_visible:
        pytest.skip("the host cannot map this memory")
    mapped = doubling.target.map().view(np.int32)
    doubling.run()
    doubling.device.settle()
    mapped[1] = 7
    assert ints(doubling.target) == [0, 7, *DOUBLED[2:]]


def test_what_is_no_binding_does_not_go_along(doubling: Doubling, submissions: list[int]) -> None:
    """Its memory may be gone when the recording runs again."""
    other = local(doubling.device)
    doubling.device.queue_fill(-1, None, None, other, 0, 4096, b"\x05\0\0\0", 0)
    for _ in range(3):
        doubling.run()
        assert ints(other) == [5] * 1024
    submissions.clear()
    other.close()
    doubling.device.allocator.trim()
    doubling.run()
    assert ints(doubling.target) == DOUBLED
    assert submissions == [1, 1]


def test_closing_gives_all_memory_back(device: VulkanDevice, program: Program) -> None:
    with Context(program, device) as context:
        for number in range(8):
            check(context.invoke("step", array(number)), number)
    del context
    device.allocator.trim()
    for _ in range(2):  # a recording lets go of its code, the code of its pipelines
        gc.collect()
        device.core.queues.collect()
    assert device.allocator.statistics().live_buffers == 0
    assert len(device.core.resources) == 0
