"""The schedule simulator: one function's commands under several policies, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ireelab.errors import InvalidInput
from ireelab.pipeline.trace import Trace
from ireelab.viz.command_times import longest_chain
from ireelab.viz.schedule import Schedule, schedule_of
from ireelab.viz.schedule_engine import play
from ireelab.viz.schedule_plan import POLICIES, Settings, make_plan, waits_of
from ireelab.viz.schedule_text import rows, simulation_text
from ireelab.viz.schedule_times import Measured, Times, Timing, measured, timeline_of, timings
from ireelab.viz.schedule_work import Workload, function_named, workload
from ireelab.viz.stream_graph import StreamGraph, stream_graph
from ireelab.viz.text_table import html_table

ASSUMED_UNITS = 8
"""How many units a device has where neither the caller nor a profile says."""

_MOST = {"units": 4096, "queues": 64, "invocations": 64, "in_flight": 64}


@dataclass(frozen=True, slots=True)
class Simulation:
    """One workload on one device under several policies; ``simulation["waves"]`` is one of them.

    ``critical_path`` are positions in ``work.items``: the longest chain of commands that wait for
    each other, each with the whole device. ``measured`` describes the profile that times are from.
    """

    work: Workload
    timing: tuple[Timing, ...]
    settings: Settings
    schedules: tuple[Schedule, ...]
    critical_path: tuple[int, ...]
    critical_path_ns: int
    measured: Measured | None

    @property
    def trace(self) -> Trace | None:
        """The trace that the commands were read from."""
        return self.work.trace

    def __getitem__(self, policy: str) -> Schedule:
        for schedule in self.schedules:
            if schedule.policy == policy:
                return schedule
        raise KeyError(
            f"{policy!r} was not simulated: {', '.join(s.policy for s in self.schedules)}"
        )

    @property
    def work_ns(self) -> int:
        """Unit-time of one invocation."""
        pieces = (time.pieces(self.settings.units) for time in self.timing)
        return sum(count * piece_ns for count, piece_ns in pieces)

    @property
    def prediction_error(self) -> float | None:
        """How far ``waves``, which is how the program was compiled, is from the run's time.

        Positive: in truth it was faster. None for a device of another size than the run had, and
        where there is no profile, or one whose calls cannot be told apart.
        """
        waves = next((s for s in self.schedules if s.policy == "waves"), None)
        whole = self.measured
        if (
            waves is None
            or whole is None
            or not whole.span_ns
            or self.settings.units != whole.units
        ):
            return None
        return waves.device_ns / whole.span_ns - 1

    def again(self, **settings: int) -> Simulation:
        """The same commands and times with other settings: see :class:`Settings`.

        Raises:
            InvalidInput: no such setting, or one out of range.
        """
        known = self.settings.to_json().keys()
        if unknown := settings.keys() - known:
            raise InvalidInput(f"no setting {min(unknown)!r}; there are: {', '.join(known)}")
        packed = bool(settings.pop("packed", self.settings.packed))
        new = replace(self.settings, packed=packed, **settings)
        chosen = [schedule.policy for schedule in self.schedules]
        return _simulated(self.work, self.timing, new, chosen, self.measured)

    def to_json(self) -> dict[str, object]:
        """See docs/json.md."""
        whole = self.measured
        return {
            "function": self.work.function,
            "settings": self.settings.to_json(),
            "work_ns": self.work_ns,
            "critical_path_ns": self.critical_path_ns,
            "critical_path": [self.work.items[at].command for at in self.critical_path],
            "slab_bytes": self.work.slab_bytes,
            "unsized_values": self.work.unsized,
            "measured_ns": whole.span_ns if whole else None,
            "measured_units": whole.units if whole else None,
            "prediction_error": self.prediction_error,
            "commands": [
                {
                    "command": item.command,
                    "name": item.name,
                    "kind": item.kind,
                    "workgroups": time.workgroups,
                    "times": time.source,
                    "work_ns": pieces[0] * pieces[1],
                    "alone_ns": time.alone_on(self.settings.units),
                }
                for item, time in zip(self.work.items, self.timing, strict=True)
                for pieces in (time.pieces(self.settings.units),)
            ],
            "schedules": [schedule.to_json() for schedule in self.schedules],
        }

    def __str__(self) -> str:
        return simulation_text(self)

    def _repr_html_(self) -> str:
        headings, table = rows(self)
        return html_table(f"Simulation of @{self.work.function}", headings, table)


def simulate(
    source: Trace | StreamGraph,
    policies: str | Sequence[str] = POLICIES,
    *,
    times: Times = None,
    function: str | None = None,
    units: int | None = None,
    queues: int = 2,
    invocations: int = 4,
    in_flight: int = 2,
    submit_ns: int = 0,
    barrier_ns: int | None = None,
    packed: bool = True,
) -> Simulation:
    """Play a function's commands under policies (``ireelab.viz.schedule_plan`` defines them).

    The device has ``units``, each of which runs one workgroup at a time, whichever dispatch it
    belongs to; the workgroups of a dispatch all take the same time and never wait for each other.

    Args:
        times: a profiled run or its timeline (medians over its calls); nanoseconds by entry point
            or command index, or of every command, or a function of the command
            (``WorkItem``), each for a command alone on the device; None: made up, see
            ``ireelab.viz.schedule_times``. What a run or mapping leaves out is made up too, and
            ``timing`` says so for each command.
        function: by default the one that ran, or the one with the most commands.
        units: by default as many as there were workers on a command of the run on average, or 8.
        queues: for policy ``queues``.
        in_flight: for policy ``pipelined``; 2 is double buffering.
        submit_ns: host time for a submission.
        barrier_ns: delay of whatever makes one command wait for another; by default the median
            time that the run's barriers took, or 0.
        packed: whether commands also wait for bytes that they reuse. False asks what the schedule
            would be if every value had memory of its own.

    Raises:
        CompileError: the trace has no stream phase.
        InvalidInput: no such policy or function, a number out of range, or an unprofiled run.
    """
    timeline = timeline_of(times)
    graph = source if isinstance(source, StreamGraph) else stream_graph(source)
    work = workload(graph, function or _ran(graph, times))
    whole = None if timeline is None else measured(work, timeline)
    if barrier_ns is None:
        barrier_ns = round(whole.barrier_ns) if whole else 0
    settings = Settings(
        units=(whole.units if whole else 0) or ASSUMED_UNITS if units is None else units,
        queues=queues,
        invocations=invocations,
        in_flight=in_flight,
        submit_ns=submit_ns,
        barrier_ns=barrier_ns,
        packed=packed,
    )
    chosen = [policies] if isinstance(policies, str) else list(policies)
    return _simulated(work, timings(work, times), settings, chosen, whole)


def _ran(graph: StreamGraph, times: Times) -> str | None:
    """The function that a run called, where the graph knows it."""
    name = getattr(times, "function", None)
    return function_named(graph, name) if isinstance(name, str) else None


def _simulated(
    work: Workload,
    timing: tuple[Timing, ...],
    settings: Settings,
    policies: Sequence[str],
    whole: Measured | None,
) -> Simulation:
    _check(settings, policies)
    path, path_ns = _critical_path(work, timing, settings)
    plans = [make_plan(policy, work, timing, settings) for policy in policies]
    schedules = tuple(schedule_of(work, plan, play(plan), path_ns) for plan in plans)
    return Simulation(work, timing, settings, schedules, path, path_ns, whole)


def _check(settings: Settings, policies: Sequence[str]) -> None:
    for policy in policies:
        if policy not in POLICIES:
            raise InvalidInput(f"no policy {policy!r}; there are: {', '.join(POLICIES)}")
    if not policies:
        raise InvalidInput(f"no policy to simulate; there are: {', '.join(POLICIES)}")
    for name, most in _MOST.items():
        value = getattr(settings, name)
        if not 1 <= value <= most:
            raise InvalidInput(f"{name} is from 1 to {most:,}, not {value:,}")
    for name in ("submit_ns", "barrier_ns"):
        if getattr(settings, name) < 0:
            raise InvalidInput(f"{name} is a time, not {getattr(settings, name)}")


def _critical_path(
    work: Workload, timing: Sequence[Timing], settings: Settings
) -> tuple[tuple[int, ...], int]:
    """The longest chain of commands, delays between them included, and its time."""
    delay = settings.barrier_ns
    alone = [time.alone_on(settings.units) for time in timing]
    edges = [
        (to, at) for at, item in enumerate(work.items) for to in waits_of(item, settings.packed)
    ]
    path, total_ns = longest_chain([ns + delay for ns in alone], edges)
    return path, round(total_ns) - delay
