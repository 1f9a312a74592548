"""Places where a call may be stopped: how they are written, and which instructions they are.

- ``8``: where line 8 of the source begins
- ``@main``, ``@main 0x48``: the start of a function, or its instruction at that byte
- ``0x48``: the instruction at that byte of the function that runs
- ``hal.fence.await``: every call of that import
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property

from ireelab.errors import InvalidInput
from ireelab.vm.disassembly import Line, callee_name, function_lines
from ireelab.vm.module import BytecodeModule

_COLUMN = re.compile(r":(\d+):\d+$")
_WRITTEN = re.compile(
    r"(?P<line>\d+)|(?P<pc>0x[\da-fA-F]+)|@(?P<function>\S+?)(?:[\s+]+(?P<at>\w+))?"
)

AROUND = 4  # lines of the listing before and after an instruction

Address = tuple[int, int]
"""Of an instruction: the ordinal of its function, and its byte."""


@dataclass(frozen=True, slots=True)
class Place:
    """One of: a line, an import that is called, or an instruction of a function.

    ``pc`` None is the function's start, ``function`` "" the one that runs.
    """

    line: int | None = None
    function: str = ""
    pc: int | None = None
    call: str = ""

    def __str__(self) -> str:
        if self.line is not None:
            return str(self.line)
        if self.call:
            return self.call
        name = f"@{self.function}" if self.function else ""
        return f"{name} {self.pc:#x}".lstrip() if self.pc is not None else name


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """A place and the instructions that it is.

    Of a line those that it begins with in the listing; a call stops wherever it enters the line.
    """

    place: Place
    addresses: frozenset[Address]

    def __str__(self) -> str:
        return str(self.place)


def parse_place(text: str) -> Place:
    """A place as it is written.

    Raises:
        InvalidInput: it is none.
    """
    words = text.strip()
    match = _WRITTEN.fullmatch(words)
    if match is None:
        if "." in words and not re.search(r"\s", words):
            return Place(call=words)
        raise InvalidInput(
            f"{text!r} is no place: write a line (8), a function (@main), one with a byte "
            "(@main 0x48), or an import (hal.fence.await)"
        )
    try:
        if match["line"]:
            return Place(line=int(match["line"]))
        if match["pc"]:
            return Place(pc=int(match["pc"], 0))
        return Place(function=match["function"], pc=int(match["at"], 0) if match["at"] else None)
    except ValueError:
        raise InvalidInput(f"{text!r}: {match['at']!r} is not the number of a byte") from None


def line_of(location: str) -> int | None:
    """The line of "mlp.mlir:8:1"; None where it is unknown."""
    match = _COLUMN.search(location)
    return int(match[1]) or None if match else None


class Reached:
    """Tells which of some places a call has come to."""

    def __init__(self, wanted: tuple[Breakpoint, ...]) -> None:
        self.lines = {one.place.line: one for one in wanted if one.place.line is not None}
        others = [one for one in wanted if one.place.line is None]
        self._addresses = {address: one for one in reversed(others) for address in one.addresses}
        self._line: int | None = None

    def at(self, address: Address | None, line: int | None) -> Breakpoint | None:
        """Asked before every instruction: a line is reached where another one was left."""
        before, self._line = self._line, line
        if line is not None and line in self.lines and line != before:
            return self.lines[line]
        return None if address is None else self._addresses.get(address)


class Places:
    """The places of one module."""

    def __init__(self, module: BytecodeModule) -> None:
        self._module = module
        self._listings: dict[int, tuple[Line, ...]] = {}

    def listing(self, ordinal: int) -> tuple[Line, ...]:
        """The lines of a function, decoded once."""
        if ordinal not in self._listings:
            function = self._module.functions[ordinal]
            self._listings[ordinal] = function_lines(self._module, function)
        return self._listings[ordinal]

    def function(self, ordinal: int) -> str:
        """The name of a function.

        Raises:
            InvalidInput: there is none of this number.
        """
        if not 0 <= ordinal < len(self._module.functions):
            raise InvalidInput(f"the program has no function number {ordinal}")
        return self._module.functions[ordinal].name

    def find(self, place: Place, running: str = "") -> Breakpoint:
        """The instructions that a place is; ``running`` is the function where none is named.

        Raises:
            InvalidInput: there is no such line, function, instruction or call.
        """
        if place.line is not None:
            return Breakpoint(place, self._of_line(place.line))
        if place.call:
            return Breakpoint(place, self._of_call(place.call))
        return self._of_function(place, place.function or running)

    def _of_line(self, line: int) -> frozenset[Address]:
        starts = frozenset(self.lines.get(line, ()))
        if not starts:
            raise InvalidInput(f"no instruction comes from line {line}")
        return starts

    def _of_call(self, name: str) -> frozenset[Address]:
        found = frozenset(self._calls.get(name, ()))
        if not found:
            names = ", ".join(sorted(self._calls)) or "nothing"
            raise InvalidInput(f"the program does not call {name!r}; it calls: {names}")
        return found

    def _of_function(self, place: Place, name: str) -> Breakpoint:
        found = next((f for f in self._module.functions if f.name == name), None)
        if found is None:
            names = ", ".join(f.name for f in self._module.functions)
            raise InvalidInput(f"the program has no function {name!r}; it has: {names}")
        bytes_ = [one.pc for one in self.listing(found.ordinal) if one.instruction]
        at = bytes_[0] if place.pc is None else place.pc
        if at not in bytes_:
            raise InvalidInput(f"no instruction of {name!r} begins at byte {at:#x}")
        return Breakpoint(replace(place, function=name), frozenset({(found.ordinal, at)}))

    @cached_property
    def lines(self) -> dict[int, list[Address]]:
        """For each line of the source the instructions that begin it."""
        found: dict[int, list[Address]] = {}
        for function in self._module.functions:
            before = None
            for one in self.listing(function.ordinal):
                if one.instruction is None:
                    continue
                line = line_of(one.location)
                if line is not None and line != before:
                    found.setdefault(line, []).append((function.ordinal, one.pc))
                before = line
        return found

    @cached_property
    def _calls(self) -> dict[str, list[Address]]:
        found: dict[str, list[Address]] = {}
        for function in self._module.functions:
            for one in self.listing(function.ordinal):
                if one.instruction is None or not one.instruction.mnemonic.startswith("call"):
                    continue
                ordinal = one.instruction.operands[0]
                assert isinstance(ordinal, int)
                name = callee_name(self._module, ordinal)
                found.setdefault(name, []).append((function.ordinal, one.pc))
        return found


def around_text(places: Places, address: Address, around: int) -> str:
    """The instructions before and after one, which ``=>`` marks."""
    ordinal, pc = address
    lines = places.listing(ordinal)
    at = next(i for i, one in enumerate(lines) if one.instruction and one.pc == pc)
    shown = range(max(0, at - around), min(len(lines), at + around + 1))
    return "\n".join(
        f"{'=>' if i == at else '  '} {lines[i].pc:04x} {lines[i].text}" for i in shown
    )
