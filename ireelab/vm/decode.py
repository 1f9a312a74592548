"""Bytecode to instructions, verified: what comes out can be executed without further checks.

Registers are checked against the frame, ordinals against their tables and branch targets against
the block starts; anything else is a ``ProgramError`` with the function and byte. Mirrors IREE's
``runtime/src/iree/vm/bytecode/verifier.c``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias, cast

from ireelab.errors import ProgramError, UnsupportedOpcode
from ireelab.vm import isa
from ireelab.vm.module import BytecodeModule, FunctionDef

Remap: TypeAlias = "tuple[tuple[int, int], ...]"
# A register number, ordinal, label or immediate; a register list; text; a remap; cases.
Operand: TypeAlias = "int | float | str | tuple[int, ...] | Remap | tuple[tuple[int, Remap], ...]"


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction. ``operands`` follow ``opcode.fields``; registers are encoded numbers."""

    pc: int
    opcode: isa.Opcode
    operands: tuple[Operand, ...]

    @property
    def mnemonic(self) -> str:
        return self.opcode.mnemonic


@dataclass(frozen=True, slots=True)
class Block:
    """A basic block: instructions up to and including its terminator."""

    pc: int
    instructions: tuple[Instruction, ...]


def register_name(register: int) -> str:
    """``i4`` for a value register (an i64 is named by its low half), ``r2`` for a reference."""
    if register & isa.REF_BIT:
        return f"r{register & isa.REF_MASK}"
    return f"i{register}"


def successors(instruction: Instruction) -> tuple[tuple[int, Remap], ...]:
    """Where a terminator may go: block starts and what moves on the way. Calls move nothing."""
    match instruction.mnemonic, instruction.operands:
        case (("br" | "yield" | "break"), (int(label), remap)):
            return ((label, move_list(remap)),)
        case "cond_break", (_, int(label), remap):
            return ((label, move_list(remap)),)
        case "cond_br", (_, int(true), true_remap, int(false), false_remap):
            return ((true, move_list(true_remap)), (false, move_list(false_remap)))
        case "br_table", (_, int(default), remap, _, cases):
            return ((default, move_list(remap)), *case_list(cases))
        case "call.yieldable", (_, _, int(label), _):
            return ((label, ()),)
        case "call.variadic.yieldable", (_, _, _, int(label), _):
            return ((label, ()),)
        case _:
            return ()


def move_list(operand: Operand) -> Remap:
    """A ``remap`` operand as what it is."""
    return cast("Remap", operand)  # the decoder put it there


def case_list(operand: Operand) -> tuple[tuple[int, Remap], ...]:
    """A ``cases`` operand as what it is: (block, moves) each."""
    return cast("tuple[tuple[int, Remap], ...]", operand)


def decode(module: BytecodeModule, function: FunctionDef) -> tuple[Block, ...]:
    """The blocks of a function in order of their byte offsets."""
    decoder = _Decoder(module, function)
    blocks = _split(decoder, list(decoder.instructions()))
    starts = {block.pc for block in blocks}
    for block in blocks:
        for label, _ in successors(block.instructions[-1]):
            if label not in starts:
                decoder.fail(block.instructions[-1].pc, f"branch to byte {label}, not a block")
    return blocks


def _split(decoder: _Decoder, instructions: list[Instruction]) -> tuple[Block, ...]:
    blocks: list[Block] = []
    current: list[Instruction] = []
    for instruction in instructions:
        if (instruction.mnemonic == "block") != (not current):
            decoder.fail(instruction.pc, "a block must start with a marker and end in a branch")
        current.append(instruction)
        if instruction.mnemonic in isa.TERMINATORS:
            blocks.append(Block(current[0].pc, tuple(current[1:])))
            current = []
    if current or not blocks:
        decoder.fail(decoder.end, "the function ends without a return or branch")
    return tuple(blocks)


class _Decoder:
    """A cursor over one function's bytes."""

    def __init__(self, module: BytecodeModule, function: FunctionDef) -> None:
        self.module = module
        self.function = function
        self.code = module.code(function)
        self.end = len(self.code)
        self.pc = 0
        self._start = 0

    def fail(self, pc: int, why: str) -> None:
        raise ProgramError(f"corrupt program: function {self.function.name!r}, byte {pc}: {why}")

    def instructions(self) -> Iterator[Instruction]:
        """All instructions; ends after the last block, before any padding."""
        blocks_left = self.function.block_count
        while self.pc < self.end and blocks_left > 0:
            self._start = self.pc
            opcode = self._opcode()
            operands: list[Operand] = []
            for kind in opcode.fields:
                operands.append(self._operand(kind, operands))
            yield Instruction(self._start, opcode, tuple(operands))
            blocks_left -= opcode.mnemonic in isa.TERMINATORS

    def _opcode(self) -> isa.Opcode:
        number = self._read("<B", 1)
        opcode_set = isa.CORE
        if number in isa.PREFIXES:
            opcode_set = isa.PREFIXES[number]
            number = self._read("<B", 1)
        opcode = isa.OPCODES.get((opcode_set, number))
        if opcode is None:
            raise UnsupportedOpcode(
                f"function {self.function.name!r}, byte {self._start}: opcode {number} "
                f"({number:#04x}) of the {opcode_set} set is not in bytecode version 17.0"
            )
        return opcode

    def _read(self, layout: str, size_bytes: int) -> int:
        if self.pc + size_bytes > self.end:
            self.fail(self._start, "the instruction runs past the end of the function")
        (value,) = struct.unpack_from(layout, self.code, self.pc)
        self.pc += size_bytes
        return value

    def _operand(self, kind: str, before: list[Operand]) -> Operand:
        match kind.lstrip(">"):
            case "i32" | "i64" | "f32" | "f64" | "ref" as bank:
                return self._register(bank)
            case "registers":
                return tuple(self._any(value) for value in self._list(1))
            case "segments":
                return self._list(1)
            case "remap":
                flat = self._list(2)
                pairs = zip(flat[::2], flat[1::2], strict=True)
                return tuple((self._any(a), self._any(b)) for a, b in pairs)
            case "cases":
                count = before[-1]
                assert isinstance(count, int)
                return tuple(self._case() for _ in range(count))
            case "const_i32":
                return self._read("<i", 4)
            case "const_i64":
                return self._read("<q", 8)
            case "const_f32":
                return self._read("<f", 4)
            case "const_f64":
                return self._read("<d", 8)
            case "u16":
                return self._read("<H", 2)
            case "string":
                return self._string()
            case other:
                return self._ordinal(other)

    def _case(self) -> tuple[int, Remap]:
        label = self._ordinal("label")
        return label, move_list(self._operand("remap", []))

    def _register(self, bank: str) -> int:
        number = self._read("<H", 2)
        if bank == "ref":
            return self._any(number | isa.REF_BIT)
        wide = bank in ("i64", "f64")
        if number + wide >= max(self.function.i32_registers, 1):
            self.fail(self._start, f"register i{number} is outside the frame")
        return number

    def _any(self, number: int) -> int:
        if number & isa.REF_BIT:
            if number & isa.REF_MASK >= max(self.function.ref_registers, 1):
                self.fail(self._start, f"register r{number & isa.REF_MASK} is outside the frame")
        elif number >= max(self.function.i32_registers, 1):
            self.fail(self._start, f"register i{number} is outside the frame")
        return number

    def _list(self, width: int) -> tuple[int, ...]:
        self.pc += self.pc & 1  # lists are 2-byte aligned
        count = self._read("<H", 2) * width
        start, self.pc = self.pc, self.pc + 2 * count
        if self.pc > self.end:
            self.fail(self._start, f"a list of {count} runs past the end of the function")
        return struct.unpack_from(f"<{count}H", self.code, start)

    def _string(self) -> str:
        length_bytes = self._read("<H", 2)
        data = self.code[self.pc : self.pc + length_bytes]
        if len(data) < length_bytes:
            self.fail(self._start, "a string runs past the end of the function")
        self.pc += length_bytes
        return data.decode(errors="replace")

    def _ordinal(self, kind: str) -> int:
        value = self._read("<I", 4)
        limits = {
            "rodata": len(self.module.rodata),
            "type": len(self.module.types),
            "label": self.end,
            "global": max(self.module.global_bytes, self.module.global_refs),
            "function": len(self.module.functions),
        }
        limit = limits[kind]
        index = value
        if kind == "function" and value & isa.IMPORT_BIT:
            index, limit = value ^ isa.IMPORT_BIT, len(self.module.imports)
        if index >= limit:
            self.fail(self._start, f"{kind} {index} is out of range ({limit})")
        return value
