"""LLVM IR text of the compiler's LLVM (24) as text that llvmlite's LLVM (22) parses.

Only the spelling of floating-point constants differs:

    LLVM 24                                   LLVM 22
    float f0x3F8CCCCD, double f0x3FF0...      float 0x3FF19999A0000000, double 0x3FF0...
    half +inf, float -qnan, float +nan(0x1)   half 0xH7C00, float 0xFFF8..., float 0x7FF0...
    float 0.1 (nearest, not exact)            float 0x3FB99999A0000000

A float is written as the double that it converts to, half and bfloat as their own bits.
"""

from __future__ import annotations

import re
import struct

_LITERAL = re.compile(
    r"""f0x(?P<bits>[0-9A-Fa-f]+)
    | (?P<sign>[+-])(?P<kind>inf|qnan|s?nan\(0x(?P<payload>[0-9A-Fa-f]+)\))(?![\w.])
    | (?<![\w.%@!"x-])(?P<decimal>-?\d+\.\d*(?:e[+-]?\d+)?)(?![\w.])""",
    re.VERBOSE,
)
_TYPE = re.compile(r"(?<![\w.%@])(half|bfloat|float|double|x86_fp80|fp128|ppc_fp128)\b")
_QUOTED = re.compile(r'"[^"]*"')
_TRIPLE = re.compile(r"^target triple = .*$", re.MULTILINE)

# type -> (exponent bits, mantissa bits)
_FORMATS = {"half": (5, 10), "bfloat": (8, 7), "float": (8, 23), "double": (11, 52)}


def to_llvm22(text: str) -> str:
    """The module with every floating-point constant spelled as LLVM 22 wants it.

    Text that is LLVM 22 already comes back unchanged in meaning.
    """
    return "\n".join(_convert_line(line) for line in text.split("\n"))


def with_triple(text: str, triple: str) -> str:
    """The module for another target triple (the compiler's is not one a JIT can use)."""
    return _TRIPLE.sub(f'target triple = "{triple}"', text)


def _convert_line(line: str) -> str:
    if line[:1] in ("!", ";") or not _LITERAL.search(line):
        return line
    quoted = [match.span() for match in _QUOTED.finditer(line)]
    types = [(match.start(), match.group(1)) for match in _TYPE.finditer(line)]

    def replace(match: re.Match[str]) -> str:
        start = match.start()
        if any(begin <= start < end for begin, end in quoted):
            return match.group(0)
        # A constant's type is the nearest type before it: "<2 x float> <float 1.0, float 2.0>".
        before = [name for position, name in types if position < start]
        return _convert(match, before[-1] if before else "")

    return _LITERAL.sub(replace, line)


def _convert(match: re.Match[str], type_name: str) -> str:
    bits = match.group("bits")
    if bits is not None:
        return _from_hex(bits, type_name)
    if type_name not in _FORMATS:
        return match.group(0)
    decimal = match.group("decimal")
    if decimal is not None:
        return _from_decimal(decimal, type_name)
    return _spell(_special_bits(match, type_name), type_name)


def _from_hex(digits: str, type_name: str) -> str:
    if type_name == "x86_fp80":
        return f"0xK{digits:>020}"
    if type_name in ("fp128", "ppc_fp128"):
        padded = digits.rjust(32, "0")  # LLVM writes the low word first
        return f"0x{'L' if type_name == 'fp128' else 'M'}{padded[16:]}{padded[:16]}"
    return _spell(int(digits, 16), type_name)


def _from_decimal(text: str, type_name: str) -> str:
    if type_name == "double":
        return text  # every decimal is taken to the nearest double
    value = float(text)
    if type_name == "half":
        return _spell(int.from_bytes(struct.pack(">e", value), "big"), type_name)
    single = int.from_bytes(struct.pack(">f", value), "big")
    if type_name == "bfloat":
        rounding = 0x7FFF + (single >> 16 & 1)  # to nearest, ties to even
        return _spell(single + rounding >> 16 & 0xFFFF, type_name)
    return _spell(single, type_name)


def _special_bits(match: re.Match[str], type_name: str) -> int:
    exponent_bits, mantissa_bits = _FORMATS[type_name]
    bits = (1 << exponent_bits) - 1 << mantissa_bits
    if match.group("sign") == "-":
        bits |= 1 << exponent_bits + mantissa_bits
    kind = match.group("kind")
    quiet = 1 << mantissa_bits - 1
    if kind == "qnan":
        return bits | quiet
    if kind.startswith("nan"):
        return bits | quiet | int(match.group("payload"), 16)
    if kind.startswith("snan"):
        return bits | int(match.group("payload"), 16)
    return bits


def _spell(bits: int, type_name: str) -> str:
    if type_name == "half":
        return f"0xH{bits:04X}"
    if type_name == "bfloat":
        return f"0xR{bits:04X}"
    if type_name == "double":
        return f"0x{bits:016X}"
    return f"0x{_widen(bits):016X}"


def _widen(bits: int) -> int:
    """Bits of a float as bits of the equal double; NaN payloads keep their place."""
    if bits >> 23 & 0xFF == 0xFF:
        return (bits >> 31) << 63 | 0x7FF << 52 | (bits & 0x7FFFFF) << 29
    value = struct.unpack(">f", bits.to_bytes(4, "big"))[0]
    return int.from_bytes(struct.pack(">d", value), "big")
