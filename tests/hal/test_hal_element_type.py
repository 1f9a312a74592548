"""Element types: codes, dtypes, names, and views of every type."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from ireelab.errors import InvalidInput
from ireelab.hal.buffer import BufferView
from ireelab.hal.element_type import (
    dtype_from_element_type,
    element_type_from_dtype,
    element_type_name,
)
from ireelab.hal.registry import create_device

# dtype, IREE's code, MLIR name
TYPES = [
    (np.bool_, 0x13000008, "i1"),
    (np.int8, 0x10000008, "i8"),
    (np.int16, 0x10000010, "i16"),
    (np.int32, 0x10000020, "i32"),
    (np.int64, 0x10000040, "i64"),
    (np.uint8, 0x12000008, "ui8"),
    (np.uint64, 0x12000040, "ui64"),
    (np.float16, 0x21000010, "f16"),
    (np.float32, 0x21000020, "f32"),
    (np.float64, 0x21000040, "f64"),
    (ml_dtypes.bfloat16, 0x22000010, "bf16"),
    (np.complex64, 0x23000040, "complex<f32>"),
    (np.complex128, 0x23000080, "complex<f64>"),
    (ml_dtypes.float8_e5m2, 0x24000008, "f8E5M2"),
    (ml_dtypes.float8_e4m3fn, 0x25000008, "f8E4M3FN"),
    (ml_dtypes.float8_e5m2fnuz, 0x26000008, "f8E5M2FNUZ"),
    (ml_dtypes.float8_e4m3fnuz, 0x27000008, "f8E4M3FNUZ"),
    (ml_dtypes.float8_e8m0fnu, 0x28000008, "f8E8M0FNU"),
]


@pytest.mark.parametrize(("dtype", "code", "name"), TYPES)
def test_codes(dtype: type, code: int, name: str) -> None:
    assert element_type_from_dtype(np.dtype(dtype)) == code
    assert dtype_from_element_type(code) == np.dtype(dtype)
    assert element_type_name(code) == name


@pytest.mark.parametrize(("dtype", "code", "name"), TYPES)
def test_through_a_buffer(dtype: type, code: int, name: str) -> None:
    array = np.array([[1, 2, 4], [8, 1, 2]]).astype(dtype)
    with create_device("llvm-cpu:threads=1") as device:
        buffer = device.allocator.import_host(array, 0x3F, -1)
        view = BufferView(buffer, array.shape, code)
        assert view.to_numpy().dtype == array.dtype
        np.testing.assert_array_equal(view.to_numpy(), array)
        assert repr(view) == f"BufferView(2x3x{name})"
        assert view.length_bytes == array.nbytes


def test_signed_types_share_a_dtype() -> None:
    assert dtype_from_element_type(0x11000020) == np.int32
    assert element_type_name(0x11000020) == "si32"


def test_what_numpy_cannot_hold() -> None:
    with pytest.raises(InvalidInput, match="i4"):
        dtype_from_element_type(0x10000004)
    with pytest.raises(InvalidInput, match="datetime64"):
        element_type_from_dtype(np.dtype("datetime64[s]"))


def test_length_of_sub_byte_elements() -> None:
    with create_device("null") as device:
        buffer = device.allocator.allocate(0x3F, -1, 8)
        assert BufferView(buffer, (5,), 0x10000004).length_bytes == 3
