"""Timelines: statistics, the table, and every export."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from ireelab.hal.timeline import Event, Lane, Timeline

QUEUE = "llvm-cpu:0 queue 0"


def sample() -> Timeline:
    lanes = (Lane(0, 2_000, 4_000, 3), Lane(1, 2_500, 5_000, 5))
    return Timeline(
        [
            Event(
                "matmul", "dispatch", QUEUE, 0, 2_000, 5_000, (4, 2, 1), 4096, "exe", "matmul",
                ("mlp.mlir:4",), 7, 0, 3, lanes,
            ),
            Event("fill 8 B", "fill", QUEUE, 0, 4_500, 6_000, None, 8, command_buffer=7, command=1),
            Event("copy 8 B", "copy", QUEUE, 1, 8_000, 9_000, None, 8),
            Event("execution barrier", "barrier", QUEUE, 0, 5_000, 5_500),
            Event("submit <1>", "submit", QUEUE, -1, 1_000, 9_500, submission=3),
        ]
    )  # fmt: skip


def test_events_are_ordered_by_start() -> None:
    timeline = sample()
    assert [event.kind for event in timeline.events] == [
        "submit",
        "dispatch",
        "fill",
        "barrier",
        "copy",
    ]
    assert (timeline.origin_ns, timeline.span_ns, len(timeline)) == (1_000, 8_500, 5)


def test_statistics_separate_busy_from_total() -> None:
    (queue,) = sample().statistics()
    # dispatch 2-5, fill 4.5-6 (0.5 overlaps), copy 8-9: busy 5.0, total 5.5, span 7.0
    assert (queue.busy_ns, queue.total_ns, queue.overlap_ns, queue.span_ns) == (
        5_000,
        5_500,
        500,
        7_000,
    )
    assert queue.events == 3


def test_table_is_aligned_and_has_units() -> None:
    lines = sample().table().splitlines()
    assert lines[0].split("  ")[0].strip() == "start [µs]"
    assert "duration [µs]" in lines[0]
    assert "bytes [B]" in lines[0]
    dispatch = lines[3]
    assert dispatch.split() == ["1.000", "3.000", "dispatch", "matmul", "4x2x1", "4096", "0+1"]
    column = lines[0].index("kind")
    assert all(line[column - 1] == " " and line[column] != " " for line in lines[2:])
    assert lines[2].endswith("host")


def test_empty_timeline() -> None:
    timeline = Timeline([])
    assert timeline.span_ns == 0
    assert timeline.statistics() == ()
    assert "start [µs]" in timeline.table()


def test_json_has_every_field() -> None:
    rows = sample().to_json()
    json.dumps(rows)
    assert rows[1]["workgroups"] == (4, 2, 1)
    assert rows[1]["lanes"][1] == {"worker": 1, "start_ns": 2_500, "end_ns": 5_000, "workgroups": 5}


def test_csv(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    sample().to_csv(path)
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 5
    assert rows[1]["workgroups"] == "4x2x1"
    assert rows[1]["source_locations"] == "mlp.mlir:4"
    assert int(rows[1]["end_ns"]) == 5_000


def test_perfetto(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    sample().to_perfetto(path)
    events = json.loads(path.read_text())["traceEvents"]
    slices = [event for event in events if event["ph"] == "X"]
    assert len(slices) == 6  # the shared dispatch is one slice a worker
    processes = {e["args"]["name"]: e["pid"] for e in events if e["name"] == "process_name"}
    assert set(processes) == {"host", QUEUE}
    matmul = [event for event in slices if event["name"] == "matmul"]
    assert {event["pid"] for event in matmul} == {processes[QUEUE]}
    assert len({event["tid"] for event in matmul}) == 2
    assert (matmul[0]["ts"], matmul[0]["dur"]) == (1.0, 2.0)
    assert matmul[0]["args"]["source_locations"] == ["mlp.mlir:4"]
    named = {(e["pid"], e["tid"]) for e in events if e["name"] == "thread_name"}
    assert {(event["pid"], event["tid"]) for event in slices} <= named


def test_html_escapes() -> None:
    text = sample()._repr_html_()
    assert "submit &lt;1&gt;" in text
    assert text.count("<tr>") == 6
