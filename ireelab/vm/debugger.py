"""The VM debugger: a program on a device, and one call of it that goes on when told to.

with il.debug(program, "main", x) as call:
    call.run_to(line=8)
    print(call)          # where it stands, and what the registers hold
    call.step_over()
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ireelab.errors import InvalidInput
from ireelab.program import Program
from ireelab.vm.context import Context
from ireelab.vm.disassembly import Line, function_lines
from ireelab.vm.execution import global_texts
from ireelab.vm.stepper import Stepper
from ireelab.vm.value_text import value_text

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from ireelab.pipeline.trace import Trace
    from ireelab.vm.abi import Value
    from ireelab.vm.devices import Devices

_LINE = re.compile(r":(\d+):\d+$")
_AROUND = 4  # lines of the listing before and after the current one


class Debugger:
    """One call under a :class:`Stepper`, with breakpoints by source line or byte.

    Every ``step``, ``step_over``, ``run_to`` and ``resume`` returns the debugger itself, which
    prints where it stands: the source position, the instructions around, what changed.
    """

    def __init__(self, context: Context, function: str | None, *arrays: Any) -> None:
        self._context = context
        self._lines: dict[int, tuple[Line, ...]] = {}
        self._source_lines: set[int] = set()
        self._before: dict[str, str] = {}
        self.function = context.program.function(function).name
        self.stepper = Stepper(context, function, *arrays)

    # --- where it stands --------------------------------------------------------------

    @property
    def finished(self) -> bool:
        return self.stepper.finished

    @property
    def location(self) -> str:
        """Source position of the next instruction: "mlp.mlir:8:1", "" where unknown."""
        return "" if self.finished else self.stepper.location

    @property
    def line(self) -> int | None:
        """Line of that position."""
        match = _LINE.search(self.location)
        return int(match[1]) or None if match else None

    @property
    def registers(self) -> Mapping[str, str]:
        """What the current function's registers hold, as text; ``stepper.registers`` has values."""
        if self.finished:
            return {}
        values = self.stepper.registers
        return MappingProxyType({name: value_text(value) for name, value in values.items()})

    @property
    def globals(self) -> Mapping[str, str]:
        """The module's globals as text, under the disassembly's names."""
        return MappingProxyType(dict(global_texts(self.stepper)))

    @property
    def backtrace(self) -> tuple[str, ...]:
        """Functions being executed, the innermost last, each with its byte."""
        return tuple(f"@{f.function.name}+{f.pc:#06x}" for f in self.stepper.frames)

    def result(self) -> tuple[Value, ...]:
        """The outputs, once the call has returned."""
        return self.stepper.result()

    # --- going on ---------------------------------------------------------------------

    def step(self, count: int = 1) -> Debugger:
        """Execute instructions; calls are entered, waits block."""
        self._remember()
        for _ in range(count):
            if self.finished:
                break
            self.stepper.step()
        return self

    def step_over(self) -> Debugger:
        """Execute one instruction; a called function runs to its return."""
        self._remember()
        if not self.finished:
            self.stepper.step_over()
        return self

    def step_out(self) -> Debugger:
        """Run until the current function has returned."""
        self._remember()
        depth = len(self.stepper.frames)
        while len(self.stepper.frames) >= depth and not self.finished:
            self.stepper.step()
        return self

    def run_to(
        self, *, line: int | None = None, pc: int | None = None, function: str | None = None
    ) -> Debugger:
        """Run to the next time that a line of the source, a byte or a function is reached.

        Without any of them, or where it is not reached again, to the end.
        """
        self._remember()
        if line is not None:
            self._run_to_lines({line})
        elif pc is None and function is None:
            self.stepper.resume()
        elif not self.finished:
            self.stepper.run_to(pc=pc, function=function)
        return self

    def break_at(
        self, *, line: int | None = None, pc: int | None = None, function: str | None = None
    ) -> None:
        """Stop ``resume`` at a line of the source, or at a byte (0: the start) of a function.

        Raises:
            InvalidInput: no instruction of the program is there.
        """
        module = self._context.program.module
        if line is not None:
            places = (location for f in module.functions for location in self._locations(f.ordinal))
            if line not in {int(m[1]) for place in places if (m := _LINE.search(place))}:
                raise InvalidInput(f"no instruction comes from line {line}")
            self._source_lines.add(line)
            return
        name = function or ("" if self.finished else self.stepper.function)
        found = next((f for f in module.functions if f.name == name), None)
        if found is None:
            names = ", ".join(f.name for f in module.functions)
            raise InvalidInput(f"the program has no function {name!r}; it has: {names}")
        bytes_ = [one.pc for one in self._listing(found.ordinal) if one.instruction]
        at = pc or bytes_[0]
        if at not in bytes_:
            raise InvalidInput(f"no instruction of {name!r} begins at byte {at:#x}")
        self.stepper.breakpoints.add((name, at))

    def clear_breakpoints(self) -> None:
        self.stepper.breakpoints.clear()
        self._source_lines.clear()

    def resume(self) -> Debugger:
        """Run to the next breakpoint, or to the end."""
        self._remember()
        self._run_to_lines(self._source_lines)
        return self

    def _run_to_lines(self, lines: set[int]) -> None:
        """To the first instruction of one of these lines, or to a breakpoint."""
        stepper, last = self.stepper, self.line
        while not stepper.finished:
            stepper.step()
            line = self.line
            if line in lines and line != last:
                return
            last = line
            if stepper.frames and (stepper.function, stepper.pc) in stepper.breakpoints:
                return

    # --- text -------------------------------------------------------------------------

    def _remember(self) -> None:
        self._before = dict(self.registers)

    def _listing(self, ordinal: int) -> tuple[Line, ...]:
        if ordinal not in self._lines:
            module = self._context.program.module
            self._lines[ordinal] = function_lines(module, module.functions[ordinal])
        return self._lines[ordinal]

    def _locations(self, ordinal: int) -> set[str]:
        return {one.location for one in self._listing(ordinal) if one.location}

    def listing(self, around: int = _AROUND) -> str:
        """The instructions around the next one, which ``=>`` marks."""
        if self.finished:
            return ""
        ordinal, pc = self.stepper.frame.function.ordinal, self.stepper.pc
        lines = self._listing(ordinal)
        at = next(i for i, one in enumerate(lines) if one.instruction and one.pc == pc)
        shown = range(max(0, at - around), min(len(lines), at + around + 1))
        return "\n".join(
            f"{'=>' if i == at else '  '} {lines[i].pc:04x} {lines[i].text}" for i in shown
        )

    def __str__(self) -> str:
        if self.finished:
            texts = ", ".join(value_text(value) for value in self.stepper.raw_results)
            return f"@{self.function} returned {texts or 'nothing'}"
        now = self.registers
        changed = [f"  %{r} = {text}" for r, text in now.items() if self._before.get(r) != text]
        head = f"{' > '.join(self.backtrace)}  {self.location}".rstrip()
        return "\n".join([head, self.listing(), *changed])

    __repr__ = __str__

    # --- lifetime ---------------------------------------------------------------------

    def close(self) -> None:
        """Unload the program; idempotent."""
        self._context.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def debug(
    program: Program | Trace,
    function: str | None = None,
    *arrays: Any,
    device: Devices = "llvm-cpu",
) -> Debugger:
    """Load a program on a device and stop before the first instruction of a function.

    Raises:
        UnknownFunction, InvalidInput: as ``il.run`` does.
    """
    loaded = program if isinstance(program, Program) else program.program
    context = Context(loaded, device)
    try:
        return Debugger(context, function, *arrays)
    except BaseException:
        context.close()
        raise
