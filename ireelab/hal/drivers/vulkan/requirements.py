"""Whether a kernel can run correctly on a device, decided before it is given to the driver.

A kernel that needs a type or a subgroup size that the device lacks does not fail by itself: it
computes wrong numbers. So every need is compared, and named when it is not met.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from ireelab.errors import ExecutableMismatch
from ireelab.hal.drivers.vulkan.logical_device import LogicalDevice
from ireelab.hal.drivers.vulkan.spirv import CAPABILITY_NAMES, EntryPoint, Module
from ireelab.hal.drivers.vulkan.vke1 import Pipeline

_FEATURE_OF_CAPABILITY = {
    "Float16": "shaderFloat16",
    "Float64": "shaderFloat64",
    "Int64": "shaderInt64",
    "Int16": "shaderInt16",
    "Int8": "shaderInt8",
    "StorageBuffer16BitAccess": "storageBuffer16BitAccess",
    "UniformAndStorageBuffer16BitAccess": "uniformAndStorageBuffer16BitAccess",
    "StoragePushConstant16": "storagePushConstant16",
    "VariablePointersStorageBuffer": "variablePointersStorageBuffer",
    "VariablePointers": "variablePointers",
    "StorageBuffer8BitAccess": "storageBuffer8BitAccess",
    "UniformAndStorageBuffer8BitAccess": "uniformAndStorageBuffer8BitAccess",
    "StoragePushConstant8": "storagePushConstant8",
    "VulkanMemoryModel": "vulkanMemoryModel",
    "VulkanMemoryModelDeviceScope": "vulkanMemoryModelDeviceScope",
    "PhysicalStorageBufferAddresses": "bufferDeviceAddress",
    "DotProductInputAll": "shaderIntegerDotProduct",
    "DotProductInput4x8Bit": "shaderIntegerDotProduct",
    "DotProductInput4x8BitPacked": "shaderIntegerDotProduct",
    "DotProduct": "shaderIntegerDotProduct",
    "CooperativeMatrixKHR": "cooperativeMatrix",
    "BFloat16TypeKHR": "shaderBFloat16Type",
}
_SUBGROUP_OPERATIONS = {
    "GroupNonUniform": 1,
    "GroupNonUniformArithmetic": 4,
    "GroupNonUniformBallot": 8,
    "GroupNonUniformShuffle": 16,
    "GroupNonUniformShuffleRelative": 32,
    "GroupNonUniformClustered": 64,
}
_COMPUTE_STAGE = 0x20
_HINT = "compile the program for this device (--target vulkan derives the target from it)"


def required_subgroup_size(device: LogicalDevice, pipeline: Pipeline, module: Module) -> int:
    """The subgroup size to ask the driver for, 0 for the device's own.

    ExecutableMismatch where the kernel takes a size for granted that the device cannot give.
    """
    wanted = pipeline.subgroup_size or module.subgroup_size
    physical = device.physical
    if not wanted or (wanted == physical.subgroup_size and not pipeline.subgroup_size):
        return 0
    can_choose = (
        "subgroupSizeControl" in device.features
        and physical.limits["requiredSubgroupSizeStages"] & _COMPUTE_STAGE
        and wanted in physical.subgroup_sizes
    )
    if can_choose:
        return wanted
    if wanted == physical.subgroup_size:
        return 0
    raise ExecutableMismatch(
        f"kernel {pipeline.entry_point!r} is compiled for subgroups of {wanted} threads, "
        f"{physical.name} has {physical.subgroup_size}: it would compute wrong numbers; {_HINT}"
    )


def check(device: LogicalDevice, pipeline: Pipeline, module: Module, entry: EntryPoint) -> None:
    """ExecutableMismatch lists everything that the kernel needs and the device lacks."""
    problems = [
        *_capabilities(device, module),
        *_version(device, module),
        *_limits(device, module, entry),
    ]
    if problems:
        raise ExecutableMismatch(
            f"kernel {pipeline.entry_point!r} cannot run on {device.physical.name}: "
            f"{'; '.join(problems)}; {_HINT}"
        )


def _capabilities(device: LogicalDevice, module: Module) -> Iterator[str]:
    operations = device.physical.limits["subgroupSupportedOperations"]
    for capability in sorted(module.capabilities):
        name = CAPABILITY_NAMES.get(capability, "")
        feature = _FEATURE_OF_CAPABILITY.get(name)
        if feature is not None and feature not in device.features:
            yield f"it needs {name} ({feature})"
        operation = _SUBGROUP_OPERATIONS.get(name, 0)
        if operation & ~operations:
            yield f"it needs the subgroup operations {name}"


def _version(device: LogicalDevice, module: Module) -> Iterator[str]:
    if module.version > (1, 6):
        yield f"it is SPIR-V {module.version[0]}.{module.version[1]}, Vulkan 1.3 takes up to 1.6"


def _limits(device: LogicalDevice, module: Module, entry: EntryPoint) -> Iterator[str]:
    limits = device.physical.limits
    size, largest = entry.workgroup_size, limits["maxComputeWorkGroupSize"]
    if any(have > most for have, most in zip(size, largest, strict=True)):
        yield f"its workgroups are {size}, the largest here are {tuple(largest)}"
    threads, most_threads = math.prod(size), limits["maxComputeWorkGroupInvocations"]
    if threads > most_threads:
        yield f"its workgroups have {threads} threads, the most here is {most_threads}"
    shared, most_shared = module.shared_memory_bytes, limits["maxComputeSharedMemorySize"]
    if shared > most_shared:
        yield f"it needs {shared:,} bytes of shared memory, there are {most_shared:,}"
