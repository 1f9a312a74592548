import assert from "node:assert/strict";
import { test } from "node:test";
import { diffLines, normalizeNames, splitLines } from "../../frontend/src/data/linediff.ts";
import type { LineChange } from "../../frontend/src/data/linediff.ts";

/** Rebuilds b from a and the changes: right only if everything between them is equal. */
function patched(a: string[], b: string[], changes: LineChange[]): string[] {
  const result: string[] = [];
  let at = 0;
  for (const { fromA, toA, fromB, toB } of changes) {
    result.push(...a.slice(at, fromA), ...b.slice(fromB, toB));
    at = toA;
  }
  return [...result, ...a.slice(at)];
}

/** Length of a longest common subsequence, the slow and certain way. */
function commonLength(a: string[], b: string[]): number {
  const table = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = 1; i <= a.length; i++)
    for (let j = 1; j <= b.length; j++)
      table[i][j] =
        a[i - 1] === b[j - 1]
          ? table[i - 1][j - 1] + 1
          : Math.max(table[i - 1][j], table[i][j - 1]);
  return table[a.length][b.length];
}

function randomLines(seed: number, count: number, words: number): string[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return `line ${(state >> 8) % words}`;
  });
}

test("equal texts have no changes", () => {
  assert.deepEqual(diffLines(["a", "b"], ["a", "b"]), []);
  assert.deepEqual(diffLines([], []), []);
});

test("an inserted line is one change", () => {
  const changes = diffLines(["a", "c"], ["a", "b", "c"]);
  assert.deepEqual(changes, [{ fromA: 1, toA: 1, fromB: 1, toB: 2 }]);
});

test("an inserted op that renumbers the rest is still one change", () => {
  const before = ["func {", "  %0 = a.x", "  %1 = a.y %0", "  %2 = a.z %1", "}"];
  const after = ["func {", "  %0 = a.new", "  %1 = a.x", "  %2 = a.y %1", "  %3 = a.z %2", "}"];
  assert.deepEqual(diffLines(before, after, { ignoreNames: true }), [
    { fromA: 1, toA: 1, fromB: 1, toB: 2 },
  ]);
  assert.ok(diffLines(before, after).length > 0);
  const marked = diffLines(before, after).reduce((sum, c) => sum + c.toB - c.fromB, 0);
  assert.equal(marked, 4, "without normalisation all renumbered lines differ");
});

test("names are blanked, other words are not", () => {
  assert.equal(normalizeNames("  %5:2 = a.b %arg0, %5#1 : i32"), "  %:2 = a.b %, % : i32");
  assert.equal(normalizeNames("^bb12(%a: i32):"), "%(%: i32):");
  assert.notEqual(normalizeNames("call @f1"), normalizeNames("call @f2"));
});

test("random texts: changes rebuild the second from the first, in order", () => {
  for (let seed = 1; seed < 120; seed++) {
    const a = randomLines(seed, 5 + (seed % 60), 2 + (seed % 23));
    const b = randomLines(seed * 7, 5 + ((seed * 3) % 60), 2 + (seed % 23));
    const changes = diffLines(a, b);
    assert.deepEqual(patched(a, b, changes), b, `seed ${seed}`);
    for (let i = 1; i < changes.length; i++)
      assert.ok(changes[i].fromA > changes[i - 1].toA || changes[i].fromB > changes[i - 1].toB);
  }
});

test("without unique lines the diff is shortest", () => {
  for (let seed = 1; seed < 40; seed++) {
    const a = randomLines(seed, 30, 2);
    const b = randomLines(seed + 99, 30, 2);
    const kept = diffLines(a, b).reduce((sum, c) => sum - (c.toA - c.fromA), a.length);
    assert.equal(kept, commonLength(a, b), `seed ${seed}`);
  }
});

test("a hopeless region becomes one change instead of taking forever", () => {
  const a = randomLines(1, 3000, 2).map((line) => `a ${line}`);
  const b = randomLines(2, 3000, 2).map((line) => `b ${line}`);
  assert.deepEqual(diffLines(a, b, { maxDistance: 50 }), [
    { fromA: 0, toA: 3000, fromB: 0, toB: 3000 },
  ]);
});

test("line starts are offsets into the text", () => {
  const { text, start } = splitLines("ab\n\nc");
  assert.deepEqual(text, ["ab", "", "c"]);
  assert.deepEqual(start, [0, 3, 4, 6]);
});
