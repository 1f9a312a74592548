"""The memory plan: invariants of any packing, and IREE's own statistics."""

from __future__ import annotations

import itertools
import json
import random

import pytest
from conftest import EXAMPLES, Statistics, Traces

from ireelab.viz.allocation import Allocation, Slab, Slice, allocation, lower_bound

ALL = (*sorted(EXAMPLES), "two_packs", "dynamic_pack", "nothing")


def slices_of(plan: Allocation, slab: Slab) -> list[Slice]:
    return [piece for piece in plan.slices if piece.slab == slab.index]


@pytest.mark.parametrize("name", ALL)
def test_live_slices_never_share_a_byte(traces: Traces, name: str) -> None:
    plan = allocation(traces(name))
    for slab in plan.slabs:
        for a, b in itertools.combinations(slices_of(plan, slab), 2):
            if None in (a.offset_bytes, b.offset_bytes, a.size_bytes, b.size_bytes):
                continue
            assert a.offset_bytes is not None and b.offset_bytes is not None
            assert a.size_bytes is not None and b.size_bytes is not None
            alive = a.start <= b.end and b.start <= a.end
            meet = a.offset_bytes < b.offset_bytes + b.size_bytes
            meet = meet and b.offset_bytes < a.offset_bytes + a.size_bytes
            assert not (alive and meet), (a, b)


@pytest.mark.parametrize("name", ALL)
def test_a_static_slab_ends_with_its_last_slice(traces: Traces, name: str) -> None:
    plan = allocation(traces(name))
    for slab in plan.slabs:
        pieces = slices_of(plan, slab)
        assert slab.packed == bool(pieces)
        if not slab.packed or slab.size_bytes is None:
            continue
        ends: list[int] = []
        for piece in pieces:
            assert piece.offset_bytes is not None and piece.size_bytes is not None
            assert piece.offset_bytes % slab.alignment_bytes == 0
            assert piece.size_bytes % slab.alignment_bytes == 0
            ends.append(piece.offset_bytes + piece.size_bytes)
        assert max(ends) == slab.size_bytes
        assert slab.waste_bytes is not None and slab.waste_bytes >= 0


@pytest.mark.parametrize("name", ALL)
def test_slices_are_used_in_their_lifetime(traces: Traces, name: str) -> None:
    for piece in allocation(traces(name)).slices:
        assert piece.uses and list(piece.uses) == sorted(piece.uses)
        assert piece.defined_by and piece.last_used_by
        assert 0 <= piece.start <= piece.end


def test_static_sizes_are_those_of_iree(
    traces: Traces, statistics: Statistics, example: str
) -> None:
    """IREE's "transient memory" is every stream-ordered allocation of known size."""
    plan = allocation(traces(example))
    allocated = sum(b.size_bytes or 0 for b in plan.buffers if b.origin == "alloca")
    assert allocated == statistics(example)["execution"]["transient-memory-size"]


def test_transformer_against_its_lower_bound(traces: Traces) -> None:
    plan = allocation(traces("transformer"))
    assert (plan.transient_bytes, plan.lower_bound_bytes) == (458_752, 393_216)
    assert plan.waste_bytes == 65_536


def test_each_function_has_its_pack(traces: Traces) -> None:
    plan = allocation(traces("two_packs"))
    packed = [slab for slab in plan.slabs if slab.packed]
    assert [slab.function for slab in packed] == ["chain", "fan"]
    chain, fan = packed
    # The chain needs two buffers of 32x32xf32 in turn.
    assert (chain.size_bytes, chain.lower_bound_bytes) == (8192, 8192)
    assert (fan.size_bytes, fan.lower_bound_bytes) == (4096, 4096)
    assert len(slices_of(plan, chain)) == 3
    assert plan.by_lifetime()["transient"] == 12_288


def test_sizes_known_only_at_run_time(traces: Traces) -> None:
    plan = allocation(traces("dynamic_pack"))
    (slab,) = plan.transient_slabs
    assert slab.size_bytes is None and slab.lower_bound_bytes is None
    assert plan.dynamic and plan.transient_bytes is None
    assert len(slices_of(plan, slab)) >= 2
    assert all(piece.size_bytes is None for piece in plan.slices)
    data = plan.to_json()
    assert data["transient_bytes"] is None and data["dynamic"] is True
    assert "run time" in str(plan)


def test_variables_have_the_size_of_what_is_stored(traces: Traces) -> None:
    plan = allocation(traces("counter"))
    assert [(g.name, g.lifetime, g.size_bytes) for g in plan.globals] == [
        ("counter", "variable", 16)
    ]
    assert plan.by_lifetime()["variable"] == 48  # one allocation in each of three places


def test_no_transients(traces: Traces) -> None:
    plan = allocation(traces("nothing"))
    assert (plan.transient_bytes, plan.lower_bound_bytes, plan.slices) == (0, 0, ())
    assert "no transient memory" in str(plan)


def test_alignment_follows_the_flag() -> None:
    from ireelab.pipeline.compile import compile

    trace = compile(
        EXAMPLES["mlp"],
        until="stream",
        flags=("--iree-stream-resource-min-offset-alignment=4096",),
    )
    plan = allocation(trace)
    assert {slab.alignment_bytes for slab in plan.slabs if slab.packed} == {4096}
    assert all((piece.size_bytes or 0) % 4096 == 0 for piece in plan.slices)


@pytest.mark.parametrize("seed", range(50))
def test_lower_bound_is_the_peak(seed: int) -> None:
    rng = random.Random(seed)
    slices = [
        (start, start + rng.randrange(0, 6), rng.randrange(1, 100))
        for start in (rng.randrange(0, 20) for _ in range(rng.randrange(0, 15)))
    ]
    live = [sum(size for a, b, size in slices if a <= now <= b) for now in range(30)]
    assert lower_bound(slices) == max(live)


def test_json_and_text(traces: Traces) -> None:
    plan = allocation(traces("transformer"))
    data = json.loads(json.dumps(plan.to_json()))
    assert {"transient_bytes", "lower_bound_bytes", "slices"} <= set(data)
    assert len(data["slices"]) == len(plan.slices)
    assert "458,752 B" in str(plan) and "<table>" in plan._repr_html_()
