"""The Vulkan instance, the validation layer and its messages, and which devices there are."""

from __future__ import annotations

from typing import Any

from ireelab.errors import DeviceUnavailable, DeviceValidationError
from ireelab.hal.drivers.vulkan.physical_device import (
    COOPERATIVE_MATRIX,
    PhysicalDevice,
    query,
)
from ireelab.hal.drivers.vulkan.vulkan_ffi import Handle, Structs, Vulkan, load

API_VERSION = 1 << 22 | 3 << 12
"""1.3: timeline semaphores, synchronization2, subgroup size control are core."""

VALIDATION_LAYER = "VK_LAYER_KHRONOS_validation"
_KNOWS_COOPERATIVE_MATRIX = 1 << 22 | 3 << 12 | 255
"""The first version of the layer that does; an older one reports the extension's structs."""
_VALIDATION_HINT = "apt-get install vulkan-validationlayers"
_HAZARD_HINT = (
    "Where kernels use parts of one binding the layer takes them for the whole: compile with "
    "--iree-scheduling-optimize-bindings=false to let it see the exact ranges"
)
_SYNCHRONIZATION_VALIDATION = 4  # VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT
_WARNINGS_AND_ERRORS = 0x100 | 0x1000
_ALL_MESSAGE_TYPES = 1 | 2 | 4
_PORTABILITY = "VK_KHR_portability_enumeration"


class Instance:
    """A ``VkInstance`` of our own, or the user's (``adopted``), which is never destroyed here.

    ``validate`` loads Khronos' validation layer with synchronisation checks; what it says is
    collected, and :meth:`raise_messages` turns it into a DeviceValidationError.
    """

    def __init__(self, *, validate: bool = False, adopted: Any = None) -> None:
        self.vulkan: Vulkan = load()
        self.validate = validate
        self.messages: list[str] = []
        self._callback: Any = None
        self._messenger: Handle = None
        self._hidden: frozenset[str] = frozenset()
        self._owned = adopted is None
        if adopted is not None:
            self.handle: Handle = self.vulkan.handle("VkInstance", adopted)
            return
        self.handle = self._create()
        if validate:
            self._messenger = self._listen()

    def physical_devices(self) -> tuple[PhysicalDevice, ...]:
        """Every device of every installed driver.

        Under a validation layer that does not know cooperative matrices they have none.
        """
        vulkan = self.vulkan
        handles = vulkan.enumerate(
            vulkan.lib.vkEnumeratePhysicalDevices, "VkPhysicalDevice", self.handle
        )
        return tuple(query(vulkan, self.handle, handle, hidden=self._hidden) for handle in handles)

    def raise_messages(self) -> None:
        """Raise what the validation layer said since the last time, if anything."""
        if not self.messages:
            return
        messages, self.messages = self.messages, []
        more = f" (and {len(messages) - 1} more)" if len(messages) > 1 else ""
        hint = f". {_HAZARD_HINT}" if "SYNC-HAZARD" in messages[0] else ""
        raise DeviceValidationError(
            f"the Vulkan validation layer reports{more}: {messages[0]}{hint}", messages=messages
        )

    def close(self) -> None:
        """Destroy what is our own; idempotent. Raises no messages: ``messages`` keeps them."""
        handle, self.handle = self.handle, None
        if handle is None or not self._owned:
            return
        vulkan = self.vulkan
        if self._messenger is not None:
            destroy = vulkan.instance_function(handle, "vkDestroyDebugUtilsMessengerEXT")
            destroy(handle, self._messenger, vulkan.null)
            self._messenger = None
        vulkan.lib.vkDestroyInstance(handle, vulkan.null)

    def _create(self) -> Handle:
        vulkan = self.vulkan
        structs = Structs(vulkan)
        application = structs.new(
            "VkApplicationInfo", pApplicationName="ireelab", apiVersion=API_VERSION
        )
        extensions = [_PORTABILITY] if _PORTABILITY in self._extensions() else []
        layers: list[str] = []
        features: Any = None
        if self.validate:
            self._require_layer()
            layers = [VALIDATION_LAYER]
            extensions.append("VK_EXT_debug_utils")
            features = structs.new(
                "VkValidationFeaturesEXT",
                enabledValidationFeatureCount=1,
                pEnabledValidationFeatures=structs.array(
                    "VkValidationFeatureEnableEXT", [_SYNCHRONIZATION_VALIDATION]
                ),
            )
        info = structs.new(
            "VkInstanceCreateInfo",
            next=features,
            flags=1 if _PORTABILITY in extensions else 0,
            pApplicationInfo=application,
            enabledLayerCount=len(layers),
            ppEnabledLayerNames=layers,
            enabledExtensionCount=len(extensions),
            ppEnabledExtensionNames=extensions,
        )
        return vulkan.create("vkCreateInstance", "VkInstance", info)

    def _extensions(self) -> set[str]:
        vulkan = self.vulkan
        listing = vulkan.enumerate(
            vulkan.lib.vkEnumerateInstanceExtensionProperties, "VkExtensionProperties", vulkan.null
        )
        return {vulkan.text(item.extensionName) for item in listing}

    def _require_layer(self) -> None:
        vulkan = self.vulkan
        layers = vulkan.enumerate(
            vulkan.lib.vkEnumerateInstanceLayerProperties, "VkLayerProperties"
        )
        versions = {vulkan.text(layer.layerName): int(layer.specVersion) for layer in layers}
        if versions.get(VALIDATION_LAYER, 0) < _KNOWS_COOPERATIVE_MATRIX:
            self._hidden = frozenset({COOPERATIVE_MATRIX})
        if VALIDATION_LAYER not in versions:
            raise DeviceUnavailable(
                f"the validation layer {VALIDATION_LAYER} is not installed; {_VALIDATION_HINT}"
            )

    def _listen(self) -> Handle:
        vulkan = self.vulkan

        def on_message(_severity: int, _types: int, data: Any, _user: Any) -> int:
            self.messages.append(vulkan.text(data.pMessage))
            return 0

        # Kept here: the layer calls it as long as the messenger lives.
        self._callback = vulkan.ffi.callback("PFN_vkDebugUtilsMessengerCallbackEXT", on_message)
        structs = Structs(vulkan)
        info = structs.new(
            "VkDebugUtilsMessengerCreateInfoEXT",
            messageSeverity=_WARNINGS_AND_ERRORS,
            messageType=_ALL_MESSAGE_TYPES,
            pfnUserCallback=self._callback,
        )
        create = vulkan.instance_function(self.handle, "vkCreateDebugUtilsMessengerEXT")
        out = vulkan.ffi.new("VkDebugUtilsMessengerEXT *")
        vulkan.check(create(self.handle, info, vulkan.null, out), "vkCreateDebugUtilsMessengerEXT")
        return out[0]


def choose(devices: tuple[PhysicalDevice, ...], name: str) -> PhysicalDevice:
    """The device that ``name`` means: "" (the best), a number, a UUID, or part of a name.

    Best means: discrete before integrated before virtual before CPU. DeviceUnavailable lists what
    there is.
    """
    usable = [device for device in devices if not device.problem()]
    if not name and usable:
        return min(usable, key=lambda device: _PREFERENCE.get(device.type, 9))
    found = next((d for i, d in enumerate(devices) if _means(name, i, d)), None)
    if found is not None and not found.problem():
        return found
    listing = "; ".join(f"{i}: {_describe(device)}" for i, device in enumerate(devices))
    if not devices:
        raise DeviceUnavailable(
            "the Vulkan loader finds no driver; install your GPU's, or the one that runs on the "
            "CPU: apt-get install mesa-vulkan-drivers"
        )
    wanted = f"no Vulkan device {name!r}" if found is None and name else "no usable Vulkan device"
    raise DeviceUnavailable(f"{wanted}. Devices: {listing}")


_PREFERENCE = {"discrete": 0, "integrated": 1, "virtual": 2, "cpu": 3}


def _describe(device: PhysicalDevice) -> str:
    problem = device.problem()
    return f"{device.name} ({device.uuid})" + (f" [{problem}]" if problem else "")


def _means(name: str, index: int, device: PhysicalDevice) -> bool:
    text = name.lower()
    if text.isdecimal():
        return int(text) == index
    plain = text.removeprefix("gpu-").replace("-", "")
    return bool(text) and (plain == device.uuid.replace("-", "") or text in device.name.lower())
