"""Target names -> the flags of ``iree-compile`` that mean the same."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from ireelab.device_target import vulkan_flags
from ireelab.errors import UnknownTarget

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
_BETWEEN = re.compile(rf",(?=(?:{'|'.join(TARGETS)})(?::|,|$))")
_NAME = re.compile(r"^\w+=")
_UNLINKED = "--iree-hal-link-executables=false"
"""IREE links the executables of one backend and drops the other backends' variants of them."""


def one_name(target: str | Sequence[str]) -> str:
    """What a trace calls its target: of several, the names with commas between.

    Raises:
        UnknownTarget: there is none, or no backend has a name.

    >>> one_name(["llvm-cpu", "vulkan:0"])
    'llvm-cpu,vulkan:0'
    """
    names = [target] if isinstance(target, str) else list(target)
    if not names:
        raise UnknownTarget(f"no target is given. Known targets: {', '.join(TARGETS)}")
    for name in names:
        _check(name)
    return ",".join(names)


def target_flags(target: str, flags: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The flags that a target stands for, less those that ``flags`` set themselves.

    Of several targets (``"llvm-cpu,vulkan"``) the program holds each one's executables; when it is
    loaded it takes the first of them that the machine has. LLVM refuses an option given twice,
    and what the user says wins.

    Raises:
        UnknownTarget: no backend has that name, or they cannot be in one program.
    """
    each = [_flags_of(name, flags) for name in _BETWEEN.split(target)]
    chosen = each[0] if len(each) == 1 else _selecting(target, each)
    given = {_option(flag) for flag in flags}
    return tuple(flag for flag in chosen if _option(flag) not in given)


def target_of(device: str) -> str:
    """The target that a device's name stands for: that of its driver.

    >>> target_of("vulkan:0"), target_of("llvm-cpu:threads=1"), target_of("null")
    ('vulkan', 'llvm-cpu', 'llvm-cpu')
    """
    driver = device.partition(":")[0]
    return driver if driver in TARGETS else "llvm-cpu"


def _flags_of(target: str, flags: tuple[str, ...]) -> tuple[str, ...]:
    _check(target)
    backend, _, device = target.partition(":")
    return vulkan_flags(device, flags) if backend == "vulkan" else TARGETS[target]


def _check(target: str) -> None:
    """Raise where no backend has that name."""
    backend, _, device = target.partition(":")
    if target in TARGETS or (backend == "vulkan" and device) or _BETWEEN.search(target):
        return
    close = difflib.get_close_matches(target, TARGETS, 1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise UnknownTarget(f"unknown target {target!r}{hint} Known targets: {', '.join(TARGETS)}")


def _selecting(target: str, each: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """One device that is, at load, the first of several which is there.

    IREE reads ``a,b`` as ``#hal.device.select<[a, b]>``. Two devices in place of one would both
    have to be there. The name in front keeps ``=`` inside an attribute from being taken for one.
    """
    devices: dict[str, None] = {}
    others: dict[str, str] = {}
    for flag in (flag for flags in each for flag in flags):
        option, _, value = flag.lstrip("-").partition("=")
        if option == _DEVICE:
            devices[_NAME.sub("", value)] = None
        elif others.setdefault(option, flag) != flag:
            raise UnknownTarget(
                f"{target!r}: one program cannot have both {others[option]} and {flag}"
            )
    return (f"--{_DEVICE}=device={','.join(devices)}", _UNLINKED, *others.values())


def _option(flag: str) -> str:
    return flag.lstrip("-").split("=", 1)[0]
