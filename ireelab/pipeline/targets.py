"""Target names -> the flags of ``iree-compile`` that mean the same."""

from __future__ import annotations

import difflib

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


def target_flags(target: str, flags: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The flags that a target stands for, less those that ``flags`` set themselves.

    LLVM refuses an option given twice, and what the user says wins.

    Raises:
        UnknownTarget: no backend has that name.
    """
    backend, _, device = target.partition(":")
    if backend == "vulkan" and (device or target == "vulkan"):
        chosen = vulkan_flags(device, flags)
    elif target in TARGETS:
        chosen = TARGETS[target]
    else:
        close = difflib.get_close_matches(target, TARGETS, 1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise UnknownTarget(f"unknown target {target!r}{hint} Known targets: {', '.join(TARGETS)}")
    given = {flag.lstrip("-").split("=", 1)[0] for flag in flags}
    return tuple(flag for flag in chosen if flag.lstrip("-").split("=", 1)[0] not in given)


def target_of(device: str) -> str:
    """The target that a device's name stands for: that of its driver.

    >>> target_of("vulkan:0"), target_of("llvm-cpu:threads=1"), target_of("null")
    ('vulkan', 'llvm-cpu', 'llvm-cpu')
    """
    driver = device.partition(":")[0]
    return driver if driver in TARGETS else "llvm-cpu"
