"""Compile targets made from device properties, and the repair of cooperative-matrix kernels."""

from __future__ import annotations

import re
from array import array
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hal_support import VULKAN, compile_for, compile_vulkan, require_vulkan

from ireelab import device_target
from ireelab.errors import DeviceUnavailable
from ireelab.hal.drivers.vulkan import driver, spirv, vke1
from ireelab.hal.drivers.vulkan.cooperative_matrix import without_fragment_conversions
from ireelab.hal.drivers.vulkan.logical_device import USEFUL_FEATURES
from ireelab.hal.drivers.vulkan.physical_device import CooperativeMatrix, PhysicalDevice
from ireelab.hal.drivers.vulkan.spirv_header import with_true_header
from ireelab.hal.drivers.vulkan.target import device_target as target_text
from ireelab.pipeline.targets import target_flags
from ireelab.program import Program
from ireelab.vm.context import Context

F16_MATMUL = """func.func @main(%a: tensor<256x256xf16>, %b: tensor<256x256xf16>)
    -> tensor<256x256xf32> {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<256x256xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<256x256xf32>) -> tensor<256x256xf32>
  %c = linalg.matmul ins(%a, %b : tensor<256x256xf16>, tensor<256x256xf16>)
                     outs(%f : tensor<256x256xf32>) -> tensor<256x256xf32>
  return %c : tensor<256x256xf32>
}
"""


def nvidia() -> PhysicalDevice:
    """A GPU with cooperative matrices, as its driver would describe it."""
    limits = {
        "subgroupSize": 32,
        "subgroupSupportedOperations": 0xFF,
        "maxComputeWorkGroupSize": [1024, 1024, 64],
        "maxComputeWorkGroupInvocations": 1024,
        "maxComputeSharedMemorySize": 49152,
        "maxComputeWorkGroupCount": [2**32 - 1, 65535, 65535],
    }
    shapes = tuple(
        CooperativeMatrix(16, 16, 16, "f16", "f16", kind, kind, 3) for kind in ("f32", "f16")
    )
    return PhysicalDevice(
        None, "a GPU", "", "discrete", "", "", 0x10DE, 0, (1, 3, 0), limits,
        dict.fromkeys(USEFUL_FEATURES, True), frozenset(), (), (), shapes,
    )  # fmt: skip


def amd() -> PhysicalDevice:
    """An RDNA 3 GPU as RADV describes it; no such device was there to ask."""
    kinds = [("f16", "f32"), ("f16", "f16"), ("i8", "i32"), ("u8", "i32")]
    shapes = [CooperativeMatrix(16, 16, 16, a, a, c, c, 3) for a, c in kinds]
    limits = {**nvidia().limits, "subgroupSize": 64, "maxComputeSharedMemorySize": 65536}
    return replace(
        nvidia(), vendor_id=0x1002, limits=limits, cooperative_matrices=tuple(shapes)
    )  # fmt: skip


def intel() -> PhysicalDevice:
    """An Arc GPU (DG2) as ANV describes it; no such device was there to ask."""
    kinds = [("f16", "f32", 16), ("i8", "i32", 32)]
    shapes = [CooperativeMatrix(8, 8, k, a, a, c, c, 3) for a, c, k in kinds]
    return replace(nvidia(), vendor_id=0x8086, cooperative_matrices=tuple(shapes))


def instructions(code: bytes) -> list[array[int]]:
    words = array("I", code)
    found, position = [], 5
    while position < len(words):
        length = words[position] >> 16
        found.append(words[position : position + length])
        position += length
    return found


def converted_factors(code: bytes) -> int:
    """How many operands of cooperative multiplications come out of a conversion."""
    found = instructions(code)
    conversions = {i[2] for i in found if i[0] & 0xFFFF == 115}
    return sum(i[j] in conversions for i in found if i[0] & 0xFFFF == 4459 for j in (3, 4))


class TestText:
    def test_the_numbers_are_the_devices(self) -> None:
        require_vulkan()
        physical = driver.find_device()
        text = device_target.vulkan_target()
        assert f"subgroup_size_choices = [{physical.subgroup_size}]" in text
        shared = physical.limits["maxComputeSharedMemorySize"]
        assert f"max_workgroup_memory_bytes = {shared}" in text
        assert ("fp16" in text) == physical.features["shaderFloat16"]

    def test_a_poorer_device(self) -> None:
        features = dict.fromkeys(USEFUL_FEATURES, False)
        poor = replace(nvidia(), features=features, vendor_id=1, cooperative_matrices=())
        poor.limits["subgroupSupportedOperations"] = 1
        text = target_text(poor)
        assert "compute = fp32|int32, storage = b32, subgroup = none" in text
        assert "spirv:v1.3" in text
        assert "mma" not in text

    @pytest.mark.parametrize("abi", ["descriptors", "bda", "all"])
    def test_cooperative_matrices(self, abi: str) -> None:
        text = target_text(nvidia(), abi=abi)
        assert "mma = [<NV_WMMA_F32_16x16x16_F16>, <NV_WMMA_F16_16x16x16_F16>]" in text
        assert "spirv:v1.6" in text
        assert "max_workgroup_counts = [2147483647, 65535, 65535]" in text
        assert len(re.findall("#hal.executable.target", text)) == (2 if abi == "all" else 1)

    def test_matrices_of_amd(self) -> None:
        text = target_text(amd())
        assert 'arch = "rdna3"' in text
        assert "mma = [<WMMAR3_F32_16x16x16_F16>, <WMMAR3_F16_16x16x16_F16>]" in text

    def test_shapes_that_iree_has_no_name_for(self) -> None:
        text = target_text(intel())
        assert 'arch = ""' in text
        assert "mma" not in text

    @pytest.mark.parametrize("element", ["f32", "f16"])
    def test_iree_compiles_for_amd(self, element: str, tmp_path: Path) -> None:
        """The SPIR-V multiplies by cooperative matrices, after the repair in f16 as AMD has it."""
        source = tmp_path / "matmul.mlir"
        source.write_text(F16_MATMUL.replace("f32", element))
        flag = f"--iree-hal-target-device=vulkan={target_text(amd())}"
        program = Program(compile_for(source, tmp_path / "out.vmfb", flag))
        data = [bytes(d.data) for d in program.module.rodata if bytes(d.data[:4]) == vke1.MAGIC]
        (module,) = [module for each in data for module in vke1.parse(each).modules]
        repaired = without_fragment_conversions(module)
        assert sum(i[0] & 0xFFFF == 4459 for i in instructions(repaired)) > 0
        assert converted_factors(repaired) == 0

    def test_names_of_iree_still_work(self) -> None:
        named = ("--iree-hal-target-device=vulkan", "--iree-vulkan-target=ampere")
        assert target_flags("vulkan:ampere") == named
        given = "--iree-vulkan-target=ada"
        assert target_flags("vulkan", (given,)) == ("--iree-hal-target-device=vulkan",)

    def test_without_a_device_iree_chooses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def missing(name: str = "") -> PhysicalDevice:
            raise DeviceUnavailable("none")

        monkeypatch.setattr(driver, "find_device", missing)
        assert target_flags("vulkan") == ("--iree-hal-target-device=vulkan",)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("matmul")
    source = folder / "matmul.mlir"
    source.write_text(F16_MATMUL)
    flag = "--iree-vulkan-target=ampere"
    program = Program(compile_vulkan(source, folder / "out.vmfb", flag))
    data = [bytes(d.data) for d in program.module.rodata if bytes(d.data[:4]) == vke1.MAGIC]
    (executable,) = map(vke1.parse, data)
    assert executable.pipelines[0].subgroup_size == 32
    (module,) = executable.modules
    return module


class TestRepair:
    def test_conversions_of_factors_go(self, kernel: bytes) -> None:
        assert converted_factors(kernel) > 0, "IREE has mended this: drop the repair"
        repaired = without_fragment_conversions(kernel)
        assert converted_factors(repaired) == 0
        before, after = spirv.analyze(kernel), spirv.analyze(repaired)
        assert (before.capabilities, before.entry_points) == (
            after.capabilities,
            after.entry_points,
        )
        conversions = [i for i in instructions(kernel) if i[0] & 0xFFFF == 115]
        removed = len(instructions(kernel)) - len(instructions(repaired))
        assert 0 < removed <= len(conversions)

    def test_a_repaired_module_stays(self, kernel: bytes) -> None:
        repaired = without_fragment_conversions(kernel)
        assert without_fragment_conversions(repaired) == repaired

    def test_modules_without_matrices_stay(self, tmp_path: Path) -> None:
        require_vulkan()
        source = tmp_path / "add.mlir"
        source.write_text(
            "func.func @f(%a: tensor<4xf32>) -> tensor<4xf32> {\n"
            "  %s = arith.addf %a, %a : tensor<4xf32>\n  return %s : tensor<4xf32>\n}\n"
        )
        program = Program(compile_vulkan(source, tmp_path / "out.vmfb"))
        for data in program.module.rodata:
            if bytes(data.data[:4]) == vke1.MAGIC:
                for module in vke1.parse(data.data).modules:
                    assert without_fragment_conversions(module) == module
                    assert np.frombuffer(module, np.uint32)[0] == 0x07230203


I8_MATMUL = """func.func @main(%a: tensor<64x64xi8>, %b: tensor<64x64xi8>) -> tensor<64x64xi32> {
  %z = arith.constant 0 : i32
  %e = tensor.empty() : tensor<64x64xi32>
  %f = linalg.fill ins(%z : i32) outs(%e : tensor<64x64xi32>) -> tensor<64x64xi32>
  %c = linalg.matmul ins(%a, %b : tensor<64x64xi8>, tensor<64x64xi8>)
                     outs(%f : tensor<64x64xi32>) -> tensor<64x64xi32>
  return %c : tensor<64x64xi32>
}
"""


class TestVersion:
    """Dot products need SPIR-V 1.6, for which IREE writes too low a version into other modules."""

    def modules(self, text: str, folder: Path, *flags: str) -> tuple[Program, list[bytes]]:
        source = folder / "source.mlir"
        source.write_text(text)
        program = Program(compile_vulkan(source, folder / "out.vmfb", *flags))
        data = [bytes(d.data) for d in program.module.rodata if bytes(d.data[:4]) == vke1.MAGIC]
        return program, [module for each in data for module in vke1.parse(each).modules]

    def test_eight_bit_products(self, tmp_path: Path) -> None:
        require_vulkan()
        program, _ = self.modules(I8_MATMUL, tmp_path)
        random = np.random.default_rng(0)
        a, b = (random.integers(-128, 128, (64, 64)).astype(np.int8) for _ in range(2))
        with Context(program, VULKAN) as context:
            (out,) = context.invoke("main", a, b)
            np.testing.assert_array_equal(out, a.astype(np.int32) @ b.astype(np.int32))

    def test_the_version_is_raised_where_it_is_wrong(self, tmp_path: Path) -> None:
        require_vulkan()
        _, modules = self.modules(F16_MATMUL.replace("f16", "f32"), tmp_path)
        for module in modules:
            before, after = (
                np.frombuffer(m, np.uint32) for m in (module, with_true_header(module))
            )
            assert before[1] < 0x10400, "IREE has mended this: drop the repair"
            assert after[1] == 0x10400
            np.testing.assert_array_equal(before[2:], after[2:])

    def test_others_stay(self, kernel: bytes, tmp_path: Path) -> None:
        """A module of an older target, and one that names the extension or has a true version."""
        older = "--iree-vulkan-target=vp_android_baseline_2022"
        _, modules = self.modules(F16_MATMUL.replace("f16", "f32"), tmp_path, older)
        for module in modules:
            assert with_true_header(module) == module
        assert with_true_header(with_true_header(kernel)) == with_true_header(kernel)
