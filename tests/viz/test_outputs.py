"""Statistics and differences of outputs, against NumPy's own."""

from __future__ import annotations

import json

import ml_dtypes
import numpy as np
import pytest

from ireelab.viz.outputs import difference, output_record


def test_statistics_are_of_the_finite_elements() -> None:
    values = np.array([[1.0, -3.0, np.nan], [np.inf, 0.0, 2.0]], np.float32)
    record = output_record(values)
    finite = values[np.isfinite(values)]
    found = record["statistics"]
    assert (record["dtype"], record["shape"]) == ("f32", [2, 3])
    assert (found["count"], found["nan"], found["infinite"], found["zero"]) == (6, 1, 1, 1)
    assert found["mean"] == pytest.approx(float(finite.mean()))
    assert found["deviation"] == pytest.approx(float(finite.std()))
    assert (found["min"], found["max"]) == (-3.0, 2.0)


@pytest.mark.parametrize("dtype", [np.int8, np.uint64, bool, np.complex64, ml_dtypes.bfloat16])
def test_every_kind_of_output_has_a_record(dtype: type) -> None:
    values = np.array([0, 1, 1], dtype)
    record = json.loads(json.dumps(output_record(values)))
    assert record["statistics"]["max"] == 1.0
    assert difference(values, values)["different"] == 0


def test_scalars_and_empty_outputs() -> None:
    assert output_record(3)["statistics"]["mean"] == 3.0
    empty = np.zeros((0, 4), np.float32)
    assert output_record(empty)["statistics"]["min"] is None
    assert difference(empty, empty)["different"] == 0


def test_differences() -> None:
    before = np.array([1.0, 2.0, np.nan, np.inf], np.float32)
    now = np.array([1.0, 3.0, np.nan, -np.inf], np.float32)
    found = difference(now, before)
    assert (found["count"], found["different"]) == (4, 2)
    assert (found["absolute"], found["relative"]) == (1.0, 0.5)
    assert difference(now, now)["different"] == 0
    assert difference(np.zeros(4, np.float32), np.zeros(8, np.float32))["why"] == (
        "8xf32 before, 4xf32 now"
    )
