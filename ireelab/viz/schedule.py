"""What would run when under a policy, and what that costs: time, utilisation, memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ireelab.viz.schedule_engine import Block, Played
from ireelab.viz.schedule_plan import Plan, Settings
from ireelab.viz.schedule_work import Workload


@dataclass(frozen=True, slots=True)
class ScheduledCommand:
    """One command of one invocation: from its first piece's start to its last one's end."""

    command: int  # index in the stream graph
    invocation: int
    queue: int
    submitted_ns: int
    start_ns: int
    end_ns: int

    def to_json(self) -> dict[str, object]:
        return {
            "command": self.command,
            "invocation": self.invocation,
            "queue": self.queue,
            "submitted_ns": self.submitted_ns,
            "start_ns": self.start_ns,
            "end_ns": self.end_ns,
        }


@dataclass(frozen=True, slots=True)
class Schedule:
    """A policy played on a device. Times count from the host's first submission.

    ``busy_ns`` and ``idle_ns`` are sums over units: together units x makespan. ``blocks`` are parts
    of ``commands`` (``task`` is the position there) on neighbouring units. ``memory`` holds the
    transient bytes alive from each time on; ``copies`` is how many invocations' buffers there are
    at once. ``lower_bound_ns`` is what no schedule can beat that is called this way.
    """

    policy: str
    settings: Settings
    commands: tuple[ScheduledCommand, ...]
    blocks: tuple[Block, ...]
    submissions: tuple[tuple[int, int, int], ...]  # invocation, the host's start and end
    memory: tuple[tuple[int, int], ...]
    makespan_ns: int
    busy_ns: int
    idle_ns: dict[str, int]
    lower_bound_ns: int
    copies: int
    reserved_bytes: int | None  # the slabs of all copies as the compiler packed them

    @property
    def utilisation(self) -> float:
        """Busy unit-time of all unit-time, 0 to 1."""
        available_ns = self.settings.units * self.makespan_ns
        return self.busy_ns / available_ns if available_ns else 0.0

    @property
    def peak_bytes(self) -> int:
        """The most transient bytes alive at once."""
        return max((size for _, size in self.memory), default=0)

    @property
    def latencies_ns(self) -> tuple[int, ...]:
        """Per invocation from the host's first submission of it to its last command's end."""
        begun = {invocation: start for invocation, start, _ in reversed(self.submissions)}
        return tuple(
            end_ns - begun[invocation] for invocation, (_, end_ns) in enumerate(self._spans())
        )

    @property
    def device_ns(self) -> float:
        """Mean over invocations from the first command's start to the last one's end."""
        spans = self._spans()
        return sum(end - start for start, end in spans) / len(spans)

    @property
    def interval_ns(self) -> float:
        """Time between ends of invocations once the pipeline is full: 1 / throughput."""
        ends = [end for _, end in self._spans()]
        if len(ends) <= self.copies:
            return self.makespan_ns / len(ends)
        return (max(ends) - max(ends[: -self.copies])) / self.copies

    def _spans(self) -> list[tuple[int, int]]:
        spans: dict[int, tuple[int, int]] = {}
        for command in self.commands:
            start, end = spans.get(command.invocation, (command.start_ns, command.end_ns))
            spans[command.invocation] = min(start, command.start_ns), max(end, command.end_ns)
        return [spans[invocation] for invocation in sorted(spans)]

    def to_json(self) -> dict[str, object]:
        """See docs/json.md."""
        return {
            "policy": self.policy,
            "makespan_ns": self.makespan_ns,
            "lower_bound_ns": self.lower_bound_ns,
            "utilisation": self.utilisation,
            "busy_ns": self.busy_ns,
            "idle_ns": self.idle_ns,
            "latencies_ns": list(self.latencies_ns),
            "interval_ns": self.interval_ns,
            "peak_bytes": self.peak_bytes,
            "reserved_bytes": self.reserved_bytes,
            "copies": self.copies,
            "commands": [command.to_json() for command in self.commands],
            "blocks": [[b.task, b.unit, b.units, b.start_ns, b.end_ns] for b in self.blocks],
            "submissions": [list(submission) for submission in self.submissions],
            "memory": [list(point) for point in self.memory],
        }


def schedule_of(work: Workload, plan: Plan, played: Played, critical_path_ns: int) -> Schedule:
    """A plan that has been played, with what follows from it."""
    tasks = plan.tasks
    busy_ns = sum(task.pieces * task.piece_ns for task in tasks)
    spans = list(zip(played.start_ns, played.end_ns, strict=True))
    slabs = work.slab_bytes if plan.settings.packed else None
    return Schedule(
        policy=plan.policy,
        settings=plan.settings,
        commands=tuple(
            ScheduledCommand(
                work.items[task.item].command,
                task.invocation,
                task.queue,
                played.host[task.submission][1],
                *span,
            )
            for task, span in zip(tasks, spans, strict=True)
        ),
        blocks=tuple(played.blocks),
        submissions=tuple(
            (submission.invocation, *host)
            for submission, host in zip(plan.submissions, played.host, strict=True)
        ),
        memory=_memory(work, spans),
        makespan_ns=played.makespan_ns,
        busy_ns=busy_ns,
        idle_ns=played.idle_ns,
        lower_bound_ns=_lower_bound(plan, busy_ns, critical_path_ns),
        copies=plan.copies,
        reserved_bytes=None if slabs is None else slabs * plan.copies,
    )


def _lower_bound(plan: Plan, busy_ns: int, critical_path_ns: int) -> int:
    """All the work on all units; or critical paths one after another, as callers wait."""
    settings = plan.settings
    turns = -(-settings.invocations // plan.copies)
    each = -(-busy_ns // settings.units // settings.invocations)
    if plan.copies == 1:
        return turns * max(each, critical_path_ns)
    return max(-(-busy_ns // settings.units), turns * critical_path_ns)


def _memory(work: Workload, spans: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Bytes alive from each time on; what ends at a time makes room for what begins then."""
    changes: dict[int, int] = {0: 0}
    count = len(work.items)
    for base in range(0, len(spans), count):
        for value in work.values:
            if value.size_bytes is None:
                continue
            start = min(spans[base + user][0] for user in value.users)
            end = max(spans[base + user][1] for user in value.users)
            changes[start] = changes.get(start, 0) + value.size_bytes
            changes[end] = changes.get(end, 0) - value.size_bytes
    return tuple(_running(sorted(changes.items())))


def _running(changes: Iterable[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    alive = 0
    for at, change in changes:
        alive += change
        yield at, alive
