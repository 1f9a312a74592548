"""Device buffers and typed views of them.

Mirrors ``runtime/src/iree/hal/buffer.h`` and ``buffer_view.h``.
"""

# NumPy types some members of an array only in part.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ireelab.errors import DeviceError, InvalidInput
from ireelab.hal.element_type import (
    dtype_from_element_type,
    element_bit_count,
    element_type_from_dtype,
    element_type_name,
)

if TYPE_CHECKING:
    from typing_extensions import Self

    from ireelab.hal.device import Device

ENCODING_OPAQUE = 0
ENCODING_DENSE_ROW_MAJOR = 1


class HostRange(NamedTuple):
    """Memory as the host sees it. ``owner`` is alive as long as the memory is."""

    owner: object
    address: int
    length_bytes: int


class Buffer(ABC):
    """A range of device memory.

    ``length_bytes`` is the range's own length; ``memory_type`` and ``usage`` are the integer
    values of :class:`~ireelab.hal.types.MemoryType` and :class:`~ireelab.hal.types.BufferUsage`.
    """

    __slots__ = ("__weakref__", "device", "length_bytes", "memory_type", "usage")

    device: Device
    length_bytes: int
    memory_type: int
    usage: int

    @abstractmethod
    def subspan(self, offset_bytes: int, length_bytes: int) -> Buffer:
        """A buffer over part of this one; it keeps the memory alive."""

    @abstractmethod
    def map(self) -> npt.NDArray[np.uint8]:
        """The bytes as an array, without a copy; the array keeps the memory alive."""

    def contents(self) -> npt.NDArray[np.uint8]:
        """The bytes to read only: ``map()``, or a copy where the host reads that slowly."""
        return self.map()

    @abstractmethod
    def host_address(self) -> int:
        """Where the host sees the first byte, 0 where it does not.

        Without any wait: what reads or writes there comes after the fences of the work before it.
        """

    @abstractmethod
    def host_range(self) -> HostRange | None:
        """The whole of the memory that this is a part of, None where the host does not see it."""

    @abstractmethod
    def hold(self) -> object:
        """Something that keeps the memory from being used for anything else while it lives."""

    def is_shared(self) -> bool:
        """Whether anything besides this object may see the memory; True where unknown."""
        return True

    @abstractmethod
    def close(self) -> None:
        """Give the memory back once no subspan and no mapped array uses it; idempotent."""

    def read(self, offset_bytes: int = 0, length_bytes: int | None = None) -> bytes:
        """A copy of ``length_bytes`` bytes (to the end when None)."""
        if length_bytes is None:
            length_bytes = self.length_bytes - offset_bytes
        self.check_range(offset_bytes, length_bytes, "read")
        return self.map()[offset_bytes : offset_bytes + length_bytes].tobytes()

    def write(self, offset_bytes: int, data: bytes | bytearray | memoryview) -> None:
        """Overwrite bytes from ``offset_bytes`` on."""
        source = np.frombuffer(data, np.uint8)
        self.check_range(offset_bytes, source.size, "write")
        self.map()[offset_bytes : offset_bytes + source.size] = source

    def check_range(self, offset_bytes: int, length_bytes: int, what: str) -> None:
        """Raise DeviceError unless the range lies inside this buffer."""
        if offset_bytes < 0 or length_bytes < 0 or offset_bytes + length_bytes > self.length_bytes:
            raise DeviceError(
                f"{what} of bytes [{offset_bytes}, {offset_bytes + length_bytes}) is outside "
                f"the buffer of {self.length_bytes} bytes"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class BufferView:
    """A buffer with a shape and an element type: what a program calls a tensor.

    ``buffer`` is already the exact span of the elements.
    """

    __slots__ = ("__weakref__", "buffer", "element_type", "encoding_type", "shape")

    def __init__(
        self,
        buffer: Buffer,
        shape: tuple[int, ...],
        element_type: int,
        encoding_type: int = ENCODING_DENSE_ROW_MAJOR,
    ) -> None:
        self.buffer = buffer
        self.shape = shape
        self.element_type = element_type
        self.encoding_type = encoding_type

    @staticmethod
    def from_numpy(array: npt.NDArray[Any], buffer: Buffer) -> BufferView:
        """A view of ``buffer`` with the array's shape and dtype."""
        return BufferView(buffer, array.shape, element_type_from_dtype(array.dtype))

    def to_numpy(self) -> npt.NDArray[Any]:
        """The elements as an array, over the buffer's own memory where the host reads it fast.

        Raises InvalidInput for element types NumPy cannot hold and for opaque encodings.
        """
        if self.encoding_type not in (ENCODING_DENSE_ROW_MAJOR, ENCODING_OPAQUE):
            raise InvalidInput(f"encoding type {self.encoding_type} has no NumPy layout")
        dtype = dtype_from_element_type(self.element_type)
        size_bytes = dtype.itemsize
        for dim in self.shape:
            size_bytes *= dim
        data = self.buffer.contents()
        if size_bytes > data.size:
            raise DeviceError(f"{self!r} needs {size_bytes} bytes, its buffer has {data.size}")
        return data[:size_bytes].view(dtype).reshape(self.shape)

    @property
    def length_bytes(self) -> int:
        """Bytes that the elements take, densely packed."""
        count = 1
        for dim in self.shape:
            count *= dim
        return (count * element_bit_count(self.element_type) + 7) // 8

    def close(self) -> None:
        """Close the buffer; idempotent."""
        self.buffer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        dims = "".join(f"{dim}x" for dim in self.shape)
        return f"BufferView({dims}{element_type_name(self.element_type)})"
