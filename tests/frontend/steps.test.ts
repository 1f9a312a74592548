import assert from "node:assert/strict";
import { test } from "node:test";
import {
  formatBytes,
  formatDeltaTotals,
  formatNs,
  formatSeconds,
} from "../../frontend/src/data/format.ts";
import {
  buildRows,
  executableOf,
  findStepRow,
  splitName,
  symbolOf,
} from "../../frontend/src/data/steps.ts";
import { opCounts, sparkline } from "../../frontend/src/data/op_counts.ts";
import type { Step } from "../../frontend/src/data/types.ts";

let count = 0;
function step(name: string, phase: string, given: Partial<Step> = {}): Step {
  return {
    i: count++,
    name,
    phase,
    scope: ["builtin.module"],
    seconds: 0.001,
    changed: false,
    composite: false,
    delta: {},
    statistics: [],
    before: 0,
    after: 0,
    module: 0,
    ...given,
  };
}

const EXECUTABLE = ["builtin.module", "hal.executable @mlp_dispatch_0", "func.func @kernel"];
const STEPS = [
  step("iree-vm-conversion", "vm", { changed: true, delta: { vm: 9, hal: -4 } }),
  step("canonicalize", "flow", { scope: ["builtin.module", "util.func @mlp"] }),
  step("iree-codegen-tile", "executable", { scope: EXECUTABLE, changed: true }),
  step("iree-flow-outline", "flow", { changed: true, delta: { flow: 2 } }),
];
const keys = (options: Partial<Parameters<typeof buildRows>[1]>) =>
  buildRows(STEPS, { filter: "", changedOnly: false, toggled: new Set(), ...options }).map(
    (row) => row.key,
  );

test("phases in IREE's order, steps in theirs, executables closed", () => {
  assert.deepEqual(keys({}), [
    "source",
    "phase:flow",
    "step:1",
    "step:3",
    "phase:executable",
    "executable:executable:mlp_dispatch_0",
    "phase:vm",
    "step:0",
  ]);
});

test("groups open and close", () => {
  const toggled = new Set(["phase:flow", "executable:executable:mlp_dispatch_0"]);
  assert.ok(keys({ toggled }).includes("step:2"));
  assert.ok(!keys({ toggled }).includes("step:1"));
});

test("a filter finds names, dialects and symbols, in closed groups too", () => {
  const found = (filter: string) => keys({ filter }).filter((key) => key.startsWith("step:"));
  assert.deepEqual(found("OUTLINE"), ["step:3"]);
  assert.deepEqual(found("hal"), ["step:2", "step:0"], "an executable's scope, a changed dialect");
  assert.deepEqual(found("@mlp_dispatch tile"), ["step:2"]);
  assert.deepEqual(found("nothing-like-it"), []);
});

test("only changed steps", () => {
  assert.ok(!keys({ changedOnly: true }).includes("step:1"));
  assert.ok(keys({ changedOnly: true }).includes("step:3"));
});

test("stepping skips groups, and unchanged steps when asked", () => {
  const rows = buildRows(STEPS, { filter: "", changedOnly: false, toggled: new Set() });
  assert.equal(findStepRow(rows, 0, 1), 2);
  assert.equal(findStepRow(rows, 0, 1, true), 3);
  assert.equal(findStepRow(rows, 3, 1), 7);
  assert.equal(findStepRow(rows, 7, 1), -1);
});

test("names lose what their group says", () => {
  assert.deepEqual(splitName(STEPS[0]), ["iree-vm-", "conversion"]);
  assert.deepEqual(splitName(STEPS[1]), ["", "canonicalize"]);
  assert.deepEqual(splitName(STEPS[2]), ["iree-codegen-", "tile"]);
  assert.deepEqual(splitName(step("iree-hal-x", "stream")), ["iree-", "hal-x"]);
  assert.equal(executableOf(STEPS[2]), "mlp_dispatch_0");
  assert.equal(symbolOf(STEPS[2]), "@kernel");
});

test("numbers have three digits and a unit", () => {
  const plain = (text: string) => text.replaceAll("\u00a0", " ");
  assert.equal(plain(formatNs(999.4)), "999 ns");
  assert.equal(plain(formatNs(999.6)), "1.00 µs");
  assert.equal(plain(formatNs(12_345)), "12.3 µs");
  assert.equal(plain(formatSeconds(0.4124)), "412 ms");
  assert.equal(plain(formatSeconds(0)), "0 s");
  assert.equal(plain(formatBytes(320)), "320 B");
  assert.equal(plain(formatBytes(4416)), "4.31 KiB");
  assert.equal(formatDeltaTotals({ a: 2, b: -3, c: 1 }), "+3 −3");
  assert.equal(formatDeltaTotals({}), "");
});

test("op counts add up what single steps changed", () => {
  const counted = (composite: boolean, delta: Record<string, number>) =>
    ({ composite, delta }) as unknown as Step;
  const counts = opCounts([counted(false, { flow: 3, arith: -1 }), counted(true, { flow: 2 }), counted(false, { hal: -5 })]);
  assert.deepEqual([...counts], [2, 2, -3]);
  assert.equal(sparkline(Float64Array.from([0, 10]), 2, 12), "0,11.0 1,1.0");
  assert.equal(sparkline(Float64Array.from([4, 4]), 1, 12).split(" ").length, 2);
});
