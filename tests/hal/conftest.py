"""Fixtures of the HAL tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hal_support import (
    DRIVERS,
    VULKAN,
    Kernels,
    assert_quiet,
    compile_executable,
    compile_vulkan,
    dispatch_workgroups,
    quiet_vulkan,
    require_vulkan,
    vulkan_missing,
)

from ireelab.hal.device import Device
from ireelab.hal.drivers.vulkan.device import VulkanDevice
from ireelab.hal.registry import create_device

HERE = Path(__file__).parent


@pytest.fixture(params=DRIVERS)
def device(request: pytest.FixtureRequest) -> Iterator[Device]:
    """One validated device of every driver."""
    name = request.param
    if name == "vulkan":
        require_vulkan()
        name = VULKAN
    with create_device(name, validate=True) as opened:
        yield opened
    assert_quiet(opened)


@pytest.fixture
def vulkan() -> Iterator[VulkanDevice]:
    """A device of its own for each test."""
    with quiet_vulkan() as device:
        yield device


@pytest.fixture
def runs(device: Device) -> bool:
    """Whether the device computes; the null driver only accepts."""
    return device.driver != "null"


@pytest.fixture
def cpu() -> Iterator[Device]:
    """A validated llvm-cpu device with two threads."""
    with create_device("llvm-cpu:threads=2", validate=True) as opened:
        yield opened


@pytest.fixture(scope="session")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Kernels:
    """The conformance kernels, compiled by iree-compile."""
    folder = tmp_path_factory.mktemp("kernels")
    mode = "--compile-mode=hal-executable"
    found = compile_executable(HERE / "kernels.mlir", folder, mode)
    if vulkan_missing():
        return found
    return replace(found, spirv=compile_vulkan(HERE / "kernels.mlir", folder / "vulkan.bin", mode))


@pytest.fixture(scope="session")
def matmul(tmp_path_factory: pytest.TempPathFactory) -> Kernels:
    """A 64x64 f32 matmul as one dispatch of an ordinary program."""
    folder = tmp_path_factory.mktemp("matmul")
    source = folder / "matmul.mlir"
    source.write_text(
        """func.func @matmul(%a: tensor<64x64xf32>, %b: tensor<64x64xf32>) -> tensor<64x64xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<64x64xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<64x64xf32>) -> tensor<64x64xf32>
  %c = linalg.matmul ins(%a, %b : tensor<64x64xf32>, tensor<64x64xf32>)
                     outs(%init : tensor<64x64xf32>) -> tensor<64x64xf32>
  return %c : tensor<64x64xf32>
}
"""
    )
    return replace(
        compile_executable(source, folder / "out"), workgroups=dispatch_workgroups(source)
    )
