"""From a device's properties to the compile target of IREE that fits it exactly.

IREE's named targets describe families of GPUs; a wrong guess costs speed, and a wrong subgroup size
correctness. Here every number is the device's own; only the vendor is a name.
"""

from __future__ import annotations

from collections.abc import Iterable

from ireelab.hal.drivers.vulkan.logical_device import USEFUL_FEATURES
from ireelab.hal.drivers.vulkan.physical_device import CooperativeMatrix, PhysicalDevice

_SUBGROUP_BASIC, _SUBGROUP_ARITHMETIC, _SUBGROUP_SHUFFLE = 1, 4, 16
_SCOPE_SUBGROUP = 3
_NVIDIA, _AMD = 0x10DE, 0x1002
_ARCHS = {_NVIDIA: "sm_80", _AMD: "rdna3"}
"""Chooses IREE's tilings for the vendor, shared memory and cooperative matrices among them; the
numbers that limit them are the device's own. Without a vendor IREE tiles for no GPU in particular.
"""

_MAX_COUNT = (1 << 31) - 1

ABIS = {
    "descriptors": ("vulkan-spirv-fb",),
    "bda": ("vulkan-spirv-bda-v1",),
    "all": ("vulkan-spirv-bda-v1", "vulkan-spirv-fb"),
}
"""Executable formats by the name of the dispatch ABI, as in ``--iree-vulkan-dispatch-abi``."""

# IREE's names of the shapes, by vendor and (m, n, k, a, b, c, result). Its code for Vulkan takes
# from a name only the shape and the types, so that AMD's for RDNA 3 also serve RDNA 4. Intel's
# shapes (8x8x16, 8x16x16) have no name. AMD's integers are left out: the SPIR-V of IREE 3.13 has
# signed factors and unsigned sums, and drivers list signed sums.
_MATRIX_INTRINSICS = {
    _NVIDIA: {
        (16, 16, 16, "f16", "f16", "f32", "f32"): "NV_WMMA_F32_16x16x16_F16",
        (16, 16, 16, "f16", "f16", "f16", "f16"): "NV_WMMA_F16_16x16x16_F16",
    },
    _AMD: {
        (16, 16, 16, "f16", "f16", "f32", "f32"): "WMMAR3_F32_16x16x16_F16",
        (16, 16, 16, "f16", "f16", "f16", "f16"): "WMMAR3_F16_16x16x16_F16",
    },
}


def device_target(
    physical: PhysicalDevice, *, abi: str = "descriptors", cooperative_matrix: bool = True
) -> str:
    """``#hal.device.target<"vulkan", [...]>`` for ``--iree-hal-target-device=``."""
    targets = (
        executable_target(physical, format, cooperative_matrix=cooperative_matrix)
        for format in ABIS[abi]
    )
    return f'#hal.device.target<"vulkan", [{", ".join(targets)}]>'


def executable_target(
    physical: PhysicalDevice, format: str, *, cooperative_matrix: bool = True
) -> str:
    """``#hal.executable.target<...>`` of one executable format."""
    limits = physical.limits
    matrices = list(_intrinsics(physical)) if cooperative_matrix else []
    dot = physical.features.get("shaderIntegerDotProduct")
    # Only cooperative matrices and dot products need more than SPIR-V 1.3.
    features = ["spirv:v1.6" if matrices or dot else "spirv:v1.3", "cap:Shader"]
    if format == "vulkan-spirv-bda-v1":
        features += [
            "cap:Int64",
            "cap:PhysicalStorageBufferAddresses",
            "ext:SPV_KHR_physical_storage_buffer",
        ]
    fields = [
        f"compute = {'|'.join(_compute_types(physical))}",
        f"storage = {'|'.join(_storage_types(physical))}",
        f"subgroup = {'|'.join(_subgroup_operations(physical)) or 'none'}",
        *(["dot = dp4xi8toi32"] if dot else []),
        *([f"mma = [{', '.join(f'<{name}>' for name in matrices)}]"] if matrices else []),
        f"subgroup_size_choices = [{physical.subgroup_size}]",
        f"max_workgroup_sizes = {_numbers(limits['maxComputeWorkGroupSize'])}",
        f"max_thread_count_per_workgroup = {limits['maxComputeWorkGroupInvocations']}",
        f"max_workgroup_memory_bytes = {limits['maxComputeSharedMemorySize']}",
        f"max_workgroup_counts = {_numbers(limits['maxComputeWorkGroupCount'])}",
    ]
    arch = _ARCHS.get(physical.vendor_id, "")
    return (
        f'#hal.executable.target<"vulkan-spirv", "{format}", {{iree_codegen.target_info = '
        f'#iree_gpu.target<arch = "{arch}", features = "{",".join(features)}", '
        f"wgp = <{', '.join(fields)}>>}}>"
    )


def _intrinsics(physical: PhysicalDevice) -> Iterable[str]:
    """Names of the matrix shapes, where IREE's code for them is known to work."""
    names = _MATRIX_INTRINSICS.get(physical.vendor_id, {})
    found: dict[str, CooperativeMatrix] = {}
    for matrix in physical.cooperative_matrices:
        key = (matrix.m, matrix.n, matrix.k, matrix.a, matrix.b, matrix.c, matrix.result)
        name = names.get(key)
        if name is not None and matrix.scope == _SCOPE_SUBGROUP and name not in found:
            found[name] = matrix
            yield name


def _compute_types(physical: PhysicalDevice) -> Iterable[str]:
    has = _has(physical)
    for name, feature in (
        ("fp64", "shaderFloat64"),
        ("fp32", ""),
        ("fp16", "shaderFloat16"),
        ("int64", "shaderInt64"),
        ("int32", ""),
        ("int16", "shaderInt16"),
        ("int8", "shaderInt8"),
    ):
        if not feature or feature in has:
            yield name


def _storage_types(physical: PhysicalDevice) -> Iterable[str]:
    has = _has(physical)
    if "shaderInt64" in has:
        yield "b64"
    yield "b32"
    if "storageBuffer16BitAccess" in has:
        yield "b16"
    if "storageBuffer8BitAccess" in has:
        yield "b8"


def _subgroup_operations(physical: PhysicalDevice) -> Iterable[str]:
    operations = physical.limits["subgroupSupportedOperations"]
    if operations & _SUBGROUP_SHUFFLE:
        yield "shuffle"
    if operations & _SUBGROUP_ARITHMETIC:
        yield "arithmetic"


def _has(physical: PhysicalDevice) -> frozenset[str]:
    """The features that the driver will enable."""
    return frozenset(name for name in USEFUL_FEATURES if physical.features.get(name, False))


def _numbers(values: Iterable[int]) -> str:
    return str([min(value, _MAX_COUNT) for value in values])
