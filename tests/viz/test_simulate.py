"""The simulator by invariants, on programs and on random graphs, and beside a measured run."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Sequence
from itertools import pairwise

import pytest
from conftest import HERE, Traces

import ireelab as il
from ireelab import examples
from ireelab.errors import InvalidInput
from ireelab.hal.timeline import Event, Lane, Timeline
from ireelab.viz.allocation import allocation, lower_bound
from ireelab.viz.models import Subject, model_blob
from ireelab.viz.schedule import Schedule, schedule_of
from ireelab.viz.schedule_engine import play
from ireelab.viz.schedule_plan import POLICIES, Settings, make_plan
from ireelab.viz.schedule_record import schedule_record
from ireelab.viz.schedule_times import Timing
from ireelab.viz.schedule_work import Value, WorkItem, Workload
from ireelab.viz.simulate import Simulation, simulate
from ireelab.viz.stream_graph import stream_graph

Shape = tuple[int, int]  # workgroups, and ns of each


def random_work(rng: random.Random) -> Workload:
    """Up to ten commands, in the first waves that their data allow; some values, some reuse."""
    data = [
        tuple(sorted(rng.sample(range(at), min(at, rng.choice([0, 1, 1, 2])))))
        for at in range(rng.randint(2, 10))
    ]
    return make_work(data, values=[Value(f"%{at}", rng.randint(1, 99), (at,)) for at in range(3)])


def make_work(data: Sequence[tuple[int, ...]], values: Sequence[Value] = ()) -> Workload:
    waves: list[int] = []
    for waits in data:
        needed = max((waves[to] + 1 for to in waits), default=0)
        waves.append(max([needed, *waves[-1:]]))
    items = (
        WorkItem(at, f"k{at}", "dispatch", 0, waves[at], 1, 0, waits, (), False)
        for at, waits in enumerate(data)
    )
    inside = tuple(value for value in values if max(value.users) < len(data))
    return Workload("f", tuple(items), ((),), inside, 0, None)


def play_all(work: Workload, shapes: Sequence[Shape], settings: Settings) -> dict[str, Schedule]:
    timing = [Timing("given", count, piece_ns) for count, piece_ns in shapes]
    plans = [make_plan(policy, work, timing, settings) for policy in POLICIES]
    return {plan.policy: schedule_of(work, plan, play(plan), 0) for plan in plans}


def check(work: Workload, schedule: Schedule) -> None:
    """What holds for every schedule."""
    settings, commands = schedule.settings, schedule.commands
    count = len(work.items)
    for at, command in enumerate(commands):
        item = work.items[at % count]
        base = at - at % count
        for to in (*item.data, *(item.reuse if settings.packed else ())):
            assert command.start_ns >= commands[base + to].end_ns + settings.barrier_ns
        assert command.start_ns >= command.submitted_ns
    by_unit: dict[int, list[tuple[int, int]]] = {}
    for block in schedule.blocks:
        for unit in range(block.unit, block.unit + block.units):
            by_unit.setdefault(unit, []).append((block.start_ns, block.end_ns))
    assert max(by_unit, default=0) < settings.units
    for spans in by_unit.values():
        assert all(a[1] <= b[0] for a, b in pairwise(sorted(spans))), "two at once on a unit"
    drawn_ns = sum(b.units * (b.end_ns - b.start_ns) for b in schedule.blocks)
    assert drawn_ns == schedule.busy_ns
    idle_ns = sum(schedule.idle_ns.values())
    assert drawn_ns + idle_ns == settings.units * schedule.makespan_ns
    assert schedule.makespan_ns >= schedule.lower_bound_ns
    assert schedule.makespan_ns == max(command.end_ns for command in commands)
    assert schedule.memory[-1][1] == 0, "everything is let go of in the end"
    in_order = sorted(commands, key=lambda c: c.invocation)
    for queue in {command.queue for command in commands}:
        starts = [command.start_ns for command in in_order if command.queue == queue]
        assert starts == sorted(starts), "a queue is in order"


@pytest.mark.parametrize("seed", range(60))
def test_random_graphs(seed: int) -> None:
    rng = random.Random(seed)
    work = random_work(rng)
    settings = Settings(
        units=rng.randint(1, 4),
        queues=rng.randint(1, 3),
        invocations=rng.randint(1, 4),
        in_flight=rng.randint(1, 3),
        submit_ns=rng.choice([0, 3]),
        barrier_ns=rng.choice([0, 2]),
    )
    shapes = [(rng.randint(1, 6), rng.randint(0, 5)) for _ in work.items]
    played = play_all(work, shapes, settings)
    for schedule in played.values():
        check(work, schedule)
    # One queue takes the pieces in one fixed order, so each start is a monotone function of the
    # ends before it: what must wait for less ends no later.
    ends = {name: [c.end_ns for c in schedule.commands] for name, schedule in played.items()}
    for less, more in (("exact", "waves"), ("waves", "serial")):
        assert all(a <= b for a, b in zip(ends[less], ends[more], strict=True))


def test_more_queues_may_take_longer() -> None:
    """List scheduling has anomalies: a command that begins early may be in the way later."""
    work = make_work([(), (0,), ()])
    played = play_all(work, [(2, 2), (3, 1), (3, 4)], Settings(units=3, queues=2))
    assert played["queues"].makespan_ns > played["exact"].makespan_ns


def test_a_pipeline_may_take_longer_than_its_invocations_in_turn() -> None:
    work = make_work([(), (0,), (1,)])
    settings = Settings(units=3, invocations=3, in_flight=2)
    played = play_all(work, [(3, 3), (2, 1), (3, 1)], settings)
    assert played["pipelined"].makespan_ns > played["exact"].makespan_ns


@pytest.mark.parametrize("seed", range(20))
def test_with_units_for_all_there_are_no_anomalies(seed: int) -> None:
    rng = random.Random(seed)
    work = random_work(rng)
    shapes = [(rng.randint(1, 6), rng.randint(1, 5)) for _ in work.items]
    settings = Settings(units=500, queues=rng.randint(2, 4), invocations=4)
    played = play_all(work, shapes, settings)
    assert played["queues"].makespan_ns <= played["exact"].makespan_ns
    assert played["pipelined"].interval_ns <= played["exact"].interval_ns


@pytest.mark.parametrize("seed", range(20))
def test_a_queue_for_each_command_keeps_grahams_bound(seed: int) -> None:
    """Greedy schedules take at most all the work on all units, and the critical path."""
    rng = random.Random(seed)
    work = random_work(rng)
    shapes = [(rng.randint(1, 6), rng.randint(1, 5)) for _ in work.items]
    settings = Settings(units=rng.randint(1, 4), queues=len(work.items))
    schedule = play_all(work, shapes, settings)["queues"]
    ends: list[int] = []
    for item, (_, piece_ns) in zip(work.items, shapes, strict=True):
        ends.append(max((ends[to] for to in item.data), default=0) + piece_ns)
    assert schedule.makespan_ns <= schedule.busy_ns / settings.units + max(ends)


# --- programs ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def transformer(traces: Traces) -> Simulation:
    return simulate(traces("transformer"), units=24, invocations=6)


def test_every_example(traces: Traces, example: str) -> None:
    simulation = simulate(traces(example), units=4, invocations=3, submit_ns=500, barrier_ns=100)
    assert [s.policy for s in simulation.schedules] == list(POLICIES)
    for schedule in simulation.schedules:
        check(simulation.work, schedule)
    assert {time.source for time in simulation.timing} == {"assumed"}


def test_policies_of_the_transformer(transformer: Simulation) -> None:
    makespans = [transformer[policy].makespan_ns for policy in POLICIES]
    assert makespans == sorted(makespans, reverse=True), "each fills more of the bubbles"
    pipelined, exact = transformer["pipelined"], transformer["exact"]
    assert pipelined.interval_ns < exact.interval_ns
    assert max(pipelined.latencies_ns) >= max(exact.latencies_ns), "paid for in latency"
    assert exact.peak_bytes < pipelined.peak_bytes <= 2 * exact.peak_bytes, "and in memory"
    assert pipelined.reserved_bytes == 2 * (transformer.work.slab_bytes or 0)


def test_memory_is_that_of_the_lifetimes(traces: Traces, transformer: Simulation) -> None:
    """One by one: by commands. By waves: at most what the compiler counted, in waves."""
    slices = allocation(traces("transformer")).slices
    spans = [(p.uses[0], p.uses[-1], p.size_bytes or 0) for p in slices]
    assert transformer["serial"].peak_bytes == lower_bound(spans)
    compiled = allocation(traces("transformer")).lower_bound_bytes
    assert compiled is not None
    assert transformer["waves"].peak_bytes <= compiled
    wide = simulate(traces("transformer"), "waves", times=1000.0, units=4096, invocations=1)
    assert wide["waves"].peak_bytes == compiled, "a wave's commands at once, as it assumed"


def test_memory_is_traded_for_concurrency() -> None:
    """Packed for one command after another, four branches cannot run at once on any device."""
    serial = il.compile(
        HERE / "branches.mlir", flags=("--iree-stream-partitioning-favor=debug",), until="stream"
    )
    packed = simulate(serial, ["serial", "queues"], times=1000.0, units=64, queues=8)
    free = packed.again(packed=False)
    assert any(item.reuse for item in packed.work.items)
    assert (
        packed["queues"].peak_bytes == packed["serial"].peak_bytes <= (packed.work.slab_bytes or 0)
    )
    assert free["queues"].makespan_ns < packed["queues"].makespan_ns
    assert free["queues"].peak_bytes > (packed.work.slab_bytes or 0), "what packing had saved"
    assert free["queues"].reserved_bytes is None


def test_the_host_may_be_what_all_wait_for(traces: Traces) -> None:
    slow = simulate(traces("transformer"), units=24, invocations=2, submit_ns=1_000_000)
    serial = slow["serial"]
    assert max(serial.idle_ns, key=lambda reason: serial.idle_ns[reason]) == "host"
    assert serial.makespan_ns > 17 * 2 * 1_000_000, "a submission for each command"
    assert slow["waves"].makespan_ns < 3 * 1_000_000, "one for each invocation"


def test_invocations_that_share_a_variable_wait_for_each_other(traces: Traces) -> None:
    simulation = simulate(traces("counter"), function="increment", times=100.0, units=8)
    pipelined = simulation["pipelined"]
    readers = [c for c in pipelined.commands if c.command == pipelined.commands[0].command]
    for first, second in pairwise(readers):
        ends = [c.end_ns for c in pipelined.commands if c.invocation == first.invocation]
        assert second.start_ns >= max(ends)


def test_sizes_known_at_run_time_are_said_to_be_missing(traces: Traces) -> None:
    simulation = simulate(traces("dynamic"))
    assert simulation.work.unsized
    assert simulation.work.slab_bytes is None
    assert "known only at run time" in str(simulation)


# --- times ---------------------------------------------------------------------------------


def test_a_run_predicted_from_its_parts(traces: Traces) -> None:
    """What the schedule makes of its parts is what the run took, but for uneven workers."""
    trace = traces("conv")
    run = il.run(trace, None, *examples.inputs("conv"), profile=True, repeat=20)
    assert run.timeline is not None
    simulation = simulate(trace, times=run)
    assert simulation.measured is not None
    assert simulation.measured.invocations == 20
    assert {time.source for time in simulation.timing} == {"measured"}
    assert simulation.prediction_error is not None
    assert abs(simulation.prediction_error) < 0.5
    assert simulation.again(units=64).prediction_error is None, "no such device was measured"


def two_workers(trace: il.Trace) -> Timeline:
    """Each dispatch has 8 workgroups, four of which each of two workers does in 4 µs."""
    events: list[Event] = []
    for call in range(3):
        start = call * 100_000
        for at, dispatch in enumerate(stream_graph(trace).dispatches):
            end = start + 4_000
            lanes = (Lane(0, start, end, 4), Lane(1, start, end, 4))
            events.append(
                Event(
                    dispatch.name, "dispatch", "queue 0", 0, start, end, (8, 1, 1),
                    entry_point=dispatch.name, command=2 * at, submission=call, lanes=lanes,
                )
            )  # fmt: skip
            events.append(Event("barrier", "barrier", "queue 0", 0, end, end + 200))
            start = end + 200
    return Timeline(events)


def test_workers_tell_how_much_work_there_was(traces: Traces) -> None:
    trace = traces("mlp")
    simulation = simulate(trace, times=two_workers(trace))
    assert simulation.settings.units == 2
    assert simulation.settings.barrier_ns == 200
    assert simulation.prediction_error == 0
    assert simulation["waves"].device_ns == 8_200
    assert simulation.again(units=8)["waves"].device_ns == 2_200, "eight workgroups at once"
    assert simulation.again(units=64)["waves"].device_ns == 2_200, "and no more than eight"


def test_times_that_are_given(traces: Traces) -> None:
    trace = traces("mlp")
    first, second = stream_graph(trace).dispatches
    by_name = simulate(trace, "serial", times={first.name: 700.0}, invocations=1)
    assert [time.source for time in by_name.timing] == ["given", "assumed"]
    by_index = simulate(trace, "serial", times={0: 700.0, 1: 300.0}, invocations=1)
    assert by_index["serial"].makespan_ns == 1_000
    called = simulate(trace, times=lambda item: 10.0 * (1 + item.command), invocations=1)
    assert called["serial"].makespan_ns == 30
    assert called.critical_path == (first.index, second.index)


def test_what_is_refused(traces: Traces) -> None:
    trace = traces("mlp")
    for message, call in {
        "no policy 'best'": lambda: simulate(trace, "best"),
        "no policy to": lambda: simulate(trace, []),
        "units is from 1": lambda: simulate(trace, units=0),
        "barrier_ns is a time": lambda: simulate(trace, barrier_ns=-1),
        "less than none": lambda: simulate(trace, times=-5.0),
        "these have: mlp": lambda: simulate(trace, function="main"),
        "nothing to simulate": lambda: simulate(traces("nothing")),
        "no setting 'speed'": lambda: simulate(trace).again(speed=2),
        "profile=True": lambda: simulate(trace, times=il.run(trace, None, *examples.inputs("mlp"))),
    }.items():
        with pytest.raises(InvalidInput, match=message):
            call()


# --- showing -------------------------------------------------------------------------------


def test_json_and_text(transformer: Simulation) -> None:
    data = json.loads(json.dumps(transformer.to_json()))
    assert [s["policy"] for s in data["schedules"]] == list(POLICIES)
    for record, schedule in zip(data["schedules"], transformer.schedules, strict=True):
        assert record["utilisation"] == pytest.approx(schedule.utilisation)
        assert len(record["commands"]) == 6 * len(data["commands"])
        assert all(block[0] < len(record["commands"]) for block in record["blocks"])
    text = str(transformer)
    for policy in POLICIES:
        assert f"{policy:9s} |" in text
    widths = {
        len(line.partition("|")[2].partition("|")[0]) for line in text.splitlines() if "|" in line
    }
    assert widths == {72}, "all charts on one axis"
    assert transformer._repr_html_().count("<tr>") == 1 + len(POLICIES)
    with pytest.raises(KeyError, match="'best' was not simulated"):
        transformer["best"]


def test_a_page_holds_the_usual_devices_and_a_kernel_any(traces: Traces) -> None:
    trace = traces("mlp")
    base = json.loads(gzip.decompress(model_blob(Subject(trace), "schedule").data))
    assert base["settings"]["units"] == 8
    others = [(one["settings"]["units"], one["settings"]["packed"]) for one in base["others"]]
    assert len(set(others)) == len(others)
    assert {(8, False), (2, True), (128, True)} <= set(others)
    asked = model_blob(Subject(trace), "schedule/units=3&packed=0")
    assert json.loads(gzip.decompress(asked.data))["settings"]["units"] == 3
    for query, message in (("units=x", "units=8&queues=2"), ("speed=1", "no setting 'speed'")):
        assert message in model_blob(Subject(trace), f"schedule/{query}").absent


def test_a_cell_goes_on_with_the_times_that_it_shows(traces: Traces) -> None:
    given = simulate(traces("mlp"), times={0: 700.0, 1: 300.0}, units=1)
    asked = model_blob(Subject(traces("mlp"), simulation=given), "schedule/invocations=1")
    record = json.loads(gzip.decompress(asked.data))
    assert [command["times"] for command in record["commands"]] == ["given", "given"]
    assert record["schedules"][0]["makespan_ns"] == 1_000


def test_what_is_too_long_for_a_page_is_left_to_the_kernel(traces: Traces) -> None:
    long = simulate(traces("transformer"), invocations=60)
    assert 0 < len(schedule_record(long)["others"]) < 4
