"""The Vulkan driver, on lavapipe in CI, under Khronos' validation layer with hazard checks."""

# The driver's own parts are looked at: pools, recordings, submissions.
from __future__ import annotations

import gc
import re
import struct
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hal_support import (
    MEMORY,
    USAGE,
    VULKAN,
    Kernels,
    allocate,
    assert_quiet,
    compile_vulkan,
    ints,
    never_ending,
    quiet_vulkan,
    require_vulkan,
    slot,
    whole,
)

from ireelab.errors import (
    CommandBufferError,
    DeviceError,
    DeviceLost,
    DeviceTimeout,
    DeviceUnavailable,
    DeviceValidationError,
    ExecutableMismatch,
    OutOfDeviceMemory,
)
from ireelab.hal.command_buffer import BindingRef
from ireelab.hal.device import Device
from ireelab.hal.drivers.vulkan import core as core_module
from ireelab.hal.drivers.vulkan import driver, vke1, vulkan_ffi
from ireelab.hal.drivers.vulkan.command_buffer import MAX_RECORDINGS
from ireelab.hal.drivers.vulkan.device import VulkanDevice
from ireelab.hal.drivers.vulkan.executable import VulkanExecutable
from ireelab.hal.drivers.vulkan.logical_device import AdoptedHandles
from ireelab.hal.profiler import Profiler
from ireelab.hal.registry import create_device, devices
from ireelab.hal.types import ExecutionStage
from ireelab.program import Program
from ireelab.vm.context import Context

STAGES = int(ExecutionStage.DISPATCH | ExecutionStage.TRANSFER)
SECONDS = 1_000_000_000
FORMAT = "vulkan-spirv-fb"

MLP = """
func.func @main(%x: tensor<8x64xf32>, %w1: tensor<64x128xf32>, %w2: tensor<128x10xf32>)
    -> tensor<8x10xf32> {
  %z = arith.constant 0.0 : f32
  %e1 = tensor.empty() : tensor<8x128xf32>
  %i1 = linalg.fill ins(%z : f32) outs(%e1 : tensor<8x128xf32>) -> tensor<8x128xf32>
  %h = linalg.matmul ins(%x, %w1 : tensor<8x64xf32>, tensor<64x128xf32>)
                     outs(%i1 : tensor<8x128xf32>) -> tensor<8x128xf32>
  %e2 = tensor.empty() : tensor<8x10xf32>
  %i2 = linalg.fill ins(%z : f32) outs(%e2 : tensor<8x10xf32>) -> tensor<8x10xf32>
  %y = linalg.matmul ins(%h, %w2 : tensor<8x128xf32>, tensor<128x10xf32>)
                     outs(%i2 : tensor<8x10xf32>) -> tensor<8x10xf32>
  return %y : tensor<8x10xf32>
}
"""
LONG = """
func.func @main(%a: tensor<512x512xf32>) -> tensor<512x512xf32> {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<512x512xf32>
  %i = linalg.fill ins(%z : f32) outs(%e : tensor<512x512xf32>) -> tensor<512x512xf32>
  %c = linalg.matmul ins(%a, %a : tensor<512x512xf32>, tensor<512x512xf32>)
                     outs(%i : tensor<512x512xf32>) -> tensor<512x512xf32>
  return %c : tensor<512x512xf32>
}
"""
SUM = """
func.func @main(%x: tensor<16x4096xTYPE>) -> tensor<16xTYPE> {
  %z = arith.constant 0.0 : TYPE
  %e = tensor.empty() : tensor<16xTYPE>
  %i = linalg.fill ins(%z : TYPE) outs(%e : tensor<16xTYPE>) -> tensor<16xTYPE>
  %s = linalg.generic {
      indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a)>],
      iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<16x4096xTYPE>) outs(%i : tensor<16xTYPE>) {
    ^bb0(%a: TYPE, %b: TYPE):
      %m = arith.addf %a, %b : TYPE
      linalg.yield %m : TYPE
  } -> tensor<16xTYPE>
  return %s : tensor<16xTYPE>
}
"""


def require_cpu_device() -> None:
    """For what needs lavapipe's kind of memory, or its slowness."""
    require_vulkan()
    if driver.find_device().type != "cpu":
        pytest.skip("for a Vulkan device that is a CPU")


def program(folder: Path, text: str, *flags: str) -> Program:
    source = folder / "source.mlir"
    source.write_text(text)
    return Program(compile_vulkan(source, folder / "out.vmfb", *flags))


@pytest.fixture(scope="module")
def mlp(tmp_path_factory: pytest.TempPathFactory) -> Program:
    require_vulkan()
    return program(tmp_path_factory.mktemp("mlp"), MLP)


def mlp_inputs() -> tuple[list[np.ndarray], np.ndarray]:
    random = np.random.default_rng(0)
    shapes = ((8, 64), (64, 128), (128, 10))
    arrays = [random.standard_normal(shape).astype(np.float32) for shape in shapes]
    return arrays, arrays[0] @ arrays[1] @ arrays[2]


def load(device: Device, kernels: Kernels) -> VulkanExecutable:
    executable = device.create_executable(FORMAT, memoryview(kernels.spirv), b"")
    assert isinstance(executable, VulkanExecutable)
    return executable


class TestNames:
    def test_devices_are_listed(self) -> None:
        require_vulkan()
        found = [info for info in devices() if info.driver == "vulkan"]
        assert found[0].id == "vulkan:0"
        assert found[0].available, found[0].reason
        assert "Vulkan 1." in found[0].description

    def test_by_number_name_and_uuid(self) -> None:
        require_vulkan()
        physical = driver.find_device("0")
        for name in ("0", physical.name[:6].upper(), physical.uuid, physical.uuid.replace("-", "")):
            assert driver.find_device(name).uuid == physical.uuid

    def test_unknown_device_lists_what_there_is(self) -> None:
        require_vulkan()
        with pytest.raises(DeviceUnavailable, match=r"no Vulkan device 'no-such'.*0: "):
            create_device("vulkan:no-such")

    @pytest.mark.parametrize("option", ["timeout=0", "timeout=x", "memory=fast", "validate=yes"])
    def test_bad_options(self, option: str) -> None:
        require_vulkan()
        with pytest.raises(DeviceUnavailable, match=option.partition("=")[0]):
            create_device(f"vulkan:{option}")

    @pytest.mark.parametrize(
        ("error", "text"),
        [
            (OSError("cannot load"), "apt-get install libvulkan1 mesa-vulkan-drivers"),
            (ImportError("no module"), "pip install vulkan"),
            (AttributeError("vkQueueSubmit2"), r"older than 1\.3"),
        ],
    )
    def test_what_is_missing(
        self, error: Exception, text: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(name: str) -> object:
            raise error

        monkeypatch.setattr(vulkan_ffi, "import_module", fail)
        info = next(info for info in devices() if info.driver == "vulkan")
        assert not info.available
        with pytest.raises(DeviceUnavailable, match=text):
            create_device("vulkan")

    def test_no_driver(self) -> None:
        require_vulkan()
        from ireelab.hal.drivers.vulkan.instance import choose

        with pytest.raises(DeviceUnavailable, match=r"finds no driver.*mesa-vulkan-drivers"):
            choose((), "")


class TestErrors:
    @pytest.mark.parametrize(
        ("result", "kind"),
        [
            (-4, DeviceLost),
            (-1, OutOfDeviceMemory),
            (-2, OutOfDeviceMemory),
            (-9, DeviceUnavailable),
            (2, DeviceTimeout),
            (-13, DeviceError),
        ],
    )
    def test_results(self, result: int, kind: type[DeviceError]) -> None:
        with pytest.raises(kind, match="vkSomething: VK_"):
            vulkan_ffi.fail(result, "vkSomething")

    def test_struct_types_are_vulkans(self) -> None:
        """Against the package's constants, where those are right: core ones."""
        require_vulkan()
        from vulkan import _vulkan as constants

        checked = 0
        for name, number in vulkan_ffi.STRUCT_TYPES.items():
            snake = re.sub(r"([a-z])([A-Z0-9])", r"\1_\2", name[2:]).upper()
            value = getattr(constants, f"VK_STRUCTURE_TYPE_{snake}", None)
            if value is not None:
                checked += 1
                assert value == number, name
        assert checked > 15

    def test_bounded_wait(self, mlp: Program, monkeypatch: pytest.MonkeyPatch) -> None:
        """Work over the time limit is an error; here it is pretended not to end."""
        require_vulkan()
        arrays, expected = mlp_inputs()
        device = create_device("vulkan:timeout=0.002,cache=0")
        assert isinstance(device, VulkanDevice)
        with Context(mlp, device) as context:
            with monkeypatch.context() as patch:
                never_ending(device, patch)
                with pytest.raises(DeviceTimeout, match=r"0\.002 s.*timeout=SECONDS"):
                    context.invoke("main", *arrays)
            device.core.queues.main.timeout_ns = 60 * SECONDS
            np.testing.assert_allclose(context.invoke("main", *arrays)[0], expected, 1e-3, 1e-3)
        device.close()

    def test_closed_while_a_kernel_runs(self, tmp_path: Path, mlp: Program) -> None:
        """Nothing that the kernel uses is destroyed under it; another device works meanwhile."""
        require_cpu_device()
        device = create_device("vulkan:timeout=0.002,cache=0")
        assert isinstance(device, VulkanDevice)
        with Context(program(tmp_path, LONG), device) as context, pytest.raises(DeviceTimeout):
            context.invoke("main", np.ones((512, 512), np.float32))
        del context
        device.close()
        gc.collect()
        arrays, expected = mlp_inputs()
        with Context(mlp, "vulkan:cache=0") as context:
            np.testing.assert_allclose(context.invoke("main", *arrays)[0], expected, 1e-3, 1e-3)

    def test_lost_device(self, vulkan: VulkanDevice, monkeypatch: pytest.MonkeyPatch) -> None:
        """A lost device refuses everything from then on; another one works."""
        queue = vulkan.core.queues.main
        buffer = allocate(vulkan, 16)
        with monkeypatch.context() as patch:
            patch.setattr(queue, "_submit", lambda *_: -4)
            for _ in range(2):
                with pytest.raises(DeviceLost, match="open it again"):
                    vulkan.queue_fill(-1, None, None, buffer, 0, 16, b"\1", 0)
            fence = vulkan.create_fence()
            vulkan.queue_fill(-1, None, fence, buffer, 0, 16, b"\1", 0)
            with pytest.raises(DeviceLost):
                fence.wait()
        with create_device(VULKAN) as other:
            again = allocate(other, 16)
            other.queue_fill(-1, None, None, again, 0, 16, b"\1", 0)
            assert again.read() == b"\1" * 16
        queue._lost = None  # it was pretended


class TestHazards:
    def record(self, device: VulkanDevice, kernels: Kernels, *, barrier: bool) -> None:
        executable = load(device, kernels)
        first, second, third = (allocate(device, 4096) for _ in range(3))
        commands = device.create_command_buffer(0, 3, -1, 0)
        scale = executable.lookup("scale")
        commands.dispatch(executable, scale, (1024, 1, 1), [2, 0], [whole(first), whole(second)])
        if barrier:
            commands.execution_barrier(STAGES, STAGES)
        commands.dispatch(executable, scale, (1024, 1, 1), [2, 0], [whole(second), whole(third)])
        commands.finalize()
        device.queue_execute(-1, None, None, commands, [], 0)
        device.core.queues.main.wait_idle()

    def test_a_barrier_left_out_is_reported(self, kernels: Kernels) -> None:
        require_vulkan()
        with create_device(VULKAN) as device:
            assert isinstance(device, VulkanDevice)
            with pytest.raises(DeviceValidationError, match="SYNC-HAZARD-READ-AFTER-WRITE") as info:
                self.record(device, kernels, barrier=False)
            assert "optimize-bindings" in str(info.value)
            assert len(info.value.messages) == 1

    def test_with_the_barrier_nothing_is(self, vulkan: VulkanDevice, kernels: Kernels) -> None:
        self.record(vulkan, kernels, barrier=True)


class TestLeaks:
    def test_the_layer_would_see_one(self) -> None:
        """Objects that outlive the device are reported, so that quiet means none did."""
        require_vulkan()
        device = create_device(VULKAN)
        assert isinstance(device, VulkanDevice)
        structs = vulkan_ffi.Structs(device.core.vulkan)
        info = structs.new("VkBufferCreateInfo", size=64, usage=0x20)
        device.core.vulkan.create("vkCreateBuffer", "VkBuffer", device.core.handle, info)
        device.close()
        assert any("vkDestroyDevice" in text for text in device.core.logical.instance.messages)

    def test_a_program_leaves_nothing(self, vulkan: VulkanDevice, mlp: Program) -> None:
        arrays, expected = mlp_inputs()
        with Context(mlp, vulkan) as context:
            for _ in range(3):
                np.testing.assert_allclose(context.invoke("main", *arrays)[0], expected, 1e-3, 1e-3)
        del context
        vulkan.allocator.trim()  # what is kept for copies of outputs
        for _ in range(2):  # a recording lets go of its code, the code of its pipelines
            gc.collect()
            vulkan.core.queues.collect()
        assert vulkan.allocator.statistics().live_buffers == 0
        assert len(vulkan.core.resources) == 0

    def test_outputs_outlive_the_device(self, mlp: Program) -> None:
        require_vulkan()
        arrays, expected = mlp_inputs()
        device = create_device(VULKAN)
        with Context(mlp, device) as context:
            (result,) = context.invoke("main", *arrays)
        device.close()
        np.testing.assert_allclose(result, expected, 1e-3, 1e-3)
        instance = device.core.logical.instance  # type: ignore[attr-defined]
        assert instance.handle is not None
        del result, context
        gc.collect()
        assert instance.handle is None
        assert instance.messages == []

    def test_recordings_are_bounded_and_found_again(self, vulkan: VulkanDevice) -> None:
        commands = vulkan.create_command_buffer(0, 3, -1, 1)
        commands.fill_buffer(slot(0, 8), b"\3")
        commands.finalize()
        buffers = [allocate(vulkan, 8) for _ in range(MAX_RECORDINGS + 5)]
        for _ in range(2):
            for buffer in buffers:
                vulkan.queue_execute(-1, None, None, commands, [(buffer, 0, 8)], 0)
        assert len(commands.recordings) == MAX_RECORDINGS
        assert all(buffer.read() == b"\3" * 8 for buffer in buffers)
        known = commands.recording([(buffers[-1], 0, 8)])
        assert commands.recording([(buffers[-1], 0, 8)]) is known


class TestMemory:
    @pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 8, 13, 64])
    @pytest.mark.parametrize("offset", [0, 1, 2, 3, 5])
    def test_fills_of_any_alignment(self, shared: VulkanDevice, offset: int, length: int) -> None:
        for size in (1, 2, 4, 8):
            pattern = bytes(range(0x11, 0x11 + size))
            count = length // size * size
            if not count or offset % size:
                continue
            buffer = allocate(shared, 96)
            buffer.write(0, b"\xee" * 96)
            shared.queue_fill(-1, None, None, buffer, offset, count, pattern, 0)
            expected = b"\xee" * offset + pattern * (count // size)
            assert buffer.read() == expected.ljust(96, b"\xee")

    def test_long_fill_of_eight_bytes(self, shared: VulkanDevice) -> None:
        buffer = allocate(shared, 3 << 20)
        shared.queue_fill(-1, None, None, buffer, 0, 3 << 20, struct.pack("<d", 1.5), 0)
        assert (np.frombuffer(buffer.read(), np.float64) == 1.5).all()

    def test_updates_of_any_alignment(self, shared: VulkanDevice) -> None:
        for offset in range(4):
            for length in (1, 4, 7, 16):
                buffer = allocate(shared, 32)
                buffer.write(0, bytes(32))
                data = bytes(range(1, length + 1))
                shared.queue_update(-1, None, None, data, buffer, offset, 0)
                assert buffer.read() == (bytes(offset) + data).ljust(32, b"\0")

    @pytest.mark.parametrize("flags", [1, 1 | 2 | 4], ids=["device-only", "uncached"])
    def test_memory_the_host_reads_slowly_or_not(
        self, flags: int, mlp: Program, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As on a GPU: inputs and outputs through staging memory. Here the flags are pretended."""
        require_cpu_device()
        real = core_module.choose_device_memory
        monkeypatch.setattr(
            core_module, "choose_device_memory", lambda *a: replace(real(*a), flags=flags)
        )
        arrays, expected = mlp_inputs()
        device = create_device(VULKAN)
        assert isinstance(device, VulkanDevice)
        assert device.core.device_pool is not device.core.staging_pool
        with Context(mlp, device) as context:
            for _ in range(3):
                np.testing.assert_allclose(context.invoke("main", *arrays)[0], expected, 1e-3, 1e-3)
        buffer = device.allocator.allocate(1 << 4, USAGE, 64)
        if flags == 1:
            with pytest.raises(DeviceError, match="cannot see"):
                buffer.map()
        buffer.write(3, b"abc")
        assert buffer.read(3, 3) == b"abc"
        assert allocate(device, 64).map().size == 64
        del buffer, context
        device.close()
        assert_quiet(device)

    def test_a_call_allocates_nothing(self, vulkan: VulkanDevice, mlp: Program) -> None:
        arrays, _ = mlp_inputs()
        with Context(mlp, vulkan) as context:
            context.invoke("main", *arrays)
            before = vulkan.allocator.statistics()
            for _ in range(5):
                context.invoke("main", *arrays)
            after = vulkan.allocator.statistics()
        assert after.pooled_bytes + after.live_bytes == before.pooled_bytes + before.live_bytes

    def test_trim_gives_blocks_back(self, vulkan: VulkanDevice) -> None:
        buffer = allocate(vulkan, 40 << 20)
        assert vulkan.allocator.statistics().live_bytes >= 40 << 20
        buffer.close()
        del buffer
        vulkan.allocator.trim()
        statistics = vulkan.allocator.statistics()
        assert (statistics.live_bytes, statistics.pooled_bytes) == (0, 0)


@pytest.fixture(scope="module")
def shared() -> Iterator[VulkanDevice]:
    """One device for many small tests."""
    with quiet_vulkan() as device:
        yield device


class TestExecutables:
    def test_reflection(self, shared: VulkanDevice, kernels: Kernels) -> None:
        write_ids, scale = load(shared, kernels).functions
        assert (write_ids.name, write_ids.binding_count, write_ids.constant_count) == (
            "write_ids",
            1,
            0,
        )
        assert (scale.binding_count, scale.constant_count) == (2, 2)

    def test_another_format(self, shared: VulkanDevice) -> None:
        with pytest.raises(ExecutableMismatch, match=r"embedded-elf-x86_64.*vulkan-spirv-fb"):
            shared.create_executable("embedded-elf-x86_64", memoryview(b""), b"")

    def test_every_truncation(self, shared: VulkanDevice, kernels: Kernels) -> None:
        for size in range(0, len(kernels.spirv), 61):
            with pytest.raises(ExecutableMismatch):
                shared.create_executable(FORMAT, memoryview(kernels.spirv[:size]), b"")

    def test_garbled_files_never_crash(self, kernels: Kernels) -> None:
        random = np.random.default_rng(0)
        for _ in range(300):
            data = bytearray(kernels.spirv)
            for place in random.integers(64, len(data), 4):
                data[place] = random.integers(256)
            try:
                definition = vke1.parse(data)
            except ExecutableMismatch:
                continue
            assert definition is not None

    @pytest.mark.parametrize("target", ["ampere", "adreno"])
    def test_subgroups_of_another_size_are_refused(self, tmp_path: Path, target: str) -> None:
        """They would run, and compute wrong numbers."""
        require_vulkan()
        if 64 in driver.find_device().subgroup_sizes or 32 in driver.find_device().subgroup_sizes:
            pytest.skip("this device can run subgroups of these sizes")
        loaded = program(tmp_path, SUM.replace("TYPE", "f32"), f"--iree-vulkan-target={target}")
        with pytest.raises(
            ExecutableMismatch, match=r"subgroups of (32|64) threads.*wrong numbers"
        ):
            Context(loaded, "vulkan:cache=0")

    @pytest.mark.parametrize(
        ("kind", "feature"), [("f16", "shaderFloat16"), ("f64", "shaderFloat64")]
    )
    def test_types_the_device_lacks(self, tmp_path: Path, kind: str, feature: str) -> None:
        require_vulkan()
        flag = "--iree-input-demote-f64-to-f32=false"
        loaded = program(tmp_path, SUM.replace("TYPE", kind), flag)
        device = create_device(VULKAN)
        assert isinstance(device, VulkanDevice)
        array = np.zeros((16, 4096), {"f16": np.float16, "f64": np.float64}[kind])
        array[:, :64] = 1.5
        with Context(loaded, device) as context:
            assert (np.asarray(context.invoke("main", array)[0]) == 96).all()
        logical = device.core.logical
        logical.features = logical.features - {feature}
        with pytest.raises(ExecutableMismatch, match=f"it needs .*{feature}"):
            Context(loaded, device)
        device.close()

    def test_workgroups_the_device_cannot_run(self, vulkan: VulkanDevice, kernels: Kernels) -> None:
        executable = load(vulkan, kernels)
        commands = vulkan.create_command_buffer(0, 3, -1, 0)
        target = whole(allocate(vulkan, 256))
        most = vulkan.core.limits["maxComputeWorkGroupCount"][0]
        commands.dispatch(executable, 0, (most + 1, 1, 1), [], [target])
        commands.finalize()
        with pytest.raises(CommandBufferError, match="the most here"):
            vulkan.queue_execute(-1, None, None, commands, [], 0)
        sizes = [0, 1, 1]
        vulkan.core.limits["maxComputeWorkGroupSize"] = sizes
        with pytest.raises(ExecutableMismatch, match="the largest here"):
            load(vulkan, kernels)

    def test_both_dispatch_abis_agree(
        self, vulkan: VulkanDevice, mlp: Program, tmp_path: Path
    ) -> None:
        by_address = program(tmp_path, MLP, "--iree-vulkan-dispatch-abi=bda")
        assert b"vulkan-spirv-bda-v1" in by_address.to_bytes()
        arrays, _ = mlp_inputs()
        results = []
        for loaded in (mlp, by_address):
            with Context(loaded, vulkan) as context:
                results.append(np.array(context.invoke("main", *arrays)[0]))
        np.testing.assert_array_equal(results[0], results[1])

    def test_pipelines_are_kept_on_disk(self, kernels: Kernels, tmp_path: Path) -> None:
        require_vulkan()
        with create_device(f"vulkan:cache={tmp_path}") as device:
            load(device, kernels)
        (saved,) = tmp_path.iterdir()
        size = saved.stat().st_size
        assert size > 0
        saved.write_bytes(b"garbage" + saved.read_bytes()[7:])
        with create_device(f"vulkan:cache={tmp_path}") as device:
            load(device, kernels)


class TestOrder:
    def test_host_and_device_in_one_program(self, vulkan: VulkanDevice) -> None:
        """A CPU device waits for the GPU and the GPU for the CPU, through their fences."""
        with create_device("llvm-cpu:threads=1") as cpu:
            gpu_buffer, cpu_buffer = allocate(vulkan, 64), allocate(cpu, 64)
            gpu_done, cpu_done = vulkan.create_fence(), cpu.create_fence()
            vulkan.queue_fill(-1, None, gpu_done, gpu_buffer, 0, 64, b"\1", 0)
            cpu.queue_fill(-1, gpu_done, cpu_done, cpu_buffer, 0, 64, b"\2", 0)
            last = vulkan.create_fence()
            vulkan.queue_fill(-1, cpu_done, last, gpu_buffer, 0, 32, b"\3", 0)
            assert last.wait(timeout_ns=60 * SECONDS)
            assert cpu_buffer.read() == b"\2" * 64
            assert gpu_buffer.read() == b"\3" * 32 + b"\1" * 32

    def test_two_vulkan_devices(self, vulkan: VulkanDevice) -> None:
        with create_device(VULKAN) as other:
            buffers = [allocate(vulkan, 4096), allocate(other, 4096)]
            first, second, third = vulkan.create_fence(), other.create_fence(), other.create_fence()
            vulkan.queue_fill(-1, None, first, buffers[0], 0, 4096, b"\1", 0)
            other.queue_fill(-1, first, second, buffers[1], 0, 4096, b"\2", 0)
            # The first device signals a fence of the second.
            vulkan.queue_fill(-1, second, third, buffers[0], 0, 2048, b"\3", 0)
            assert third.wait(timeout_ns=60 * SECONDS)
            assert buffers[0].read() == b"\3" * 2048 + b"\1" * 2048

    def test_work_is_queued_before_its_wait_ends(self, vulkan: VulkanDevice) -> None:
        """What waits for work already in the queue goes behind it at once."""
        buffer = allocate(vulkan, 1 << 22)
        fences = [vulkan.create_fence() for _ in range(20)]
        before = vulkan.core.queues.main.submitted
        wait = None
        for number, fence in enumerate(fences):
            pattern = bytes([number])
            vulkan.queue_fill(-1, wait, fence, buffer, 0, 1 << 22, pattern, 0)
            wait = fence
        assert vulkan.core.queues.main.submitted == before + 20
        calls: list[int] = []
        fences[-1].on_signaled(lambda: calls.append(1))
        assert fences[-1].wait(timeout_ns=60 * SECONDS)
        assert buffer.read(0, 4) == b"\x13" * 4
        vulkan.core.queues.main.close()  # joins the thread that calls back
        assert calls == [1]


class TestAdoption:
    def test_handles_of_an_application(self, vulkan: VulkanDevice, mlp: Program) -> None:
        core, logical = vulkan.core, vulkan.core.logical
        address = core.vulkan.address
        adopted = driver.adopt(
            AdoptedHandles(
                instance=address(logical.instance.handle),
                physical_device=address(logical.physical.handle),
                device=address(logical.handle),
                queue_family=logical.queue_family,
                queue=address(logical.queues[0]),
                features=logical.features,
                extensions=logical.extensions,
            )
        )
        arrays, expected = mlp_inputs()
        with Context(mlp, adopted) as context:
            np.testing.assert_allclose(context.invoke("main", *arrays)[0], expected, 1e-3, 1e-3)
        del context
        adopted.close()
        with Context(mlp, vulkan) as context:  # the application's device is still there
            np.testing.assert_allclose(context.invoke("main", *arrays)[0], expected, 1e-3, 1e-3)

    def test_missing_features_are_named(self, vulkan: VulkanDevice) -> None:
        logical = vulkan.core.logical
        handles = AdoptedHandles(
            logical.instance.handle, logical.physical.handle, logical.handle,
            logical.queue_family, logical.queues[0], features=("synchronization2",),
        )  # fmt: skip
        with pytest.raises(DeviceUnavailable, match="timelineSemaphore"):
            driver.adopt(handles)


class TestProfiling:
    def test_every_command_and_the_clock(self, vulkan: VulkanDevice, mlp: Program) -> None:
        arrays, _ = mlp_inputs()
        with Context(mlp, vulkan) as context:
            context.invoke("main", *arrays)
            vulkan.begin_profiling()
            for _ in range(3):
                context.invoke("main", *arrays)
            events = vulkan.end_profiling()
        dispatches = [event for event in events if event.kind == "dispatch"]
        assert len(dispatches) == 6
        assert all(event.end_ns > event.start_ns for event in dispatches)
        for before, after in pairwise(dispatches):
            assert before.end_ns <= after.start_ns + vulkan.profiler.clock_error_ns
        submits = [event for event in events if event.kind == "submit"]
        assert len({event.submission for event in dispatches}) == len(submits) == 3
        calibrated = "VK_EXT_calibrated_timestamps" in vulkan.core.logical.extensions
        assert vulkan.profiler.clock_method == "calibrated timestamps" or not calibrated
        assert 0 < vulkan.profiling_overhead_ns() < 10_000_000

    def test_each_profile_has_its_own_overhead(
        self, vulkan: VulkanDevice, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A GPU changes its clocks."""
        measured = iter([640, 1310])
        monkeypatch.setattr(vulkan.profiler, "_measure", lambda: next(measured))
        buffer = allocate(vulkan, 1 << 16)
        for overhead_ns in (640, 1310):
            profiler = Profiler([vulkan])
            vulkan.queue_fill(-1, None, None, buffer, 0, 1 << 16, b"\1", 0)
            assert profiler.end().overhead_ns == overhead_ns

    def test_measured_clock(self, vulkan: VulkanDevice, monkeypatch: pytest.MonkeyPatch) -> None:
        logical = vulkan.core.logical
        logical.extensions = frozenset()
        buffer = allocate(vulkan, 1 << 16)
        vulkan.begin_profiling()
        vulkan.queue_fill(-1, None, None, buffer, 0, 1 << 16, b"\1", 0)
        (event,) = vulkan.end_profiling()
        assert (event.kind, event.bytes) == ("fill", 1 << 16)
        assert vulkan.profiler.clock_method == "measured"
        assert vulkan.profiler.clock_error_ns > 0

    def test_whole_command_buffers(self, mlp: Program) -> None:
        require_vulkan()
        arrays, _ = mlp_inputs()
        with create_device(f"{VULKAN},profile=command-buffer") as device:
            with Context(mlp, device) as context:
                device.begin_profiling()
                context.invoke("main", *arrays)
                events = device.end_profiling()
            del context
        kinds = [event.kind for event in events if event.queue and event.worker >= 0]
        assert kinds == ["command buffer"]

    def test_evicted_recordings_keep_their_stamps(self, vulkan: VulkanDevice) -> None:
        commands = vulkan.create_command_buffer(0, 3, -1, 1)
        commands.fill_buffer(slot(0, 8), b"\3")
        commands.finalize()
        buffers = [allocate(vulkan, 8) for _ in range(MAX_RECORDINGS + 4)]
        vulkan.begin_profiling()
        for buffer in buffers:
            vulkan.queue_execute(-1, None, None, commands, [(buffer, 0, 8)], 0)
        events = vulkan.end_profiling()
        assert sum(event.kind == "fill" for event in events) == len(buffers)


def test_indirect_counts_and_copies(shared: VulkanDevice, kernels: Kernels) -> None:
    executable = load(shared, kernels)
    counts, target = allocate(shared, 16), allocate(shared, 256)
    target.write(0, b"\xff" * 256)
    commands = shared.create_command_buffer(0, 3, -1, 0)
    data = np.array([8, 2, 1], np.uint32).tobytes()
    commands.update_buffer(BindingRef(counts, 0, 4, 12), data)
    commands.execution_barrier(STAGES, STAGES)
    commands.dispatch_indirect(
        executable, 0, BindingRef(counts, 0, 4, 12), [], [BindingRef(target, 0, 0, 256)]
    )
    commands.execution_barrier(STAGES, STAGES)
    commands.copy_buffer(BindingRef(target, 0, 4, 8), BindingRef(target, 0, 200, 8))
    commands.finalize()
    shared.queue_execute(-1, None, None, commands, [], 0)
    assert ints(target) == [*range(16), *([-1] * 34), 1, 2, *([-1] * 12)]
    assert shared.query_i64("hal.executable.format", FORMAT) == 1
    assert shared.allocator.allocate(MEMORY, USAGE, 0).read() == b""
