/** Which line of a text shows a timeline event, and which events a line starts. */
import { indentOf, parentLine, symbolsIn, type LineSource, type TextLines } from "./mlir.ts";
import type { TimelineEvent } from "./types.ts";

const DISPATCH = /\bdispatch\b/;

/**
 * The line that shows an event: where its entry point is dispatched, or else where it (or its
 * executable) is mentioned first; null when the text knows neither.
 *
 * `nth` is the event's number among all that run its entry point, of which there are `count`. A
 * program that dispatches the entry point on several lines runs through them in turn.
 */
export function lineOfEvent(
  lines: TextLines,
  event: TimelineEvent,
  nth = 0,
  count = 1,
): number | null {
  return lineOfEntryPoint(lines, event.entry_point, nth, count) ?? firstMention(lines, event.executable);
}

/** The line that dispatches an entry point for the nth of `count` times, or first mentions it. */
export function lineOfEntryPoint(
  lines: TextLines,
  entryPoint: string,
  nth: number,
  count: number,
): number | null {
  const dispatches = dispatchLines(lines, entryPoint);
  if (dispatches.length)
    return dispatches[count % dispatches.length === 0 ? nth % dispatches.length : 0];
  return firstMention(lines, entryPoint);
}

/** The symbols that a line, or the op around it, dispatches; and for which time each. */
export function symbolsOfDispatch(lines: TextLines, number: number): { symbol: string; nth: number }[] {
  for (const n of [number, parentLine(lines, number)]) {
    if (n === null || !DISPATCH.test(lines.line(n))) continue;
    return symbolsIn(lines.line(n)).map((symbol) => ({
      symbol,
      nth: dispatchLines(lines, symbol).indexOf(n),
    }));
  }
  return [];
}

/** The event, of those that run `symbol`, that a dispatching line started first. */
export function eventOfLine(
  lines: TextLines,
  number: number,
  symbol: string,
  peers: readonly number[],
): number {
  const dispatches = dispatchLines(lines, symbol);
  const nth = dispatches.filter((line) => line <= number).length - 1;
  const inTurn = nth >= 0 && peers.length % dispatches.length === 0;
  return peers[inTurn ? nth : 0];
}

function dispatchLines(lines: TextLines, symbol: string): number[] {
  return mentions(lines, symbol, (line) => DISPATCH.test(line));
}

function firstMention(lines: TextLines, symbol: string): number | null {
  return mentions(lines, symbol, () => true, 1)[0] ?? null;
}

function mentions(
  lines: TextLines,
  symbol: string,
  wanted: (line: string) => boolean,
  most = Infinity,
): number[] {
  const found: number[] = [];
  if (!symbol || !lines.text.includes(symbol)) return found;
  for (let n = 1; n <= lines.count && found.length < most; n++) {
    const line = lines.line(n);
    if (line.includes(symbol) && symbolsIn(line).includes(symbol) && wanted(line)) found.push(n);
  }
  return found;
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
