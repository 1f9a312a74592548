/** Layout of a timeline: events to lanes and rows, hit testing, ticks, statistics. No drawing. */
import type { TimelineEvent } from "./types.ts";

export interface Lane {
  label: string;
  /** First row and number of rows: boxes that overlap within a lane are stacked. */
  row: number;
  rows: number;
}

/** An event is one box, or one per worker that took part. Positions number boxes by row, start. */
export interface TimelineLayout {
  lanes: Lane[];
  rowCount: number;
  /** Position -> event index. */
  order: Uint32Array;
  /** Row r holds positions rowStart[r] .. rowStart[r + 1] - 1. */
  rowStart: Uint32Array;
  /** Per position, in nanoseconds from the first event's start. */
  start: Float64Array;
  end: Float64Array;
  rowOf: Uint32Array;
  /** Event index -> positions of its boxes. */
  boxes: number[][];
  /** Event indices by start. */
  byStart: Uint32Array;
  originNs: number;
  extentNs: number;
}

interface Box {
  event: number;
  queue: string;
  worker: number;
  startNs: number;
  endNs: number;
  row: number;
  rank: number;
}

/** Deeper overlaps share the last row of a lane. */
const MAX_ROWS_PER_LANE = 12;

/** What the host does for a queue is on a lane of the host. */
export function laneLabel(lane: Pick<TimelineEvent, "queue" | "worker">): string {
  const queue = lane.queue || "queue";
  if (queue === "host") return queue;
  return lane.worker < 0 ? `host · ${queue}` : `${queue} · worker ${lane.worker}`;
}

/** Lanes' labels without the queue, where all are of one, and the room is scarce. */
export function shortLaneLabels(labels: readonly string[]): string[] {
  const queueOf = (label: string) => label.replace(/^host · /, "").replace(/ · worker \d+$/, "");
  const queues = new Set(labels.filter((label) => label !== "host").map(queueOf));
  if (queues.size !== 1) return [...labels];
  return labels.map((label) => (label.startsWith("host") ? "host" : label.slice(label.lastIndexOf("worker"))));
}

/** Where an event ran, for text: its lane, or how many workers shared it. */
export function placeLabel(event: TimelineEvent): string {
  const workers = event.lanes.length;
  return workers > 1 ? `${event.queue} · ${workers} workers` : laneLabel(event);
}

/** `rank` puts whole groups of lanes above others. */
export function layoutTimeline(
  events: readonly TimelineEvent[],
  rank: (event: number) => number = () => 0,
): TimelineLayout {
  const first = events.reduce((low, event) => Math.min(low, event.start_ns), Infinity);
  const originNs = events.length ? first : 0;
  const endNs = events.reduce((high, event) => Math.max(high, event.end_ns), originNs);
  const boxes = events.flatMap((event, i) => boxesOf(event, i, rank(i))).sort((a, b) => a.startNs - b.startNs || b.endNs - a.endNs);
  const { lanes, rowCount } = assignRows(boxes);
  boxes.sort((a, b) => a.row - b.row || a.startNs - b.startNs);

  const rowStart = new Uint32Array(rowCount + 1);
  const positions: number[][] = events.map(() => []);
  boxes.forEach((box, position) => {
    rowStart[box.row + 1]++;
    positions[box.event].push(position);
  });
  for (let row = 0; row < rowCount; row++) rowStart[row + 1] += rowStart[row];
  return {
    lanes,
    rowCount,
    order: Uint32Array.from(boxes, (box) => box.event),
    rowStart,
    start: Float64Array.from(boxes, (box) => box.startNs - originNs),
    end: Float64Array.from(boxes, (box) => box.endNs - originNs),
    rowOf: Uint32Array.from(boxes, (box) => box.row),
    boxes: positions,
    byStart: Uint32Array.from(events.keys()).sort(
      (a, b) => events[a].start_ns - events[b].start_ns || events[b].end_ns - events[a].end_ns,
    ),
    originNs,
    extentNs: Math.max(endNs - originNs, 1),
  };
}

function boxesOf(event: TimelineEvent, index: number, rank: number): Box[] {
  const { queue } = event;
  const spans = event.lanes.length ? event.lanes : [event];
  return spans.map(({ worker, start_ns, end_ns }) => ({
    event: index,
    queue,
    worker,
    startNs: start_ns,
    endNs: Math.max(start_ns, end_ns),
    row: 0,
    rank,
  }));
}

/** Gives every box, in order of start, the first free row of its lane. */
function assignRows(boxes: readonly Box[]): { lanes: Lane[]; rowCount: number } {
  const members = new Map<string, Box[]>();
  for (const box of boxes) {
    const label = laneLabel(box);
    const lane = members.get(label);
    if (lane) lane.push(box);
    else members.set(label, [box]);
  }
  const sorted = [...members].sort(([, x], [, y]) => compareLanes(x[0], y[0]));
  const lanes: Lane[] = [];
  let rowCount = 0;
  for (const [label, lane] of sorted) {
    const ends: number[] = [];
    for (const box of lane) {
      let row = ends.findIndex((end) => end <= box.startNs);
      if (row < 0) row = Math.min(ends.length, MAX_ROWS_PER_LANE - 1);
      ends[row] = Math.max(ends[row] ?? 0, box.endNs);
      box.row = rowCount + row;
    }
    lanes.push({ label, row: rowCount, rows: ends.length });
    rowCount += ends.length;
  }
  return { lanes, rowCount };
}

/** The host first, then queues by name, workers by number. */
function compareLanes(x: Box, y: Box): number {
  if (x.rank !== y.rank) return x.rank - y.rank;
  const onHost = (box: Box) => box.queue === "host" || box.worker < 0;
  if (onHost(x) !== onHost(y)) return onHost(x) ? -1 : 1;
  return x.queue.localeCompare(y.queue, "en", { numeric: true }) || x.worker - y.worker;
}

/** First position in a row whose event ends after `t`. Rows hold no overlaps, so ends are sorted. */
export function firstEndingAfter(layout: TimelineLayout, row: number, t: number): number {
  let low = layout.rowStart[row];
  let high = layout.rowStart[row + 1];
  while (low < high) {
    const mid = (low + high) >> 1;
    if (layout.end[mid] <= t) low = mid + 1;
    else high = mid;
  }
  return low;
}

/** The event at time `t` in a row, or the nearest within `slack`; -1 when there is none. */
export function hitTest(layout: TimelineLayout, row: number, t: number, slack = 0): number {
  if (row < 0 || row >= layout.rowCount) return -1;
  let best = -1;
  let bestGap = slack;
  const last = layout.rowStart[row + 1];
  const first = Math.max(layout.rowStart[row], firstEndingAfter(layout, row, t - slack) - 1);
  for (let i = first; i < last && layout.start[i] <= t + slack; i++) {
    const gap = Math.max(layout.start[i] - t, t - layout.end[i], 0);
    if (gap === 0) return layout.order[i];
    if (gap <= bestGap) [best, bestGap] = [layout.order[i], gap];
  }
  return best;
}

export interface Span {
  /** Pixels. */
  x: number;
  width: number;
  /** Position in `order` of the span's first event, and how many events it stands for. */
  position: number;
  count: number;
}

/**
 * The boxes of one row between t0 and t1, in pixels. Events that fall within a pixel of each
 * other become one box, so that drawing costs pixels, not events.
 */
export function rowSpans(
  layout: TimelineLayout,
  row: number,
  t0: number,
  t1: number,
  pixelsPerNs: number,
): Span[] {
  const spans: Span[] = [];
  const last = layout.rowStart[row + 1];
  let i = firstEndingAfter(layout, row, t0);
  if (i > layout.rowStart[row] && layout.end[i - 1] === t0) i--;
  while (i < last && layout.start[i] < t1) {
    const x = (layout.start[i] - t0) * pixelsPerNs;
    const right = (layout.end[i] - t0) * pixelsPerNs;
    if (right - x >= 1) {
      spans.push({ x, width: right - x, position: i, count: 1 });
      i++;
      continue;
    }
    // Everything that starts within this pixel: found by bisection, not one by one.
    // The last of them may be long and is then a box of its own.
    const pixelEnd = t0 + (Math.floor(x) + 1) / pixelsPerNs;
    let next = Math.max(i + 1, firstStartingAt(layout, row, i, pixelEnd));
    const long = (layout.end[next - 1] - layout.start[next - 1]) * pixelsPerNs >= 1;
    if (long && next - 1 > i) next--;
    const reach = (layout.end[next - 1] - t0) * pixelsPerNs;
    spans.push({ x, width: Math.max(1, reach - x), position: i, count: next - i });
    i = next;
  }
  return spans;
}

function firstStartingAt(layout: TimelineLayout, row: number, from: number, t: number): number {
  let low = from;
  let high = layout.rowStart[row + 1];
  while (low < high) {
    const mid = (low + high) >> 1;
    if (layout.start[mid] < t) low = mid + 1;
    else high = mid;
  }
  return low;
}

/** Round times for an axis: at most `most` of them, in steps of 1, 2 or 5. */
export function ticks(t0: number, t1: number, most: number): { step: number; times: number[] } {
  const rough = (t1 - t0) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1e-3)));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough) ?? 10 * power;
  const times: number[] = [];
  const first = Math.ceil(t0 / step) + 0; // never -0
  for (let k = first; k * step <= t1; k++) times.push(k * step);
  return { step, times };
}

/** The next (or previous) event in time; the first (or last) when none is selected. */
export function neighbour(layout: TimelineLayout, event: number | null, by: 1 | -1): number | null {
  const count = layout.byStart.length;
  if (!count) return null;
  if (event === null) return layout.byStart[by > 0 ? 0 : count - 1];
  const next = layout.byStart.indexOf(event) + by;
  return next < 0 || next >= count ? event : layout.byStart[next];
}

/** The submission that an event is, or is part of, and the first command of it; null without. */
export function flowOf(events: readonly TimelineEvent[], event: number): [number, number] | null {
  const { queue, submission = -1 } = events[event];
  if (submission < 0) return null;
  let submit = -1;
  let first = -1;
  events.forEach((one, i) => {
    if (one.submission !== submission || one.queue !== queue) return;
    if (one.kind === "submit") submit = i;
    else if (first < 0 || one.start_ns < events[first].start_ns) first = i;
  });
  return submit < 0 || first < 0 ? null : [submit, first];
}

export interface Total {
  /** The kind, or the name of an entry point. */
  name: string;
  kind: string;
  count: number;
  totalNs: number;
}

export interface Statistics {
  count: number;
  busyNs: number;
  kinds: Total[];
  /** Commands by what they run, the longest first. */
  names: Total[];
}

/** What ran between two times; an event counts with the part of it that lies inside. */
export function statistics(
  layout: TimelineLayout,
  events: readonly TimelineEvent[],
  t0: number,
  t1: number,
): Statistics {
  const kinds = new Map<string, Total>();
  const names = new Map<string, Total>();
  let count = 0;
  let busyNs = 0;
  for (const event of events) {
    const start = event.start_ns - layout.originNs;
    const end = event.end_ns - layout.originNs;
    if (start > t1 || end < t0) continue;
    const inside = Math.max(0, Math.min(end, t1) - Math.max(start, t0));
    const { kind } = event;
    addTo(kinds, kind, kind, inside);
    if (event.entry_point) addTo(names, event.entry_point, kind, inside);
    count++;
    busyNs += inside;
  }
  const sorted = (totals: Map<string, Total>) => [...totals.values()].sort((a, b) => b.totalNs - a.totalNs);
  return { count, busyNs, kinds: sorted(kinds), names: sorted(names) };
}

function addTo(totals: Map<string, Total>, name: string, kind: string, ns: number): void {
  const entry = totals.get(name) ?? { name, kind, count: 0, totalNs: 0 };
  entry.count++;
  entry.totalNs += ns;
  totals.set(name, entry);
}
