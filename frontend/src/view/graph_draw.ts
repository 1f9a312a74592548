/** Draws the visible part of a stream graph. Knows nothing of input. */
import type { ShownGraph } from "../data/graph.ts";
import type { GraphLayout } from "../data/graph_layout.ts";
import { CANVAS_FONT, fitText, type Colors } from "./canvas_view.ts";

export const NODE_WIDTH = 164;
export const NODE_HEIGHT = 36;
export const RANK_HEIGHT = 58;
export const MARGIN = 30;
/** Labels of waves stand in a column of their own, which nodes pass under. */
export const GUTTER = 80;
const GAP = 12;
const MOST_TINT = 0.34;

export interface GraphScene {
  shown: ShownGraph;
  layout: GraphLayout;
  /** Screen x = (world x - left) * zoom. */
  left: number;
  top: number;
  zoom: number;
  selected: number;
  related: ReadonlySet<number>;
  matches: ReadonlySet<number> | null;
  /** Nodes of the critical path, and their places on it. */
  critical: ReadonlyMap<number, number>;
  /** From 0 to 1: length and strength of a node's bar. */
  weight: (node: number) => number;
  caption: (node: number) => string;
}

export function worldX(layout: GraphLayout, node: number): number {
  return layout.x[node] * (NODE_WIDTH + GAP);
}

export function worldY(rank: number): number {
  return MARGIN + rank * RANK_HEIGHT + NODE_HEIGHT / 2;
}

export function worldSize(scene: Pick<GraphScene, "layout" | "shown">): [number, number] {
  const width = scene.layout.width * (NODE_WIDTH + GAP);
  return [width, 2 * MARGIN + (scene.shown.rankCount - 1) * RANK_HEIGHT + NODE_HEIGHT];
}

export function drawGraph(
  context: CanvasRenderingContext2D,
  scene: GraphScene,
  width: number,
  height: number,
  colors: Colors,
): void {
  const { zoom } = scene;
  context.save();
  context.scale(zoom, zoom);
  context.translate(-scene.left, -scene.top);
  const view = { x0: scene.left, y0: scene.top, x1: scene.left + width / zoom, y1: scene.top + height / zoom };
  drawBands(context, scene, view, colors);
  drawWaits(context, scene, view, colors);
  drawEdges(context, scene, view, colors);
  drawNodes(context, scene, view, colors);
  context.restore();
  drawBandLabels(context, scene, height, colors);
}

interface Rect {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

function ranksIn(scene: GraphScene, view: Rect): [number, number] {
  const first = Math.floor((view.y0 - MARGIN) / RANK_HEIGHT);
  const last = Math.ceil((view.y1 - MARGIN) / RANK_HEIGHT);
  return [Math.max(0, first), Math.min(scene.shown.rankCount - 1, last)];
}

/** Every other wave has a ground of its own; a line stands where an execution begins. */
function drawBands(context: CanvasRenderingContext2D, scene: GraphScene, view: Rect, colors: Colors): void {
  if (scene.zoom < 0.2) return;
  const [first, last] = ranksIn(scene, view);
  const pad = (RANK_HEIGHT - NODE_HEIGHT) / 2;
  for (let rank = first; rank <= last; rank++) {
    const top = MARGIN + rank * RANK_HEIGHT - pad;
    if (rank % 2 === 0) {
      context.fillStyle = colors("bg-1");
      context.fillRect(view.x0, top, view.x1 - view.x0, RANK_HEIGHT);
    }
    if (!scene.shown.ranks[rank].first) continue;
    context.fillStyle = colors("line-strong");
    context.fillRect(view.x0, top, view.x1 - view.x0, 1 / scene.zoom);
  }
}

function drawBandLabels(context: CanvasRenderingContext2D, scene: GraphScene, height: number, colors: Colors): void {
  const bandHeight = RANK_HEIGHT * scene.zoom;
  if (bandHeight < 26) return;
  const view = { x0: 0, x1: 0, y0: scene.top, y1: scene.top + height / scene.zoom };
  const [first, last] = ranksIn(scene, view);
  context.font = CANVAS_FONT;
  context.textBaseline = "alphabetic";
  const pad = (RANK_HEIGHT - NODE_HEIGHT) / 2;
  for (let rank = first; rank <= last; rank++) {
    const top = (MARGIN + rank * RANK_HEIGHT - pad - scene.top) * scene.zoom;
    context.fillStyle = colors(rank % 2 === 0 ? "bg-1" : "bg");
    context.fillRect(0, top + 1, GUTTER - 4, bandHeight - 1);
    context.fillStyle = colors("fg-2");
    bandLines(scene, rank, Math.floor((bandHeight - 3) / LINE_HEIGHT)).forEach((line, i) => {
      context.fillText(fitText(line, GUTTER - 8), 5, top + 11 + i * LINE_HEIGHT);
    });
  }
}

const LINE_HEIGHT = 12;

/** What a wave is called, and where an execution begins that too, as far as there is room. */
function bandLines({ shown }: GraphScene, rank: number, most: number): string[] {
  const { label, execution, device, first } = shown.ranks[rank];
  if (!first) return [label];
  const fn = shown.nodes.find((node) => node.rank === rank)?.function ?? "";
  const lines = [`@${fn}`, `execution ${execution}`, device ? `on ${device}` : "", label].filter(Boolean);
  return lines.slice(Math.max(0, lines.length - most));
}

function drawEdges(context: CanvasRenderingContext2D, scene: GraphScene, view: Rect, colors: Colors): void {
  const { shown, layout, zoom } = scene;
  const emphasised: number[] = [];
  context.lineWidth = Math.max(0.7, 1 / zoom / 1.4);
  context.strokeStyle = colors("line-strong");
  context.globalAlpha = scene.related.size ? 0.4 : 0.75;
  context.beginPath();
  shown.edges.forEach((edge, i) => {
    const [r0, r1] = [shown.nodes[edge.from].rank, shown.nodes[edge.to].rank];
    if (worldY(Math.max(r0, r1)) < view.y0 || worldY(Math.min(r0, r1)) > view.y1) return;
    const lit = scene.related.has(edge.from) && scene.related.has(edge.to);
    const critical = scene.critical.get(edge.to) === (scene.critical.get(edge.from) ?? -2) + 1;
    if (lit || critical || edge.from === scene.selected || edge.to === scene.selected) emphasised.push(i);
    else traceEdge(context, layout, shown, i);
  });
  context.stroke();
  context.globalAlpha = 1;
  for (const i of emphasised) {
    const { from, to } = shown.edges[i];
    const near = from === scene.selected || to === scene.selected;
    context.strokeStyle = near ? colors("accent") : colors("warn");
    context.lineWidth = near ? 2 : 2.5;
    context.beginPath();
    traceEdge(context, layout, shown, i);
    context.stroke();
  }
}

/** Timepoints: what one execution awaits of another, dashed. */
function drawWaits(context: CanvasRenderingContext2D, scene: GraphScene, view: Rect, colors: Colors): void {
  const { shown, layout, zoom } = scene;
  context.strokeStyle = colors("fg-2");
  context.lineWidth = Math.max(1, 1 / zoom);
  context.setLineDash([5 / zoom, 4 / zoom]);
  context.beginPath();
  for (const { from, to } of shown.waits) {
    const [top, bottom] = [worldY(shown.nodes[from].rank) + NODE_HEIGHT / 2, worldY(shown.nodes[to].rank) - NODE_HEIGHT / 2];
    if (bottom < view.y0 || top > view.y1) continue;
    context.moveTo(worldX(layout, from) + 12, top);
    context.lineTo(worldX(layout, to) + 12, bottom);
  }
  context.stroke();
  context.setLineDash([]);
}

function traceEdge(context: CanvasRenderingContext2D, layout: GraphLayout, shown: ShownGraph, i: number): void {
  const { from, to } = shown.edges[i];
  const bends = layout.bends[i];
  let x = worldX(layout, from);
  let y = worldY(shown.nodes[from].rank) + NODE_HEIGHT / 2;
  context.moveTo(x, y);
  const curve = (toX: number, toY: number) => {
    const middle = (y + toY) / 2;
    context.bezierCurveTo(x, middle, toX, middle, toX, toY);
    [x, y] = [toX, toY];
  };
  for (let k = 0; k < bends.length; k += 2) {
    const bendX = bends[k] * (NODE_WIDTH + GAP);
    const bendY = worldY(bends[k + 1]);
    curve(bendX, bendY - NODE_HEIGHT / 2);
    context.lineTo(bendX, bendY + NODE_HEIGHT / 2);
    y = bendY + NODE_HEIGHT / 2;
  }
  curve(worldX(layout, to), worldY(shown.nodes[to].rank) - NODE_HEIGHT / 2);
}

function drawNodes(context: CanvasRenderingContext2D, scene: GraphScene, view: Rect, colors: Colors): void {
  const { shown, layout, zoom } = scene;
  const readable = zoom > 0.42;
  context.textBaseline = "middle";
  shown.nodes.forEach((node, i) => {
    const x = worldX(layout, i) - NODE_WIDTH / 2;
    const y = worldY(node.rank) - NODE_HEIGHT / 2;
    if (x > view.x1 || x + NODE_WIDTH < view.x0 || y > view.y1 || y + NODE_HEIGHT < view.y0) return;
    const matched = scene.matches?.has(i) ?? true;
    context.globalAlpha = matched ? 1 : 0.35;
    const lit = scene.related.has(i);
    context.fillStyle = lit ? colors("accent-bg") : colors("bg");
    context.fillRect(x, y, NODE_WIDTH, NODE_HEIGHT);
    const group = !node.key.startsWith("command");
    const weight = scene.weight(i);
    context.fillStyle = colors("k-dispatch");
    if (zoom > 0.2 && !lit) {
      // Light enough for the text to be read on the darkest.
      context.globalAlpha *= MOST_TINT * Math.sqrt(weight);
      context.fillRect(x, y, NODE_WIDTH, NODE_HEIGHT);
      context.globalAlpha = matched ? 1 : 0.35;
    }
    context.strokeStyle = colors("line-strong");
    if (group) context.strokeRect(x + 2.5, y + 2.5, NODE_WIDTH - 5, NODE_HEIGHT - 5);
    if (zoom > 0.2) context.fillRect(x, y + NODE_HEIGHT - 4, Math.max(2, NODE_WIDTH * weight), 4);
    else {
      context.globalAlpha *= 0.25 + 0.75 * weight;
      context.fillRect(x, y, NODE_WIDTH, NODE_HEIGHT);
      context.globalAlpha = 1;
    }
    const critical = scene.critical.has(i);
    context.strokeStyle = i === scene.selected ? colors("accent") : critical ? colors("warn") : colors("line-strong");
    context.lineWidth = i === scene.selected ? 3 : lit || critical ? 2 : 1;
    context.strokeRect(x + 0.5, y + 0.5, NODE_WIDTH - 1, NODE_HEIGHT - 1);
    if (!readable) return;
    context.font = CANVAS_FONT;
    context.fillStyle = colors("fg");
    context.fillText(fitText(group ? `▸ ${node.label}` : node.label, NODE_WIDTH - 14), x + 7, y + 11);
    context.fillStyle = weight > 0.25 ? colors("fg") : colors("fg-2");
    context.fillText(fitText(scene.caption(i), NODE_WIDTH - 14), x + 7, y + 24);
  });
  context.globalAlpha = 1;
}
