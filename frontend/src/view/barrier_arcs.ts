/** Beside the list of commands: the bytes each touches, and hazards as arcs between them. */
import type { Arc, BarrierList } from "../data/barrier_rows.ts";
import { placeOf, type ByteMap } from "../data/byte_map.ts";
import type { CommandBuffer } from "../data/model_types.ts";
import type { Colors } from "./canvas_view.ts";

export interface ArcScene {
  list: BarrierList;
  maps: ReadonlyMap<CommandBuffer, ByteMap>;
  scrollTop: number;
  rowHeight: number;
  /** Rows whose hazards stand out. */
  lit: ReadonlySet<number>;
}

const MARGIN = 8;
const BAR = 7;

export function drawArcs(
  context: CanvasRenderingContext2D,
  scene: ArcScene,
  width: number,
  height: number,
  colors: Colors,
): void {
  const { list, rowHeight, lit } = scene;
  const y = (row: number) => row * rowHeight - scene.scrollTop + rowHeight / 2;
  const x = (place: number) => MARGIN + place * (width - 2 * MARGIN);
  const visible = (arc: Arc) => y(arc.to) >= 0 && y(arc.from) <= height;
  drawBytes(context, scene, x, y, height, colors);
  const stands = (arc: Arc) => arc.missing || lit.has(arc.from) || lit.has(arc.to) || lit.has(arc.guard);
  context.lineWidth = 1;
  context.strokeStyle = colors("line-strong");
  context.globalAlpha = 0.5;
  for (const arc of list.arcs) if (visible(arc) && !stands(arc)) drawArc(context, scene, arc, x, y);
  context.globalAlpha = 1;
  for (const arc of list.arcs) {
    if (!visible(arc) || !stands(arc)) continue;
    context.strokeStyle = arc.missing ? colors("err") : colors("accent");
    context.lineWidth = 2;
    context.setLineDash(arc.missing ? [4, 3] : []);
    drawArc(context, scene, arc, x, y);
  }
  context.setLineDash([]);
}

/** What is written is filled, what is only read is an outline. */
function drawBytes(
  context: CanvasRenderingContext2D,
  scene: ArcScene,
  x: (place: number) => number,
  y: (row: number) => number,
  height: number,
  colors: Colors,
): void {
  const first = Math.max(0, Math.floor(scene.scrollTop / scene.rowHeight));
  const last = Math.min(scene.list.rows.length - 1, Math.ceil((scene.scrollTop + height) / scene.rowHeight));
  context.lineWidth = 1;
  for (let row = first; row <= last; row++) {
    const found = scene.list.rows[row];
    const map = "buffer" in found ? scene.maps.get(found.buffer) : undefined;
    if (!map) continue;
    context.fillStyle = colors("bg-1");
    for (const { from, to } of map.lanes.values())
      context.fillRect(x(from), y(row) - scene.rowHeight / 2, Math.max(2, x(to) - x(from)), scene.rowHeight);
    if (found.kind !== "command") continue;
    context.fillStyle = context.strokeStyle = colors("k-dispatch");
    for (const access of found.command.accesses) {
      const place = placeOf(map, access);
      if (!place) continue;
      const [left, wide] = [x(place[0]), Math.max(2, x(place[1]) - x(place[0]) - 1)];
      if (access.access === "ro") context.strokeRect(left + 0.5, y(row) - BAR / 2 + 0.5, wide - 1, BAR - 1);
      else context.fillRect(left, y(row) - BAR / 2, wide, BAR);
    }
  }
}

/** From the bytes of the first command to the same bytes of the second. */
function drawArc(
  context: CanvasRenderingContext2D,
  scene: ArcScene,
  arc: Arc,
  x: (place: number) => number,
  y: (row: number) => number,
): void {
  const row = scene.list.rows[arc.from];
  const map = row && "buffer" in row ? scene.maps.get(row.buffer) : undefined;
  const place = map && placeOf(map, arc.hazard);
  if (!place) return;
  const middle = x((place[0] + place[1]) / 2);
  const [top, bottom] = [y(arc.from) + BAR / 2, y(arc.to) - BAR / 2];
  const bow = Math.min(26, 5 + (arc.to - arc.from) * 1.4);
  context.beginPath();
  context.moveTo(middle, top);
  context.bezierCurveTo(middle - bow, top + 6, middle - bow, bottom - 6, middle, bottom);
  context.stroke();
}
