"""Every kernel of a compilation or program: source, code generation, machine code, layout."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from ireelab.errors import CompileError
from ireelab.listing.binaries import Binary, Layout, SpirvKernel, binaries
from ireelab.listing.cpu import CpuFunction, Text
from ireelab.pipeline.snapshot import Node
from ireelab.pipeline.step import Step
from ireelab.pipeline.trace import Trace
from ireelab.program import Program
from ireelab.viz.executable_record import cpu_record, spirv_record
from ireelab.viz.text_table import text_table
from ireelab.viz.timeline import Profiled

_SOURCE_KINDS = ("flow.executable", "stream.executable", "hal.executable")
_EXPORT = re.compile(r"\bhal\.executable\.export\b[^@\n]*@(?P<name>[\w$.-]+)")
_FLAGS = re.compile(r'#hal\.pipeline\.binding<\w+(?:, "?([\w|]*)"?)?>')
_FORMAT = re.compile(r'target\(<"[\w-]+", "([\w-]+)"')
_HEADINGS = (
    "entry point",
    "format",
    "passes",
    "code [B]",
    "instructions",
    "vector [bit]",
    "stack [B]",
    "spills and reloads",
    "workgroup",
    "bindings",
    "constants",
)


@dataclass(frozen=True)
class EntryPoint:
    """One kernel. Texts and code are made when they are asked for.

    ``steps`` are the indices of the steps that ran inside its executable, ``source_step`` and
    ``lowered_step`` those whose IR ``source`` and ``lowered`` are (-1: there is none, or the trace
    began with the executable).
    ``binding_access`` says per binding what the compiler knows of its use, such as "ReadOnly".
    """

    executable: str
    function: str
    format: str
    source_step: int
    lowered_step: int
    steps: tuple[int, ...]
    binding_access: tuple[str, ...]
    binary: Binary | None = field(repr=False)
    _texts: tuple[Node | str, Node | None] = field(repr=False, compare=False)

    @property
    def entry_point(self) -> str:
        """How other models call it: ``executable::function``."""
        return f"{self.executable}::{self.function}"

    @cached_property
    def source(self) -> str:
        """The dispatch region as Flow has it: linalg on tensors. "" without a trace.

        Of a trace that began with the executable: what that compiled, to the line.
        """
        given = self._texts[0]
        return given if isinstance(given, str) else given.text()

    @cached_property
    def lowered(self) -> str:
        """The last MLIR before translation: LLVM or SPIR-V dialect. "" without a trace."""
        return self._texts[1].text() if self._texts[1] else ""

    @property
    def layout(self) -> Layout | None:
        """What the kernel is given; None where there is no program yet."""
        return self.binary.layout(self.function) if self.binary else None

    @property
    def llvm_ir(self) -> Text | None:
        """LLVM IR as IREE wrote it; None where the kernel has none."""
        if self.binary is None or self.binary.cpu is None:
            return None
        return self.binary.cpu.ir.get(self.function)

    @property
    def cpu(self) -> CpuFunction | None:
        """Optimised IR and machine code, as this machine's JIT makes them.

        Raises:
            ExecutableMismatch: the code is for another machine, or LLVM refuses it.
        """
        if self.binary is None or self.binary.cpu is None:
            return None
        return self.binary.cpu.code.get(self.function)

    @cached_property
    def spirv(self) -> SpirvKernel | None:
        """The kernel's SPIR-V module."""
        return self.binary.spirv(self.function) if self.binary else None

    @property
    def absent(self) -> str:
        """Why there is no code; "" where there is."""
        if self.binary is None:
            return "The compilation ended before there was a program."
        return self.binary.absent()

    def to_json(self) -> dict[str, object]:
        """Facts and texts; see ``docs/json.md``."""
        layout, cpu, spirv = self.layout, self.cpu, self.spirv
        return {
            "entry_point": self.entry_point,
            "executable": self.executable,
            "function": self.function,
            "format": self.format,
            "binary": self.binary.name if self.binary else "",
            "binary_bytes": len(self.binary.data) if self.binary else None,
            "source_step": self.source_step,
            "lowered_step": self.lowered_step,
            "steps": list(self.steps),
            "source": self.source,
            "lowered": self.lowered,
            "layout": None if layout is None else layout.to_json(),
            "binding_access": list(self.binding_access),
            "cpu": None if cpu is None else cpu_record(cpu),
            "spirv": None if spirv is None else spirv_record(spirv),
            "absent": self.absent,
        }


@dataclass(frozen=True)
class Executables:
    """The kernels of a trace or program, in the compiler's order; ``executables[name]`` finds
    one by function, executable or entry point."""

    entry_points: tuple[EntryPoint, ...]
    name: str
    trace: Trace | None = field(default=None, compare=False, repr=False)
    run: Profiled | None = field(default=None, compare=False, repr=False)

    def __getitem__(self, name: str) -> EntryPoint:
        for entry in self.entry_points:
            if name in (entry.entry_point, entry.function, entry.executable):
                return entry
        known = ", ".join(entry.entry_point for entry in self.entry_points) or "none"
        raise KeyError(f"{self.name} has no executable {name!r}; it has: {known}")

    def located(self, name: str) -> EntryPoint:
        """A kernel compiled again by itself, so that each line knows the line of its source.

        In a whole program IREE locates all of a kernel at the function it was outlined from. Here
        ``locations`` of LLVM IR and assembly are ``executable.mlir:line:column`` of ``source``.

        Raises:
            KeyError: no such kernel.
            CompileError: there is no trace, or see ``Trace.recompile``.
        """
        entry = self[name]
        if self.trace is None:
            raise CompileError(f"{self.name} came without its trace; compile its source")
        program, again = self.trace.recompile(entry.executable)
        return executables(again, program)[entry.function]

    def __iter__(self) -> Iterator[EntryPoint]:
        return iter(self.entry_points)

    def __len__(self) -> int:
        return len(self.entry_points)

    def to_json(self) -> dict[str, object]:
        """``entry_points``, each with its texts; see ``docs/json.md``."""
        return {"name": self.name, "entry_points": [e.to_json() for e in self.entry_points]}

    def __repr__(self) -> str:
        head = f"Executables of {self.name}: {len(self)} entry points"
        return f"{head}\n{text_table(_HEADINGS, [_row(entry) for entry in self])}"


def executables(
    source: Trace | Program, program: Program | None = None, *, run: Profiled | None = None
) -> Executables:
    """The kernels of a compilation, complete or not, or of a program.

    Args:
        program: where the code of a trace's kernels is taken from instead of its own program: one
            with an executable replaced, by ``with_llvm_ir`` or ``recompile``.
        run: a profiled run, whose times the view shows beside the kernels.

    Raises:
        ProgramError, ExecutableMismatch: the program or one of its executables is corrupt.
    """
    if isinstance(source, Program):
        return Executables(tuple(_of_program(source)), source.name, run=run)
    held = program or source.compiled
    found = tuple(_of_trace(source, held))
    if not found and held is not None:
        found = tuple(_of_program(held))
    return Executables(found, source.name, source, run)


def _of_program(program: Program) -> Iterator[EntryPoint]:
    for binary in binaries(program):
        for function in binary.entry_points:
            executable = binary.name or function
            yield EntryPoint(
                executable, function, binary.format, -1, -1, (), (), binary, ("", None)
            )


def _of_trace(trace: Trace, program: Program | None) -> Iterator[EntryPoint]:
    made = binaries(program) if program is not None else ()
    for symbol, steps in _by_executable(trace).items():
        source_step, source = _source(trace, symbol)
        for variant in _variants(trace, steps):
            format_ = _format(variant)
            lowered_step, lowered = _lowered(trace, steps, variant.symbol)
            for function, access in _exports(variant):
                binary = next(
                    (b for b in made if b.format == format_ and function in b.entry_points), None
                )
                yield EntryPoint(
                    executable=symbol,
                    function=function,
                    format=format_,
                    source_step=source_step,
                    lowered_step=lowered_step,
                    steps=_steps_of(steps, variant.symbol),
                    binding_access=access,
                    binary=binary,
                    _texts=(source, lowered),
                )


def _by_executable(trace: Trace) -> dict[str, list[Step]]:
    """Symbol -> steps inside the executable while it is generated, before any are linked."""
    found: dict[str, list[Step]] = {}
    for step in trace.steps:
        if step.phase == "executable" and len(step.scope) > 1:
            kind, _, symbol = step.scope[1].partition(" @")
            if kind == "hal.executable":
                found.setdefault(symbol, []).append(step)
    return found


def _steps_of(steps: list[Step], variant: str) -> tuple[int, ...]:
    """Those on the whole executable or on this variant of it."""
    return tuple(
        step.index
        for step in steps
        if len(step.scope) < 3 or step.scope[2].endswith(f" @{variant}")
    )


def _source(trace: Trace, symbol: str) -> tuple[int, Node | str]:
    """The executable at the end of flow or stream, else what was compiled."""
    for phase in ("flow", "stream"):
        for step in trace.phases.get(phase, ())[-1:]:
            for child in trace.snapshots[step.index].module.children:
                if child.symbol == symbol and child.kind in _SOURCE_KINDS:
                    return step.index, child
    return -1, trace.source


def _variants(trace: Trace, steps: list[Step]) -> Iterator[Node]:
    """The variants of an executable as code generation first saw them."""
    seen: set[str] = set()
    for step in steps:
        before = trace.snapshots[step.index].before
        for node in (before, *before.children):
            if node.kind == "hal.executable.variant" and node.symbol not in seen:
                seen.add(node.symbol)
                yield node


def _format(variant: Node) -> str:
    found = _FORMAT.search(variant.head)
    return found[1] if found else variant.symbol


def _exports(variant: Node) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Function and access of each binding, of every export."""
    for node in (variant, *variant.children):
        for line in node.head.split("\n"):
            found = _EXPORT.search(line)
            if found:
                flags = tuple(match[1] or "" for match in _FLAGS.finditer(line))
                yield found["name"], flags


def _lowered(trace: Trace, steps: list[Step], variant: str) -> tuple[int, Node | None]:
    """The inner module as the last step inside this variant left it."""
    for step in reversed(steps):
        after = trace.snapshots[step.index].after
        if len(step.scope) == 3 and after.symbol == variant:
            inner = [node for node in after.children if node.kind == "builtin.module"]
            return step.index, inner[0] if inner else after
    return -1, None


def _row(entry: EntryPoint) -> tuple[object, ...]:
    cpu, spirv, layout = entry.cpu, entry.spirv, entry.layout
    code: tuple[object, ...] = ("", "", "", "", "")  # not known, or SPIR-V has no such thing
    if cpu is not None:
        mix, moved = cpu.mix, cpu.spills + cpu.reloads
        size = "" if cpu.code_bytes is None else cpu.code_bytes
        code = size, mix.instructions, mix.vector_bits, cpu.stack_bytes, moved
    elif spirv is not None:
        code = spirv.code_bytes, sum(spirv.counts.opcodes.values()), "", "", ""
    return (
        entry.entry_point,
        entry.format,
        len(entry.steps),
        *code,
        "x".join(map(str, layout.workgroup_size)) if layout else "",
        len(layout.bindings) if layout else "",
        layout.constants if layout else "",
    )
