/** Which line of a text shows a timeline event, and which events a line starts. */
import { indentOf, parentLine, symbolsIn, type LineSource, type TextLines } from "./mlir.ts";
import type { TimelineEvent } from "./types.ts";

const DISPATCH = /\bdispatch\b/;

/**
 * The line that mentions the event's entry point; one that dispatches it wins over one that
 * declares it. Without an entry point in the text, its executable will do. Null otherwise.
 */
export function lineOfEvent(lines: TextLines, event: TimelineEvent): number | null {
  return lineOfSymbol(lines, event.entry_point) ?? lineOfSymbol(lines, event.executable);
}

function lineOfSymbol(lines: TextLines, symbol: string): number | null {
  if (!symbol || !lines.text.includes(symbol)) return null;
  let first: number | null = null;
  for (let n = 1; n <= lines.count; n++) {
    const line = lines.line(n);
    if (!line.includes(symbol) || !symbolsIn(line).includes(symbol)) continue;
    if (DISPATCH.test(line)) return n;
    first ??= n;
  }
  return first;
}

/**
 * Indices of the events that run an entry point named on this line, or by the op around it:
 * the bindings of a dispatch stand on lines of their own.
 */
export function eventsOfLine(
  lines: LineSource,
  number: number,
  events: readonly TimelineEvent[],
): number[] {
  const wanted = new Set<string>();
  for (const n of [number, parentLine(lines, number)]) {
    if (n === null || (n !== number && !nearDispatch(lines, number, n))) continue;
    for (const symbol of symbolsIn(lines.line(n))) wanted.add(symbol);
  }
  if (!wanted.size) return [];
  return events.flatMap((event, i) =>
    event.entry_point && wanted.has(event.entry_point) ? [i] : [],
  );
}

function nearDispatch(lines: LineSource, number: number, parent: number): boolean {
  return DISPATCH.test(lines.line(parent)) && indentOf(lines.line(number)) !== Infinity;
}
