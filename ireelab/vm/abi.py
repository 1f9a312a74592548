"""Marshalling between NumPy and a function's arguments and results.

A ``Signature`` is prepared once per function; calling it per invocation only checks and wraps.
Arrays are copied in, since compiled programs may compute in the memory of their arguments (a sort
does); what ``Context.put`` made goes in as it is. Results come out over the device's own memory.
"""

# NumPy types some members of an array only in part.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from sys import getrefcount
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ireelab.errors import InvalidInput
from ireelab.hal.allocator import Allocator
from ireelab.hal.buffer import BufferView
from ireelab.hal.element_type import (
    dtype_from_element_type,
    element_type_from_dtype,
    element_type_name,
)
from ireelab.hal.types import BufferUsage, MemoryType
from ireelab.vm.declaration import DeclaredType, parse_declaration

if TYPE_CHECKING:
    from ireelab.program import Function

Array: TypeAlias = "npt.NDArray[Any]"
Value: TypeAlias = "Array | int | float"
Result: TypeAlias = "BufferView | int | float"
"""What a function returns where tensors stay on the device."""

INPUT_MEMORY = int(MemoryType.HOST_LOCAL | MemoryType.DEVICE_LOCAL)
INPUT_USAGE = int(BufferUsage.DEFAULT | BufferUsage.MAPPING)

_STAGED_LIMIT_BYTES = 64 << 10  # above, memory kept for each input would add up

# Every element type by its name: the kinds and widths of hal/element_type.py.
_ELEMENT_TYPES = {
    element_type_name(kind << 24 | bits): kind << 24 | bits
    for kind in (*range(0x10, 0x14), *range(0x21, 0x29))
    for bits in (8, 16, 32, 64, 128)
}
_INTEGER_RANGES = {"i1": (0, 1), "i8": (-128, 255), "i16": (-(1 << 15), (1 << 16) - 1)}


class Signature:
    """How one function is called: converters of its arguments and results."""

    def __init__(self, function: Function, allocator: Allocator, *, alone: bool = True) -> None:
        """``alone``: no other device works on the inputs, so that they have no user afterwards."""
        self.function = function
        declared, results = parse_declaration(function.declaration)
        if len(declared) != len(function.arguments):
            declared = tuple(_undeclared(letter) for letter in function.arguments)
        if len(results) != len(function.results):
            results = tuple(_undeclared(letter) for letter in function.results)
        self.arguments = declared
        self._converters: list[Callable[[Any], Any]] = [
            _TensorInput(function.name, i, type_, allocator, staged=alone)
            if letter == "r"
            else _ScalarInput(function.name, i, letter, type_.element)
            for i, (letter, type_) in enumerate(zip(function.arguments, declared, strict=True))
        ]
        self._results = [
            tensor_output if letter == "r" else scalar_output(type_.element)
            for letter, type_ in zip(function.results, results, strict=True)
        ]
        self._count = len(self._converters)

    def to_device(self, arrays: Sequence[Any]) -> list[Any]:
        """VM arguments; ``InvalidInput`` names the input, what it takes and what it got."""
        if len(arrays) != self._count:
            takes = ", ".join(t.text for t in self.arguments) or "nothing"
            raise InvalidInput(
                f"{self.function.name!r} takes {self._count} inputs ({takes}), "
                f"{len(arrays)} are given"
            )
        return [convert(array) for convert, array in zip(self._converters, arrays, strict=True)]

    def to_host(self, results: Any) -> tuple[Value, ...]:
        """Outputs of what a function returned: None, one value, or a tuple of several."""
        converters = self._results
        if len(converters) == 1:
            return (converters[0](results),)
        if not converters:
            return ()
        return tuple([convert(r) for convert, r in zip(converters, results, strict=True)])

    def as_views(self, results: Any) -> tuple[Result, ...]:
        """The same with tensors as the views that the function returned."""
        values: tuple[Any, ...] = results if isinstance(results, tuple) else (results,)
        values = () if results is None else values
        found: list[Any] = [
            value if isinstance(value, BufferView) else convert(value)
            for convert, value in zip(self._results, values, strict=True)
        ]
        return tuple(found)


def _undeclared(letter: str) -> DeclaredType:
    names = {"i": "i32", "I": "i64", "f": "f32", "F": "f64"}
    kind = names.get(letter, "!hal.buffer_view")
    return DeclaredType(kind, "", kind, None)


class _TensorInput:
    """Arrays to buffer views."""

    def __init__(
        self, function: str, index: int, type_: DeclaredType, allocator: Allocator, *, staged: bool
    ) -> None:
        self._where = f"input {index} of {function!r}"
        self._type = type_
        self._element_type = _ELEMENT_TYPES.get(type_.element) if type_.shape is not None else None
        self._dtype = None if self._element_type is None else _dtype(self._element_type)
        # The only shape it can have, None where some dimension or all is free.
        static = type_.shape is not None and None not in type_.shape
        self._shape: tuple[int | None, ...] | None = type_.shape if static else None
        self._allocate = allocator.allocate
        # Where it always copies, it also knows the best way there.
        self._import = None if allocator.imports_in_place else allocator.import_host
        self._staging = self._make_staging(allocator) if staged else None

    def _make_staging(self, allocator: Allocator) -> _Staging | None:
        """Copying a small array of a known type into memory kept for it beats allocating it."""
        if self._dtype is None or self._element_type is None or self._shape is None:
            return None
        shape = tuple(dim for dim in self._shape if dim is not None)
        size_bytes = math.prod(shape) * self._dtype.itemsize
        if not 0 < size_bytes <= _STAGED_LIMIT_BYTES:
            return None
        staging = _Staging(allocator, self._dtype, shape, self._element_type, size_bytes)
        return staging if staging.works else None

    def __call__(self, value: Any) -> BufferView:
        if (
            type(value) is not np.ndarray
            or value.dtype is not self._dtype
            or value.shape != self._shape
        ):
            if isinstance(value, BufferView):
                return self._checked_view(value)
            value = self._checked(value)
        elif self._staging is not None:
            return self._staging.fill(value)
        element_type = self._element_type
        if element_type is None:
            element_type = element_type_from_dtype(value.dtype)
        if self._import is not None:
            return BufferView(
                self._import(value, INPUT_MEMORY, INPUT_USAGE), value.shape, element_type
            )
        buffer = self._allocate(INPUT_MEMORY, INPUT_USAGE, value.nbytes)
        if value.nbytes:
            buffer.map()[...] = value.reshape(-1).view(np.uint8)
        return BufferView(buffer, value.shape, element_type)

    def _checked_view(self, view: BufferView) -> BufferView:
        """A view the caller put on the device itself: passed on, where type and shape agree."""
        shape = self._type.shape
        if view.shape == self._shape and view.element_type == self._element_type:
            return view
        same_type = self._element_type in (None, view.element_type)
        if same_type and (
            shape is None
            or (
                len(shape) == len(view.shape)
                and all(want in (None, got) for want, got in zip(shape, view.shape, strict=True))
            )
        ):
            return view
        raise self._mismatch(view.shape, element_type_name(view.element_type))

    def _checked(self, value: Any) -> Array:
        """``value`` as an array of the declared type, or ``InvalidInput``."""
        dtype, shape = self._dtype, self._type.shape
        if isinstance(value, np.ndarray | np.generic):
            array: Array = np.asarray(value)
            if dtype is not None and array.dtype.newbyteorder("=") != dtype:
                raise self._mismatch(array.shape, _element_text(array))
        else:
            array = self._from_python(value, dtype)
        if shape is not None and not (
            len(shape) == array.ndim
            and all(want in (None, got) for want, got in zip(shape, array.shape, strict=True))
        ):
            raise self._mismatch(array.shape, _element_text(array))
        if not array.dtype.isnative:
            array = array.astype(array.dtype.newbyteorder("="))
        return array if array.flags.c_contiguous else np.ascontiguousarray(array)

    def _from_python(self, value: Any, dtype: np.dtype[Any] | None) -> Array:
        try:
            return np.asarray(value, dtype)
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidInput(
                f"{self._where} takes {self._type.text}, got {type(value).__name__}: {error}"
            ) from None

    def _mismatch(self, shape: tuple[int, ...], element: str) -> InvalidInput:
        given = "x".join([*map(str, shape), element])
        return InvalidInput(f"{self._where} takes {self._type.text}, got an array of {given}")


def _element_text(array: Array) -> str:
    try:
        return element_type_name(element_type_from_dtype(array.dtype))
    except InvalidInput:
        return str(array.dtype)


class _Staging:
    """A buffer that takes one small input after the other, while nobody else holds it.

    A program may keep an input (in a global, in an output, in an operation that waits); then
    references to the buffer remain, and the next input gets a new one.
    """

    def __init__(
        self,
        allocator: Allocator,
        dtype: np.dtype[Any],
        shape: tuple[int, ...],
        element_type: int,
        size_bytes: int,
    ) -> None:
        self._settled = allocator.settled
        self._dtype = dtype
        self._shape = shape
        self._element_type = element_type
        self._make = lambda: allocator.staging(size_bytes, INPUT_MEMORY, INPUT_USAGE)
        self._view: BufferView | None = None
        self._memory: Array = np.empty(0)
        self._idle = (0, 0)
        self.works = (
            self._renew() is not None
        )  # devices without memory that the host sees have none

    def fill(self, value: Array) -> BufferView:
        """A view of a buffer that holds the array's elements."""
        view = self._view
        if (
            view is None
            or _references(view) != self._idle
            or view.buffer.is_shared()
            or not self._settled()
        ):
            view = self._renew()
            assert view is not None
            self._idle = _references(view)
        self._memory[...] = value
        return view

    def _renew(self) -> BufferView | None:
        made = self._make()
        if made is None:
            return None
        buffer, data = made
        self._memory = data.view(self._dtype).reshape(self._shape)
        self._view = BufferView(buffer, self._shape, self._element_type)
        return self._view


def _references(view: BufferView) -> tuple[int, int]:
    """How many references there are to a view and to its buffer, those of the caller included."""
    return getrefcount(view), getrefcount(view.buffer)


class _ScalarInput:
    """Python numbers to i32, i64, f32 or f64 registers."""

    def __init__(self, function: str, index: int, letter: str, element: str) -> None:
        self._where = f"input {index} of {function!r}"
        self._element = element
        self._float = letter in "fF"
        self._single = letter == "f"
        self._bits = 64 if letter == "I" else 32
        half = 1 << (self._bits - 1)
        self._range = _INTEGER_RANGES.get(element, (-half, 2 * half - 1))

    def __call__(self, value: Any) -> int | float:
        if isinstance(value, np.ndarray | np.generic) and value.ndim == 0:
            value = value.item()
        if self._float and isinstance(value, int | float):
            return float(np.float32(value)) if self._single else float(value)
        if not self._float and isinstance(value, int):
            low, high = self._range
            if low <= value <= high:
                half = 1 << (self._bits - 1)
                return ((int(value) + half) & (2 * half - 1)) - half
            raise InvalidInput(f"{self._where} takes {self._element}, {value} does not fit")
        given = f"an array of shape {value.shape}" if isinstance(value, np.ndarray) else repr(value)
        raise InvalidInput(f"{self._where} takes a number ({self._element}), got {given}")


def tensor_output(view: Any) -> Array:
    """The array of a returned buffer view, over the device's memory, which it keeps alive."""
    if isinstance(view, BufferView):
        return view.to_numpy()
    raise InvalidInput(f"the function returned a {type(view).__name__}, which is no array")


def scalar_output(element: str) -> Callable[[Any], int | float]:
    """What turns a register into the declared scalar: narrow integers keep their low bits."""
    bits = {"i8": 8, "si8": 8, "i16": 16, "si16": 16}.get(element)
    if element == "i1":
        return lambda value: value & 1
    if bits is None:
        return lambda value: value
    half = 1 << (bits - 1)
    return lambda value: ((value + half) & (2 * half - 1)) - half


def _dtype(element_type: int) -> np.dtype[Any] | None:
    try:
        return dtype_from_element_type(element_type)
    except InvalidInput:
        return None  # a sub-byte type: the array's own dtype is taken as it is
