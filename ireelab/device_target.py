"""The compile target of a device of this machine: where compile and run path meet for targets.

``vulkan`` and ``vulkan:0`` (a number, a UUID or part of a name) mean the device's own properties;
``vulkan:ampere`` and other names of IREE's, a GPU that need not be here.
"""

from __future__ import annotations

from ireelab.errors import DeviceUnavailable

VULKAN_FLAG = "--iree-hal-target-device"
_ABI_FLAG = "iree-vulkan-dispatch-abi"
_NAMED_TARGET_FLAGS = ("iree-vulkan-target", "iree-vulkan-target-features")


def vulkan_flags(device: str = "", flags: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Flags of ``iree-compile`` for a Vulkan device.

    With ``--iree-vulkan-target`` among ``flags``, or without any Vulkan device here, IREE's own
    choice stands. ``device`` that is none of this machine is taken for a name of IREE's.
    """
    given: dict[str, str] = {}
    for flag in flags:
        name, _, value = flag.lstrip("-").partition("=")
        given[name] = value
    generic = (f"{VULKAN_FLAG}=vulkan",)
    if any(name in given for name in _NAMED_TARGET_FLAGS):
        return generic
    text = vulkan_target(device, given.get(_ABI_FLAG, "descriptors"))
    if text:
        return (f"{VULKAN_FLAG}=vulkan={text}",)
    return (*generic, f"--iree-vulkan-target={device}") if device else generic


def vulkan_target(device: str = "", abi: str = "descriptors") -> str:
    """``#hal.device.target<"vulkan", ...>`` of a device of this machine, "" where it has none."""
    from ireelab.hal.drivers.vulkan.driver import find_device
    from ireelab.hal.drivers.vulkan.target import ABIS, device_target

    try:
        physical = find_device(device)
    except DeviceUnavailable:
        return ""
    return device_target(physical, abi=abi if abi in ABIS else "descriptors")
