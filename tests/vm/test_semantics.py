"""Every arithmetic instruction against IREE's own VM, on edge values and random ones."""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from vm_ops import SPECS, Spec, module_text, pairs
from vm_support import VmReference, same

import ireelab as il
from ireelab.errors import VMError
from ireelab.vm import isa
from ireelab.vm.semantics import CONTROL, SEMANTICS

# C leaves these open (a trap or any value), so that there is nothing to compare with.
UNDEFINED = {
    "div": lambda a, b: b == 0 or (b == -1 and a in (-(1 << 31), -(1 << 63))),
    "rem": lambda a, b: b == 0 or (b == -1 and a in (-(1 << 31), -(1 << 63))),
}


@pytest.fixture(scope="module")
def path(vm_program: Callable[[str], Path]) -> Path:
    return vm_program(module_text())


@pytest.fixture(scope="module")
def vm_context(path: Path) -> Iterator[il.Context]:
    with il.Context(il.load(path), "null") as context:
        yield context


def _inputs(spec: Spec) -> list[tuple[int | float, ...]]:
    generator = random.Random(spec.mnemonic)
    draws: list[tuple[int | float, ...]] = []
    for _ in range(60):
        draws.append(tuple(_draw(generator, kind) for kind in spec.arguments))
    edges = pairs(*spec.arguments)
    return [*generator.sample(edges, min(len(edges), 150)), *draws]


def _draw(generator: random.Random, kind: str) -> int | float:
    if kind.startswith("i"):
        bits = int(kind[1:])
        value = generator.getrandbits(generator.choice((4, bits // 2, bits - 1)))
        return value - (1 << (bits - 1)) if generator.random() < 0.5 else value
    value = generator.uniform(-50, 50) * 10.0 ** generator.randint(-6, 6)
    return float(np.float32(value)) if kind == "f32" else value


def _defined(spec: Spec, values: tuple[int | float, ...]) -> bool:
    stem, *kinds = spec.mnemonic.split(".")
    if stem in UNDEFINED and kinds[0].startswith("i"):
        return not UNDEFINED[stem](*values)
    if stem == "cast" and kinds[0].startswith("f"):
        # Out of the target's range C may do anything; a negative to unsigned included.
        (value,) = values
        bits = int(kinds[1][2:])
        low = -0.4 if kinds[1].startswith("u") else -(2.0 ** (bits - 1)) * 0.99
        high = 2.0 ** (bits - 1) * 0.99
        return math.isfinite(value) and low <= value <= high
    return not (stem == "abs" and kinds[0].startswith("i") and values[0] in _MINIMA)


_MINIMA = (-(1 << 31), -(1 << 63))


def _as_f32(value: float) -> float:
    return struct.unpack("<f", struct.pack("<f", value))[0]


@pytest.mark.parametrize("name", sorted(SPECS))
def test_agrees_with_iree(name: str, path: Path, vm_context: il.Context) -> None:
    spec = SPECS[name]
    reference = VmReference(path)
    checked = 0
    for values in _inputs(spec):
        if not _defined(spec, values):
            continue
        values = tuple(
            _as_f32(v) if kind == "f32" and abs(v) < 3e38 else v
            for v, kind in zip(values, spec.arguments, strict=True)
        )
        (ours,) = vm_context.invoke(name, *values)
        (theirs,) = reference(name, *values)
        assert same(ours, theirs), f"{name}{values}: {ours} here, {theirs} in IREE's VM"
        checked += 1
    assert checked > 8


@pytest.mark.parametrize("name", ["div_i32_s", "div_i64_u", "rem_i32_u", "rem_i64_s"])
def test_integer_division_by_zero_fails(name: str, vm_context: il.Context) -> None:
    with pytest.raises(VMError, match="division by zero"):
        vm_context.invoke(name, 7, 0)


def test_overflow_wraps(vm_context: il.Context) -> None:
    low32, low64 = -(1 << 31), -(1 << 63)
    assert vm_context.invoke("div_i32_s", low32, -1) == (low32,)
    assert vm_context.invoke("rem_i64_s", low64, -1) == (0,)
    assert vm_context.invoke("abs_i32", low32) == (low32,)
    assert vm_context.invoke("add_i64", -low64 - 1, 1) == (low64,)
    assert vm_context.invoke("mul_i32", 65536, 65536) == (0,)


def test_casts_round_half_away_from_zero(vm_context: il.Context) -> None:
    assert [vm_context.invoke("cast_f32_si32", v)[0] for v in (0.5, 1.5, 2.5, -0.5, -2.5)] == [
        1, 2, 3, -1, -3,
    ]  # fmt: skip
    assert vm_context.invoke("cast_f32_ui32", 4294967040.0) == (-256,)
    assert vm_context.invoke("cast_f32_ui64", 2.0**63) == (-(1 << 63),)


def test_large_integers_round_once_to_f32(vm_context: il.Context) -> None:
    # Through f64 this would round to even twice and lose the last bit.
    value = (1 << 60) + (1 << 36) + 1
    assert vm_context.invoke("cast_si64_f32", value) == (float(np.float32(np.int64(value))),)


def test_every_instruction_has_a_meaning() -> None:
    known = set(SEMANTICS) | CONTROL
    assert set(isa.BY_MNEMONIC) == known
    assert len(isa.OPCODES) == 263  # 265 entries of IREE's table less the two prefixes
