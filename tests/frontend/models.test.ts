import assert from "node:assert/strict";
import { test } from "node:test";
import { barrierList, fencesAt, hazardText, progressText } from "../../frontend/src/data/barrier_rows.ts";
import { byteMap, placeOf } from "../../frontend/src/data/byte_map.ts";
import { bufferDevice, executionDevice } from "../../frontend/src/data/devices.ts";
import { Entities } from "../../frontend/src/data/entities.ts";
import { criticalPath, showGraph } from "../../frontend/src/data/graph.ts";
import { inSlices, layoutGraph } from "../../frontend/src/data/graph_layout.ts";
import type { Barriers, Submission, Hazard, StreamGraph } from "../../frontend/src/data/model_types.ts";
import { boxAt, liveAt, packingOf } from "../../frontend/src/data/packing.ts";

function hazard(from: number, to: number): Hazard {
  return { kind: "RAW", from, to, resource: "main/%r", offset_bytes: 64, length_bytes: 64, exact: true };
}

/** A diamond 0 -> 1, 2 -> 3 in one execution, and a second execution with one command. */
function graph(): StreamGraph {
  const waves = [[0], [1, 2], [3]];
  const command = (index: number, execution: number, wave: number) => ({
    index, execution, wave, kind: "dispatch", name: `m_dispatch_${index}_k${index}`, executable: `e${index}`,
    entry_point: index === 2 ? "k1" : `k${index}`, workload: [], operands: [], reads: [], writes: [],
  });
  const execution = (index: number, list: number[][]) => ({
    index, function: "main", affinity: "", devices: [index ? "b" : "a"], once: false, awaits: ["%t"], after: [], waves: list, timepoint: "",
  });
  return {
    step: 7,
    executions: [execution(0, waves), execution(1, [[4]])],
    dispatches: [...waves.flatMap((wave, w) => wave.map((i) => command(i, 0, w))), command(4, 1, 0)],
    others: [],
    edges: [hazard(0, 1), hazard(0, 2), hazard(1, 3), hazard(2, 3), hazard(3, 4)],
    execution_edges: [[0, 1]],
    resources: [],
  };
}

function submission(index: number, kind: string, waits: string[], signals: string[], command_buffer: number): Submission {
  return { index, function: "f", kind, waits, signals, after: [], command_buffer, resource: "", size_bytes: null };
}

function buffers(missing: number[] = []): Barriers {
  const recorded = [0, 1, 2, 3].map((index) => ({
    index, kind: "dispatch", name: `m_dispatch_${index}_k${index}`, workgroups: [1, 1, 1], constants: [], bindings: [], accesses: [],
  }));
  const barrier = (position: number, guards: number[]) => ({
    position, source_stages: [], target_stages: [], guards, redundant: !guards.length,
  });
  return {
    step: 9, emitted: 3, needed: 2, redundant: 1,
    command_buffers: [{
      index: 0, function: "f", device: "a", reusable: true, straight: true, execution: 0, commands: recorded,
      barriers: [barrier(1, [0, 1]), barrier(3, [2, 3]), barrier(4, [])],
      hazards: [hazard(0, 1), hazard(0, 2), hazard(1, 3), hazard(2, 3)],
      missing, unproven: [], needed: 2, device_ns: [], concurrency: null,
    }],
    submissions: [
      submission(0, "alloca", ["%old"], ["%a"], -1),
      submission(1, "execute", ["%a"], ["%b"], 0),
      submission(2, "await", ["%b"], [], -1),
    ],
  };
}

test("groups close and open", () => {
  const count = (level: Parameters<typeof showGraph>[1], opened: string[] = []) =>
    showGraph(graph(), level, new Set(opened)).nodes.length;
  assert.equal(count("commands"), 5);
  assert.equal(count("waves"), 4);
  assert.equal(count("executions"), 2);
  assert.equal(count("functions"), 1);
  assert.equal(count("functions", ["function:main"]), 2);
  assert.equal(count("executions", ["execution:0"]), 4, "its waves are closed still");
  const waves = showGraph(graph(), "waves", new Set());
  assert.deepEqual(waves.edges.map(({ count: n }) => n), [2, 2, 1]);
  assert.deepEqual(waves.nodes.map(({ rank }) => rank), [0, 1, 2, 3]);
});

test("the critical path is the heaviest chain", () => {
  const shown = showGraph(graph(), "commands", new Set());
  const weights = [1, 1, 5, 1, 1];
  assert.deepEqual(criticalPath(shown, (node) => weights[node]), { path: [0, 2, 3, 4], weight: 8 });
});

test("a layout of 10,000 nodes overlaps nowhere and yields in between", async () => {
  const count = 10_000;
  const ranks = Array.from({ length: count }, (_, i) => Math.floor(i / 20));
  const edges = ranks.flatMap((rank, i) =>
    [i + 20, i + 20 + ((i * 7) % 20), i + 100].filter((to) => to < count && ranks[to] > rank).map((to) => ({ from: i, to })),
  );
  let yields = 0;
  const layout = await inSlices(layoutGraph({ ranks, edges, rankCount: 500 }), () => yields++);
  assert.ok(yields > 10);
  for (let rank = 0; rank < 500; rank++) {
    const row = [...layout.x.slice(rank * 20, rank * 20 + 20)].sort((a, b) => a - b);
    for (let i = 1; i < row.length; i++) assert.ok(row[i] - row[i - 1] > 1 - 1e-9);
  }
  assert.ok(Math.min(...layout.x) >= 0.5 - 1e-9 && Math.max(...layout.x) <= layout.width);
});

test("rows, arcs and what is outstanding", () => {
  const list = barrierList(buffers([3]));
  assert.deepEqual(
    list.rows.map(({ kind }) => kind),
    ["submission", "buffer", "command", "barrier", "command", "command", "barrier", "missing", "command", "barrier", "submission"],
  );
  assert.deepEqual(list.arcs.map(({ from, to }) => [from, to]), [[2, 4], [2, 5], [4, 8], [5, 8]]);
  assert.equal(list.arcs[0].guard, list.rowOf.get("barrier:0.0"));
  assert.ok(list.arcs[3].missing);
  assert.equal(hazardText(hazard(0, 1)), "RAW %r [64, 128) 0→1");
  assert.match(progressText(list, 5), /submission 2 of 3 · 3 commands issued · 2 hazards ahead/);
});

test("fences are signaled once what signals them has ended", () => {
  const list = barrierList(buffers());
  const at = (row: number) => fencesAt(list, row).map(({ name, signaled }) => `${name}${signaled ? "!" : ""}`);
  assert.deepEqual(at(0), ["%old!", "%a!", "%b"]);
  assert.deepEqual(at(3), ["%old!", "%a!", "%b"], "in the middle of the command buffer");
  assert.deepEqual(at(8), ["%old!", "%a!", "%b!"]);
});

test("bytes of resources that hazards are about lie side by side", () => {
  const [buffer] = buffers().command_buffers;
  const access = (resource: string, offset_bytes: number | null, length_bytes: number) => ({ resource, access: "wo", offset_bytes, length_bytes });
  const accesses = [access("main/%r", 0, 64), access("main/%r", 64, 36), access("%other", 0, 8)];
  const map = byteMap({ ...buffer, hazards: [hazard(0, 1)], commands: [{ ...buffer.commands[0], accesses }] });
  assert.deepEqual([...map.lanes.keys()], ["main/%r"]);
  assert.deepEqual(placeOf(map, access("main/%r", 50, 25)), [0.5, 0.75]);
  assert.deepEqual(placeOf(map, access("main/%r", null, 25)), [0, 1]);
  assert.equal(placeOf(map, access("%other", 0, 8)), null);
});

test("executions that wait for each other are joined", () => {
  const joined = (level: "commands" | "executions" | "functions") => showGraph(graph(), level, new Set()).waits;
  assert.deepEqual(joined("executions"), [{ from: 0, to: 1 }]);
  assert.deepEqual(joined("commands"), [{ from: 3, to: 4 }]);
  assert.deepEqual(joined("functions"), []);
});

test("counterparts: commands join recorded ones, barriers, slices and events", () => {
  const event = (entry_point: string) => ({
    name: "", kind: "dispatch", queue: "", worker: 0, start_ns: 0, end_ns: 1, workgroups: null, bytes: 0,
    executable: "", entry_point, locations: [], lanes: [], step: null,
  });
  const slice = { slab: 0, name: "%s", offset_bytes: 0, size_bytes: 4, requested_bytes: 4, start: 0, end: 1, defined_by: "m_dispatch_0_k0", last_used_by: "", uses: [0, 1], in_place: [] };
  const allocation = { step: 1, transient_bytes: 4, lower_bound_bytes: 4, by_lifetime: {}, slabs: [], slices: [slice], over_time: { commands: 0, peak_bytes: 0, functions: [], spans: [] }, observed: [] };
  const events = [event("k0"), event("k1"), event("k1"), event("k0"), event("k1"), event("k1")];
  const entities = new Entities({ stream: graph(), allocation, barriers: buffers() }, events);
  assert.deepEqual(
    [...entities.related("command:0")].sort(),
    ["barrier:0.0", "command:0", "event:0", "event:3", "kernel:e0::k0", "recorded:0.0", "slice:0"],
  );
  const ofEvent = entities.related("event:2");
  assert.ok(ofEvent.has("command:2"), "entry points that run twice are taken in turn");
  assert.ok(!ofEvent.has("command:1"));
  assert.deepEqual(entities.occurrence("recorded:0.2"), { entryPoint: "k1", nth: 1, count: 2 });
  assert.equal(entities.commandOf("k1", 1), "command:2");
  assert.equal(entities.commandOf("nobody", 0), null);
  assert.equal(entities.kernelOf("k1"), "kernel:e1::k1");
  assert.equal(entities.kernelOf("nobody"), null);
});

test("what is live, and what a click on a slab hits", () => {
  const slice = (offset: number, size: number, start: number, end: number) => ({
    slab: 0, name: `%${offset}`, offset_bytes: offset, size_bytes: size, requested_bytes: size, start, end,
    defined_by: "", last_used_by: "", uses: [], in_place: [],
  });
  const slab = { index: 0, function: "f", resource: "r", lifetime: "transient", scope: "transient", devices: ["a", "b"], packed: true, alignment_bytes: 64, size_bytes: 192, lower_bound_bytes: 128, waste_bytes: 64 };
  const slices = [slice(0, 64, 0, 1), slice(64, 64, 1, 2), { ...slice(0, 0, 2, 4), offset_bytes: null }];
  const packing = packingOf({ slices }, slab);
  assert.deepEqual([...packing.live], [64, 128, 64, 0, 0]);
  assert.deepEqual([packing.peak, packing.extent, packing.dynamic, packing.steps], [128, 192, 1, 5]);
  assert.deepEqual(liveAt(packing, 1).map((box) => box.slice), [0, 1]);
  assert.equal(boxAt(packing, 2, 70)?.slice, 1);
  assert.equal(boxAt(packing, 0, 70), null);
});

test("programs of several devices say which, others do not", () => {
  const several = graph();
  assert.equal(executionDevice(several, 1), "@b");
  assert.deepEqual(showGraph(several, "executions", new Set()).nodes.map((node) => node.label), ["execution 0 · on @a · 3 waves", "execution 1 · on @b · 1 waves"]);
  const one = { ...several, executions: several.executions.map((each) => ({ ...each, devices: ["a"] })) };
  assert.equal(executionDevice(one, 1), "");
  const [buffer] = buffers().command_buffers;
  const two = { ...buffers(), command_buffers: [buffer, { ...buffer, index: 1, device: "b" }] };
  assert.equal(bufferDevice(two, 1), "@b");
  assert.equal(bufferDevice(buffers(), 0), "");
});
