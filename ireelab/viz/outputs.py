"""What a run put out, in numbers: range, mean, and how far it is from another run's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from ireelab.array_text import Value, element_type_of, format_value, type_of

_PREVIEW_ELEMENTS = 24


def output_record(value: Value) -> dict[str, Any]:
    """Element type, shape, first values and statistics of one output."""
    array = np.asarray(value)
    return {
        "dtype": element_type_of(array),
        "shape": list(array.shape),
        "preview": format_value(value, max_elements=_PREVIEW_ELEMENTS),
        "statistics": statistics(value),
    }


def statistics(value: Value) -> dict[str, Any]:
    """Count, and of the finite elements least, greatest, mean and standard deviation.

    Of complex numbers these are about their absolute values. None where nothing is finite.
    """
    numbers = _numbers(value)
    finite = numbers[np.isfinite(numbers)]
    some = finite.size > 0
    return {
        "count": int(numbers.size),
        "nan": int(np.isnan(numbers).sum()),
        "infinite": int(np.isinf(numbers).sum()),
        "zero": int((numbers == 0).sum()),
        "min": _json(finite.min()) if some else None,
        "max": _json(finite.max()) if some else None,
        "mean": _json(finite.mean()) if some else None,
        "deviation": _json(finite.std()) if some else None,
    }


def difference(value: Value, before: Value) -> dict[str, Any]:
    """How an output differs from an earlier one of the same type; else ``why`` it cannot be said.

    ``relative`` is the greatest ``|a - b| / |b|`` where b is neither zero nor infinite. Two NaNs
    at one place are equal.
    """
    now, then = np.asarray(value), np.asarray(before)
    if type_of(now) != type_of(then):
        return {"why": f"{type_of(then)} before, {type_of(now)} now"}
    a, b = (np.atleast_1d(_wide(one)) for one in (now, then))
    same = np.atleast_1d(now == then) | (np.isnan(a) & np.isnan(b))
    finite = np.isfinite(a) & np.isfinite(b)
    apart = np.abs(np.subtract(a, b, where=finite, out=np.zeros_like(a)))
    scale = np.abs(np.where(finite, b, 0))
    relative = np.divide(apart, scale, where=scale > 0, out=np.zeros(a.shape, np.float64))
    return {
        "count": int(a.size),
        "different": int(a.size - same.sum()),
        "absolute": _json(apart.max(initial=0.0)),
        "relative": _json(relative.max(initial=0.0)),
        "why": "",
    }


def _numbers(value: Value) -> npt.NDArray[Any]:
    array = _wide(np.asarray(value)).ravel()
    return np.abs(array) if array.dtype.kind == "c" else array


def _wide(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """As numbers that can be subtracted; 64-bit integers lose what a double does not hold."""
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _json(number: Any) -> float | None:
    return float(number) if math.isfinite(number) else None
