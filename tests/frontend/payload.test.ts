import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { eventOfLine, eventsOfLine, lineOfEvent } from "../../frontend/src/data/links.ts";
import { linesOf } from "../../frontend/src/data/mlir.ts";
import { decodeIndex, readIndex, TextStore } from "../../frontend/src/data/payload.ts";
import { readSelection } from "../../frontend/src/state.ts";

const gzip = (value: unknown) => new Uint8Array(gzipSync(JSON.stringify(value)));

test("an index is read, and what is missing has a default", async () => {
  const index = await decodeIndex(gzip({ schema: 1, name: "m", steps: [{ name: "cse", after: 3 }] }));
  assert.equal(index.state, "ready");
  assert.equal(index.steps[0].before, 3, "without a text before: unchanged");
  assert.deepEqual(index.steps[0].scope, []);
  assert.equal(index.run, null);
});

test("another schema and damaged data are refused with a reason", async () => {
  assert.throws(() => readIndex({ schema: 2 }), /schema 1, and got schema 2/);
  await assert.rejects(decodeIndex(new Uint8Array([1, 2, 3])), /damaged/);
});

test("texts are composed from shared nodes, children further in", async () => {
  const chunks = ["module {\n", "}\n", "func @é {\n  ret\n}\n", "plain\n"];
  const sizes = chunks.map((chunk) => Buffer.byteLength(chunk));
  const chunk_offsets = [0];
  for (const size of sizes) chunk_offsets.push(chunk_offsets[chunk_offsets.length - 1] + size);
  const nodes = [
    [2, -1],
    [0, 1, 0, 0],
    [0, 1, 1],
    [3, -1],
  ];
  const store = new TextStore(
    { nodes, chunk_offsets },
    new Uint8Array(gzipSync(chunks.join(""))),
  );
  assert.equal(await store.text(0), "func @é {\n  ret\n}\n");
  const child = "  func @é {\n    ret\n  }\n";
  assert.equal(await store.text(1), `module {\n${child}${child}}\n`);
  assert.equal((await store.text(2)).split("\n")[2], "    func @é {");
  assert.equal(await store.text(1), `module {\n${child}${child}}\n`, "again, from memory");
  await assert.rejects(store.text(9), /no text 9/);
});

test("cut off or damaged texts are refused with a reason", async () => {
  const short = new TextStore(
    { nodes: [[0, -1]], chunk_offsets: [0, 99] },
    new Uint8Array(gzipSync("x")),
  );
  await assert.rejects(short.text(0), /cut off/);
  const broken = new TextStore({ nodes: [[0, -1]], chunk_offsets: [0, 1] }, new Uint8Array([9]));
  await assert.rejects(broken.text(0), /cannot be inflated/);
});

test("an event's line is where it is dispatched", () => {
  const lines = linesOf(
    [
      "hal.executable @x_dispatch_0 {",
      "  export @x_dispatch_0_matmul",
      "}",
      "stream.cmd.dispatch @x_dispatch_0::@x_dispatch_0_matmul {",
      "  ro %a",
      "}",
      "other @x_dispatch_0_matmul_2",
    ].join("\n"),
  );
  const run = { timeline: [{ entry_point: "x_dispatch_0_matmul", executable: "x_dispatch_0" }, {}] };
  const { timeline } = readIndex({ schema: 1, run }).run!;
  assert.equal(lineOfEvent(lines, timeline[0]), 4);
  assert.equal(lineOfEvent(lines, timeline[1]), null);
  assert.equal(lineOfEvent(linesOf("hal.executable @x_dispatch_0 {"), timeline[0]), 1);
  assert.deepEqual(eventsOfLine(lines, 4, timeline), [0]);
  assert.deepEqual(eventsOfLine(lines, 5, timeline), [0], "a binding belongs to its dispatch");
  assert.deepEqual(eventsOfLine(lines, 7, timeline), []);
});

test("an entry point dispatched on several lines: its events take them in turn", () => {
  const lines = linesOf("stream.cmd.dispatch @e::@k\nother\nstream.cmd.dispatch @e::@k {\n  ro %a\n}");
  const { timeline } = readIndex({
    schema: 1,
    run: { timeline: Array.from({ length: 4 }, () => ({ entry_point: "k", executable: "e" })) },
  }).run!;
  const all = [0, 1, 2, 3];
  assert.deepEqual(
    all.map((i) => lineOfEvent(lines, timeline[i], i, 4)),
    [1, 3, 1, 3],
  );
  assert.equal(lineOfEvent(lines, timeline[1], 1, 3), 1, "not in turn: the first will do");
  assert.equal(eventOfLine(lines, 3, "k", all), 1);
  assert.equal(eventOfLine(lines, 4, "k", all), 1, "a binding belongs to its dispatch");
  assert.equal(eventOfLine(lines, 1, "k", all), 0);
});

test("a stale selection selects nothing", () => {
  assert.deepEqual(readSelection({ step: 7, item: "nonsense", line: 0, view: "x" }, 5), {
    step: null,
    line: null,
    view: "ir",
    item: null,
  });
  assert.equal(readSelection({ step: 4, view: "diff" }, 5).view, "diff");
  assert.equal(readSelection({ item: "slice:3" }, 5).item, "slice:3");
  assert.equal(readSelection(undefined, 5).step, null);
});
