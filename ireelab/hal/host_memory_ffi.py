"""Raw memory copies: NumPy takes microseconds to make the views that a copy needs."""

from __future__ import annotations

import ctypes

_memmove = ctypes.memmove


def copy_bytes(target: int, source: int, length_bytes: int) -> None:
    """Copy between two addresses; the ranges may overlap. The caller has checked both."""
    # void* memmove(void* target, const void* source, size_t length)
    _memmove(target, source, length_bytes)
