/** Dragging a pane's tab onto another stack, or to an edge of it. */
import type { Side } from "../data/layout.ts";
import { h } from "./dom.ts";
import type { StackView } from "./stack_view.ts";

export interface Drop {
  /** A pane of the stack that it lands on. */
  stack: string;
  /** null: as a tab, before `before` (null: last). */
  side: Side | null;
  before: string | null;
}

const START_PX = 6;
const EDGE = 0.28;

/** Follows the pointer until it is released; a drop is reported, Escape or a click is not. */
export function dragTab(
  frame: HTMLElement,
  stacks: readonly StackView[],
  down: PointerEvent,
  onDrop: (drop: Drop) => void,
): void {
  const tab = down.currentTarget as HTMLElement;
  const marker = h("div", { class: "il-drop", "aria-hidden": "true" });
  let drop: Drop | null = null;
  let dragging = false;
  tab.setPointerCapture(down.pointerId);

  const move = (event: PointerEvent) => {
    const distance = Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY);
    if (!dragging && distance < START_PX) return;
    if (!dragging) {
      dragging = true;
      tab.classList.add("il-dragged");
      frame.append(marker);
    }
    drop = dropAt(stacks, event.clientX, event.clientY);
    showMarker(frame, marker, stacks, drop);
  };
  const stop = (event: Event) => {
    tab.removeEventListener("pointermove", move);
    tab.removeEventListener("pointerup", stop);
    tab.removeEventListener("pointercancel", stop);
    tab.removeEventListener("keydown", onKey);
    tab.classList.remove("il-dragged");
    marker.remove();
    if (event.type === "pointerup" && dragging && drop) onDrop(drop);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Escape") stop(event);
  };
  tab.addEventListener("pointermove", move);
  tab.addEventListener("pointerup", stop);
  tab.addEventListener("pointercancel", stop);
  tab.addEventListener("keydown", onKey);
}

function dropAt(stacks: readonly StackView[], x: number, y: number): Drop | null {
  for (const view of stacks) {
    const box = view.element.getBoundingClientRect();
    if (x < box.left || x > box.right || y < box.top || y > box.bottom) continue;
    const strip = view.strip.getBoundingClientRect();
    if (y <= strip.bottom) return { stack: view.first, side: null, before: view.paneAfter(x) };
    const across = (x - box.left) / box.width;
    const down = (y - box.top) / box.height;
    const edges: [number, Side][] = [
      [across, "left"],
      [1 - across, "right"],
      [down, "above"],
      [1 - down, "below"],
    ];
    const [distance, side] = edges.sort((a, b) => a[0] - b[0])[0];
    return { stack: view.first, side: distance < EDGE ? side : null, before: null };
  }
  return null;
}

function showMarker(
  frame: HTMLElement,
  marker: HTMLElement,
  stacks: readonly StackView[],
  drop: Drop | null,
): void {
  const view = stacks.find((one) => one.first === drop?.stack);
  marker.hidden = !view;
  if (!view || !drop) return;
  const outer = frame.getBoundingClientRect();
  const box = view.element.getBoundingClientRect();
  const { side } = drop;
  const half = (whole: number) => (side ? whole / 2 : whole);
  const width = side === "left" || side === "right" ? half(box.width) : box.width;
  const height = side === "above" || side === "below" ? half(box.height) : box.height;
  const left = side === "right" ? box.right - width : box.left;
  const top = side === "below" ? box.bottom - height : box.top;
  marker.style.left = `${left - outer.left}px`;
  marker.style.top = `${top - outer.top}px`;
  marker.style.width = `${width}px`;
  marker.style.height = `${height}px`;
}
