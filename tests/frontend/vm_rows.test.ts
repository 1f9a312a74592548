import assert from "node:assert/strict";
import { test } from "node:test";
import { Entities } from "../../frontend/src/data/entities.ts";
import type { StreamGraph } from "../../frontend/src/data/model_types.ts";
import type { TimelineEvent } from "../../frontend/src/data/types.ts";
import {
  findRow,
  lineOfPlace,
  shortPlace,
  sideSections,
  vmRows,
  type VmInstruction,
  type VmListing,
} from "../../frontend/src/data/vm_rows.ts";

function instruction(id: string, text: string, more: Partial<VmInstruction> = {}): VmInstruction {
  const pc = Number(id.split(":")[1]);
  return { id, pc, text, location: "", mnemonic: "op", import_name: "", calls: "", rodata: [], globals: [], entry_point: "", events: [], ...more };
}

function listing(): VmListing {
  return {
    name: "m",
    exports: { main: 1 },
    imports: [{ ordinal: 0, name: "hal.x", signature: "() -> ()", optional: true, calls: 2 }],
    globals: [{ slot: "ref 0", uses: ["1:5"] }],
    rodata: [{ ordinal: 0, size_bytes: 2048, preview: "`a`", uses: [] }],
    functions: [
      {
        ordinal: 0, name: "record", exported: false, parameters: ["r0"],
        instructions: [
          instruction("0:0", "^bb0:", { mnemonic: "" }),
          instruction("0:1", "vm.call @hal.x", { import_name: "hal.x", entry_point: "k", events: [1] }),
          instruction("0:9", "vm.call @hal.x", { import_name: "hal.x", entry_point: "k" }),
        ],
      },
      { ordinal: 1, name: "main", exported: true, parameters: [], instructions: [instruction("1:5", "vm.global.load.ref 0")] },
    ],
    linked_events: 1,
  };
}

test("rows: functions with their instructions, or only those that call", () => {
  const rows = vmRows(listing(), false);
  assert.equal(rows.length, 6);
  assert.equal(vmRows(listing(), true).length, 4);
  assert.equal(findRow(rows, "GLOBAL ref", 0), 5);
  assert.equal(findRow(rows, "hal.x k", 3), 3);
  assert.equal(findRow(rows, "hal.x k", 4), 2, "around");
  assert.equal(findRow(rows, "nowhere", 0), -1);
});

test("what a module has, and who uses it", () => {
  const sections = sideSections(listing());
  assert.deepEqual(sections.map(({ title, items }) => [title, items.map(({ uses }) => uses)]), [
    ["Exports", [["1:5"]]],
    ["Imports", [["0:1", "0:9"]]],
    ["Globals", [["1:5"]]],
    ["Read-only data", [[]]],
  ]);
  assert.match(sections[1].items[0].title, /optional/);
});

test("places of instructions", () => {
  assert.equal(shortPlace("/home/me/mlp.mlir:8:1"), "mlp.mlir:8:1");
  assert.equal(shortPlace("mlp.mlir:0:0"), "");
  assert.equal(lineOfPlace("a.mlir:8:1"), 8);
  assert.equal(lineOfPlace("a.mlir:0:0"), null);
});

test("instructions are linked to the commands they dispatch and the events they caused", () => {
  const command = (index: number) => ({
    index, execution: 0, wave: index, kind: "dispatch", name: "k", executable: "e", entry_point: "k",
    workload: [], operands: [], reads: [], writes: [],
  });
  const stream: StreamGraph = { step: 0, executions: [], dispatches: [command(0), command(1)], others: [], edges: [], execution_edges: [], resources: [] };
  const events = [{ kind: "submit", entry_point: "" }, { kind: "dispatch", entry_point: "k" }] as TimelineEvent[];
  const entities = new Entities({ stream, allocation: null, barriers: null, vm: listing() }, events);
  assert.ok(entities.related("instruction:0:9").has("command:1"), "the second dispatch of the kernel");
  assert.ok(!entities.related("instruction:0:9").has("command:0"));
  assert.deepEqual([...entities.related("instruction:0:1")].sort(), ["command:0", "event:1", "instruction:0:1", "kernel:e::k"]);
  assert.ok(entities.related("event:1").has("instruction:0:1"));
});
