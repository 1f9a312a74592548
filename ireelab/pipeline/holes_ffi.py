"""Gives back the room of what has been read of a file that still grows (Linux)."""

from __future__ import annotations

import ctypes
import functools
import sys
from typing import Any

_KEEP_SIZE, _PUNCH_HOLE = 1, 2


@functools.cache
def _fallocate() -> Any:
    function = ctypes.CDLL(None).fallocate64
    function.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    return function


def release(file: int, length_bytes: int) -> None:
    """Free the first bytes of an open file, where the file system can; they then read as zero."""
    if sys.platform.startswith("linux") and length_bytes > 0:
        # int fallocate64(int fd, int mode, off64_t offset, off64_t len)
        _fallocate()(file, _PUNCH_HOLE | _KEEP_SIZE, 0, length_bytes)
