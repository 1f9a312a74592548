"""Several queues of a Vulkan device, its transfer queue, and arrays of the caller as its memory.

lavapipe has one ``VkQueue``; several queues then share it, each with a timeline of its own.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hal_support import (
    MEMORY,
    USAGE,
    VULKAN,
    allocate,
    assert_quiet,
    compile_vulkan,
    require_vulkan,
)

from ireelab.errors import DeviceUnavailable
from ireelab.hal.drivers.vulkan import core as core_module
from ireelab.hal.drivers.vulkan import driver
from ireelab.hal.drivers.vulkan.device import VulkanDevice
from ireelab.hal.drivers.vulkan.logical_device import LogicalDevice
from ireelab.hal.drivers.vulkan.queue import Queue
from ireelab.hal.file import File
from ireelab.hal.registry import create_device
from ireelab.hal.semaphore import Fence
from ireelab.program import Program
from ireelab.vm.context import Context

SECONDS = 1_000_000_000
FIRST, SECOND = 1, 2  # affinity masks

TWO_QUEUES = """
util.func public @main(%x: tensor<64x64xf32>) -> tensor<64x64xf32> {
  %x0 = flow.tensor.transfer %x : tensor<64x64xf32> to #hal.device.affinity<@vulkan, [0]>
  %x1 = flow.tensor.transfer %x : tensor<64x64xf32> to #hal.device.affinity<@vulkan, [1]>
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<64x64xf32>
  %i = linalg.fill ins(%z : f32) outs(%e : tensor<64x64xf32>) -> tensor<64x64xf32>
  %a = linalg.matmul ins(%x0, %x0 : tensor<64x64xf32>, tensor<64x64xf32>)
                     outs(%i : tensor<64x64xf32>) -> tensor<64x64xf32>
  %b = arith.addf %x1, %x1 : tensor<64x64xf32>
  %b0 = flow.tensor.transfer %b : tensor<64x64xf32> to #hal.device.affinity<@vulkan, [0]>
  %y = arith.subf %a, %b0 : tensor<64x64xf32>
  util.return %y : tensor<64x64xf32>
}
"""
ADD = """
func.func @main(%x: tensor<1048576xf32>) -> tensor<1048576xf32> {
  %y = arith.addf %x, %x : tensor<1048576xf32>
  return %y : tensor<1048576xf32>
}
"""


@pytest.fixture
def two() -> Iterator[VulkanDevice]:
    """A device with two compute queues; the test fails if the validation layer says anything."""
    require_vulkan()
    device = create_device(f"{VULKAN},queues=2")
    assert isinstance(device, VulkanDevice)
    with device:
        yield device
    assert_quiet(device)


def program(folder: Path, text: str, *flags: str) -> Program:
    source = folder / "source.mlir"
    source.write_text(text)
    return Program(compile_vulkan(source, folder / "out.vmfb", *flags))


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Queue, tuple[tuple[Queue, int], ...]]]:
    """Submissions that wait on the device: (queue, what for) each."""
    found: list[tuple[Queue, tuple[tuple[Queue, int], ...]]] = []
    real = Queue.submit_after

    def submit_after(self: Queue, command_buffer: object, points: object) -> int:
        found.append((self, tuple(points)))  # type: ignore[call-overload]
        return real(self, command_buffer, points)  # type: ignore[arg-type]

    monkeypatch.setattr(Queue, "submit_after", submit_after)
    return found


class TestSeveralQueues:
    def test_number_of_queues(self) -> None:
        require_vulkan()
        with create_device("vulkan:cache=0,queues=3") as device:
            assert device.query_i64("hal.device", "concurrency") == 3
        with pytest.raises(DeviceUnavailable, match="queues is a number from 1 to 64"):
            create_device("vulkan:queues=0")

    def test_the_mask_names_the_queue(self, two: VulkanDevice) -> None:
        first, second = two.core.queues.compute
        for mask, queue in ((-1, first), (1, first), (2, second), (3, first), (6, second)):
            assert two.core.queues.select(mask) is queue
        assert two.core.queues.select(8) is first  # there is no fourth
        buffer = allocate(two, 64)
        two.queue_fill(SECOND, None, None, buffer, 0, 64, b"\7", 0)
        assert (first.submitted, second.submitted) == (0, 1)
        assert buffer.read() == b"\7" * 64

    def test_without_fences_order_is_kept(
        self, two: VulkanDevice, waits: list[tuple[Queue, tuple[tuple[Queue, int], ...]]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        """Each operation seems to have ended when its call returns, whichever queue it went to."""
        first, second = two.core.queues.compute
        a, b = allocate(two, 1 << 22), allocate(two, 1 << 22)
        two.queue_fill(SECOND, None, None, b, 0, 1 << 22, b"\1", 0)
        two.core.queues.wait_idle()
        waits.clear()
        with monkeypatch.context() as patch:  # nothing is ever known to have ended
            patch.setattr(Queue, "poll", lambda self: self.completed)
            two.queue_fill(FIRST, None, None, a, 0, 1 << 22, b"\2", 0)
            two.queue_copy(SECOND, None, None, a, 0, b, 0, 1 << 22, 0)
            two.queue_fill(FIRST, None, None, a, 0, 1 << 22, b"\3", 0)
        assert waits == [
            (second, ((first, 1),)),
            (first, ((second, 2),)),
        ]
        assert b.read() == b"\2" * (1 << 22)

    def test_fences_order_queues_on_the_device(
        self, two: VulkanDevice, waits: list[tuple[Queue, tuple[tuple[Queue, int], ...]]]
    ) -> None:
        first, second = two.core.queues.compute
        a, b, c = (allocate(two, 1 << 22) for _ in range(3))
        done = [two.create_fence() for _ in range(4)]
        two.queue_fill(FIRST, None, done[0], a, 0, 1 << 22, b"\1", 0)
        two.queue_fill(SECOND, None, done[1], b, 0, 1 << 22, b"\2", 0)
        two.queue_copy(SECOND, done[0], done[2], a, 0, c, 0, 1 << 21, 0)
        both = Fence.join([done[1], done[2]])
        two.queue_copy(FIRST, both, done[3], b, 0, c, 1 << 21, 1 << 21, 0)
        assert done[3].wait(timeout_ns=60 * SECONDS)
        assert all(queue in (first, second) for queue, _ in waits)
        assert c.read() == b"\1" * (1 << 21) + b"\2" * (1 << 21)

    def test_a_barrier_that_signals_nothing(
        self, two: VulkanDevice, waits: list[tuple[Queue, tuple[tuple[Queue, int], ...]]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        """What comes after it on its queue comes after what it waits for on another."""
        first, second = two.core.queues.compute
        a, b = allocate(two, 1 << 22), allocate(two, 1 << 22)
        two.queue_fill(SECOND, None, None, b, 0, 64, b"\1", 0)
        two.core.queues.wait_idle()
        done = two.create_fence()
        with monkeypatch.context() as patch:  # nothing is ever known to have ended
            patch.setattr(Queue, "poll", lambda self: self.completed)
            two.queue_fill(SECOND, None, done, a, 0, 1 << 22, b"\2", 0)
            waits.clear()
            two.queue_barrier(FIRST, done, None, 0)
            two.queue_copy(FIRST, None, None, a, 0, b, 0, 1 << 22, 0)
        assert waits == [(first, ((second, 2),))]
        assert b.read() == b"\2" * (1 << 22)

    def test_a_barrier_joins_queues(self, two: VulkanDevice) -> None:
        a, b = allocate(two, 1 << 22), allocate(two, 1 << 22)
        left, right, joined = (two.create_fence() for _ in range(3))
        two.queue_fill(FIRST, None, left, a, 0, 1 << 22, b"\1", 0)
        two.queue_fill(SECOND, None, right, b, 0, 1 << 22, b"\2", 0)
        two.queue_barrier(FIRST, Fence.join([left, right]), joined, 0)
        assert joined.wait(timeout_ns=60 * SECONDS)
        assert left.is_signaled()
        assert right.is_signaled()

    def test_deferred_work_goes_to_its_queue(self, two: VulkanDevice) -> None:
        gate, done = two.create_fence(), two.create_fence()
        buffer = allocate(two, 64)
        two.queue_fill(SECOND, gate, done, buffer, 0, 64, b"\5", 0)
        assert two.core.queues.compute[1].submitted == 0
        gate.signal()
        assert done.wait(timeout_ns=60 * SECONDS)
        assert two.core.queues.compute[1].submitted == 1
        assert buffer.read() == b"\5" * 64

    def test_memory_is_not_reused_under_another_queue(
        self, two: VulkanDevice, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        buffer, pool = allocate(two, 64), two.core.device_pool
        two.queue_fill(SECOND, None, None, buffer, 0, 64, b"\1", 0)
        two.core.queues.wait_idle()
        with monkeypatch.context() as patch:
            patch.setattr(Queue, "poll", lambda self: self.completed)
            two.queue_fill(SECOND, None, None, buffer, 0, 64, b"\2", 0)
            storage = pool.take(4096)
            place = storage.pointer
            del storage
            fresh = [pool.take(4096), pool.take(4096, ended=True)]
            assert place not in [storage.pointer for storage in fresh]
        two.core.queues.wait_idle()
        assert pool.take(4096).pointer == place

    def test_alone_the_main_queue_reuses_memory_at_once(
        self, two: VulkanDevice, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It runs in order. What the host is to write to has ended all the same."""
        buffer, pool = allocate(two, 64), two.core.device_pool
        with monkeypatch.context() as patch:
            patch.setattr(Queue, "poll", lambda self: self.completed)
            two.queue_fill(FIRST, None, None, buffer, 0, 64, b"\1", 0)
            storage = pool.take(4096)
            place = storage.pointer
            del storage
            fresh = pool.take(4096, ended=True)
            assert fresh.pointer != place
            assert pool.take(4096).pointer == place

    @pytest.mark.parametrize("model", ["async-internal", "async-external"])
    def test_a_program_that_names_queues(
        self, two: VulkanDevice, tmp_path: Path, model: str
    ) -> None:
        loaded = program(tmp_path, TWO_QUEUES, f"--iree-execution-model={model}")
        x = np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32)
        with Context(loaded, two) as context:
            for _ in range(3):
                (y,) = context.invoke("main", x)
                np.testing.assert_allclose(y, x @ x - 2 * x, 1e-4, 1e-4)
        del context
        assert all(queue.submitted >= 3 for queue in two.core.queues.compute)

    def test_profiles_name_the_queue(self, two: VulkanDevice) -> None:
        buffer = allocate(two, 64)
        two.begin_profiling()
        for mask in (FIRST, SECOND):
            two.queue_fill(mask, None, None, buffer, 0, 64, b"\1", 0)
        events = [event for event in two.end_profiling() if event.kind == "fill"]
        assert {event.queue for event in events} == {f"{two.id} queue 0", f"{two.id} queue 1"}


@pytest.fixture
def discrete(monkeypatch: pytest.MonkeyPatch) -> Iterator[VulkanDevice]:
    """A device that seems to have memory of its own and a transfer queue, as GPUs do."""
    require_vulkan()
    if driver.find_device().type != "cpu":
        pytest.skip("for a Vulkan device that is a CPU")
    memory, create = core_module.choose_device_memory, LogicalDevice.create

    def with_transfer_queue(*arguments: object, **options: object) -> LogicalDevice:
        logical = create(*arguments, **options)  # type: ignore[arg-type]
        logical.transfer_queue, logical.transfer_family = logical.queues[0], logical.queue_family
        return logical

    monkeypatch.setattr(
        core_module, "choose_device_memory", lambda *a: replace(memory(*a), flags=1)
    )
    monkeypatch.setattr(LogicalDevice, "create", with_transfer_queue)
    monkeypatch.setattr(LogicalDevice, "families", property(lambda self: (self.queue_family,)))
    device = create_device(VULKAN)
    assert isinstance(device, VulkanDevice)
    with device:
        yield device
    assert_quiet(device)


class TestTransferQueue:
    def test_large_inputs_and_outputs_go_through_it(
        self, discrete: VulkanDevice, tmp_path: Path
    ) -> None:
        loaded = program(tmp_path, ADD)
        x = np.arange(1 << 20, dtype=np.float32)
        queues = discrete.core.queues
        with Context(loaded, discrete) as context:
            for count in range(1, 4):
                (y,) = context.invoke("main", x)
                np.testing.assert_array_equal(y, x + x)
                assert queues.transfer.submitted == 2 * count
        del context

    def test_small_copies_do_not(self, discrete: VulkanDevice) -> None:
        buffer = discrete.allocator.allocate(1 << 4, USAGE, 64)
        buffer.write(0, b"\4" * 64)
        assert buffer.read() == b"\4" * 64
        assert discrete.core.queues.transfer.submitted == 0

    def test_files_signal_their_fence(self, discrete: VulkanDevice) -> None:
        data = np.random.default_rng(0).integers(0, 256, 5 << 20, np.uint8).tobytes()
        buffer = discrete.allocator.allocate(1 << 4, USAGE, len(data))
        loaded, copied = discrete.create_fence(), discrete.create_fence()
        other = discrete.allocator.allocate(1 << 4, USAGE, len(data))
        file = File(memoryview(bytearray(data)))
        discrete.queue_read(-1, None, loaded, file, 0, buffer, 0, len(data), 0)
        discrete.queue_copy(-1, loaded, copied, buffer, 0, other, 0, len(data), 0)
        assert copied.wait(timeout_ns=60 * SECONDS)
        assert other.read() == data
        assert discrete.core.queues.transfer.submitted >= 1


class TestHostImport:
    @pytest.fixture
    def shared(self) -> Iterator[VulkanDevice]:
        require_vulkan()
        device = create_device(VULKAN)
        assert isinstance(device, VulkanDevice)
        importable = "VK_EXT_external_memory_host" in device.core.logical.extensions
        if not (importable and device.core.device_pool.host_reads_fast):
            device.close()
            pytest.skip("a device with memory of its own, or without VK_EXT_external_memory_host")
        with device:
            yield device
        assert_quiet(device)

    def test_a_large_array_is_the_devices_memory(
        self, shared: VulkanDevice, tmp_path: Path
    ) -> None:
        loaded = program(tmp_path, ADD)
        x = np.arange(1 << 20, dtype=np.float32)
        with Context(loaded, shared) as context:
            before = shared.allocator.statistics().live_bytes
            view = context.put(x)
            assert shared.allocator.statistics().imported_buffers == 1
            assert shared.allocator.statistics().live_bytes == before
            assert np.shares_memory(view.to_numpy(), x)
            for _ in range(2):
                np.testing.assert_array_equal(context.invoke("main", view)[0], x + x)
            x[:] = 1.5
            assert (context.invoke("main", view)[0] == 3).all()
        del view, context
        gc.collect()
        shared.core.queues.collect()
        assert shared.allocator.statistics().imported_buffers == 0

    def test_what_cannot_be_shared_is_copied(self, shared: VulkanDevice) -> None:
        array = np.arange(1 << 18, dtype=np.float32)
        fixed = array.copy()
        fixed.flags.writeable = False
        for source in (array[:16], array[::2], fixed):
            buffer = shared.allocator.share_host(source, MEMORY, USAGE)
            assert buffer.read() == source.tobytes()
        assert shared.allocator.statistics().imported_buffers == 0

    def test_views_outlive_the_device(self) -> None:
        require_vulkan()
        array = np.arange(1 << 20, dtype=np.float32)
        device = create_device(VULKAN)
        assert isinstance(device, VulkanDevice)
        buffer = device.allocator.share_host(array, MEMORY, USAGE)
        contents = buffer.contents().view(np.float32)
        device.close()
        np.testing.assert_array_equal(contents, array)
        del buffer, contents
        gc.collect()
        assert_quiet(device)
