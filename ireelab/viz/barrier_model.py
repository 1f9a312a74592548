"""The barriers of command buffers, judged: what :func:`ireelab.viz.barriers.barriers` returns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ireelab.pipeline.trace import Trace
from ireelab.viz.access import Access
from ireelab.viz.concurrency import Concurrency, concurrency
from ireelab.viz.hazards import Hazard
from ireelab.viz.submissions import Submission
from ireelab.viz.text_table import html_table, text_table
from ireelab.viz.timeline import Profiled

_HEADINGS = ("buffer", "position", "what", "detail")


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
    run: Profiled | None = field(default=None, compare=False, repr=False)  # times come from

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
