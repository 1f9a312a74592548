"""Bytecode to Python: each function becomes one generated, readable Python function.

Registers are locals (an i64 lives in the name of its low half, reference moves need nothing),
constants are written into their uses. A function that may wait is a generator that yields what
it waits for; all others are plain functions. Source is compiled once per program:

    def mlp(r0, r1, r2, r3):
        r5 = cast_ref(R[0], '!hal.device')
        hal_buffer_view_assert(r0, D7, 553648160, 1, (8, 64))
        ...
        i0 = hal_fence_await(-1, 0, (r1,))
        while i0.__class__ is Wait:
            yield i0
            i0 = i0.result()
"""

from __future__ import annotations

import linecache
import re
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ireelab.errors import ProgramError
from ireelab.vm import isa
from ireelab.vm.convention import CallingConvention, group_spans
from ireelab.vm.decode import Block, Instruction, decode, register_name
from ireelab.vm.module import BytecodeModule, FunctionDef
from ireelab.vm.semantics import HELPERS
from ireelab.vm.structure import FunctionWriter

if TYPE_CHECKING:
    from ireelab.program import Program


@dataclass(frozen=True, slots=True)
class TranslatedFunction:
    name: str  # of the function in the program
    python_name: str
    source: str
    yields: bool  # a generator: it may wait
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Translation:
    """All functions of a module as one compiled Python module."""

    functions: tuple[TranslatedFunction, ...]
    import_names: tuple[str, ...]  # Python names, by ordinal
    code: types.CodeType

    def instantiate(self, namespace: dict[str, Any]) -> tuple[Any, ...]:
        """Defines the functions over ``namespace``; returns them by ordinal."""
        exec(self.code, namespace)
        return tuple(namespace[f.python_name] for f in self.functions)


def source(program: Program, name: str) -> str:
    """The generated Python source of a function; ``UnknownFunction`` if there is none."""
    function = program.function_def(name)
    return program.translation.functions[function.ordinal].source


def translate(module: BytecodeModule, located: frozenset[str] = frozenset()) -> Translation:
    """Translates every function; raises ``ProgramError`` on malformed bytecode.

    ``located`` names the imports that take the source location of the call as last argument.
    """
    names = Names(module)
    decoded = [decode(module, function) for function in module.functions]
    yielding = _yielding(decoded)
    uniform = _uniform_refs(decoded)
    functions: list[TranslatedFunction] = []
    for function, blocks in zip(module.functions, decoded, strict=True):
        lines = FunctionWriter(
            CallWriter(module, function, names, yielding, located, uniform),
            blocks,
            parameter_names(function),
        ).lines()
        functions.append(
            TranslatedFunction(
                function.name,
                names.functions[function.ordinal],
                "\n".join(lines) + "\n",
                function.ordinal in yielding,
                blocks,
            )
        )
    return Translation(tuple(functions), names.imports, _compile(module.name, functions))


def _compile(name: str, functions: list[TranslatedFunction]) -> types.CodeType:
    text = "\n\n".join(f.source for f in functions)
    filename = f"<vm:{name}:{hash(text) & 0xFFFFFFFF:08x}>"
    # Tracebacks and debuggers show the generated lines.
    linecache.cache[filename] = (len(text), None, text.splitlines(True), filename)
    return compile(text, filename, "exec")


class Names:
    """Python names of imports, functions and read-only data."""

    def __init__(self, module: BytecodeModule) -> None:
        taken = set(HELPERS) | _RESERVED
        self.imports = tuple(_unique(i.name, n, taken) for n, i in enumerate(module.imports))
        self.functions = tuple(_unique(f.name, f.ordinal, taken) for f in module.functions)


# Names that generated code has a meaning for, and those of registers and read-only data.
_RESERVED = frozenset(("pc", "result", "Wait", "failure", "G", "R", "D"))
_REGISTER = re.compile(r"[Dir]\d+|.*_resolved")


def _unique(name: str, ordinal: int, taken: set[str]) -> str:
    """A Python name of its own, as close to ``name`` as can be; adds it to ``taken``."""
    text = _identifier(name)
    if text in taken or _REGISTER.fullmatch(text):
        text = f"{text}_{ordinal}"
    while text in taken:
        text += "_"
    taken.add(text)
    return text


def _identifier(name: str) -> str:
    text = re.sub(r"\W", "_", name, flags=re.ASCII)
    return f"fn_{text}" if not text or not text[0].isalpha() or text in _KEYWORDS else text


_KEYWORDS = frozenset(
    (
        *("False", "None", "True", "and", "as", "assert", "async", "await", "break", "class"),
        *("continue", "def", "del", "elif", "else", "except", "finally", "for", "from", "global"),
        *("if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise"),
        *("return", "try", "while", "with", "yield"),
    )
)


def parameter_names(function: FunctionDef) -> tuple[str, ...]:
    """Argument registers: values fill the i32 file (64-bit ones aligned to pairs), refs theirs."""
    names: list[str] = []
    values = references = 0
    for letter in function.signature.convention.arguments:
        if letter == "r":
            names.append(f"r{references}")
            references += 1
        elif letter in "if":
            names.append(f"i{values}")
            values += 1
        elif letter in "IF":
            values += values & 1
            names.append(f"i{values}")
            values += 2
        else:
            raise ProgramError(f"function {function.name!r} has a variadic argument")
    return tuple(names)


def _callee(instruction: Instruction) -> int:
    ordinal = instruction.operands[0]
    assert isinstance(ordinal, int)
    return ordinal


def _yielding(decoded: list[tuple[Block, ...]]) -> frozenset[int]:
    """Ordinals of the functions that may wait: they yield, or call what does."""
    yielding: set[int] = set()
    callers: dict[int, set[int]] = {}
    for ordinal, blocks in enumerate(decoded):
        for instruction in (i for block in blocks for i in block.instructions):
            if not instruction.mnemonic.startswith("call"):
                if instruction.mnemonic == "yield":
                    yielding.add(ordinal)
            elif not _callee(instruction) & isa.IMPORT_BIT:
                callers.setdefault(_callee(instruction), set()).add(ordinal)
            elif instruction.mnemonic.endswith("yieldable"):
                yielding.add(ordinal)
    pending = list(yielding)
    while pending:
        found = callers.get(pending.pop(), set()) - yielding
        yielding |= found
        pending.extend(found)
    return frozenset(yielding)


def _uniform_refs(decoded: list[tuple[Block, ...]]) -> frozenset[tuple[int, int]]:
    """(global, type) of references only ever stored as that type: loads need no check."""
    types: dict[int, set[int]] = {}
    for instruction in (i for blocks in decoded for block in blocks for i in block.instructions):
        if instruction.mnemonic == "global.store.indirect.ref":
            return frozenset()
        if instruction.mnemonic == "global.store.ref":
            ordinal, type_ordinal = instruction.operands[:2]
            assert isinstance(ordinal, int) and isinstance(type_ordinal, int)
            types.setdefault(ordinal, set()).add(type_ordinal)
    return frozenset((g, next(iter(stored))) for g, stored in types.items() if len(stored) == 1)


class CallWriter:
    """Writes the calls, failures and locations of one function."""

    def __init__(
        self,
        module: BytecodeModule,
        function: FunctionDef,
        names: Names,
        yielding: frozenset[int],
        located: frozenset[str],
        uniform_refs: frozenset[tuple[int, int]],
    ) -> None:
        self.uniform_refs = uniform_refs
        self.module = module
        self.function = function
        self._names = names
        self._yielding = yielding
        self._located = located

    @property
    def python_name(self) -> str:
        return self._names.functions[self.function.ordinal]

    def import_name(self, ordinal: int) -> str:
        return self._names.imports[ordinal & ~isa.IMPORT_BIT]

    def type_name(self, ordinal: int) -> str:
        return self.module.types[ordinal]

    def location(self, instruction: Instruction) -> str:
        return self.module.location(self.function, instruction.pc)

    def call(self, instruction: Instruction, value: Mapping[str, str]) -> list[str]:
        """The statements of a call. ``value`` maps registers to constants known here."""
        ordinal = _callee(instruction)
        operands = [value.get(n, n) for n in _register_names(instruction, "registers")]
        results = ", ".join(_register_names(instruction, ">registers"))
        if not ordinal & isa.IMPORT_BIT:
            call = f"{self._names.functions[ordinal]}({', '.join(operands)})"
            if ordinal in self._yielding:
                call = f"yield from {call}"
            return [f"{results} = {call}" if results else call]
        imported = self.module.imports[ordinal ^ isa.IMPORT_BIT]
        arguments = self._arguments(instruction, operands, imported.signature.convention)
        if imported.name in self._located:
            arguments.append(repr(self.location(instruction)))
        call = f"{self.import_name(ordinal)}({', '.join(arguments)})"
        if not instruction.mnemonic.endswith("yieldable"):
            return [f"{results} = {call}" if results else call]
        single = results if results and "," not in results else "result"
        lines = [
            f"{single} = {call}",
            f"while {single}.__class__ is Wait:",
            f"    yield {single}",
            f"    {single} = {single}.result()",
        ]
        return lines if single == results or not results else [*lines, f"{results} = result"]

    def _arguments(
        self, instruction: Instruction, operands: list[str], convention: CallingConvention
    ) -> list[str]:
        """Positional arguments; a variadic span becomes a tuple (of tuples, if wider than one)."""
        if "segments" not in instruction.opcode.fields:
            return operands
        segments = instruction.operands[1]
        assert isinstance(segments, tuple)
        sizes = [size for size in segments if isinstance(size, int)]
        try:
            return group_spans(convention.arguments, sizes, operands, _tuple)
        except ValueError:
            raise ProgramError(
                f"corrupt program: function {self.function.name!r}, byte {instruction.pc}: the "
                f"segments of a call do not match its convention {convention.text!r}"
            ) from None


def _tuple(items: list[str]) -> str:
    return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"


def _register_names(instruction: Instruction, kind: str) -> list[str]:
    operand = instruction.operands[instruction.opcode.fields.index(kind)]
    assert isinstance(operand, tuple)
    return [register_name(register) for register in operand if isinstance(register, int)]
