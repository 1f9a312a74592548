import assert from "node:assert/strict";
import { test } from "node:test";
import { boundaryAt, compileDraft, fitted, jobShare, jobText, runDraft, type LiveState } from "../../frontend/src/data/live.ts";
import { Models } from "../../frontend/src/data/models.ts";
import { differenceText, formatNumber } from "../../frontend/src/view/outputs_view.ts";

const state: LiveState = {
  compilations: [
    { number: 1, label: "shown first", target: "vulkan:0", pipeline: "lab", until: "vm", flags: ["--a=b", "--c=d e"], seconds: 1, steps: 9, state: "ready" },
  ],
  compilation: 1,
  programs: [{ number: 4, label: "as compiled" }],
  functions: [
    { name: "f", arguments: [{ name: "x", type: "tensor<4xf32>" }] },
    { name: "g", arguments: [{ name: "a", type: "i32" }, { name: "b", type: "i32" }] },
  ],
  runs: [],
  run: 0,
  boundaries: { flow: 10, "annotate-dispatches": 10, stream: 20 },
  options: null,
  problem: null,
};
const run = { number: 1, program: 4, compilation: 1, function: "g", device: "vulkan:1", seconds: 1, calls: 7, profiled: false, inputs: ["3", "run 1"] };

test("a form is filled with the run that is shown, or with a first one", () => {
  assert.deepEqual(runDraft(state), { program: 4, function: "f", inputs: [""], device: "vulkan", repeat: 1, profile: true });
  const shown = runDraft({ ...state, runs: [run], run: 1 });
  assert.deepEqual(shown, { program: 4, function: "g", inputs: ["3", "run 1"], device: "vulkan:1", repeat: 7, profile: false });
});

test("after a compilation a form names only what there is", () => {
  const draft = { program: 1, function: "gone", inputs: ["1", "2"], device: "null", repeat: 2, profile: true };
  const now = fitted(draft, state);
  assert.deepEqual([now.program, now.function, now.inputs, now.repeat], [4, "f", [""], 2]);
  assert.equal(fitted(draft, { ...state, programs: [], functions: [] }).function, "");
});

test("flags are written as a shell reads them", () => {
  assert.equal(compileDraft(state).flags, "--a=b '--c=d e'");
});

test("a step is a boundary, or lies before one", () => {
  assert.deepEqual(boundaryAt(state.boundaries, 10), { name: "flow", step: 10, exact: true });
  assert.deepEqual(boundaryAt(state.boundaries, 11), { name: "stream", step: 20, exact: false });
  assert.equal(boundaryAt(state.boundaries, 21), null);
});

test("a job says how far it is", () => {
  const job = { kind: "compile", title: "compiling m", unit: "step", count: 3, total: 9, now: "cse" } as const;
  assert.equal(jobText(job), "compiling m · step 3 of 9 · cse");
  assert.equal(jobText({ ...job, count: 12, stopping: true }), "stopping compiling m · step 12 · cse");
  assert.equal(jobShare(job), 1 / 3);
  assert.equal(jobShare({ ...job, count: 12 }), null);
});

test("differences in words", () => {
  const found = { run: 1, why: "", count: 8, different: 0, absolute: 0, relative: 0 };
  assert.equal(differenceText(found), "Equal to run 1");
  assert.match(differenceText({ ...found, different: 2, absolute: 0.5, relative: 0.25 }), /^2 of 8 differ from run 1, at most 0.5 \(relative 0.25\)$/);
  assert.match(differenceText({ ...found, why: "4xf32 before" }), /4xf32 before/);
  assert.deepEqual([0, 3, -0.1234567, 1e-9, 1.5e12].map(formatNumber), ["0", "3", "-0.12346", "1e-9", "1.5e+12"]);
});

test("models of a run are asked for again", async () => {
  const asked: string[] = [];
  const gzip = async (text: string) => new Uint8Array(await new Response(new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer());
  const models = new Models((name) => (asked.push(name), gzip("{}")));
  for (const name of ["vm", "execution/f", "stream"]) await models.get(name);
  models.forget("vm", "execution");
  for (const name of ["vm", "execution/f", "stream"]) await models.get(name);
  assert.deepEqual(asked, ["vm", "execution/f", "stream", "vm", "execution/f"]);
});
