/** Several texts side by side: which lines differ, and the gaps that put equal lines level. Pure. */
import { diffLines } from "./linediff.ts";

export interface AlignedText {
  /** Line (from 0; the text's length: after the last) -> empty lines to show before it. */
  gaps: Map<number, number>;
  /** Lines (from 0) that differ: of the first text from any other, of the others from the first. */
  changed: number[];
}

export interface Alignment {
  texts: AlignedText[];
  /** Per stretch that differs, its first line (from 0) in every text. */
  changes: number[][];
}

/** Aligns further texts with the first: a line is level where every text has it. */
export function alignTexts(texts: readonly (readonly string[])[]): Alignment {
  const [first, ...others] = texts;
  const matched = others.map((other) => matches(first, other));
  const aligned: AlignedText[] = texts.map(() => ({ gaps: new Map<number, number>(), changed: [] }));
  const changes: number[][] = [];
  const from = texts.map(() => 0);
  for (let line = 0; line <= first.length; line++) {
    const to = [line, ...matched.map((of, i) => (line < first.length ? of[line] : others[i].length))];
    if (to.includes(-1)) continue; // some text lacks this line
    closeStretch(from, to, aligned, changes, matched);
    to.forEach((at, i) => (from[i] = at + 1));
  }
  return { texts: aligned, changes };
}

/** The lines between two level ones: shorter texts get a gap at the end. */
function closeStretch(
  from: readonly number[],
  to: readonly number[],
  aligned: AlignedText[],
  changes: number[][],
  matched: readonly Int32Array[],
): void {
  const longest = Math.max(...to.map((end, i) => end - from[i]));
  if (!longest) return;
  changes.push([...from]);
  to.forEach((end, i) => {
    const known = i ? new Set(matched[i - 1].subarray(from[0], to[0])) : new Set<number>();
    for (let line = from[i]; line < end; line++) if (!known.has(line)) aligned[i].changed.push(line);
    const short = longest - (end - from[i]);
    if (short) aligned[i].gaps.set(end, short);
  });
}

/** Per line of `a` the line of `b` that is the same, or -1. */
function matches(a: readonly string[], b: readonly string[]): Int32Array {
  const found = new Int32Array(a.length).fill(-1);
  let [i, j] = [0, 0];
  const level = (end: number) => {
    for (; i < end; i++, j++) found[i] = j;
  };
  for (const change of diffLines(a, b, { ignoreNames: true })) {
    level(change.fromA);
    [i, j] = [change.toA, change.toB];
  }
  level(a.length);
  return found;
}
