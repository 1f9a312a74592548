"""Which devices exist here, and how to open one. Mirrors ``driver_registry.h``.

A device name is ``driver[:key=value[,key=value]...]``, for example ``llvm-cpu:threads=1``. Drivers
of several devices take which one first: ``vulkan:0``, ``vulkan:H100,timeout=10``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

from ireelab.errors import DeviceUnavailable
from ireelab.hal.device import Device


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """A device that could be opened, or why it cannot (``reason``, empty when available)."""

    id: str
    driver: str
    description: str
    available: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Among:
    """A device's place among those of one program: how many of its driver come before it."""

    ordinal: int


@dataclass(frozen=True, slots=True)
class _Driver:
    name: str
    description: str
    options: tuple[str, ...]
    create: Callable[[dict[str, str], _Among | None], Device] | None
    unavailable: Callable[[], str]
    list: Callable[[], tuple[DeviceInfo, ...]] | None = None
    """Its devices, for drivers of several; DeviceUnavailable says why there is none."""
    selector: str = ""
    """The option that a first part without ``=`` stands for."""


def _create_null(options: dict[str, str], among: _Among | None) -> Device:
    from ireelab.hal.drivers.null.device import NullDevice

    return NullDevice(among.ordinal if among else 0)


def _create_llvm_cpu(options: dict[str, str], among: _Among | None) -> Device:
    from ireelab.hal.drivers.llvm_cpu.device import create_from_options

    if among is None:
        return create_from_options(options)
    return create_from_options(options, ordinal=among.ordinal, concurrent=True)


def _llvm_cpu_unavailable() -> str:
    try:
        import_module("ireelab.hal.drivers.llvm_cpu.llvm_ffi")  # loads llvmlite
    except (ImportError, OSError) as error:
        return f"llvmlite does not load ({error}); pip install 'llvmlite>=0.50,<0.51'"
    return ""


def _create_vulkan(options: dict[str, str], among: _Among | None) -> Device:
    from ireelab.hal.drivers.vulkan.driver import create_from_options

    return create_from_options(options, ordinal=among.ordinal if among else None)


def _vulkan_unavailable() -> str:
    from ireelab.hal.drivers.vulkan.vulkan_ffi import loader_problem

    return loader_problem()


def _list_vulkan() -> tuple[DeviceInfo, ...]:
    from ireelab.hal.drivers.vulkan.driver import list_devices

    return tuple(
        DeviceInfo(f"vulkan:{index}", "vulkan", description, not problem, problem)
        for index, (description, problem) in enumerate(list_devices())
    )


_DRIVERS: tuple[_Driver, ...] = (
    _Driver(
        "llvm-cpu",
        "This machine's CPU, through LLVM",
        ("threads", "memory_limit"),
        _create_llvm_cpu,
        _llvm_cpu_unavailable,
    ),
    _Driver("null", "Records commands and runs nothing", (), _create_null, lambda: ""),
    _Driver(
        "vulkan",
        "GPUs through Vulkan",
        ("device", "validate", "timeout", "memory", "cache", "profile", "queues"),
        _create_vulkan,
        _vulkan_unavailable,
        _list_vulkan,
        "device",
    ),
)


_BETWEEN = re.compile(rf",(?=\s*(?:{'|'.join(d.name for d in _DRIVERS)})(?::|,|\s*$))")


def devices() -> tuple[DeviceInfo, ...]:
    """Every driver's devices, with the reason where one cannot be used here."""
    infos: list[DeviceInfo] = []
    for driver in _DRIVERS:
        reason = driver.unavailable()
        found: tuple[DeviceInfo, ...] = ()
        if driver.list is not None and not reason:
            try:
                found = driver.list()
            except DeviceUnavailable as error:
                reason = str(error)
        infos += found or [
            DeviceInfo(driver.name, driver.name, driver.description, not reason, reason)
        ]
    return tuple(infos)


def create_device(name: str, *, validate: bool = False) -> Device:
    """Open a device by name; DeviceUnavailable says what exists and what is missing.

    ``validate`` checks every command and submission against the HAL's rules first.
    """
    return _create(name, None, validate=validate)


def split_names(text: str) -> list[str]:
    """The devices that one text names.

    >>> split_names("llvm-cpu:threads=1,vulkan:0,validate=1")
    ['llvm-cpu:threads=1', 'vulkan:0,validate=1']
    """
    return [name.strip() for name in _BETWEEN.split(text)]


def names_of(ids: str) -> str:
    """What opens devices like those of a run again; their ids are numbered as they were opened.

    >>> names_of("llvm-cpu:0, llvm-cpu:1, vulkan:4")
    'llvm-cpu,llvm-cpu,vulkan'
    """
    return ",".join(name.partition(":")[0] for name in split_names(ids))


def create_devices(names: Sequence[str], *, validate: bool = False) -> tuple[Device, ...]:
    """Open several devices for one program; a name given twice is opened twice.

    They run side by side: a CPU then works on a thread of its own. Where one cannot be opened, the
    others are closed again.
    """
    if len(names) == 1:
        return (create_device(names[0], validate=validate),)
    opened: list[Device] = []
    counts: Counter[str] = Counter()
    try:
        for name in names:
            driver = name.partition(":")[0]
            opened.append(_create(name, _Among(counts[driver]), validate=validate))
            counts[driver] += 1
    except BaseException:
        for device in opened:
            device.close()
        raise
    return tuple(opened)


def _create(name: str, among: _Among | None, *, validate: bool) -> Device:
    driver_name, _, option_text = name.partition(":")
    driver = next((d for d in _DRIVERS if d.name == driver_name), None)
    if driver is None:
        raise DeviceUnavailable(f"no driver {driver_name!r}. {_listing()}")
    reason = driver.unavailable()
    if reason or driver.create is None:
        raise DeviceUnavailable(f"device {driver_name!r} is not available: {reason}. {_listing()}")
    device = driver.create(_parse_options(driver, option_text), among)
    if not validate:
        return device
    from ireelab.hal.validation import ValidatedDevice

    return ValidatedDevice(device)


def _parse_options(driver: _Driver, text: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for index, part in enumerate(filter(None, text.split(","))):
        key, separator, value = part.partition("=")
        if not separator and index == 0 and driver.selector:
            key, separator, value = driver.selector, "=", part
        if not separator or key not in driver.options:
            known = ", ".join(f"{option}=VALUE" for option in driver.options) or "none"
            raise DeviceUnavailable(
                f"device {driver.name!r} has no option {part!r}; its options: {known}"
            )
        options[key] = value
    return options


def _listing() -> str:
    available = [info.id for info in devices() if info.available]
    missing = [info.id for info in devices() if not info.available]
    text = f"Available: {', '.join(available) or 'none'}"
    return f"{text}; not available: {', '.join(missing)}" if missing else text
