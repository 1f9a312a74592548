"""A readable listing of a program: imports, exports, globals, read-only data, functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ireelab.vm import isa
from ireelab.vm.decode import (
    Instruction,
    Operand,
    case_list,
    decode,
    move_list,
    register_name,
)
from ireelab.vm.module import BytecodeModule, FunctionDef
from ireelab.vm.translate import parameter_names

_PREVIEW_BYTES = 32


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a function: its byte offset, text, and source position ("" where unknown).

    ``instruction`` is None for the marker that begins a block.
    """

    pc: int
    text: str
    location: str
    instruction: Instruction | None = None


def disassemble(module: BytecodeModule) -> str:
    """The whole module; instruction lines start with ``[offset]`` as iree-dump-module's do."""
    return "\n".join(_listing(module)) + "\n"


def function_lines(module: BytecodeModule, function: FunctionDef) -> tuple[Line, ...]:
    """The lines of one function, block markers included."""
    lines: list[Line] = []
    blocks = decode(module, function)
    numbers = {block.pc: i for i, block in enumerate(blocks)}
    for block in blocks:
        lines.append(Line(block.pc, f"^bb{numbers[block.pc]}:", ""))
        for instruction in block.instructions:
            location = module.location(function, instruction.pc)
            text = "  " + format_instruction(module, instruction, numbers)
            lines.append(Line(instruction.pc, text, location, instruction))
    return tuple(lines)


def _listing(module: BytecodeModule) -> Iterator[str]:
    yield f"module @{module.name} version {module.version}"
    for dependency in module.dependencies:
        optional = ", optional" if dependency.optional else ""
        yield f"depends on {dependency.name} >= {dependency.minimum_version}{optional}"
    for ordinal, imported in enumerate(module.imports):
        optional = " (optional)" if imported.optional else ""
        yield f"import {ordinal} @{imported.name}{imported.signature.convention}{optional}"
    yield f"globals {module.global_bytes} bytes, {module.global_refs} refs"
    for ordinal, data in enumerate(module.rodata):
        yield f"rodata {ordinal}: {len(data)} bytes {preview(data)}"
    for name, ordinal in module.exports.items():
        yield f"export @{name} = function {ordinal}"
    for function in module.functions:
        yield ""
        arguments = ", ".join(f"%{name}" for name in parameter_names(function))
        yield f"func {function.ordinal} @{function.name}({arguments}) {{"
        for line in function_lines(module, function):
            location = f"  // {line.location}" if line.location else ""
            yield f"[{line.pc:08X}]{line.text}{location}"
        yield "}"


def preview(data: npt.NDArray[np.uint8] | memoryview) -> str:
    """The start of read-only data: quoted where it is text, else hexadecimal."""
    head = bytes(data[:_PREVIEW_BYTES])
    dots = "..." if len(data) > len(head) else ""
    if head and all(32 <= byte < 127 for byte in head):
        return f"`{head.decode()}`{dots}"
    return head.hex() + dots


def format_instruction(
    module: BytecodeModule, instruction: Instruction, blocks: dict[int, int]
) -> str:
    """``%i4 = vm.add.i32 %i0, %i1``; moved references are ``%R1``; ``blocks`` numbers them."""
    results: list[str] = []
    operands: list[str] = []
    for kind, operand in zip(instruction.opcode.fields, instruction.operands, strict=True):
        text = _operand(module, kind, operand, blocks)
        (results if kind.startswith(">") else operands).append(text)
    left = f"{', '.join(r for r in results if r)} = " if any(results) else ""
    right = ", ".join(text for text in operands if text)
    return f"{left}vm.{instruction.mnemonic} {right}".rstrip()


def _register(register: int) -> str:
    name = register_name(register)
    moved = register & isa.REF_BIT and register & isa.MOVE_BIT
    return "%" + (name.upper() if moved else name)


def _operand(module: BytecodeModule, kind: str, operand: Operand, blocks: dict[int, int]) -> str:
    match kind.lstrip(">"), operand:
        case (("i64" | "f64"), int(register)):
            return f"{_register(register)}:{register + 1}"
        case (("i32" | "f32" | "ref"), int(register)):
            return _register(register)
        case "registers", tuple(registers):
            return ", ".join(_register(r) for r in registers if isinstance(r, int))
        case "segments", tuple(sizes):
            plain = isa.NOT_VARIADIC
            return f"[{', '.join('-' if size == plain else str(size) for size in sizes)}]"
        case "remap", _:
            return f"({_moves(operand)})"
        case "cases", _:
            cases = (f"^bb{blocks.get(pc, pc)}({_moves(m)})" for pc, m in case_list(operand))
            return f"[{', '.join(cases)}]"
        case "label", int(pc):
            return f"^bb{blocks.get(pc, pc)}"
        case "function", int(ordinal):
            return f"@{callee_name(module, ordinal)}"
        case "type", int(ordinal):
            return module.types[ordinal]
        case "rodata", int(ordinal):
            return f"{ordinal} {preview(module.rodata[ordinal])}"
        case "string", str(text):
            return repr(text)
        case _:
            return str(operand)


def _moves(remap: Operand) -> str:
    return ", ".join(f"{_register(a)}->{_register(b)}" for a, b in move_list(remap))


def callee_name(module: BytecodeModule, ordinal: int) -> str:
    """The name of an import or of a function of the module, as calls refer to it."""
    if ordinal & isa.IMPORT_BIT:
        return module.imports[ordinal ^ isa.IMPORT_BIT].name
    return module.functions[ordinal].name
