/** Memory of the whole program over its commands, and what a run allocated over time. Pure. */
import type { Allocation, MemorySpan } from "./model_types.ts";

export interface MemoryPlot {
  commands: number;
  functions: [string, number, number][];
  spans: MemorySpan[];
  /** Lifetimes in the order in which they are stacked, with the bytes at each command. */
  layers: { lifetime: string; bytes: Float64Array }[];
  total: Float64Array;
  peak: number;
  /** Spans whose size is known only at run time. */
  dynamic: number;
  /** Of the packed slabs, the bytes of slices that are in use at each command. */
  live: Float64Array;
  /** Time from the first event, and the bytes in use from then on. */
  observed: { ns: number; bytes: number }[];
  observedPeak: number;
}

/** What stays longest is at the bottom. */
const ORDER = ["constant", "variable", "external", "staging", "transient"];

export function memoryPlot(model: Allocation): MemoryPlot {
  const { commands, functions, spans } = model.over_time;
  const total = new Float64Array(commands);
  const layers = new Map<string, Float64Array>();
  for (const { lifetime, size_bytes, first, last } of spans) {
    let bytes = layers.get(lifetime);
    if (!bytes) layers.set(lifetime, (bytes = new Float64Array(commands)));
    for (let i = first; i <= Math.min(last, commands - 1); i++) {
      bytes[i] += size_bytes ?? 0;
      total[i] += size_bytes ?? 0;
    }
  }
  const rank = (lifetime: string) => (ORDER.includes(lifetime) ? ORDER.indexOf(lifetime) : ORDER.length);
  const start = model.observed[0]?.[1] ?? 0;
  const observed = model.observed.map(([, ns, bytes]) => ({ ns: ns - start, bytes }));
  return {
    commands,
    functions,
    spans,
    layers: [...layers].map(([lifetime, bytes]) => ({ lifetime, bytes })).sort((a, b) => rank(a.lifetime) - rank(b.lifetime)),
    total,
    peak: total.reduce((most, bytes) => Math.max(most, bytes), 0),
    live: liveSlices(model, commands),
    dynamic: spans.filter((span) => span.size_bytes === null).length,
    observed,
    observedPeak: observed.reduce((most, { bytes }) => Math.max(most, bytes), 0),
  };
}

/** From the first to the last command that touches each. */
function liveSlices({ slices }: Allocation, commands: number): Float64Array {
  const live = new Float64Array(commands);
  for (const { uses, size_bytes } of slices)
    if (uses.length)
      for (let i = uses[0]; i <= Math.min(uses[uses.length - 1], commands - 1); i++) live[i] += size_bytes ?? 0;
  return live;
}

/** What exists while a command runs, the largest first. */
export function spansAt(plot: MemoryPlot, command: number): MemorySpan[] {
  return plot.spans
    .filter(({ first, last }) => first <= command && command <= last)
    .sort((a, b) => (b.size_bytes ?? 0) - (a.size_bytes ?? 0));
}

export function functionAt(plot: MemoryPlot, command: number): string {
  return plot.functions.find(([, first, count]) => first <= command && command < first + count)?.[0] ?? "";
}
