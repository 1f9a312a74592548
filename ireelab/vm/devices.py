"""The devices of a program: opening those a user names, and what a program asks for.

A program looks for each of its devices by kind when it is loaded, and fails where it finds none.
Its own messages say which devices those are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from ireelab.errors import DeviceUnavailable, ExecutableMismatch, VMError
from ireelab.hal.device import Device
from ireelab.hal.registry import create_devices, split_names
from ireelab.vm.decode import decode

if TYPE_CHECKING:
    from ireelab.program import Program

_MISSING = re.compile(r"HAL device `(\w+)` not found or unavailable: (.*)", re.DOTALL)
_KIND = re.compile(r'#hal\.device\.target<"([\w-]+)"')
_DRIVERS = {"local": "llvm-cpu", "vulkan": "vulkan"}


Devices: TypeAlias = "str | Device | Sequence[str | Device]"
"""What a user runs on: a device, or several for a program that uses them at once. Names may stand
in one text with commas between."""


@dataclass(frozen=True, slots=True)
class NeededDevice:
    """A device that a program looks for: its name there, and the driver that has such devices."""

    name: str
    driver: str


def needed_devices(program: Program) -> tuple[NeededDevice, ...]:
    """The devices that a program uses, in the order it looks for them."""
    found: dict[str, NeededDevice] = {}
    ordinal = program.module.exports.get("__init")
    blocks = () if ordinal is None else decode(program.module, program.module.functions[ordinal])
    for instruction in (instruction for block in blocks for instruction in block.instructions):
        text = next((o for o in instruction.operands if isinstance(o, str)), "")
        match = _MISSING.match(text)
        if match:
            kind = _KIND.search(match[2])
            name = kind[1] if kind else "unknown"
            found[match[1]] = NeededDevice(match[1], _DRIVERS.get(name, name))
    return tuple(found.values())


def open_devices(
    given: Devices,
) -> tuple[tuple[Device, ...], tuple[Device, ...]]:
    """All devices in order, and those of them opened here."""
    if isinstance(given, Device):
        return (given,), ()
    texts = [given] if isinstance(given, str) else given
    listed = [d for one in texts for d in (split_names(one) if isinstance(one, str) else [one])]
    if not listed:
        raise DeviceUnavailable("no device is given; name one, such as llvm-cpu or vulkan")
    owned = create_devices([d for d in listed if isinstance(d, str)])
    opened = iter(owned)
    return tuple(next(opened) if isinstance(d, str) else d for d in listed), owned


def not_loadable(program: Program, devices: Sequence[Device], error: VMError) -> ExecutableMismatch:
    """What a program that does not find its devices, or no code for one, raises."""
    given = ", ".join(device.id for device in devices)
    missing = _MISSING.search(str(error))
    needed = needed_devices(program)
    if missing is None or len(needed) < 2:
        # IREE's message spells out whole target descriptions; their names are enough.
        text = re.sub(r"\{[^{}]*\}", "{...}", str(error))
        return ExecutableMismatch(f"{program.name!r} does not run on {given!r}: {text}")
    wanted = ", ".join(f"{d.name} ({d.driver})" for d in needed)
    names = [d.driver for d in needed]
    options = " ".join(f"--device {name}" for name in names)
    return ExecutableMismatch(
        f"{program.name!r} uses {len(needed)} devices at once: {wanted}; there is no "
        f"{missing[1]!r} among those given ({given}). Give one for each, those of one kind in this "
        f"order: device={names!r}, or on a command line {options}"
    )
