import assert from "node:assert/strict";
import { test } from "node:test";
import { Walk, type VmExecution } from "../../frontend/src/data/vm_execution.ts";

/** main (0) runs two instructions, calls 1, which runs two, and goes on. */
const CALL: VmExecution = {
  function: "main",
  device: "llvm-cpu",
  moments: [
    [0, 1, 0, { r0: "x" }, { "ref 0": "null" }],
    [0, 5, 0, { i0: "1" }, {}],
    [1, 1, 1, { r0: "y" }, {}],
    [1, 9, 1, { i10: "7", i2: "3" }, { "ref 0": "!hal.device" }],
    [0, 9, 0, { i1: "2" }, {}],
  ],
  end: "returned",
  error: "",
  results: ["42"],
  made_up: true,
};
const walk = new Walk(CALL);
const texts = (at: number) => walk.registers(at).map(({ name, text, fresh }) => `${name}=${text}${fresh ? "!" : ""}`);

test("registers belong to the function that runs", () => {
  assert.deepEqual(texts(1), ["%r0=x", "%i0=1!"]);
  assert.deepEqual(texts(3), ["%r0=y", "%i2=3!", "%i10=7!"]);
  assert.deepEqual(texts(4), ["%r0=x", "%i0=1", "%i1=2!"]);
  assert.deepEqual(walk.globals(2), [{ name: "ref 0", text: "null", fresh: false }]);
  assert.deepEqual(walk.globals(3), [{ name: "ref 0", text: "!hal.device", fresh: true }]);
});

test("over, out, to and the end", () => {
  assert.equal(walk.over(0), 1);
  assert.equal(walk.over(1), 4);
  assert.equal(walk.over(2), 3);
  assert.equal(walk.out(2), 4);
  assert.equal(walk.out(0), walk.end);
  assert.equal(walk.to(0, new Set(["1:9"])), 3);
  assert.equal(walk.to(3, new Set(["1:9"])), walk.end);
  assert.equal(walk.idAt(walk.end), null);
  assert.deepEqual(walk.stack(3), ["0:5", "1:9"]);
});

test("the next line passes instructions that come from nowhere", () => {
  const lines = new Map([["0:1", 4], ["0:5", 4], ["1:9", 7], ["0:9", 8]]);
  const lineOf = (id: string) => lines.get(id) ?? null;
  assert.equal(walk.nextLine(0, lineOf), 3);
  assert.equal(walk.nextLine(3, lineOf), 4);
  assert.equal(walk.nextLine(4, lineOf), walk.end);
});
