"""What every HAL driver must do. After the ideas of IREE's ``runtime/src/iree/hal/cts``.

Contents of buffers are checked where the driver computes (``runs``); everything else holds for
every driver.
"""

from __future__ import annotations

import threading
from itertools import pairwise

import numpy as np
import pytest
from hal_support import MEMORY, USAGE, Kernels, allocate, image, ints, slot, whole

from ireelab.errors import CommandBufferError, DeviceError, OutOfDeviceMemory
from ireelab.hal.buffer import Buffer, BufferView
from ireelab.hal.command_buffer import BindingRef, CommandBuffer, ExecutionBarrier, FillBuffer
from ireelab.hal.device import Device
from ireelab.hal.executable import Executable
from ireelab.hal.file import File
from ireelab.hal.semaphore import Fence
from ireelab.hal.types import CommandCategory, ExecutionStage

ANY = int(CommandCategory.ANY)
STAGES = int(ExecutionStage.DISPATCH | ExecutionStage.TRANSFER)


def record(device: Device, slots: int = 0, categories: int = ANY) -> CommandBuffer:
    return device.create_command_buffer(0, categories, -1, slots)


def submit(device: Device, commands: CommandBuffer, *buffers: Buffer) -> None:
    """Execute to the end, with whole buffers in the slots."""
    fence = device.create_fence()
    table = [(buffer, 0, buffer.length_bytes) for buffer in buffers]
    device.queue_execute(-1, None, fence, commands, table, 0)
    assert fence.wait(timeout_ns=60_000_000_000)


def fill(device: Device, buffer: Buffer, pattern: bytes) -> None:
    device.queue_fill(-1, None, None, buffer, 0, buffer.length_bytes, pattern, 0)


def load(device: Device, kernels: Kernels) -> Executable:
    executable = device.create_executable(*image(device, kernels), b"")
    for name in ("write_ids", "scale"):
        executable.lookup(name)
    return executable


class TestAllocator:
    def test_buffer_has_what_was_asked_for(self, device: Device) -> None:
        buffer = device.allocator.allocate(MEMORY, USAGE, 1000)
        assert (buffer.length_bytes, buffer.memory_type, buffer.usage) == (1000, MEMORY, USAGE)

    def test_empty_buffer(self, device: Device) -> None:
        assert allocate(device, 0).read() == b""

    def test_petabyte_is_out_of_memory(self, device: Device) -> None:
        with pytest.raises(OutOfDeviceMemory, match="bytes"):
            allocate(device, 1 << 50)

    def test_alloca_of_a_petabyte_is_out_of_memory(self, device: Device) -> None:
        with pytest.raises(OutOfDeviceMemory):
            device.queue_alloca(-1, None, device.create_fence(), 0, MEMORY, USAGE, 1 << 50, 0)

    def test_statistics_count_live_buffers(self, device: Device) -> None:
        before = device.allocator.statistics()
        buffer = allocate(device, 4096)
        assert device.allocator.statistics().live_buffers == before.live_buffers + 1
        assert device.allocator.statistics().live_bytes >= before.live_bytes + 4096
        buffer.close()
        buffer.close()
        assert device.allocator.statistics().live_buffers == before.live_buffers

    def test_import_aligned_array_shares_where_it_can(self, device: Device) -> None:
        raw = np.zeros(1024 + 16, np.float32)
        start = -raw.ctypes.data % 64 // 4
        array = raw[start : start + 1024]
        buffer = device.allocator.import_host(array, MEMORY, USAGE)
        array[7] = 3.0
        shares = device.allocator.imports_in_place
        assert np.frombuffer(buffer.read(), np.float32)[7] == (3.0 if shares else 0.0)

    def test_import_unaligned_or_strided_array_copies(self, device: Device) -> None:
        strided = np.arange(100, dtype=np.int32)[::2]
        buffer = device.allocator.import_host(strided, MEMORY, USAGE)
        assert ints(buffer) == list(range(0, 100, 2))


class TestBuffer:
    def test_write_read(self, device: Device) -> None:
        buffer = allocate(device, 16)
        buffer.write(0, bytes(16))
        buffer.write(3, b"abc")
        assert buffer.read(2, 5) == b"\0abc\0"

    def test_map_is_the_memory(self, device: Device) -> None:
        buffer = allocate(device, 16)
        buffer.map()[:] = 9
        assert buffer.read() == b"\x09" * 16

    def test_subspan_shares_and_outlives(self, device: Device) -> None:
        buffer = allocate(device, 64)
        buffer.write(0, bytes(range(64)))
        part = buffer.subspan(16, 8).subspan(2, 3)
        buffer.close()
        assert part.read() == bytes([18, 19, 20])

    def test_mapped_array_outlives(self, device: Device) -> None:
        buffer = allocate(device, 4096)
        buffer.write(0, b"\x05" * 4096)
        array = buffer.map()
        buffer.close()
        others = [allocate(device, 4096) for _ in range(4)]
        for other in others:
            other.write(0, b"\x06" * 4096)
        assert (array == 5).all()

    @pytest.mark.parametrize(("offset", "length"), [(-1, 2), (0, 17), (16, 1), (8, -1)])
    def test_ranges_are_checked(self, device: Device, offset: int, length: int) -> None:
        buffer = allocate(device, 16)
        with pytest.raises(DeviceError, match="outside"):
            buffer.subspan(offset, length)
        with pytest.raises(DeviceError, match="outside"):
            buffer.read(offset, length)

    def test_closed_buffer_has_no_contents(self, device: Device) -> None:
        buffer = allocate(device, 16)
        buffer.close()
        with pytest.raises(DeviceError, match="closed"):
            buffer.map()

    def test_view_to_numpy(self, device: Device) -> None:
        array = np.arange(6, dtype=np.float32).reshape(2, 3)
        view = BufferView.from_numpy(array, device.allocator.import_host(array, MEMORY, USAGE))
        assert repr(view) == "BufferView(2x3xf32)"
        np.testing.assert_array_equal(view.to_numpy(), array)


class TestCommandBuffer:
    def test_keeps_its_record(self, device: Device) -> None:
        buffer = allocate(device, 16)
        commands = record(device)
        commands.fill_buffer(whole(buffer), b"\x01", location="a.mlir:1")
        commands.execution_barrier(STAGES, STAGES)
        commands.finalize()
        first, second = commands.commands
        assert first == FillBuffer(whole(buffer), b"\x01", "a.mlir:1")
        assert isinstance(second, ExecutionBarrier)

    def test_nothing_runs_before_submission(self, device: Device) -> None:
        buffer = allocate(device, 4)
        buffer.write(0, b"\0\0\0\0")
        commands = record(device)
        commands.fill_buffer(whole(buffer), b"\x01")
        commands.finalize()
        assert buffer.read() == b"\0\0\0\0"

    def test_empty_one_runs(self, device: Device) -> None:
        commands = record(device)
        commands.finalize()
        submit(device, commands)

    @pytest.mark.parametrize(
        "pattern", [b"\x01", b"\x01\x02", b"\x01\x02\x03\x04", bytes(range(8))]
    )
    def test_fill(self, device: Device, runs: bool, pattern: bytes) -> None:
        buffer = allocate(device, 64)
        buffer.write(0, b"\xff" * 64)
        commands = record(device, 1)
        commands.fill_buffer(BindingRef(buffer, 0, 8, 24), pattern)
        commands.fill_buffer(slot(0, 16, 40), pattern)
        commands.finalize()
        submit(device, commands, buffer)
        if runs:
            expected = b"\xff" * 8 + pattern * (24 // len(pattern)) + b"\xff" * 8
            expected += pattern * (16 // len(pattern)) + b"\xff" * 8
            assert buffer.read() == expected

    def test_fill_of_odd_length(self, device: Device, runs: bool) -> None:
        buffer = allocate(device, 13)
        commands = record(device)
        commands.fill_buffer(whole(buffer), b"\x07")
        commands.finalize()
        submit(device, commands)
        if runs:
            assert buffer.read() == b"\x07" * 13

    def test_update_copies_its_data_when_recorded(self, device: Device, runs: bool) -> None:
        buffer = allocate(device, 8)
        data = bytearray(b"abcd")
        commands = record(device)
        commands.update_buffer(BindingRef(buffer, 0, 2, 4), data)  # type: ignore[arg-type]
        commands.finalize()
        data[:] = b"zzzz"
        submit(device, commands)
        if runs:
            assert buffer.read(2, 4) == b"abcd"

    def test_copy_after_barrier_sees_the_fill(self, device: Device, runs: bool) -> None:
        source, target = allocate(device, 1 << 16), allocate(device, 1 << 16)
        commands = record(device)
        commands.fill_buffer(whole(source), b"\x0a")
        commands.execution_barrier(STAGES, STAGES)
        commands.copy_buffer(whole(source), whole(target))
        commands.execution_barrier(STAGES, STAGES)
        commands.fill_buffer(whole(source), b"\x0b")
        commands.finalize()
        submit(device, commands)
        if runs:
            assert target.read() == b"\x0a" * (1 << 16)
            assert source.read() == b"\x0b" * (1 << 16)

    def test_debug_groups_must_balance(self, device: Device) -> None:
        commands = record(device)
        commands.begin_debug_group("layer")
        with pytest.raises(CommandBufferError, match="debug group"):
            commands.finalize()

    def test_reuse_with_other_buffers(self, device: Device, runs: bool) -> None:
        commands = record(device, 1)
        commands.fill_buffer(slot(0, 8), b"\x03")
        commands.finalize()
        buffers = [allocate(device, 8) for _ in range(3)]
        for buffer in buffers:
            submit(device, commands, buffer)
        if runs:
            assert all(buffer.read() == b"\x03" * 8 for buffer in buffers)


class TestDispatch:
    def test_constants_and_bindings(self, device: Device, runs: bool, kernels: Kernels) -> None:
        executable = load(device, kernels)
        source, target = allocate(device, 4096), allocate(device, 4096)
        source.write(0, np.arange(1024, dtype=np.int32).tobytes())
        commands = record(device, 1)
        ordinal = executable.lookup("scale")
        commands.dispatch(
            executable, ordinal, (1024, 1, 1), [3, -7], [whole(source), slot(0, 4096)]
        )
        commands.finalize()
        submit(device, commands, target)
        if runs:
            assert ints(target) == [3 * i - 7 for i in range(1024)]

    def test_every_workgroup_runs_once(self, device: Device, runs: bool, kernels: Kernels) -> None:
        executable = load(device, kernels)
        target = allocate(device, 256)
        commands = record(device)
        ordinal = executable.lookup("write_ids")
        commands.dispatch(executable, ordinal, (8, 8, 1), [], [whole(target)])
        commands.finalize()
        submit(device, commands)
        if runs:
            assert ints(target) == list(range(64))

    def test_no_workgroups(self, device: Device, runs: bool, kernels: Kernels) -> None:
        executable = load(device, kernels)
        target = allocate(device, 256)
        target.write(0, b"\xff" * 256)
        commands = record(device)
        ordinal = executable.lookup("write_ids")
        commands.dispatch(executable, ordinal, (8, 0, 1), [], [whole(target)])
        commands.finalize()
        submit(device, commands)
        assert target.read() == b"\xff" * 256

    def test_pipeline_of_dispatches(self, device: Device, runs: bool, kernels: Kernels) -> None:
        executable = load(device, kernels)
        scale = executable.lookup("scale")
        a, b = allocate(device, 4096), allocate(device, 4096)
        a.write(0, np.arange(1024, dtype=np.int32).tobytes())
        commands = record(device)
        for step in range(6):
            source, target = (a, b) if step % 2 == 0 else (b, a)
            bindings = [whole(source), whole(target)]
            commands.dispatch(executable, scale, (1024, 1, 1), [2, 1], bindings)
            commands.execution_barrier(STAGES, STAGES)
        commands.finalize()
        submit(device, commands)
        if runs:
            assert ints(a) == [64 * i + 63 for i in range(1024)]

    def test_indirect_counts_are_read_when_it_runs(
        self, device: Device, runs: bool, kernels: Kernels
    ) -> None:
        executable = load(device, kernels)
        target, counts = allocate(device, 256), allocate(device, 64)
        target.write(0, b"\xff" * 256)
        commands = record(device, 1)
        data = np.array([8, 4, 1], np.uint32).tobytes()
        commands.update_buffer(BindingRef(counts, 0, 16, 12), data)
        commands.execution_barrier(STAGES, STAGES)
        ordinal = executable.lookup("write_ids")
        commands.dispatch_indirect(executable, ordinal, slot(0, 12, 16), [], [whole(target)])
        commands.finalize()
        submit(device, commands, counts)
        if runs:
            assert ints(target) == [*range(32), *([-1] * 32)]


class TestValidation:
    def test_wrong_number_of_bindings(self, device: Device, kernels: Kernels) -> None:
        executable = load(device, kernels)
        if executable.functions[0].binding_count < 0:
            pytest.skip("the driver has no reflection")
        with pytest.raises(CommandBufferError, match=r"write_ids.*takes 1 bindings.*got 0"):
            record(device).dispatch(executable, 0, (1, 1, 1), [], [])

    def test_record_after_finalize(self, device: Device) -> None:
        commands = record(device)
        commands.finalize()
        with pytest.raises(CommandBufferError, match=r"after finalize"):
            commands.execution_barrier(0, 0)
        with pytest.raises(CommandBufferError, match="already finalized"):
            commands.finalize()

    def test_submit_before_finalize(self, device: Device) -> None:
        with pytest.raises(CommandBufferError, match="not finalized"):
            device.queue_execute(-1, None, None, record(device), [], 0)

    def test_slot_outside_capacity(self, device: Device) -> None:
        with pytest.raises(CommandBufferError, match=r"slot 2 .* 2 slots"):
            record(device, 2).fill_buffer(slot(2, 4), b"\0")

    def test_range_outside_buffer(self, device: Device) -> None:
        buffer = allocate(device, 16)
        with pytest.raises(CommandBufferError, match=r"x.mlir:3.*\[8, 24\).*16 bytes"):
            record(device).fill_buffer(BindingRef(buffer, 0, 8, 16), b"\0", location="x.mlir:3")

    def test_slot_bound_too_short(self, device: Device) -> None:
        commands = record(device, 1)
        commands.fill_buffer(slot(0, 32), b"\0")
        commands.finalize()
        with pytest.raises(CommandBufferError, match=r"slot 0.*use 32 bytes, 16 are bound"):
            device.queue_execute(-1, None, None, commands, [(allocate(device, 16), 0, 16)], 0)

    def test_binding_table_too_short(self, device: Device) -> None:
        commands = record(device, 2)
        commands.fill_buffer(slot(1, 4), b"\0")
        commands.finalize()
        with pytest.raises(CommandBufferError, match="binding table has 1"):
            device.queue_execute(-1, None, None, commands, [(allocate(device, 16), 0, 16)], 0)

    @pytest.mark.parametrize(("offset", "length"), [(2, 4), (4, 6)])
    def test_fill_alignment(self, device: Device, offset: int, length: int) -> None:
        target = BindingRef(allocate(device, 16), 0, offset, length)
        with pytest.raises(CommandBufferError, match="multiples of the 4-byte pattern"):
            record(device).fill_buffer(target, b"\0\0\0\0")

    def test_pattern_length(self, device: Device) -> None:
        with pytest.raises(CommandBufferError, match="not 3"):
            record(device).fill_buffer(whole(allocate(device, 12)), b"\0\0\0")

    def test_usage(self, device: Device) -> None:
        buffer = allocate(device, 16, usage=1)
        with pytest.raises(CommandBufferError, match="TRANSFER_TARGET"):
            record(device).fill_buffer(whole(buffer), b"\0")

    def test_category(self, device: Device) -> None:
        commands = record(device, categories=int(CommandCategory.DISPATCH))
        with pytest.raises(CommandBufferError, match="TRANSFER"):
            commands.fill_buffer(whole(allocate(device, 16)), b"\0")

    def test_overlapping_copy(self, device: Device) -> None:
        buffer = allocate(device, 16)
        with pytest.raises(CommandBufferError, match="overlap"):
            record(device).copy_buffer(BindingRef(buffer, 0, 0, 8), BindingRef(buffer, 0, 4, 8))


class TestQueue:
    def test_transfers(self, device: Device, runs: bool) -> None:
        a, b = allocate(device, 16), allocate(device, 16)
        fill(device, a, b"\x01\x02")
        device.queue_update(-1, None, None, b"xyz", a, 4, 0)
        device.queue_copy(-1, None, None, a, 2, b, 0, 8, 0)
        if runs:
            assert b.read(0, 8) == b"\x01\x02xyz\x02\x01\x02"

    def test_file(self, device: Device, runs: bool) -> None:
        buffer = allocate(device, 8)
        storage = bytearray(16)
        device.queue_read(-1, None, None, File(b"0123456789"), 2, buffer, 0, 8, 0)
        device.queue_write(-1, None, None, buffer, 1, File(storage), 4, 3, 0)
        if runs:
            assert buffer.read() == b"23456789"
            assert bytes(storage[4:7]) == b"345"

    def test_file_range_fails_the_fence(self, device: Device, runs: bool) -> None:
        fence = device.create_fence()
        target = allocate(device, 64)
        device.queue_read(-1, None, fence, File(b"short"), 0, target, 0, 64, 0)
        if runs:
            with pytest.raises(DeviceError, match="outside the file of 5 bytes"):
                fence.wait()

    def test_alloca_and_dealloca_reuse_memory(self, device: Device) -> None:
        for _ in range(5):
            fence = device.create_fence()
            buffer = device.queue_alloca(-1, None, fence, 0, MEMORY, USAGE, 10_000, 0)
            assert fence.is_signaled()
            device.queue_dealloca(-1, fence, None, buffer, 0)
            del buffer
        statistics = device.allocator.statistics()
        assert statistics.reused_allocations >= 4
        assert statistics.live_buffers == 0

    def test_deallocated_buffer_cannot_be_bound(self, device: Device, runs: bool) -> None:
        commands = record(device, 1)
        commands.fill_buffer(slot(0, 8), b"\0")
        commands.finalize()
        buffer = device.queue_alloca(-1, None, None, 0, MEMORY, USAGE, 8, 0)
        device.queue_dealloca(-1, None, None, buffer, 0)
        if runs:
            with pytest.raises(CommandBufferError, match=r"slot 0.*closed or deallocated"):
                device.queue_execute(-1, None, None, commands, [(buffer, 0, 8)], 0)

    def test_waits_are_deferred_in_order(self, device: Device, runs: bool) -> None:
        buffer = allocate(device, 4)
        buffer.write(0, b"\0\0\0\0")
        start, done = device.create_fence(), device.create_fence()
        device.queue_fill(-1, start, None, buffer, 0, 4, b"\x01", 0)
        device.queue_fill(-1, start, done, buffer, 0, 2, b"\x02", 0)
        assert not done.is_signaled()
        assert buffer.read() == b"\0\0\0\0"
        start.signal()
        assert done.wait(timeout_ns=60_000_000_000)
        if runs:
            assert buffer.read() == b"\x02\x02\x01\x01"

    def test_long_chain_of_deferred_operations(self, device: Device) -> None:
        fences = [device.create_fence() for _ in range(3000)]
        for before, after in pairwise(fences):
            device.queue_barrier(-1, before, after, 0)
        fences[0].signal()
        assert fences[-1].is_signaled()

    def test_signal_from_another_thread(self, device: Device, runs: bool) -> None:
        buffer = allocate(device, 4)
        start, done = device.create_fence(), device.create_fence()
        device.queue_fill(-1, start, done, buffer, 0, 4, b"\x04", 0)
        thread = threading.Thread(target=start.signal)
        thread.start()
        assert done.wait(timeout_ns=30_000_000_000)
        thread.join()
        if runs:
            assert buffer.read() == b"\x04" * 4

    def test_failure_propagates(self, device: Device, runs: bool) -> None:
        buffer = allocate(device, 4)
        buffer.write(0, b"\0\0\0\0")
        start, middle, end = (device.create_fence() for _ in range(3))
        device.queue_fill(-1, start, middle, buffer, 0, 4, b"\x04", 0)
        device.queue_barrier(-1, middle, end, 0)
        start.fail(DeviceError("the upstream failed"))
        with pytest.raises(DeviceError, match="upstream"):
            end.is_signaled()
        late = device.create_fence()
        device.queue_barrier(-1, end, late, 0)
        with pytest.raises(DeviceError, match="upstream"):
            late.wait()
        assert buffer.read() == b"\0\0\0\0"

    def test_execute_nothing_signals(self, device: Device) -> None:
        fence = device.create_fence()
        device.queue_execute(-1, None, fence, None, [], 0)
        assert fence.is_signaled()

    def test_closed_device_refuses(self, device: Device) -> None:
        device.close()
        device.close()
        with pytest.raises(DeviceError, match="closed"):
            device.queue_barrier(-1, None, None, 0)


class TestSemaphore:
    def test_timeline(self, device: Device) -> None:
        semaphore = device.create_semaphore(3)
        assert semaphore.query() == 3
        semaphore.signal(5)
        assert semaphore.wait(4)
        assert not semaphore.wait(6, timeout_ns=0)
        with pytest.raises(DeviceError, match="must grow"):
            semaphore.signal(5)

    def test_wait_times_out(self, device: Device) -> None:
        assert not device.create_semaphore().wait(1, timeout_ns=1_000_000)

    def test_callbacks_run_once_when_reached(self, device: Device) -> None:
        semaphore = device.create_semaphore()
        calls: list[str] = []
        semaphore.on_reached(2, lambda: calls.append("two"))
        semaphore.on_reached(1, lambda: calls.append("one"))
        semaphore.signal(1)
        assert calls == ["one"]
        semaphore.signal(7)
        semaphore.signal(8)
        assert calls == ["one", "two"]
        semaphore.on_reached(8, lambda: calls.append("now"))
        assert calls[-1] == "now"

    def test_failure_is_permanent(self, device: Device) -> None:
        semaphore = device.create_semaphore()
        semaphore.fail(DeviceError("first"))
        semaphore.fail(DeviceError("second"))
        for _ in range(2):
            with pytest.raises(DeviceError, match="first"):
                semaphore.wait(1)


class TestFence:
    def test_empty_fence_is_signaled(self) -> None:
        assert Fence().is_signaled()

    def test_join_waits_for_all(self, device: Device) -> None:
        first, second = device.create_fence(), device.create_fence()
        joined = Fence.join([first, None, second, Fence()])
        calls: list[int] = []
        joined.on_signaled(lambda: calls.append(1))
        first.signal()
        assert not joined.is_signaled()
        assert not calls
        second.signal()
        assert joined.wait(timeout_ns=0)
        assert calls == [1]

    def test_join_of_nothing_is_signaled(self) -> None:
        assert Fence.join([None]).is_signaled()

    def test_joined_failure_calls_back_once(self, device: Device) -> None:
        first, second = device.create_fence(), device.create_fence()
        calls: list[int] = []
        Fence.join([first, second]).on_signaled(lambda: calls.append(1))
        first.fail(DeviceError("no"))
        second.signal()
        assert calls == [1]

    def test_wait_blocks_until_another_thread_signals(self, device: Device) -> None:
        fence = device.create_fence()
        thread = threading.Thread(target=fence.signal)
        thread.start()
        assert fence.wait()
        thread.join()


class TestQueries:
    def test_device_id(self, device: Device) -> None:
        key = {"null": "null", "llvm-cpu": "local*", "vulkan": "vulkan"}[device.driver]
        assert device.query_i64("hal.device.id", key) == 1
        assert device.query_i64("hal.device.id", "cuda") == 0

    def test_executable_format(self, device: Device, kernels: Kernels) -> None:
        assert device.query_i64("hal.executable.format", image(device, kernels)[0]) == 1

    def test_unknown(self, device: Device) -> None:
        assert device.query_i64("no.such", "thing") is None


class TestProfiling:
    def test_events_of_a_submission(self, device: Device, runs: bool, kernels: Kernels) -> None:
        executable = load(device, kernels)
        target = allocate(device, 256)
        commands = record(device)
        bindings = [whole(target)]
        ordinal = executable.lookup("write_ids")
        commands.dispatch(executable, ordinal, (8, 8, 1), [], bindings, location="k.mlir:3")
        commands.execution_barrier(STAGES, STAGES)
        commands.fill_buffer(whole(target), b"\0")
        commands.finalize()
        device.begin_profiling()
        with pytest.raises(DeviceError, match="already"):
            device.begin_profiling()
        submit(device, commands)
        events = device.end_profiling()
        assert [event.start_ns for event in events] == sorted(event.start_ns for event in events)
        kinds = [event.kind for event in events]
        assert "submit" in kinds
        if not runs:
            return
        assert [kind for kind in kinds if kind != "submit"] == ["dispatch", "barrier", "fill"]
        dispatch = next(event for event in events if event.kind == "dispatch")
        assert dispatch.entry_point == dispatch.name == "write_ids"
        assert (dispatch.workgroups, dispatch.bytes, dispatch.command) == ((8, 8, 1), 256, 0)
        assert dispatch.start_ns <= dispatch.end_ns
        assert dispatch.source_locations
        outer = next(event for event in events if event.kind == "submit")
        assert outer.start_ns <= dispatch.start_ns <= dispatch.end_ns
        if device.driver == "llvm-cpu":  # whose submissions run in the call
            assert dispatch.end_ns <= outer.end_ns

    def test_off_again(self, device: Device) -> None:
        device.begin_profiling()
        assert device.end_profiling() == ()
        with pytest.raises(DeviceError, match="not profiling"):
            device.end_profiling()
