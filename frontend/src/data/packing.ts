/** One slab as rectangles of offset over time, and what is live at each step. Pure. */
import { shortName } from "./names.ts";
import type { Allocation, Slab, Slice } from "./model_types.ts";

export interface Box {
  /** Index into the model's slices. */
  slice: number;
  offset: number;
  size: number;
  /** First and last step, both inclusive. */
  start: number;
  end: number;
  /** What fills it first, or the slice's own name. */
  name: string;
}

export interface Packing {
  slab: Slab;
  boxes: Box[];
  steps: number;
  /** Bytes live at each step, and the largest of them. */
  live: Float64Array;
  peak: number;
  /** Bytes of the slab, or as far as its slices reach where it is sized at run time. */
  extent: number;
  /** Slices whose place or size is known only at run time. */
  dynamic: number;
}

/** Slabs worth drawing, the largest first; those that hold a single value are boxes too. */
export function slabsOf(model: Allocation): Slab[] {
  return [...model.slabs].sort(
    (a, b) => Number(b.packed) - Number(a.packed) || (b.size_bytes ?? 0) - (a.size_bytes ?? 0),
  );
}

export function packingOf(model: Pick<Allocation, "slices">, slab: Slab): Packing {
  const boxes: Box[] = [];
  let dynamic = 0;
  let steps = 1;
  model.slices.forEach((slice, i) => {
    if (slice.slab !== slab.index) return;
    steps = Math.max(steps, slice.end + 1);
    if (slice.offset_bytes === null || slice.size_bytes === null) dynamic++;
    else boxes.push(boxOf(slice, i));
  });
  const live = new Float64Array(steps);
  for (const box of boxes) for (let step = box.start; step <= box.end; step++) live[step] += box.size;
  const reach = boxes.reduce((most, box) => Math.max(most, box.offset + box.size), 0);
  return {
    slab,
    boxes,
    steps,
    live,
    peak: live.reduce((most, bytes) => Math.max(most, bytes), 0),
    extent: Math.max(slab.size_bytes ?? 0, reach, 1),
    dynamic,
  };
}

function boxOf(slice: Slice, index: number): Box {
  return {
    slice: index,
    offset: slice.offset_bytes ?? 0,
    size: slice.size_bytes ?? 0,
    start: slice.start,
    end: slice.end,
    name: shortName(slice.defined_by) || slice.name,
  };
}

export function liveAt(packing: Packing, step: number): Box[] {
  return packing.boxes
    .filter((box) => box.start <= step && step <= box.end)
    .sort((a, b) => a.offset - b.offset);
}

/** The box at a place, the smallest where several meet. */
export function boxAt(packing: Packing, step: number, offset: number): Box | null {
  const found = packing.boxes.filter(
    (box) => box.start <= step && step <= box.end && box.offset <= offset && offset < box.offset + box.size,
  );
  return found.sort((a, b) => a.size - b.size)[0] ?? null;
}

/** The next box in direction `by`, in order of time and then of offset. */
export function boxBeside(packing: Packing, slice: number | null, by: 1 | -1): Box | null {
  const order = [...packing.boxes].sort((a, b) => a.start - b.start || a.offset - b.offset);
  const at = order.findIndex((box) => box.slice === slice);
  return (at < 0 ? order[0] : order[Math.max(0, Math.min(order.length - 1, at + by))]) ?? null;
}
