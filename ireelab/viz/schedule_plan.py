"""Policies: who waits for whom, in which queue, and when the host submits. No time passes here.

=============  ====================================================================================
``serial``     One command at a time, each a submission of its own. What an eager framework does,
               and what a profiler does that stamps every dispatch.
``waves``      One command buffer per execution; a full barrier between waves, timepoints between
               executions. What IREE 3.13 emits.
``exact``      The same command buffers, but a command waits only for those it depends on (events,
               split barriers), and for those before it to have begun: the queue is in order.
``queues``     ``exact`` with the commands of an invocation spread over N in-order queues, each to
               where it could begin first on an unlimited device; semaphores between queues.
``pipelined``  ``exact``, and invocation k + ``in_flight`` is submitted when invocation k has ended,
               on the queue and in the buffers of that one. Older invocations go first.
=============  ====================================================================================

All but ``pipelined`` are called synchronously: the caller submits an invocation when the one
before has ended. Nothing starts before it was submitted, and the host never waits within an
invocation.
Idealised: the host's time per submission and the delay of a barrier or semaphore are constants,
commands neither slow each other down nor share caches, control flow runs straight through, and
the devices of a program that uses several are one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ireelab.viz.schedule_times import Timing
from ireelab.viz.schedule_work import WorkItem, Workload

POLICIES = ("serial", "waves", "exact", "queues", "pipelined")


@dataclass(frozen=True, slots=True)
class Settings:
    """The device and how it is driven. Times in ns.

    ``units`` run one workgroup each at a time. ``submit_ns`` is host time for a submission,
    ``barrier_ns`` the delay of whatever makes one command wait for another. With ``packed``
    commands also wait for the bytes of the slab that they reuse, as the compiled program must.
    """

    units: int
    queues: int = 2
    invocations: int = 1
    in_flight: int = 2
    submit_ns: int = 0
    barrier_ns: int = 0
    packed: bool = True

    def to_json(self) -> dict[str, object]:
        return {
            "units": self.units,
            "queues": self.queues,
            "invocations": self.invocations,
            "in_flight": self.in_flight,
            "submit_ns": self.submit_ns,
            "barrier_ns": self.barrier_ns,
            "packed": self.packed,
        }


@dataclass(frozen=True, slots=True)
class Task:
    """One command of one invocation. ``data`` and ``order`` are tasks that it waits for.

    It falls into ``pieces`` of ``piece_ns``, each on one unit. ``order`` is what the policy adds.
    """

    item: int
    invocation: int
    submission: int
    queue: int
    pieces: int
    piece_ns: int
    data: tuple[int, ...]
    order: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Submission:
    """The host submits in order, each when the tasks it awaits have ended."""

    invocation: int
    awaits: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Tasks in the order of the program, invocation by invocation."""

    policy: str
    settings: Settings
    tasks: tuple[Task, ...]
    submissions: tuple[Submission, ...]
    copies: int  # invocations that hold buffers at once


def make_plan(policy: str, work: Workload, timing: Sequence[Timing], settings: Settings) -> Plan:
    """All invocations under one of ``POLICIES``."""
    items = work.items
    data = [waits_of(item, settings.packed) for item in items]
    pieces = [time.pieces(settings.units) for time in timing]
    order = [
        tuple(to for to in more if to not in set(waits))
        for more, waits in zip(_ORDERS[policy](work), data, strict=True)
    ]
    lanes = _spread(data, pieces, settings) if policy == "queues" else [0] * len(items)
    copies = settings.in_flight if policy == "pipelined" else 1
    tasks: list[Task] = []
    submissions: list[Submission] = []
    for invocation in range(settings.invocations):
        base, before = invocation * len(items), (invocation - copies) * len(items)
        awaits = tuple(range(before, before + len(items))) if before >= 0 else ()
        state = tuple(range(base - len(items), base)) if invocation else ()
        first = len(submissions)
        batches = _batches(policy, work)
        submissions.append(Submission(invocation, awaits))
        submissions += [Submission(invocation, ())] * max(batches)  # the host submits in order
        tasks += [
            Task(
                item=at,
                invocation=invocation,
                submission=first + batches[at],
                queue=invocation % copies if policy == "pipelined" else lanes[at],
                pieces=pieces[at][0],
                piece_ns=pieces[at][1],
                data=(*(base + to for to in data[at]), *(state if item.state else ())),
                order=tuple(base + to for to in order[at]),
            )
            for at, item in enumerate(items)
        ]
    return Plan(policy, settings, tuple(tasks), tuple(submissions), copies)


def waits_of(item: WorkItem, packed: bool) -> tuple[int, ...]:
    """The items that one must wait for, whatever the policy."""
    return (*item.data, *item.reuse) if packed else item.data


def _batches(policy: str, work: Workload) -> list[int]:
    """Which of an invocation's submissions each item is part of."""
    if policy == "serial":
        return list(range(len(work.items)))
    return [item.execution for item in work.items]


def _one_by_one(work: Workload) -> list[tuple[int, ...]]:
    return [(at - 1,) if at else () for at in range(len(work.items))]


def _by_waves(work: Workload) -> list[tuple[int, ...]]:
    """The wave before, or for an execution's first wave all of the executions that it awaits."""
    members: list[list[int]] = [[] for _ in work.executions]
    waves: dict[tuple[int, int], list[int]] = {}
    for at, item in enumerate(work.items):
        members[item.execution].append(at)
        waves.setdefault((item.execution, item.wave), []).append(at)
    before: dict[tuple[int, int], tuple[int, ...]] = {}
    last: dict[int, list[int]] = {}
    for (execution, wave), items in sorted(waves.items()):
        awaited = [at for earlier in work.executions[execution] for at in members[earlier]]
        before[execution, wave] = tuple(last.get(execution, awaited))
        last[execution] = items
    return [before[item.execution, item.wave] for item in work.items]


def _by_data(work: Workload) -> list[tuple[int, ...]]:
    return [() for _ in work.items]


_ORDERS: dict[str, Callable[[Workload], list[tuple[int, ...]]]] = {
    "serial": _one_by_one,
    "waves": _by_waves,
    "exact": _by_data,
    "queues": _by_data,
    "pipelined": _by_data,
}


def _spread(
    data: Sequence[Sequence[int]], pieces: Sequence[tuple[int, int]], settings: Settings
) -> list[int]:
    """A queue for each item: where it could begin first were there units for all.

    Of equals the queue whose last command it waits for, then the first.
    """
    begun = [0] * settings.queues
    last = [-1] * settings.queues
    ends: list[int] = []
    chosen: list[int] = []
    for at, waits in enumerate(data):
        ready = max((ends[to] + settings.barrier_ns for to in waits), default=0)
        queue = min(
            range(settings.queues),
            key=lambda q: (max(begun[q], ready), last[q] not in waits, q),
        )
        begun[queue], last[queue] = max(begun[queue], ready), at
        ends.append(begun[queue] + pieces[at][1])
        chosen.append(queue)
    return chosen
