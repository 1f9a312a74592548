/** Draws a slab: slices as rectangles, its size and lower bound, and how much is live when. */
import { formatBytes } from "../data/format.ts";
import type { Packing } from "../data/packing.ts";
import { CANVAS_FONT, fitText, type Colors } from "./canvas_view.ts";

export interface PackingScene {
  packing: Packing;
  /** The step under the scrubber. */
  step: number;
  related: ReadonlySet<number>;
  selected: number | null;
}

export interface PackingFrame {
  left: number;
  right: number;
  top: number;
  bottom: number;
  /** The strip below with the bytes live at each step. */
  stripTop: number;
  stripBottom: number;
}

export function packingFrame(width: number, height: number): PackingFrame {
  const strip = height > 220 ? 46 : 0;
  const bottom = height - 22 - (strip ? strip + 12 : 0);
  return { left: 64, right: width - 12, top: 20, bottom, stripTop: height - strip - 8, stripBottom: height - 8 };
}

export function xOfStep(frame: PackingFrame, packing: Packing, step: number): number {
  return frame.left + ((frame.right - frame.left) * step) / packing.steps;
}

export function yOfOffset(frame: PackingFrame, packing: Packing, offset: number): number {
  return frame.bottom - ((frame.bottom - frame.top) * offset) / packing.extent;
}

export const LIFETIME_COLORS: Record<string, string> = {
  transient: "l-transient",
  external: "l-external",
  variable: "l-variable",
  constant: "l-constant",
  staging: "l-staging",
};

export function lifetimeColor(lifetime: string): string {
  return LIFETIME_COLORS[lifetime] ?? "l-constant";
}

export function drawPacking(
  context: CanvasRenderingContext2D,
  scene: PackingScene,
  width: number,
  height: number,
  colors: Colors,
): void {
  const frame = packingFrame(width, height);
  context.font = CANVAS_FONT;
  context.textBaseline = "middle";
  drawAxes(context, scene, frame, colors);
  drawBoxes(context, scene, frame, colors);
  drawLine(context, frame, scene.packing, scene.packing.slab.lower_bound_bytes, "lower bound", colors("ok"), colors("bg"), "below");
  drawLine(context, frame, scene.packing, scene.packing.slab.size_bytes, "slab", colors("err"), colors("bg"), "above");
  drawStrip(context, scene, frame, colors);
  drawScrubber(context, scene, frame, colors);
}

function drawAxes(context: CanvasRenderingContext2D, scene: PackingScene, frame: PackingFrame, colors: Colors): void {
  const { packing } = scene;
  context.fillStyle = colors("fg-2");
  context.textAlign = "right";
  for (const part of [0, 0.5, 1]) {
    const y = yOfOffset(frame, packing, packing.extent * part);
    context.fillText(formatBytes(Math.round(packing.extent * part)), frame.left - 6, y);
  }
  context.textAlign = "center";
  const every = Math.max(1, Math.ceil(packing.steps / Math.max(1, (frame.right - frame.left) / 34)));
  for (let step = 0; step < packing.steps; step += every) {
    const x = xOfStep(frame, packing, step + 0.5);
    context.fillStyle = colors("line");
    context.fillRect(Math.round(xOfStep(frame, packing, step)), frame.top, 1, frame.bottom - frame.top);
    context.fillStyle = colors("fg-2");
    context.fillText(String(step), x, frame.bottom + 10);
  }
  context.textAlign = "right";
  context.fillText("step", frame.left - 6, frame.bottom + 10);
  context.textAlign = "left";
  context.strokeStyle = colors("line-strong");
  context.lineWidth = 1;
  context.strokeRect(frame.left - 0.5, frame.top - 0.5, frame.right - frame.left, frame.bottom - frame.top + 1);
}

function drawBoxes(context: CanvasRenderingContext2D, scene: PackingScene, frame: PackingFrame, colors: Colors): void {
  const { packing, related } = scene;
  const color = colors(lifetimeColor(packing.slab.lifetime));
  for (const box of packing.boxes) {
    const x = xOfStep(frame, packing, box.start);
    const right = xOfStep(frame, packing, box.end + 1);
    const y = yOfOffset(frame, packing, box.offset + box.size);
    const bottom = yOfOffset(frame, packing, box.offset);
    const [w, boxHeight] = [Math.max(2, right - x - 1), Math.max(2, bottom - y - 1)];
    const lit = related.has(box.slice);
    context.globalAlpha = related.size && !lit ? 0.45 : 1;
    context.fillStyle = color;
    context.fillRect(x, y, w, boxHeight);
    context.globalAlpha = 1;
    if (lit) {
      context.strokeStyle = colors("fg");
      context.lineWidth = box.slice === scene.selected ? 3 : 2;
      context.strokeRect(x, y, w, boxHeight);
    }
    if (boxHeight < 13 || (related.size && !lit)) continue;
    context.fillStyle = colors("on-fill");
    context.fillText(fitText(`${box.name} ${formatBytes(box.size)}`, w - 8), x + 5, y + Math.min(boxHeight / 2, 12));
  }
}

function drawLine(
  context: CanvasRenderingContext2D,
  frame: PackingFrame,
  packing: Packing,
  bytes: number | null,
  label: string,
  color: string,
  background: string,
  side: "above" | "below",
): void {
  if (bytes === null) return;
  const y = Math.round(yOfOffset(frame, packing, bytes)) + 0.5;
  context.strokeStyle = color;
  context.lineWidth = 1.5;
  context.setLineDash(side === "above" ? [6, 3] : [2, 3]);
  context.beginPath();
  context.moveTo(frame.left, y);
  context.lineTo(frame.right, y);
  context.stroke();
  context.setLineDash([]);
  if (side === "below" && bytes === packing.slab.size_bytes) return; // one label for both
  const both = packing.slab.lower_bound_bytes === bytes && side === "above";
  const text = `${both ? "slab = lower bound" : label} ${formatBytes(bytes)}`;
  const textY = y + (side === "above" ? -9 : 10);
  const textWidth = context.measureText(text).width;
  context.fillStyle = background;
  if (side === "below") context.fillRect(frame.right - textWidth - 8, textY - 7, textWidth + 7, 14);
  context.fillStyle = color;
  context.textAlign = "right";
  context.fillText(text, frame.right - 4, textY);
  context.textAlign = "left";
}

function drawStrip(context: CanvasRenderingContext2D, scene: PackingScene, frame: PackingFrame, colors: Colors): void {
  const { packing } = scene;
  const height = frame.stripBottom - frame.stripTop;
  if (height <= 0) return;
  context.fillStyle = colors(lifetimeColor(packing.slab.lifetime));
  for (let step = 0; step < packing.steps; step++) {
    const x = xOfStep(frame, packing, step);
    const bar = (height * packing.live[step]) / packing.extent;
    context.fillRect(x, frame.stripBottom - bar, xOfStep(frame, packing, step + 1) - x + 0.5, bar);
  }
  context.fillStyle = colors("fg-2");
  context.textAlign = "right";
  context.fillText("live", frame.left - 6, frame.stripTop + 8);
  context.fillText(formatBytes(packing.peak), frame.left - 6, frame.stripTop + 22);
  context.textAlign = "left";
  context.fillStyle = colors("line");
  context.fillRect(frame.left, frame.stripBottom, frame.right - frame.left, 1);
}

function drawScrubber(context: CanvasRenderingContext2D, scene: PackingScene, frame: PackingFrame, colors: Colors): void {
  const x = xOfStep(frame, scene.packing, scene.step);
  const width = xOfStep(frame, scene.packing, scene.step + 1) - x;
  context.fillStyle = colors("accent");
  context.globalAlpha = 0.14;
  context.fillRect(x, frame.top, width, frame.stripBottom - frame.top);
  context.globalAlpha = 1;
  context.fillRect(x, frame.bottom + 18, width, 2);
}
