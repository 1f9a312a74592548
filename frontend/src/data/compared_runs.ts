/** Runs on one time axis: the lanes of each below those of the one before, events paired. Pure. */
import { refNumber, refOn, sideOf as sideOfRef, type Ref } from "./entities.ts";
import type { Compared, Run, TimelineEvent } from "./types.ts";

export interface ComparedRuns {
  labels: string[];
  /** All events, the first run's with the numbers they have there. */
  events: TimelineEvent[];
  sideOf: (event: number) => number;
  refOf: (event: number) => Ref;
  eventOf: (ref: Ref) => number | null;
  /** What ran the same in the other runs. */
  counterparts: (event: number) => number[];
  totals: EntryTotal[];
}

/** An entry point, or a kind of command, in every run. */
export interface EntryTotal {
  name: string;
  counts: number[];
  totals: number[];
  /** An event of the first run that has one. */
  example: number;
}

const HOST_KINDS = new Set(["alloca", "dealloca", "submit", "wait", "call"]);

/** null where not every side was run with a profile. */
export function comparedRuns(run: Run | null, compared: Compared | null): ComparedRuns | null {
  if (!compared) return null;
  const runs = [run, ...compared.sides.map((side) => side.run)];
  const timelines = runs.map((one) => one?.timeline ?? []);
  if (timelines.some((timeline) => !timeline.length)) return null;
  const { labels } = compared;
  const starts = timelines.map((_, side) => timelines.slice(0, side).reduce((sum, one) => sum + one.length, 0));
  const events = timelines.flatMap((timeline, side) =>
    timeline.map((event) => ({ ...event, queue: `${labels[side]} · ${event.queue || "queue"}` })),
  );
  const sideOf = (event: number) => starts.filter((start) => start <= event).length - 1;
  const groups = pair(timelines, starts);
  return {
    labels,
    events,
    sideOf,
    refOf: (event) => refOn(sideOf(event), "event", event - starts[sideOf(event)]),
    eventOf: (ref) => {
      const [side, number] = [sideOfRef(ref), refNumber(ref)];
      const known = ref === refOn(side, "event", number) && number < (timelines[side]?.length ?? 0);
      return known ? starts[side] + number : null;
    },
    counterparts: (event) => (groups.get(event) ?? []).filter((other) => other !== event),
    totals: totalsOf(events, sideOf, labels.length),
  };
}

/** The nth of a kind in one run goes with the nth in the others, as `il.compare` pairs them. */
function pair(timelines: readonly (readonly TimelineEvent[])[], starts: readonly number[]): Map<number, number[]> {
  const groups = new Map<string, number[]>();
  timelines.forEach((timeline, side) => {
    const seen = new Map<string, number>();
    timeline.forEach((event, i) => {
      const key = keyOf(event);
      const nth = seen.get(key) ?? 0;
      seen.set(key, nth + 1);
      const group = groups.get(`${nth} ${key}`);
      if (group) group.push(starts[side] + i);
      else groups.set(`${nth} ${key}`, [starts[side] + i]);
    });
  });
  const found = new Map<number, number[]>();
  for (const group of groups.values()) for (const event of group) found.set(event, group);
  return found;
}

function keyOf({ kind, entry_point, name }: TimelineEvent): string {
  return `${kind} ${entry_point || (kind === "call" ? name : "")}`;
}

/** The largest of the first run first. Commands only: what the host did overlaps them. */
function totalsOf(events: readonly TimelineEvent[], sideOf: (event: number) => number, sides: number): EntryTotal[] {
  const found = new Map<string, EntryTotal>();
  events.forEach((event, i) => {
    if (HOST_KINDS.has(event.kind)) return;
    const name = event.entry_point || event.kind;
    let total = found.get(name);
    if (!total) found.set(name, (total = { name, counts: Array(sides).fill(0), totals: Array(sides).fill(0), example: i }));
    const side = sideOf(i);
    total.counts[side]++;
    total.totals[side] += event.end_ns - event.start_ns;
  });
  return [...found.values()].sort((a, b) => b.totals[0] - a.totals[0]);
}

/** Per run the time of commands between two times. */
export function timesBetween(runs: ComparedRuns, t0: number, t1: number): number[] {
  const times = runs.labels.map(() => 0);
  runs.events.forEach((event, i) => {
    if (HOST_KINDS.has(event.kind)) return;
    times[runs.sideOf(i)] += Math.max(0, Math.min(event.end_ns, t1) - Math.max(event.start_ns, t0));
  });
  return times;
}
