import assert from "node:assert/strict";
import { test } from "node:test";
import { functionAt, memoryPlot, spansAt } from "../../frontend/src/data/memory.ts";
import type { Allocation } from "../../frontend/src/data/model_types.ts";

const span = (id: string, lifetime: string, size_bytes: number | null, first: number, last: number) => ({
  id, function: "f", lifetime, origin: "alloca", size_bytes, first, last,
});
const MODEL: Allocation = {
  step: 0,
  transient_bytes: 64,
  lower_bound_bytes: 64,
  by_lifetime: {},
  slabs: [],
  slices: [],
  over_time: {
    commands: 4,
    peak_bytes: 104,
    functions: [["init", 0, 1], ["f", 1, 3]],
    spans: [
      span("a", "transient", 64, 1, 2), span("b", "external", 40, 1, 3), span("c", "transient", null, 3, 3),
      span("d", "transient", 8, 3, 2),
    ],
  },
  observed: [[0, 1_000, 40], [1, 1_500, 104], [9, 2_000, 40]],
};

test("layers are stacked and add up; what a run used stands beside", () => {
  const plot = memoryPlot(MODEL);
  assert.deepEqual([...plot.total], [0, 104, 104, 40]);
  assert.deepEqual(plot.layers.map(({ lifetime, bytes }) => [lifetime, [...bytes]]), [
    ["external", [0, 40, 40, 40]],
    ["transient", [0, 64, 64, 0]],
  ]);
  assert.deepEqual([...plot.live], [0, 0, 0, 0]);
  const slice = { slab: 0, name: "s", offset_bytes: 0, size_bytes: 16, requested_bytes: 16, start: 0, end: 1, defined_by: "", last_used_by: "", uses: [1, 2], in_place: [] };
  assert.deepEqual([...memoryPlot({ ...MODEL, slices: [slice, { ...slice, uses: [] }] }).live], [0, 16, 16, 0]);
  assert.deepEqual([plot.peak, plot.observedPeak, plot.dynamic], [104, 104, 1]);
  assert.deepEqual(plot.observed.map(({ ns }) => ns), [0, 500, 1000]);
});

test("what exists at a command, the largest first", () => {
  const plot = memoryPlot(MODEL);
  assert.deepEqual(spansAt(plot, 2).map(({ id }) => id), ["a", "b"]);
  assert.deepEqual(spansAt(plot, 3).map(({ id }) => id), ["b", "c"]);
  assert.equal(functionAt(plot, 3), "f");
});
