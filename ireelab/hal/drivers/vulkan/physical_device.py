"""What a physical device is and can do, read once into plain data.

``limits`` and ``features`` carry Vulkan's own field names, so that the specification explains them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from ireelab.hal.drivers.vulkan.vulkan_ffi import Handle, Structs, Vulkan

COMPUTE, TRANSFER, GRAPHICS = 2, 4, 1
MEMORY_DEVICE_LOCAL, MEMORY_HOST_VISIBLE, MEMORY_COHERENT, MEMORY_CACHED = 1, 2, 4, 8

_TYPES = {0: "other", 1: "integrated", 2: "discrete", 3: "virtual", 4: "cpu"}
COOPERATIVE_MATRIX = "VK_KHR_cooperative_matrix"
EXTERNAL_MEMORY_HOST = "VK_EXT_external_memory_host"
_FLOAT_CONTROLS = ("shaderSignedZero", "shaderDenorm", "shaderRounding")
_COMPONENTS = ("f16", "f32", "f64", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64")

NEEDED_FEATURES = (
    "timelineSemaphore", "synchronization2", "bufferDeviceAddress", "hostQueryReset",
)  # fmt: skip
"""Without these the driver cannot work; every Vulkan 1.3 device has them."""


@dataclass(frozen=True, slots=True)
class QueueFamily:
    """``timestamp_bits`` is 0 where the family cannot stamp."""

    index: int
    flags: int
    count: int
    timestamp_bits: int


@dataclass(frozen=True, slots=True)
class HeapType:
    """A memory type: its flags, and the size of the heap it allocates from."""

    index: int
    flags: int
    heap: int
    heap_bytes: int


@dataclass(frozen=True, slots=True)
class CooperativeMatrix:
    """One shape and its types, for example 16x16x16 f16*f16+f32->f32 by a subgroup (scope 3)."""

    m: int
    n: int
    k: int
    a: str
    b: str
    c: str
    result: str
    scope: int


@dataclass(frozen=True)
class PhysicalDevice:
    """A device as its driver describes it. ``api_version`` is (major, minor, patch)."""

    handle: Handle = field(repr=False, compare=False)
    name: str
    uuid: str
    type: str  # "discrete", "integrated", "virtual", "cpu" or "other"
    driver_name: str
    driver_info: str
    vendor_id: int
    device_id: int
    api_version: tuple[int, int, int]
    limits: dict[str, Any] = field(repr=False)
    features: dict[str, bool] = field(repr=False)
    extensions: frozenset[str] = field(repr=False)
    queue_families: tuple[QueueFamily, ...] = field(repr=False)
    memory_types: tuple[HeapType, ...] = field(repr=False)
    cooperative_matrices: tuple[CooperativeMatrix, ...] = field(repr=False, default=())

    def problem(self) -> str:
        """Why this driver cannot use the device; "" where it can."""
        if self.api_version < (1, 3, 0):
            version = ".".join(map(str, self.api_version))
            return f"it offers Vulkan {version}; 1.3 is needed: update its driver"
        if not any(family.flags & COMPUTE for family in self.queue_families):
            return "it has no queue that computes"
        missing = [name for name in NEEDED_FEATURES if not self.features.get(name)]
        return f"its driver lacks {', '.join(missing)}" if missing else ""

    @property
    def subgroup_size(self) -> int:
        return int(self.limits["subgroupSize"])

    @property
    def subgroup_sizes(self) -> range:
        """The sizes a kernel may ask for, as powers of two between these bounds."""
        return range(self.limits["minSubgroupSize"], self.limits["maxSubgroupSize"] + 1)

    def compute_family(self) -> QueueFamily:
        """A family that only computes where there is one: it does not wait for graphics."""
        families = [family for family in self.queue_families if family.flags & COMPUTE]
        return min(families, key=lambda family: bool(family.flags & GRAPHICS))

    def transfer_family(self) -> QueueFamily | None:
        """A family that only copies, None where there is none; its copies run beside kernels."""
        return next(
            (f for f in self.queue_families
             if f.flags & TRANSFER and not f.flags & (COMPUTE | GRAPHICS)),
            None,
        )  # fmt: skip


def query(
    vulkan: Vulkan, instance: Handle, handle: Handle, *, hidden: frozenset[str] = frozenset()
) -> PhysicalDevice:
    """Read everything about one ``VkPhysicalDevice``; ``hidden`` extensions count as not there."""
    extensions = _extensions(vulkan, handle) - hidden
    structs = Structs(vulkan)
    properties, limits, ids = _properties(vulkan, structs, handle, extensions)
    version = int(properties.apiVersion)
    return PhysicalDevice(
        handle=handle,
        name=vulkan.text(properties.deviceName),
        uuid=str(UUID(bytes=vulkan.array_bytes(ids["uuid"]))),
        type=_TYPES.get(properties.deviceType, "other"),
        driver_name=vulkan.text(ids["driver_name"]),
        driver_info=vulkan.text(ids["driver_info"]),
        vendor_id=int(properties.vendorID),
        device_id=int(properties.deviceID),
        api_version=(version >> 22 & 0x7F, version >> 12 & 0x3FF, version & 0xFFF),
        limits=limits,
        features=_features(vulkan, structs, handle, extensions),
        extensions=extensions,
        queue_families=_queue_families(vulkan, handle),
        memory_types=_memory_types(vulkan, handle),
        cooperative_matrices=_cooperative_matrices(vulkan, instance, handle, extensions),
    )


def feature_structs(structs: Structs, extensions: frozenset[str]) -> list[Any]:
    """The chain of feature structs this driver knows, zeroed; the head comes first."""
    chain: list[Any] = []
    names = [f"VkPhysicalDeviceVulkan{version}Features" for version in (13, 12, 11)]
    if COOPERATIVE_MATRIX in extensions:
        names.insert(0, "VkPhysicalDeviceCooperativeMatrixFeaturesKHR")
    following: Any = None
    for name in names:
        following = structs.new(name, next=following)
        chain.insert(0, following)
    chain.insert(0, structs.new("VkPhysicalDeviceFeatures2", next=following))
    return chain


def feature_names(vulkan: Vulkan, struct: Any) -> list[str]:
    """The VkBool32 members of a feature struct."""
    kind = vulkan.ffi.typeof(struct).item
    return [name for name, _ in kind.fields if name not in ("sType", "pNext", "features")]


def _features(
    vulkan: Vulkan, structs: Structs, handle: Handle, extensions: frozenset[str]
) -> dict[str, bool]:
    chain = feature_structs(structs, extensions)
    vulkan.lib.vkGetPhysicalDeviceFeatures2(handle, chain[0])
    core = chain[0].features
    found = {name: bool(getattr(core, name)) for name, _ in vulkan.ffi.typeof(core).fields}
    for struct in chain[1:]:
        for name in feature_names(vulkan, struct):
            found[name] = bool(getattr(struct, name))
    return found


def _properties(
    vulkan: Vulkan, structs: Structs, handle: Handle, extensions: frozenset[str]
) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    v13 = structs.new("VkPhysicalDeviceVulkan13Properties")
    v12 = structs.new("VkPhysicalDeviceVulkan12Properties", next=v13)
    v11 = structs.new("VkPhysicalDeviceVulkan11Properties", next=v12)
    host = structs.new("VkPhysicalDeviceExternalMemoryHostPropertiesEXT", next=v11)
    chain = host if EXTERNAL_MEMORY_HOST in extensions else v11
    head = structs.new("VkPhysicalDeviceProperties2", next=chain)
    vulkan.lib.vkGetPhysicalDeviceProperties2(handle, head)
    properties = head.properties
    core = properties.limits
    limits: dict[str, Any] = {}
    for name, item in vulkan.ffi.typeof(core).fields:
        value = getattr(core, name)
        limits[name] = list(value) if item.type.kind == "array" else value
    for name in (
        "subgroupSize", "subgroupSupportedStages", "subgroupSupportedOperations",
        "maxMemoryAllocationSize",
    ):  # fmt: skip
        limits[name] = int(getattr(v11, name))
    for name, _ in vulkan.ffi.typeof(v12).item.fields:
        if name.startswith(_FLOAT_CONTROLS):
            limits[name] = int(getattr(v12, name))
    for name in ("minSubgroupSize", "maxSubgroupSize", "requiredSubgroupSizeStages"):
        limits[name] = int(getattr(v13, name))
    limits["minImportedHostPointerAlignment"] = int(host.minImportedHostPointerAlignment)
    ids = {"uuid": v11.deviceUUID, "driver_name": v12.driverName, "driver_info": v12.driverInfo}
    return properties, limits, ids


def _extensions(vulkan: Vulkan, handle: Handle) -> frozenset[str]:
    listing = vulkan.enumerate(
        vulkan.lib.vkEnumerateDeviceExtensionProperties, "VkExtensionProperties", handle,
        vulkan.null,
    )  # fmt: skip
    return frozenset(vulkan.text(item.extensionName) for item in listing)


def _queue_families(vulkan: Vulkan, handle: Handle) -> tuple[QueueFamily, ...]:
    listing = vulkan.enumerate(
        vulkan.lib.vkGetPhysicalDeviceQueueFamilyProperties, "VkQueueFamilyProperties", handle
    )
    return tuple(
        QueueFamily(i, int(item.queueFlags), int(item.queueCount), int(item.timestampValidBits))
        for i, item in enumerate(listing)
    )


def _memory_types(vulkan: Vulkan, handle: Handle) -> tuple[HeapType, ...]:
    memory = vulkan.ffi.new("VkPhysicalDeviceMemoryProperties *")
    vulkan.lib.vkGetPhysicalDeviceMemoryProperties(handle, memory)
    return tuple(
        HeapType(i, int(item.propertyFlags), int(item.heapIndex),
                 int(memory.memoryHeaps[item.heapIndex].size))
        for i, item in enumerate(memory.memoryTypes[0 : memory.memoryTypeCount])
    )  # fmt: skip


def _cooperative_matrices(
    vulkan: Vulkan, instance: Handle, handle: Handle, extensions: frozenset[str]
) -> tuple[CooperativeMatrix, ...]:
    if COOPERATIVE_MATRIX not in extensions:
        return ()
    name = "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR"
    function = vulkan.instance_function(instance, name)
    if function is None:
        return ()
    listing = vulkan.enumerate(function, "VkCooperativeMatrixPropertiesKHR", handle)
    return tuple(_cooperative_matrix(item) for item in listing)


def _cooperative_matrix(item: Any) -> CooperativeMatrix:
    return CooperativeMatrix(
        m=int(item.MSize),
        n=int(item.NSize),
        k=int(item.KSize),
        a=_component(item.AType),
        b=_component(item.BType),
        c=_component(item.CType),
        result=_component(item.ResultType),
        scope=int(item.scope),
    )


def _component(value: int) -> str:
    return _COMPONENTS[value] if 0 <= value < len(_COMPONENTS) else f"type{value}"
