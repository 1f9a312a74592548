/** Draws memory over the commands of the program, and beside it what a run was seen to use. */
import { formatBytes, formatNs } from "../data/format.ts";
import type { MemoryPlot } from "../data/memory.ts";
import { lifetimeColor } from "./allocation_draw.ts";
import { CANVAS_FONT, fitText, type Colors } from "./canvas_view.ts";

export interface MemoryFrame {
  left: number;
  /** End of the plan; behind it the observed part, where there is one. */
  right: number;
  top: number;
  bottom: number;
  observedLeft: number;
  observedRight: number;
}

export function memoryFrame(width: number, height: number, plot: MemoryPlot): MemoryFrame {
  const beside = plot.observed.length ? Math.min(340, width * 0.34) : 0;
  const right = width - 12 - (beside ? beside + 14 : 0);
  return { left: 64, right, top: 34, bottom: height - 22, observedLeft: right + 14, observedRight: width - 12 };
}

export function commandAt(frame: MemoryFrame, plot: MemoryPlot, x: number): number {
  const at = Math.floor(((x - frame.left) / (frame.right - frame.left)) * plot.commands);
  return at >= 0 && at < plot.commands ? at : -1;
}

export function drawMemory(
  context: CanvasRenderingContext2D,
  plot: MemoryPlot,
  step: number,
  width: number,
  height: number,
  colors: Colors,
): void {
  const frame = memoryFrame(width, height, plot);
  const most = Math.max(plot.peak, plot.observedPeak, 1);
  const y = (bytes: number) => frame.bottom - ((frame.bottom - frame.top) * bytes) / most;
  const x = (command: number) => frame.left + ((frame.right - frame.left) * command) / Math.max(1, plot.commands);
  context.font = CANVAS_FONT;
  context.textBaseline = "middle";
  drawScale(context, frame, most, y, colors);
  drawLayers(context, plot, x, y, colors);
  drawFunctions(context, plot, frame, x, colors);
  context.fillStyle = colors("accent");
  context.globalAlpha = 0.16;
  context.fillRect(x(step), frame.top, Math.max(2, x(step + 1) - x(step)), frame.bottom - frame.top);
  context.globalAlpha = 1;
  context.fillRect(x(step), frame.bottom + 2, Math.max(2, x(step + 1) - x(step)), 2);
  drawPeak(context, frame.left, frame.right, y(plot.peak), `peak ${formatBytes(plot.peak)}`, colors);
  if (plot.observed.length) drawObserved(context, plot, frame, y, colors);
}

function drawScale(
  context: CanvasRenderingContext2D,
  frame: MemoryFrame,
  most: number,
  y: (bytes: number) => number,
  colors: Colors,
): void {
  context.textAlign = "right";
  for (const part of [0, 0.5, 1]) {
    context.fillStyle = colors("fg-2");
    context.fillText(formatBytes(Math.round(most * part)), frame.left - 6, y(most * part));
    context.fillStyle = colors("line");
    context.fillRect(frame.left, Math.round(y(most * part)), frame.observedRight - frame.left, 1);
  }
  context.fillStyle = colors("fg-2");
  context.fillText("command", frame.left - 6, frame.bottom + 11);
  context.textAlign = "left";
}

/** Stacked from the bottom; the top of each layer is a line, so that it does not depend on colour. */
function drawLayers(
  context: CanvasRenderingContext2D,
  plot: MemoryPlot,
  x: (command: number) => number,
  y: (bytes: number) => number,
  colors: Colors,
): void {
  const base = new Float64Array(plot.commands);
  for (const { lifetime, bytes } of plot.layers) {
    context.fillStyle = colors(lifetimeColor(lifetime));
    for (let from = 0; from < plot.commands; ) {
      let to = from + 1;
      while (to < plot.commands && bytes[to] === bytes[from] && base[to] === base[from]) to++;
      const top = y(base[from] + bytes[from]);
      if (bytes[from]) context.fillRect(x(from), top, x(to) - x(from), y(base[from]) - top - 0.5);
      const label = fitText(`${lifetime} ${formatBytes(bytes[from])}`, x(to) - x(from) - 10);
      if (label && y(base[from]) - top > 14) {
        context.fillStyle = colors("on-fill");
        context.fillText(label, x(from) + 5, y(base[from]) - 10);
        context.fillStyle = colors(lifetimeColor(lifetime));
      }
      from = to;
    }
    if (lifetime === "transient") drawLive(context, plot, base, x, y, colors);
    for (let i = 0; i < plot.commands; i++) base[i] += bytes[i];
  }
}

/** How much of the transient memory slices use: what lies above the line is free for now. */
function drawLive(
  context: CanvasRenderingContext2D,
  plot: MemoryPlot,
  base: Float64Array,
  x: (command: number) => number,
  y: (bytes: number) => number,
  colors: Colors,
): void {
  context.fillStyle = colors("bg");
  context.globalAlpha = 0.5;
  for (let i = 0; i < plot.commands; i++) {
    const [top, line] = [y(base[i] + transientAt(plot, i)), y(base[i] + plot.live[i])];
    context.fillRect(x(i), top, x(i + 1) - x(i) + 0.3, Math.max(0, line - top));
  }
  context.globalAlpha = 1;
}

function transientAt(plot: MemoryPlot, command: number): number {
  return plot.layers.find(({ lifetime }) => lifetime === "transient")?.bytes[command] ?? 0;
}

function drawFunctions(
  context: CanvasRenderingContext2D,
  plot: MemoryPlot,
  frame: MemoryFrame,
  x: (command: number) => number,
  colors: Colors,
): void {
  for (const [name, first, count] of plot.functions) {
    const room = x(first + count) - x(first);
    context.fillStyle = colors("line-strong");
    context.fillRect(Math.round(x(first)), frame.top - 14, 1, frame.bottom - frame.top + 14);
    context.fillStyle = colors("fg-2");
    context.fillText(fitText(`@${name}`, room - 6), x(first) + 4, frame.top - 24);
    context.fillText(String(first), x(first) + 2, frame.bottom + 11);
  }
}

function drawPeak(
  context: CanvasRenderingContext2D,
  left: number,
  right: number,
  y: number,
  text: string,
  colors: Colors,
): void {
  context.strokeStyle = colors("err");
  context.lineWidth = 1.5;
  context.setLineDash([6, 3]);
  context.beginPath();
  context.moveTo(left, Math.round(y) + 0.5);
  context.lineTo(right, Math.round(y) + 0.5);
  context.stroke();
  context.setLineDash([]);
  context.textAlign = "right";
  context.fillStyle = colors("err");
  context.fillText(text, right - 4, y - 8);
  context.textAlign = "left";
}

function drawObserved(
  context: CanvasRenderingContext2D,
  plot: MemoryPlot,
  frame: MemoryFrame,
  y: (bytes: number) => number,
  colors: Colors,
): void {
  const { observedLeft: left, observedRight: right } = frame;
  const extent = Math.max(1, plot.observed[plot.observed.length - 1].ns) * 1.06;
  const x = (ns: number) => left + ((right - left) * ns) / extent;
  context.fillStyle = colors("k-alloca");
  plot.observed.forEach(({ ns, bytes }, i) => {
    const end = plot.observed[i + 1]?.ns ?? extent;
    context.fillRect(x(ns), y(bytes), Math.max(1, x(end) - x(ns)), frame.bottom - y(bytes));
  });
  context.fillStyle = colors("fg-2");
  context.fillText(fitText("observed in the run", right - left), left + 2, frame.top - 24);
  context.fillText("0", left, frame.bottom + 11);
  context.textAlign = "right";
  context.fillText(formatNs(extent), right, frame.bottom + 11);
  context.textAlign = "left";
  drawPeak(context, left, right, y(plot.observedPeak), `peak ${formatBytes(plot.observedPeak)}`, colors);
}
