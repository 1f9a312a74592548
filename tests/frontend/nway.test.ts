import assert from "node:assert/strict";
import { test } from "node:test";
import { alignTexts } from "../../frontend/src/data/nway.ts";

const lines = (text: string) => text.split(" ");

/** What a reader sees: the texts with their gaps, a row each. */
function rows(texts: string[][]): string[] {
  const aligned = alignTexts(texts);
  return texts.map((text, i) => {
    const shown: string[] = [];
    for (let line = 0; line <= text.length; line++) {
      shown.push(...Array<string>(aligned.texts[i].gaps.get(line) ?? 0).fill("·"));
      if (line < text.length) shown.push(aligned.texts[i].changed.includes(line) ? text[line].toUpperCase() : text[line]);
    }
    return shown.join(" ");
  });
}

test("equal texts are level and unchanged", () => {
  assert.deepEqual(rows([lines("a b c"), lines("a b c"), lines("a b c")]), ["a b c", "a b c", "a b c"]);
  assert.deepEqual(alignTexts([lines("a b"), lines("a b")]).changes, []);
});

test("what one text lacks is a gap in it", () => {
  assert.deepEqual(rows([lines("a b c d"), lines("a d"), lines("a b x d")]), ["a B C d", "a · · d", "a b X d"]);
});

test("gaps at both ends, and changes by their first lines", () => {
  const texts = [lines("b c"), lines("a b c d e")];
  assert.deepEqual(rows(texts), ["· b c · ·", "A b c D E"]);
  assert.deepEqual(alignTexts(texts).changes, [[0, 0], [2, 3]]);
});

test("names of values are no difference", () => {
  const texts = [["%0 = x.y %a"], ["%7 = x.y %b"]];
  assert.deepEqual(alignTexts(texts).changes, []);
});

test("every text is as long as the others with its gaps", () => {
  const words = "abcdefgh";
  let seed = 7;
  const random = (n: number) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
  for (let round = 0; round < 200; round++) {
    const texts = Array.from({ length: 3 }, () => Array.from({ length: random(9) }, () => words[random(8)]));
    const aligned = alignTexts(texts);
    const heights = texts.map((text, i) => text.length + [...aligned.texts[i].gaps.values()].reduce((a, b) => a + b, 0));
    assert.equal(new Set(heights).size, 1, JSON.stringify(texts));
  }
});
