"""Opening Vulkan devices by name, listing them, adopting those of an application."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ireelab.errors import DeviceUnavailable
from ireelab.hal.drivers.vulkan.device import DEFAULT_TIMEOUT_S, VulkanDevice
from ireelab.hal.drivers.vulkan.instance import Instance, choose
from ireelab.hal.drivers.vulkan.logical_device import AdoptedHandles, LogicalDevice
from ireelab.hal.drivers.vulkan.physical_device import PhysicalDevice
from ireelab.hal.drivers.vulkan.pipeline_cache import default_folder
from ireelab.hal.drivers.vulkan.profiling import MODES

MEMORY_KINDS = ("auto", "device", "rebar", "host")
_MOST_QUEUES = 64  # the bits of an affinity mask


@dataclass(frozen=True, slots=True)
class Options:
    """How to open a device; ``device`` is a number, a UUID, or part of a name ("": the best).

    ``queues`` is the number of compute queues, None for what the device has, up to four.
    """

    device: str = ""
    validate: bool = False
    timeout_s: float = DEFAULT_TIMEOUT_S
    memory: str = "auto"
    cache_folder: Path | None = None
    profiling_mode: str = "command"
    queues: int | None = None


@lru_cache(maxsize=1)
def _process_instance() -> Instance:
    """The instance that the devices of this process share, kept until the process ends.

    A driver is loaded with the first instance and unloaded with the last, and NVIDIA's can be
    loaded some thirty times in a process, then vkCreateInstance fails for good.
    """
    return Instance()


def _instance(*, validate: bool = False) -> Instance:
    """An instance for one device to close: its own with the layer, else the shared one."""
    return Instance(validate=True) if validate else Instance(adopted=_process_instance().handle)


def create(options: Options, ordinal: int | None = None) -> VulkanDevice:
    """Open a device; DeviceUnavailable says what is missing and what to install."""
    instance = _instance(validate=options.validate)
    try:
        physical = choose(instance.physical_devices(), options.device)
        logical = LogicalDevice.create(instance, physical, queues=options.queues)
    except BaseException:
        instance.close()
        raise
    return VulkanDevice(
        logical,
        timeout_s=options.timeout_s,
        memory=options.memory,
        cache_folder=options.cache_folder,
        profiling_mode=options.profiling_mode,
        ordinal=ordinal,
    )


def adopt(handles: AdoptedHandles, *, timeout_s: float = DEFAULT_TIMEOUT_S) -> VulkanDevice:
    """A HAL device over a running application's; closing it leaves the application's alone."""
    return VulkanDevice(LogicalDevice.adopt(handles), timeout_s=timeout_s)


def physical_devices() -> tuple[PhysicalDevice, ...]:
    """What Vulkan shows on this machine; DeviceUnavailable without loader or driver."""
    return _process_instance().physical_devices()


@lru_cache(maxsize=8)
def find_device(name: str = "") -> PhysicalDevice:
    """The properties of the device that ``name`` means (see :func:`choose`)."""
    return choose(physical_devices(), name)


def list_devices() -> tuple[tuple[str, str], ...]:
    """(description, why it cannot be used, "" where it can) of each device.

    DeviceUnavailable without a driver.
    """
    found = physical_devices()
    if not found:
        choose(found, "")  # raises what to install
    return tuple((_describe(device), device.problem()) for device in found)


def _describe(device: PhysicalDevice) -> str:
    version = ".".join(map(str, device.api_version))
    return f"{device.name}, {device.type}, Vulkan {version}, {device.driver_info}"


def create_from_options(options: dict[str, str], *, ordinal: int | None = None) -> VulkanDevice:
    """A device from the options of a device name; DeviceUnavailable for bad values."""
    return create(
        Options(
            device=options.get("device", ""),
            validate=_one_of("validate", options.get("validate", "0"), ("0", "1")) == "1",
            timeout_s=_seconds(options.get("timeout", str(DEFAULT_TIMEOUT_S))),
            memory=_one_of("memory", options.get("memory", "auto"), MEMORY_KINDS),
            cache_folder=_cache_folder(options.get("cache", "1")),
            profiling_mode=_one_of("profile", options.get("profile", MODES[0]), MODES),
            queues=_count("queues", options["queues"]) if "queues" in options else None,
        ),
        ordinal,
    )


def _one_of(key: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise DeviceUnavailable(f"vulkan:{key}={value}: {key} is one of {', '.join(choices)}")
    return value


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not value > 0:
        raise DeviceUnavailable(f"vulkan:timeout={text}: timeout is a number of seconds above 0")
    return value


def _count(key: str, text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= _MOST_QUEUES):
        raise DeviceUnavailable(f"vulkan:{key}={text}: {key} is a number from 1 to {_MOST_QUEUES}")
    return int(text)


def _cache_folder(text: str) -> Path | None:
    if text == "0":
        return None
    return default_folder() if text == "1" else Path(text)
