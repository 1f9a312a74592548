"""The schedule read from HAL and VM IR, against the one of Stream IR; fences; measured times."""

from __future__ import annotations

import json

import pytest
from conftest import Traces

from ireelab.examples import inputs
from ireelab.hal.timeline import Event, Timeline
from ireelab.viz.barriers import barriers
from ireelab.viz.command_times import command_times, longest_chain
from ireelab.viz.concurrency import concurrency
from ireelab.viz.hazards import Hazard
from ireelab.viz.steps import last_hal_step
from ireelab.viz.stream_graph import stream_graph
from ireelab.vm.run import run

UNRECORDED = ("flush", "invalidate", "discard")


def test_all_levels_schedule_the_same(traces: Traces, example: str) -> None:
    trace = traces(example)
    stream = [c for c in stream_graph(trace).commands if c.kind not in UNRECORDED]
    for step in (last_hal_step(trace), trace.steps[-1]):
        graph = stream_graph(trace, step)
        assert sorted(c.name for c in graph.commands) == sorted(c.name for c in stream)
        assert len(graph.executions) == len(stream_graph(trace).executions)
        assert all(e.timepoint and e.awaits for e in graph.executions if e.function != "reset")
        kernels = {c.entry_point: (c.executable, c.types) for c in stream if c.entry_point}
        for c in graph.dispatches:  # bindings may have been fused: those then have no types
            assert (c.executable, c.types or kernels[c.entry_point][1]) == kernels[c.entry_point]
        waves = {c.index: (c.execution, c.wave) for c in graph.commands}
        assert all(waves[edge.first] < waves[edge.second] for edge in graph.edges)


def test_hal_and_vm_level_are_equal_but_for_names(traces: Traces, example: str) -> None:
    trace = traces(example)
    hal, vm = stream_graph(trace, last_hal_step(trace)), stream_graph(trace, trace.steps[-1])
    assert len(hal.edges) == len(vm.edges)
    assert sorted(_shape(hal)) == sorted(_shape(vm))


def _shape(graph: object) -> list[tuple[object, ...]]:
    commands = graph.commands  # pyright: ignore
    return [
        (c.name, c.wave, c.workload, c.operands, tuple((a.mode, a.range.known) for a in c.accesses))
        for c in commands
    ]


def test_shapes_are_those_of_the_kernels(traces: Traces) -> None:
    first, second = stream_graph(traces("mlp")).dispatches
    assert first.types == ("8x64xf32", "64x128xf32", "128xf32", "8x128xf32")
    assert second.types == ("8x128xf32", "128x10xf32", "8x10xf32")
    record = stream_graph(traces("mlp")).to_json()["dispatches"]
    assert isinstance(record, list) and record[0]["writes"][0]["type"] == "8x128xf32"


def test_resources_live_from_their_first_to_their_last_use(traces: Traces, example: str) -> None:
    graph = stream_graph(traces(example))
    lifetimes = graph.lifetimes()
    for resource in graph.resources:
        uses = [
            c.index for c in graph.commands if any(a.resource == resource.id for a in c.accesses)
        ]
        assert lifetimes[resource.id] == (uses[0], uses[-1])


@pytest.mark.parametrize("name", ["counter", "mlp", "while", "dynamic"])
def test_what_is_waited_for_has_been_signaled_before(traces: Traces, name: str) -> None:
    found = barriers(traces(name))
    for one in found.submissions:
        for earlier in one.after:
            before = found.submissions[earlier]
            assert before.index < one.index and before.function == one.function
            assert set(before.signals) & set(one.waits)
    executed = [s.command_buffer for s in found.submissions if s.kind == "execute"]
    assert sorted(executed) == [buffer.index for buffer in found.command_buffers]
    assert any(s.kind == "alloca" and s.signals for s in found.submissions)
    json.dumps(found.to_json())


def test_times_of_a_run_are_joined(traces: Traces) -> None:
    trace = traces("mlp")
    result = run(trace, "mlp", *inputs("mlp"), profile=True, repeat=3)
    assert result.timeline is not None
    took: dict[str, list[int]] = {}
    for event in result.timeline.events:
        if event.kind == "dispatch":
            took.setdefault(event.entry_point, []).append(event.duration_ns)
    graph = stream_graph(trace, run=result)
    means = [sum(took[c.entry_point]) / 3 for c in graph.commands]
    assert list(graph.device_ns) == pytest.approx(means)
    path, ns = graph.critical_path()  # the second dispatch reads what the first wrote
    assert path == (0, 1) and ns == pytest.approx(sum(means))
    (buffer,) = barriers(trace, run=result).command_buffers
    assert buffer.device_ns == graph.device_ns and buffer.concurrency is not None
    assert buffer.concurrency.achievable == pytest.approx(1.0)
    assert "1.00 achievable" in str(barriers(trace, run=result))


def test_concurrency_of_a_diamond() -> None:
    """0 before 1 and 2, both before 3; 1 takes long, and a barrier stands everywhere."""
    edges = [(0, 1), (0, 2), (1, 3), (2, 3)]
    hazards = [Hazard("RAW", a, b, "x", 0, 4, True) for a, b in edges]
    found = concurrency([1.0, 6.0, 2.0, 1.0], hazards, [1, 2, 3])
    assert (found.total_ns, found.emitted_ns, found.critical_ns) == (10.0, 10.0, 8.0)
    assert found.critical_path == (0, 1, 3) and found.achievable == 1.25
    assert concurrency([1.0, 6.0, None, 1.0], hazards, [1, 3]).emitted_ns == 8.0
    assert longest_chain([], []) == ((), 0.0)


def test_events_belong_to_commands_in_turn() -> None:
    events = [
        Event("k", "dispatch", "queue", 0, start, start + took, entry_point="k")
        for start, took in ((0, 10), (20, 4), (40, 20), (80, 6))
    ]
    assert command_times(["k", "", "k"], Timeline(events)) == (15.0, None, 5.0)
