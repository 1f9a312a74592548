"""A simulation as text: a table of policies, their Gantt charts on one time axis, the commands."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from string import ascii_letters, digits
from typing import TYPE_CHECKING

from ireelab.viz.schedule import Schedule
from ireelab.viz.text_table import text_table

if TYPE_CHECKING:
    from ireelab.viz.simulate import Simulation

_WIDTH = 72
_MOST_ROWS = 6
_MOST_COMMANDS = 40
_NAMES = digits + ascii_letters
_LEVELS = " ▁▂▃▄▅▆▇█"
_HEADINGS = (
    "policy", "makespan [ns]", "speed", "used", "interval [ns]", "latency [ns]", "peak [B]",
    "reserved [B]", "idle most for",
)  # fmt: skip


def rows(simulation: Simulation) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Headings and a row per policy. ``speed`` is beside the first policy's makespan."""
    first = simulation.schedules[0].makespan_ns
    return _HEADINGS, [
        (
            schedule.policy,
            schedule.makespan_ns,
            f"{first / schedule.makespan_ns:.2f}x" if schedule.makespan_ns else "",
            f"{schedule.utilisation:.0%}",
            round(schedule.interval_ns),
            round(sum(schedule.latencies_ns) / len(schedule.latencies_ns)),
            schedule.peak_bytes,
            schedule.reserved_bytes if simulation.settings.packed else "",
            _idle(schedule),
        )
        for schedule in simulation.schedules
    ]


def simulation_text(simulation: Simulation) -> str:
    """Everything, for a terminal."""
    settings = simulation.settings
    head = (
        f"Simulation of @{simulation.work.function}: {len(simulation.work.items)} commands, "
        f"{settings.invocations} invocations on {settings.units} units"
    )
    bounds = (
        f"per invocation: critical path {simulation.critical_path_ns:,} ns, "
        f"work {simulation.work_ns:,} unit-ns = {simulation.work_ns / settings.units:,.0f} ns "
        f"on all units"
    )
    longest = max((s.makespan_ns for s in simulation.schedules), default=0) or 1
    parts = [head, bounds, _times(simulation)]
    if simulation.work.unsized:
        parts.append(f"{simulation.work.unsized} values have sizes known only at run time: no sums")
    parts += ["", text_table(*rows(simulation))]
    for schedule in simulation.schedules:
        parts += ["", *_chart(schedule, simulation, longest)]
    parts += ["", _commands(simulation)]
    return "\n".join(parts)


def _times(simulation: Simulation) -> str:
    counts: dict[str, int] = {}
    for time in simulation.timing:
        counts[time.source] = counts.get(time.source, 0) + 1
    text = "times: " + ", ".join(f"{count} {source}" for source, count in counts.items())
    error = simulation.prediction_error
    if error is not None and simulation.measured and simulation.measured.span_ns:
        whole = simulation.measured
        text += f"; the run took {whole.span_ns:,.0f} ns per invocation, waves predict {error:+.1%}"
    return text


def _idle(schedule: Schedule) -> str:
    reason = max(schedule.idle_ns, key=lambda name: schedule.idle_ns[name])
    total = sum(schedule.idle_ns.values())
    return f"{reason} {schedule.idle_ns[reason] / total:.0%}" if total else ""


def _chart(schedule: Schedule, simulation: Simulation, longest_ns: int) -> list[str]:
    """Bars of commands, then units in use and bytes alive, on a scale that all charts share."""
    names = {
        item.command: _NAMES[at % len(_NAMES)] for at, item in enumerate(simulation.work.items)
    }
    lines: list[list[str]] = []
    ends: list[int] = []
    for command in sorted(schedule.commands, key=lambda c: (c.start_ns, c.command)):
        first = command.start_ns * _WIDTH // longest_ns
        last = max(first + 1, -(-command.end_ns * _WIDTH // longest_ns))
        row = next((r for r, end in enumerate(ends) if end <= command.start_ns), len(ends))
        row = min(row, _MOST_ROWS - 1)
        if row == len(ends):
            ends.append(0)
            lines.append([" "] * _WIDTH)
        ends[row] = max(ends[row], command.end_ns)
        for column in range(first, min(last, _WIDTH)):
            lines[row][column] = names[command.command]
    units = schedule.settings.units
    busy = [(b.start_ns, b.end_ns, b.units) for b in schedule.blocks]
    alive = list(
        zip(schedule.memory, [*schedule.memory[1:], (schedule.makespan_ns, 0)], strict=True)
    )
    held = [(start, end, size) for (start, size), (end, _) in alive]
    peak = max((s.peak_bytes for s in simulation.schedules), default=0)
    return [
        f"{schedule.policy:9s} |{''.join(lines[0]) if lines else ''}|",
        *(f"{'':9s} |{''.join(line)}|" for line in lines[1:]),
        f"{'units':>9s} |{_spark(busy, longest_ns, units)}| of {units}",
        *([f"{'memory':>9s} |{_spark(held, longest_ns, peak)}| of {peak:,} B"] if peak else []),
    ]


def _spark(spans: Sequence[tuple[int, int, int]], longest_ns: int, most: int) -> str:
    """The mean of a quantity over each column's time, in eighths of the most."""
    sums = [0.0] * (_WIDTH + 1)
    column_ns = longest_ns / _WIDTH
    for start, end, amount in spans:
        for column in range(int(start / column_ns), min(int(end / column_ns), _WIDTH - 1) + 1):
            inside = min(end, (column + 1) * column_ns) - max(start, column * column_ns)
            sums[column] += amount * max(inside, 0)
    full = most * column_ns or 1
    return "".join(_LEVELS[min(8, ceil(8 * total / full - 1e-6))] for total in sums[:_WIDTH])


def _commands(simulation: Simulation) -> str:
    headings = ("bar", "command", "name", "workgroups", "time [ns]", "times", "waits for")
    on_path = set(simulation.critical_path)
    table: list[tuple[object, ...]] = []
    for at, (item, time) in enumerate(zip(simulation.work.items, simulation.timing, strict=True)):
        waits = (*item.data, *item.reuse) if simulation.settings.packed else item.data
        table.append(
            (
                _NAMES[at % len(_NAMES)] + (" *" if at in on_path else ""),
                item.command,
                item.name,
                time.workgroups,
                time.alone_on(simulation.settings.units),
                time.source,
                " ".join(str(simulation.work.items[to].command) for to in sorted(waits)),
            )
        )
    more = len(table) - _MOST_COMMANDS
    text = text_table(headings, table[:_MOST_COMMANDS])
    if more > 0:
        text += f"\n... and {more} more"
    return f"{text}\n* on the critical path"
