"""IREE's text form of arrays, against what iree-run-module reads and prints."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from ireelab.array_text import format_value, parse_input, parse_inputs, type_of
from ireelab.errors import InvalidInput


def one(text: str) -> np.ndarray:
    (value,) = parse_input(text)
    assert isinstance(value, np.ndarray)
    return value


def test_splat_fills_the_shape() -> None:
    array = one("8x64xf32=1.5")
    assert array.shape == (8, 64)
    assert array.dtype == np.float32
    assert (array == 1.5).all()


def test_no_values_is_zeros() -> None:
    assert one("2x3xi8").tolist() == [[0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize("values", ["1 2 3 4", "1,2,3,4", "[1 2][3 4]", "[[1 2],[3 4]]"])
def test_brackets_and_commas_only_separate(values: str) -> None:
    assert one(f"2x2xi32={values}").tolist() == [[1, 2], [3, 4]]


def test_rank_zero_and_scalars_differ() -> None:
    assert one("f32=2").shape == ()
    assert parse_input("2") == [2]
    assert parse_input("2.5") == [2.5]
    assert isinstance(parse_input("2")[0], int)


def test_special_floats_and_hexadecimal() -> None:
    array = one("4xf32=0x10 inf -inf nan")
    assert array[0] == 16
    assert np.isposinf(array[1])
    assert np.isneginf(array[2])
    assert np.isnan(array[3])


def test_small_types() -> None:
    assert one("3xi1=1 0 1").tolist() == [True, False, True]
    assert one("2xbf16=1.125").dtype == ml_dtypes.bfloat16
    assert one("2xui8=255 0").tolist() == [255, 0]


def test_files(tmp_path: Path) -> None:
    first, second = np.arange(6, dtype=np.float32).reshape(2, 3), np.ones(2, np.int64)
    with (tmp_path / "two.npy").open("wb") as file:
        np.save(file, first)
        np.save(file, second)
    got = parse_inputs([f"@{tmp_path}/two.npy", "7"])
    np.testing.assert_array_equal(got[0], first)
    np.testing.assert_array_equal(got[1], second)
    assert got[2] == 7
    (tmp_path / "raw.bin").write_bytes(first.tobytes())
    np.testing.assert_array_equal(one(f"2x3xf32=@{tmp_path}/raw.bin"), first)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2x2xf32=1 2 3", "gives 3 values, its shape holds 4"),
        ("2xq7=1", "unknown element type 'q7'"),
        ("2xi32=a b", "invalid literal"),
        ("2xi8=300 1", "300"),
        ("@/nowhere/x.npy", "no such file"),
        ("what is this", "cannot read the input"),
        ("4xf32=@/nowhere/x.bin", "no such file"),
    ],
)
def test_a_bad_input_says_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        parse_input(text)


def test_raw_file_of_the_wrong_size(tmp_path: Path) -> None:
    (tmp_path / "raw.bin").write_bytes(b"12345")
    with pytest.raises(InvalidInput, match="has 5 bytes, needs 8"):
        parse_input(f"2xf32=@{tmp_path}/raw.bin")


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InvalidInput, match=r"not a \.npy file"):
        parse_input(f"@{tmp_path}/x.npy")


def test_long_outputs_are_cut() -> None:
    assert format_value(np.arange(5, dtype=np.int32), max_elements=3) == "5xi32=0 1 2 ..."
    grid = np.zeros((3, 2), np.int32)
    assert format_value(grid, max_elements=3) == "3x2xi32=[0 0][0 ...]..."


def test_type_of() -> None:
    assert type_of(np.zeros((8, 10), np.float32)) == "8x10xf32"
    assert type_of(np.zeros((), np.int64)) == "i64"


PEER = """
func.func @f(%a: tensor<2x3xf32>, %b: tensor<2x2x2xi8>, %c: tensor<f32>, %d: tensor<3xi1>,
             %e: tensor<2xf16>, %g: tensor<2xbf16>, %h: tensor<0xf32>, %i: i32, %j: f32)
    -> (tensor<2x3xf32>, tensor<2x2x2xi8>, tensor<f32>, tensor<3xi1>, tensor<2xf16>,
        tensor<2xbf16>, tensor<0xf32>, i32, f32) {
  return %a, %b, %c, %d, %e, %g, %h, %i, %j
    : tensor<2x3xf32>, tensor<2x2x2xi8>, tensor<f32>, tensor<3xi1>, tensor<2xf16>,
      tensor<2xbf16>, tensor<0xf32>, i32, f32
}
"""
PEER_INPUTS = [
    "2x3xf32=[1.001 2 3][4.25 1e10 0.1]",
    "2x2x2xi8=[[1 2][-3 4]][[5 6][7 8]]",
    "f32=1.5",
    "3xi1=01 00 01",
    "2xf16=1.123456 65504",
    "2xbf16=1.123456 1e30",
    "0xf32",
    "7",
    "2.5",
]


def test_reads_and_prints_as_iree_run_module_does(tmp_path: Path) -> None:
    tools = Path(sys.executable).parent
    if shutil.which("iree-run-module", path=tools) is None:
        pytest.skip("iree-run-module is not beside this Python")
    source, vmfb = tmp_path / "f.mlir", tmp_path / "f.vmfb"
    source.write_text(PEER)
    subprocess.run(
        [tools / "iree-compile", "--iree-hal-target-device=local",
         "--iree-hal-local-target-device-backends=vmvx", source, "-o", vmfb],
        check=True,
    )  # fmt: skip
    ran = subprocess.run(
        [tools / "iree-run-module", f"--module={vmfb}", "--function=f"]
        + [f"--input={text}" for text in PEER_INPUTS],
        check=True,
        capture_output=True,
        text=True,
    )
    printed = [line for line in ran.stdout.splitlines() if "=" in line]
    printed = [line.split(": ", 1)[-1] for line in printed]
    assert [format_value(value) for value in parse_inputs(PEER_INPUTS)] == printed
