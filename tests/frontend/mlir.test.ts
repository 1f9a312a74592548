import assert from "node:assert/strict";
import { test } from "node:test";
import {
  findDefinition,
  findSymbol,
  foldEnd,
  linesOf,
  longAttributes,
  parentLine,
  symbolsIn,
  tokenAt,
  tokenize,
  usePattern,
} from "../../frontend/src/data/mlir.ts";

const PROGRAM = `module {
  util.func public @mlp(%arg0: !hal.buffer_view, %arg1: i32) -> !hal.fence {
    %c0 = arith.constant 0 : index
    %5:2 = stream.resource.pack slices({
      [0, 1] = %c0
    }) : index, index
    %6 = stream.cmd.execute await(%5#1) => with(%c0 as %arg7: !stream.resource<external>{%c0}) {
      stream.cmd.dispatch @mlp_dispatch_0::@mlp_dispatch_0_matmul(%arg1 : i32) {
        ro %arg7[%c0 for %c0] : !stream.resource<external>{%c0}
      }
    } => !stream.timepoint
    cf.br ^bb1(%arg1 : i32)
  ^bb1(%7: i32):
    util.call @helper(%7) : (i32) -> ()
    util.return %6
  }
  util.func private @helper(%arg0: i32) {
    util.return %arg0
  }
}`;
const LINES = linesOf(PROGRAM);
const lineOf = (text: string): number =>
  PROGRAM.split("\n").findIndex((line) => line.includes(text)) + 1;

function kinds(line: string): string[] {
  return tokenize(line).map((token) => `${token.kind}:${line.slice(token.from, token.to)}`);
}

test("tokens of an op", () => {
  assert.deepEqual(kinds('  %5#1 = tensor.empty() {a = "x // y"} : tensor<8x?xf32> // why'), [
    "ssa:%5#1",
    "op:tensor.empty",
    "string:\"x // y\"",
    "type:tensor",
    "number:8x?x",
    "type:f32",
    "comment:// why",
  ]);
  assert.deepEqual(kinds("^bb1(%a: !hal.fence) #hal.device<@d> -1.5e-3 0xFF"), [
    "block:^bb1",
    "ssa:%a",
    "type:!hal.fence",
    "attribute:#hal.device",
    "symbol:@d",
    "number:-1.5e-3",
    "number:0xFF",
  ]);
  assert.equal(tokenAt("  %abc = x.y", 3)?.kind, "ssa");
  assert.equal(tokenAt("  %abc = x.y", 7), null);
});

test("regions fold to the line that closes them", () => {
  assert.equal(foldEnd(LINES, 1), LINES.count);
  assert.equal(foldEnd(LINES, 2), lineOf("util.func private") - 1, "over a block label");
  assert.equal(foldEnd(LINES, lineOf("cmd.dispatch")), lineOf("ro %arg7") + 1);
  assert.equal(foldEnd(LINES, 3), null);
});

test("the parent of a binding is its dispatch", () => {
  assert.equal(parentLine(LINES, lineOf("ro %arg7")), lineOf("cmd.dispatch"));
  assert.equal(parentLine(LINES, 1), null);
});

test("definitions: results, function, region and block arguments", () => {
  const definition = (text: string, name: string) =>
    findDefinition(LINES, lineOf(text), name)?.line ?? null;
  assert.equal(definition("[0, 1]", "%c0"), 3);
  assert.equal(definition("cmd.execute", "%5#1"), lineOf("%5:2"));
  assert.equal(definition("ro %arg7", "%arg7"), lineOf("as %arg7"));
  assert.equal(definition("cf.br", "%arg1"), 2);
  assert.equal(definition("util.call", "%7"), lineOf("^bb1(%7"));
  assert.equal(definition("util.call", "%nowhere"), null);
});

test("a name means what its own function says", () => {
  const private_ = lineOf("util.func private");
  assert.equal(findDefinition(LINES, private_ + 1, "%arg0")?.line, private_);
  assert.equal(findDefinition(LINES, private_ + 1, "%c0"), null, "defined in the other function");
  const { to } = findDefinition(LINES, 3, "%arg0")!;
  assert.ok(to < private_, "uses end with the function");
});

test("uses are whole names and their results", () => {
  const found = [..."%5 %5#0 %55 %5.x".matchAll(usePattern("%5#1"))].map((match) => match[0]);
  assert.deepEqual(found, ["%5", "%5#0"]);
});

test("symbols: definition and mentions", () => {
  assert.equal(findSymbol(LINES, "helper"), lineOf("util.func private"));
  assert.equal(findSymbol(LINES, "mlp"), 2);
  assert.equal(findSymbol(LINES, "mlp_dispatch_0"), null, "only dispatched here");
  assert.equal(findSymbol(linesOf("  hal.executable.export public @e ordinal(0)"), "e"), 1);
  assert.equal(findSymbol(linesOf("util.global private mutable @g : i32"), "g"), 1);
  assert.deepEqual(symbolsIn('x @a::@"b c"(@d-e)'), ["a", "b c", "d-e"]);
});

test("long attributes: only their insides, balanced", () => {
  const long = "+avx2,".repeat(40);
  const line = `target(#hal.executable.target<"llvm", {f = "${long}", n = 1 : i64}>) objects`;
  const [[from, to], ...others] = longAttributes(line);
  assert.deepEqual(others, []);
  assert.equal(line.slice(0, from), "target(#hal.executable.target<");
  assert.equal(line.slice(to), ">) objects");
  assert.deepEqual(longAttributes(line.replace(long, "x")), []);
  const string = `a = "${long}", b = "short"`;
  assert.deepEqual(longAttributes(string), [[5, 5 + long.length]]);
  assert.deepEqual(longAttributes(`#a<"${long}`), [], "not closed on this line");
  assert.deepEqual(longAttributes(`(${"%x, ".repeat(60)})`), [], "operands are not attributes");
});
