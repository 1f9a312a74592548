"""Element types: IREE's 32-bit code, the NumPy dtype, and the MLIR name of each.

Mirrors ``runtime/src/iree/hal/buffer_view.h``: the numerical kind is in the top byte, the bit
count in the lowest one.
"""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from ireelab.errors import InvalidInput

_BOOLEAN, _INTEGER, _SIGNED, _UNSIGNED = 0x13, 0x10, 0x11, 0x12
_IEEE, _BRAIN, _COMPLEX = 0x21, 0x22, 0x23

# (kind, bits, NumPy dtype, MLIR name); a dtype maps to the first row that names it, so the
# signless integers come before the signed ones: IREE's programs use signless types.
_ROWS: tuple[tuple[int, int, Any, str], ...] = (
    (_BOOLEAN, 8, np.bool_, "i1"),
    (_INTEGER, 8, np.int8, "i8"),
    (_INTEGER, 16, np.int16, "i16"),
    (_INTEGER, 32, np.int32, "i32"),
    (_INTEGER, 64, np.int64, "i64"),
    (_SIGNED, 8, np.int8, "si8"),
    (_SIGNED, 16, np.int16, "si16"),
    (_SIGNED, 32, np.int32, "si32"),
    (_SIGNED, 64, np.int64, "si64"),
    (_UNSIGNED, 8, np.uint8, "ui8"),
    (_UNSIGNED, 16, np.uint16, "ui16"),
    (_UNSIGNED, 32, np.uint32, "ui32"),
    (_UNSIGNED, 64, np.uint64, "ui64"),
    (_IEEE, 16, np.float16, "f16"),
    (_IEEE, 32, np.float32, "f32"),
    (_IEEE, 64, np.float64, "f64"),
    (_BRAIN, 16, ml_dtypes.bfloat16, "bf16"),
    (_COMPLEX, 64, np.complex64, "complex<f32>"),
    (_COMPLEX, 128, np.complex128, "complex<f64>"),
    (0x24, 8, ml_dtypes.float8_e5m2, "f8E5M2"),
    (0x25, 8, ml_dtypes.float8_e4m3fn, "f8E4M3FN"),
    (0x26, 8, ml_dtypes.float8_e5m2fnuz, "f8E5M2FNUZ"),
    (0x27, 8, ml_dtypes.float8_e4m3fnuz, "f8E4M3FNUZ"),
    (0x28, 8, ml_dtypes.float8_e8m0fnu, "f8E8M0FNU"),
    (0x00, 8, np.uint8, "opaque8"),
    (0x00, 16, np.uint16, "opaque16"),
    (0x00, 32, np.uint32, "opaque32"),
    (0x00, 64, np.uint64, "opaque64"),
)

_DTYPES: dict[int, np.dtype[Any]] = {k << 24 | b: np.dtype(t) for k, b, t, _ in _ROWS}
_NAMES: dict[int, str] = {k << 24 | b: n for k, b, _, n in _ROWS}
_CODES: dict[np.dtype[Any], int] = {np.dtype(t): k << 24 | b for k, b, t, _ in reversed(_ROWS)}
_SUB_BYTE_NAMES = {
    _INTEGER << 24 | 4: "i4",
    _SIGNED << 24 | 4: "si4",
    _UNSIGNED << 24 | 4: "ui4",
}


def element_type_from_dtype(dtype: np.dtype[Any]) -> int:
    """IREE's code of a NumPy dtype (``ml_dtypes`` for bf16 and f8); InvalidInput if it has none."""
    code = _CODES.get(np.dtype(dtype))
    if code is None:
        known = ", ".join(sorted({str(t) for t in _CODES}))
        raise InvalidInput(f"dtype {dtype} has no IREE element type; convert it to one of: {known}")
    return code


def dtype_from_element_type(element_type: int) -> np.dtype[Any]:
    """The NumPy dtype that holds one element; InvalidInput for types NumPy cannot hold."""
    dtype = _DTYPES.get(element_type)
    if dtype is None:
        raise InvalidInput(
            f"element type {element_type_name(element_type)} has no NumPy dtype; "
            "cast it inside the program (for example to i8 or f32)"
        )
    return dtype


def element_type_name(element_type: int) -> str:
    """The MLIR spelling (``f32``, ``i1``, ``complex<f32>``); ``0x...`` for an unknown code."""
    name = _NAMES.get(element_type) or _SUB_BYTE_NAMES.get(element_type)
    return name or f"0x{element_type & 0xFFFFFFFF:08X}"


def element_bit_count(element_type: int) -> int:
    """Bits of one element as stored; 4 for i4, 8 for i1."""
    return element_type & 0xFF
