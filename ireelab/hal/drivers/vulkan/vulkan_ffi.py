"""The native edge: the Vulkan loader through cffi, structs that own what they point to, errors.

Only ``vulkan._vulkan`` is used, never the wrappers of the ``vulkan`` package: those drop results,
lose nested structs, and many of its constants are None. Everything cffi gives is ``Any`` to the
type checker, so the C signature of what is called stands in the Vulkan specification, under the
name that is called.
"""

# cffi has no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeArgument=false
from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, NoReturn, TypeAlias

from ireelab.errors import (
    DeviceError,
    DeviceLost,
    DeviceTimeout,
    DeviceUnavailable,
    ExecutableMismatch,
    OutOfDeviceMemory,
)

Handle: TypeAlias = Any
"""A Vulkan handle, a struct or a function: whatever cffi gives."""

STRUCT_TYPES: Mapping[str, int] = {
    "VkApplicationInfo": 0,
    "VkInstanceCreateInfo": 1,
    "VkDeviceQueueCreateInfo": 2,
    "VkDeviceCreateInfo": 3,
    "VkMemoryAllocateInfo": 5,
    "VkSemaphoreCreateInfo": 9,
    "VkQueryPoolCreateInfo": 11,
    "VkBufferCreateInfo": 12,
    "VkShaderModuleCreateInfo": 16,
    "VkPipelineCacheCreateInfo": 17,
    "VkPipelineShaderStageCreateInfo": 18,
    "VkComputePipelineCreateInfo": 29,
    "VkPipelineLayoutCreateInfo": 30,
    "VkDescriptorSetLayoutCreateInfo": 32,
    "VkDescriptorPoolCreateInfo": 33,
    "VkDescriptorSetAllocateInfo": 34,
    "VkWriteDescriptorSet": 35,
    "VkCommandPoolCreateInfo": 39,
    "VkCommandBufferAllocateInfo": 40,
    "VkCommandBufferBeginInfo": 42,
    "VkPhysicalDeviceVulkan11Features": 49,
    "VkPhysicalDeviceVulkan11Properties": 50,
    "VkPhysicalDeviceVulkan12Features": 51,
    "VkPhysicalDeviceVulkan12Properties": 52,
    "VkPhysicalDeviceVulkan13Features": 53,
    "VkPhysicalDeviceVulkan13Properties": 54,
    "VkPhysicalDeviceFeatures2": 1000059000,
    "VkPhysicalDeviceProperties2": 1000059001,
    "VkMemoryAllocateFlagsInfo": 1000060000,
    "VkExternalMemoryBufferCreateInfo": 1000072000,
    "VkDebugUtilsMessengerCreateInfoEXT": 1000128004,
    "VkImportMemoryHostPointerInfoEXT": 1000178000,
    "VkMemoryHostPointerPropertiesEXT": 1000178001,
    "VkPhysicalDeviceExternalMemoryHostPropertiesEXT": 1000178002,
    "VkCalibratedTimestampInfoEXT": 1000184000,
    "VkSemaphoreTypeCreateInfo": 1000207002,
    "VkSemaphoreWaitInfo": 1000207004,
    "VkSemaphoreSignalInfo": 1000207005,
    "VkPipelineShaderStageRequiredSubgroupSizeCreateInfo": 1000225001,
    "VkBufferDeviceAddressInfo": 1000244001,
    "VkValidationFeaturesEXT": 1000247000,
    "VkMemoryBarrier2": 1000314000,
    "VkDependencyInfo": 1000314003,
    "VkSubmitInfo2": 1000314004,
    "VkSemaphoreSubmitInfo": 1000314005,
    "VkCommandBufferSubmitInfo": 1000314006,
    "VkPhysicalDeviceCooperativeMatrixFeaturesKHR": 1000506000,
    "VkCooperativeMatrixPropertiesKHR": 1000506001,
}
"""``sType`` of every struct built here; the package's own constants are not reliable."""

_RESULTS = {
    1: "VK_NOT_READY",
    2: "VK_TIMEOUT",
    5: "VK_INCOMPLETE",
    -1: "VK_ERROR_OUT_OF_HOST_MEMORY",
    -2: "VK_ERROR_OUT_OF_DEVICE_MEMORY",
    -3: "VK_ERROR_INITIALIZATION_FAILED",
    -4: "VK_ERROR_DEVICE_LOST",
    -5: "VK_ERROR_MEMORY_MAP_FAILED",
    -6: "VK_ERROR_LAYER_NOT_PRESENT",
    -7: "VK_ERROR_EXTENSION_NOT_PRESENT",
    -8: "VK_ERROR_FEATURE_NOT_PRESENT",
    -9: "VK_ERROR_INCOMPATIBLE_DRIVER",
    -10: "VK_ERROR_TOO_MANY_OBJECTS",
    -12: "VK_ERROR_FRAGMENTED_POOL",
    -13: "VK_ERROR_UNKNOWN",
    -1000012000: "VK_ERROR_INVALID_SHADER_NV",
    -1000069000: "VK_ERROR_OUT_OF_POOL_MEMORY",
    -1000072003: "VK_ERROR_INVALID_EXTERNAL_HANDLE",
}
SUCCESS, NOT_READY, TIMEOUT, INCOMPLETE = 0, 1, 2, 5
_LOST = -4
_OUT_OF_MEMORY = (-1, -2, -10, -12, -1000069000)
_UNAVAILABLE = (-3, -6, -7, -8, -9)
_MISMATCH = (-1000012000,)

REQUIRED_FUNCTIONS = ("vkQueueSubmit2", "vkCmdPipelineBarrier2", "vkWaitSemaphores")
"""Of Vulkan 1.2 and 1.3: an older loader does not export them."""


def _install_hint() -> str:
    if sys.platform == "darwin":
        return "brew install molten-vk vulkan-loader"
    return "apt-get install libvulkan1 mesa-vulkan-drivers"


def loader_problem() -> str:
    """Why Vulkan cannot be reached from this process, and what to install; "" where it can."""
    try:
        _import()
    except ImportError as error:
        return f"the Python package 'vulkan' does not load ({error}); pip install vulkan"
    except OSError:
        return f"no Vulkan loader (libvulkan.so.1) is installed; {_install_hint()}"
    except AttributeError as error:
        return f"the Vulkan loader is older than 1.3 ({error}); {_install_hint()}"
    return ""


def _import() -> Any:
    module = import_module("vulkan._vulkan")
    for name in REQUIRED_FUNCTIONS:
        getattr(module.lib, name)
    return module


def load() -> Vulkan:
    """The loader; DeviceUnavailable says what is missing and what to install."""
    global _loaded
    if _loaded is None:
        problem = loader_problem()
        if problem:
            raise DeviceUnavailable(problem)
        _loaded = Vulkan(_import())
    return _loaded


class Vulkan:
    """Raw functions (``lib``), cffi (``ffi``), and what makes them safe to use."""

    def __init__(self, module: Any) -> None:
        self.ffi: Any = module.ffi
        self.lib: Any = module.lib
        self.null: Any = module.ffi.NULL
        self._field_types: dict[str, dict[str, Any]] = {}

    # --- results ----------------------------------------------------------------------

    def check(self, result: int, what: str) -> None:
        """Raise the typed error of a failed ``VkResult``; ``what`` names what was tried."""
        if result:
            fail(result, what)

    # --- handles ----------------------------------------------------------------------

    def create(self, function: str, handle_type: str, *arguments: Any) -> Handle:
        """Call ``vkCreate...(*arguments, pAllocator=NULL, &handle)`` and return the handle."""
        out = self.ffi.new(f"{handle_type} *")
        self.check(getattr(self.lib, function)(*arguments, self.null, out), function)
        return out[0]

    def enumerate(self, function: Callable[..., int | None], type: str, *arguments: Any) -> Any:
        """The array of a two-call enumeration: once for the count, once for the items."""
        name = type
        while True:
            count = self.ffi.new("uint32_t *")
            self.check(function(*arguments, count, self.null) or 0, f"counting {name}")
            items = self.ffi.new(f"{type}[]", count[0])
            struct_type = STRUCT_TYPES.get(type)
            if struct_type is not None:
                for item in items:
                    item.sType = struct_type
            result = function(*arguments, count, items) or 0
            if result == INCOMPLETE:
                continue
            self.check(result, f"listing {name}")
            return items

    def instance_function(self, instance: Handle, name: str, type: str = "") -> Any:
        """An extension's function, None where the instance lacks it."""
        return self._cast(self.lib.vkGetInstanceProcAddr(instance, name.encode()), type or name)

    def device_function(self, device: Handle, name: str, type: str = "") -> Any:
        """An extension's function, None where the device lacks it."""
        return self._cast(self.lib.vkGetDeviceProcAddr(device, name.encode()), type or name)

    def _cast(self, address: Any, name: str) -> Any:
        return None if address == self.null else self.ffi.cast(f"PFN_{name}", address)

    def handle(self, type: str, value: Any) -> Handle:
        """A handle given from outside: a cffi handle, or the integer or pointer it is."""
        return self.ffi.cast(type, int(value) if isinstance(value, int) else value)

    def field_types(self, type: str) -> dict[str, Any]:
        """The types of a struct's fields, by name."""
        found = self._field_types.get(type)
        if found is None:
            fields = self.ffi.typeof(type).fields
            found = self._field_types[type] = {name: field.type for name, field in fields}
        return found

    # --- bytes ------------------------------------------------------------------------

    def text(self, characters: Any) -> str:
        """A NUL-terminated ``char*`` or ``char[]``."""
        return self.ffi.string(characters).decode(errors="replace")

    def array_bytes(self, values: Any) -> bytes:
        """The bytes of a cffi array."""
        return bytes(self.ffi.buffer(values))

    def address(self, memory: Any) -> int:
        return int(self.ffi.cast("uintptr_t", memory))

    def pointer(self, address: int) -> Any:
        return self.ffi.cast("void *", address)


class Structs:
    """Builds Vulkan structs and keeps alive what they point to.

    Keep this object as long as Vulkan may read what it built. Fields take numbers, handles,
    structs of :meth:`new` (as pointer or, for a nested struct, by value), ``str`` (a C string) and
    sequences (arrays; of structs made by :meth:`new`, of strings, of numbers or of handles).
    """

    def __init__(self, vulkan: Vulkan) -> None:
        self._vulkan = vulkan
        self._ffi = vulkan.ffi
        self._kept: list[Any] = []

    def new(self, type: str, /, next: Any = None, **fields: Any) -> Any:
        """A pointer to a zeroed struct with its ``sType``, ``pNext`` and ``fields`` set."""
        struct = self._keep(self._ffi.new(f"{type} *"))
        struct_type = STRUCT_TYPES.get(type)
        if struct_type is not None:
            struct.sType = struct_type
        if next is not None:
            struct.pNext = self._ffi.cast("void *", next)
        if fields:
            types = self._vulkan.field_types(type)
            for name, value in fields.items():
                setattr(struct, name, self._value(types[name], value))
        return struct

    def array(self, type: str, values: Sequence[Any]) -> Any:
        """An array of structs (made by :meth:`new`), handles or numbers."""
        array = self._keep(self._ffi.new(f"{type}[]", len(values)))
        for index, value in enumerate(values):
            array[index] = self._by_value(value)
        return array

    def bytes(self, data: bytes) -> Any:
        """A copy of ``data`` as ``void*``."""
        return self._ffi.cast("void *", self._keep(self._ffi.new("unsigned char[]", data)))

    def _keep(self, value: Any) -> Any:
        self._kept.append(value)
        return value

    def _by_value(self, value: Any) -> Any:
        if isinstance(value, self._ffi.CData):
            kind = self._ffi.typeof(value)
            # Handles point to opaque structs, `struct VkBuffer_T`: cffi aborts if asked for fields.
            if kind.kind == "pointer" and kind.item.kind == "struct":
                return value if kind.item.cname.endswith("_T") else value[0]
        return value

    def _value(self, type: Any, value: Any) -> Any:
        if isinstance(value, str):
            return self._keep(self._ffi.new("char[]", value.encode()))
        if isinstance(value, list | tuple):
            if value and isinstance(value[0], str):
                values = [self._value(None, item) for item in value]
                return self._keep(self._ffi.new("char *[]", values))
            return self.array(type.item.cname, value) if value else self._vulkan.null
        return self._by_value(value) if type.kind == "struct" else value


_loaded: Vulkan | None = None


def fail(result: int, what: str) -> NoReturn:
    """Raise the typed error of a ``VkResult``."""
    name = _RESULTS.get(result, f"VkResult {result}")
    if result == _LOST:
        raise DeviceLost(
            f"{what}: {name}. The device stopped answering (a fault, a reset, or a kernel over the "
            "driver's time limit); close it and open it again"
        )
    if result in _OUT_OF_MEMORY:
        raise OutOfDeviceMemory(f"{what}: {name}; use smaller inputs or free buffers")
    if result in _UNAVAILABLE:
        raise DeviceUnavailable(f"{what}: {name}; {_install_hint()}")
    if result in _MISMATCH:
        raise ExecutableMismatch(f"{what}: {name}; the driver refuses the kernel")
    if result == TIMEOUT:
        raise DeviceTimeout(f"{what}: {name}")
    raise DeviceError(f"{what}: {name}")
