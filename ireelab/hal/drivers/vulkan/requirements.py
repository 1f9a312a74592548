"""Whether a kernel can run correctly on a device, decided before it is given to the driver.

A kernel that needs a type or a subgroup size that the device lacks does not fail by itself: it
computes wrong numbers. So every need is compared, and named when it is not met.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from ireelab.errors import ExecutableMismatch
from ireelab.hal.drivers.vulkan.capabilities import unmet
from ireelab.hal.drivers.vulkan.logical_device import LogicalDevice
from ireelab.hal.drivers.vulkan.spirv import EntryPoint, Module
from ireelab.hal.drivers.vulkan.vke1 import Pipeline

_COMPUTE_STAGE = 0x20
_HINT = "compile the program for this device (--target vulkan derives the target from it)"
_ATOMICS_HINT = (
    "IREE 3.13 packs sub-byte types that way for targets that store 8 bits: compile the program "
    "for one that does not (--target vulkan:vp_android_baseline_2022)"
)


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
        *unmet(device, module.capabilities),
        *_atomics(module),
        *_version(device, module),
        *_limits(device, module, entry),
    ]
    if problems:
        raise ExecutableMismatch(
            f"kernel {pipeline.entry_point!r} cannot run on {device.physical.name}: "
            f"{'; '.join(problems)}; {_ATOMICS_HINT if _narrow_atomics(module) else _HINT}"
        )


def _atomics(module: Module) -> Iterator[str]:
    for bits in _narrow_atomics(module):
        yield f"it has atomic operations on {bits}-bit integers, Vulkan on 32 and 64 bits only"


def _narrow_atomics(module: Module) -> list[int]:
    return sorted(module.atomic_bits - {32, 64})


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
