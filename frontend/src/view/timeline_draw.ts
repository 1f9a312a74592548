/** Draws a timeline's visible part on a canvas. Knows nothing of input or selection logic. */
import { shortName } from "../data/names.ts";
import { flowOf, rowSpans, shortLaneLabels, ticks, type Span, type TimelineLayout } from "../data/timeline.ts";
import type { TimelineEvent } from "../data/types.ts";

export const AXIS_HEIGHT = 22;
export const ROW_HEIGHT = 20;
const LANE_GAP = 7;
const CHARACTER_WIDTH = 6.1;
const FONT = "11px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";

/** Everything a canvas cannot take from CSS by itself. */
export interface Palette {
  background: string;
  line: string;
  text: string;
  muted: string;
  accent: string;
  accentBackground: string;
  onFill: string;
  kinds: Record<string, string>;
}

export interface Scene {
  layout: TimelineLayout;
  events: readonly TimelineEvent[];
  /** Where rows stand on the canvas, scrolling counted in. */
  rowTops: readonly number[];
  t0: number;
  t1: number;
  width: number;
  height: number;
  /** Width of the column of lane labels. */
  gutter: number;
  selected: number | null;
  /** Events that run the same entry point as what is selected. */
  related: ReadonlySet<number>;
  range: readonly [number, number] | null;
  palette: Palette;
}

const KIND_VARIABLES: Record<string, string> = {
  dispatch: "--il-k-dispatch",
  copy: "--il-k-copy",
  fill: "--il-k-fill",
  update: "--il-k-update",
  barrier: "--il-k-barrier",
  alloca: "--il-k-alloca",
  dealloca: "--il-k-alloca",
  submit: "--il-k-host",
  call: "--il-k-host",
  wait: "--il-k-wait",
};

export function kindVariable(kind: string): string {
  return KIND_VARIABLES[kind] ?? "--il-k-host";
}

/** Host events are boxes with text in the ordinary colour; the rest are filled. */
function isHollow(kind: string): boolean {
  return kind === "wait";
}

export function readPalette(root: HTMLElement): Palette {
  const style = getComputedStyle(root);
  const value = (name: string) => style.getPropertyValue(name).trim();
  const kinds: Record<string, string> = { other: value("--il-k-host") };
  for (const [kind, name] of Object.entries(KIND_VARIABLES)) kinds[kind] = value(name);
  return {
    background: value("--il-bg"),
    line: value("--il-line"),
    text: value("--il-fg"),
    muted: value("--il-fg-2"),
    accent: value("--il-accent"),
    accentBackground: value("--il-accent-bg"),
    onFill: value("--il-on-fill"),
    kinds,
  };
}

/** The top of every row, and after the last one the height of all. */
export function rowTops(layout: TimelineLayout): number[] {
  const tops: number[] = [];
  let y = AXIS_HEIGHT + LANE_GAP / 2;
  for (const lane of layout.lanes) {
    for (let row = 0; row < lane.rows; row++, y += ROW_HEIGHT) tops.push(y);
    y += LANE_GAP;
  }
  tops.push(y);
  return tops;
}

export function rowAt(tops: readonly number[], y: number): number {
  for (let row = 0; row < tops.length - 1; row++)
    if (y >= tops[row] && y < tops[row] + ROW_HEIGHT) return row;
  return -1;
}

export function drawTimeline(context: CanvasRenderingContext2D, scene: Scene): void {
  const { palette, width, height, gutter } = scene;
  context.fillStyle = palette.background;
  context.fillRect(0, 0, width, height);
  context.font = FONT;
  context.textBaseline = "middle";
  const scale = (width - gutter) / (scene.t1 - scene.t0);
  drawGrid(context, scene, scale);
  context.save();
  context.beginPath();
  context.rect(gutter, 0, width - gutter, height);
  context.clip();
  context.translate(gutter, 0);
  for (let row = 0; row < scene.layout.rowCount; row++)
    if (scene.rowTops[row] > AXIS_HEIGHT - ROW_HEIGHT && scene.rowTops[row] < height)
      drawRow(context, scene, scale, row);
  drawFlow(context, scene, scale);
  drawSelection(context, scene, scale);
  context.restore();
  drawLaneLabels(context, scene);
  drawAxis(context, scene, scale);
}

function drawGrid(context: CanvasRenderingContext2D, scene: Scene, scale: number): void {
  const { palette, height, gutter } = scene;
  if (scene.range) {
    const [from, to] = scene.range;
    context.fillStyle = palette.accentBackground;
    const x = gutter + (from - scene.t0) * scale;
    context.fillRect(Math.max(gutter, x), AXIS_HEIGHT, (to - from) * scale, height);
  }
  context.fillStyle = palette.line;
  for (const time of axisTicks(scene).times) {
    const x = Math.round(gutter + (time - scene.t0) * scale);
    context.fillRect(x, AXIS_HEIGHT, 1, height);
  }
}

/** Over everything else: rows scroll away below it. */
function drawAxis(context: CanvasRenderingContext2D, scene: Scene, scale: number): void {
  const { palette, width, gutter } = scene;
  const { times, step } = axisTicks(scene);
  context.fillStyle = palette.background;
  context.fillRect(0, 0, width, AXIS_HEIGHT);
  context.fillStyle = palette.line;
  context.fillRect(0, AXIS_HEIGHT - 1, width, 1);
  context.fillRect(gutter - 1, 0, 1, AXIS_HEIGHT);
  for (const time of times)
    context.fillRect(Math.round(gutter + (time - scene.t0) * scale), AXIS_HEIGHT - 5, 1, 5);
  context.fillStyle = palette.muted;
  for (const time of times) {
    const x = gutter + (time - scene.t0) * scale;
    if (x < gutter - 1 || x > width - 30) continue;
    context.fillText(axisLabel(time, step), x + 4, AXIS_HEIGHT / 2);
  }
}

const AXIS_UNITS: readonly (readonly [number, string])[] = [
  [1e9, "s"],
  [1e6, "ms"],
  [1e3, "µs"],
];

function axisTicks({ t0, t1, width, gutter }: Scene): { step: number; times: number[] } {
  return ticks(t0, t1, Math.max(2, (width - gutter) / 110));
}

/** Enough digits to tell two ticks apart, in the unit that suits the largest of them. */
function axisLabel(time: number, step: number): string {
  const size = Math.max(Math.abs(time), step);
  const [unit, name] = AXIS_UNITS.find(([length]) => size >= length) ?? [1, "ns"];
  const digits = Math.max(0, Math.min(6, -Math.floor(Math.log10(step / unit) + 1e-9)));
  return `${(time / unit).toFixed(digits)} ${name}`;
}

function drawRow(
  context: CanvasRenderingContext2D,
  scene: Scene,
  scale: number,
  row: number,
): void {
  const { layout, events, palette } = scene;
  const y = scene.rowTops[row] + 1;
  const boxHeight = ROW_HEIGHT - 2;
  const viewWidth = scene.width - scene.gutter;
  const dimmed = scene.related.size > 0;
  for (const span of rowSpans(layout, row, scene.t0, scene.t1, scale)) {
    const index = layout.order[representative(layout, span)];
    const event = events[index];
    const x = Math.max(span.x, -4);
    const right = Math.min(span.x + span.width, viewWidth + 4);
    const width = Math.max(1, right - x - (span.width > 3 ? 1 : 0));
    const color = palette.kinds[event.kind] ?? palette.kinds.other;
    const faded = dimmed && span.count === 1 && !scene.related.has(index);
    context.globalAlpha = faded ? 0.3 : 1;
    if (isHollow(event.kind) && width > 4) {
      context.strokeStyle = color;
      context.lineWidth = 1;
      context.setLineDash([4, 3]);
      context.strokeRect(x + 0.5, y + 0.5, width - 1, boxHeight - 1);
      context.setLineDash([]);
    } else {
      context.fillStyle = color;
      context.fillRect(x, y, width, boxHeight);
    }
    context.globalAlpha = 1;
    if (span.count === 1 && width > 26) {
      context.fillStyle = faded ? palette.text : isHollow(event.kind) ? palette.muted : palette.onFill;
      drawLabel(context, shortName(event.name), x + 5, y + boxHeight / 2, width - 9);
    }
  }
  context.globalAlpha = 1;
}

/** Of the events in one pixel, the longest gives its colour; looking at a few is enough. */
function representative(layout: TimelineLayout, { position, count }: Span): number {
  let longest = position;
  for (let i = position + 1; i < position + Math.min(count, 16); i++)
    if (layout.end[i] - layout.start[i] > layout.end[longest] - layout.start[longest]) longest = i;
  return longest;
}

function drawLabel(
  context: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  room: number,
): void {
  // Measuring every label would dominate drawing; an estimate and a clip by characters will do.
  const characters = Math.floor(room / CHARACTER_WIDTH);
  if (characters < 3) return;
  const label = text.length > characters ? `${text.slice(0, characters - 1)}…` : text;
  context.fillText(label, x, y);
}

function drawSelection(context: CanvasRenderingContext2D, scene: Scene, scale: number): void {
  if (scene.selected === null) return;
  const { layout, palette } = scene;
  const viewWidth = scene.width - scene.gutter;
  for (const position of layout.boxes[scene.selected]) {
    const top = scene.rowTops[layout.rowOf[position]];
    const x = Math.max(-6, (layout.start[position] - scene.t0) * scale);
    const right = Math.min(viewWidth + 6, (layout.end[position] - scene.t0) * scale);
    context.strokeStyle = palette.text;
    context.lineWidth = 2;
    context.strokeRect(x - 1, top, Math.max(4, right - x + 1), ROW_HEIGHT);
    context.strokeStyle = palette.accent;
    context.lineWidth = 1;
    context.strokeRect(x - 2.5, top - 1.5, Math.max(7, right - x + 4), ROW_HEIGHT + 3);
  }
}

/** From the host's submission to the first command of it, for what is selected. */
function drawFlow(context: CanvasRenderingContext2D, scene: Scene, scale: number): void {
  const { layout, palette, events, selected } = scene;
  const flow = selected === null ? null : flowOf(events, selected);
  if (!flow) return;
  const [from, to] = flow.map((event) => layout.boxes[event][0]);
  const x0 = (layout.start[from] - scene.t0) * scale;
  const x1 = (layout.start[to] - scene.t0) * scale;
  const y0 = scene.rowTops[layout.rowOf[from]] + ROW_HEIGHT - 2;
  const y1 = scene.rowTops[layout.rowOf[to]] + 1;
  const down = Math.sign(y1 - y0) || 1;
  context.strokeStyle = context.fillStyle = palette.accent;
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(x0, y0);
  context.bezierCurveTo(x0, (y0 + y1) / 2, x1, (y0 + y1) / 2, x1, y1);
  context.stroke();
  context.beginPath();
  context.moveTo(x1, y1 + down);
  context.lineTo(x1 - 4, y1 - 6 * down);
  context.lineTo(x1 + 4, y1 - 6 * down);
  context.fill();
}

function drawLaneLabels(context: CanvasRenderingContext2D, scene: Scene): void {
  const { palette, gutter, layout } = scene;
  context.fillStyle = palette.background;
  context.fillRect(0, AXIS_HEIGHT, gutter, scene.height);
  context.fillStyle = palette.line;
  context.fillRect(gutter - 1, 0, 1, scene.height);
  const characters = Math.floor((gutter - 14) / CHARACTER_WIDTH);
  const full = layout.lanes.map(({ label }) => label);
  const labels = full.some((label) => label.length > characters) ? shortLaneLabels(full) : full;
  layout.lanes.forEach((lane, i) => {
    const top = scene.rowTops[lane.row];
    context.fillStyle = palette.line;
    context.fillRect(0, Math.round(top + lane.rows * ROW_HEIGHT + LANE_GAP / 2), scene.width, 1);
    context.fillStyle = palette.muted;
    const y = top + (lane.rows * ROW_HEIGHT) / 2;
    context.fillText(elideMiddle(labels[i], characters), 10, y);
  });
}

/** The queue's name begins, the worker's number ends a lane's label: both must be readable. */
function elideMiddle(text: string, characters: number): string {
  if (text.length <= characters) return text;
  const tail = Math.ceil((characters - 1) * 0.7);
  return `${text.slice(0, characters - 1 - tail)}…${text.slice(text.length - tail)}`;
}
