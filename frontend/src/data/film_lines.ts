/** What a frame of a film says: the lines that went and came, as many as fit. */
import type { FilmFrame, FilmLine } from "./film.ts";
import type { LineTexts } from "./line_texts.ts";

export interface FrameLines {
  gone: FilmLine[];
  come: FilmLine[];
  /** Lines that stay as they are, names of values aside. */
  same: number;
}

export function frameLines({ before, after }: FilmFrame): FrameLines {
  const gone = without(before, after);
  const come = without(after, before);
  return { gone, come, same: after.length - come.length };
}

/** The lines of `a` that have no counterpart in `b`. */
function without(a: readonly FilmLine[], b: readonly FilmLine[]): FilmLine[] {
  const counts = new Map<number, number>();
  for (const { plain } of b) counts.set(plain, (counts.get(plain) ?? 0) + 1);
  return a.filter(({ plain }) => {
    const left = (counts.get(plain) ?? 0) - 1;
    counts.set(plain, left);
    return left < 0;
  });
}

/** What the op is called in a frame: "linalg.matmul", or "vector.fma and 31 more". */
export function frameTitle(texts: LineTexts, lines: readonly FilmLine[]): string {
  const named = lines.find(({ plain }) => texts.nameOf(plain));
  if (!named) return "";
  const name = texts.nameOf(named.plain);
  return lines.length > 1 ? `${name} and ${lines.length - 1} more` : name;
}
