"""Barriers: upstream's are sufficient, deleting a needed one is noticed."""

from __future__ import annotations

import json
import random

import pytest
from conftest import EXAMPLES, Traces

from ireelab.viz.access import Access, byte_range
from ireelab.viz.barrier_judge import judge
from ireelab.viz.barrier_model import Barriers, CommandBuffer
from ireelab.viz.barriers import barriers
from ireelab.viz.command_buffer_ir import RecordedBarrier
from ireelab.viz.stream_graph import stream_graph

ALL = (*sorted(EXAMPLES), "two_packs", "dynamic_pack")
FULL = RecordedBarrier(frozenset({"Dispatch", "Transfer"}), frozenset({"Dispatch", "Transfer"}))


def emitted(buffer: CommandBuffer) -> list[tuple[int, RecordedBarrier]]:
    """The barriers of a command buffer as ``judge`` takes them."""
    return [
        (b.position, RecordedBarrier(frozenset(b.source_stages), frozenset(b.target_stages)))
        for b in buffer.barriers
    ]


def left_open(buffer: CommandBuffer, kept: list[tuple[int, RecordedBarrier]]) -> tuple[int, ...]:
    """The hazards that the kept barriers do not separate."""
    stages = [command.stage for command in buffer.commands]
    return judge(stages, [command.accesses for command in buffer.commands], kept)[2]


@pytest.mark.parametrize("name", ALL)
def test_upstream_misses_none(traces: Traces, name: str) -> None:
    model = barriers(traces(name))
    assert model.missing == ()
    assert all(not buffer.unproven for buffer in model.command_buffers)
    assert model.needed <= model.emitted - model.redundant <= model.emitted


@pytest.mark.parametrize("name", ALL)
def test_every_command_buffer_is_a_stream_execution(traces: Traces, name: str) -> None:
    model = barriers(traces(name))
    graph = stream_graph(traces(name))
    executions = [buffer.execution for buffer in model.command_buffers]
    assert None not in executions and len(set(executions)) == len(executions)
    assert all(buffer.straight for buffer in model.command_buffers)
    for buffer in model.command_buffers:
        hazards = {(e.kind, e.resource) for e in graph.edges}
        assert {(h.kind, h.resource) for h in buffer.hazards} <= hazards


@pytest.mark.parametrize("name", ALL)
def test_bindings_hold_what_is_used(traces: Traces, name: str) -> None:
    """What the Stream level says is used lies in a range the HAL level binds for that access."""
    for buffer in barriers(traces(name)).command_buffers:
        slots: dict[str, str] = {}
        for command in buffer.commands:
            for access in command.accesses:
                if access.range.known is None:
                    continue
                holding = [
                    bound
                    for bound in command.bindings
                    if (bound.reads or not access.reads)
                    and (bound.writes or not access.writes)
                    and (bound.range.known is None or bound.range.covers(access.range))
                    and slots.get(bound.resource, access.resource) == access.resource
                ]
                assert holding, (command.name, str(access))
                if len(holding) == 1:
                    slots[holding[0].resource] = access.resource


@pytest.mark.parametrize("name", ALL)
def test_deleting_a_needed_barrier_is_noticed(traces: Traces, name: str) -> None:
    rng = random.Random(name)
    for buffer in barriers(traces(name)).command_buffers:
        all_barriers = emitted(buffer)
        kept = [
            b
            for b, judged in zip(all_barriers, buffer.barriers, strict=True)
            if not judged.redundant
        ]
        assert left_open(buffer, kept) == ()
        if kept:
            kept.pop(rng.randrange(len(kept)))
            assert left_open(buffer, kept)


def test_a_barrier_guards_the_hazards_that_cross_it(traces: Traces) -> None:
    (buffer,) = barriers(traces("transformer")).command_buffers
    for barrier in buffer.barriers:
        crossing = [
            position
            for position, hazard in enumerate(buffer.hazards)
            if hazard.first < barrier.position <= hazard.second
        ]
        assert list(barrier.guards) == crossing
    assert buffer.barriers[-1].position == len(buffer.commands)
    assert buffer.barriers[-1].redundant and not buffer.barriers[-1].guards


def test_ranges_tell_concurrent_dispatches_apart(traces: Traces) -> None:
    """Whole bindings of a slab would make every pair of dispatches a hazard."""
    (buffer,) = barriers(traces("transformer")).command_buffers
    whole = [command.bindings for command in buffer.commands]
    stages = [command.stage for command in buffer.commands]
    assert judge(stages, whole, emitted(buffer))[2]
    assert buffer.missing == ()


def test_stages_that_a_barrier_leaves_out_are_not_guarded() -> None:
    write = [Access("A", "wo", byte_range(0, 4))]
    read = [Access("A", "ro", byte_range(0, 4))]
    transfer_only = RecordedBarrier(frozenset({"Transfer"}), frozenset({"Dispatch"}))
    assert judge(["Dispatch", "Dispatch"], [write, read], [(1, FULL)])[2] == ()
    assert judge(["Dispatch", "Dispatch"], [write, read], [(1, transfer_only)])[2] == (0,)
    assert judge(["Transfer", "Dispatch"], [write, read], [(1, transfer_only)])[2] == ()


def test_dynamic_slices_are_proved_disjoint(traces: Traces) -> None:
    model = barriers(traces("dynamic_pack"))
    assert [buffer.reusable for buffer in model.command_buffers] == [False]
    hazards = [hazard for buffer in model.command_buffers for hazard in buffer.hazards]
    assert hazards and all(hazard.exact for hazard in hazards)
    assert all(hazard.offset_bytes is None for hazard in hazards if hazard.kind == "RAW")


def test_a_program_without_device_work(traces: Traces) -> None:
    model = barriers(traces("nothing"))
    assert model == Barriers(model.step, ())
    assert model.emitted == model.needed == 0


def test_json_and_text(traces: Traces) -> None:
    model = barriers(traces("while"))
    data = json.loads(json.dumps(model.to_json()))
    assert (data["emitted"], data["needed"]) == (4, 3)
    assert {hazard["kind"] for hazard in data["hazards"]} == {"RAW"}
    assert all(hazard["command_buffer"] == 0 for hazard in data["hazards"])
    assert "redundant" in str(model) and "<table>" in model._repr_html_()
