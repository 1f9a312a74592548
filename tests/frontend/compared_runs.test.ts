import assert from "node:assert/strict";
import { test } from "node:test";
import { comparedRuns, timesBetween } from "../../frontend/src/data/compared_runs.ts";
import { readIndex } from "../../frontend/src/data/payload.ts";

const event = (entry_point: string, start_ns: number, end_ns: number) => ({ name: entry_point, kind: "dispatch", queue: "q", entry_point, start_ns, end_ns });
const run = (...timeline: object[]) => ({ function: "f", timeline });

function read(first: object, ...others: object[]) {
  const labels = ["a", "b", "c"].slice(0, others.length + 1);
  const compared = { labels, descriptions: labels, rows: [], different: [], first: [], sides: others.map((one) => ({ run: one })) };
  const index = readIndex({ schema: 1, run: first, compared });
  return comparedRuns(index.run, index.compared);
}

test("the nth run of a kernel goes with the nth, whatever stands between", () => {
  const runs = read(run(event("x", 0, 10), event("y", 10, 20), event("x", 20, 40)), run(event("y", 0, 5), event("x", 5, 10), event("x", 10, 15)));
  assert.ok(runs);
  assert.deepEqual([0, 1, 2].map((i) => runs.counterparts(i)), [[4], [3], [5]]);
  assert.deepEqual(runs.counterparts(5), [2]);
  assert.deepEqual([0, 2, 3, 5].map((i) => runs.sideOf(i)), [0, 0, 1, 1]);
  assert.equal(runs.events[3].queue, "b · q");
  assert.deepEqual([2, 3, 5].map(runs.refOf), ["event:2", "event@1:0", "event@1:2"]);
  assert.deepEqual(["event:2", "event@1:0", "event@1:2"].map(runs.eventOf), [2, 3, 5]);
  assert.deepEqual(["event@1:3", "event@2:0", "slice@1:0", "command:0", "event:3"].map(runs.eventOf), Array(5).fill(null));
});

test("totals by entry point, the largest of the first run first", () => {
  const runs = read(run(event("x", 0, 10), event("y", 10, 40)), run(event("x", 0, 4), event("x", 4, 8), event("z", 8, 9)));
  assert.deepEqual(
    runs?.totals.map(({ name, counts, totals }) => [name, counts, totals]),
    [["y", [1, 0], [30, 0]], ["x", [1, 2], [10, 8]], ["z", [0, 1], [0, 1]]],
  );
});

test("times of an area, and no comparison without every profile", () => {
  const runs = read(run(event("x", 0, 10)), run(event("x", 0, 4)), run(event("x", 2, 9)));
  assert.deepEqual(runs && timesBetween(runs, 3, 8), [5, 1, 5]);
  assert.equal(read(run(event("x", 0, 10)), run()), null);
});
