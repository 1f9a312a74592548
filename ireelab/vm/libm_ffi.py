"""The C library's math functions, for results equal to IREE's own runtime to the last bit.

``expf`` rounds differently from ``exp`` rounded to f32, and Python's ``math`` raises where C
returns NaN or infinity, hence the C functions.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import sys
from collections.abc import Callable

Float = Callable[..., float]
_UNARY = (
    *("ceil", "floor", "round", "rint", "atan", "cos", "sin", "exp", "exp2", "expm1"),
    *("log", "log10", "log1p", "log2", "sqrt", "tanh", "erf"),
)
_BINARY = ("remainder", "atan2", "pow")


def _library() -> ctypes.CDLL:
    if sys.platform == "win32":
        return ctypes.CDLL("ucrtbase")
    return ctypes.CDLL(ctypes.util.find_library("m") or None)


def load() -> dict[str, Float]:
    """Functions by C name, ``exp`` on doubles and ``expf`` on floats."""
    library = _library()
    table: dict[str, Float] = {}
    for names, arity in ((_UNARY, 1), (_BINARY, 2)):
        for name in names:
            # double name(double, ...) and float namef(float, ...)
            for suffix, kind in (("", ctypes.c_double), ("f", ctypes.c_float)):
                function = getattr(library, name + suffix)
                function.restype = kind
                function.argtypes = [kind] * arity
                table[name + suffix] = function
    return table
