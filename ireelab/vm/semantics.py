"""What every VM instruction does, as one table of Python expressions.

An entry is a template over the operands in their encoded order (results excluded): ``{0}`` is the
first. The translator substitutes register names, the stepper values, so both agree by
construction. Templates refer to ``HELPERS`` and to the state of a context: ``G`` (globals, one
slot per 4 bytes, an i64 in its low slot), ``R`` (global references), ``D`` (read-only data).
Values are Python numbers already wrapped to their type: i32 and i64 signed, f32 rounded.
Control flow and calls are the translator's. Mirrors IREE's ``runtime/src/iree/vm/ops.h``; where C
leaves a result open (division by zero) a ``VMError`` is raised.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ireelab.errors import VMError
from ireelab.vm import libm_ffi, values
from ireelab.vm.values import INVALID_ARGUMENT, OUT_OF_RANGE, VMList, list_of, round_f32

_LIBM = libm_ffi.load()


def _signed(expression: str, bits: int) -> str:
    """Wraps to two's complement, inline: a call costs as much as the operation itself."""
    half, mask = hex(1 << (bits - 1)), hex((1 << bits) - 1)
    return f"(({expression}) + {half} & {mask}) - {half}"


def _flag(condition: str) -> str:
    return f"1 if {condition} else 0"


# --- helpers named by the templates -------------------------------------------------


def divide(a: int, b: int) -> int:
    """Integer division towards zero."""
    if not b:
        raise VMError("integer division by zero", status=INVALID_ARGUMENT)
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def remainder(a: int, b: int) -> int:
    """What truncating division leaves; it has the sign of the dividend."""
    return a - b * divide(a, b)


def leading_zeros(value: int, bits: int) -> int:
    return bits - (value & ((1 << bits) - 1)).bit_length()


def float_divide(a: float, b: float) -> float:
    try:
        return a / b
    except ZeroDivisionError:
        if a == 0 or a != a:
            return math.nan
        return math.copysign(math.inf, a) * math.copysign(1.0, b)


def round_to_int(value: float) -> int:
    """Half away from zero; what no i64 can hold becomes its minimum, as x86's C library does."""
    if not -9.3e18 < value < 9.3e18:
        return -(1 << 63)
    result = int(_LIBM["round"](value))
    return result if -(1 << 63) <= result < 1 << 63 else -(1 << 63)


def round_to_uint(value: float) -> int:
    """Half away from zero, for results up to 2**64."""
    if not -9.3e18 < value < 1.85e19:
        return 1 << 63 if value != value else 0
    return int(_LIBM["round"](value))


def f32_from_int(value: int) -> float:
    """An integer rounded once to f32 (through f64 it would be rounded twice)."""
    if -(1 << 53) < value < 1 << 53:
        return round_f32(value)
    return float(np.uint64(value).astype(np.float32) if value > 0 else np.float32(np.int64(value)))


def bits_to_float(bits: int, layout: str) -> float:
    return struct.unpack("<" + layout, bits.to_bytes(struct.calcsize(layout), "little"))[0]


def float_to_bits(value: float, layout: str) -> int:
    return int.from_bytes(struct.pack("<" + layout, value), "little", signed=True)


def global_slot(byte_offset: int, size_bytes: int, slots: list[Any]) -> int:
    """The checked slot of an indirect global access."""
    offset = byte_offset & 0xFFFF_FFFF
    if offset + size_bytes > 4 * len(slots):
        raise VMError(f"global offset {offset} is out of range", status=OUT_OF_RANGE)
    return offset >> 2


def ref_slot(index: int, refs: list[Any]) -> int:
    if not 0 <= index < len(refs):
        raise VMError(f"global reference {index} is out of range", status=OUT_OF_RANGE)
    return index


def choose(index: int, default: Any, options: tuple[Any, ...]) -> Any:
    return options[index] if 0 <= index < len(options) else default


HELPERS: Mapping[str, Any] = {
    "VMError": VMError,
    "VMList": VMList,
    "inf": math.inf,
    "nan": math.nan,
    "isnan": math.isnan,
    "f32": round_f32,
    **{f.__name__: f for f in (divide, remainder, leading_zeros, float_divide, round_to_int)},
    **{f.__name__: f for f in (round_to_uint, f32_from_int, bits_to_float, float_to_bits)},
    **{f.__name__: f for f in (global_slot, ref_slot, choose, list_of)},
    **{f"buffer_{f.__name__}": f for f in (values.allocate, values.clone, values.copy)},
    **{f"buffer_{f.__name__}": f for f in (values.compare, values.siphash, values.length_of)},
    "cast_ref": values.cast_ref,
    **{f"m_{name}": function for name, function in _LIBM.items()},
    **{
        f"{name}_": getattr(values, name)
        for name in ["I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64", "F32", "F64"]
    },
}


# --- the table -----------------------------------------------------------------------


def _references() -> dict[str, str]:
    return {
        "global.load.ref": "cast_ref(R[{0}], {1})",
        "global.store.ref": "R[{0}] = cast_ref({2}, {1})",
        "global.load.indirect.ref": "cast_ref(R[ref_slot({0}, R)], {1})",
        "global.store.indirect.ref": "R[ref_slot({0}, R)] = cast_ref({2}, {1})",
        "const.ref.zero": "None",
        "const.ref.rodata": "D[{0}]",
        "select.ref": "cast_ref({2} if {0} else {3}, {1})",
        "switch.ref": "cast_ref(choose({0}, {2}, {3}), {1})",
        "cmp.eq.ref": _flag("{0} is {1}"),
        "cmp.ne.ref": _flag("{0} is not {1}"),
        "cmp.nz.ref": _flag("{0} is not None"),
        "cast.any.ref": "cast_ref({0}, {1})",
        "assign.ref": "{0}",
        "list.alloc": "VMList({0}, {1})",
        "list.reserve": "list_of({0})",
        "list.size": "len(list_of({0}).items)",
        "list.resize": "list_of({0}).resize({1})",
        "list.get.ref": "list_of({0}).get_ref({1}, {2})",
        "list.set.ref": "list_of({0}).set_ref({1}, {2})",
    }


def _buffers() -> dict[str, str]:
    table = {
        "buffer.alloc": "buffer_allocate({0}, {1})",
        "buffer.clone": "buffer_clone({0}, {1}, {2}, {3})",
        "buffer.length": "buffer_length_of({0})",
        "buffer.copy": "buffer_copy({0}, {1}, {2}, {3}, {4})",
        "buffer.compare": "buffer_compare({0}, {1}, {2}, {3}, {4})",
        "buffer.hash": "buffer_siphash({0}, {1}, {2})",
        "buffer.load.i8.u": "U8_.load({0}, {1})",
        "buffer.load.i8.s": "I8_.load({0}, {1})",
        "buffer.load.i16.u": "U16_.load({0}, {1})",
        "buffer.load.i16.s": "I16_.load({0}, {1})",
    }
    for kind in ("i32", "i64", "f32", "f64"):
        table[f"buffer.load.{kind}"] = f"{kind.upper()}_.load({{0}}, {{1}})"
    for kind in ("i8", "i16", "i32", "i64", "f32", "f64"):
        accessor = kind.upper().replace("I", "U") + "_"
        table[f"buffer.store.{kind}"] = f"{accessor}.store({{0}}, {{1}}, {{2}})"
        table[f"buffer.fill.{kind}"] = f"{accessor}.fill({{0}}, {{1}}, {{2}}, {{3}})"
    return table


def _any_value(kind: str) -> dict[str, str]:
    """What all four value types share."""
    size_bytes = 8 if kind.endswith("64") else 4
    load = "float({0})" if kind.startswith("f") else "{0}"
    slot = f"G[global_slot({{0}}, {size_bytes}, G)]"
    return {
        f"global.load.{kind}": load.format("G[{0} >> 2]"),
        f"global.store.{kind}": "G[{0} >> 2] = {1}",
        f"global.load.indirect.{kind}": load.format(slot),
        f"global.store.indirect.{kind}": slot + " = {1}",
        f"const.{kind}.zero": "0.0" if kind.startswith("f") else "0",
        f"const.{kind}": "{0}",
        f"select.{kind}": "{1} if {0} else {2}",
        f"switch.{kind}": "choose({0}, {1}, {2})",
        f"list.get.{kind}": f"list_of({{0}}).get_value({{1}}, {kind!r})",
        f"list.set.{kind}": f"list_of({{0}}).set_value({{1}}, {kind!r}, {{2}})",
    }


def _integer(bits: int) -> dict[str, str]:
    mask = hex((1 << bits) - 1)
    a, b = f"({{0}} & {mask})", f"({{1}} & {mask})"
    amount = f"({{1}} & {bits - 1})"

    def signed(expression: str) -> str:
        return _signed(expression, bits)

    table = {
        "add": signed("{0} + {1}"),
        "sub": signed("{0} - {1}"),
        "mul": signed("{0} * {1}"),
        "fma": signed("{0} * {1} + {2}"),
        "div.s": signed("divide({0}, {1})"),
        "div.u": signed(f"divide({a}, {b})"),
        "rem.s": "remainder({0}, {1})",
        "rem.u": signed(f"remainder({a}, {b})"),
        "abs": signed("abs({0})"),
        "min.s": "{1} if {1} < {0} else {0}",
        "max.s": "{1} if {0} < {1} else {0}",
        "min.u": f"{{1}} if {b} < {a} else {{0}}",
        "max.u": f"{{1}} if {a} < {b} else {{0}}",
        "not": "~{0}",
        "and": "{0} & {1}",
        "or": "{0} | {1}",
        "xor": "{0} ^ {1}",
        "ctlz": f"leading_zeros({{0}}, {bits})",
        "shl": signed(f"{{0}} << {amount}"),
        "shr.s": f"{{0}} >> {amount}",
        "shr.u": signed(f"{a} >> {amount}"),
        "cmp.eq": _flag("{0} == {1}"),
        "cmp.ne": _flag("{0} != {1}"),
        "cmp.lt.s": _flag("{0} < {1}"),
        "cmp.lt.u": _flag(f"{a} < {b}"),
        "cmp.nz": _flag("{0}"),
    }
    return {_insert(name, f"i{bits}"): template for name, template in table.items()}


def _insert(name: str, kind: str) -> str:
    """``div.s`` of i32 is spelled ``div.i32.s``."""
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.{kind}.{suffix}" if suffix in ("s", "u", "o", "even") else f"{name}.{kind}"


def _casts() -> dict[str, str]:
    table = {
        "trunc.i32.i8": "{0} & 0xff",
        "trunc.i32.i16": "{0} & 0xffff",
        "trunc.i64.i32": _signed("{0}", 32),
        "ext.i8.i32.s": _signed("{0}", 8),
        "ext.i8.i32.u": "{0} & 0xff",
        "ext.i16.i32.s": _signed("{0}", 16),
        "ext.i16.i32.u": "{0} & 0xffff",
        "ext.i32.i64.s": "{0}",
        "ext.i32.i64.u": "{0} & 0xffffffff",
        "trunc.f64.f32": "f32({0})",
        "ext.f32.f64": "{0}",
        "cast.f32.ui64": _signed("round_to_uint({0})", 64),
        "bitcast.i32.f32": "bits_to_float({0} & 0xffffffff, 'f')",
        "bitcast.f32.i32": "float_to_bits({0}, 'f')",
        "bitcast.i64.f64": "bits_to_float({0} & 0xffffffffffffffff, 'd')",
        "bitcast.f64.i64": "float_to_bits({0}, 'd')",
    }
    for bits in (32, 64):
        unsigned = f"{{0}} & {hex((1 << bits) - 1)}"
        table[f"cast.si{bits}.f32"] = "f32_from_int({0})"
        table[f"cast.ui{bits}.f32"] = f"f32_from_int({unsigned})"
        table[f"cast.si{bits}.f64"] = "float({0})"
        table[f"cast.ui{bits}.f64"] = f"float({unsigned})"
        table[f"cast.f32.si{bits}"] = _signed("round_to_int({0})", bits)
    table["cast.f32.ui32"] = _signed("round_to_int({0})", 32)
    # IREE casts f64 to i32 by way of f32.
    table["cast.f64.si32"] = table["cast.f64.ui32"] = _signed("round_to_int(f32({0}))", 32)
    table["cast.f64.si64"] = table["cast.f64.ui64"] = "round_to_int({0})"
    return table


def _floating(kind: str) -> dict[str, str]:
    suffix = "f" if kind == "f32" else ""
    rounded: Callable[[str], str] = "f32({})".format if kind == "f32" else "{}".format
    product = rounded("{0} * {1}")
    table = {
        "add": rounded("{0} + {1}"),
        "sub": rounded("{0} - {1}"),
        "mul": product,
        "div": rounded("float_divide({0}, {1})"),
        "fma": rounded(product + " + {2}"),
        "rem": f"m_remainder{suffix}({{0}}, {{1}})",
        "abs": "abs({0})",
        "neg": "-{0}",
        "round.even": f"m_rint{suffix}({{0}})",
        "rsqrt": rounded(f"float_divide(1.0, m_sqrt{suffix}({{0}}))"),
        "min": "{1} if {1} < {0} else {0}",
        "max": "{1} if {0} < {1} else {0}",
        "atan2": f"m_atan2{suffix}({{0}}, {{1}})",
        "pow": f"m_pow{suffix}({{0}}, {{1}})",
        "cmp.nan": _flag("{0} != {0}"),
    }
    unary = "ceil floor round atan cos sin exp exp2 expm1 log log10 log1p log2 sqrt tanh erf"
    for name in unary.split():
        table[name] = f"m_{name}{suffix}({{0}})"
    out = {_insert(name, kind): template for name, template in table.items()}
    unordered = "{0} != {0} or {1} != {1}"
    for name, operator in (("eq", "=="), ("ne", "!="), ("lt", "<"), ("lte", "<=")):
        # IREE's ordered "ne" is plain C inequality, true for NaN.
        out[f"cmp.{name}.{kind}.o"] = _flag(f"{{0}} {operator} {{1}}")
        out[f"cmp.{name}.{kind}.u"] = _flag(f"{{0}} {operator} {{1}} or {unordered}")
    return out


SEMANTICS: Mapping[str, str] = {
    **_references(),
    **_buffers(),
    **{m: t for kind in ("i32", "i64", "f32", "f64") for m, t in _any_value(kind).items()},
    **_integer(32),
    **_integer(64),
    **_casts(),
    **_floating("f32"),
    **_floating("f64"),
}

# Instructions whose meaning is in the translator and the stepper: branches, calls, debugging.
CONTROL = frozenset(
    (
        *("block", "br", "cond_br", "br_table", "return", "fail", "yield", "break", "cond_break"),
        *("call", "call.variadic", "call.yieldable", "call.variadic.yieldable"),
        *("import.resolved", "discard.refs", "trace", "print"),
    )
)
