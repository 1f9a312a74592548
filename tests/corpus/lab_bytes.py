"""The lab pipeline against ``iree-compile``: the same program, to the byte, or what differs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import ireelab as il
from ireelab.errors import CompileError


def lab_difference(source: Path, flags: Sequence[str], device: str, vmfb: Path) -> str:
    """Compiles with the lab what ``iree-compile`` made ``vmfb`` of; "" where the bytes agree.

    ``flags`` are all that ``iree-compile`` got, its target's included.
    """
    target = "vulkan" if device.startswith("vulkan") else "llvm-cpu"
    try:
        ours = il.compile(source, target=target, flags=tuple(flags), pipeline="lab").program
    except CompileError as error:
        return f"does not compile in the lab: {error}"
    if ours.to_bytes() == vmfb.read_bytes():
        return ""
    return "other bytes than iree-compile's"
