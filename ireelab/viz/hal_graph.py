"""What a host program submits, in the terms of a stream graph: executions, waves, commands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ireelab.viz.access import Access, ByteRange
from ireelab.viz.command_buffer_ir import RecordedBarrier, RecordedCommand, Recording
from ireelab.viz.host_ir import HostProgram, QueueOperation
from ireelab.viz.stream_ir import Command, Execution, Resource, StreamProgram

WORK = ("execute", "fill", "copy", "update", "read", "write")
"""Operations of a queue that touch memory; the others are of fences, or make room."""


def stream_program(host: HostProgram, like: Sequence[Command]) -> StreamProgram:
    """Executions are submissions, a wave is what stands between two barriers.

    Ranges are whole bindings, so that more commands seem to depend on each other than do. Names
    of executables and the types of bindings are taken from ``like``, the Stream level's commands.
    """
    known = {command.entry_point: command for command in like if command.entry_point}
    working = [at for at, operation in enumerate(host.operations) if operation.kind in WORK]
    numbers = {at: number for number, at in enumerate(working)}
    commands: list[Command] = []
    executions: list[Execution] = []
    for at, number in numbers.items():
        operation = host.operations[at]
        recording = None if operation.recording is None else host.recordings[operation.recording]
        waves: list[tuple[int, ...]] = []
        for wave in _waves(operation, recording):
            first = len(commands)
            for item in wave:
                commands.append(_command(len(commands), number, len(waves), item, known))
            waves.append(tuple(range(first, len(commands))))
        everywhere = operation.affinity in (None, -1)
        executions.append(
            Execution(
                index=number,
                function=operation.function,
                affinity="" if everywhere else f"queues {operation.affinity:#x}",
                devices=(operation.device,) if operation.device else (),
                once=recording is None or recording.one_shot,
                awaits=operation.waits,
                after=tuple(sorted({numbers[i] for i in _before(host.operations, at)})),
                waves=tuple(waves),
                timepoint=" ".join(operation.signals),
            )
        )
    resources = tuple(_resources(host, commands, executions))
    return StreamProgram(tuple(executions), tuple(commands), resources, exact=False)


def _waves(
    operation: QueueOperation, recording: Recording | None
) -> Iterator[list[RecordedCommand]]:
    kind = operation.kind
    if kind != "execute":
        yield [RecordedCommand(kind, kind, "Transfer", (), (), operation.accesses)]
        return
    wave: list[RecordedCommand] = []
    for item in recording.items if recording else ():
        if isinstance(item, RecordedBarrier):
            if wave:
                yield wave
            wave = []
            continue
        bound = tuple(
            _bound(access, recording.function if recording else "", operation.bindings)
            for access in item.accesses
        )
        wave.append(replace(item, accesses=bound))
    if wave:
        yield wave


def _bound(access: Access, function: str, bindings: Sequence[Access]) -> Access:
    """A slot of the binding table is the range that the submission puts there; others are buffers
    of the recording function."""
    kind, _, number = access.resource.partition(" ")
    if kind != "slot" or int(number) >= len(bindings):
        return Access(f"{function}/{access.resource}", access.mode, access.range)
    binding = bindings[int(number)]
    offset = binding.range.offset + access.range.offset
    return Access(binding.resource, access.mode, ByteRange(offset, access.range.length))


def _command(
    index: int, execution: int, wave: int, item: RecordedCommand, known: Mapping[str, Command]
) -> Command:
    is_dispatch = item.kind == "dispatch"
    like = known.get(item.name) if is_dispatch else None
    types = like.types if like is not None and len(like.types) == len(item.accesses) else ()
    return Command(
        index=index,
        execution=execution,
        wave=wave,
        kind=item.kind,
        name=item.name,
        executable=like.executable if like is not None else "",
        entry_point=item.name if is_dispatch else "",
        workload=item.workgroups,
        operands=item.constants,
        accesses=item.accesses,
        types=types,
    )


def _before(operations: Sequence[QueueOperation], at: int) -> set[int]:
    """The working operations it waits for, through allocations and barriers between."""
    found: set[int] = set()
    todo = list(operations[at].after)
    while todo:
        earlier = todo.pop()
        if operations[earlier].kind in WORK:
            found.add(earlier)
        else:
            todo.extend(operations[earlier].after)
    return found


def _resources(
    host: HostProgram, commands: Sequence[Command], executions: Sequence[Execution]
) -> Iterator[Resource]:
    """Buffers that commands touch; what is deallocated is transient, what is handed out is not."""
    sizes = {op.resource: op.size_bytes for op in host.operations if op.kind == "alloca"}
    freed = {op.resource for op in host.operations if op.kind == "dealloca"}
    bound = {b.resource: b.range.length.known for op in host.operations for b in op.bindings}
    seen: set[str] = set()
    for command in commands:
        for access in command.accesses:
            key = access.resource
            if key in seen:
                continue
            seen.add(key)
            lifetime = "variable" if key.startswith("@") else "external"
            if key in freed:
                lifetime = "transient"
            function = executions[command.execution].function
            yield Resource(key, function, lifetime, sizes.get(key, bound.get(key)))
