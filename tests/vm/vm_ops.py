"""Generates a ``vm`` dialect module with one function per arithmetic instruction.

``SPECS`` maps a function name (``add_i32``) to the types of its arguments and results, so that
tests can draw inputs for it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

INTEGER_BINARY = (
    *("add", "sub", "mul", "div.s", "div.u", "rem.s", "rem.u", "min.s", "min.u", "max.s", "max.u"),
    *("and", "or", "xor"),
)
INTEGER_COMPARE = ("cmp.eq", "cmp.ne", "cmp.lt.s", "cmp.lt.u")
FLOAT_BINARY = ("add", "sub", "mul", "div", "rem", "min", "max", "atan2", "pow")
FLOAT_UNARY = (
    *("abs", "neg", "ceil", "floor", "round", "round.even", "atan", "cos", "sin", "exp", "exp2"),
    *("expm1", "log", "log10", "log1p", "log2", "rsqrt", "sqrt", "tanh", "erf"),
)
FLOAT_COMPARE = tuple(
    f"cmp.{name}.{order}" for name in ("eq", "ne", "lt", "lte") for order in ("o", "u")
)
CASTS = (
    *("trunc.i64.i32", "ext.i32.i64.s", "ext.i32.i64.u", "trunc.f64.f32", "ext.f32.f64"),
    *("cast.si32.f32", "cast.ui32.f32", "cast.f32.si32", "cast.f32.ui32"),
    *("cast.si64.f32", "cast.ui64.f32", "cast.f32.si64", "cast.f32.ui64"),
    *("cast.si64.f64", "cast.ui64.f64", "cast.f64.si64", "cast.f64.ui64"),
    *("bitcast.i32.f32", "bitcast.f32.i32", "bitcast.i64.f64", "bitcast.f64.i64"),
)
NARROW_CASTS = (
    *("trunc.i32.i8", "trunc.i32.i16", "ext.i8.i32.s", "ext.i8.i32.u"),
    *("ext.i16.i32.s", "ext.i16.i32.u"),
)


@dataclass(frozen=True)
class Spec:
    """One generated function: the instruction it holds, its argument and result types."""

    mnemonic: str
    arguments: tuple[str, ...]
    result: str

    @property
    def name(self) -> str:
        return self.mnemonic.replace(".", "_")


def _typed(stem: str, kind: str) -> str:
    head, _, tail = stem.rpartition(".")
    return f"{head}.{kind}.{tail}" if tail in ("s", "u", "o", "even") else f"{stem}.{kind}"


def _specs() -> list[Spec]:
    specs: list[Spec] = []
    for kind in ("i32", "i64"):
        specs += [Spec(_typed(op, kind), (kind, kind), kind) for op in INTEGER_BINARY]
        specs += [Spec(_typed(op, kind), (kind, kind), "i32") for op in INTEGER_COMPARE]
        specs += [Spec(_typed(op, kind), (kind,), kind) for op in ("not", "abs", "ctlz")]
        specs += [Spec(_typed(op, kind), (kind, "i32"), kind) for op in ("shl", "shr.s", "shr.u")]
        specs.append(Spec(f"cmp.nz.{kind}", (kind,), "i32"))
    for kind in ("f32", "f64"):
        specs += [Spec(_typed(op, kind), (kind, kind), kind) for op in FLOAT_BINARY]
        specs += [Spec(_typed(op, kind), (kind,), kind) for op in FLOAT_UNARY]
        specs += [Spec(_typed(op, kind), (kind, kind), "i32") for op in FLOAT_COMPARE]
        specs.append(Spec(f"cmp.nan.{kind}", (kind,), "i32"))
    for kind in ("i32", "i64", "f32", "f64"):
        specs.append(Spec(f"fma.{kind}", (kind, kind, kind), kind))
        specs.append(Spec(f"select.{kind}", ("i32", kind, kind), kind))
    for cast in CASTS:
        words = [w.replace("si", "i").replace("ui", "i") for w in cast.split(".")]
        specs.append(Spec(cast, (words[1],), words[2]))
    specs += [Spec(cast, ("i32",), "i32") for cast in NARROW_CASTS]
    return specs


SPECS = {spec.name: spec for spec in _specs()}


def _function(spec: Spec) -> str:
    names = [f"%{letter}" for letter, _ in zip("abc", spec.arguments, strict=False)]
    parameters = ", ".join(f"{n}: {t}" for n, t in zip(names, spec.arguments, strict=True))
    kinds = spec.arguments[-1]
    if spec.mnemonic.startswith(("cast", "bitcast", "trunc", "ext")):
        kinds = f"{spec.arguments[0]} -> {spec.result}"
    elif spec.mnemonic.startswith(("shl", "shr")):
        kinds = spec.arguments[0]
    return "\n".join(
        (
            f"  vm.export @{spec.name}",
            f"  vm.func @{spec.name}({parameters}) -> {spec.result} {{",
            f"    %r = vm.{spec.mnemonic} {', '.join(names)} : {kinds}",
            f"    vm.return %r : {spec.result}",
            "  }",
        )
    )


def module_text() -> str:
    return "vm.module @ops {\n" + "\n".join(map(_function, SPECS.values())) + "\n}\n"


def edge_values(kind: str) -> list[int | float]:
    """Values where instructions are likely to go wrong."""
    if kind.startswith("i"):
        bits = int(kind[1:])
        low = -(1 << (bits - 1))
        return [0, 1, -1, 2, -7, 31, 33, 64, low, low + 1, -low - 1, 0x55, -0x5555, 1 << 24]
    return [
        *(0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 3.25, 100.75, 1e10, -3e9),
        *(float("inf"), float("-inf"), float("nan"), 1.1754943508222875e-38, 5e-324 * 2**900),
    ]


def pairs(*kinds: str) -> list[tuple[int | float, ...]]:
    return list(itertools.product(*(edge_values(kind) for kind in kinds)))
