/** Where one has been: back and forward through values, as a browser does it. Pure. */

export interface History<T> {
  readonly entries: readonly T[];
  readonly at: number;
}

const MOST_ENTRIES = 200;

export function historyOf<T>(first: T): History<T> {
  return { entries: [first], at: 0 };
}

/** Adds what follows the present one; what lay ahead is forgotten. */
export function visit<T>(history: History<T>, value: T, same: (a: T, b: T) => boolean): History<T> {
  if (same(history.entries[history.at], value)) return history;
  const entries = [...history.entries.slice(0, history.at + 1), value].slice(-MOST_ENTRIES);
  return { entries, at: entries.length - 1 };
}

/** The same place, known better: no step back leads to what it was before. */
export function refine<T>(history: History<T>, value: T): History<T> {
  const entries = [...history.entries];
  entries[history.at] = value;
  return { ...history, entries };
}

export function go<T>(history: History<T>, by: 1 | -1): History<T> {
  const at = history.at + by;
  return at < 0 || at >= history.entries.length ? history : { ...history, at };
}

export function canGo<T>(history: History<T>, by: 1 | -1): boolean {
  return go(history, by) !== history;
}
