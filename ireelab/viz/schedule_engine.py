"""Plays a plan on a device of equal units: discrete events, whole nanoseconds, no randomness.

A unit runs one piece at a time, to its end. Whenever units are free, the queues whose first
command may begin are served in program order, older invocations first; a command takes as many
free units as it has pieces left, and the next one of its queue follows when it has none left.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from ireelab.viz.schedule_plan import Plan

IDLE_REASONS = ("dependence", "barrier", "queue", "host", "drain")
"""Why a unit had nothing to do, told by the commands that had pieces left. The first that holds:
``drain``: there were none. ``host``: none of them had been submitted. ``barrier``: one waited for
nothing but a barrier, or for its delay. ``queue``: one waited for those before it in its queue to
begin. ``dependence``: each waited for a result, or for memory.
"""


@dataclass(slots=True)
class Block:
    """Pieces of a task, one after another on each of ``units`` neighbouring units.

    Pieces that take no time have no block.
    """

    task: int
    unit: int  # the first
    units: int
    start_ns: int
    end_ns: int


@dataclass(slots=True)
class Played:
    """When what ran. Lists are by task, ``host`` by submission: from and to."""

    blocks: list[Block]
    start_ns: list[int]
    end_ns: list[int]
    host: list[tuple[int, int]]
    idle_ns: dict[str, int]  # unit-nanoseconds by reason
    makespan_ns: int


class _Event(IntEnum):
    """What may happen; of those at one time in this order."""

    ENDED = 0
    REACHED = 1  # the delay after a task's end is over
    SUBMITTED = 2


@dataclass(slots=True)
class _State:
    """One task on its way."""

    left: int  # pieces that have not begun
    running: int = 0
    unreached: int = 0  # tasks it waits for, delays included
    unreached_data: int = 0  # of these, those that it depends on
    unended_data: int = 0  # the same without delays
    submitted: bool = False
    users: list[tuple[int, bool]] = field(default_factory=list[tuple[int, bool]])


def play(plan: Plan) -> Played:
    """Run all tasks to their end."""
    return _Device(plan).run()


class _Device:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._delay = plan.settings.barrier_ns
        self._free = list(range(plan.settings.units))  # a heap: the lowest unit first
        self._events: list[tuple[int, _Event, int, tuple[int, ...]]] = []
        self._states = [_State(task.pieces) for task in plan.tasks]
        self._queues: list[list[int]] = [[] for _ in range(max(t.queue for t in plan.tasks) + 1)]
        self._heads = [0] * len(self._queues)
        self._host_at = self._submitting = 0
        self._unended = [len(submission.awaits) for submission in plan.submissions]
        self._hosted: dict[int, list[int]] = {}  # task -> submissions that await its end
        self._parts: list[list[int]] = [[] for _ in plan.submissions]
        self._waiting = len(plan.tasks)  # submitted or not, with pieces that have not begun
        self._unended_tasks = len(plan.tasks)
        self._pending = 0  # of these, submitted
        self._open: set[int] = set()  # of these, those whose data is there
        self._delayed: set[int] = set()  # or would be, but for the delay of a barrier
        self._growing: dict[tuple[int, int], Block] = {}  # by task and first unit
        none = [-1] * len(plan.tasks)
        self._played = Played([], list(none), list(none), [], dict.fromkeys(IDLE_REASONS, 0), 0)
        self._connect()

    def _connect(self) -> None:
        for index, task in enumerate(self._plan.tasks):
            self._queues[task.queue].append(index)
            self._parts[task.submission].append(index)
            state = self._states[index]
            state.unreached = len(task.data) + len(task.order)
            state.unreached_data = state.unended_data = len(task.data)
            for to in task.data:
                self._states[to].users.append((index, True))
            for to in task.order:
                self._states[to].users.append((index, False))
        for number, submission in enumerate(self._plan.submissions):
            for task in submission.awaits:
                self._hosted.setdefault(task, []).append(number)

    def run(self) -> Played:
        now = 0
        self._submit(now)
        while True:
            self._issue(now)
            if not self._unended_tasks:
                break
            assert self._events, "a task waits for one that comes after it"
            then = self._events[0][0]
            if then > now and self._free:
                self._played.idle_ns[self._reason()] += (then - now) * len(self._free)
            now = then
            while self._events and self._events[0][0] == now:
                self._happen(now, *heapq.heappop(self._events)[1:])
        self._played.makespan_ns = now
        return self._played

    # --- what happens ----------------------------------------------------------------------

    def _happen(self, now: int, what: _Event, number: int, units: tuple[int, ...]) -> None:
        if what is _Event.SUBMITTED:
            for index in self._parts[number]:
                self._states[index].submitted = True
                self._pending += 1
                self._see(index)
            self._submit(now)
        elif what is _Event.REACHED:
            self._reach(number)
        else:
            for unit in units:
                heapq.heappush(self._free, unit)
            state = self._states[number]
            state.running -= len(units)
            if not state.running and not state.left:
                self._end(now, number)

    def _submit(self, now: int) -> None:
        """The host begins its next submission, unless it has begun or must wait."""
        number = self._submitting
        if number == len(self._unended) or self._unended[number] or self._host_at > now:
            return
        self._submitting += 1
        self._host_at = now + self._plan.settings.submit_ns
        self._played.host.append((now, self._host_at))
        heapq.heappush(self._events, (self._host_at, _Event.SUBMITTED, number, ()))

    def _end(self, now: int, index: int) -> None:
        self._played.end_ns[index] = now
        self._unended_tasks -= 1
        for user, is_data in self._states[index].users:
            if is_data:
                self._states[user].unended_data -= 1
                self._see(user)
        for number in self._hosted.get(index, ()):
            self._unended[number] -= 1
        self._submit(now)
        if self._delay:
            heapq.heappush(self._events, (now + self._delay, _Event.REACHED, index, ()))
        else:
            self._reach(index)

    def _reach(self, index: int) -> None:
        for user, is_data in self._states[index].users:
            state = self._states[user]
            state.unreached -= 1
            if is_data:
                state.unreached_data -= 1
                self._see(user)

    # --- what may begin --------------------------------------------------------------------

    def _see(self, index: int) -> None:
        """Note a submitted task that waits for no result any more."""
        state = self._states[index]
        if not state.submitted or state.unended_data:
            return
        if state.unreached_data:
            self._delayed.add(index)
        else:
            self._delayed.discard(index)
            self._open.add(index)

    def _issue(self, now: int) -> None:
        while self._free:
            ready = [head for head in self._head_tasks() if self._may_begin(head)]
            if not ready:
                return
            self._begin(now, min(ready))

    def _head_tasks(self) -> Iterator[int]:
        for queue, at in zip(self._queues, self._heads, strict=True):
            if at < len(queue):
                yield queue[at]

    def _may_begin(self, index: int) -> bool:
        state = self._states[index]
        return state.submitted and not state.unreached

    def _begin(self, now: int, index: int) -> None:
        """As many pieces as there are free units."""
        task, state = self._plan.tasks[index], self._states[index]
        count = min(len(self._free), state.left)
        units = tuple(heapq.heappop(self._free) for _ in range(count))
        if state.left == task.pieces:
            self._played.start_ns[index] = now
        state.left -= count
        state.running += count
        self._draw(index, units, now, now + task.piece_ns)
        heapq.heappush(self._events, (now + task.piece_ns, _Event.ENDED, index, units))
        if not state.left:
            self._heads[task.queue] += 1
            self._waiting -= 1
            self._pending -= 1
            self._open.discard(index)

    def _draw(self, index: int, units: tuple[int, ...], start_ns: int, end_ns: int) -> None:
        if start_ns == end_ns:
            return
        first = 0
        for at in range(1, len(units) + 1):
            if at < len(units) and units[at] == units[at - 1] + 1:
                continue
            unit, count = units[first], at - first
            block = self._growing.get((index, unit))
            if block and block.end_ns == start_ns and block.units == count:
                block.end_ns = end_ns
            else:
                block = Block(index, unit, count, start_ns, end_ns)
                self._growing[index, unit] = block
                self._played.blocks.append(block)
            first = at

    def _reason(self) -> str:
        if not self._waiting:
            return "drain"
        if not self._pending:
            return "host"
        held = min(self._open, default=None)
        if held is not None:
            return "barrier" if self._states[held].unreached else "queue"
        return "barrier" if self._delayed else "dependence"
