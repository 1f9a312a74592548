"""The project's check-dialect programs on the Vulkan device, with hazard checks: no message.

They are compiled without fused bindings, so that the validation layer sees the exact range that
each kernel uses.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hal_support import VULKAN, assert_quiet, compile_vulkan, require_vulkan

from ireelab.errors import CheckFailed
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
    program = Program(compile_vulkan(source, out, exact, *flags(source)), name=source.stem)
    names = [function.name for function in program.functions if not function.arguments]
    assert names
    with create_device(VULKAN, validate=True) as device:
        with Context(program, device) as context:
            for name in names:
                if (source.stem, name) in DIFFERS:
                    with pytest.raises(CheckFailed):
                        context.invoke(name)
                else:
                    context.invoke(name)
        del context
    assert_quiet(device)
