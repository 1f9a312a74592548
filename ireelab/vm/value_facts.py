"""What a reference is, and what stands in its memory: for a debugger that is asked to open it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import IntFlag
from typing import Any

import numpy as np
import numpy.typing as npt

from ireelab.array_text import dtype_of
from ireelab.errors import InvalidInput, IreelabError
from ireelab.hal.buffer import Buffer, BufferView
from ireelab.hal.command_buffer import CommandBuffer
from ireelab.hal.device import Device
from ireelab.hal.element_type import element_bit_count, element_type_name
from ireelab.hal.executable import Executable
from ireelab.hal.file import File
from ireelab.hal.semaphore import Fence, Semaphore
from ireelab.hal.types import BufferUsage, MemoryType, flag_names
from ireelab.vm.value_text import value_text
from ireelab.vm.values import VMBuffer, VMList

READ_AS = ("f32", "f64", "i8", "i16", "i32", "i64", "f16", "bf16", "bytes")
"""What bytes without an element type can be read as."""

PAGE = 128
"""Elements of :class:`Contents` at a time."""

_MOST_ITEMS = 16

Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """Some of the elements of a buffer, as texts, from ``offset`` on; ``count`` is of all.

    ``note``: why there are none yet, or why they may change (see ``Written``).
    """

    type: str
    count: int
    offset: int
    texts: tuple[str, ...]
    note: str = ""


def facts(value: Any) -> Facts:
    """Names and texts of what a reference is; nothing of a number."""
    if isinstance(value, BufferView):
        shape = "x".join(map(str, value.shape)) or "scalar"
        return (
            ("shape", shape),
            ("element type", element_type_name(value.element_type)),
            *facts(value.buffer),
        )
    if isinstance(value, Buffer):
        return (
            ("bytes", f"{value.length_bytes:,}"),
            ("memory", _words(MemoryType(value.memory_type))),
            ("usage", _words(BufferUsage(value.usage))),
            ("device", value.device.id),
        )
    if isinstance(value, Fence):
        return tuple(
            (f"timepoint {i}", _timepoint(semaphore, wanted))
            for i, (semaphore, wanted) in enumerate(value.points)
        ) or (("timepoints", "none: signaled from the start"),)
    if isinstance(value, CommandBuffer):
        kinds = Counter(kind.__name__ for kind, _ in value.log)
        commands = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
        state = "finalized" if value.finalized else "recording"
        return (("state", state), ("commands", commands or "none"))
    if isinstance(value, Executable):
        return (("format", value.format), ("functions", ", ".join(f.name for f in value.functions)))
    if isinstance(value, Device):
        return (("driver", value.driver),)
    if isinstance(value, VMBuffer):
        return (("bytes", f"{len(value.data):,}"), ("access", _access(value.writable)))
    if isinstance(value, VMList):
        return tuple(
            (str(i), value_text(item)) for i, (_, item) in enumerate(value.items[:_MOST_ITEMS])
        )
    return ()


def _words(flags: IntFlag) -> str:
    return flag_names(flags).lower().replace("|", ", ")


def _access(writable: bool) -> str:
    return "read, write" if writable else "read-only"


def _timepoint(semaphore: Semaphore, wanted: int) -> str:
    """ "at 3, awaits 4: pending"."""
    try:
        now = semaphore.query()
    except Exception as error:  # a failed semaphore raises what it failed with
        return f"awaits {wanted}: failed: {error}"
    return f"at {now}, awaits {wanted}: {'reached' if now >= wanted else 'pending'}"


def has_contents(value: Any) -> bool:
    return isinstance(value, Buffer | BufferView | VMBuffer | File)


def contents(value: Any, read_as: str = "", offset: int = 0, count: int = PAGE) -> Contents:
    """Elements of what a buffer holds at this moment; work that still runs may change it.

    ``read_as`` is one of ``READ_AS``; "" for a view's own element type, text where it is, else f32.

    Raises:
        InvalidInput: the value holds no bytes, or the type is unknown.
        DeviceError: the host cannot read the memory, or it was given back.
    """
    length = _length(value)
    kind = read_as or _kind(value, length)
    if kind == "text":
        return Contents(kind, 1, 0, (_bytes(value, 0, length).decode(),))
    dtype = np.dtype(np.uint8) if kind == "bytes" else dtype_of(kind)
    total = length // dtype.itemsize
    first = max(0, min(offset, total - 1))
    end = min(total, first + count)
    data = _bytes(value, first * dtype.itemsize, (end - first) * dtype.itemsize)
    elements = np.frombuffer(data, dtype)
    return Contents(kind, total, first, tuple(_texts(elements, kind)))


def _texts(elements: npt.NDArray[Any], kind: str) -> list[str]:
    if kind == "bytes":
        return [f"{byte:02x}" for byte in elements]
    return [f"{element:.6g}" if elements.dtype.kind in "fV" else str(element)
            for element in elements]  # fmt: skip


def _length(value: Any) -> int:
    if isinstance(value, BufferView | Buffer | File):
        return value.length_bytes
    if isinstance(value, VMBuffer):
        return len(value.data)
    raise InvalidInput(f"{value_text(value)} holds no bytes")


def _bytes(value: Any, offset: int, length: int) -> bytes:
    if isinstance(value, BufferView):
        return value.buffer.read(offset, length)
    if isinstance(value, VMBuffer):
        return bytes(value.data[offset : offset + length])
    return bytes(value.read(offset, length))


def _kind(value: Any, length: int) -> str:
    """How the bytes are read where nobody said."""
    if isinstance(value, BufferView):
        name = element_type_name(value.element_type)
        try:
            same = dtype_of(name).itemsize * 8 == element_bit_count(value.element_type)
        except IreelabError:  # an element type that NumPy does not have
            return "bytes"
        return name if same else "bytes"
    if isinstance(value, VMBuffer) and length:
        head = bytes(value.data[:256])
        if length <= len(head) and all(32 <= byte < 127 for byte in head):
            return "text"
    return "f32" if length % 4 == 0 else "bytes"
