"""Target names -> the flags of ``iree-compile`` that mean the same."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from ireelab.device_target import vulkan_flags
from ireelab.errors import UnknownTarget
from ireelab.pipeline.topology import topology_flags

Target: TypeAlias = "str | Sequence[str] | Mapping[str, str]"
"""A target by name; several, for a program that takes the first one there is; or ``{name: target}``
of each device of a program that uses several at once."""

TARGETS: dict[str, tuple[str, ...]] = {
    "llvm-cpu": (
        "--iree-hal-target-device=local",
        "--iree-hal-local-target-device-backends=llvm-cpu",
        "--iree-llvmcpu-target-cpu=host",
    ),
    "vmvx": (
        "--iree-hal-target-device=local",
        "--iree-hal-local-target-device-backends=vmvx",
    ),
    "vulkan": ("--iree-hal-target-device=vulkan",),
}
"""Targets by name. ``llvm-cpu`` compiles for the CPU of this machine, ``vulkan`` for its
GPU, ``vulkan:NAME`` for one of several, or for a GPU that IREE knows by that name (``ampere``)."""

_DEVICE = "iree-hal-target-device"
_BETWEEN = re.compile(rf",(?=(?:\w+=)?(?:{'|'.join(TARGETS)})(?::|,|$))")
_NAME = re.compile(r"^\w+=")
_NAMED = re.compile(r"(?P<name>[A-Za-z_]\w*)=(?P<target>.*)", re.DOTALL)
_DEVICE_ID = re.compile(r'#hal\.device\.target<"(\w+)"|(\w+)')
_UNLINKED = "--iree-hal-link-executables=false"
"""IREE links the executables of one backend and drops the other backends' variants of them."""


def one_name(target: Target) -> str:
    """What a trace calls its target: of several, the names with commas between.

    Raises:
        UnknownTarget: there is none, no backend has a name, or only some devices are named.

    >>> one_name(["llvm-cpu", "vulkan:0"]), one_name({"a": "llvm-cpu", "b": "vulkan"})
    ('llvm-cpu,vulkan:0', 'a=llvm-cpu,b=vulkan')
    """
    if isinstance(target, Mapping):
        target = [f"{name}={value}" for name, value in target.items()]
    names = [target] if isinstance(target, str) else list(target)
    if not names:
        raise UnknownTarget(f"no target is given. Known targets: {', '.join(TARGETS)}")
    for name in names:
        _check(name)
    joined = ",".join(names)
    _devices(joined)
    return joined


def target_flags(target: str, flags: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The flags that a target stands for, less those that ``flags`` set themselves.

    Of several targets (``"llvm-cpu,vulkan"``) the program holds each one's executables; when it is
    loaded it takes the first of them that the machine has. Named ones (``"a=llvm-cpu,b=vulkan"``)
    are devices that it uses side by side; without an affinity an operation goes to the first. LLVM
    refuses an option given twice, and what the user says wins.

    Raises:
        UnknownTarget: no backend has that name, or they cannot be in one program.
    """
    devices = _devices(target)
    each = [_flags_of(name, flags) for name in devices.values() or _BETWEEN.split(target)]
    if devices:
        chosen = _side_by_side(target, dict(zip(devices, each, strict=True)))
    else:
        chosen = each[0] if len(each) == 1 else _selecting(target, each)
    given = {_option(flag) for flag in flags}
    return tuple(flag for flag in chosen if _option(flag) not in given)


def target_of(devices: Sequence[str]) -> str:
    """The target that a device's name stands for: that of its driver.

    Raises:
        UnknownTarget: there are several; only the source knows what it calls each of them.

    >>> target_of(["vulkan:0"]), target_of(["llvm-cpu:threads=1"]), target_of(["null"])
    ('vulkan', 'llvm-cpu', 'llvm-cpu')
    """
    drivers = [device.partition(":")[0] for device in devices]
    targets = [driver if driver in TARGETS else "llvm-cpu" for driver in drivers]
    if len(targets) == 1:
        return targets[0]
    example = " ".join(f"--target {name}={t}" for name, t in zip("abcdefgh", targets, strict=False))
    raise UnknownTarget(
        f"{len(targets)} devices need a target each, by the names that the source's affinities "
        f"(#hal.device.promise<@a>) use: {example}"
    )


def _flags_of(target: str, flags: tuple[str, ...]) -> tuple[str, ...]:
    _check(target)
    backend, _, device = target.partition(":")
    return vulkan_flags(device, flags) if backend == "vulkan" else TARGETS[target]


def _check(target: str) -> None:
    """Raise where no backend has that name."""
    named = _NAMED.fullmatch(target)
    target = named["target"] if named else target
    backend, _, device = target.partition(":")
    if target in TARGETS or (backend == "vulkan" and device) or _BETWEEN.search(target):
        return
    close = difflib.get_close_matches(target, TARGETS, 1)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    raise UnknownTarget(f"unknown target {target!r}{hint} Known targets: {', '.join(TARGETS)}")


def _devices(target: str) -> dict[str, str]:
    """``{name: target}`` of the devices that a target names, {} where it names none."""
    parts = [_NAMED.fullmatch(part) for part in _BETWEEN.split(target)]
    named = [part for part in parts if part is not None]
    if not named:
        return {}
    devices = {part["name"]: part["target"] for part in named}
    if len(devices) < len(parts):
        raise UnknownTarget(
            f"{target!r}: each device of a program that uses several needs a name of its own, as "
            "in a=llvm-cpu,b=vulkan"
        )
    return devices


def _selecting(target: str, each: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """One device that is, at load, the first of several which is there.

    IREE reads ``a,b`` as ``#hal.device.select<[a, b]>``. Two devices in place of one would both
    have to be there. The name in front keeps ``=`` inside an attribute from being taken for one.
    """
    devices, others = _merged(target, each)
    return (f"--{_DEVICE}=device={','.join(dict.fromkeys(devices))}", _UNLINKED, *others)


def _side_by_side(target: str, each: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Devices that a program uses at the same time, by name.

    IREE finds a device by its kind; of one kind by ``ordinal``, in the order they are given. It
    takes two devices that it cannot tell apart for the same one.
    """
    values, others = _merged(target, tuple(each.values()))
    kinds = [_kind(value) for value in values]
    seen: Counter[str] = Counter()
    devices: list[str] = []
    for name, value, kind in zip(each, values, kinds, strict=True):
        numbered = _with_ordinal(value, seen[kind]) if kinds.count(kind) > 1 else value
        devices.append(f"--{_DEVICE}={name}={numbered}")
        seen[kind] += 1
    unlinked = (_UNLINKED,) if len(set(values)) > 1 else ()
    topology = topology_flags(tuple(each)) if len(seen) > 1 else ()
    return (*devices, *unlinked, *topology, *others)


def _merged(target: str, each: Sequence[tuple[str, ...]]) -> tuple[list[str], list[str]]:
    """The device of each target, without a name; and all other flags, which must agree."""
    devices: list[str] = []
    others: dict[str, str] = {}
    for flag in (flag for flags in each for flag in flags):
        option, _, value = flag.lstrip("-").partition("=")
        if option == _DEVICE:
            devices.append(_NAME.sub("", value))
        elif others.setdefault(option, flag) != flag:
            raise UnknownTarget(
                f"{target!r}: one program cannot have both {others[option]} and {flag}"
            )
    return devices, list(others.values())


def _kind(device: str) -> str:
    """IREE's name of a kind of device: ``local``, ``vulkan``."""
    match = _DEVICE_ID.match(device)
    assert match is not None
    return match[1] or match[2]


def _with_ordinal(device: str, ordinal: int) -> str:
    """
    >>> _with_ordinal("local", 1)
    'local[1]'
    >>> _with_ordinal('#hal.device.target<"vulkan", [#e]>', 0)
    '#hal.device.target<"vulkan", {ordinal = 0 : index}, [#e]>'
    """
    if not device.startswith("#"):
        return f"{device}[{ordinal}]"
    return device.replace(", [", f", {{ordinal = {ordinal} : index}}, [", 1)


def _option(flag: str) -> str:
    return flag.lstrip("-").split("=", 1)[0]
