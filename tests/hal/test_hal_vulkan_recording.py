"""Which native commands a record becomes: nothing is bound twice, stamps hold the command alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hal_support import Kernels, allocate, whole

from ireelab.hal.buffer import Buffer
from ireelab.hal.drivers.vulkan.barriers import STAGE_COMPUTE, STAGE_TRANSFER
from ireelab.hal.drivers.vulkan.device import VulkanDevice
from ireelab.hal.types import ExecutionStage

STAGES = int(ExecutionStage.DISPATCH | ExecutionStage.TRANSFER)
BIND, DISPATCH, STAMP = "vkCmdBindPipeline", "vkCmdDispatch", "vkCmdWriteTimestamp2"
SETS, PUSH, BARRIER = "vkCmdBindDescriptorSets", "vkCmdPushConstants", "vkCmdPipelineBarrier2"


class Spy:
    """The native functions, with a list of the commands recorded through them."""

    def __init__(self, lib: Any) -> None:
        self._lib = lib
        self.commands: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._lib, name)
        if not name.startswith("vkCmd"):
            return function

        def call(*arguments: Any) -> Any:
            self.commands.append((name, arguments))
            return function(*arguments)

        return call

    def names(self) -> list[str]:
        return [name for name, _ in self.commands]


@pytest.fixture
def spy(vulkan: VulkanDevice) -> Iterator[Spy]:
    native = vulkan.core.vulkan
    spy = Spy(native.lib)
    native.lib = spy
    yield spy
    native.lib = spy._lib


def run_chain(device: VulkanDevice, kernels: Kernels, *constants: int) -> list[Buffer]:
    """Two buffers that are scaled into each other, once by each constant."""
    executable = device.create_executable("vulkan-spirv-fb", memoryview(kernels.spirv), b"")
    buffers: list[Buffer] = [allocate(device, 4096) for _ in range(2)]
    buffers[0].write(0, np.arange(1024, dtype=np.int32).tobytes())
    commands = device.create_command_buffer(0, 3, -1, 0)
    scale = executable.lookup("scale")
    for number, constant in enumerate(constants):
        if number:
            commands.execution_barrier(STAGES, STAGES)
        source, target = buffers[number % 2], buffers[1 - number % 2]
        bindings = [whole(source), whole(target)]
        commands.dispatch(executable, scale, (1024, 1, 1), [constant, 0], bindings)
    commands.finalize()
    device.queue_execute(-1, None, None, commands, [], 0)
    return buffers


def test_only_what_changes_is_bound(vulkan: VulkanDevice, spy: Spy, kernels: Kernels) -> None:
    buffers = run_chain(vulkan, kernels, 2, 2, 3, 3)
    names = [name for name in spy.names() if name != BARRIER]
    result = np.frombuffer(buffers[0].read(), np.int32)
    assert (result == 36 * np.arange(1024, dtype=np.int32)).all()
    assert names == [
        SETS,
        PUSH,
        BIND,
        DISPATCH,
        SETS,
        DISPATCH,
        SETS,
        PUSH,
        DISPATCH,
        SETS,
        DISPATCH,
    ]
    sets = [arguments[5][0] for name, arguments in spy.commands if name == SETS]
    assert sets[0] == sets[2] != sets[1] == sets[3]  # the same buffers share a set


def test_barriers_tell_storage_buffers_only(
    vulkan: VulkanDevice, spy: Spy, kernels: Kernels
) -> None:
    """Whatever else a GPU caches need not be emptied between two kernels."""
    run_chain(vulkan, kernels, 2, 2)
    storage_read, storage_write = 1 << 33, 1 << 34
    barrier = [arguments[1] for name, arguments in spy.commands if name == BARRIER][1]
    memory = barrier.pMemoryBarriers[0]
    assert (memory.srcStageMask, memory.dstStageMask) == (STAGE_COMPUTE, STAGE_COMPUTE)
    assert memory.srcAccessMask == storage_write
    assert memory.dstAccessMask == storage_read | storage_write


def test_stamps_stand_where_irees_profiler_has_them(
    vulkan: VulkanDevice, spy: Spy, kernels: Kernels
) -> None:
    """Directly around the dispatch, after a barrier over all memory and all work."""
    vulkan.begin_profiling()
    spy.commands.clear()
    run_chain(vulkan, kernels, 2, 2)
    names = spy.names()[2:-1]  # the reset and the first barrier before, the host's after
    vulkan.end_profiling()
    assert names == [
        SETS,
        PUSH,
        BIND,
        STAMP,
        DISPATCH,
        STAMP,
        BARRIER,
        SETS,
        STAMP,
        DISPATCH,
        STAMP,
    ]
    barrier = [arguments[1] for name, arguments in spy.commands if name == BARRIER][1]
    memory = barrier.pMemoryBarriers[0]
    work = STAGE_COMPUTE | STAGE_TRANSFER
    assert (memory.srcStageMask, memory.dstStageMask) == (work, work)
    assert (memory.srcAccessMask, memory.dstAccessMask) == (0x10000, 0x18000)
