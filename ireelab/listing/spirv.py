"""A disassembler of SPIR-V, whose text is that of Khronos' ``spirv-dis``.

Driven by ``spirv_grammar.json``: opcodes and enumerants, with the kinds of their operands.
"""

from __future__ import annotations

import functools
import json
import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from sys import byteorder
from typing import Any

from ireelab.errors import ExecutableMismatch

_MAGIC = 0x07230203
_HEADER_WORDS = 5
_GLSL = "GLSL.std.450"


@dataclass(frozen=True, slots=True)
class SpirvInstruction:
    """One instruction: ids are numbers, other operands are texts."""

    opcode: str  # "OpFAdd"
    result: int  # 0: none
    type: int  # 0: none
    operands: tuple[str | int, ...]
    location: str  # file:line:column of the OpLine before it, "" where there is none


@dataclass(frozen=True, slots=True)
class SpirvModule:
    """A decoded module; ``bound`` is above every id."""

    version: tuple[int, int]
    bound: int
    instructions: tuple[SpirvInstruction, ...]


@dataclass(frozen=True, slots=True)
class _Enum:
    bits: bool
    values: dict[int, tuple[str, tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class _Grammar:
    opcodes: dict[int, tuple[str, tuple[str, ...]]]
    enums: dict[str, _Enum]
    glsl: dict[int, str]


@functools.cache
def _grammar() -> _Grammar:
    text = resources.files("ireelab.listing").joinpath("spirv_grammar.json").read_text()
    tables: dict[str, Any] = json.loads(text)
    return _Grammar(
        {int(code): (name, tuple(k.split())) for code, (name, k) in tables["opcodes"].items()},
        {
            kind: _Enum(
                enum["bits"], {int(v): (name, tuple(k.split())) for v, (name, k) in
                               enum["values"].items()}
            )
            for kind, enum in tables["enums"].items()
        },
        {int(code): name for code, name in tables["glsl.std.450"].items()},
    )  # fmt: skip


def decode(code: bytes) -> SpirvModule:
    """The instructions of a module; ExecutableMismatch for words that are none."""
    words = array("I")
    if len(code) % 4:
        raise ExecutableMismatch(f"{len(code)} bytes are not SPIR-V: its words have four")
    words.frombytes(code)
    if byteorder == "big":
        words.byteswap()
    if len(words) < _HEADER_WORDS or words[0] != _MAGIC:
        raise ExecutableMismatch("the module is not SPIR-V: it starts with other words")
    decoder = _Decoder()
    instructions: list[SpirvInstruction] = []
    position = _HEADER_WORDS
    while position < len(words):
        length = words[position] >> 16
        if not length or position + length > len(words):
            raise ExecutableMismatch(f"the SPIR-V module is corrupt at word {position}")
        try:
            instructions.append(decoder.instruction(words[position : position + length]))
        except (IndexError, struct.error, KeyError):
            raise ExecutableMismatch(f"the SPIR-V module is corrupt at word {position}") from None
        position += length
    version = words[1] >> 16 & 0xFF, words[1] >> 8 & 0xFF
    return SpirvModule(version, words[3], tuple(instructions))


class _Decoder:
    """Words to operands, with what later words depend on: the types of numbers."""

    def __init__(self) -> None:
        self._numbers: dict[int, tuple[str, int]] = {}  # type -> ("float", 32)
        self._types: dict[int, int] = {}  # value -> its type
        self._strings: dict[int, str] = {}
        self._sets: dict[int, str] = {}  # id -> name of an extended instruction set
        self._location = ""

    def instruction(self, words: array[int]) -> SpirvInstruction:
        code = words[0] & 0xFFFF
        name, kinds = _grammar().opcodes.get(code, (f"OpUnknown({code})", ("LiteralInteger*",)))
        cursor = _Cursor(words)
        result = kind = 0
        operands: list[str | int] = []
        for expected in kinds:
            if expected == "IdResultType":
                kind = cursor.take()
            elif expected == "IdResult":
                result = cursor.take()
            else:
                operands.extend(self._operands(cursor, expected, kind, operands))
        operands.extend(str(word) for word in cursor.rest())
        self._note(name, result, kind, operands)
        return SpirvInstruction(name, result, kind, tuple(operands), self._location)

    def _note(self, name: str, result: int, kind: int, operands: list[str | int]) -> None:
        if kind:
            self._types[result] = kind
        if name in ("OpTypeInt", "OpTypeFloat"):
            family = "float" if name == "OpTypeFloat" else "int" if operands[1] == "1" else "uint"
            bfloat = len(operands) > 1 and operands[1] == "BFloat16KHR"
            self._numbers[result] = "bfloat" if bfloat else family, int(operands[0])
        elif name == "OpString":
            self._strings[result] = str(operands[0])[1:-1]
        elif name == "OpExtInstImport":
            self._sets[result] = str(operands[0])[1:-1]
        elif name == "OpLine":
            file = self._strings.get(int(operands[0]), "")
            self._location = f"{file}:{operands[1]}:{operands[2]}"
        elif name in ("OpNoLine", "OpFunctionEnd"):
            self._location = ""

    def _operands(
        self, cursor: _Cursor, expected: str, kind: int, before: list[str | int]
    ) -> Iterator[str | int]:
        if expected.endswith("*"):
            while cursor.more:
                yield from self._operand(cursor, expected[:-1], kind, before)
        elif cursor.more or not expected.endswith("?"):
            yield from self._operand(cursor, expected.rstrip("?"), kind, before)

    def _operand(
        self, cursor: _Cursor, expected: str, kind: int, before: list[str | int]
    ) -> Iterator[str | int]:
        match expected:
            case "LiteralString":
                yield _quoted(cursor.string())
            case "LiteralContextDependentNumber":
                yield self._number(cursor, kind)
            case "LiteralExtInstInteger":
                known = self._sets.get(int(before[0])) == _GLSL
                number = cursor.take()
                yield _grammar().glsl.get(number, str(number)) if known else str(number)
            case "LiteralSpecConstantOpInteger":
                name, kinds = _grammar().opcodes[cursor.take()]
                yield name.removeprefix("Op")
                for inner in kinds[2:]:
                    yield from self._operands(cursor, inner, kind, before)
            case "PairLiteralIntegerIdRef":
                yield self._number(cursor, self._types.get(int(before[0]), 0))
                yield cursor.take()
            case "PairIdRefLiteralInteger":
                yield cursor.take()
                yield str(cursor.take())
            case "PairIdRefIdRef":
                yield cursor.take()
                yield cursor.take()
            case _ if expected.startswith("Id"):
                yield cursor.take()
            case _ if expected in _grammar().enums:
                yield from self._enumerant(cursor, _grammar().enums[expected], kind, before)
            case _:
                yield str(cursor.take())

    def _enumerant(
        self, cursor: _Cursor, enum: _Enum, kind: int, before: list[str | int]
    ) -> Iterator[str | int]:
        value = cursor.take()
        values = [value]
        if enum.bits and value:
            values = [1 << bit for bit in range(32) if value >> bit & 1]
        entries = [enum.values.get(v, (str(v), ())) for v in values]
        yield "|".join(name for name, _ in entries)
        for _, kinds in entries:
            for inner in kinds:
                yield from self._operands(cursor, inner, kind, before)

    def _number(self, cursor: _Cursor, kind: int) -> str:
        family, bits = self._numbers.get(kind, ("uint", 32))
        size_bytes = 8 if bits > 32 else 4
        raw = cursor.take() | (cursor.take() << 32 if size_bytes == 8 else 0)
        if family in ("float", "bfloat"):
            return _float_text(raw, bits, family)
        if family == "int" and raw >> (8 * size_bytes - 1):
            raw -= 1 << 8 * size_bytes
        return str(raw)


class _Cursor:
    """Reads the words of one instruction after the first."""

    def __init__(self, words: array[int]) -> None:
        self._words = words
        self._at = 1

    @property
    def more(self) -> bool:
        return self._at < len(self._words)

    def take(self) -> int:
        word = self._words[self._at]
        self._at += 1
        return word

    def rest(self) -> list[int]:
        words = list(self._words[self._at :])
        self._at = len(self._words)
        return words

    def string(self) -> str:
        data = b"".join(struct.pack("<I", word) for word in self._words[self._at :])
        text, ended, _ = data.partition(b"\0")
        if not ended:
            raise IndexError("a string does not end")
        self._at += len(text) // 4 + 1
        return text.decode(errors="replace")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _float_text(raw: int, bits: int, family: str) -> str:
    """As spirv-dis: decimal for f32 and f64, hexadecimal for smaller ones, infinities and NaN."""
    exponent_bits, mantissa_bits = {
        ("float", 16): (5, 10),
        ("bfloat", 16): (8, 7),
        ("float", 64): (11, 52),
    }.get((family, bits), (8, 23))
    exponent = raw >> mantissa_bits & (1 << exponent_bits) - 1
    if bits in (32, 64) and exponent != (1 << exponent_bits) - 1:
        (value,) = struct.unpack("<d" if bits == 64 else "<f", raw.to_bytes(bits // 8, "little"))
        return f"{value:.{17 if bits == 64 else 9}g}"
    sign = "-" if raw >> (bits - 1) & 1 else ""
    mantissa = raw & (1 << mantissa_bits) - 1
    bias = (1 << exponent_bits - 1) - 1
    if not exponent and not mantissa:
        return f"{sign}0x0p+0"
    power = exponent - bias
    if not exponent:  # Written with a leading one all the same.
        shift = mantissa_bits + 1 - mantissa.bit_length()
        mantissa = mantissa << shift & (1 << mantissa_bits) - 1
        power = 1 - bias - shift
    digits = f"{mantissa << (-mantissa_bits % 4):0{-(-mantissa_bits // 4)}x}".rstrip("0")
    return f"{sign}0x1{'.' + digits if digits else ''}p{power:+d}"
