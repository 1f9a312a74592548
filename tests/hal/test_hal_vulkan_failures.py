"""What goes wrong with a Vulkan device: typed errors, the process and other devices go on."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hal_support import (
    MEMORY,
    USAGE,
    allocate,
    compile_vulkan,
    require_vulkan,
)

from ireelab.cli import main
from ireelab.errors import DeviceLost, OutOfDeviceMemory
from ireelab.hal.drivers.vulkan import driver, memory, vulkan_ffi
from ireelab.hal.drivers.vulkan.device import VulkanDevice
from ireelab.hal.drivers.vulkan.physical_device import PhysicalDevice

LOST = -4  # VK_ERROR_DEVICE_LOST

# Reads what it waits for: nobody ever writes it.
ENDLESS = """
#layout = #hal.pipeline.layout<bindings = [#hal.pipeline.binding<storage_buffer>]>
hal.executable.source public @endless {
  hal.executable.export public @spin ordinal(0) layout(#layout)
      count(%device: !hal.device, %n: index) -> (index, index, index) {
    hal.return %n, %n, %n : index, index, index
  }
  builtin.module {
    func.func @spin() {
      %zero = arith.constant 0 : i32
      %one = arith.constant 1 : i32
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %data = hal.interface.binding.subspan layout(#layout) binding(0) : memref<4xi32>
      scf.while : () -> () {
        %v = memref.load %data[%c0] : memref<4xi32>
        %go = arith.cmpi ne, %v, %zero : i32
        scf.condition(%go)
      } do {
        %n = memref.load %data[%c1] : memref<4xi32>
        %m = arith.addi %n, %one : i32
        memref.store %m, %data[%c1] : memref<4xi32>
        scf.yield
      }
      return
    }
  }
}
"""
# In a process of its own, whose end also ends the kernel.
RUN_ENDLESS = """
import sys
from pathlib import Path
from ireelab.errors import DeviceTimeout
from ireelab.hal.command_buffer import BindingRef
from ireelab.hal.registry import create_device

stuck = create_device("vulkan:timeout=0.3,cache=0")
executable = stuck.create_executable("vulkan-spirv-fb", Path(sys.argv[1]).read_bytes(), b"")
data = stuck.allocator.allocate(0x32, 0xFFFF, 16)
data.write(0, bytes([1, 0, 0, 0]) * 4)
commands = stuck.create_command_buffer(0, 3, -1, 0)
commands.dispatch(executable, 0, (65535, 1, 1), [], [BindingRef(data, 0, 0, 16)])
commands.finalize()
stuck.queue_execute(-1, None, None, commands, [], 0)
try:
    data.read()
except DeviceTimeout as error:
    print("DeviceTimeout:", error)
for name in ("vulkan:cache=0", "llvm-cpu"):
    with create_device(name) as other:
        buffer = other.allocator.allocate(0x32, 0xFFFF, 16)
        other.queue_fill(-1, None, None, buffer, 0, 16, bytes([7]), 0)
        print(name, set(buffer.read()))
stuck.close()
print("closed")
"""


def test_a_kernel_that_does_not_end(tmp_path: Path) -> None:
    """lavapipe cuts loops off, so that it takes many workgroups to be busy for minutes."""
    require_vulkan()
    if driver.find_device().type != "cpu":
        pytest.skip("a GPU that hangs takes the display and other processes with it")
    (tmp_path / "endless.mlir").write_text(ENDLESS)
    out = tmp_path / "endless.bin"
    compile_vulkan(tmp_path / "endless.mlir", out, "--compile-mode=hal-executable")
    command = [sys.executable, "-c", RUN_ENDLESS, str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    first, *rest = done.stdout.splitlines()
    assert first.startswith("DeviceTimeout: the device did not finish submission")
    assert "timeout=SECONDS" in first
    assert rest == ["vulkan:cache=0 {7}", "llvm-cpu {7}", "closed"]


class TestLost:
    def lose(self, device: VulkanDevice, patch: pytest.MonkeyPatch, where: str) -> None:
        """From now on, what ``where`` asks the driver fails."""
        queue: Any = device.core.queues.main
        if where == "poll":
            patch.setattr(queue, "_get_counter", lambda *_: LOST)
        else:
            patch.setattr(queue, "poll", lambda: 0)
            patch.setattr(queue, "_spin_ns", 0)
            real = device.core.vulkan.lib

            class Lib:
                def __getattr__(self, name: str) -> Any:
                    return (lambda *_: LOST) if name == "vkWaitSemaphores" else getattr(real, name)

            patch.setattr(device.core.vulkan, "lib", Lib())

    @pytest.mark.parametrize("where", ["poll", "wait"])
    def test_found_out_while_waiting(self, vulkan: VulkanDevice, where: str) -> None:
        buffer = allocate(vulkan, 16)
        with pytest.MonkeyPatch.context() as patch:
            vulkan.queue_fill(-1, None, None, buffer, 0, 16, b"\1", 0)
            self.lose(vulkan, patch, where)
            with pytest.raises(DeviceLost, match="open it again"):
                buffer.read()
            with pytest.raises(DeviceLost):  # and every operation after it
                vulkan.queue_fill(-1, None, None, buffer, 0, 16, b"\2", 0)
        vulkan.core.queues.main._lost = None  # it was pretended

    def test_outputs_that_are_there_stay(self, vulkan: VulkanDevice) -> None:
        buffer = allocate(vulkan, 16)
        vulkan.queue_fill(-1, None, None, buffer, 0, 16, b"\1", 0)
        seen = buffer.map()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(vulkan.core.queues.main, "_submit", lambda *_: LOST)
            with pytest.raises(DeviceLost):
                vulkan.queue_fill(-1, None, None, buffer, 0, 16, b"\2", 0)
        vulkan.core.queues.main._lost = None
        assert set(seen.tolist()) == {1}


class TestMemory:
    def test_what_the_driver_refuses(
        self, vulkan: VulkanDevice, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Memory that is only kept is given back before the allocation fails; then all works."""
        size = 80 << 20  # more than a block
        kept = allocate(vulkan, size)
        kept.close()
        pooled = vulkan.allocator.statistics().pooled_bytes
        assert pooled >= size
        real = memory.Block

        def refuse(*arguments: Any) -> memory.Block:
            del arguments
            vulkan_ffi.fail(-2, "vkAllocateMemory")

        with monkeypatch.context() as patch:
            patch.setattr(memory, "Block", refuse)
            with pytest.raises(
                OutOfDeviceMemory, match=r"cannot allocate 100,000,000 bytes: .*in use"
            ):
                vulkan.allocator.allocate(MEMORY, USAGE, 100_000_000)
            assert vulkan.allocator.statistics().pooled_bytes < pooled
        assert memory.Block is real
        assert allocate(vulkan, size).length_bytes == size

    def test_a_second_try_after_giving_back(
        self, vulkan: VulkanDevice, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real, tries = memory.Block, [0]

        def once(*arguments: Any) -> memory.Block:
            tries[0] += 1
            if tries[0] == 1:
                vulkan_ffi.fail(-2, "vkAllocateMemory")
            return real(*arguments)

        monkeypatch.setattr(memory, "Block", once)
        assert vulkan.allocator.allocate(MEMORY, USAGE, 90 << 20).length_bytes == 90 << 20
        assert tries == [2]


class TestListing:
    """``ireelab devices`` says why not, and the exit code is that of success."""

    def shown(
        self, found: PhysicalDevice, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> str:
        patch.setattr(driver, "physical_devices", lambda: (found,))
        assert main(["devices"]) == 0
        return capsys.readouterr().out

    @pytest.fixture
    def found(self) -> PhysicalDevice:
        require_vulkan()
        return driver.find_device()

    def test_old_drivers(
        self,
        found: PhysicalDevice,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        text = self.shown(replace(found, api_version=(1, 1, 0)), monkeypatch, capsys)
        assert "not available: it offers Vulkan 1.1.0; 1.3 is needed: update its driver" in text

    def test_no_compute_queue(
        self,
        found: PhysicalDevice,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        families = tuple(replace(family, flags=4) for family in found.queue_families)
        text = self.shown(replace(found, queue_families=families), monkeypatch, capsys)
        assert "not available: it has no queue that computes" in text

    def test_missing_features(
        self,
        found: PhysicalDevice,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        features = {**found.features, "synchronization2": False}
        text = self.shown(replace(found, features=features), monkeypatch, capsys)
        assert "not available: its driver lacks synchronization2" in text

    def test_no_loader(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def fail(name: str) -> object:
            raise OSError(f"cannot load {name}")

        monkeypatch.setattr(vulkan_ffi, "import_module", fail)
        assert main(["devices"]) == 0
        text = capsys.readouterr().out
        assert "apt-get install libvulkan1 mesa-vulkan-drivers" in text
        assert "llvm-cpu" in text

    def test_no_driver(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        require_vulkan()
        monkeypatch.setattr(driver, "physical_devices", lambda: ())
        assert main(["devices"]) == 0
        assert "apt-get install mesa-vulkan-drivers" in capsys.readouterr().out
