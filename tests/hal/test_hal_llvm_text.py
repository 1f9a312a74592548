"""The shim from LLVM 24's text to LLVM 22's: exact bits of every kind of constant."""

from __future__ import annotations

import ctypes
import math
import struct

import llvmlite.binding as llvm
import pytest

from ireelab.hal.drivers.llvm_cpu.llvm_ffi import JitModule
from ireelab.hal.drivers.llvm_cpu.llvm_text import to_llvm22, with_triple

SIZES = {"half": 2, "bfloat": 2, "float": 4, "double": 8}


def bits_of(type_name: str, literal: str) -> int:
    """Compile a global with this constant and read its memory."""
    module = JitModule(f"@value = constant {type_name} {literal}\n", name="constant")
    data = ctypes.string_at(module.address("value"), SIZES[type_name])
    return int.from_bytes(data, "little")


@pytest.mark.parametrize(
    ("type_name", "literal", "bits"),
    [
        ("float", "f0x3F8CCCCD", 0x3F8CCCCD),
        ("float", "f0x00000001", 0x00000001),
        ("double", "f0x3FF199999999999A", 0x3FF199999999999A),
        ("half", "f0x3C01", 0x3C01),
        ("bfloat", "f0x3F81", 0x3F81),
        ("float", "+inf", 0x7F800000),
        ("float", "-inf", 0xFF800000),
        ("double", "-inf", 0xFFF0000000000000),
        ("half", "+inf", 0x7C00),
        ("bfloat", "-inf", 0xFF80),
        ("float", "+qnan", 0x7FC00000),
        ("double", "-qnan", 0xFFF8000000000000),
        ("half", "+qnan", 0x7E00),
        ("float", "+nan(0x1)", 0x7FC00001),
        ("bfloat", "+snan(0x1)", 0x7F81),
        ("float", "0.1", 0x3DCCCCCD),
        ("float", "1.000000e+00", 0x3F800000),
        ("float", "-2.5", 0xC0200000),
        ("double", "0.1", 0x3FB999999999999A),
        ("half", "0.1", 0x2E66),
        ("bfloat", "0.1", 0x3DCD),
        ("bfloat", "3.140625", 0x4049),
        ("bfloat", "1.00390625", 0x3F80),  # a tie: to even
        ("bfloat", "1.01171875", 0x3F82),  # a tie: to even
        ("half", "0xH3C00", 0x3C00),
        ("float", "0x3FF0000000000000", 0x3F800000),
    ],
)
def test_constant(type_name: str, literal: str, bits: int) -> None:
    assert bits_of(type_name, literal) == bits


def test_every_half_and_bfloat_survives() -> None:
    for value in range(0, 1 << 16, 257):
        for type_name, letter in (("half", "H"), ("bfloat", "R")):
            text = to_llvm22(f"@v = constant {type_name} f0x{value:04X}")
            assert text == f"@v = constant {type_name} 0x{letter}{value:04X}"


def test_floats_are_widened_exactly() -> None:
    for value in (1e-45, 1.1754942e-38, 0.1, 3.4028235e38, -0.0, math.pi):
        single = struct.unpack("<I", struct.pack("<f", value))[0]
        wide = struct.unpack(
            "<d", struct.pack("<d", struct.unpack("<f", struct.pack("<f", value))[0])
        )[0]
        expected = struct.unpack("<Q", struct.pack("<d", wide))[0]
        assert to_llvm22(f"float f0x{single:08X}") == f"float 0x{expected:016X}"


def test_vectors_take_the_nearest_type() -> None:
    line = "  %a = fadd <2 x float> %b, <float 0.1, float +inf>"
    assert to_llvm22(line) == (
        "  %a = fadd <2 x float> %b, <float 0x3FB99999A0000000, float 0x7FF0000000000000>"
    )


@pytest.mark.parametrize(
    "line",
    [
        '!0 = !{!"version 1.5 +inf"}',
        "; a comment with 0.1 float +inf",
        '@s = constant [9 x i8] c"float 0.1"',
        'attributes #0 = { "a"="float 1.5" }',
        "define float @f.1.5(float %x.0.1)",
        "  store i32 5, ptr %p.10",
    ],
)
def test_what_is_no_constant_stays(line: str) -> None:
    assert to_llvm22(line) == line


def test_wide_formats() -> None:
    assert to_llvm22("x86_fp80 f0x3FFF8000000000000000") == "x86_fp80 0xK3FFF8000000000000000"
    assert to_llvm22("fp128 f0x3FFF0000000000000000000000000001") == (
        "fp128 0xL00000000000000013FFF000000000000"
    )


def test_triple() -> None:
    text = 'target triple = "x86_64-unknown-unknown-eabi-elf"\n'
    assert with_triple(text, llvm.get_process_triple()).count(llvm.get_process_triple()) == 1
