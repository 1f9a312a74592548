"""Arrays as IREE's tools write them: ``8x64xf32=1``, ``@x.npy``, ``2x2xi32=[1 2][3 4]``.

``parse_input`` reads what ``iree-run-module --input=`` takes; ``format_value`` writes what that
tool prints. Mirrors runtime/src/iree/hal/string_util.h and runtime/src/iree/tooling/function_io.c.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ireelab.errors import InvalidInput

Array = npt.NDArray[Any]
Value = Array | int | float

_DTYPES = {
    "i1": "bool",
    "i8": "int8",
    "i16": "int16",
    "i32": "int32",
    "i64": "int64",
    "si8": "int8",
    "si16": "int16",
    "si32": "int32",
    "si64": "int64",
    "ui8": "uint8",
    "ui16": "uint16",
    "ui32": "uint32",
    "ui64": "uint64",
    "u8": "uint8",
    "u16": "uint16",
    "u32": "uint32",
    "u64": "uint64",
    "f16": "float16",
    "f32": "float32",
    "f64": "float64",
    "complex<f32>": "complex64",
    "complex<f64>": "complex128",
}
_ML_DTYPES = {
    "bf16": "bfloat16",
    "f8E4M3FN": "float8_e4m3fn",
    "f8E4M3FNUZ": "float8_e4m3fnuz",
    "f8E5M2": "float8_e5m2",
    "f8E5M2FNUZ": "float8_e5m2fnuz",
}
# NumPy's name -> IREE's; NumPy has one name where IREE has several spellings, the first wins.
_TYPE_NAMES: dict[str, str] = {}
for _iree_name, _numpy_name in (*_DTYPES.items(), *_ML_DTYPES.items()):
    _TYPE_NAMES.setdefault(_numpy_name, _iree_name)

_HELP = "write 8x64xf32=1, 2x2xi32=1 2 3 4, @x.npy, 4xf32=@raw.bin, or a number for a scalar"
_BUFFER = re.compile(
    r"(?P<shape>(?:\d+x)*)(?P<type>[a-zA-Z][\w<>]*)(?:=(?P<values>.*))?", re.DOTALL
)
_SPACES = re.compile(r"[\[\]\s,]+")


def dtype_of(name: str) -> np.dtype[Any]:
    """The NumPy dtype of IREE's element type ``name`` (``"f32"``); ``InvalidInput`` if unknown."""
    if name in _DTYPES:
        return np.dtype(_DTYPES[name])
    if name in _ML_DTYPES:
        import ml_dtypes

        return np.dtype(getattr(ml_dtypes, _ML_DTYPES[name]))
    known = " ".join((*_DTYPES, *_ML_DTYPES))
    raise InvalidInput(f"unknown element type {name!r}; known: {known}")


def element_type_of(array: Array) -> str:
    """IREE's name of an array's element type: ``"f32"``."""
    name = str(array.dtype)
    return _TYPE_NAMES.get(name, name)


def type_of(array: Array) -> str:
    """IREE's shape and element type of an array: ``"8x10xf32"``, ``"f32"`` for rank 0."""
    return "x".join((*map(str, array.shape), element_type_of(array)))


# --- reading -------------------------------------------------------------------------


def parse_inputs(texts: Sequence[str]) -> list[Value]:
    """Every ``--input`` in order; one ``@x.npy`` may hold several arrays."""
    return [value for text in texts for value in parse_input(text)]


def parse_input(text: str) -> list[Value]:
    """The values of one input, at least one; raises ``InvalidInput`` with the text and a remedy."""
    text = text.strip()
    if text.startswith("@"):
        return list(_read_npy(Path(text[1:]), text))
    scalar = _scalar(text)
    if scalar is not None:
        return [scalar]
    match = _BUFFER.fullmatch(text)
    if match is None:
        raise InvalidInput(f"cannot read the input {text!r}: {_HELP}")
    shape = tuple(int(size) for size in match["shape"].split("x") if size)
    try:
        dtype = dtype_of(match["type"])
    except InvalidInput as error:
        raise InvalidInput(f"cannot read the input {text!r}: {error}; {_HELP}") from None
    return [_buffer(text, shape, dtype, match["values"])]


def _scalar(text: str) -> int | float | None:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return None


def _buffer(text: str, shape: tuple[int, ...], dtype: np.dtype[Any], values: str | None) -> Array:
    """``shape`` filled from ``values``: none (zeros), one number for all, each, or a file."""
    count = math.prod(shape)
    if values is None:
        return np.zeros(shape, dtype)
    if values.startswith("@"):
        return _read_raw(Path(values[1:]), text, shape, dtype)
    words = [word for word in _SPACES.split(values) if word]
    if len(words) not in (1, count) or (count == 0 and words):
        raise InvalidInput(
            f"input {text!r} gives {len(words)} values, its shape holds {count}: "
            "give that many, or one for all"
        )
    try:
        flat: Array = np.array([_element(word, dtype) for word in words]).astype(dtype)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"input {text!r}: {error}") from None
    return np.full(shape, flat[0], dtype) if flat.size == 1 else np.reshape(flat, shape)


def _element(word: str, dtype: np.dtype[Any]) -> Any:
    if dtype.kind == "b":
        return bool(int(word, 16))
    if dtype.kind in "iu":
        return dtype.type(int(word, 0))
    if dtype.kind == "c":
        return complex(word)
    return float(int(word, 16)) if word.lower().startswith("0x") else float(word)


def _read_npy(path: Path, text: str) -> list[Array]:
    """Every array of a ``.npy`` file; IREE's tools write several one after the other."""
    arrays: list[Array] = []
    try:
        with path.open("rb") as file:
            while file.peek(1):
                arrays.append(np.load(file, allow_pickle=False))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"input {text!r}: {_reason(error)}") from None
    if not arrays:
        raise InvalidInput(f"input {text!r}: the file is empty")
    return arrays


def _read_raw(path: Path, text: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"input {text!r}: {_reason(error)}") from None
    want_bytes = math.prod(shape) * dtype.itemsize
    if len(data) != want_bytes:
        raise InvalidInput(f"input {text!r}: the file has {len(data)} bytes, needs {want_bytes}")
    return np.reshape(np.array(np.frombuffer(data, dtype)), shape)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return "not a .npy file, or one of Python objects; np.save(file, array) writes one"


# --- writing -------------------------------------------------------------------------


def format_value(value: Value, *, scalar_type: str = "", max_elements: int = 1024) -> str:
    """An output as ``iree-run-module`` prints it; elements past ``max_elements`` become ``...``.

    ``scalar_type`` names the type of a Python number (``"i32"``).
    """
    if isinstance(value, int | float):
        kind = scalar_type or ("f32" if isinstance(value, float) else "i32")
        return f"{kind}={_number(value)}"
    left = _Budget(max_elements)
    return f"{type_of(value)}={_nested(value, left, top=True)}"


class _Budget:
    """How many elements may still be printed."""

    def __init__(self, count: int) -> None:
        self.count = count


def _nested(array: Array, left: _Budget, *, top: bool) -> str:
    """Rank 0 and 1 print bare at the top; every further dimension is in brackets."""
    if array.ndim == 0:
        return _number(array[()])
    if array.ndim > 1:
        rows: list[str] = []
        for row in array:
            if left.count <= 0:
                rows.append("...")
                break
            rows.append(_nested(row, left, top=False))
        body = "".join(rows)
        return body if top else f"[{body}]"
    shown = [_number(element) for element in array[: max(left.count, 0)]]
    if len(shown) < array.shape[0]:
        shown.append("...")
    left.count -= array.shape[0]
    body = " ".join(shown)
    return body if top else f"[{body}]"


def _number(value: Any) -> str:
    kind = np.asarray(value).dtype.kind
    if kind == "b":
        return f"{int(value):02X}"
    if kind in "iu":
        return str(int(value))
    if kind == "c":
        number = complex(value)
        return f"{_float(number.real)}{_float(number.imag, '+')}j"
    return _float(value)  # bfloat16 and the 8-bit floats have kind "V"


def _float(value: Any, sign: str = "") -> str:
    """As C's ``%G`` writes it."""
    return format(float(value), f"{sign}G")
