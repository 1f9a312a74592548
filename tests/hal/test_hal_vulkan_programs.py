"""The project's check-dialect programs on the Vulkan device, with hazard checks: no message.

They are compiled without fused bindings, so that the validation layer sees the exact range that
each kernel uses.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hal_support import VULKAN, assert_quiet, compile_for, require_vulkan

from ireelab.errors import CheckFailed
from ireelab.hal.drivers.vulkan.device import VulkanDevice
from ireelab.hal.drivers.vulkan.target import device_target
from ireelab.hal.registry import create_device
from ireelab.program import Program
from ireelab.vm.context import Context

PROGRAMS = sorted((Path(__file__).parents[1] / "programs").glob("*.mlir"))

# What lavapipe computes otherwise; IREE's own runtime on the same driver gives the same.
DIFFERS = {("types_float", "special_values"): "min(-0.0, 0.0) is 0.0: SPIR-V does not order zeros"}


def flags(source: Path) -> list[str]:
    """Those that the program's first lines ask for."""
    first = source.read_text().splitlines()[:3]
    marked = [line.partition("flags:")[2] for line in first if "flags:" in line]
    return [flag for text in marked for flag in text.split()]


@pytest.mark.parametrize("source", PROGRAMS, ids=lambda path: path.stem)
def test_program(source: Path, tmp_path: Path) -> None:
    require_vulkan()
    out = tmp_path / "out.vmfb"
    exact = "--iree-scheduling-optimize-bindings=false"
    with create_device(VULKAN, validate=True) as device:
        assert isinstance(device.inner, VulkanDevice)
        physical = device.inner.core.physical
        # What the layer does not know, this device does not have, though the machine's may.
        target = f"--iree-hal-target-device=vulkan={device_target(physical)}"
        compiled = compile_for(source, out, target, exact, *flags(source))
        program = Program(compiled, name=source.stem)
        names = [function.name for function in program.functions if not function.arguments]
        assert names
        with Context(program, device) as context:
            for name in names:
                if physical.type == "cpu" and (source.stem, name) in DIFFERS:
                    with pytest.raises(CheckFailed):
                        context.invoke(name)
                else:
                    context.invoke(name)
        del context
    assert_quiet(device)
