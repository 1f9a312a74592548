"""Barriers of command buffers: the hazards each guards, the superfluous and the missing ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from ireelab.pipeline.session import value_names
from ireelab.pipeline.step import Step
from ireelab.pipeline.trace import Trace
from ireelab.viz.access import Access
from ireelab.viz.command_buffer_ir import (
    RecordedBarrier,
    RecordedCommand,
    Recording,
)
from ireelab.viz.command_times import command_times
from ireelab.viz.concurrency import Concurrency, concurrency
from ireelab.viz.hazards import Hazard, find_hazards
from ireelab.viz.host_ir import read_host
from ireelab.viz.steps import last_hal_step, last_stream_step
from ireelab.viz.stream_graph import binding_modes, read_program
from ireelab.viz.stream_ir import Command, StreamProgram
from ireelab.viz.submissions import Submission, submissions
from ireelab.viz.text_table import html_table, text_table
from ireelab.viz.timeline import Profiled

_HEADINGS = ("buffer", "position", "what", "detail")
_UNRECORDED = frozenset({"flush", "invalidate", "discard"})


@dataclass(frozen=True, slots=True)
class BufferCommand:
    """A recorded command and the bytes it touches. ``stage`` is ``Dispatch`` or ``Transfer``.

    ``bindings`` are the ranges bound, slots of the binding table or buffers; ``accesses`` the
    ranges used, of Stream-level resources. They are the same where no Stream command matches.
    """

    index: int
    kind: str
    name: str
    stage: str
    workgroups: tuple[int | None, ...]
    constants: tuple[int | None, ...]
    bindings: tuple[Access, ...]
    accesses: tuple[Access, ...]

    def to_json(self) -> dict[str, object]:
        return {
            "index": self.index,
            "kind": self.kind,
            "name": self.name,
            "workgroups": list(self.workgroups),
            "constants": list(self.constants),
            "bindings": [binding.to_json() for binding in self.bindings],
            "accesses": [access.to_json() for access in self.accesses],
        }


@dataclass(frozen=True, slots=True)
class Barrier:
    """An emitted barrier, after the first ``position`` commands.

    ``guards`` are positions in the command buffer's ``hazards`` that it separates. ``redundant``
    barriers can all go together: the others separate every hazard that any barrier does.
    """

    position: int
    source_stages: tuple[str, ...]
    target_stages: tuple[str, ...]
    guards: tuple[int, ...]
    redundant: bool

    def to_json(self) -> dict[str, object]:
        return {
            "position": self.position,
            "source_stages": list(self.source_stages),
            "target_stages": list(self.target_stages),
            "guards": list(self.guards),
            "redundant": self.redundant,
        }


@dataclass(frozen=True, slots=True)
class CommandBuffer:
    """One command buffer in recording order.

    ``execution`` is the index of the Stream execution it records, None where none matches: the
    hazards are then those of whole bindings, and too many. ``needed`` is the fewest barriers
    that separate all hazards without moving a command. ``straight`` is False where commands
    stand in several blocks; they are then taken in the order of the text.
    """

    index: int
    function: str
    device: str  # the program's name of it, "" where unknown
    reusable: bool
    straight: bool
    execution: int | None
    commands: tuple[BufferCommand, ...]
    barriers: tuple[Barrier, ...]
    hazards: tuple[Hazard, ...]
    missing: tuple[int, ...]  # positions in ``hazards`` of those that no barrier separates
    unproven: tuple[int, ...]  # the same for hazards that may turn out not to overlap
    needed: int
    device_ns: tuple[float | None, ...] = ()  # of the commands in a run; empty without one

    @property
    def concurrency(self) -> Concurrency | None:
        """What could run at once, by measured times; None without a run."""
        if not self.device_ns:
            return None
        at = [barrier.position for barrier in self.barriers]
        return concurrency(self.device_ns, self.hazards, at)

    def to_json(self) -> dict[str, object]:
        """``guards``, ``missing`` and ``unproven`` hold positions in ``hazards``."""
        return {
            "index": self.index,
            "function": self.function,
            "device": self.device,
            "reusable": self.reusable,
            "straight": self.straight,
            "execution": self.execution,
            "commands": [command.to_json() for command in self.commands],
            "barriers": [barrier.to_json() for barrier in self.barriers],
            "hazards": [hazard.to_json() for hazard in self.hazards],
            "missing": list(self.missing),
            "unproven": list(self.unproven),
            "needed": self.needed,
            "device_ns": list(self.device_ns),
            "concurrency": self.concurrency.to_json() if self.concurrency else None,
        }


@dataclass(frozen=True, slots=True)
class Barriers:
    """The barriers of all command buffers of a program."""

    step: int  # whose IR the command buffers were read from
    command_buffers: tuple[CommandBuffer, ...]
    submissions: tuple[Submission, ...] = ()
    trace: Trace | None = field(default=None, compare=False, repr=False)  # it was read from

    @property
    def emitted(self) -> int:
        """Barriers in the program."""
        return sum(len(buffer.barriers) for buffer in self.command_buffers)

    @property
    def needed(self) -> int:
        """The fewest barriers that would do, without moving a command."""
        return sum(buffer.needed for buffer in self.command_buffers)

    @property
    def redundant(self) -> int:
        """Emitted barriers that can go, all together."""
        return sum(b.redundant for buffer in self.command_buffers for b in buffer.barriers)

    @property
    def missing(self) -> tuple[tuple[int, Hazard], ...]:
        """Hazards that no barrier separates, with their command buffer: each is an error.

        Hazards on ranges that only may overlap at run time are not among them: see
        ``CommandBuffer.unproven``.
        """
        return tuple(
            (buffer.index, buffer.hazards[position])
            for buffer in self.command_buffers
            for position in buffer.missing
        )

    def to_json(self) -> dict[str, object]:
        """Sums, all hazards and missing ones with their ``command_buffer``, and each buffer."""
        return {
            "step": self.step,
            "emitted": self.emitted,
            "needed": self.needed,
            "redundant": self.redundant,
            "hazards": [
                {"command_buffer": buffer.index, **hazard.to_json()}
                for buffer in self.command_buffers
                for hazard in buffer.hazards
            ],
            "missing": [
                {"command_buffer": index, **hazard.to_json()} for index, hazard in self.missing
            ],
            "command_buffers": [buffer.to_json() for buffer in self.command_buffers],
            "submissions": [submission.to_json() for submission in self.submissions],
        }

    def _summary(self) -> str:
        text = (
            f"Barriers: {self.emitted} emitted, {self.needed} needed, {self.redundant} redundant, "
            f"{len(self.missing)} hazards without one"
        )
        for buffer in self.command_buffers:
            if (found := buffer.concurrency) is not None and found.total_ns:
                text += (
                    f"\nCommand buffer {buffer.index}: {found.total_ns / 1e3:.1f} µs of commands, "
                    f"{found.emitted_ns / 1e3:.1f} µs between barriers ({found.emitted:.2f} at "
                    f"once), critical path {found.critical_ns / 1e3:.1f} µs "
                    f"({found.achievable:.2f} achievable)"
                )
        return text

    def _rows(self) -> list[tuple[object, ...]]:
        several = len({buffer.device for buffer in self.command_buffers}) > 1
        return [row for buffer in self.command_buffers for row in _rows(buffer, several=several)]

    def __str__(self) -> str:
        return f"{self._summary()}\n{text_table(_HEADINGS, self._rows())}"

    def _repr_html_(self) -> str:
        return html_table(self._summary(), _HEADINGS, self._rows())


def barriers(
    trace: Trace, step: Step | int | str | None = None, *, run: Profiled | None = None
) -> Barriers:
    """Read command buffers from HAL- or VM-level IR and judge their barriers.

    Args:
        step: a step with ``hal.command_buffer.*`` IR or calls; by default the last of phase
            ``hal``.
        run: a profiled run, for what its commands took and could take at once.

    Raises:
        CompileError: the trace has no hal phase.
        KeyError: no such step.
    """
    chosen = last_hal_step(trace) if step is None else trace.step(step)
    program = read_program(trace, last_stream_step(trace))
    host = read_host(trace.module(chosen), value_names, binding_modes(trace))
    recordings = host.recordings
    executions = _match(recordings, program)
    buffers = [
        _command_buffer(index, recording, execution, program)
        for index, (recording, execution) in enumerate(zip(recordings, executions, strict=True))
    ]
    if run is not None:
        buffers = _timed(buffers, run)
    return Barriers(chosen.index, tuple(buffers), submissions(host), trace)


def _timed(buffers: Sequence[CommandBuffer], run: Profiled) -> list[CommandBuffer]:
    """With what their commands took; an entry point's runs belong to its commands in turn."""
    names = [
        command.name if command.kind == "dispatch" else ""
        for buffer in buffers
        for command in buffer.commands
    ]
    times = iter(command_times(names, run.timeline))
    return [replace(b, device_ns=tuple(islice(times, len(b.commands)))) for b in buffers]


def judge(
    stages: Sequence[str],
    accesses: Sequence[Sequence[Access]],
    emitted: Sequence[tuple[int, RecordedBarrier]],
) -> tuple[tuple[Hazard, ...], tuple[Barrier, ...], tuple[int, ...], int]:
    """Hazards, barriers, positions of hazards not separated, and the fewest barriers needed.

    Args:
        stages: the stage each command runs in.
        accesses: what each command touches.
        emitted: barriers with the number of commands before them, in order.
    """
    hazards = find_hazards(accesses)
    crossing = [
        [
            at
            for at, (position, barrier) in enumerate(emitted)
            if hazard.first < position <= hazard.second
            and stages[hazard.first] in barrier.source_stages
            and stages[hazard.second] in barrier.target_stages
        ]
        for hazard in hazards
    ]
    kept = _fewest(hazards, crossing)
    guards: list[list[int]] = [[] for _ in emitted]
    for position, crossed in enumerate(crossing):
        for at in crossed:
            guards[at].append(position)
    judged = tuple(
        Barrier(
            position,
            tuple(sorted(barrier.source_stages)),
            tuple(sorted(barrier.target_stages)),
            tuple(guards[at]),
            at not in kept,
        )
        for at, (position, barrier) in enumerate(emitted)
    )
    open_hazards = tuple(position for position, crossed in enumerate(crossing) if not crossed)
    return hazards, judged, open_hazards, fewest_barriers(hazards)


def fewest_barriers(hazards: Sequence[Hazard]) -> int:
    """The fewest full barriers that separate all hazards.

    A hazard is an interval of gaps between commands; the fewest points that hit all intervals
    are found by taking them by their end and putting a point there when none hits one yet.
    """
    count, last = 0, -1  # ``last`` is the command right after the newest barrier
    for hazard in sorted(hazards, key=lambda hazard: hazard.second):
        if hazard.first >= last:
            count, last = count + 1, hazard.second
    return count


def _fewest(hazards: Sequence[Hazard], crossing: Sequence[Sequence[int]]) -> frozenset[int]:
    """Emitted barriers to keep: for each hazard not yet separated, the last that does."""
    kept: set[int] = set()
    order = sorted(range(len(hazards)), key=lambda position: max(crossing[position], default=-1))
    for position in order:
        crossed = crossing[position]
        if crossed and kept.isdisjoint(crossed):
            kept.add(crossed[-1])
    return frozenset(kept)


def _command_buffer(
    index: int, recording: Recording, execution: int | None, program: StreamProgram
) -> CommandBuffer:
    used = _recorded(program, execution) if execution is not None else []
    commands: list[BufferCommand] = []
    emitted: list[tuple[int, RecordedBarrier]] = []
    for item in recording.items:
        if isinstance(item, RecordedBarrier):
            emitted.append((len(commands), item))
            continue
        at = sum(command.kind not in _UNRECORDED for command in commands)
        exact = used[at].accesses if used and item.kind not in _UNRECORDED else item.accesses
        commands.append(_buffer_command(len(commands), item, exact))
    stages = [command.stage for command in commands]
    hazards, judged, left, needed = judge(stages, [c.accesses for c in commands], emitted)
    return CommandBuffer(
        index=index,
        function=recording.function,
        device=recording.device,
        reusable=not recording.one_shot,
        straight=recording.straight,
        execution=execution,
        commands=tuple(commands),
        barriers=judged,
        hazards=hazards,
        missing=tuple(position for position in left if hazards[position].exact),
        unproven=tuple(position for position in left if not hazards[position].exact),
        needed=needed,
    )


def _buffer_command(
    index: int, item: RecordedCommand, accesses: tuple[Access, ...]
) -> BufferCommand:
    return BufferCommand(
        index=index,
        kind=item.kind,
        name=item.name,
        stage=item.stage,
        workgroups=item.workgroups,
        constants=item.constants,
        bindings=item.accesses,
        accesses=accesses,
    )


def _recorded(program: StreamProgram, execution: int) -> list[Command]:
    """The commands of an execution that end up in its command buffer."""
    return [c for c in program.of_execution(execution) if c.kind not in _UNRECORDED]


def _match(recordings: Sequence[Recording], program: StreamProgram) -> list[int | None]:
    """The execution that each command buffer records, told by its sequence of commands.

    Among executions with the same sequence, those on its device come first, then that of the
    function which the recording function is named after, then program order. Executions may have
    no command buffer: a lone copy becomes a queue operation.
    """
    waiting: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for execution in program.executions:
        commands = _recorded(program, execution.index)
        signature = tuple((command.kind, command.name) for command in commands)
        waiting.setdefault(signature, []).append(execution.index)
    matched: list[int | None] = []
    for recording in recordings:
        signature = tuple(
            (command.kind, command.name)
            for command in recording.commands
            if command.kind not in _UNRECORDED
        )
        candidates = waiting.get(signature, [])
        executions = [program.executions[index] for index in candidates]
        there = [e for e in executions if recording.device in e.devices] or executions
        named = [e for e in there if _records_for(recording.function, e.function)]
        chosen = next((e.index for e in named or there), None)
        if chosen is not None:
            candidates.remove(chosen)
        matched.append(chosen)
    return matched


def _records_for(recorder: str, function: str) -> bool:
    """IREE outlines the recording for ``@main`` into ``@__main_memoize_apply``."""
    return recorder == function or recorder.startswith(f"__{function}_memoize")


def _rows(buffer: CommandBuffer, *, several: bool) -> Iterator[tuple[object, ...]]:
    """Commands and barriers as they were recorded, then what is missing."""
    where = f"{buffer.index} {buffer.function}"
    if several:
        where += f" on {buffer.device}"
    by_position: dict[int, list[Barrier]] = {}
    for barrier in buffer.barriers:
        by_position.setdefault(barrier.position, []).append(barrier)
    for position in range(len(buffer.commands) + 1):
        for barrier in by_position.get(position, ()):
            guarded = (
                f"guards {len(barrier.guards)} hazards" if barrier.guards else "guards nothing"
            )
            yield where, "", "barrier", f"{guarded}, redundant" if barrier.redundant else guarded
        if position < len(buffer.commands):
            command = buffer.commands[position]
            yield where, position, command.name, ", ".join(map(str, command.accesses))
    for position in buffer.missing:
        yield where, "", "MISSING", str(buffer.hazards[position])
    for position in buffer.unproven:
        yield where, "", "unproven", str(buffer.hazards[position])
