"""The ``check`` module: expectations of IREE's test programs.

A failed one raises ``CheckFailed`` with where the arrays differ. Mirrors
``runtime/src/iree/modules/check/module.cc``.
"""

# NumPy types some members of an array only in part.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ireelab.errors import CheckFailed, InvalidInput
from ireelab.hal.buffer import BufferView
from ireelab.hal.element_type import element_type_name

_SHOWN = 5  # differing elements listed


class CheckModule:
    """One per context; it holds no state."""

    def resolve(self, name: str) -> Callable[..., Any] | None:
        """The function behind an import ``check.<name>``, None if there is no such function."""
        return {
            "check.expect_true": self.expect_true,
            "check.expect_false": self.expect_false,
            "check.expect_all_true": self.expect_all_true,
            "check.expect_eq": self.expect_eq,
            "check.expect_almost_eq": self.expect_almost_eq,
        }.get(name)

    def expect_true(self, operand: int) -> None:
        if not operand:
            raise CheckFailed("expected a nonzero value, got 0")

    def expect_false(self, operand: int) -> None:
        if operand:
            raise CheckFailed(f"expected 0, got {operand}")

    def expect_all_true(self, _device: object, view: BufferView) -> None:
        values = _elements(view)
        wrong = np.argwhere(np.atleast_1d(values) == 0)
        if len(wrong):
            raise CheckFailed(
                f"expected every element of {_spell(view)} to be nonzero; {len(wrong)} of "
                f"{values.size} are 0, the first at {_place(wrong[0], values)}"
            )

    def expect_eq(self, _device: object, actual: BufferView, expected: BufferView) -> None:
        self._same_type(actual, expected)
        a, b = _elements(actual), _elements(expected)
        # Bytes decide, as in IREE: equal NaNs are equal, 0.0 and -0.0 are not.
        same = _same_bytes(a, b)
        if not same.all():
            raise CheckFailed(_report(actual, a, b, ~same, "are not equal"))

    def expect_almost_eq(
        self, _device: object, actual: BufferView, expected: BufferView, atol: float, rtol: float
    ) -> None:
        self._same_type(actual, expected)
        a, b = _elements(actual).astype(np.float64), _elements(expected).astype(np.float64)
        with np.errstate(invalid="ignore", over="ignore"):
            close = np.abs(a - b) <= atol + rtol * np.abs(b)
        same = (a == b) | (np.isnan(a) & np.isnan(b)) | (np.isfinite(b) & close)
        if not np.all(same):
            what = f"differ by more than atol={atol:g} + rtol={rtol:g} * |expected|"
            raise CheckFailed(_report(actual, a, b, ~np.asarray(same), what))

    def _same_type(self, actual: BufferView, expected: BufferView) -> None:
        if (actual.shape, actual.element_type) != (expected.shape, expected.element_type):
            raise CheckFailed(f"expected a {_spell(expected)}, got a {_spell(actual)}")


def _spell(view: BufferView) -> str:
    return "x".join([*map(str, view.shape), element_type_name(view.element_type)])


def _elements(view: BufferView) -> npt.NDArray[Any]:
    try:
        return view.to_numpy()
    except InvalidInput:
        return view.buffer.contents()  # elements NumPy cannot hold (i4): compare the packed bytes


def _same_bytes(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Element-wise equality of the stored bytes."""
    shape = (*a.shape, a.dtype.itemsize)
    left, right = (np.frombuffer(x.tobytes(), np.uint8).reshape(shape) for x in (a, b))
    return np.asarray((left == right).all(axis=-1))


def _place(index: npt.NDArray[Any], array: npt.NDArray[Any]) -> str:
    return f"[{', '.join(map(str, index))}]" if array.ndim else "[]"


def _report(
    view: BufferView, a: npt.NDArray[Any], b: npt.NDArray[Any], wrong: npt.NDArray[Any], what: str
) -> str:
    """Where two arrays differ: how many elements, the first few, and the largest difference."""
    indices = np.argwhere(np.atleast_1d(wrong))
    lines = [f"the arrays ({_spell(view)}) {what}: {len(indices)} of {a.size} elements"]
    for index in indices[:_SHOWN]:
        at = tuple(index) if a.ndim else ()
        lines.append(f"  at {_place(index, a)}: expected {b[at]}, got {a[at]}")
    if len(indices) > _SHOWN:
        lines.append(f"  and {len(indices) - _SHOWN} more")
    return "\n".join(lines)
