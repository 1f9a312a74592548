"""The stream graph against IREE's own statistics and against the IR it was read from."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from conftest import Statistics, Traces

from ireelab.errors import CompileError
from ireelab.pipeline.compile import compile
from ireelab.viz.access import Overlap
from ireelab.viz.stream_graph import StreamGraph, stream_graph

COUNTED = ("dispatch", "copy", "fill", "call")


def test_counts_are_those_of_iree(traces: Traces, statistics: Statistics, example: str) -> None:
    graph = stream_graph(traces(example))
    execution = statistics(example)["execution"]
    counts = graph.counts()
    for kind in COUNTED:
        assert counts.get(kind, 0) == execution[f"{kind}-count"], kind
    assert len(graph.executions) == execution["submission-count"]
    assert (
        len({d.executable for d in graph.dispatches})
        == (statistics(example)["executable"]["executable-count"])
    )


def test_commands_stay_within_their_resources(traces: Traces, example: str) -> None:
    graph = stream_graph(traces(example))
    sizes = {resource.id: resource.size_bytes for resource in graph.resources}
    for command in graph.commands:
        assert command.accesses
        for access in command.accesses:
            known, size = access.range.known, sizes[access.resource]
            if known is not None and size is not None:
                assert 0 <= known[0] <= known[1] <= size, command


def test_edges_connect_commands_that_meet(traces: Traces, example: str) -> None:
    graph = stream_graph(traces(example))
    waves = {c.index: (c.execution, c.wave) for c in graph.commands}
    for edge in graph.edges:
        assert waves[edge.first] < waves[edge.second], "an edge within a wave, or backwards"
        pairs = [
            (a, b)
            for a in graph.commands[edge.first].accesses
            for b in graph.commands[edge.second].accesses
            if a.resource == b.resource == edge.resource and (a.writes or b.writes)
        ]
        assert any(a.range.overlap(b.range) is not Overlap.NONE for a, b in pairs)


def test_waves_hold_each_command_once(traces: Traces, example: str) -> None:
    graph = stream_graph(traces(example))
    waves = Counter(index for e in graph.executions for wave in e.waves for index in wave)
    assert waves == Counter(range(len(graph.commands)))


def test_exact_ranges_lie_in_the_fused_ones(traces: Traces, example: str) -> None:
    """After binding fusion a dispatch names whole resources; those hold what it touched."""
    trace = traces(example)
    exact = stream_graph(trace)
    last = [step for step in trace.steps if step.phase == "stream"][-1]
    fused = stream_graph(trace, last)
    assert [c.name for c in exact.commands] == [c.name for c in fused.commands]
    for first, second in zip(exact.commands, fused.commands, strict=True):
        assert {a.resource for a in first.accesses} == {a.resource for a in second.accesses}
        for access in first.accesses:
            assert any(
                wide.resource == access.resource and wide.range.covers(access.range)
                for wide in second.accesses
            )


def test_chain_and_fan(traces: Traces) -> None:
    graph = stream_graph(traces("two_packs"))
    chain, fan = graph.executions
    assert (chain.function, fan.function) == ("chain", "fan")
    assert [len(wave) for wave in chain.waves] == [1, 1, 1, 1]
    assert [len(wave) for wave in fan.waves] == [2, 2, 1]
    raw = {(e.first, e.second) for e in graph.edges if e.kind == "RAW"}
    first = chain.waves[0][0]
    assert {(first, first + 1), (first + 1, first + 2), (first + 2, first + 3)} <= raw


def test_a_loop_awaits_its_own_execution(traces: Traces) -> None:
    graph = stream_graph(traces("while"))
    assert (0, 0) in graph.execution_edges
    assert {r.lifetime for r in graph.resources} == {"external", "transient", "staging"}


def test_a_global_is_one_resource_in_every_function(traces: Traces) -> None:
    graph = stream_graph(traces("counter"))
    users = {
        graph.executions[command.execution].function
        for command in graph.commands
        if any(access.resource == "@counter" for access in command.accesses)
    }
    assert users == {"increment", "value"}
    functions = [graph.executions[c.execution].function for c in graph.commands]
    assert all(functions[e.first] == functions[e.second] for e in graph.edges)


@pytest.mark.parametrize("step", ["iree-stream-schedule-execution", "iree-stream-conversion"])
def test_async_ir_has_the_same_dispatches(traces: Traces, step: str) -> None:
    trace = traces("two_packs")
    expected = Counter(d.name for d in stream_graph(trace).dispatches)
    found = stream_graph(trace, step)
    if step == "iree-stream-schedule-execution":
        assert Counter(d.name for d in found.dispatches) == expected
        assert {e.affinity for e in found.executions} == {"#hal.device.affinity<@__device_0>"}
    else:
        assert not found.dispatches  # still at tensor level


def test_concurrency_depends_on_data_only(traces: Traces) -> None:
    """What IREE runs at once has no edge between, before memory is shared just as after."""
    graph = stream_graph(traces("transformer"), "iree-stream-schedule-concurrency")
    wide = [wave for e in graph.executions for wave in e.waves if len(wave) > 1]
    assert wide
    edges = {(edge.first, edge.second) for edge in graph.edges}
    for wave in wide:
        assert not any((a, b) in edges for a in wave for b in wave)


def test_a_program_without_device_work(traces: Traces) -> None:
    graph = stream_graph(traces("nothing"))
    assert graph == StreamGraph(graph.step, (), (), (), (), ())
    assert "no commands" in str(graph)


def test_json_and_text(traces: Traces) -> None:
    graph = stream_graph(traces("mlp"))
    data = json.loads(json.dumps(graph.to_json()))
    assert {"dispatches", "executions", "edges"} <= set(data)
    assert [d["entry_point"] for d in data["dispatches"]] == [d.name for d in graph.dispatches]
    assert all(dispatch.name in str(graph) for dispatch in graph.dispatches)
    assert graph._repr_html_().count("<tr>") == len(graph.commands) + 1


def test_a_trace_that_ended_too_early() -> None:
    source = "func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> { return %x : tensor<4xf32> }"
    with pytest.raises(CompileError, match="until='stream'"):
        stream_graph(compile(source, until="abi"))
