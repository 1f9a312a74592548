"""``il.compare``: models, runs and traces beside each other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import ireelab as il
from ireelab.errors import InvalidInput
from ireelab.hal.timeline import Event, Timeline
from ireelab.pipeline.trace import Trace
from ireelab.viz.compare_traces import Compared
from ireelab.viz.comparison import Comparison, pair_up

Traces = Callable[[str], Trace]
SERIAL = "--iree-stream-partitioning-favor=debug"


@pytest.fixture(scope="module")
def serial() -> Trace:
    """The transformer with each command in a wave of its own."""
    return il.compile(il.examples.path("transformer"), flags=(SERIAL,), until="hal")


@pytest.fixture(scope="module")
def compared(traces: Traces, serial: Trace) -> Compared:
    return il.compare(traces("transformer"), serial)


def test_totals_are_those_of_the_models(compared: Compared, traces: Traces, serial: Trace) -> None:
    sides = traces("transformer"), serial
    plans = [il.allocation(trace) for trace in sides]
    memory = compared["allocation"]
    assert memory["transient"].values == tuple(plan.transient_bytes for plan in plans)
    assert memory["waste"].values == tuple(plan.waste_bytes for plan in plans)
    waves = [sum(len(e.waves) for e in il.stream_graph(trace).executions) for trace in sides]
    assert compared["streams"]["waves"].values == tuple(waves)
    assert compared["streams"]["waves"].ratios == (waves[1] / waves[0],)
    said = f"waves: {waves[0]}, {waves[1]} ({waves[1] / waves[0]:.2f})"
    assert str(compared["streams"]["waves"]) == said
    barriers = [il.barriers(trace) for trace in sides]
    assert compared["barriers"]["emitted"].values == tuple(b.emitted for b in barriers)
    assert compared["barriers"]["needed"].values == tuple(b.needed for b in barriers)


def test_slices_pair_by_what_they_hold(compared: Compared) -> None:
    memory = compared["allocation"]
    a, b = memory.models
    assert isinstance(a, type(b))
    moved = 0
    for part in memory.table("slices").parts:
        i, j = part.refs
        if i is None or j is None:
            continue
        left, right = a.slices[int(i)], b.slices[int(j)]  # pyright: ignore
        assert left.defined_by == right.defined_by
        assert left.requested_bytes == right.requested_bytes
        moved += left.offset_bytes != right.offset_bytes
    assert memory["slices moved"].values == (0, moved)
    paired = [part for part in memory.table("slices").parts if None not in part.refs]
    assert len(paired) == len(a.slices)  # pyright: ignore


def test_rows_keep_the_order_of_every_side(compared: Compared, serial: Trace) -> None:
    for side, trace in enumerate(one.trace for one in compared.sides):
        steps = [row.steps[side] for row in compared.rows]
        assert [step for step in steps if step is not None] == list(range(len(trace.steps)))
    first = compared.steps[0].first
    assert first is not None and first.pair.a is not None
    assert first.pair.a.name == "iree-stream-schedule-concurrency"
    differing = [row.steps[0] for row in compared.rows if not row.same]
    assert first.pair.a.index in differing
    assert f"part at step {first.pair.a.index}" in compared.summary()


def test_three_traces_against_the_first(traces: Traces) -> None:
    a = traces("elementwise")
    others = [
        il.compile(a.source, name=a.name, flags=(f"--iree-opt-level={level}",), until="flow")
        for level in ("O0", "O3")
    ]
    compared = il.compare(a, *others, labels=("usual", "O0", "O3"))
    for side, trace in enumerate((a, *others)):
        steps = [row.steps[side] for row in compared.rows]
        assert [step for step in steps if step is not None] == list(range(len(trace.steps)))
    for row in compared.rows:
        names = {
            trace.steps[step].name
            for trace, step in zip((a, *others), row.steps, strict=True)
            if step is not None
        }
        assert len(names) == 1
    assert compared.names == ()
    with pytest.raises(InvalidInput, match="allocation"):
        compared["allocation"]


def test_the_same_trace_twice_is_the_same_in_everything(traces: Traces) -> None:
    compared = il.compare(traces("mlp"), traces("mlp"))
    assert all(row.same for row in compared.rows)
    assert compared.steps[0].first is None
    for name in compared.names:
        assert compared[name].same, name
    assert "the same" in str(compared)


def test_kernels_by_code(traces: Traces) -> None:
    a = traces("mlp")
    flags = ("--iree-llvmcpu-target-cpu=generic", "--iree-llvmcpu-target-cpu-features=")
    b = il.compile(a.source, name=a.name, flags=flags)
    both = il.executables(a), il.executables(b)
    found = il.compare(*both, labels=("host", "generic"))
    for part in found.table("kernels").parts:
        kernels = [side[str(ref)] for side, ref in zip(both, part.refs, strict=True)]
        values = {quantity.name: quantity.values for quantity in part.quantities}
        cpus = [kernel.cpu for kernel in kernels]
        assert values["vector width"] == tuple(cpu and cpu.mix.vector_bits for cpu in cpus)
        assert values["code"] == tuple(cpu and cpu.code_bytes for cpu in cpus)
        for name in ("load", "store"):
            assert values[name] == tuple(cpu and cpu.mix.classes.get(name, 0) for cpu in cpus)
    assert "generic/host" in str(found)


def test_events_pair_by_what_they_run() -> None:
    def run(*names: str, duration: int) -> Timeline:
        return Timeline(
            Event(n, "dispatch", "q", 0, i * 100, i * 100 + duration, entry_point=n)
            for i, n in enumerate(names)
        )

    found = il.compare(run("x", "y", "x", duration=10), run("y", "x", "z", duration=20))
    pairs = {part.refs: part.quantities[0].values for part in found.table("events").parts}
    assert pairs == {
        (0, 1): (10, 20),
        (1, 0): (10, 20),
        (2, None): (10, None),
        (None, 2): (None, 20),
    }
    totals = {p.name: p.quantities[1].values for p in found.table("entry points").parts}
    assert totals == {"x": (20, 20), "y": (10, 20), "z": (None, 20)}


def test_profiled_results_and_listings(traces: Traces) -> None:
    trace, inputs = traces("elementwise"), il.examples.inputs("elementwise")
    name = trace.program.function(None).name
    results = [il.run(trace, name, *inputs, profile=True) for _ in range(2)]
    np.testing.assert_array_equal(*(result.outputs[0] for result in results))
    found = il.compare(*results)
    timelines = [il.timeline(result) for result in results]
    assert found["span"].values == tuple(timeline.span_ns for timeline in timelines)
    assert found["dispatches"].same
    whole = il.compare((trace, results[0]), (trace, results[1]))
    assert isinstance(whole["run"], Comparison)
    listing = il.vm_listing(trace.program)
    assert il.compare(listing, listing).same


def test_what_cannot_be_compared_says_so(traces: Traces) -> None:
    trace = traces("elementwise")
    with pytest.raises(InvalidInput, match="two or more"):
        il.compare(trace)
    with pytest.raises(InvalidInput, match="Trace, StreamGraph"):
        il.compare(trace, il.stream_graph(trace))  # pyright: ignore
    with pytest.raises(InvalidInput, match="different labels"):
        il.compare(trace, trace, labels=("a", "a"))


def test_pairs_are_in_order_and_complete() -> None:
    rows = pair_up(["abca", "bacd", "aa"])
    for side, keys in enumerate(("abca", "bacd", "aa")):
        assert sorted(row[side] for row in rows if row[side] is not None) == list(range(len(keys)))
    assert rows[0] == (0, 1, 0)
    assert rows[3] == (3, None, 1)
