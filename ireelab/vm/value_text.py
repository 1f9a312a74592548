"""What a register holds, in a few words."""

from __future__ import annotations

from typing import Any

from ireelab.hal.allocator import Allocator
from ireelab.hal.buffer import Buffer, BufferView
from ireelab.hal.command_buffer import CommandBuffer
from ireelab.hal.device import Device
from ireelab.hal.executable import Executable
from ireelab.hal.file import File
from ireelab.hal.semaphore import Fence
from ireelab.vm.disassembly import preview
from ireelab.vm.values import VMBuffer, VMList


def value_text(value: Any) -> str:
    """``42``, ``null``, ``!hal.buffer 256 B``, ``!hal.fence signaled``, ...

    References are told apart by their contents, not by address: texts of two runs compare equal.
    """
    if value is None:
        return "null"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, VMBuffer):
        return f"!vm.buffer {len(value.data):,} B {preview(value.data)}".rstrip()
    if isinstance(value, BufferView):
        return f"!hal.buffer_view {repr(value).removeprefix('BufferView(').removesuffix(')')}"
    if isinstance(value, Buffer):
        return f"!hal.buffer {value.length_bytes:,} B"
    if isinstance(value, Fence):
        return f"!hal.fence {_fence_state(value)}"
    if isinstance(value, CommandBuffer):
        return f"!hal.command_buffer {value.id}"
    if isinstance(value, Device):
        return f"!hal.device {value.id}"
    if isinstance(value, Allocator):
        return "!hal.allocator"
    if isinstance(value, Executable):
        return f"!hal.executable {len(value.functions)} functions"
    if isinstance(value, VMList):
        return f"!vm.list<{value.element_type}> of {len(value.items)}"
    if isinstance(value, File):
        return f"!hal.file {value.length_bytes:,} B"
    return type(value).__name__


def _fence_state(fence: Fence) -> str:
    try:
        return "signaled" if fence.is_signaled() else "pending"
    except Exception as error:  # a failed fence raises what it failed with
        return f"failed: {error}"
