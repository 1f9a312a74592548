"""Inputs made up from a signature."""

from __future__ import annotations

import numpy as np
import pytest

import ireelab as il
from ireelab.errors import InvalidInput
from ireelab.program import Function
from ireelab.vm.example_inputs import example_inputs


def function(declaration: str, arguments: str) -> Function:
    return Function("f", "", tuple(arguments), (), declaration, False, False)


def test_every_kind_of_argument_gets_a_value() -> None:
    declared = (
        "sync func @f(%a: tensor<2x3xf32>, %b: tensor<4xi8>, %c: tensor<i1>, "
        "%d: tensor<2xcomplex<f32>>, %e: tensor<3xbf16>, %f: i32, %g: f32, %h: index) -> ()"
    )
    values = example_inputs(function(declared, "rrrrrifI"))
    arrays = [np.asarray(value) for value in values]
    assert [str(array.dtype) for array in arrays[:5]] == [
        "float32",
        "int8",
        "bool",
        "complex64",
        "bfloat16",
    ]
    assert [array.shape for array in arrays] == [(2, 3), (4,), (), (2,), (3,), (), (), ()]
    assert isinstance(values[5], int)
    assert isinstance(values[6], float)
    again = example_inputs(function(declared, "rrrrrifI"))
    np.testing.assert_array_equal(arrays[0], np.asarray(again[0]))


def test_what_is_open_is_asked_for() -> None:
    with pytest.raises(InvalidInput, match=r"input 0 of 'f' is tensor<\?xf32>"):
        example_inputs(function("sync func @f(%a: tensor<?xf32>) -> ()", "r"))
    with pytest.raises(InvalidInput, match="does not declare"):
        example_inputs(function("", "r"))
    assert example_inputs(function("", "ri"), given=(0, 1)) == ()  # nothing is left open


def test_they_run() -> None:
    program = il.compile(il.examples.path("mlp")).program
    (output,) = il.run(program, "mlp", *example_inputs(program.function("mlp"))).outputs
    assert np.isfinite(output).all()
