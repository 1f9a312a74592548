"""The LLVM IR of an executable, what the JIT makes of it, and how their lines belong together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ireelab.hal.drivers.llvm_cpu.assembly import assemble
from ireelab.hal.drivers.llvm_cpu.llvm_ffi import host_architecture
from ireelab.listing.elf_functions import function_sizes
from ireelab.listing.instruction_mix import InstructionMix, instruction_mix
from ireelab.listing.llvm_lines import (
    functions,
    lines_of,
    source_locations,
    with_line_numbers,
    without_locations,
)

_LOC = re.compile(r"\s+\.loc\s+\d+\s+(\d+)")
_BEGIN = re.compile(r"-- Begin function ([\w$.-]+)")
_END = "-- End function"
_LOCAL_LABEL = re.compile(r"^\.?LBB\d+_\d+:")
_COMMENT = re.compile(r"\s+(#|//|;) .*$|\s+#+$")
_SPILL = re.compile(r"(\d+)-byte (?:Folded )?(Spill|Reload)")
_SUBTRACT = re.compile(r"sub[q]?\t(?:\$(\d+), %rsp|sp, sp, #(\d+))")
_ARM_PUSH = re.compile(r"st[rp]\t.*\[sp, #-(\d+)\]!")


@dataclass(frozen=True, slots=True)
class Text:
    """Lines of a listing. ``llvm_lines`` holds for each the line of the function's LLVM IR that it
    belongs to, from 1, or 0; ``locations`` the place in the source, or ""."""

    lines: tuple[str, ...]
    llvm_lines: tuple[int, ...]
    locations: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.lines)


@dataclass(frozen=True, slots=True)
class CpuFunction:
    """One function: LLVM IR as IREE wrote it, after the middle end, and its machine code.

    ``code_bytes`` is None where object files have no sizes. ``stack_bytes`` is what the function
    takes from the stack on entry, ``spills`` and ``reloads`` how often registers go to the stack.
    """

    name: str
    llvm_ir: Text
    optimised: Text
    assembly: Text
    mix: InstructionMix
    code_bytes: int | None
    stack_bytes: int
    spills: int
    reloads: int


class CpuModule:
    """The LLVM IR of one executable. What LLVM makes of it is computed when asked for."""

    def __init__(self, text: str, *, name: str) -> None:
        self.text = text
        self.name = name

    @cached_property
    def ir(self) -> Mapping[str, Text]:
        """LLVM IR as IREE wrote it, by function."""
        lines = without_locations(self.text).split("\n")
        places = source_locations(self.text)
        found: dict[str, Text] = {}
        for function in functions(self.text):
            span = range(function.first, function.end)
            found[function.name] = Text(
                tuple(lines[number - 1] for number in span),
                tuple(number - function.first + 1 for number in span),
                tuple(places.get(number, "") for number in span),
            )
        return found

    @cached_property
    def code(self) -> Mapping[str, CpuFunction]:
        """Every function with its machine code.

        Raises:
            ExecutableMismatch: LLVM refuses the text, or it is for another machine.
        """
        made = assemble(with_line_numbers(self.text), name=self.name)
        sizes = function_sizes(made.object_code)
        starts = {function.name: function for function in functions(self.text)}
        places = source_locations(self.text)
        optimised = self._optimised(made.optimised, places)
        found: dict[str, CpuFunction] = {}
        for name, raw in _by_function(made.assembly).items():
            if name not in starts or name not in optimised:
                continue
            first, end = starts[name].first, starts[name].end
            assembly = _assembly(raw, first, end, places)
            found[name] = self._function(name, optimised[name], assembly, raw, sizes.get(name))
        return found

    def _function(
        self, name: str, optimised: Text, assembly: Text, raw: list[str], code_bytes: int | None
    ) -> CpuFunction:
        instructions = [line.strip() for line in assembly.lines if line.startswith("\t")]
        kinds = [kind for line in raw for _, kind in _SPILL.findall(line)]
        return CpuFunction(
            name=name,
            llvm_ir=self.ir[name],
            optimised=optimised,
            assembly=assembly,
            mix=instruction_mix(instructions, arm=host_architecture() == "arm_64"),
            code_bytes=code_bytes,
            stack_bytes=_stack_bytes(instructions),
            spills=kinds.count("Spill"),
            reloads=kinds.count("Reload"),
        )

    def _optimised(self, text: str, places: Mapping[int, str]) -> dict[str, Text]:
        origins = lines_of(text)
        lines = without_locations(text).split("\n")
        starts = {function.name: function for function in functions(self.text)}
        found: dict[str, Text] = {}
        for function in functions(text):
            span = range(function.first, function.end)
            before = starts.get(function.name)
            if before is None:
                continue
            owned = [_within(origins.get(n, 0), before.first, before.end) for n in span]
            found[function.name] = Text(
                tuple(lines[number - 1] for number in span),
                tuple(number - before.first + 1 if number else 0 for number in owned),
                tuple(places.get(origins.get(number, 0), "") for number in span),
            )
        return found


def _within(line: int, first: int, end: int) -> int:
    """A line of a module if it is in the function; what was inlined is not."""
    return line if first <= line < end else 0


def _by_function(assembly: str) -> dict[str, list[str]]:
    """The assembly between a function's label and its end."""
    found: dict[str, list[str]] = {}
    begun = ""
    current: list[str] | None = None
    for line in assembly.split("\n"):
        if match := _BEGIN.search(line):
            begun = match[1]
        elif begun and line.startswith((f"{begun}:", f"_{begun}:")):
            current = found.setdefault(begun, [])
            begun = ""
        elif _END in line:
            current = None
        elif current is not None:
            current.append(line)
    return found


def _assembly(raw: list[str], first: int, end: int, places: Mapping[int, str]) -> Text:
    """Labels and instructions, with the line that the last ``.loc`` gave."""
    lines: list[str] = []
    numbers: list[int] = []
    locations: list[str] = []
    current = 0
    for line in raw:
        if match := _LOC.match(line):
            current = int(match[1])
            continue
        spill = _SPILL.search(line)
        text = _COMMENT.sub("", line)
        label = _LOCAL_LABEL.match(text)
        instruction = text.startswith("\t") and not text.startswith(("\t.", "\t#", "\t//"))
        if not label and not (instruction and text.strip()):
            continue
        lines.append(f"{text}  # {spill[0]}" if spill else text)
        own = _within(current, first, end) if instruction else 0
        numbers.append(own - first + 1 if own else 0)
        locations.append(places.get(current, "") if instruction else "")
    return Text(tuple(lines), tuple(numbers), tuple(locations))


def _stack_bytes(instructions: list[str]) -> int:
    """Registers saved plus what is subtracted from the stack pointer."""
    pushed = 8 * sum(line.startswith("push") for line in instructions)
    pushed += sum(int(m[1]) for line in instructions if (m := _ARM_PUSH.match(line)))
    frames = [int(m[1] or m[2]) for line in instructions if (m := _SUBTRACT.match(line))]
    return pushed + max(frames, default=0)
