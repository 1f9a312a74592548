/** Which line of a text shows an event, a command or a barrier, and what a line stands for. */
import { parentLine, symbolsIn, type TextLines } from "./mlir.ts";
import { sitesOf } from "./sites.ts";
import type { TimelineEvent } from "./types.ts";

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
  const { dispatches, symbolsAt } = sitesOf(lines);
  for (const n of [number, parentLine(lines, number)]) {
    const symbols = n === null ? undefined : symbolsAt.get(n);
    if (n !== null && symbols) return symbols.map((symbol) => ({ symbol, nth: dispatches.get(symbol)!.indexOf(n) }));
  }
  return [];
}

/** The line of a function's nth barrier; null unless the text records all `count` of them. */
export function lineOfBarrier(lines: TextLines, fn: string, nth: number, count: number): number | null {
  const found = sitesOf(lines).barriers.get(fn) ?? [];
  return found.length === count ? found[nth] : null;
}

/** The barrier that a line records: its function, its number there, and of how many. */
export function barrierOfLine(lines: TextLines, number: number): { fn: string; nth: number; count: number } | null {
  for (const [fn, found] of sitesOf(lines).barriers) {
    const nth = found.indexOf(number);
    if (nth >= 0) return { fn, nth, count: found.length };
  }
  return null;
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

function dispatchLines(lines: TextLines, symbol: string): readonly number[] {
  return sitesOf(lines).dispatches.get(symbol) ?? [];
}

function firstMention(lines: TextLines, symbol: string): number | null {
  if (!symbol || !lines.text.includes(symbol)) return null;
  for (let n = 1; n <= lines.count; n++) {
    const line = lines.line(n);
    if (line.includes(symbol) && symbolsIn(line).includes(symbol)) return n;
  }
  return null;
}

/**
 * Indices of the events that run an entry point named on this line, or by the op around it:
 * the bindings of a dispatch stand on lines of their own.
 */
export function eventsOfLine(
  lines: TextLines,
  number: number,
  events: readonly TimelineEvent[],
): number[] {
  const around = parentLine(lines, number);
  const wanted = new Set(symbolsIn(lines.line(number)));
  for (const symbol of (around === null ? undefined : sitesOf(lines).symbolsAt.get(around)) ?? []) wanted.add(symbol);
  if (!wanted.size) return [];
  return events.flatMap((event, i) =>
    event.entry_point && wanted.has(event.entry_point) ? [i] : [],
  );
}
