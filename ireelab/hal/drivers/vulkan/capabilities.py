"""What each SPIR-V capability asks of a device, from the Vulkan specification's appendix.

Only those that a kernel over buffers can use. Any other is refused: to what is not known here the
device has not been asked, and a module that declares it may do anything, crash the driver included.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ireelab.hal.drivers.vulkan.logical_device import LogicalDevice


@dataclass(frozen=True, slots=True)
class Need:
    """``name`` is SPIR-V's. One of ``features`` must be enabled, or one of ``properties`` true;
    ``operation`` is the bit of ``subgroupSupportedOperations``."""

    name: str
    features: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()
    operation: int = 0


def _controls(kind: str) -> tuple[str, ...]:
    return tuple(f"shader{kind}Float{bits}" for bits in (16, 32, 64))


_DOT_PRODUCT = ("shaderIntegerDotProduct",)
NEEDS: Mapping[int, Need] = {
    0: Need("Matrix"),
    1: Need("Shader"),
    9: Need("Float16", ("shaderFloat16",)),
    10: Need("Float64", ("shaderFloat64",)),
    11: Need("Int64", ("shaderInt64",)),
    12: Need("Int64Atomics", ("shaderBufferInt64Atomics", "shaderSharedInt64Atomics")),
    22: Need("Int16", ("shaderInt16",)),
    39: Need("Int8", ("shaderInt8",)),
    61: Need("GroupNonUniform", operation=1),
    62: Need("GroupNonUniformVote", operation=2),
    63: Need("GroupNonUniformArithmetic", operation=4),
    64: Need("GroupNonUniformBallot", operation=8),
    65: Need("GroupNonUniformShuffle", operation=16),
    66: Need("GroupNonUniformShuffleRelative", operation=32),
    67: Need("GroupNonUniformClustered", operation=64),
    68: Need("GroupNonUniformQuad", operation=128),
    4433: Need("StorageBuffer16BitAccess", ("storageBuffer16BitAccess",)),
    4434: Need("UniformAndStorageBuffer16BitAccess", ("uniformAndStorageBuffer16BitAccess",)),
    4435: Need("StoragePushConstant16", ("storagePushConstant16",)),
    4441: Need("VariablePointersStorageBuffer", ("variablePointersStorageBuffer",)),
    4442: Need("VariablePointers", ("variablePointers",)),
    4448: Need("StorageBuffer8BitAccess", ("storageBuffer8BitAccess",)),
    4449: Need("UniformAndStorageBuffer8BitAccess", ("uniformAndStorageBuffer8BitAccess",)),
    4450: Need("StoragePushConstant8", ("storagePushConstant8",)),
    4464: Need("DenormPreserve", properties=_controls("DenormPreserve")),
    4465: Need("DenormFlushToZero", properties=_controls("DenormFlushToZero")),
    4466: Need("SignedZeroInfNanPreserve", properties=_controls("SignedZeroInfNanPreserve")),
    4467: Need("RoundingModeRTE", properties=_controls("RoundingModeRTE")),
    4468: Need("RoundingModeRTZ", properties=_controls("RoundingModeRTZ")),
    5116: Need("BFloat16TypeKHR", ("shaderBFloat16Type",)),
    5345: Need("VulkanMemoryModel", ("vulkanMemoryModel",)),
    5346: Need("VulkanMemoryModelDeviceScope", ("vulkanMemoryModelDeviceScope",)),
    5347: Need("PhysicalStorageBufferAddresses", ("bufferDeviceAddress",)),
    6016: Need("DotProductInputAll", _DOT_PRODUCT),
    6017: Need("DotProductInput4x8Bit", _DOT_PRODUCT),
    6018: Need("DotProductInput4x8BitPacked", _DOT_PRODUCT),
    6019: Need("DotProduct", _DOT_PRODUCT),
    6022: Need("CooperativeMatrixKHR", ("cooperativeMatrix",)),
    6033: Need("AtomicFloat32AddEXT", ("shaderBufferFloat32AtomicAdd",)),
}


def unmet(device: LogicalDevice, capabilities: frozenset[int]) -> Iterator[str]:
    """What a module with these capabilities needs and the device lacks."""
    limits = device.physical.limits
    for capability in sorted(capabilities):
        need = NEEDS.get(capability)
        if need is None:
            yield f"it needs the SPIR-V capability {capability}, which this driver does not know"
        elif need.operation & ~limits["subgroupSupportedOperations"]:
            yield f"it needs the subgroup operations {need.name}"
        elif need.features and device.features.isdisjoint(need.features):
            yield f"it needs {need.name} ({' or '.join(need.features)})"
        elif need.properties and not any(limits[name] for name in need.properties):
            yield f"it needs {need.name} ({' or '.join(need.properties)})"
