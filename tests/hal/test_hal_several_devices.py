"""Two devices: fences of both joined, memory that crosses, and what a failure of one reaches."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from hal_support import (
    MEMORY,
    USAGE,
    VULKAN,
    allocate,
    assert_quiet,
    never_ending,
    require_vulkan,
    slot,
    whole,
)

from ireelab.errors import CommandBufferError, DeviceError, DeviceTimeout, DeviceUnavailable
from ireelab.hal.buffer import Buffer
from ireelab.hal.device import Device
from ireelab.hal.drivers.vulkan.device import VulkanDevice
from ireelab.hal.profiler import Profiler
from ireelab.hal.registry import create_device, create_devices, names_of, split_names
from ireelab.hal.semaphore import Fence
from ireelab.vm.shared_memory import SharedMemoryDevice

SECONDS = 1_000_000_000
CPU = "llvm-cpu:threads=1"
PAIRS = [(CPU, CPU), (CPU, VULKAN), (VULKAN, CPU), (VULKAN, VULKAN)]

Pair = tuple[Device, Device]


@pytest.fixture(params=PAIRS, ids=lambda names: "+".join(n.partition(":")[0] for n in names))
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Two validated devices opened for one program."""
    if VULKAN in request.param:
        require_vulkan()
    first, second = create_devices(request.param, validate=True)
    with first, second:
        yield first, second
    assert_quiet(first)
    assert_quiet(second)


def allocate_shared(device: Device, size_bytes: int) -> Buffer:
    """As programs do for what crosses; memory of a GPU is for that GPU alone."""
    return SharedMemoryDevice(device).allocator.allocate(MEMORY, USAGE, size_bytes)


def wait(fence: Fence) -> None:
    assert fence.wait(timeout_ns=60 * SECONDS)


class TestFences:
    def test_a_chain_over_both(self, pair: Pair) -> None:
        """Each operation overwrites what the other device's left: only order gives the result."""
        buffers = [allocate_shared(device, 64) for device in pair]
        last: Fence | None = None
        for number in range(1, 21):
            device = pair[number % 2]
            done = device.create_fence()
            for buffer in buffers:
                joined = Fence.join([last])
                step = device.create_fence()
                device.queue_fill(-1, joined, step, buffer, 0, 64, bytes([number]), 0)
                last = step
            device.queue_barrier(-1, last, done, 0)
            last = done
        assert last is not None
        wait(last)
        for buffer in buffers:
            assert bytes(buffer.read()) == b"\x14" * 64

    def test_a_join_waits_for_both(self, pair: Pair) -> None:
        first, second = pair
        gates = [device.create_fence() for device in pair]
        done = first.create_fence()
        target = allocate(first, 4)
        first.queue_fill(-1, None, None, target, 0, 4, b"\0", 0)
        first.queue_fill(-1, Fence.join(gates), done, target, 0, 4, b"\7", 0)
        second.queue_barrier(-1, None, gates[1], 0)
        wait(gates[1])
        assert not done.is_signaled()
        first.queue_barrier(-1, None, gates[0], 0)
        wait(done)
        assert target.read() == b"\7" * 4

    def test_either_signals_fences_of_the_other(self, pair: Pair) -> None:
        first, second = pair
        theirs = second.create_fence()
        first.queue_fill(-1, None, theirs, allocate(first, 1 << 20), 0, 1 << 20, b"\1", 0)
        wait(theirs)

    def test_submitting_does_not_wait(self, pair: Pair) -> None:
        """What waits for a fence that comes later, or never, holds nobody up."""
        first, second = pair
        gate = first.create_fence()
        target = allocate(second, 64)
        done = second.create_fence()
        second.queue_fill(-1, gate, done, target, 0, 64, b"\5", 0)
        other = second.create_fence()
        second.queue_fill(-1, None, other, allocate(second, 64), 0, 64, b"\6", 0)
        wait(other)
        assert not done.is_signaled()
        gate.signal()
        wait(done)
        assert target.read() == b"\5" * 64

    def test_a_failure_reaches_the_other_device(self, pair: Pair) -> None:
        first, second = pair
        gate, middle, last = first.create_fence(), first.create_fence(), second.create_fence()
        target = allocate(second, 64)
        first.queue_barrier(-1, gate, middle, 0)
        second.queue_fill(-1, middle, last, target, 0, 64, b"\5", 0)
        after = Fence.join([last, second.create_fence()])
        gate.fail(DeviceError("the first one broke"))
        for fence in (last, after):
            with pytest.raises(DeviceError, match="the first one broke"):
                fence.wait(timeout_ns=60 * SECONDS)


class TestMemory:
    @pytest.mark.parametrize(("source_at", "target_at", "length"), [(0, 0, 256), (3, 9, 31)])
    @pytest.mark.parametrize("on", [0, 1], ids=["source's", "target's"])
    def test_copies_cross(
        self, pair: Pair, on: int, source_at: int, target_at: int, length: int
    ) -> None:
        first, second = pair
        source, target = allocate(first, 256), allocate(second, 256)
        data = bytes(range(256))
        source.write(0, data)
        target.write(0, bytes(256))
        filled, done = first.create_fence(), pair[on].create_fence()
        first.queue_fill(-1, None, filled, source, 0, 16, b"\xaa", 0)
        pair[on].queue_copy(-1, filled, done, source, source_at, target, target_at, length, 0)
        wait(done)
        data = b"\xaa" * 16 + data[16:]
        wanted = bytearray(256)
        wanted[target_at : target_at + length] = data[source_at : source_at + length]
        assert target.read() == bytes(wanted)

    def test_copies_cross_without_fences(self, pair: Pair) -> None:
        """To a caller who gives none, each operation has ended when its call returns."""
        first, second = pair
        source, target = allocate(first, 4096), allocate(second, 4096)
        for number in range(1, 6):
            first.queue_fill(-1, None, None, source, 0, 4096, bytes([number]), 0)
            second.queue_copy(-1, None, None, source, 0, target, 0, 4096, 0)
            assert target.read() == bytes([number]) * 4096

    def test_command_buffers_bind_the_others_memory(self, pair: Pair) -> None:
        first, second = pair
        source, target = allocate_shared(first, 64), allocate_shared(first, 64)
        source.write(0, b"\1" * 64)
        commands = second.create_command_buffer(0, 3, -1, 1)
        commands.copy_buffer(slot(0, 64), whole(target))  # by slot, and as it is recorded
        commands.finalize()
        for value in (b"\2", b"\3"):
            filled, done = first.create_fence(), second.create_fence()
            first.queue_fill(-1, None, filled, source, 0, 64, value, 0)
            second.queue_execute(-1, filled, done, commands, [(source, 0, 64)], 0)
            wait(done)
            assert target.read() == value * 64
        commands.close()

    def test_memory_reused_by_a_pool_is_imported_right(self, pair: Pair) -> None:
        first, second = pair
        for number in range(1, 40):
            size = 64 * number
            source = allocate(first, size)
            target = allocate(second, size)
            filled, done = first.create_fence(), second.create_fence()
            first.queue_fill(-1, None, filled, source, 0, size, bytes([number]), 0)
            second.queue_copy(-1, filled, done, source, 0, target, 0, size, 0)
            wait(done)
            assert target.read() == bytes([number]) * size
            first.queue_dealloca(-1, done, None, source, 0)
            if number % 10 == 0:
                first.allocator.trim()

    def test_nothing_is_left(self, pair: Pair) -> None:
        first, second = pair
        source, target = allocate(first, 512), allocate(second, 512)
        done = second.create_fence()
        second.queue_copy(-1, None, done, source, 0, target, 0, 512, 0)
        wait(done)
        source.close()
        target.close()
        del source, target
        for device in pair:
            inner = device.inner  # type: ignore[attr-defined]
            if isinstance(inner, VulkanDevice):
                inner.core.queues.wait_idle()
                inner.core.queues.collect()
        gc.collect()
        for device in pair:
            assert device.allocator.statistics().live_buffers == 0

    def test_out_of_reach(self) -> None:
        """Copies go through the host; kernels are refused by name."""
        require_vulkan()
        with create_device(VULKAN) as vulkan, create_device(CPU) as cpu:
            assert isinstance(vulkan, VulkanDevice)
            vulkan.allocator._importer._properties = None  # as without VK_EXT_external_memory_host
            here, there = allocate(vulkan, 64), allocate(cpu, 64)
            there.write(0, b"\1" * 64)
            vulkan.queue_copy(-1, None, None, there, 0, here, 0, 64, 0)
            assert here.read() == b"\1" * 64
            vulkan.queue_fill(-1, None, None, here, 0, 64, b"\2", 0)
            vulkan.queue_copy(-1, None, None, here, 0, there, 0, 64, 0)
            assert there.read() == b"\2" * 64
            with pytest.raises(DeviceError, match="cannot reach the memory of llvm-cpu:0"):
                vulkan.queue_fill(-1, None, None, there, 0, 64, b"\3", 0)
            commands = vulkan.create_command_buffer(0, 3, -1, 0)
            commands.fill_buffer(whole(there), b"\3")
            commands.finalize()
            with pytest.raises(CommandBufferError, match="out of reach"):
                vulkan.queue_execute(-1, None, None, commands, [], 0)
        assert_quiet(vulkan)


class TestConcurrency:
    def test_a_cpu_among_others_does_not_hold_up_the_caller(self) -> None:
        first, second = create_devices([CPU, CPU])
        with first, second:
            assert (first.id, second.id) == ("llvm-cpu:0", "llvm-cpu:1")
            entered, leave = threading.Event(), threading.Event()
            fence = first.create_fence()
            fence.on_signaled(lambda: (entered.set(), leave.wait(60)))
            first.queue_fill(-1, None, fence, allocate(first, 4), 0, 4, b"\1", 0)
            assert entered.wait(60), "another thread signals"
            done = second.create_fence()
            second.queue_fill(-1, None, done, allocate(second, 4), 0, 4, b"\1", 0)
            wait(done)  # while the first device is busy
            leave.set()

    def test_errors_of_its_thread_fail_the_fence(self) -> None:
        first, second = create_devices([CPU, CPU])
        with first, second:
            commands = first.create_command_buffer(0, 3, -1, 1)
            commands.fill_buffer(slot(0, 64), b"\1")
            commands.finalize()
            done = first.create_fence()
            first.queue_execute(-1, None, done, commands, [(allocate(first, 8), 0, 8)], 0)
            with pytest.raises(CommandBufferError, match="outside the buffer"):
                done.wait(timeout_ns=60 * SECONDS)
            with pytest.raises(CommandBufferError, match="outside the buffer"):
                first.queue_execute(-1, None, None, commands, [(allocate(first, 8), 0, 8)], 0)

    def test_a_device_that_does_not_end_in_time(self) -> None:
        """What waits for it elsewhere fails with its error, and is not waited for forever."""
        require_vulkan()
        with create_device("vulkan:cache=0,timeout=0.05") as vulkan, create_device(CPU) as cpu:
            stuck, done = vulkan.create_fence(), cpu.create_fence()
            target = allocate(cpu, 4)
            target.write(0, bytes(4))
            with pytest.MonkeyPatch.context() as patch:
                never_ending(vulkan, patch)
                vulkan.queue_fill(-1, None, stuck, allocate(vulkan, 4), 0, 4, b"\1", 0)
                cpu.queue_fill(-1, stuck, done, target, 0, 4, b"\2", 0)
                with pytest.raises(DeviceTimeout, match="did not finish submission"):
                    done.wait(timeout_ns=60 * SECONDS)
                assert target.read() == bytes(4), "it did not run"


class TestNames:
    def test_several_in_one_text(self) -> None:
        text = "llvm-cpu:threads=1,vulkan:0,validate=1, null"
        assert split_names(text) == ["llvm-cpu:threads=1", "vulkan:0,validate=1", "null"]
        assert names_of("llvm-cpu:0, llvm-cpu:1, vulkan:4") == "llvm-cpu,llvm-cpu,vulkan"

    def test_where_one_cannot_be_opened_none_is(self) -> None:
        before = threading.active_count()
        with pytest.raises(DeviceUnavailable, match="no driver 'nothing'"):
            create_devices(["llvm-cpu", "nothing"])
        for _ in range(100):
            if threading.active_count() <= before:
                break
            time.sleep(0.02)
        assert threading.active_count() <= before


class TestProfiling:
    def test_events_of_both(self, pair: Pair) -> None:
        profiler = Profiler([*pair, pair[0]])
        last: Fence | None = None
        for device in pair:
            done = device.create_fence()
            device.queue_fill(-1, last, done, allocate(device, 64), 0, 64, b"\1", 0)
            last = done
        assert last is not None
        wait(last)
        timeline = profiler.end()
        fills = [event for event in timeline.events if event.kind == "fill"]
        assert len(fills) == 2
        assert len({event.queue for event in fills}) == 2
        assert "queue" in timeline.table().splitlines()[0]

    def test_one_that_profiles_already(self, pair: Pair) -> None:
        pair[1].begin_profiling()
        with pytest.raises(DeviceError, match="profiling already"):
            Profiler(pair)
        pair[1].end_profiling()
        Profiler(pair).end()


def test_allocations_of_the_host_are_imported_once() -> None:
    require_vulkan()
    with create_device(VULKAN) as vulkan, create_device(CPU) as cpu:
        assert isinstance(vulkan, VulkanDevice)
        buffer = cpu.allocator.allocate(MEMORY, USAGE, 1 << 20)
        views = [vulkan.allocator.import_buffer(part) for part in (
            buffer, buffer.subspan(64, 128), buffer
        )]  # fmt: skip
        blocks = {id(view.storage.block) for view in views if view and view.storage}
        assert len(blocks) == 1
        assert len({view.pointer for view in views if view}) == 2
        data = np.frombuffer(buffer.map(), np.uint8)
        assert views[0] is not None
        assert views[0].host_address() == data.ctypes.data
        del views, data
    assert_quiet(vulkan)
