/** Draws Gantt charts under one time axis: units from top to bottom, and bytes alive below each. */
import { formatBytes, formatNs } from "../data/format.ts";
import { shortName } from "../data/names.ts";
import { figuresOf, highestBytes, idleText, type Schedule, type Simulation } from "../data/schedule.ts";
import { ticks } from "../data/timeline.ts";
import { CANVAS_FONT, fitText, type Colors } from "./canvas_view.ts";

export interface ScheduleScene {
  simulation: Simulation;
  t0: number;
  t1: number;
  /** Commands that are lit. */
  related: ReadonlySet<number>;
  /** Commands that are marked: the critical path, where one asked for it. */
  critical: ReadonlySet<number>;
  /** The policy that the keyboard is on. */
  active: number;
}

export const AXIS_HEIGHT = 22;
const HEAD_HEIGHT = 20;
const MEMORY_HEIGHT = 20;
const CHART_GAP = 8;
const BOLD = `600 ${CANVAS_FONT}`;
const MEMORY_GAP = 3;

/** Rows of few units are tall enough for a label, of many at least seen. */
export function chartHeight(units: number): number {
  return Math.max(40, Math.min(units, 4) * 16);
}

function pitch(units: number): number {
  return HEAD_HEIGHT + chartHeight(units) + MEMORY_GAP + MEMORY_HEIGHT + CHART_GAP;
}

export function scheduleHeight(simulation: Simulation): number {
  return AXIS_HEIGHT + simulation.schedules.length * pitch(simulation.settings.units);
}

export interface Frame {
  left: number;
  right: number;
}

export function scheduleFrame(width: number): Frame {
  return { left: width < 520 ? 56 : 76, right: width - 10 };
}

export function timeAt(scene: ScheduleScene, frame: Frame, x: number): number {
  return scene.t0 + ((x - frame.left) / (frame.right - frame.left)) * (scene.t1 - scene.t0);
}

function xOf(scene: ScheduleScene, frame: Frame, timeNs: number): number {
  return frame.left + ((timeNs - scene.t0) / (scene.t1 - scene.t0)) * (frame.right - frame.left);
}

/** Which policy's chart is at a height, and the unit there; unit -1 beside the units. */
export function placeAt(simulation: Simulation, y: number): { policy: number; unit: number } | null {
  const { units } = simulation.settings;
  const policy = Math.floor((y - AXIS_HEIGHT) / pitch(units));
  if (y < AXIS_HEIGHT || policy >= simulation.schedules.length) return null;
  const inside = y - AXIS_HEIGHT - policy * pitch(units) - HEAD_HEIGHT;
  const unit = Math.floor((inside * units) / chartHeight(units));
  return { policy, unit: inside >= 0 && unit < units ? unit : -1 };
}

export function topOf(simulation: Simulation, policy: number): number {
  return AXIS_HEIGHT + policy * pitch(simulation.settings.units);
}

export function drawSchedules(
  context: CanvasRenderingContext2D,
  scene: ScheduleScene,
  width: number,
  height: number,
  colors: Colors,
): void {
  const frame = scheduleFrame(width);
  context.font = CANVAS_FONT;
  context.textBaseline = "middle";
  drawAxis(context, scene, frame, height, colors);
  scene.simulation.schedules.forEach((schedule, at) => {
    const top = topOf(scene.simulation, at);
    drawHead(context, scene, schedule, at, frame, top, colors);
    const below = top + HEAD_HEIGHT;
    drawBlocks(context, scene, schedule, frame, below, colors);
    drawBound(context, scene, schedule, frame, below, colors);
    drawMemory(context, scene, schedule, frame, below + chartHeight(scene.simulation.settings.units) + MEMORY_GAP, colors);
  });
}

function drawAxis(context: CanvasRenderingContext2D, scene: ScheduleScene, frame: Frame, height: number, colors: Colors): void {
  const { times } = ticks(scene.t0, scene.t1, (frame.right - frame.left) / 90);
  context.textAlign = "left";
  for (const time of times) {
    const x = Math.round(xOf(scene, frame, time));
    context.fillStyle = colors("line");
    context.fillRect(x, AXIS_HEIGHT - 4, 1, height);
    context.fillStyle = colors("fg-2");
    const text = formatNs(time);
    if (x + 4 + context.measureText(text).width < frame.right) context.fillText(text, x + 4, AXIS_HEIGHT / 2);
  }
}

function drawHead(
  context: CanvasRenderingContext2D,
  scene: ScheduleScene,
  schedule: Schedule,
  at: number,
  frame: Frame,
  top: number,
  colors: Colors,
): void {
  context.fillStyle = colors("bg");
  context.fillRect(0, top, frame.right + 10, HEAD_HEIGHT - 1);
  const middle = top + HEAD_HEIGHT / 2;
  context.textAlign = "left";
  context.font = BOLD;
  context.fillStyle = colors(at === scene.active ? "accent" : "fg");
  context.fillText(`${at === scene.active ? "▸ " : ""}${schedule.policy}`, 8, middle);
  context.font = CANVAS_FONT;
  context.fillStyle = colors("fg-2");
  const figures = new Map(figuresOf(schedule, scene.simulation.schedules[0]));
  const idle = idleText(schedule, 1);
  const text = [
    figures.get("makespan"),
    figures.get("speed"),
    `${figures.get("used")} used`,
    `peak ${figures.get("peak")}`,
    scene.simulation.settings.invocations > 1 ? `${figures.get("interval")} per invocation` : "",
    idle ? `idle: ${idle}` : "",
  ];
  const left = frame.left + 8;
  context.fillText(fitText(text.filter(Boolean).join(" · "), frame.right - left), left, middle);
}

const KIND_COLORS: Record<string, string> = { dispatch: "k-dispatch", copy: "k-copy", fill: "k-fill" };

export function kindColor(kind: string): string {
  return KIND_COLORS[kind] ?? "k-update";
}

/** Where a span of time is drawn, cut off at the frame; null where nothing of it is in view. */
function inFrame(scene: ScheduleScene, frame: Frame, startNs: number, endNs: number): [left: number, width: number] | null {
  if (endNs < scene.t0 || startNs > scene.t1) return null;
  const left = Math.max(frame.left, xOf(scene, frame, startNs));
  return [left, Math.max(0, Math.min(frame.right, xOf(scene, frame, endNs)) - left)];
}

function drawBlocks(
  context: CanvasRenderingContext2D,
  scene: ScheduleScene,
  schedule: Schedule,
  frame: Frame,
  top: number,
  colors: Colors,
): void {
  const { settings, commands } = scene.simulation;
  const height = chartHeight(settings.units);
  const infos = new Map(commands.map((one) => [one.command, one]));
  const all = inFrame(scene, frame, 0, schedule.makespan_ns);
  context.fillStyle = colors("bg-2");
  if (all) context.fillRect(all[0], top, all[1], height);
  for (const [at, unit, units, start, end] of schedule.blocks) {
    const place = inFrame(scene, frame, start, end);
    if (!place) continue;
    const one = schedule.commands[at];
    const box = { left: place[0], width: place[1], top: top + (unit * height) / settings.units, height: (units * height) / settings.units };
    drawBlock(context, scene, one, infos.get(one.command), box, colors);
  }
  context.fillStyle = colors("fg-2");
  context.textAlign = "right";
  context.fillText(settings.units === 1 ? "1 unit" : `${settings.units} units`, frame.left - 6, top + height / 2);
  context.textAlign = "left";
}

function drawBlock(
  context: CanvasRenderingContext2D,
  { related, critical }: ScheduleScene,
  { command, invocation }: Schedule["commands"][number],
  info: Simulation["commands"][number] | undefined,
  box: { left: number; width: number; top: number; height: number },
  colors: Colors,
): void {
  const { left, top } = box;
  // A pixel between neighbours, where there is room for one.
  const width = Math.max(box.width - (box.width > 3 ? 1 : 0), 0.6);
  const height = box.height - (box.height > 3 ? 1 : 0);
  const lit = related.has(command);
  const dim = related.size > 0 && !lit;
  const pale = invocation % 2 === 1; // its number is in the tooltip and in the table
  context.globalAlpha = dim ? 0.3 : pale ? 0.72 : 1;
  context.fillStyle = colors(kindColor(info?.kind ?? ""));
  context.fillRect(left, top, width, height);
  context.globalAlpha = 1;
  if (critical.has(command)) {
    context.fillStyle = colors("warn");
    context.fillRect(left, top, Math.max(width, 1), Math.min(3, box.height));
  }
  if (lit) {
    context.strokeStyle = colors("fg");
    context.lineWidth = 1.5;
    context.strokeRect(left, top, Math.max(width, 1), height);
  }
  if (box.height < 12 || box.width < 22 || dim || pale) return;
  context.fillStyle = colors("on-fill");
  context.fillText(fitText(shortName(info?.name ?? ""), box.width - 7), left + 4, top + box.height / 2);
}

/** No schedule that is called in this way ends before it. */
function drawBound(
  context: CanvasRenderingContext2D,
  scene: ScheduleScene,
  schedule: Schedule,
  frame: Frame,
  top: number,
  colors: Colors,
): void {
  const x = Math.round(xOf(scene, frame, schedule.lower_bound_ns)) + 0.5;
  if (x < frame.left || x > frame.right + 1) return;
  context.strokeStyle = colors("ok");
  context.lineWidth = 1.5;
  context.setLineDash([3, 3]);
  context.beginPath();
  context.moveTo(x, top - 3);
  context.lineTo(x, top + chartHeight(scene.simulation.settings.units) + 3);
  context.stroke();
  context.setLineDash([]);
}

function drawMemory(
  context: CanvasRenderingContext2D,
  scene: ScheduleScene,
  schedule: Schedule,
  frame: Frame,
  top: number,
  colors: Colors,
): void {
  const most = highestBytes(scene.simulation);
  const bottom = top + MEMORY_HEIGHT;
  context.fillStyle = colors("fg-2");
  context.textAlign = "right";
  context.fillText(fitText(formatBytes(schedule.peak_bytes), frame.left - 8), frame.left - 6, top + MEMORY_HEIGHT / 2);
  context.textAlign = "left";
  context.fillStyle = colors("l-transient");
  context.globalAlpha = 0.55;
  schedule.memory.forEach(([time, bytes], i) => {
    const place = inFrame(scene, frame, time, schedule.memory[i + 1]?.[0] ?? schedule.makespan_ns);
    const bar = (MEMORY_HEIGHT * bytes) / most;
    if (bytes && place) context.fillRect(place[0], bottom - bar, place[1], bar);
  });
  context.globalAlpha = 1;
  context.fillStyle = colors("line-strong");
  context.fillRect(frame.left, bottom, frame.right - frame.left, 1);
}
