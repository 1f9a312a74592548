"""Decoded SPIR-V -> text with names, and what its instructions do, counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from ireelab.listing.spirv import SpirvInstruction, SpirvModule

_SCALARS = {8: "char", 16: "short", 32: "int", 64: "long"}
_FLOATS = {16: "half", 32: "float", 64: "double"}
_UNSAFE = re.compile(r"[^A-Za-z0-9_]")


def disassemble(module: SpirvModule, *, names: bool = True) -> tuple[str, ...]:
    """One line an instruction, as ``spirv-dis --no-header --no-indent`` writes them.

    ``names=False`` writes ids as numbers, as ``--raw-id``.
    """
    known: Mapping[int, str] = id_names(module) if names else {}
    return tuple(_line(instruction, known) for instruction in module.instructions)


def _line(instruction: SpirvInstruction, names: Mapping[int, str]) -> str:
    def text(operand: str | int) -> str:
        return operand if isinstance(operand, str) else f"%{names.get(operand, operand)}"

    parts = [instruction.opcode]
    if instruction.type:
        parts.append(text(instruction.type))
    parts.extend(text(operand) for operand in instruction.operands)
    left = f"{text(instruction.result)} = " if instruction.result else ""
    return left + " ".join(parts)


class _Names:
    """Ids to names; each name once."""

    def __init__(self) -> None:
        self.of: dict[int, str] = {}
        self._used: set[str] = set()

    def __getitem__(self, identity: str | int) -> str:
        number = int(identity)
        return self.of.get(number) or str(number)

    def put(self, identity: int, name: str) -> None:
        """The first name of an id stays; a name taken gets a number."""
        if identity in self.of:
            return
        clean = _UNSAFE.sub("_", name) or "_"
        unique, tries = clean, 0
        while unique in self._used:
            unique = f"{clean}_{tries}"
            tries += 1
        self._used.add(unique)
        self.of[identity] = unique


def id_names(module: SpirvModule) -> Mapping[int, str]:
    """A readable name of each id that has one: from the module, or from what it is."""
    names = _Names()
    builtins = {
        int(i.operands[0]): f"gl_{i.operands[2]}"
        for i in module.instructions
        if i.opcode == "OpDecorate" and i.operands[1] == "BuiltIn"
    }
    for instruction in module.instructions:
        if instruction.opcode == "OpName":
            names.put(int(instruction.operands[0]), str(instruction.operands[1])[1:-1])
        elif instruction.result:
            name = _name(instruction, names, builtins)
            if name:
                names.put(instruction.result, name)
    return names.of


def _name(instruction: SpirvInstruction, names: _Names, builtins: Mapping[int, str]) -> str:
    """What spirv-dis calls a type, a constant or a built-in variable; "" for the rest."""
    operands = instruction.operands
    match instruction.opcode:
        case "OpTypeVoid" | "OpTypeBool" | "OpTypeEvent" | "OpTypeSampler" | "OpTypeQueue":
            return instruction.opcode.removeprefix("OpType").lower()
        case "OpTypeInt":
            bits = int(operands[0])
            return ("u" if operands[1] == "0" else "") + _SCALARS.get(bits, f"int{bits}")
        case "OpTypeFloat":
            return _FLOATS.get(int(operands[0]), f"fp{operands[0]}")
        case "OpTypeVector":
            return f"v{operands[1]}{names[operands[0]]}"
        case "OpTypeMatrix":
            return f"mat{operands[1]}{names[operands[0]]}"
        case "OpTypeArray":
            return f"_arr_{names[operands[0]]}_{names[operands[1]]}"
        case "OpTypeRuntimeArray":
            return f"_runtimearr_{names[operands[0]]}"
        case "OpTypePointer":
            return f"_ptr_{operands[0]}_{names[operands[1]]}"
        case "OpTypeStruct":
            return f"_struct_{instruction.result}"
        case "OpConstantTrue" | "OpConstantFalse":
            return instruction.opcode.removeprefix("OpConstant").lower()
        case "OpConstant":
            value = str(operands[0]).replace("-", "n")
            return f"{names[instruction.type]}_{value}"
        case "OpVariable":
            return builtins.get(instruction.result, "")
        case _:
            return ""


# Opcode, without "Op" -> class; the first that matches counts. Arithmetic on vectors, which most
# GPUs run as scalars, is counted apart.
_CLASSES = (
    (r"CooperativeMatrix.*|MatrixTimes.*|VectorTimesMatrix", "matrix"),
    (r"GroupNonUniform.*|Subgroup.*|Group[A-Z].*", "subgroup"),
    (r"Load", "load"),
    (r"Store|CopyMemory.*", "store"),
    (r".*AccessChain|PtrAccess.*|ArrayLength|CopyObject", "address"),
    (r"Atomic.*", "atomic"),
    (r"ControlBarrier|MemoryBarrier", "barrier"),
    (r"Vector(Shuffle|Extract.*|Insert.*)|Composite.*|Transpose", "shuffle"),
    (r"Convert.*|[FSU]Convert|Bitcast|.*Convert.*", "convert"),
    (r"ExtInst", "math"),
    (r"FunctionCall", "call"),
    (r"Branch.*|Switch|Return.*|Kill|Unreachable|Phi", "branch"),
    (r"F(Ord|Unord).*|[ISU](Equal|NotEqual|Less.*|Greater.*)", "compare"),
    (r"Logical.*|Select|Is(Nan|Inf)", "compare"),
    (r"F(Add|Sub|Mul|Div|Rem|Mod|Negate)|Fma.*|Dot|VectorTimesScalar|OuterProduct", "float"),
    (r"[ISU](Add|Sub|Mul|Div|Rem|Mod|Negate).*|[SU]Dot.*|Shift.*|Bit.*|Not", "integer"),
)  # fmt: skip
_STRUCTURE = re.compile(
    r"Op(Type|Constant|SpecConstant|Undef|Function$|FunctionParameter|FunctionEnd|Label|Variable"
    r"|SelectionMerge|LoopMerge|Line|NoLine|Nop)"
)


@dataclass(frozen=True, slots=True)
class SpirvCounts:
    """Instructions of a module's functions, by what they do and by opcode."""

    classes: Mapping[str, int]
    opcodes: Mapping[str, int]


def count(module: SpirvModule) -> SpirvCounts:
    """Declarations, labels and merges do nothing and are not counted."""
    vectors = {i.result for i in module.instructions if i.opcode == "OpTypeVector"}
    classes: Counter[str] = Counter()
    opcodes: Counter[str] = Counter()
    inside = False
    for instruction in module.instructions:
        inside |= instruction.opcode == "OpFunction"
        if not inside or _STRUCTURE.match(instruction.opcode):
            continue
        opcodes[instruction.opcode] += 1
        name = instruction.opcode.removeprefix("Op")
        found = next((c for pattern, c in _CLASSES if re.fullmatch(pattern, name)), "other")
        if found in ("float", "integer"):
            shape = "vector" if instruction.type in vectors else "scalar"
            found = f"{shape} {found}"
        classes[found] += 1
    return SpirvCounts(dict(classes.most_common()), dict(opcodes.most_common()))
