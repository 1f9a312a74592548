import assert from "node:assert/strict";
import { test } from "node:test";
import {
  flowOf,
  hitTest,
  layoutTimeline,
  neighbour,
  rowSpans,
  statistics,
  ticks,
} from "../../frontend/src/data/timeline.ts";
import { toCsv, toPerfetto } from "../../frontend/src/data/timeline_export.ts";
import { shortName } from "../../frontend/src/data/names.ts";
import type { TimelineEvent } from "../../frontend/src/data/types.ts";

function event(given: Partial<TimelineEvent>): TimelineEvent {
  return {
    name: "e",
    kind: "dispatch",
    queue: "q",
    worker: 0,
    start_ns: 0,
    end_ns: 1,
    workgroups: null,
    bytes: 0,
    executable: "",
    entry_point: "",
    locations: [],
    lanes: [],
    step: null,
    ...given,
  };
}

const EVENTS = [
  event({ queue: "q", worker: 1, start_ns: 1000, end_ns: 1100 }),
  event({ queue: "host", worker: -1, kind: "call", start_ns: 1000, end_ns: 2000 }),
  event({ queue: "host", worker: -1, kind: "submit", start_ns: 1200, end_ns: 1300 }),
  event({ queue: "q", worker: 0, start_ns: 1400, end_ns: 1500 }),
];

test("lanes: the host first, workers in order, overlaps stacked", () => {
  const layout = layoutTimeline(EVENTS);
  assert.deepEqual(
    layout.lanes.map((lane) => [lane.label, lane.row, lane.rows]),
    [
      ["host", 0, 2],
      ["q · worker 0", 2, 1],
      ["q · worker 1", 3, 1],
    ],
  );
  assert.equal(layout.originNs, 1000);
  assert.equal(layout.extentNs, 1000);
});

test("rows hold no overlaps and every event once", () => {
  const many = Array.from({ length: 500 }, (_, i) =>
    event({ start_ns: (i * 37) % 1000, end_ns: ((i * 37) % 1000) + 1 + (i % 3) }),
  );
  const layout = layoutTimeline(many);
  assert.deepEqual([...layout.order].sort((a, b) => a - b), [...many.keys()]);
  for (let row = 0; row < layout.rowCount; row++)
    for (let i = layout.rowStart[row] + 1; i < layout.rowStart[row + 1]; i++)
      assert.ok(layout.start[i] >= layout.end[i - 1], `row ${row}`);
});

test("an event that several workers shared has a box on each", () => {
  const lanes = [0, 1, 2].map((worker) => ({ worker, start_ns: 10, end_ns: 20, workgroups: 1 }));
  const layout = layoutTimeline([event({ start_ns: 10, end_ns: 20, lanes })]);
  assert.equal(layout.lanes.length, 3);
  assert.equal(layout.boxes[0].length, 3);
  assert.equal(statistics(layout, [event({ start_ns: 10, end_ns: 20, lanes })], 0, 10).count, 1);
});

test("hits: inside, near, and nothing", () => {
  const layout = layoutTimeline(EVENTS);
  assert.equal(hitTest(layout, 0, 500), 1);
  assert.equal(hitTest(layout, 1, 250), 2);
  assert.equal(hitTest(layout, 3, 105), -1);
  assert.equal(hitTest(layout, 3, 105, 10), 0, "within the slack");
  assert.equal(hitTest(layout, 9, 105, 10), -1, "no such row");
});

test("spans: what falls within a pixel is one box, the rest keeps its place", () => {
  const many = Array.from({ length: 100_000 }, (_, i) =>
    event({ start_ns: i * 10, end_ns: i * 10 + 5 }),
  );
  const layout = layoutTimeline(many);
  const all = rowSpans(layout, 0, 0, 1e6, 1000 / 1e6);
  assert.ok(all.length <= 1001, `${all.length} boxes on 1000 pixels`);
  assert.equal(all.reduce((sum, span) => sum + span.count, 0), 100_000);
  const zoomed = rowSpans(layout, 0, 500, 550, 20);
  assert.deepEqual(
    zoomed.map(({ x, width, count }) => [x, width, count]),
    [0, 200, 400, 600, 800].map((x) => [x, 100, 1]),
  );
});

test("a short event just before a long one keeps it apart", () => {
  const pair = [event({ start_ns: 0, end_ns: 2 }), event({ start_ns: 3, end_ns: 900 })];
  const spans = rowSpans(layoutTimeline(pair), 0, 0, 1000, 0.1);
  assert.deepEqual(
    spans.map((span) => [span.position, span.count]),
    [
      [0, 1],
      [1, 1],
    ],
  );
  assert.ok(spans[0].width <= 1 && spans[1].width > 80);
});

test("a box that began before the window is still drawn", () => {
  const layout = layoutTimeline([event({ start_ns: 0, end_ns: 100 })]);
  assert.equal(rowSpans(layout, 0, 50, 60, 10).length, 1);
  assert.equal(rowSpans(layout, 0, 100.5, 200, 10).length, 0);
});

test("ticks are round and not too many", () => {
  assert.deepEqual(ticks(0, 100, 5), { step: 20, times: [0, 20, 40, 60, 80, 100] });
  assert.ok(ticks(123, 4567, 8).times.length <= 9);
  assert.deepEqual(ticks(-5, 25, 3).times, [0, 10, 20]);
});

test("neighbours go by start and stop at the ends", () => {
  const layout = layoutTimeline(EVENTS);
  assert.equal(neighbour(layout, null, 1), layout.byStart[0]);
  assert.equal(neighbour(layout, 2, 1), 3);
  assert.equal(neighbour(layout, 3, 1), 3);
  assert.equal(neighbour(layout, null, -1), 3);
  assert.equal(neighbour(layoutTimeline([]), null, 1), null);
});

test("statistics count what lies inside", () => {
  const layout = layoutTimeline(EVENTS);
  assert.deepEqual(statistics(layout, EVENTS, 250, 450), {
    count: 3,
    busyNs: 300,
    kinds: [
      { name: "call", kind: "call", count: 1, totalNs: 200 },
      { name: "submit", kind: "submit", count: 1, totalNs: 50 },
      { name: "dispatch", kind: "dispatch", count: 1, totalNs: 50 },
    ],
    names: [],
  });
  const named = EVENTS.map((event) => ({ ...event, entry_point: event.kind === "dispatch" ? "k" : "" }));
  assert.deepEqual(statistics(layout, named, 250, 450).names, [{ name: "k", kind: "dispatch", count: 1, totalNs: 50 }]);
});

test("a flow leads from the submission to its first command", () => {
  const event = (kind: string, submission: number, start_ns: number) => ({ ...EVENTS[0], kind, queue: "q", submission, start_ns, end_ns: start_ns + 1 });
  const events = [event("submit", 1, 0), event("dispatch", 1, 9), event("dispatch", 1, 5), event("submit", 2, 20), event("alloca", -1, 30)];
  assert.deepEqual(flowOf(events, 1), [0, 2]);
  assert.deepEqual(flowOf(events, 0), [0, 2]);
  assert.equal(flowOf(events, 3), null, "nothing of it was recorded");
  assert.equal(flowOf(events, 4), null);
});

test("dispatches are told apart by what they do", () => {
  assert.equal(shortName("mlp_dispatch_12_matmul_8x64_f32"), "matmul_8x64_f32");
  assert.equal(shortName("copy"), "copy");
});

test("exports: spans per worker, names of processes, quoted text", () => {
  const shared = event({
    name: 'a,"b"', queue: "q", worker: 0, start_ns: 2000, end_ns: 5000, workgroups: [4, 2, 1],
    lanes: [
      { worker: 0, start_ns: 2000, end_ns: 4000, workgroups: 4 },
      { worker: 1, start_ns: 2500, end_ns: 5000, workgroups: 4 },
    ],
  });
  const host = event({ name: "call", kind: "call", queue: "q", worker: -1, start_ns: 0, end_ns: 6000 });
  const { traceEvents } = JSON.parse(toPerfetto([host, shared])) as { traceEvents: Record<string, unknown>[] };
  const slices = traceEvents.filter(({ ph }) => ph === "X");
  assert.deepEqual(slices.map(({ pid, tid, ts, dur }) => [pid, tid, ts, dur]), [[1, 0, 0, 6], [2, 1, 2, 2], [2, 2, 2.5, 2.5]]);
  const names = traceEvents.filter(({ ph }) => ph === "M").map(({ args }) => (args as { name: string }).name);
  assert.deepEqual(names, ["host", "q", "host", "worker 0", "worker 1"]);
  const [head, , row] = toCsv([host, shared]).split("\r\n");
  assert.equal(head.split(",").length, 11);
  assert.match(row, /^"a,""b""",dispatch,q,0,2000,5000,4x2x1,/);
});
