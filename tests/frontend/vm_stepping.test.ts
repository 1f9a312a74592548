import assert from "node:assert/strict";
import { test } from "node:test";
import {
  breakpointIds,
  elementRows,
  nowOf,
  pageText,
  registerName,
  statusText,
  steppedCall,
  type OpenedValue,
  type SteppedCall,
} from "../../frontend/src/data/vm_stepping.ts";

const call: SteppedCall = {
  session: "a",
  function: "main", device: "null", inputs: "made-up inputs", why: "stepped", error: "", kind: "", steps: 1,
  frames: [
    { ordinal: 1, function: "main", pc: 16, registers: [] },
    { ordinal: 0, function: "callee", pc: 1, registers: [] },
  ],
  depth: 2, globals: [], waits: [], results: [], opened: [],
  breakpoints: [{ text: "hal.fence.await", ids: ["1:16", "0:9"] }, { text: "8", ids: ["1:16"] }],
};
const opened: OpenedValue = {
  name: "%r0", as: "", choices: ["f32"], error: "", note: "", type: "f32", count: 1000, offset: 128, page: 6,
  texts: ["1", "2", "3", "4", "5", "6"], changed: [0, 5],
};

test("a call stands in its innermost function, and nowhere once it has returned", () => {
  assert.equal(steppedCall({}), null);
  assert.equal(nowOf(steppedCall(call)), "0:1");
  assert.equal(nowOf({ ...call, frames: [] }), null);
  assert.deepEqual([registerName("r0", 0), registerName("r0", 2)], ["%r0", "^^%r0"]);
});

test("breakpoints are instructions, each once", () => {
  assert.deepEqual([...breakpointIds(call)], ["1:16", "0:9"]);
  assert.equal(breakpointIds(null).size, 0);
});

test("why it stopped, in words", () => {
  assert.equal(statusText(call), "stepped · 1 instruction");
  assert.equal(statusText({ ...call, why: "breakpoint @main 0x10", steps: 20 }), "at breakpoint @main 0x10 · 20 instructions");
  assert.equal(statusText({ ...call, why: "started", steps: 0 }), "before the first instruction");
});

test("elements stand in rows of four, bytes of eight", () => {
  const rows = elementRows(opened);
  assert.deepEqual(rows.map(({ index, cells }) => [index, cells.length]), [[128, 4], [132, 2]]);
  assert.deepEqual(rows.flatMap(({ cells }) => cells).filter(({ changed }) => changed).map(({ text }) => text), ["1", "6"]);
  assert.equal(elementRows({ ...opened, type: "bytes" }).length, 1);
  assert.equal(pageText(opened), "128 to 133 of 1,000");
  assert.equal(pageText({ ...opened, count: 6, offset: 0 }), "");
});
