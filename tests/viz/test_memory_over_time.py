"""Memory over commands against the plan, and against what a run allocates."""

from __future__ import annotations

import json

import pytest
from conftest import Traces

from ireelab.examples import inputs
from ireelab.viz.allocation import allocation
from ireelab.viz.stream_graph import stream_graph
from ireelab.vm.run import run


def test_commands_are_those_of_the_stream_graph(traces: Traces, example: str) -> None:
    trace = traces(example)
    time, graph = allocation(trace).over_time, stream_graph(trace)
    assert time.commands == len(graph.commands)
    for name, first, count in time.functions:
        functions = {graph.executions[c.execution].function for c in graph.commands[first:][:count]}
        assert functions == {name}
    # Whatever a command touches exists while it runs.
    spans = {span.id: span for span in time.spans}
    for command in graph.commands:
        for access in command.accesses:
            span = spans.get(access.resource)
            assert span is None or span.first <= command.index <= span.last


@pytest.mark.parametrize("name", ["mlp", "transformer", "conv", "while"])
def test_a_run_allocates_what_is_planned(traces: Traces, name: str) -> None:
    trace = traces(name)
    result = run(trace, None, *inputs(name), profile=True)
    found = allocation(trace, run=result)
    planned = sum(b.size_bytes or 0 for b in found.buffers if b.origin == "alloca")
    peak = max(sample.bytes for sample in found.observed)
    at_once = max(
        sum(s.size_bytes or 0 for s in found.over_time.spans
            if s.origin == "alloca" and s.first <= i <= s.last)
        for i in range(found.over_time.commands)
    )  # fmt: skip
    assert at_once <= planned
    assert peak >= at_once  # a loop may run the code of an allocation several times
    if name != "while":
        assert peak == at_once
        assert found.observed[-1].bytes == at_once - (found.transient_bytes or 0)
    imported = sum(b.size_bytes or 0 for b in found.buffers if b.origin == "import")
    assert found.over_time.peak_bytes == at_once + imported
    json.dumps(found.to_json())


def test_scopes_and_what_is_updated_in_place(traces: Traces) -> None:
    found = allocation(traces("conv"))
    assert [slab.scope for slab in found.slabs] == ["transient in a command buffer", "external"]
    commands = stream_graph(traces("conv")).commands
    updated = [(slice_.name, use) for slice_ in found.slices for use in slice_.in_place]
    assert updated, "a convolution accumulates into what was filled"
    for slice_ in found.slices:
        assert set(slice_.in_place) <= set(slice_.uses)
    assert all(commands[use].kind == "dispatch" for _, use in updated)
    assert not any(s.in_place for s in allocation(traces("mlp")).slices)


def test_what_globals_hold_is_there_in_every_call(traces: Traces) -> None:
    time = allocation(traces("counter")).over_time
    (held,) = [span for span in time.spans if span.origin == "global"]
    start = next(first for name, first, _ in time.functions if name == "increment")
    assert (held.id, held.first, held.last) == ("@counter", start, time.commands - 1)
    assert time.bytes_at(start) == {"external": 32, "variable": 32}
