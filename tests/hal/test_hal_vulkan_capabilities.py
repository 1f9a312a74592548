"""Which SPIR-V capabilities and operations are refused: as the validation layer judges it."""

from __future__ import annotations

import shutil
import struct
import subprocess
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hal_support import VULKAN, compile_vulkan, require_vulkan

from ireelab.errors import ExecutableMismatch
from ireelab.hal.drivers.vulkan import logical_device, requirements, vke1
from ireelab.hal.drivers.vulkan.capabilities import NEEDS, unmet
from ireelab.hal.drivers.vulkan.device import VulkanDevice
from ireelab.hal.drivers.vulkan.narrow_atomics import with_wide_atomics
from ireelab.hal.drivers.vulkan.physical_device import NEEDED_FEATURES
from ireelab.hal.drivers.vulkan.spirv import analyze
from ireelab.hal.drivers.vulkan.spirv_header import with_true_header
from ireelab.hal.drivers.vulkan.vulkan_ffi import Structs
from ireelab.hal.registry import create_device
from ireelab.program import Program
from ireelab.vm.context import Context

NUMBERS = (*range(80), *range(4400, 4500), *range(5000, 5400), *range(5550, 6500))
"""Where the numbers of capabilities lie."""

SHADER, MEMORY_MODEL, DEVICE_SCOPE = 1, 5345, 5346
LOGICAL, GLSL450, VULKAN_MODEL, GL_COMPUTE, LOCAL_SIZE = 0, 1, 3, 5, 17
ATOMIC_ADD, ATOMIC_AND = 234, 240
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


COUNT = 1002
PACK = f"""func.func @pack(%x: tensor<{COUNT}xi32>) -> tensor<{COUNT // 2}xi8> {{
  %init = tensor.empty() : tensor<{COUNT}xi4>
  %packed = linalg.generic {{
      indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>],
      iterator_types = ["parallel"]}}
      ins(%x : tensor<{COUNT}xi32>) outs(%init : tensor<{COUNT}xi4>) {{
  ^bb0(%in: i32, %out: i4):
    %narrow = arith.trunci %in : i32 to i4
    linalg.yield %narrow : i4
  }} -> tensor<{COUNT}xi4>
  %bytes = flow.tensor.bitcast %packed : tensor<{COUNT}xi4> -> tensor<{COUNT // 2}xi8>
  return %bytes : tensor<{COUNT // 2}xi8>
}}
"""


class TestNarrowAtomics:
    """Vulkan has no atomic operations on bytes, whatever a driver makes of them."""

    def compile(self, folder: Path, *flags: str) -> Program:
        source = folder / "pack.mlir"
        source.write_text(PACK)
        return Program(compile_vulkan(source, folder / "pack.vmfb", *flags))

    def modules(self, program: Program) -> list[bytes]:
        data = [d.data for d in program.module.rodata if _is_executable(d.data)]
        return [module for each in data for module in vke1.parse(each).modules]

    def test_they_are_done_on_words(self, tmp_path: Path) -> None:
        require_vulkan()
        program = self.compile(tmp_path)
        (module,) = self.modules(program)
        assert analyze(module).atomic_bits == {8}, "IREE has mended this: drop the repair"
        repaired = with_wide_atomics(module)
        assert analyze(repaired).atomic_bits == {32}
        assert with_wide_atomics(repaired) == repaired
        values = np.random.default_rng(0).integers(-(2**31), 2**31, COUNT).astype(np.int32)
        nibbles = (values & 15).astype(np.uint8)
        with Context(program, VULKAN) as context:
            for _ in range(3):  # in memory that held another result, too
                (out,) = context.invoke("pack", values)
                expected = nibbles[::2] | nibbles[1::2] << 4
                np.testing.assert_array_equal(out.view(np.uint8), expected)
                values, nibbles = values[::-1].copy(), nibbles[::-1]

    @pytest.mark.skipif(
        shutil.which("spirv-val") is None,
        reason="spirv-val is not installed; scripts/setup.sh test installs spirv-tools",
    )
    def test_the_repaired_module_is_valid(self, tmp_path: Path) -> None:
        require_vulkan()
        for flags in ((), ("--iree-vulkan-target=ampere",)):
            for module in self.modules(self.compile(tmp_path, *flags)):
                path = tmp_path / "module.spv"
                path.write_bytes(with_true_header(with_wide_atomics(module)))
                subprocess.run(["spirv-val", "--target-env", "vulkan1.3", path], check=True)

    def test_others_are_refused(self, tmp_path: Path) -> None:
        """Additions, of which IREE makes none, stay; the message says what helps."""
        require_vulkan()
        (data,) = (d.data for d in self.compile(tmp_path).module.rodata if _is_executable(d.data))
        definition = vke1.parse(data)
        words = array("I", definition.modules[0])
        for at, word in enumerate(words):
            if word == 7 << 16 | ATOMIC_AND:
                words[at] = 7 << 16 | ATOMIC_ADD
        module = analyze(with_wide_atomics(words.tobytes()))
        with create_device(VULKAN) as device:
            assert isinstance(device, VulkanDevice)
            logical, entry = device.core.logical, module.entry_points[0]
            with pytest.raises(ExecutableMismatch, match=r"8-bit integers.*android_baseline_2022"):
                requirements.check(logical, definition.pipelines[0], module, entry)

    def test_what_the_message_advises(self, tmp_path: Path) -> None:
        require_vulkan()
        program = self.compile(tmp_path, "--iree-vulkan-target=vp_android_baseline_2022")
        assert all(analyze(module).atomic_bits <= {32} for module in self.modules(program))
        with Context(program, VULKAN) as context:
            (out,) = context.invoke("pack", np.full(COUNT, 3, np.int32))
            assert (out == 0x33).all()


def _is_executable(data: memoryview) -> bool:
    return bytes(data[:4]) == vke1.MAGIC
