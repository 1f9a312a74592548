"""Which SPIR-V capabilities and operations are refused: as the validation layer judges it."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hal_support import VULKAN, compile_vulkan, require_vulkan

from ireelab.errors import ExecutableMismatch
from ireelab.hal.drivers.vulkan import logical_device
from ireelab.hal.drivers.vulkan.capabilities import NEEDS, unmet
from ireelab.hal.drivers.vulkan.device import VulkanDevice
from ireelab.hal.drivers.vulkan.physical_device import NEEDED_FEATURES
from ireelab.hal.drivers.vulkan.spirv import analyze
from ireelab.hal.drivers.vulkan.vulkan_ffi import Structs
from ireelab.hal.registry import create_device
from ireelab.program import Program
from ireelab.vm.context import Context

NUMBERS = (*range(80), *range(4400, 4500), *range(5000, 5400), *range(5550, 6500))
"""Where the numbers of capabilities lie."""

SHADER, MEMORY_MODEL, DEVICE_SCOPE = 1, 5345, 5346
LOGICAL, GLSL450, VULKAN_MODEL, GL_COMPUTE, LOCAL_SIZE = 0, 1, 3, 5, 17
INVALID = "SPIR-V module not valid"


def instruction(opcode: int, *words: int) -> list[int]:
    return [(1 + len(words)) << 16 | opcode, *words]


def kernel(*capabilities: int) -> bytes:
    """An empty kernel ``main`` that declares them."""
    vulkan_model = not {MEMORY_MODEL, DEVICE_SCOPE}.isdisjoint(capabilities)
    if vulkan_model:
        capabilities = (MEMORY_MODEL, *capabilities)
    void, function_type, main, label = 1, 2, 3, 4
    words = [0x07230203, 0x10600, 0, 5, 0]
    for capability in dict.fromkeys((SHADER, *capabilities)):
        words += instruction(17, capability)
    words += instruction(14, LOGICAL, VULKAN_MODEL if vulkan_model else GLSL450)
    words += instruction(15, GL_COMPUTE, main, *struct.unpack("<2I", b"main\0\0\0\0"))
    words += instruction(16, main, LOCAL_SIZE, 1, 1, 1)
    words += instruction(19, void) + instruction(33, function_type, void)
    words += instruction(54, void, main, 0, function_type) + instruction(248, label)
    words += instruction(253) + instruction(56)
    return array("I", words).tobytes()


class Judge:
    """Builds pipelines under the validation layer, with nothing of this driver in between."""

    def __init__(self, device: VulkanDevice) -> None:
        core = device.core
        self._vulkan, self._handle = core.vulkan, core.handle
        self._messages = core.logical.instance.messages

    def messages(self, code: bytes) -> list[str]:
        vulkan, structs = self._vulkan, Structs(self._vulkan)
        words = vulkan.ffi.cast("uint32_t *", structs.bytes(code))
        info = structs.new("VkShaderModuleCreateInfo", codeSize=len(code), pCode=words)
        shader = self._make("ShaderModule", info)
        if not self._messages:
            layout = self._make("PipelineLayout", structs.new("VkPipelineLayoutCreateInfo"))
            stage = structs.new(
                "VkPipelineShaderStageCreateInfo", stage=0x20, module=shader, pName="main"
            )
            pipeline = structs.new("VkComputePipelineCreateInfo", stage=stage, layout=layout)
            out = vulkan.ffi.new("VkPipeline *")
            create = vulkan.lib.vkCreateComputePipelines
            if not create(self._handle, vulkan.null, 1, pipeline, vulkan.null, out):
                vulkan.lib.vkDestroyPipeline(self._handle, out[0], vulkan.null)
            vulkan.lib.vkDestroyPipelineLayout(self._handle, layout, vulkan.null)
        vulkan.lib.vkDestroyShaderModule(self._handle, shader, vulkan.null)
        said = [str(message) for message in self._messages]
        self._messages.clear()
        return said

    def _make(self, noun: str, info: Any) -> Any:
        return self._vulkan.create(f"vkCreate{noun}", f"Vk{noun}", self._handle, info)


@pytest.fixture(params=["all features", "no features"])
def device(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[VulkanDevice]:
    require_vulkan()
    if request.param == "no features":
        monkeypatch.setattr(logical_device, "USEFUL_FEATURES", frozenset(NEEDED_FEATURES))
    opened = create_device(VULKAN)
    assert isinstance(opened, VulkanDevice)
    with opened:
        yield opened


def test_capabilities(device: VulkanDevice) -> None:
    judge = Judge(device)
    judged = refused = 0
    for number in NUMBERS:
        said = judge.messages(kernel(number))
        if any(INVALID in message for message in said):
            continue  # not known to this layer, or in need of an extension
        judged += 1
        allowed = not any("declared" in message for message in said)
        problems = list(unmet(device.core.logical, analyze(kernel(number)).capabilities))
        refused += bool(problems)
        if number in NEEDS:
            assert allowed == (not problems), (number, said, problems)
        else:
            assert problems, number
    assert judged > 90 and refused > 60


EIGHT_BITS = """func.func @pack(%x: tensor<8xi32>) -> tensor<8xi8> {
  %init = tensor.empty() : tensor<8xi4>
  %packed = linalg.generic {
      indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>],
      iterator_types = ["parallel"]} ins(%x : tensor<8xi32>) outs(%init : tensor<8xi4>) {
  ^bb0(%in: i32, %out: i4):
    %narrow = arith.trunci %in : i32 to i4
    linalg.yield %narrow : i4
  } -> tensor<8xi4>
  %kept = util.optimization_barrier %packed : tensor<8xi4>
  %wide = arith.extui %kept : tensor<8xi4> to tensor<8xi8>
  return %wide : tensor<8xi8>
}
"""


def test_atomic_operations_on_eight_bits(tmp_path: Path) -> None:
    """Vulkan has none, whatever a driver makes of them."""
    require_vulkan()
    source = tmp_path / "pack.mlir"
    source.write_text(EIGHT_BITS)
    given = list(range(8))
    program = Program(compile_vulkan(source, tmp_path / "here.vmfb"))
    with pytest.raises(ExecutableMismatch, match=r"8-bit integers.*vp_android_baseline_2022"):
        Context(program, VULKAN)
    flag = "--iree-vulkan-target=vp_android_baseline_2022"  # what the message advises
    program = Program(compile_vulkan(source, tmp_path / "advised.vmfb", flag))
    with Context(program, VULKAN) as context:
        (out,) = context.invoke("pack", np.array(given, np.int32))
        assert out.tolist() == given
