import assert from "node:assert/strict";
import { test } from "node:test";
import { Entities } from "../../frontend/src/data/entities.ts";
import {
  firstStages,
  instructionMix,
  matchLines,
  matchText,
  stagesOf,
  timesOf,
  type CodeText,
  type Kernel,
} from "../../frontend/src/data/executables.ts";
import { PATTERNS } from "../../frontend/src/data/languages.ts";
import { TOKEN_CLASSES, tokenKind } from "../../frontend/src/data/mlir.ts";
import type { StreamGraph } from "../../frontend/src/data/model_types.ts";
import type { Step, TimelineEvent } from "../../frontend/src/data/types.ts";

function code(llvm_lines: number[], locations: number[]): CodeText {
  return { text: llvm_lines.map((line) => `op ${line}`).join("\n"), llvm_lines, places: ["", "k.mlir:4:2", "k.mlir:6:2"], locations };
}

/** Two lines of LLVM IR; the second became two instructions. */
function kernel(): Kernel {
  return {
    entry_point: "e::k", executable: "e", function: "k", format: "elf", binary: "e", binary_bytes: 9,
    source_step: 0, lowered_step: 2, steps: [1, 2], source: "func.func @k()", lowered: "llvm.func @k()",
    layout: null, binding_access: ["ReadOnly"], spirv: null, absent: "",
    cpu: {
      llvm_ir: code([1, 2], [1, 2]), optimised: code([2], [2]), assembly: code([1, 2, 2, 0], [1, 2, 2, 0]),
      code_bytes: 12, stack_bytes: 0, spills: 0, reloads: 0, instructions: 4,
      classes: { load: 1, move: 3 }, mnemonics: {}, memory_operands: 0,
      vector_bits: 0, vector_registers: 0, general_registers: 1,
    },
  };
}

const steps = [0, 1, 2].map((i) => ({ i, name: `iree-codegen-p${i}`, phase: "executable", changed: i !== 1, composite: false }) as Step);

test("stages go from source to assembly, steps that changed nothing left out", () => {
  const stages = stagesOf(kernel(), steps);
  assert.deepEqual(stages.map(({ id }) => id), ["source", "step:2", "lowered", "llvm_ir", "optimised", "assembly"]);
  assert.equal(stages[1].label, "3 p2");
  assert.deepEqual(firstStages(stages, 3), ["source", "llvm_ir", "assembly"]);
  assert.deepEqual(firstStages(stages, 1), ["assembly"]);
  assert.equal(firstStages(stagesOf({ ...kernel(), cpu: null }, steps), 3).length, 3);
});

test("lines belong together through the LLVM IR, to the source only where it is located", () => {
  const one = kernel();
  const stages = stagesOf(one, steps);
  const matches = matchLines(one, false, "assembly", 2);
  assert.deepEqual([...matches], [["assembly", [2]], ["llvm_ir", [2]], ["optimised", [1]]]);
  assert.equal(matchText(matches, stages, "assembly"), "Line 2 of Assembly: 1 line of LLVM IR, 1 line of Optimised LLVM IR");
  assert.deepEqual(matchLines(one, true, "assembly", 2).get("source"), [6]);
  assert.deepEqual(matchLines(one, true, "source", 6).get("assembly"), [2, 3]);
  assert.equal(matchLines(one, false, "source", 6).size, 1);
  assert.match(matchText(matchLines(one, true, "assembly", 4), stages, "assembly"), /no known line/);
});

test("time and instructions are shares of all", () => {
  const event = (entry_point: string, length: number, x: number) =>
    ({ kind: "dispatch", entry_point, start_ns: 0, end_ns: length, workgroups: [x, 1, 1] }) as TimelineEvent;
  const times = timesOf([event("k", 30, 2), event("k", 30, 2), event("m", 40, 1), event("m", 0, 2)]);
  assert.deepEqual(times.get("k"), { count: 2, total_ns: 60, share: 0.6, workgroups: "2×1×1" });
  assert.equal(times.get("m")?.workgroups, "varies");
  assert.deepEqual(instructionMix(kernel()), [["move", 3, 0.75], ["load", 1, 0.25]]);
});

test("a kernel is linked to its commands and they to it", () => {
  const command = (index: number) => ({
    index, execution: 0, wave: index, kind: "dispatch", name: "k", executable: "e", entry_point: "k",
    workload: [], operands: [], reads: [], writes: [],
  });
  const stream: StreamGraph = { step: 0, executions: [], dispatches: [command(0), command(1)], others: [], edges: [], execution_edges: [], resources: [] };
  const entities = new Entities({ stream, allocation: null, barriers: null }, []);
  assert.deepEqual([...entities.related("kernel:e::k")].sort(), ["command:0", "command:1", "kernel:e::k"]);
  assert.ok(entities.related("command:1").has("kernel:e::k"));
  assert.deepEqual(entities.occurrence("kernel:e::k"), { entryPoint: "k", nth: 0, count: 2 });
});

test("each language's tokens are coloured by what they are", () => {
  const kinds = (language: keyof typeof PATTERNS, line: string) =>
    [...line.matchAll(PATTERNS[language])].map((match) => `${match[0].trim()}:${tokenKind(match)}`);
  assert.equal(TOKEN_CLASSES.length, 9);
  assert.deepEqual(kinds("llvm", "  %3 = load float, ptr %1, align 4 ; x"), ["%3:ssa", "load:op", "float:type", "ptr:type", "%1:ssa", "4:number", "; x:comment"]);
  assert.deepEqual(kinds("assembly", "\tvaddss\t-3520(%rdi,%r8,4), %xmm1"), ["vaddss:op", "-3520:number", "%rdi:type", "%r8:type", "4:number", "%xmm1:type"]);
  assert.deepEqual(kinds("assembly", ".LBB0_1:"), [".LBB0_1::symbol"]);
  assert.deepEqual(kinds("spirv", "%12 = OpLoad %float %11"), ["%12:ssa", "OpLoad:op", "%float:ssa", "%11:ssa"]);
});
