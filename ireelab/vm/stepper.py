"""An instruction-by-instruction interpreter, for looking inside a running program.

It evaluates the same table of semantics that translated code is made of, over the same context,
so that stepping and calling agree.

    stepper = Stepper(context, "mlp", *arrays)
    stepper.run_to(function="mlp", pc=0x48)
    stepper.registers, stepper.location, stepper.text
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from ireelab.errors import VMError
from ireelab.vm import isa
from ireelab.vm.abi import Value
from ireelab.vm.context import Context, State
from ireelab.vm.convention import VALUE_NAMES, group_spans
from ireelab.vm.decode import Instruction, Operand, Remap, register_name, successors
from ireelab.vm.disassembly import format_instruction
from ireelab.vm.frame import Frame
from ireelab.vm.hal_module import LOCATED_IMPORTS
from ireelab.vm.liveness import reads, writes
from ireelab.vm.module import Signature
from ireelab.vm.scheduler import Wait
from ireelab.vm.semantics import HELPERS, SEMANTICS
from ireelab.vm.status import failure
from ireelab.vm.translate import parameter_names
from ireelab.vm.written import Written

_MOST_FRAMES = 1000  # about what Python's own limit leaves to translated code


class Stepper:
    """Executes one call of an exported function of a context, step by step.

    ``waiting`` is what the call waits for: a coroutine that has yielded, as ``step`` leaves it
    where it may not block. ``written`` knows which buffers hold what is computed into them.
    """

    def __init__(self, context: Context, function: str | None = None, *arrays: Any) -> None:
        self._context = context
        self._state: State = context.state
        self._module = context.program.module
        entry = context.entry(function)
        self._signature = entry.signature
        arguments = entry.signature.to_device(arrays)
        self._done = None
        if entry.signature.function.asynchronous:
            self._done = context.device.create_fence()
            arguments = [*arguments, None, self._done]
        self.frames: list[Frame] = []
        self.waiting: Wait | None = None
        self.written = Written()
        self.steps = 0
        self._returned: tuple[Any, ...] = ()
        self._operations = _Operations(self._state)
        self._enter(entry.ordinal, arguments)

    # --- what is where --------------------------------------------------------------

    @property
    def finished(self) -> bool:
        return not self.frames

    @property
    def frame(self) -> Frame:
        if not self.frames:
            raise VMError("the call has ended; result() holds its outputs", status=9)
        return self.frames[-1]

    @property
    def instruction(self) -> Instruction:
        """The instruction that ``step`` executes next."""
        return self.frame.instruction

    @property
    def function(self) -> str:
        return self.frame.function.name

    @property
    def pc(self) -> int:
        return self.frame.pc

    @property
    def registers(self) -> Mapping[str, Any]:
        """Registers of the current frame that have been written."""
        return MappingProxyType(self.frame.registers)

    @property
    def globals(self) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Value slots (4 bytes each) and references of the module."""
        return tuple(self._state.globals), tuple(self._state.refs)

    @property
    def location(self) -> str:
        """Source position of the next instruction, "" where unknown."""
        return self._module.location(self.frame.function, self.pc)

    @property
    def text(self) -> str:
        """The next instruction as the disassembly shows it."""
        numbers = {pc: i for i, pc in enumerate(self.frame.blocks)}
        return format_instruction(self._module, self.instruction, numbers)

    @property
    def raw_results(self) -> tuple[Any, ...]:
        """What the function returned, still on the device; empty until it has."""
        return self._returned

    def result(self) -> tuple[Value, ...]:
        """The outputs, once the call has ended."""
        if self.frames:
            raise VMError(f"the call is still in {self.function!r}", status=9)
        if self._done is not None:
            self._done.wait()
        values = self._returned
        return self._signature.to_host(values[0] if len(values) == 1 else values)

    # --- going on -------------------------------------------------------------------

    def step(self, *, block: bool = True) -> None:
        """Executes one instruction; calls are entered.

        A wait blocks; without ``block`` it leaves ``waiting`` set, and the next step asks again.
        """
        frame = self.frame
        instruction = frame.instruction
        if self.waiting is not None:
            self._settle(frame, self.waiting.result(), block)
            return
        self.steps += 1
        mnemonic = instruction.mnemonic
        if mnemonic == "return":
            self._return([frame.read(name) for name in reads(instruction)])
        elif mnemonic.startswith("call"):
            self._call(frame, instruction, block)
        elif mnemonic == "fail":
            (name,) = reads(instruction)
            raise failure(frame.read(name), str(instruction.operands[1]), self.location)
        elif mnemonic in isa.TERMINATORS:
            frame.branch(*self._target(frame, instruction))
        else:
            self._execute(frame, instruction)
            frame.advance()

    def run_to(self, *, pc: int | None = None, function: str | None = None) -> bool:
        """Runs until the next instruction is at ``pc`` and in ``function``; False if never.

        ``pc`` alone is of the current function, ``function`` alone means its start.
        """
        if function is None and not self.finished:
            function = self.function
        first = True
        while not self.finished:
            if not first and self.function == function:
                entry = next(iter(self.frame.blocks.values())).instructions[0].pc
                if self.pc == (entry if pc is None else pc):
                    return True
            first = False
            self.step()
        return False

    def finish(self) -> None:
        """Runs to the end."""
        while not self.finished:
            self.step()

    # --- instructions ---------------------------------------------------------------

    def _enter(self, ordinal: int, arguments: list[Any]) -> None:
        if len(self.frames) == _MOST_FRAMES:
            raise VMError("the program's calls nest too deep", status=8)
        function = self._module.functions[ordinal]
        blocks = self._context.program.translation.functions[ordinal].blocks
        frame = Frame(function, blocks)
        types = _types(function.signature.convention.arguments)
        frame.write(parameter_names(function), arguments, types)
        self.frames.append(frame)

    def _return(self, values: list[Any]) -> None:
        self.frames.pop()
        if self.frames:
            self._finish_call(self.frame, values)
        else:
            self._returned = tuple(values)

    def _finish_call(self, frame: Frame, values: list[Any]) -> None:
        """Stores a call's results and goes on behind it."""
        instruction = frame.instruction
        types = _types(self._callee(instruction).convention.results)
        frame.write(writes(instruction), values, types)
        targets = successors(instruction)
        if targets:
            frame.branch(*targets[0])
        else:
            frame.advance()

    def _callee(self, instruction: Instruction) -> Signature:
        ordinal = instruction.operands[0]
        assert isinstance(ordinal, int)
        if ordinal & isa.IMPORT_BIT:
            return self._module.imports[ordinal ^ isa.IMPORT_BIT].signature
        return self._module.functions[ordinal].signature

    def _call(self, frame: Frame, instruction: Instruction, block: bool) -> None:
        ordinal = instruction.operands[0]
        assert isinstance(ordinal, int)
        operands = [frame.read(name) for name in reads(instruction)]
        if not ordinal & isa.IMPORT_BIT:
            self._enter(ordinal, operands)
            return
        ordinal ^= isa.IMPORT_BIT
        imported = self._module.imports[ordinal]
        if "segments" in instruction.opcode.fields:
            sizes = instruction.operands[1]
            assert isinstance(sizes, tuple)
            counts = [size for size in sizes if isinstance(size, int)]
            arguments = imported.signature.convention.arguments
            operands = group_spans(arguments, counts, operands, tuple)
        if imported.name in LOCATED_IMPORTS:
            operands.append(self.location)
        result = self._state.imports[ordinal](*operands)
        self.written.called(imported.name, operands, result)
        self._settle(frame, result, block)

    def _settle(self, frame: Frame, result: Any, block: bool) -> None:
        """Ends a call of an import, which may have to wait first."""
        self.waiting = None
        while isinstance(result, Wait):
            if not block:
                self.waiting = result
                return
            result.block(None)
            result = result.result()
        several = len(self._callee(frame.instruction).convention.results) != 1
        self._finish_call(frame, list(result or ()) if several else [result])

    def _target(self, frame: Frame, instruction: Instruction) -> tuple[int, Remap]:
        targets = successors(instruction)
        if instruction.mnemonic not in ("cond_br", "br_table"):
            return targets[0]
        (name,) = reads(instruction)
        value = int(frame.read(name))
        if instruction.mnemonic == "cond_br":
            return targets[0] if value else targets[1]
        return targets[1 + value] if 0 <= value < len(targets) - 1 else targets[0]

    def _execute(self, frame: Frame, instruction: Instruction) -> None:
        """One instruction that is in the table, or one that only concerns debugging."""
        mnemonic = instruction.mnemonic
        if mnemonic == "import.resolved":
            (name,) = writes(instruction)
            ordinal = instruction.operands[0]
            assert isinstance(ordinal, int)
            frame.write([name], [self._state.resolved[ordinal & ~isa.IMPORT_BIT]], ["i32"])
        elif mnemonic == "discard.refs":
            names = list(writes(instruction))
            frame.write(names, [None] * len(names), ["ref"] * len(names))
        elif mnemonic not in ("trace", "print"):
            values = [self._value(frame, *pair) for pair in _operands(instruction)]
            result = self._operations.get(mnemonic, len(values))(*values)
            types = [kind[1:] for kind in instruction.opcode.fields if kind.startswith(">")]
            frame.write(writes(instruction), [result] * len(types), types)

    def _value(self, frame: Frame, kind: str, operand: Operand) -> Any:
        if kind == "registers":
            assert isinstance(operand, tuple)
            return tuple(frame.read(register_name(r)) for r in operand if isinstance(r, int))
        if kind == "type":
            assert isinstance(operand, int)
            return self._module.types[operand]
        if kind in ("i32", "i64", "f32", "f64", "ref"):
            assert isinstance(operand, int)
            return frame.read(register_name(operand))
        return operand


def _operands(instruction: Instruction) -> list[tuple[str, Operand]]:
    pairs = zip(instruction.opcode.fields, instruction.operands, strict=True)
    return [(kind, operand) for kind, operand in pairs if not kind.startswith(">")]


def _types(letters: Iterable[str]) -> list[str]:
    return [VALUE_NAMES[letter] for letter in letters]


class _Operations:
    """The table's templates as functions over the state of one context."""

    def __init__(self, state: State) -> None:
        self._namespace: dict[str, Any] = {
            **HELPERS,
            "G": state.globals,
            "R": state.refs,
            "D": state.rodata,
        }
        self._functions: dict[str, Callable[..., Any]] = {}

    def get(self, mnemonic: str, count: int) -> Callable[..., Any]:
        if mnemonic not in self._functions:
            names = [f"a{i}" for i in range(count)]
            text = SEMANTICS[mnemonic].format(*names)
            is_statement = mnemonic.startswith("global.store")
            body = text if is_statement else f"return {text}"
            namespace = self._namespace
            exec(f"def operation({', '.join(names)}):\n    {body}", namespace)
            self._functions[mnemonic] = namespace["operation"]
        return self._functions[mnemonic]
