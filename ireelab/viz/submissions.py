"""What the host submits in order, which fences each submission waits for, and which it signals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ireelab.viz.host_ir import HostProgram, QueueOperation


@dataclass(frozen=True, slots=True)
class Submission:
    """An operation of a queue (alloca, dealloca, execute, fill, copy, ...), or the host's await.

    ``waits`` and ``signals`` name fences of its function, joins taken apart; ``after`` are the
    submissions that signal what it waits for. ``command_buffer`` is what an execute submits, -1
    for other kinds and where the IR does not say. ``resource`` and ``size_bytes`` are those of an
    alloca or dealloca.
    """

    index: int
    function: str
    kind: str
    waits: tuple[str, ...]
    signals: tuple[str, ...]
    after: tuple[int, ...]
    command_buffer: int
    resource: str
    size_bytes: int | None

    def to_json(self) -> dict[str, object]:
        return asdict(self)


def submissions(host: HostProgram) -> tuple[Submission, ...]:
    """In the order of the text; functions are called in no known order."""
    sizes = _sizes(host.operations)
    return tuple(
        Submission(
            index,
            operation.function,
            operation.kind,
            operation.waits,
            operation.signals,
            operation.after,
            -1 if operation.recording is None else operation.recording,
            operation.resource,
            sizes.get(operation.resource),
        )
        for index, operation in enumerate(host.operations)
    )


def _sizes(operations: Sequence[QueueOperation]) -> dict[str, int | None]:
    return {op.resource: op.size_bytes for op in operations if op.kind == "alloca"}
