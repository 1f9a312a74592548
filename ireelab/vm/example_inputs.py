"""Inputs made up from a function's signature, for a first look at a program."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np

from ireelab.array_text import dtype_of
from ireelab.errors import InvalidInput
from ireelab.vm.declaration import DeclaredType, parse_declaration

if TYPE_CHECKING:
    from ireelab.program import Function
    from ireelab.vm.abi import Value


def example_inputs(
    function: Function, *, seed: int = 0, given: Collection[int] = ()
) -> tuple[Value, ...]:
    """One value for each argument: floats normally distributed, integers from 0 to 9.

    The same seed gives the same values. Arguments whose number is in ``given`` are left out.

    Raises:
        InvalidInput: the signature leaves something open: a dynamic dimension, an unknown type,
            or no declaration at all.
    """
    if all(i in given for i in range(len(function.arguments))):
        return ()
    declared, _ = parse_declaration(function.declaration)
    if len(declared) != len(function.arguments):
        raise InvalidInput(f"{function.name!r} does not declare its arguments; give --input each")
    generator = np.random.default_rng(seed)
    return tuple(
        _example(function.name, i, type_, generator)
        for i, type_ in enumerate(declared)
        if i not in given
    )


def _example(name: str, index: int, type_: DeclaredType, generator: np.random.Generator) -> Value:
    shape = () if type_.shape is None else type_.shape
    if None in shape:
        raise InvalidInput(
            f"input {index} of {name!r} is {type_.text}: its size is yours to choose, so give it "
            "with --input"
        )
    dims = tuple(dim for dim in shape if dim is not None)
    element = "i64" if type_.element == "index" else type_.element
    dtype: np.dtype[Any] = dtype_of(element)
    if dtype.kind in "biu":
        high = 2 if dtype.kind == "b" else 10
        values = generator.integers(0, high, dims).astype(dtype)
    elif dtype.kind == "c":
        values = (generator.standard_normal(dims) + 1j * generator.standard_normal(dims)).astype(
            dtype
        )
    else:
        values = np.asarray(generator.standard_normal(dims)).astype(dtype)
    return values.item() if type_.shape is None else values
