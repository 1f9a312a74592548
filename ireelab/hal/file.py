"""Files that queues read from and write to. Mirrors ``runtime/src/iree/hal/file.h``."""

from __future__ import annotations

from ireelab.errors import DeviceError


class File:
    """A file over host memory (a parameter archive, a rodata segment, a mapped file).

    Writable when the memory is.
    """

    __slots__ = ("__weakref__", "_data")

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self._data = memoryview(data).cast("B")

    @property
    def length_bytes(self) -> int:
        return self._data.nbytes

    def read(self, offset_bytes: int, length_bytes: int) -> memoryview:
        """The bytes of a range, without a copy; DeviceError outside the file."""
        self._check(offset_bytes, length_bytes, "read")
        return self._data[offset_bytes : offset_bytes + length_bytes]

    def write(self, offset_bytes: int, data: bytes | bytearray | memoryview) -> None:
        """Overwrite a range; DeviceError outside the file or where it is read-only."""
        source = memoryview(data).cast("B")
        self._check(offset_bytes, source.nbytes, "write")
        if self._data.readonly:
            raise DeviceError("the file is read-only; open it over writable memory")
        self._data[offset_bytes : offset_bytes + source.nbytes] = source

    def _check(self, offset_bytes: int, length_bytes: int, what: str) -> None:
        end = offset_bytes + length_bytes
        if offset_bytes < 0 or length_bytes < 0 or end > self._data.nbytes:
            raise DeviceError(
                f"{what} of bytes [{offset_bytes}, {end}) is outside the file of "
                f"{self._data.nbytes} bytes"
            )
