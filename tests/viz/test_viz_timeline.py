"""Lanes, flows, gaps and sums of a timeline, on made-up events and on a run."""

from __future__ import annotations

import json
import random

import pytest
from conftest import Traces

from ireelab import examples
from ireelab.errors import InvalidInput
from ireelab.hal.timeline import Event, Lane, Timeline
from ireelab.viz.timeline import timeline
from ireelab.vm.run import run


def dispatch(
    name: str, start: int, end: int, *, submission: int = 1, worker: int = 0, size: int = 0
) -> Event:
    return Event(
        name, "dispatch", "q", worker, start, end, (1, 1, 1), size,
        entry_point=name, submission=submission,
    )  # fmt: skip


def host(kind: str, start: int, end: int, submission: int = -1) -> Event:
    return Event(kind, kind, "q", -1, start, end, submission=submission)


def test_sums_per_entry_point() -> None:
    found = timeline(
        Timeline([dispatch("a", 0, 10, size=40), dispatch("b", 10, 40), dispatch("a", 40, 60)])
    )
    first, second = found.aggregates
    assert (first.entry_point, first.total_ns, first.count) == ("a", 30, 2)
    assert (first.mean_ns, first.min_ns, first.max_ns, first.share) == (15, 10, 20, 0.5)
    assert first.bytes_per_second == pytest.approx(40 / 30e-9)
    assert first.events == (0, 2)
    assert second.entry_point == "b" and second.bytes_per_second is None


def test_overlapping_commands_are_on_rows_of_their_own() -> None:
    found = timeline(
        Timeline([dispatch("a", 0, 10), dispatch("b", 5, 15, worker=1), dispatch("c", 15, 20)])
    )
    (queue,) = [lane for lane in found.lanes if lane.kind == "queue"]
    assert [span.row for span in queue.spans] == [0, 1, 0]
    assert (queue.rows, queue.busy_ns) == (2, 20)
    workers = [lane for lane in found.lanes if lane.kind == "worker"]
    assert [[span.event for span in lane.spans] for lane in workers] == [[0, 2], [1]]
    (use,) = found.queues
    assert use.concurrency_ns == (0, 15, 5)
    assert (use.busy_ns, use.total_ns, use.utilisation) == (20, 25, 1.0)


def test_a_shared_command_is_on_the_lane_of_each_worker() -> None:
    shared = Event("a", "dispatch", "q", 0, 0, 10, lanes=(Lane(0, 0, 8, 3), Lane(1, 2, 10, 5)))
    found = timeline(Timeline([shared]))
    spans = {lane.label: [(s.start_ns, s.end_ns) for s in lane.spans] for lane in found.lanes}
    assert spans == {"q": [(0, 10)], "q worker 0": [(0, 8)], "q worker 1": [(2, 10)]}


def test_flows_from_submission_to_wait() -> None:
    events = [
        host("submit", 0, 10, 1),
        dispatch("a", 15, 20),
        dispatch("b", 20, 30),
        host("submit", 12, 22, 2),
        dispatch("c", 35, 40, submission=2),
        host("wait", 5, 45),
    ]
    found = timeline(Timeline(events))
    ordered = found.timeline.events
    first, second = found.flows
    assert ordered[first.submit].submission == 1 and ordered[second.submit].submission == 2
    assert (ordered[first.first].name, ordered[first.last].name) == ("a", "b")
    assert (first.commands, first.queued_ns, second.queued_ns) == (2, 5, 13)
    assert ordered[first.wait].kind == ordered[second.wait].kind == "wait"


def test_gaps_say_what_was_missing() -> None:
    events = [
        host("submit", 0, 5, 1),
        dispatch("a", 10, 20),
        dispatch("b", 23, 30),  # inside a submission
        host("submit", 6, 8, 2),
        dispatch("c", 35, 40, submission=2),  # was submitted long before
        host("submit", 45, 50, 3),
        dispatch("d", 52, 60, submission=3),  # came late
    ]
    gaps = timeline(Timeline(events)).gaps
    assert [(gap.duration_ns, gap.reason) for gap in gaps] == [
        (12, "host"),
        (5, "queue"),
        (3, "barrier"),
    ]


def test_busy_time_is_that_of_marked_nanoseconds() -> None:
    chance = random.Random(0)
    for _ in range(20):
        starts = [chance.randrange(200) for _ in range(12)]
        events = [dispatch("k", start, start + chance.randrange(1, 30)) for start in starts]
        (use,) = timeline(Timeline(events)).queues
        running = [sum(e.start_ns <= t < e.end_ns for e in events) for t in range(230)]
        assert use.busy_ns == sum(count > 0 for count in running)
        assert list(use.concurrency_ns[1:]) == [
            running.count(k) for k in range(1, len(use.concurrency_ns))
        ]
        assert max(running) == len(use.concurrency_ns) - 1


def test_a_run(traces: Traces) -> None:
    program = traces("mlp").program
    result = run(program, "mlp", *examples.inputs("mlp"), profile=True, repeat=3)
    found = timeline(result)
    assert result.timeline is not None and found.timeline is result.timeline
    assert {a.count for a in found.aggregates} == {3}
    assert {a.entry_point for a in found.aggregates} == {
        event.entry_point for event in result.timeline.events if event.kind == "dispatch"
    }
    assert sum(a.share for a in found.aggregates) == pytest.approx(1)
    assert len(found.flows) == 3 and all(flow.submit >= 0 for flow in found.flows)
    record = json.loads(json.dumps(found.to_json()))
    assert {lane["kind"] for lane in record["lanes"]} == {"host", "queue", "worker"}
    assert "mlp_dispatch_0" in repr(found)


def test_a_run_that_was_not_profiled(traces: Traces) -> None:
    result = run(traces("mlp").program, "mlp", *examples.inputs("mlp"))
    with pytest.raises(InvalidInput, match="profile=True"):
        timeline(result)


def test_nothing_ran() -> None:
    found = timeline(Timeline([]))
    assert found.lanes == found.flows == found.aggregates == found.gaps == found.queues == ()
    assert repr(found).startswith("Timeline: 0 events")
