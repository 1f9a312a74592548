"""Where slice layout put each packed slice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from ireelab.pipeline.session import value_names
from ireelab.pipeline.step import Step
from ireelab.pipeline.trace import Trace
from ireelab.viz.access import Access
from ireelab.viz.amount import Amount
from ireelab.viz.pack_ir import Buffer, MemoryProgram, read_memory
from ireelab.viz.steps import before
from ireelab.viz.stream_ir import Command, StreamProgram, read_stream_program

Place = tuple[str, Amount]
"""The resource of a slab, and an offset into it."""


class SliceLayout:
    """Commands with undecided offsets, side by side with the same commands after layout.

    A slice has no name in common with the offset that replaces it: the n-th command's m-th
    access tells which became which. Layout runs function by function with clean-ups between;
    where those changed a function's commands, the step that laid out just that function is read.
    """

    def __init__(self, trace: Trace, steps: Sequence[Step], undecided: StreamProgram) -> None:
        """``steps`` are those of ``layout_steps``; ``undecided`` is what the first one found."""
        self._trace = trace
        self._steps = steps
        self._before = _by_function(undecided)
        module = trace.module(steps[-1])
        self.memory: MemoryProgram = read_memory(module, value_names)
        decided = read_stream_program(module, value_names)
        self.users = decided.users()
        self._after = _by_function(decided)
        self._buffers = {buffer.id: buffer for buffer in self.memory.buffers}

    def uses(self, symbol: str) -> list[Command]:
        """The commands that touch a slice, in order."""
        return self._uses.get(symbol, [])

    def place(self, symbol: str) -> Place | None:
        """The slab and the offset a slice got; None for one that nothing uses."""
        return self._places.get(symbol)

    def slab(self, resource: str) -> Buffer | None:
        """The allocation behind a slab after layout, None for a pack that nothing uses."""
        return self._buffers.get(resource)

    @cached_property
    def _uses(self) -> dict[str, list[Command]]:
        uses: dict[str, list[Command]] = {}
        for commands in self._before.values():
            for command in commands:
                symbols = {name for access in command.accesses for name in symbols_of(access)}
                for name in symbols:
                    uses.setdefault(name, []).append(command)
        return uses

    @cached_property
    def _places(self) -> dict[str, Place]:
        """For every symbol of an undecided offset, what stands in its stead."""
        places: dict[str, Place] = {}
        for function in self._before:
            for first, second in zip(*self._sides(function), strict=True):
                for undecided, decided in zip(first.accesses, second.accesses, strict=True):
                    for name in symbols_of(undecided):
                        rest = _without(undecided.range.offset, name)
                        offset = decided.range.offset - rest
                        places.setdefault(name, (decided.resource, offset))
        return places

    def _sides(self, function: str) -> tuple[list[Command], list[Command]]:
        first, second = self._before[function], self._after.get(function, [])
        if _same_shape(first, second):
            return first, second
        for step in self._steps:
            if step.scope[-1].endswith(f"@{function}"):
                found = self._read(before(self._trace, step)).get(function, [])
                second = self._read(step).get(function, [])
                if _same_accesses(first, found) and _same_shape(first, second):
                    return first, second
        return [], []

    def _read(self, step: Step) -> dict[str, list[Command]]:
        return _by_function(read_stream_program(self._trace.module(step), value_names))


def _by_function(program: StreamProgram) -> dict[str, list[Command]]:
    functions = {execution.index: execution.function for execution in program.executions}
    grouped: dict[str, list[Command]] = {}
    for command in program.commands:
        grouped.setdefault(functions[command.execution], []).append(command)
    return grouped


def _same_shape(first: Sequence[Command], second: Sequence[Command]) -> bool:
    return len(first) == len(second) and all(
        a.name == b.name and len(a.accesses) == len(b.accesses)
        for a, b in zip(first, second, strict=True)
    )


def _same_accesses(first: Sequence[Command], second: Sequence[Command]) -> bool:
    return [command.accesses for command in first] == [command.accesses for command in second]


def symbols_of(access: Access) -> Iterator[str]:
    """The symbols an offset is counted from."""
    return (term.name for term, factor in access.range.offset.terms if factor == 1)


def _without(amount: Amount, symbol: str) -> Amount:
    return Amount(amount.constant, tuple(t for t in amount.terms if t[0].name != symbol))
