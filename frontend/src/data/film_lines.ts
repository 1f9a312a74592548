/** What a frame of a film says: the lines that went and came, as many as fit. */
import { nameless, opName, type FilmFrame, type FilmLine } from "./film.ts";

export interface FrameText {
  gone: string[];
  come: string[];
  /** Lines that stay as they are, names of values aside. */
  same: number;
}

export function frameText({ before, after }: FilmFrame): FrameText {
  const gone = without(before, after);
  const come = without(after, before);
  return { gone, come, same: after.length - come.length };
}

/** The lines of `a` that have no counterpart in `b`. */
function without(a: readonly FilmLine[], b: readonly FilmLine[]): string[] {
  const counts = new Map<string, number>();
  for (const { text } of b) count(counts, nameless(text.trim()), 1);
  return a.filter(({ text }) => count(counts, nameless(text.trim()), -1) < 0).map(({ text }) => text.trim());
}

function count(counts: Map<string, number>, key: string, by: number): number {
  const now = (counts.get(key) ?? 0) + by;
  counts.set(key, now);
  return now;
}

/** What the op is called in a frame: "linalg.matmul", or "vector.fma and 31 more". */
export function frameTitle(lines: readonly FilmLine[]): string {
  const names = [...new Set(lines.map(({ text }) => opName(text)).filter(Boolean))];
  if (!names.length) return "";
  const first = names[0] ?? "";
  return lines.length > 1 ? `${first} and ${lines.length - 1} more` : first;
}
