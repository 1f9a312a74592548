/** Hazards as arcs beside the list of commands. */
import type { BarrierList } from "../data/barrier_rows.ts";
import type { Colors } from "./canvas_view.ts";

export function drawArcs(
  context: CanvasRenderingContext2D,
  { arcs }: BarrierList,
  scrollTop: number,
  rowHeight: number,
  lit: ReadonlySet<number>,
  width: number,
  height: number,
  colors: Colors,
): void {
  const y = (row: number) => row * rowHeight - scrollTop + rowHeight / 2;
  const emphasised = arcs.filter((arc) => arc.missing || lit.has(arc.from) || lit.has(arc.to) || lit.has(arc.guard));
  const draw = (arc: BarrierList["arcs"][number]) => {
    const [top, bottom] = [y(arc.from), y(arc.to)];
    if (bottom < 0 || top > height) return;
    const reach = Math.min(width - 8, 8 + (arc.to - arc.from) * 2.2);
    context.beginPath();
    context.moveTo(width - 2, top);
    context.bezierCurveTo(width - 2 - reach * 1.25, top, width - 2 - reach * 1.25, bottom, width - 2, bottom);
    context.stroke();
  };
  context.strokeStyle = colors("line-strong");
  context.lineWidth = 1;
  context.globalAlpha = 0.55;
  for (const arc of arcs) draw(arc);
  context.globalAlpha = 1;
  for (const arc of emphasised) {
    context.strokeStyle = arc.missing ? colors("err") : colors("accent");
    context.lineWidth = 2;
    context.setLineDash(arc.missing ? [4, 3] : []);
    draw(arc);
  }
  context.setLineDash([]);
}
