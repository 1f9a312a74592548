"""The instructions of a program's VM functions: what each calls, and what that is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ireelab.program import Program
from ireelab.vm import isa
from ireelab.vm.decode import Instruction, Operand, move_list, register_name, successors
from ireelab.vm.disassembly import Line, callee_name, function_lines, preview
from ireelab.vm.module import BytecodeModule, FunctionDef
from ireelab.vm.translate import parameter_names

_LOOKUP, _CREATE = "hal.executable.lookup.function", "hal.executable.create"
_DISPATCHES = frozenset({"hal.command_buffer.dispatch", "hal.command_buffer.dispatch.indirect"})
_CALLS = frozenset({"call", "call.variadic", "call.yieldable", "call.variadic.yieldable"})


@dataclass(frozen=True, slots=True)
class VmLine:
    """A line of a function: a block's marker, or an instruction with what it refers to.

    ``callee`` is the import or function it calls, ``rodata`` and ``global_slots`` the ordinals
    it names, ``entry_point`` the kernel that a dispatch runs; each empty where there is none.
    """

    pc: int
    text: str
    location: str
    mnemonic: str
    callee: str
    imported: bool
    rodata: tuple[int, ...]
    global_slots: tuple[str, ...]  # "ref 0": references and values are numbered apart
    entry_point: str


@dataclass(frozen=True, slots=True)
class VmFunction:
    """A function; ``exported`` under its name. ``loops`` says that it branches backwards."""

    ordinal: int
    name: str
    exported: bool
    loops: bool
    parameters: tuple[str, ...]
    lines: tuple[VmLine, ...]


@dataclass(frozen=True, slots=True)
class ExecutableUse:
    """Where a program creates an executable: its format, and the read-only data that it is.

    ``entry_points`` are those that the program looks up in it.
    """

    format: str
    rodata: int
    entry_points: tuple[str, ...]


def vm_functions(program: Program) -> tuple[VmFunction, ...]:
    """Every function with its lines, in the module's order."""
    module = program.module
    return tuple(_function(module, function) for function in module.functions)


def rodata_previews(program: Program) -> tuple[tuple[int, str], ...]:
    """Size in bytes and beginning of each piece of read-only data."""
    return tuple((len(data), preview(data)) for data in program.module.rodata)


def executable_uses(program: Program) -> tuple[ExecutableUse, ...]:
    """The executables that a program creates, in the order in which it does."""
    module = program.module
    created: dict[int, str] = {}
    held: dict[int, set[int]] = {}  # global -> rodata of the executables that it may hold
    looked_up: list[tuple[tuple[str, object], str]] = []
    for function in module.functions:
        for name, values, _ in _import_calls(module, function, held):
            if name == _CREATE:
                rodata, format_ = values[3], values[2]
                if rodata[0] == "rodata" and format_[0] == "rodata":
                    created[_int(rodata[1])] = _text(module, _int(format_[1]))
            elif name == _LOOKUP and values[1][0] == "rodata":
                looked_up.append((values[0], _text(module, _int(values[1][1]))))
    entry_points: dict[int, dict[str, None]] = {rodata: {} for rodata in created}
    for (kind, place), entry_point in looked_up:
        owners = held.get(_int(place), set()) if kind == "global" else set[int]()
        owners = {_int(place)} if kind == "executable" else owners
        for owner in owners & created.keys():
            entry_points[owner][entry_point] = None
    return tuple(
        ExecutableUse(format_, rodata, tuple(entry_points[rodata]))
        for rodata, format_ in created.items()
    )


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value


def _text(module: BytecodeModule, rodata: int) -> str:
    return bytes(module.rodata[rodata]).decode("utf-8", "replace")


_NOTHING: tuple[str, object] = ("", None)


class _Values:
    """What registers hold, as far as constants say it: ("rodata", 3), ("executable", 4), ...

    Followed in program order; a block that two others lead to sees the values of the last.
    """

    def __init__(self) -> None:
        self._of: dict[str, tuple[str, object]] = {}

    def get(self, register: int) -> tuple[str, object]:
        return self._of.get(register_name(register), _NOTHING)

    def put(self, register: int, value: tuple[str, object]) -> None:
        self._of[register_name(register)] = value


def _import_calls(
    module: BytecodeModule, function: FunctionDef, held: dict[int, set[int]]
) -> Iterator[tuple[str, list[tuple[str, object]], Instruction]]:
    """Each call of an import with what its arguments are known to hold."""
    values = _Values()
    for line in function_lines(module, function):
        instruction = line.instruction
        if instruction is None:
            continue
        if instruction.mnemonic in _CALLS:
            ordinal, arguments, results = _call(instruction)
            name = callee_name(module, ordinal)
            known = [values.get(register) for register in arguments]
            if ordinal & isa.IMPORT_BIT:
                yield name, known, instruction
            for register in results:
                values.put(register, _result(name, known))
            continue
        _follow(module, instruction, values, held)


def _result(name: str, known: list[tuple[str, object]]) -> tuple[str, object]:
    """What a call returns, where later calls need it."""
    if name == _CREATE and known[3][0] == "rodata":
        return "executable", known[3][1]
    if name == _LOOKUP and known[1][0] == "rodata":
        return "function", known[1][1]
    return _NOTHING


def _follow(
    module: BytecodeModule,
    instruction: Instruction,
    values: _Values,
    held: dict[int, set[int]],
) -> None:
    operands = instruction.operands
    match instruction.mnemonic, operands:
        case "const.ref.rodata", (int(rodata), int(register)):
            values.put(register, ("rodata", rodata))
        case "global.store.ref", (int(slot), _, int(register)):
            kind, what = values.get(register)
            if kind == "executable":
                held.setdefault(slot, set()).add(_int(what))
        case "global.load.ref", (int(slot), _, int(register)):
            values.put(register, ("global", slot))
        case "assign.ref", (int(source), int(register)):
            values.put(register, values.get(source))
        case _:
            for kind, operand in zip(instruction.opcode.fields, operands, strict=True):
                if kind.startswith(">") and isinstance(operand, int):
                    values.put(operand, _NOTHING)
    for _, moves in successors(instruction):
        for source, target in move_list(moves):
            values.put(target, values.get(source))


def _call(instruction: Instruction) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    """Callee, argument and result registers."""
    registers = [
        (kind.startswith(">"), _registers(operand))
        for kind, operand in zip(instruction.opcode.fields, instruction.operands, strict=True)
        if kind.lstrip(">") == "registers"
    ]
    arguments = tuple(r for is_result, rs in registers if not is_result for r in rs)
    results = tuple(r for is_result, rs in registers if is_result for r in rs)
    return _int(instruction.operands[0]), arguments, results


def _registers(operand: Operand) -> tuple[int, ...]:
    assert isinstance(operand, tuple)
    return tuple(register for register in operand if isinstance(register, int))


def _function(module: BytecodeModule, function: FunctionDef) -> VmFunction:
    dispatched: dict[int, str] = {}
    for name, values, instruction in _import_calls(module, function, {}):
        if name in _DISPATCHES and values[2][0] == "function":
            dispatched[instruction.pc] = _text(module, _int(values[2][1]))
    listed = function_lines(module, function)
    return VmFunction(
        ordinal=function.ordinal,
        name=function.name,
        exported=function.ordinal in module.exports.values(),
        loops=any(
            label <= line.pc
            for line in listed
            if line.instruction is not None
            for label, _ in successors(line.instruction)
        ),
        parameters=parameter_names(function),
        lines=tuple(_line(module, line, dispatched) for line in listed),
    )


def _line(module: BytecodeModule, line: Line, dispatched: Mapping[int, str]) -> VmLine:
    instruction = line.instruction
    if instruction is None:
        return VmLine(line.pc, line.text, "", "", "", False, (), (), "")
    named = list(zip(instruction.opcode.fields, instruction.operands, strict=True))
    callee = next((_int(operand) for kind, operand in named if kind == "function"), None)
    family = "ref" if instruction.mnemonic.endswith(".ref") else "value"
    return VmLine(
        pc=line.pc,
        text=line.text.strip(),
        location=line.location,
        mnemonic=instruction.mnemonic,
        callee="" if callee is None else callee_name(module, callee),
        imported=callee is not None and bool(callee & isa.IMPORT_BIT),
        rodata=tuple(_int(operand) for kind, operand in named if kind == "rodata"),
        global_slots=tuple(f"{family} {operand}" for kind, operand in named if kind == "global"),
        entry_point=dispatched.get(line.pc, ""),
    )
