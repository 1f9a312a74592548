"""Barriers of command buffers: the hazards each guards, the superfluous and the missing ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from ireelab.pipeline.session import value_names
from ireelab.pipeline.step import Step
from ireelab.pipeline.trace import Trace
from ireelab.viz.access import Access
from ireelab.viz.barrier_judge import judge
from ireelab.viz.barrier_model import Barriers, BufferCommand, CommandBuffer
from ireelab.viz.command_buffer_ir import RecordedBarrier, RecordedCommand, Recording
from ireelab.viz.command_times import command_times
from ireelab.viz.host_ir import read_host
from ireelab.viz.steps import last_hal_step, last_stream_step
from ireelab.viz.stream_graph import binding_modes, read_program
from ireelab.viz.stream_ir import Command, StreamProgram
from ireelab.viz.submissions import submissions
from ireelab.viz.timeline import Profiled

_UNRECORDED = frozenset({"flush", "invalidate", "discard"})


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
    return Barriers(chosen.index, tuple(buffers), submissions(host), trace, run)


def _timed(buffers: Sequence[CommandBuffer], run: Profiled) -> list[CommandBuffer]:
    """With what their commands took; an entry point's runs belong to its commands in turn."""
    names = [
        command.name if command.kind == "dispatch" else ""
        for buffer in buffers
        for command in buffer.commands
    ]
    times = iter(command_times(names, run.timeline))
    return [replace(b, device_ns=tuple(islice(times, len(b.commands)))) for b in buffers]


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
