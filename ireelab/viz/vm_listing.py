"""The program as the VM runs it, each instruction linked to source, HAL call and events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from ireelab.hal.timeline import Event, Timeline
from ireelab.listing.vm import VmFunction, VmLine, rodata_previews, vm_functions
from ireelab.program import Program
from ireelab.viz.text_table import text_table
from ireelab.viz.timeline import Profiled

if TYPE_CHECKING:
    from ireelab.pipeline.trace import Trace

# A call that makes the driver record events -> their kind.
_RECORDED = {
    "hal.command_buffer.dispatch": "dispatch",
    "hal.command_buffer.dispatch.indirect": "dispatch",
    "hal.command_buffer.execution_barrier": "barrier",
    "hal.command_buffer.fill_buffer": "fill",
    "hal.command_buffer.update_buffer": "update",
    "hal.command_buffer.copy_buffer": "copy",
}
_QUEUED = {
    "hal.device.queue.alloca": "alloca",
    "hal.device.queue.dealloca": "dealloca",
    "hal.device.queue.execute": "submit",
    "hal.device.queue.execute.indirect": "submit",
}
_HEADINGS = ("import", "signature", "calls")


@dataclass(frozen=True, slots=True)
class VmImport:
    """A function of another module, and how many instructions call it."""

    ordinal: int
    name: str
    signature: str
    optional: bool
    calls: int


@dataclass(frozen=True, slots=True)
class VmInstruction:
    """A line of a function: an instruction, or a block's marker (``mnemonic`` is "").

    ``id`` is unique in the program: ``function ordinal:byte``. ``import_name`` is the HAL (or
    other) call that it makes, ``calls`` the function of this module. ``rodata`` and ``globals``
    are what it names, ``entry_point`` the kernel that a dispatch runs, ``events`` the events of
    the run that it caused, by index.
    """

    id: str
    pc: int
    text: str
    location: str
    mnemonic: str
    import_name: str
    calls: str
    rodata: tuple[int, ...]
    globals: tuple[str, ...]
    entry_point: str
    events: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class VmFunctionListing:
    """One function."""

    ordinal: int
    name: str
    exported: bool
    parameters: tuple[str, ...]
    instructions: tuple[VmInstruction, ...]


@dataclass(frozen=True, slots=True)
class VmGlobal:
    """A global ("ref 0": the first reference; "value 8": the value at byte 8), and the
    instructions that load or store it."""

    slot: str
    uses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VmRodata:
    """Read-only data, the start of it as text or hexadecimal, and who refers to it."""

    ordinal: int
    size_bytes: int
    preview: str
    uses: tuple[str, ...]


@dataclass(frozen=True)
class VmListing:
    """A program's module. ``linked_events`` says how many of the run's events an instruction
    is known for; None without a run."""

    name: str
    exports: Mapping[str, int]
    imports: tuple[VmImport, ...]
    globals: tuple[VmGlobal, ...]
    rodata: tuple[VmRodata, ...]
    functions: tuple[VmFunctionListing, ...]
    linked_events: int | None
    program: Program = field(repr=False, compare=False)
    trace: Trace | None = field(default=None, repr=False, compare=False)
    run: Profiled | None = field(default=None, repr=False, compare=False)

    def instruction(self, identity: str) -> VmInstruction:
        """The instruction of that id; KeyError where there is none."""
        for function in self.functions:
            for instruction in function.instructions:
                if instruction.id == identity:
                    return instruction
        raise KeyError(f"{self.name} has no instruction {identity!r}; ids are 'function:byte'")

    def to_json(self) -> dict[str, object]:
        """See ``docs/json.md``."""
        return {
            "name": self.name,
            "exports": dict(self.exports),
            "imports": [asdict(item) for item in self.imports],
            "globals": [asdict(item) for item in self.globals],
            "rodata": [asdict(item) for item in self.rodata],
            "functions": [asdict(item) for item in self.functions],
            "linked_events": self.linked_events,
        }

    def __repr__(self) -> str:
        rows = [(item.name, item.signature, item.calls) for item in self.imports]
        lines = [f"VM module of {self.name}: {len(self.functions)} functions"]
        lines.append(text_table(_HEADINGS, rows))
        lines += [f"global {g.slot}: {', '.join(g.uses)}" for g in self.globals]
        lines += [f"rodata {r.ordinal}: {r.size_bytes:,} bytes {r.preview}" for r in self.rodata]
        for function in self.functions:
            arguments = ", ".join(f"%{name}" for name in function.parameters)
            lines.append(f"\nfunc {function.ordinal} @{function.name}({arguments})")
            lines += [_line(instruction) for instruction in function.instructions]
        return "\n".join(lines)


def vm_listing(source: Trace | Program, run: Profiled | Timeline | None = None) -> VmListing:
    """List a program, or that of a trace: the view is then linked to the trace's others.

    Args:
        run: a profiled run of it, whose events are linked to instructions: the commands of a
            command buffer to those that recorded them, by order where one function can have
            recorded it, else dispatches of kernels that one instruction dispatches. What several
            instructions may have caused is linked to none.

    Raises:
        ProgramError: the program is corrupt.
        CompileError: the trace has no program.
    """
    trace = None if isinstance(source, Program) else source
    program = source if isinstance(source, Program) else source.program
    functions = vm_functions(program)
    found = run if run is None or isinstance(run, Timeline) else run.timeline
    links = {} if found is None else event_links(functions, found.events)
    listed = tuple(_function(function, links) for function in functions)
    every = [instruction for function in listed for instruction in function.instructions]
    module = program.module
    return VmListing(
        name=program.name,
        exports=dict(module.exports),
        imports=tuple(
            VmImport(
                ordinal,
                item.name,
                str(item.signature.convention),
                item.optional,
                sum(i.import_name == item.name for i in every),
            )
            for ordinal, item in enumerate(module.imports)
        ),
        globals=tuple(_globals(every)),
        rodata=tuple(
            VmRodata(ordinal, size, text, tuple(i.id for i in every if ordinal in i.rodata))
            for ordinal, (size, text) in enumerate(rodata_previews(program))
        ),
        functions=listed,
        linked_events=None if found is None else sum(map(len, links.values())),
        program=program,
        trace=trace,
        run=None if isinstance(run, Timeline) else run,
    )


def _function(
    function: VmFunction, links: Mapping[tuple[int, int], Sequence[int]]
) -> VmFunctionListing:
    return VmFunctionListing(
        ordinal=function.ordinal,
        name=function.name,
        exported=function.exported,
        parameters=function.parameters,
        instructions=tuple(
            VmInstruction(
                id=f"{function.ordinal}:{line.pc}",
                pc=line.pc,
                text=line.text,
                location=line.location,
                mnemonic=line.mnemonic,
                import_name=line.callee if line.imported else "",
                calls="" if line.imported else line.callee,
                rodata=line.rodata,
                globals=line.global_slots,
                entry_point=line.entry_point,
                events=tuple(links.get((function.ordinal, line.pc), ())),
            )
            for line in function.lines
        ),
    )


def _globals(instructions: Sequence[VmInstruction]) -> Iterator[VmGlobal]:
    uses: dict[str, list[str]] = {}
    for instruction in instructions:
        for slot in instruction.globals:
            uses.setdefault(slot, []).append(instruction.id)
    for slot in sorted(uses, key=lambda s: (s.split()[0], int(s.split()[1]))):
        yield VmGlobal(slot, tuple(uses[slot]))


def _line(instruction: VmInstruction) -> str:
    notes = [instruction.location] if instruction.location else []
    if instruction.entry_point:
        notes.append(instruction.entry_point)
    if instruction.events:
        notes.append(f"events {', '.join(map(str, instruction.events))}")
    indent = "  " if instruction.mnemonic else ""
    note = f"  // {'; '.join(notes)}" if notes else ""
    return f"[{instruction.pc:08X}]{indent}{instruction.text}{note}"


_Place = tuple[int, int]  # function ordinal, byte


def event_links(
    functions: Sequence[VmFunction], events: Sequence[Event]
) -> dict[_Place, list[int]]:
    """Instruction -> the events that it caused; an event has one instruction or none."""
    links: dict[_Place, list[int]] = {}
    recorders = [recorder for f in functions if (recorder := _calls(f, _RECORDED))]
    buffers: dict[int, dict[int, list[int]]] = {}
    for index, event in enumerate(events):
        if event.command_buffer >= 0 and event.command >= 0:
            commands = buffers.setdefault(event.command_buffer, {})
            commands.setdefault(event.command, []).append(index)
    for commands in buffers.values():
        for command, place in _buffer_links(recorders, commands, events).items():
            links.setdefault(place, []).extend(commands[command])
    _link_queue_calls(functions, events, links)
    return {place: sorted(found) for place, found in links.items()}


_Recorder = list[tuple[_Place, VmLine, str]]


def _calls(function: VmFunction, kinds: Mapping[str, str]) -> _Recorder:
    """The instructions of a function that make such calls, with the kinds of event."""
    return [
        ((function.ordinal, line.pc), line, kinds[line.callee])
        for line in function.lines
        if line.callee in kinds
    ]


def _buffer_links(
    recorders: Sequence[_Recorder], commands: Mapping[int, list[int]], events: Sequence[Event]
) -> dict[int, _Place]:
    """Command -> instruction, for one command buffer."""
    samples = {command: events[indices[0]] for command, indices in commands.items()}
    fitting = [
        recorder
        for recorder in recorders
        if all(_fits(recorder, command, event) for command, event in samples.items())
    ]
    if len(fitting) == 1:
        return {command: fitting[0][command][0] for command in samples}
    return dict(_by_entry_point(recorders, samples))


def _fits(recorder: _Recorder, command: int, event: Event) -> bool:
    if command >= len(recorder):
        return False
    _, line, kind = recorder[command]
    same_kernel = line.entry_point in ("", event.entry_point)
    return kind == event.kind and (kind != "dispatch" or same_kernel)


def _by_entry_point(
    recorders: Sequence[_Recorder], samples: Mapping[int, Event]
) -> Iterator[tuple[int, _Place]]:
    """Dispatches of a kernel that a single instruction dispatches."""
    for command, event in samples.items():
        places = [p for r in recorders for p, line, _ in r if line.entry_point == event.entry_point]
        if event.entry_point and len(places) == 1:
            yield command, places[0]


def _link_queue_calls(
    functions: Sequence[VmFunction], events: Sequence[Event], links: dict[_Place, list[int]]
) -> None:
    """Allocations and submissions, where one instruction makes all of a kind; or by order, where
    one function without a loop does and the events come in whole rounds of its calls.
    """
    for kind in sorted(set(_QUEUED.values())):
        callers = [
            (function.loops, calls)
            for function in functions
            if (calls := [c for c in _calls(function, _QUEUED) if c[2] == kind])
        ]
        indices = [index for index, event in enumerate(events) if event.kind == kind]
        if len(callers) != 1:
            continue
        loops, calls = callers[0]
        if len(indices) % len(calls) or (loops and len(calls) > 1):
            continue
        for number, index in enumerate(indices):
            links.setdefault(calls[number % len(calls)][0], []).append(index)
