"""The VM debugger: a program on a device, and one call of it that goes on when told to.

with il.debug(program, "main", x) as call:
    call.run_to("8")     # line 8 of the source
    print(call)          # where it stands, and what the registers hold
    call.step_over()

The command line and the explorer's VM pane are this debugger too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ireelab.errors import InvalidInput, IreelabError
from ireelab.program import Program
from ireelab.vm.breakpoints import (
    AROUND,
    Address,
    Breakpoint,
    Place,
    Places,
    around_text,
    parse_place,
)
from ireelab.vm.context import Context, explained
from ireelab.vm.execution import global_values, named_values
from ireelab.vm.frame import Frame
from ireelab.vm.moves import Move, Progress, address_of, execute, line_at
from ireelab.vm.scheduler import Wait
from ireelab.vm.stepper import Stepper
from ireelab.vm.value_facts import PAGE, Contents, contents
from ireelab.vm.value_text import value_text

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from ireelab.pipeline.trace import Trace
    from ireelab.vm.abi import Value
    from ireelab.vm.devices import Devices

Seen = Mapping[str, tuple[Any, str]]
"""Values by name as they were at a stop, and their texts then."""

_NOTHING: Seen = MappingProxyType({})


class Debugger:
    """One call, with breakpoints; it stands before an instruction, has returned, or has failed.

    Every ``step``, ``step_over``, ``step_out``, ``run_to`` and ``resume`` returns the debugger
    itself, which prints where it stands: the source position, the instructions around, what
    changed. ``why`` says what it stopped for: "started", "stepped", "breakpoint 8", "waits",
    "stopped", "returned" or "failed".

    What the program or the device fails with is raised by the move that met it, and is ``error``;
    the call then stands at the instruction that failed. Another thread ends a move between two
    instructions, or while it waits, by setting ``stop``; ``progress`` is told how far it has come.
    """

    def __init__(
        self,
        program: Program,
        function: str | None = None,
        *arrays: Any,
        device: Devices = "llvm-cpu",
    ) -> None:
        self.function = program.function(function).name
        self.stop = threading.Event()
        self.progress: Progress | None = None
        self.breakpoints: tuple[Breakpoint, ...] = ()
        self.places = Places(program.module)
        self._program = program
        self._arrays = arrays
        self._device: Devices = device
        self._begin()

    def _begin(self) -> None:
        self.why = "started"
        self.error: Exception | None = None
        self._seen: list[tuple[Frame, Seen]] = []
        self._seen_globals = _NOTHING
        self._context = Context(self._program, self._device)
        try:
            self.stepper = Stepper(self._context, self.function, *self._arrays)
        except BaseException:
            self._context.close()
            raise

    def restart(self) -> Debugger:
        """The same call anew, the program's globals included; breakpoints stay."""
        self._context.close()
        self._begin()
        return self

    # --- where it stands --------------------------------------------------------------

    @property
    def finished(self) -> bool:
        """Whether the call has returned."""
        return self.stepper.finished

    @property
    def location(self) -> str:
        """Source position of the next instruction: "mlp.mlir:8:1", "" where unknown."""
        return "" if self.finished else self.stepper.location

    @property
    def line(self) -> int | None:
        """Line of that position."""
        return line_at(self.stepper)

    @property
    def address(self) -> Address | None:
        """The next instruction: the ordinal of its function, and its byte."""
        return address_of(self.stepper)

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
        return MappingProxyType({name: value_text(v) for name, v in global_values(self.stepper)})

    @property
    def backtrace(self) -> tuple[str, ...]:
        """Functions being executed, the innermost last, each with its byte."""
        return tuple(f"@{f.function.name}+{f.pc:#06x}" for f in self.stepper.frames)

    @property
    def waiting(self) -> Wait | None:
        """What the call waits for, where it has yielded."""
        return self.stepper.waiting

    def seen(self, frame: Frame | None) -> Seen:
        """What a function's registers (None: the globals) held when the last move began."""
        if frame is None:
            return self._seen_globals
        return next((seen for known, seen in self._seen if known is frame), _NOTHING)

    def contents(self, name: str, read_as: str = "", offset: int = 0) -> Contents:
        """Elements of what a register ("%r0", "^%r0" of the caller), a global ("ref 0") or an
        output ("result 0") holds at this moment, as ``value_facts.contents`` reads them.

        Memory into which nothing has been computed yet has none; its ``note`` says why.
        """
        values = named_values(self.stepper)
        if name not in values:
            raise InvalidInput(f"there is no {name!r} here; there are: {', '.join(values)}")
        value = values[name]
        now = self.stepper.written.look(value)  # before it is read: work ends at any time
        read = contents(value, read_as, offset, PAGE if now.computed else 0)
        return replace(read, note=now.note)

    def result(self) -> tuple[Value, ...]:
        """The outputs, once the call has returned; waits for the work that computes them."""
        return self.stepper.result()

    # --- breakpoints ------------------------------------------------------------------

    def break_at(self, place: Place | str) -> Breakpoint:
        """Stop every move at a place: a line of the source ("8"), a function ("@main") or an
        instruction of it ("@main 0x48"), or the calls of an import ("hal.fence.await").

        Raises:
            InvalidInput: it is no place, or no instruction of the program is there.
        """
        made = self.find(place)
        if made not in self.breakpoints:
            self.breakpoints = (*self.breakpoints, made)
        return made

    def find(self, place: Place | str) -> Breakpoint:
        """A place in this program; a byte alone is of the function that runs."""
        if isinstance(place, str):
            place = parse_place(place)
        return self.places.find(place, "" if self.finished else self.stepper.function)

    def clear(self, breakpoint: Breakpoint) -> None:
        """Forget one."""
        self.breakpoints = tuple(one for one in self.breakpoints if one != breakpoint)

    def clear_breakpoints(self) -> None:
        self.breakpoints = ()

    # --- going on ---------------------------------------------------------------------

    def step(self, count: int = 1) -> Debugger:
        """Execute instructions; calls are entered.

        A wait whose fences are pending is a stop of its own: the coroutine has yielded, and
        ``waiting`` says what for. The next step waits.
        """
        left = iter(range(count - 1))
        return self._go(lambda: next(left, None) is None, yields=True)

    def step_over(self) -> Debugger:
        """Execute one instruction; a called function runs to its return, a wait to its end."""
        depth = len(self.stepper.frames)
        return self._go(lambda: len(self.stepper.frames) <= depth)

    def step_out(self) -> Debugger:
        """Run until the current function has returned."""
        depth = len(self.stepper.frames)
        return self._go(lambda: len(self.stepper.frames) < depth)

    def next_line(self) -> Debugger:
        """Run to where another line of the source begins; instructions from nowhere are passed."""
        line = self.line
        return self._go(lambda: self.line not in (None, line))

    def run_to(self, place: Place | str) -> Debugger:
        """Run to the next time that a place is reached (see ``break_at``), to a breakpoint, or
        to the end.
        """
        target = self.find(place)
        return self._go(lambda: False, targets=(target,))

    def resume(self) -> Debugger:
        """Run to the next breakpoint, or to the end."""
        return self._go(lambda: False)

    def _go(
        self,
        arrived: Callable[[], bool],
        targets: tuple[Breakpoint, ...] = (),
        *,
        yields: bool = False,
    ) -> Debugger:
        """Execute until ``arrived``, a target or a breakpoint, a failure, the end, or ``stop``."""
        if self.error is not None:
            raise self.error
        self._remember()
        move = Move(arrived, (*targets, *self.breakpoints), yields)
        try:
            ended = execute(self.stepper, move, self.stop, self.progress)
        except (IreelabError, AttributeError) as error:
            self.error, self.why = explained(error), "failed"
            if self.error is error:
                raise
            raise self.error from error
        if isinstance(ended, Breakpoint):
            ended = f"breakpoint {ended}" if ended in self.breakpoints else "stepped"
        self.why = ended
        return self

    def _remember(self) -> None:
        frames = self.stepper.frames
        self._seen = [(frame, _texts(frame.registers.items())) for frame in frames]
        self._seen_globals = _texts(global_values(self.stepper))

    # --- text -------------------------------------------------------------------------

    def listing(self, around: int = AROUND) -> str:
        """The instructions around the next one, which ``=>`` marks."""
        return "" if self.address is None else around_text(self.places, self.address, around)

    def __str__(self) -> str:
        if self.finished:
            texts = ", ".join(value_text(value) for value in self.stepper.raw_results)
            looks = map(self.stepper.written.look, self.stepper.raw_results)
            notes = dict.fromkeys(one.note for one in looks if one.note)
            said = [f"@{self.function} returned {texts or 'nothing'}", *notes]
            return "\n  ".join(said)
        seen = self.seen(self.stepper.frame)
        now = self.registers
        changed = [f"  %{r} = {t}" for r, t in now.items() if r not in seen or seen[r][1] != t]
        head = f"{' > '.join(self.backtrace)}  {self.location}".rstrip()
        waiting = self.waiting
        waits = [f"  waits for {value_text(f)}" for f in waiting.fences] if waiting else []
        return "\n".join([head, self.listing(), *waits, *changed])

    __repr__ = __str__

    # --- lifetime ---------------------------------------------------------------------

    def close(self) -> None:
        """Unload the program; idempotent."""
        self._seen, self._seen_globals = [], _NOTHING
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


def _texts(values: Any) -> Seen:
    return {name: (value, value_text(value)) for name, value in values}


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
    return Debugger(loaded, function, *arrays, device=device)
