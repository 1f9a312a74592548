"""The schedule of a program: executions, waves of concurrency, commands and what orders them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby

from ireelab.pipeline.session import value_names
from ireelab.pipeline.step import Step
from ireelab.pipeline.trace import Trace
from ireelab.viz.command_times import command_times, longest_chain
from ireelab.viz.hal_graph import stream_program
from ireelab.viz.hazards import Hazard, find_hazards
from ireelab.viz.host_ir import read_host
from ireelab.viz.steps import last_stream_step
from ireelab.viz.stream_ir import Command, Execution, Resource, StreamProgram, read_stream_program
from ireelab.viz.text_table import html_table, text_table
from ireelab.viz.timeline import Profiled

_LOWERED = ("executable", "hal", "vm")
_HEADINGS = ("command", "execution", "device", "wave", "name", "reads", "writes", "after")


@dataclass(frozen=True, slots=True)
class StreamGraph:
    """Commands as nodes, data dependence as edges, in program order.

    ``edges`` connect commands by index: RAW, WAR or WAW on bytes both touch. A write hides
    what touched its bytes before: that follows through it. ``execution_edges`` connect
    executions by index, through timepoints; one that does not go forward is carried by a loop.
    """

    step: int  # whose IR this was read from
    executions: tuple[Execution, ...]
    commands: tuple[Command, ...]
    edges: tuple[Hazard, ...]
    execution_edges: tuple[tuple[int, int], ...]
    resources: tuple[Resource, ...]
    device_ns: tuple[float | None, ...] = ()  # of the commands in a run; empty without one
    trace: Trace | None = field(default=None, compare=False, repr=False)  # it was read from
    run: Profiled | None = field(default=None, compare=False, repr=False)  # times come from

    @property
    def dispatches(self) -> tuple[Command, ...]:
        """The commands that run an executable."""
        return tuple(command for command in self.commands if command.kind == "dispatch")

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices that the executions name, in the order of their use."""
        return tuple(dict.fromkeys(d for one in self.executions for d in one.devices))

    def counts(self) -> dict[str, int]:
        """Commands by kind."""
        return dict(Counter(command.kind for command in self.commands))

    def lifetimes(self) -> dict[str, tuple[int, int]]:
        """Resource -> the first and the last command that touches it."""
        found: dict[str, tuple[int, int]] = {}
        for command in self.commands:
            for access in command.accesses:
                first, _ = found.get(access.resource, (command.index, 0))
                found[access.resource] = first, command.index
        return found

    def critical_path(self) -> tuple[tuple[int, ...], float]:
        """The longest chain of dependent commands, and its nanoseconds.

        Without a run its length in commands; commands that were not timed count nothing.
        """
        weights = [ns or 0.0 for ns in self.device_ns] or [1.0] * len(self.commands)
        return longest_chain(weights, [(edge.first, edge.second) for edge in self.edges])

    def to_json(self) -> dict[str, object]:
        """The graph for JSON.

        ``dispatches`` and ``others`` (copies, fills, flushes, ...) hold commands with their
        ``index``, and with ``device_ns`` where a run was given; ``edges`` has ``from``, ``to``,
        ``kind``, ``resource``, ``offset_bytes``, ``length_bytes`` and ``exact``;
        ``execution_edges`` is pairs of execution indices; ``first_last`` of a resource are the
        first and the last command that touches it.
        """
        records = [command.to_json() for command in self.commands]
        for record, ns in zip(records, self.device_ns, strict=False):
            record["device_ns"] = ns
        lifetimes = self.lifetimes()
        return {
            "step": self.step,
            "executions": [execution.to_json() for execution in self.executions],
            "dispatches": [record for record in records if record["kind"] == "dispatch"],
            "others": [record for record in records if record["kind"] != "dispatch"],
            "edges": [edge.to_json() for edge in self.edges],
            "execution_edges": [list(edge) for edge in self.execution_edges],
            "resources": [
                resource.to_json() | {"first_last": list(lifetimes.get(resource.id, ()))}
                for resource in self.resources
            ],
        }

    def _rows(self) -> list[tuple[object, ...]]:
        after: dict[int, set[int]] = {}
        for edge in self.edges:
            after.setdefault(edge.second, set()).add(edge.first)
        return [
            (
                command.index,
                command.execution,
                " ".join(self.executions[command.execution].devices),
                command.wave,
                command.name,
                ", ".join(a.resource for a in command.accesses if a.reads),
                ", ".join(a.resource for a in command.accesses if a.writes),
                " ".join(map(str, sorted(after.get(command.index, ())))),
            )
            for command in self.commands
        ]

    def _summary(self) -> str:
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(self.counts().items()))
        waves = sum(len(execution.waves) for execution in self.executions)
        several = f" on {', '.join(self.devices)}" if len(self.devices) > 1 else ""
        return (
            f"Stream graph: {len(self.executions)} executions{several}, {waves} waves, "
            f"{counts or 'no commands'}, {len(self.edges)} edges"
        )

    def _table(self) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
        """Headings and rows; without the devices where there is only one."""
        rows = self._rows()
        if len(self.devices) > 1:
            return _HEADINGS, rows
        device = _HEADINGS.index("device")
        shown = (*_HEADINGS[:device], *_HEADINGS[device + 1 :])
        return shown, [(*row[:device], *row[device + 1 :]) for row in rows]

    def __str__(self) -> str:
        return f"{self._summary()}\n{text_table(*self._table())}"

    def _repr_html_(self) -> str:
        return html_table(self._summary(), *self._table())


def stream_graph(
    trace: Trace, step: Step | int | str | None = None, *, run: Profiled | None = None
) -> StreamGraph:
    """Read the schedule from Stream-, HAL- or VM-level IR.

    Args:
        step: by default the last with Stream-level IR before IREE widens all accesses to whole
            resources (see ``last_stream_step``). After the HAL conversion executions are what is
            submitted to a queue, waves what stands between two barriers, timepoints fences, and
            ranges whole bindings.
        run: a profiled run, for ``device_ns``.

    Raises:
        CompileError: the trace has no stream phase.
        KeyError: no such step.
    """
    chosen = last_stream_step(trace) if step is None else trace.step(step)
    graph = graph_of(read_program(trace, chosen), chosen.index)
    names = [command.entry_point for command in graph.commands]
    times = () if run is None else command_times(names, run.timeline)
    return replace(graph, trace=trace, run=run, device_ns=times)


def read_program(trace: Trace, step: Step) -> StreamProgram:
    """The executions and commands of the module after a step."""
    module = trace.module(step)
    program = read_stream_program(module, value_names)
    if program.commands or step.phase not in _LOWERED:
        return program
    like = read_stream_program(trace.module(last_stream_step(trace)), value_names)
    return stream_program(read_host(module, value_names, binding_modes(trace)), like.commands)


def binding_modes(trace: Trace) -> dict[str, tuple[str, ...]]:
    """Access of each binding by entry point, from the last Stream dispatches of the trace."""
    last = [step for step in trace.steps if step.phase == "stream"][-1]
    return {
        command.entry_point: tuple(access.mode for access in command.accesses)
        for command in read_program(trace, last).commands
        if command.kind == "dispatch"
    }


def graph_of(program: StreamProgram, step_index: int) -> StreamGraph:
    """Add the edges to a program."""
    return StreamGraph(
        step=step_index,
        executions=program.executions,
        commands=program.commands,
        edges=tuple(_edges(program)),
        execution_edges=tuple(
            (earlier, execution.index)
            for execution in program.executions
            for earlier in execution.after
        ),
        resources=program.resources,
    )


def _edges(program: StreamProgram) -> Iterator[Hazard]:
    """Data dependence within each function; functions are called in no known order."""
    functions = {execution.index: execution.function for execution in program.executions}
    for _, group in groupby(program.commands, lambda command: functions[command.execution]):
        commands = list(group)
        for hazard in find_hazards([command.accesses for command in commands]):
            first, second = commands[hazard.first], commands[hazard.second]
            same_wave = (first.execution, first.wave) == (second.execution, second.wave)
            if program.exact or not same_wave:
                yield replace(hazard, first=first.index, second=second.index)
