/** How the number of ops changes over the steps, drawn as a line. Pure. */
import type { Step } from "./types.ts";

/** Ops after each step, counted from the first; composite steps repeat what they contain. */
export function opCounts(steps: readonly Step[]): Float64Array {
  const counts = new Float64Array(steps.length);
  let now = 0;
  steps.forEach((step, i) => {
    if (!step.composite) now += Object.values(step.delta).reduce((sum, change) => sum + change, 0);
    counts[i] = now;
  });
  return counts;
}

/** The points of a polyline in a box; of the steps that fall on one pixel, the extremes. */
export function sparkline(values: Float64Array, width: number, height: number): string {
  if (!values.length) return "";
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const y = (value: number) => (height - 1 - ((value - low) / (high - low || 1)) * (height - 2)).toFixed(1);
  const points: string[] = [];
  const perPixel = values.length / width;
  for (let x = 0; x < width; x++) {
    const from = Math.floor(x * perPixel);
    const part = values.subarray(from, Math.max(from + 1, Math.floor((x + 1) * perPixel)));
    if (!part.length) continue;
    points.push(`${x},${y(Math.min(...part))}`);
    if (part.length > 1) points.push(`${x},${y(Math.max(...part))}`);
  }
  return points.join(" ");
}
