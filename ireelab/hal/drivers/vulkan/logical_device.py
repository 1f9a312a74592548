"""The ``VkDevice`` and its queues: our own, or those of a running application."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ireelab.errors import DeviceUnavailable
from ireelab.hal.drivers.vulkan.instance import Instance
from ireelab.hal.drivers.vulkan.physical_device import (
    NEEDED_FEATURES,
    PhysicalDevice,
    feature_names,
    feature_structs,
    query,
)
from ireelab.hal.drivers.vulkan.vulkan_ffi import Handle, Structs

USEFUL_FEATURES = frozenset(
    (
        *NEEDED_FEATURES,
        *("shaderFloat64", "shaderInt64", "shaderInt16", "shaderFloat16", "shaderInt8"),
        *("storageBuffer16BitAccess", "uniformAndStorageBuffer16BitAccess"),
        *("storageBuffer8BitAccess", "uniformAndStorageBuffer8BitAccess"),
        *("storagePushConstant8", "storagePushConstant16"),
        *("variablePointersStorageBuffer", "variablePointers"),
        *("vulkanMemoryModel", "vulkanMemoryModelDeviceScope"),
        *("shaderBufferInt64Atomics", "shaderSharedInt64Atomics", "scalarBlockLayout"),
        *("shaderSubgroupExtendedTypes", "subgroupSizeControl", "computeFullSubgroups"),
        *("shaderIntegerDotProduct", "shaderZeroInitializeWorkgroupMemory", "maintenance4"),
        *("cooperativeMatrix",),
    )
)
"""Enabled where the device has them. Robust access is not: it costs, and IREE checks shapes."""

USEFUL_EXTENSIONS = (
    "VK_EXT_calibrated_timestamps", "VK_EXT_external_memory_host", "VK_KHR_cooperative_matrix",
)  # fmt: skip
_REQUIRED_WHERE_PRESENT = ("VK_KHR_portability_subset",)


@dataclass(frozen=True)
class AdoptedHandles:
    """Handles of a running application, as cffi handles or integers; none of them is owned.

    ``features`` and ``extensions`` are what the application enabled on its device: programs that
    need others are refused. The queue must not be used by others during a call.
    """

    instance: Any
    physical_device: Any
    device: Any
    queue_family: int
    queue: Any
    features: Iterable[str] = NEEDED_FEATURES
    extensions: Iterable[str] = ()


MAX_QUEUES = 4
"""Compute queues that are opened where nobody asks for another number."""


class LogicalDevice:
    """Instance, device and queues. ``features`` and ``extensions`` are those that are enabled.

    ``queues`` compute; several may be one ``VkQueue``. ``transfer_queue`` only copies, None where
    the device has no such family.
    """

    instance: Instance
    physical: PhysicalDevice
    handle: Handle
    queues: tuple[Handle, ...]
    queue_family: int
    transfer_queue: Handle | None = None
    transfer_family: int = -1
    features: frozenset[str]
    extensions: frozenset[str]

    def __init__(self) -> None:
        self._owned = False

    @staticmethod
    def create(
        instance: Instance, physical: PhysicalDevice, *, queues: int | None = None
    ) -> LogicalDevice:
        """A device of our own; it also owns ``instance``.

        With more ``queues`` than the device has, some share one; None takes up to MAX_QUEUES.
        """
        self = LogicalDevice()
        self.instance, self.physical = instance, physical
        compute, transfer = physical.compute_family(), physical.transfer_family()
        count = min(compute.count, MAX_QUEUES) if queues is None else queues
        self.queue_family = compute.index
        self.features = frozenset(
            name for name in USEFUL_FEATURES if physical.features.get(name, False)
        )
        wanted = (*USEFUL_EXTENSIONS, *_REQUIRED_WHERE_PRESENT)
        self.extensions = frozenset(wanted) & physical.extensions
        opened = min(count, compute.count)
        counts = {compute.index: opened, **({transfer.index: 1} if transfer else {})}
        self.handle = self._create(counts)
        self._owned = True
        self.queues = tuple(self._queue(compute.index, i % opened) for i in range(count))
        if transfer is not None:
            self.transfer_family = transfer.index
            self.transfer_queue = self._queue(transfer.index, 0)
        return self

    @staticmethod
    def adopt(handles: AdoptedHandles) -> LogicalDevice:
        """Somebody else's device; DeviceUnavailable where it lacks what the driver needs."""
        self = LogicalDevice()
        self.instance = Instance(adopted=handles.instance)
        vulkan = self.instance.vulkan
        physical = vulkan.handle("VkPhysicalDevice", handles.physical_device)
        self.physical = query(vulkan, self.instance.handle, physical)
        self.handle = vulkan.handle("VkDevice", handles.device)
        self.queues = (vulkan.handle("VkQueue", handles.queue),)
        self.queue_family = handles.queue_family
        self.features = frozenset(handles.features)
        self.extensions = frozenset(handles.extensions)
        missing = [name for name in NEEDED_FEATURES if name not in self.features]
        if missing:
            raise DeviceUnavailable(
                f"the adopted device was created without {', '.join(missing)}; enable them in its "
                "VkDeviceCreateInfo and name them in AdoptedHandles.features"
            )
        return self

    @property
    def timestamp_bits(self) -> int:
        """How many bits of a timestamp count; 0 where the queue cannot stamp."""
        return self.physical.queue_families[self.queue_family].timestamp_bits

    @property
    def families(self) -> tuple[int, ...]:
        """The queue families in use."""
        transfer = () if self.transfer_queue is None else (self.transfer_family,)
        return (self.queue_family, *transfer)

    def close(self) -> None:
        """Destroy what is our own; everything made with the device must be gone. Idempotent."""
        if self._owned:
            self._owned = False
            vulkan = self.instance.vulkan
            vulkan.lib.vkDestroyDevice(self.handle, vulkan.null)
        self.instance.close()

    def _queue(self, family: int, index: int) -> Handle:
        vulkan = self.instance.vulkan
        out = vulkan.ffi.new("VkQueue *")
        vulkan.lib.vkGetDeviceQueue(self.handle, family, index, out)
        return out[0]

    def _create(self, queue_counts: Mapping[int, int]) -> Handle:
        vulkan = self.instance.vulkan
        structs = Structs(vulkan)
        chain = feature_structs(structs, self.extensions)
        for struct in chain[1:]:
            for name in feature_names(vulkan, struct):
                setattr(struct, name, int(name in self.features))
        core = chain[0].features
        for name in self.features:
            if hasattr(core, name):
                setattr(core, name, 1)
        queues = [
            structs.new(
                "VkDeviceQueueCreateInfo",
                queueFamilyIndex=family,
                queueCount=count,
                pQueuePriorities=[1.0] * count,
            )
            for family, count in queue_counts.items()
        ]
        names = sorted(self.extensions)
        info = structs.new(
            "VkDeviceCreateInfo",
            next=chain[0],
            queueCreateInfoCount=len(queues),
            pQueueCreateInfos=queues,
            enabledExtensionCount=len(names),
            ppEnabledExtensionNames=names,
        )
        return vulkan.create("vkCreateDevice", "VkDevice", self.physical.handle, info)
