import assert from "node:assert/strict";
import { test } from "node:test";
import { barrierOfLine, lineOfBarrier, lineOfEntryPoint, symbolsOfDispatch } from "../../frontend/src/data/links.ts";
import { linesOf } from "../../frontend/src/data/mlir.ts";

const text = (...lines: string[]) => linesOf(lines.join("\n"));

test("a kernel's types have dispatch in their names and dispatch nothing", () => {
  const lines = text(
    "flow.executable private @e {",
    "  func.func @k(%arg0: !iree_tensor_ext.dispatch.tensor<readonly:tensor<4xf32>>) {",
    "    %0 = iree_tensor_ext.dispatch.tensor.load %arg0 : tensor<4xf32>",
    "}",
    "util.func public @main() {",
    "  %1 = flow.dispatch @e::@k(%a) : (tensor<4xf32>) -> tensor<4xf32>",
    "  %2 = flow.dispatch @e::@k(%1) : (tensor<4xf32>) -> tensor<4xf32>",
    "}",
  );
  assert.deepEqual([0, 1].map((nth) => lineOfEntryPoint(lines, "k", nth, 2)), [6, 7]);
  assert.deepEqual(symbolsOfDispatch(lines, 7), [{ symbol: "e", nth: 1 }, { symbol: "k", nth: 1 }]);
  assert.deepEqual(symbolsOfDispatch(lines, 3), []);
});

test("in HAL a dispatch names what was looked up before, in its own function", () => {
  const lines = text(
    "util.func private @apply() {",
    "  %id = hal.executable.lookup.function target(%exe : !hal.executable) function(@x::@elf::@k0) : !hal.function",
    "  hal.command_buffer.dispatch<%cmd : !hal.command_buffer> target(%exe : !hal.executable)[%id] workgroups([%c1])",
    "  hal.command_buffer.execution_barrier<%cmd : !hal.command_buffer> source(\"Dispatch\")",
    "  hal.command_buffer.dispatch<%cmd : !hal.command_buffer> target(%exe : !hal.executable)[%id] workgroups([%c1])",
    "}",
    "util.func private @other() {",
    "  %id = hal.executable.lookup.function target(%exe : !hal.executable) function(@x::@elf::@k1) : !hal.function",
    "  hal.command_buffer.dispatch<%cmd : !hal.command_buffer> target(%exe : !hal.executable)[%id] workgroups([%c1])",
    "  hal.command_buffer.execution_barrier<%cmd : !hal.command_buffer> source(\"Dispatch\")",
    "}",
  );
  assert.deepEqual([0, 1].map((nth) => lineOfEntryPoint(lines, "k0", nth, 2)), [3, 5]);
  assert.equal(lineOfEntryPoint(lines, "k1", 0, 1), 9);
  assert.equal(lineOfBarrier(lines, "other", 0, 1), 10);
  assert.equal(lineOfBarrier(lines, "apply", 0, 2), null, "not all of its barriers: another level");
  assert.deepEqual(barrierOfLine(lines, 4), { fn: "apply", nth: 0, count: 1 });
  assert.equal(barrierOfLine(lines, 3), null);
});

test("in VM names are read-only data", () => {
  const lines = text(
    'vm.rodata private @_utf8_k0_12 <alignment = 1> "k0"',
    "vm.import private @hal.command_buffer.execution_barrier(%command_buffer : !vm.ref<!hal.command_buffer>)",
    "vm.func private @apply() {",
    "  %name = vm.const.ref.rodata @_utf8_k0_12 : !vm.buffer",
    "  %2 = vm.call @hal.executable.lookup.function(%exe, %name) {nosideeffects} : (!vm.ref<!hal.executable>, !vm.buffer) -> i64",
    "  vm.call.variadic @hal.command_buffer.dispatch(%ref, %exe, %2, %c8, %c1, %c1, %zero, [], []) : ()",
    "  vm.call @hal.command_buffer.execution_barrier(%ref, %c1, %c2, %zero) : ()",
    "}",
  );
  assert.equal(lineOfEntryPoint(lines, "k0", 0, 1), 6);
  assert.deepEqual(symbolsOfDispatch(lines, 6), [{ symbol: "k0", nth: 0 }]);
  assert.equal(lineOfBarrier(lines, "apply", 0, 1), 7);
});
