"""The LLVM-CPU driver: executables both ways, threads, errors, limits."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading

import numpy as np
import pytest
from hal_support import (
    ARCHITECTURE,
    ELF_FORMAT,
    Kernels,
    allocate,
    hand_written_library,
    ints,
    slot,
    whole,
)

from ireelab.errors import (
    CommandBufferError,
    DeviceUnavailable,
    ExecutableMismatch,
    OutOfDeviceMemory,
)
from ireelab.hal.buffer import Buffer
from ireelab.hal.command_buffer import BindingRef
from ireelab.hal.device import Device
from ireelab.hal.executable import Executable
from ireelab.hal.registry import create_device, devices
from ireelab.hal.resource import live_objects


def load(device: Device, kernels: Kernels, *, jit: bool) -> Executable:
    llvm_ir = kernels.llvm_ir if jit else None
    return device.create_executable(ELF_FORMAT, memoryview(kernels.elf), b"", llvm_ir=llvm_ir)


def load_hand_written(
    device: Device, constants: bytes = b"\x2a\0\0\0", **options: object
) -> Executable:
    text = hand_written_library(**options)  # type: ignore[arg-type]
    return device.create_executable(ELF_FORMAT, memoryview(b""), constants, llvm_ir=text)


def run_dispatch(
    device: Device,
    executable: Executable,
    name: str,
    workgroups: tuple[int, int, int],
    constants: list[int],
    buffers: list[Buffer],
) -> None:
    commands = device.create_command_buffer(0, 3, -1, 0)
    ordinal = executable.lookup(name)
    bindings = [whole(buffer) for buffer in buffers]
    commands.dispatch(executable, ordinal, workgroups, constants, bindings, location="t.mlir:9")
    commands.finalize()
    device.queue_execute(-1, None, None, commands, [], 0)


def matmul_output(
    device: Device, executable: Executable, workgroups: tuple[int, int, int]
) -> np.ndarray:
    """The matmul fixture on fixed random inputs, checked against NumPy."""
    rng = np.random.default_rng(7)
    inputs = [rng.random((64, 64), np.float32) for _ in range(2)]
    buffers = [device.allocator.import_host(array, 0x3F, -1) for array in inputs]
    target = allocate(device, 64 * 64 * 4)
    target.write(0, b"\xff" * target.length_bytes)
    name = executable.functions[0].name
    run_dispatch(device, executable, name, workgroups, [], [*buffers, target])
    output = np.frombuffer(target.read(), np.float32).reshape(64, 64)
    np.testing.assert_allclose(output, inputs[0] @ inputs[1], rtol=1e-4)
    return output


class TestBothWays:
    @pytest.mark.parametrize("jit", [False, True])
    def test_reflection(self, cpu: Device, kernels: Kernels, jit: bool) -> None:
        executable = load(cpu, kernels, jit=jit)
        ids, scale = executable.functions
        assert (ids.name, ids.binding_count, ids.constant_count) == ("write_ids", 1, 0)
        assert (scale.name, scale.binding_count, scale.constant_count) == ("scale", 2, 2)
        assert ids.source_locations
        assert ids.source_locations[0].endswith(tuple("0123456789"))

    @pytest.mark.parametrize("threads", [1, 2, 4])
    def test_jit_and_elf_agree_on_every_thread_count(self, kernels: Kernels, threads: int) -> None:
        outputs: list[list[int]] = []
        with create_device(f"llvm-cpu:threads={threads}") as device:
            for jit in (False, True):
                executable = load(device, kernels, jit=jit)
                source, target = allocate(device, 4096), allocate(device, 4096)
                source.write(0, np.arange(1024, dtype=np.int32).tobytes())
                run_dispatch(device, executable, "scale", (1024, 1, 1), [5, 6], [source, target])
                outputs.append(ints(target))
        assert outputs[0] == outputs[1] == [5 * i + 6 for i in range(1024)]

    def test_compiled_matmul_agrees(self, cpu: Device, matmul: Kernels) -> None:
        outputs = [
            matmul_output(cpu, load(cpu, matmul, jit=jit), matmul.workgroups)
            for jit in (False, True)
        ]
        np.testing.assert_array_equal(outputs[0], outputs[1])

    def test_elf_files_are_not_mixed_up(
        self, cpu: Device, kernels: Kernels, matmul: Kernels
    ) -> None:
        """The dynamic loader caches by path; two files must never share one."""
        loaded = [load(cpu, which, jit=False) for which in (kernels, matmul, kernels, matmul)]
        assert [len(executable.functions) for executable in loaded] == [2, 1, 2, 1]

    def test_unknown_entry_point(self, cpu: Device, kernels: Kernels) -> None:
        with pytest.raises(ExecutableMismatch, match=r"'nope'.*write_ids, scale"):
            load(cpu, kernels, jit=False).lookup("nope")

    @pytest.mark.parametrize("jit", [False, True])
    def test_closed_executable_still_serves_command_buffers(
        self, cpu: Device, kernels: Kernels, jit: bool
    ) -> None:
        target = allocate(cpu, 256)
        with load(cpu, kernels, jit=jit) as executable:
            commands = cpu.create_command_buffer(0, 3, -1, 0)
            commands.dispatch(executable, 0, (8, 8, 1), [], [whole(target)])
            commands.finalize()
        del executable
        gc.collect()
        cpu.queue_execute(-1, None, None, commands, [], 0)
        assert ints(target) == list(range(64))


class TestRefusals:
    def test_format(self, cpu: Device) -> None:
        with pytest.raises(ExecutableMismatch, match="vulkan-spirv-fb"):
            cpu.create_executable("vulkan-spirv-fb", memoryview(b"x"), b"")

    def test_architecture(self, cpu: Device, kernels: Kernels) -> None:
        other = "arm_64" if ARCHITECTURE == "x86_64" else "x86_64"
        with pytest.raises(ExecutableMismatch, match=other):
            cpu.create_executable(f"embedded-elf-{other}", memoryview(kernels.elf), b"")

    def test_elf_of_another_machine(self, cpu: Device, kernels: Kernels) -> None:
        image = bytearray(kernels.elf)
        image[18:20] = (8).to_bytes(2, "little")
        with pytest.raises(ExecutableMismatch, match="machine is 8"):
            cpu.create_executable(ELF_FORMAT, memoryview(bytes(image)), b"")

    def test_every_truncation(self, cpu: Device, kernels: Kernels) -> None:
        for size in range(0, len(kernels.elf), 97):
            with pytest.raises(ExecutableMismatch):
                cpu.create_executable(ELF_FORMAT, memoryview(kernels.elf[:size]), b"")

    def test_garbage(self, cpu: Device) -> None:
        rng = np.random.default_rng(3)
        for _ in range(20):
            data = b"\x7fELF" + rng.bytes(4096)
            with pytest.raises(ExecutableMismatch):
                cpu.create_executable(ELF_FORMAT, memoryview(data), b"")

    def test_garbled_headers_never_crash(self, kernels: Kernels, tmp_path: object) -> None:
        """Every byte of the headers set to ff, in a process of its own: it must survive."""
        code = (
            "import sys\n"
            "from ireelab.errors import ExecutableMismatch\n"
            "from ireelab.hal.drivers.llvm_cpu.elf import check_elf\n"
            "image = bytearray(sys.stdin.buffer.read())\n"
            "refused = 0\n"
            "for at in range(64 + 56 * 8):\n"
            "    copy = bytearray(image); copy[at] ^= 0xFF\n"
            "    try:\n"
            f"        check_elf(bytes(copy), {ARCHITECTURE!r})\n"
            "    except ExecutableMismatch:\n"
            "        refused += 1\n"
            "print(refused)\n"
        )
        result = subprocess.run(
            [sys.executable, "-c", code], input=kernels.elf, capture_output=True, timeout=60
        )
        assert result.returncode == 0, result.stderr.decode()
        assert int(result.stdout) > 150

    def test_broken_ir(self, cpu: Device) -> None:
        with pytest.raises(ExecutableMismatch, match="LLVM refuses"):
            cpu.create_executable(ELF_FORMAT, memoryview(b""), b"", llvm_ir="define nonsense")

    def test_ir_without_library(self, cpu: Device) -> None:
        with pytest.raises(ExecutableMismatch, match="does not define"):
            cpu.create_executable(ELF_FORMAT, memoryview(b""), b"", llvm_ir="; nothing\n")

    def test_ir_with_unknown_symbol(self, cpu: Device) -> None:
        text = "declare void @no_such_symbol()\ndefine void @f() {\n"
        text += " call void @no_such_symbol()\n ret void\n}\n"
        with pytest.raises(ExecutableMismatch, match="no_such_symbol"):
            cpu.create_executable(ELF_FORMAT, memoryview(b""), b"", llvm_ir=text)

    def test_ir_for_a_cpu_we_lack(self, cpu: Device) -> None:
        from ireelab.hal.drivers.llvm_cpu.llvm_ffi import host_features

        missing = next((name for name, on in host_features().items() if not on), None)
        if missing is None:
            pytest.skip("this CPU has every feature that LLVM knows")
        text = "define void @f() #0 {\n ret void\n}\n"
        text += f'attributes #0 = {{ "target-features"="+{missing}" }}\n'
        with pytest.raises(ExecutableMismatch, match=missing):
            cpu.create_executable(ELF_FORMAT, memoryview(b""), b"", llvm_ir=text)

    def test_interface_version(self, cpu: Device) -> None:
        with pytest.raises(ExecutableMismatch, match="version 9"):
            load_hand_written(cpu, version=9)

    def test_sanitizer(self, cpu: Device) -> None:
        with pytest.raises(ExecutableMismatch, match="sanitizer"):
            load_hand_written(cpu, sanitizer=1)

    def test_missing_import_is_named(self, cpu: Device) -> None:
        with pytest.raises(ExecutableMismatch, match="my_plug_fn"):
            load_hand_written(cpu, import_name="my_plug_fn")

    def test_optional_import_may_be_missing(self, cpu: Device) -> None:
        assert load_hand_written(cpu, import_name="?plugin_fn").lookup("fail") == 0

    def test_number_of_constants(self, cpu: Device) -> None:
        with pytest.raises(ExecutableMismatch, match="declares 1 constants, 2 given"):
            load_hand_written(cpu, constants=bytes(8))


class TestKernels:
    def test_executable_constants(self, cpu: Device) -> None:
        target = allocate(cpu, 4)
        run_dispatch(cpu, load_hand_written(cpu), "constant", (1, 1, 1), [], [target])
        assert ints(target) == [42]

    @pytest.mark.parametrize("threads", [1, 2, 4])
    def test_local_memory_is_private_to_a_workgroup(self, threads: int) -> None:
        with create_device(f"llvm-cpu:threads={threads}") as device:
            executable = load_hand_written(device)
            assert executable.functions[1].local_memory_bytes == 8192
            target = allocate(device, 4 * 1000)
            run_dispatch(device, executable, "local", (1000, 1, 1), [], [target])
            assert ints(target) == [2048] * 1000

    def test_denormals_are_flushed_and_restored(self, cpu: Device) -> None:
        tiny = np.array([1e-40, 2.0, 2e-38], np.float32)
        source = cpu.allocator.import_host(tiny, 0x3F, -1)
        target = allocate(cpu, 12)
        run_dispatch(cpu, load_hand_written(cpu), "halves", (3, 1, 1), [], [source, target])
        assert np.frombuffer(target.read(), np.float32).tolist() == [0.0, 1.0, 0.0]
        assert np.float32(1e-40) * np.float32(0.5) > 0

    def test_status_names_the_dispatch(self, cpu: Device) -> None:
        executable = load_hand_written(cpu)
        with pytest.raises(CommandBufferError, match=r"command 0 .*fail.*t.mlir:9.*status 7"):
            run_dispatch(cpu, executable, "fail", (100, 1, 1), [37], [])
        run_dispatch(cpu, executable, "fail", (100, 1, 1), [100], [])

    def test_status_fails_the_signal_fence(self, cpu: Device) -> None:
        executable = load_hand_written(cpu)
        commands = cpu.create_command_buffer(0, 3, -1, 0)
        commands.dispatch(executable, 0, (1, 1, 1), [0], [])
        commands.finalize()
        fence = cpu.create_fence()
        cpu.queue_execute(-1, None, fence, commands, [], 0)
        with pytest.raises(CommandBufferError, match="status 7"):
            fence.is_signaled()

    def test_nothing_runs_after_a_failure(self, cpu: Device) -> None:
        executable = load_hand_written(cpu)
        target = allocate(cpu, 4)
        target.write(0, b"\0\0\0\0")
        commands = cpu.create_command_buffer(0, 3, -1, 0)
        commands.dispatch(executable, 0, (1, 1, 1), [0], [])
        commands.execution_barrier(0, 0)
        commands.fill_buffer(whole(target), b"\x01")
        commands.finalize()
        with pytest.raises(CommandBufferError):
            cpu.queue_execute(-1, None, None, commands, [], 0)
        assert target.read() == b"\0\0\0\0"


class TestWithoutValidation:
    """Memory safety does not depend on the validation layer."""

    def test_direct_range(self) -> None:
        with create_device("llvm-cpu:threads=1") as device:
            buffer = allocate(device, 16)
            commands = device.create_command_buffer(0, 3, -1, 0)
            commands.fill_buffer(BindingRef(buffer, 0, 8, 16), b"\0")
            with pytest.raises(CommandBufferError, match=r"\[8, 24\).*16 bytes"):
                commands.finalize()

    def test_slot_range(self) -> None:
        with create_device("llvm-cpu:threads=1") as device:
            buffer = allocate(device, 16)
            commands = device.create_command_buffer(0, 3, -1, 1)
            commands.fill_buffer(slot(0, 8, 12), b"\0")
            commands.finalize()
            with pytest.raises(CommandBufferError, match="binding 0 is outside"):
                device.queue_execute(-1, None, None, commands, [(buffer, 0, 16)], 0)
            with pytest.raises(CommandBufferError, match=r"\[8, 24\)"):
                device.queue_execute(-1, None, None, commands, [(buffer, 8, 16)], 0)

    def test_slot_and_table(self) -> None:
        with create_device("llvm-cpu:threads=1") as device:
            commands = device.create_command_buffer(0, 3, -1, 1)
            commands.fill_buffer(slot(3, 8), b"\0")
            with pytest.raises(CommandBufferError, match="names slot 3"):
                commands.finalize()
            commands = device.create_command_buffer(0, 3, -1, 1)
            commands.finalize()
            with pytest.raises(CommandBufferError, match="binds 0"):
                device.queue_execute(-1, None, None, commands, [], 0)

    def test_binding_count(self, kernels: Kernels) -> None:
        with create_device("llvm-cpu:threads=1") as device:
            commands = device.create_command_buffer(0, 3, -1, 0)
            commands.dispatch(load(device, kernels, jit=False), 1, (1, 1, 1), [1, 2], [])
            with pytest.raises(CommandBufferError, match=r"scale.*takes 2 bindings"):
                commands.finalize()

    def test_indirect_counts_out_of_range(self, kernels: Kernels) -> None:
        with create_device("llvm-cpu:threads=1") as device:
            executable = load(device, kernels, jit=False)
            counts, target = allocate(device, 12), allocate(device, 256)
            counts.write(0, b"\xff" * 12)
            commands = device.create_command_buffer(0, 3, -1, 0)
            commands.dispatch_indirect(executable, 0, whole(counts), [], [whole(target)])
            commands.finalize()
            with pytest.raises(CommandBufferError, match="workgroup counts"):
                device.queue_execute(-1, None, None, commands, [], 0)


class TestThreads:
    @pytest.mark.parametrize("threads", [1, 2, 4])
    def test_large_transfers(self, threads: int) -> None:
        size = (8 << 20) + 5
        with create_device(f"llvm-cpu:threads={threads}") as device:
            source, target = allocate(device, size), allocate(device, size)
            commands = device.create_command_buffer(0, 3, -1, 0)
            commands.fill_buffer(whole(source), b"\x5a")
            commands.execution_barrier(0, 0)
            commands.copy_buffer(whole(source), whole(target))
            commands.finalize()
            device.queue_execute(-1, None, None, commands, [], 0)
            assert (target.map() == 0x5A).all()

    @pytest.mark.parametrize("threads", [2, 4])
    def test_barriers_order_shared_segments(self, kernels: Kernels, threads: int) -> None:
        """Long enough to be shared: each of many rounds needs all of the round before."""
        rounds = 400
        with create_device(f"llvm-cpu:threads={threads}") as device:
            executable = load(device, kernels, jit=True)
            a, b = allocate(device, 4096), allocate(device, 4096)
            commands = device.create_command_buffer(0, 3, -1, 0)
            commands.fill_buffer(whole(a), b"\0")
            for step in range(rounds):
                commands.execution_barrier(0, 0)
                pair = [whole(a), whole(b)] if step % 2 == 0 else [whole(b), whole(a)]
                commands.dispatch(executable, 1, (1024, 1, 1), [1, 1], pair)
            commands.finalize()
            for _ in range(5):
                device.queue_execute(-1, None, None, commands, [], 0)
                assert ints(a) == [rounds] * 1024

    def test_commands_of_one_segment_all_run(self, kernels: Kernels) -> None:
        with create_device("llvm-cpu:threads=4") as device:
            executable = load(device, kernels, jit=True)
            source = allocate(device, 4096)
            source.write(0, np.arange(1024, dtype=np.int32).tobytes())
            targets = [allocate(device, 4096) for _ in range(300)]
            commands = device.create_command_buffer(0, 3, -1, 0)
            for number, target in enumerate(targets):
                bindings = [whole(source), whole(target)]
                commands.dispatch(executable, 1, (1024, 1, 1), [1, number], bindings)
            commands.finalize()
            device.queue_execute(-1, None, None, commands, [], 0)
            for number, target in enumerate(targets):
                assert ints(target) == list(range(number, number + 1024))

    def test_one_command_buffer_in_many_threads(self, kernels: Kernels) -> None:
        """Re-entrant: eight threads submit the same command buffer with bindings of their own."""
        failures: list[str] = []
        with create_device("llvm-cpu:threads=3") as device:
            executable = load(device, kernels, jit=True)
            commands = device.create_command_buffer(0, 3, -1, 2)
            bindings = [slot(0, 4096), slot(1, 4096)]
            for _ in range(20):
                commands.dispatch(executable, 1, (1024, 1, 1), [1, 3], bindings)
                commands.execution_barrier(0, 0)
            commands.finalize()

            def work(seed: int) -> None:
                source, target = allocate(device, 4096), allocate(device, 4096)
                source.write(0, np.full(1024, seed, np.int32).tobytes())
                table = [(source, 0, 4096), (target, 0, 4096)]
                for _ in range(30):
                    device.queue_execute(-1, None, None, commands, table, 0)
                    if ints(target) != [seed + 3] * 1024:
                        failures.append(f"thread {seed}")

            threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(timeout=60)
        assert not failures

    def test_workers_share_and_have_lanes(self, kernels: Kernels) -> None:
        with create_device("llvm-cpu:threads=2") as device:
            source, target = allocate(device, 64 << 20), allocate(device, 64 << 20)
            commands = device.create_command_buffer(0, 3, -1, 0)
            commands.copy_buffer(whole(source), whole(target))
            commands.finalize()
            # A busy machine may not schedule the helper in time every time.
            for _ in range(50):
                device.begin_profiling()
                device.queue_execute(-1, None, None, commands, [], 0)
                (copy,) = [e for e in device.end_profiling() if e.kind == "copy"]
                assert (copy.bytes, copy.duration_ns > 0) == (64 << 20, True)
                if copy.lanes:
                    break
            assert {lane.worker for lane in copy.lanes} == {0, 1}
            assert sum(lane.workgroups for lane in copy.lanes) == 64 << 20

    def test_exit_without_close_does_not_hang(self) -> None:
        code = (
            "from ireelab.hal.registry import create_device\n"
            "device = create_device('llvm-cpu:threads=4')\n"
            "other = create_device('llvm-cpu:threads=2')\n"
        )
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
        assert result.returncode == 0, result.stderr.decode()


class TestLimits:
    def test_memory_limit(self) -> None:
        with create_device("llvm-cpu:threads=1,memory_limit=1000000") as device:
            first = allocate(device, 500_000)
            with pytest.raises(OutOfDeviceMemory, match="limit is 1,000,000"):
                allocate(device, 600_000)
            first.close()
            allocate(device, 600_000).close()

    @pytest.mark.parametrize("name", ["llvm-cpu:threads=0", "llvm-cpu:threads=x"])
    def test_bad_option_value(self, name: str) -> None:
        with pytest.raises(DeviceUnavailable, match="whole number"):
            create_device(name)

    def test_unknown_option_and_driver(self) -> None:
        with pytest.raises(DeviceUnavailable, match=r"no option 'x=1'.*threads"):
            create_device("llvm-cpu:x=1")
        with pytest.raises(DeviceUnavailable, match=r"no driver 'cuda'.*Available: llvm-cpu, null"):
            create_device("cuda")

    def test_available_devices_are_listed(self) -> None:
        info = {info.id: info for info in devices()}
        assert info["llvm-cpu"].available
        assert info["null"].available

    def test_profiler_knows_its_overhead(self, cpu: Device) -> None:
        assert 0 < cpu.profiling_overhead_ns() < 100_000


def test_nothing_leaks(kernels: Kernels) -> None:
    def use() -> None:
        with create_device("llvm-cpu:threads=2", validate=True) as device:
            executable = load(device, kernels, jit=True)
            for _ in range(10):
                fence = device.create_fence()
                buffer = device.queue_alloca(-1, None, fence, 0, 0x3F, -1, 256, 0)
                commands = device.create_command_buffer(0, 3, -1, 1)
                commands.dispatch(executable, 0, (8, 8, 1), [], [slot(0, 256)])
                commands.finalize()
                done = device.create_fence()
                device.queue_execute(-1, fence, done, commands, [(buffer, 0, 256)], 0)
                device.queue_dealloca(-1, done, None, buffer, 0)
            assert device.allocator.statistics().live_bytes == 0

    use()
    before = live_objects()
    use()
    assert live_objects() == before
