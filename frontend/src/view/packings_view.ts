/** The packings of all sides at one scale: what moved, and whose peak is lower. */
import { refKind, refNumber, refOn, sideOf } from "../data/entities.ts";
import { formatBytes } from "../data/format.ts";
import { shortName } from "../data/names.ts";
import type { Allocation, Slab } from "../data/model_types.ts";
import { boxAt, packingOf, slabsOf, type Box, type Packing } from "../data/packing.ts";
import type { Compared } from "../data/types.ts";
import { drawPacking, packingFrame } from "./allocation_draw.ts";
import { CanvasView } from "./canvas_view.ts";
import { select } from "./controls.ts";
import { button, h } from "./dom.ts";
import { message, type PaneContext, type PaneView, type Selected } from "./model_pane.ts";
import type { Pane } from "./pane.ts";

interface Side {
  label: string;
  model: Allocation;
  packing: Packing | null;
  canvas: CanvasView;
  caption: HTMLElement;
}

/** Wraps the Allocation pane: a button changes between one plan and all of them. */
export function comparingPackings(pane: Pane, context: PaneContext, alone: PaneView, first: Allocation): PaneView {
  const { compared } = context.index;
  return compared ? new PackingsView(pane, context, alone, first, compared) : alone;
}

class PackingsView implements PaneView {
  private readonly element = h("div", { class: "il-packings" });
  private readonly toggle: HTMLButtonElement;
  private readonly choice = h("span", {});
  private readonly hint = h("output", { class: "il-ellipsis" });
  private readonly row = h("div", { class: "il-packings-row" });
  private sides: Side[] = [];
  /** What is marked: a slice of some side, told by what it holds. */
  private marked = "";
  private selected: Selected | null = null;
  private loading: Promise<void> | null = null;

  constructor(
    private readonly pane: Pane,
    private readonly context: PaneContext,
    private readonly alone: PaneView,
    private readonly first: Allocation,
    private readonly compared: Compared,
  ) {
    this.toggle = button("Side by side", { class: "il-toggle", title: "The packings of all sides at one scale" }, () =>
      this.compare(this.toggle.getAttribute("aria-pressed") !== "true"),
    );
    this.pane.tools.prepend(this.toggle);
    this.element.append(h("div", { class: "il-toolbar" }, this.choice, this.hint), this.row);
    this.pane.body.append(this.element);
    this.compare(true);
  }

  show(selected: Selected): void {
    this.alone.show(selected);
    this.selected = selected;
    this.mark();
    this.redraw();
  }

  private mark(): void {
    const { item, related } = this.selected ?? { item: null, related: [] };
    const found = [item ?? "", ...related].find((ref) => refKind(ref).split("@")[0] === "slice");
    const model = found && (sideOf(found) ? this.sides[sideOf(found)]?.model : this.first);
    if (model && model.slices[refNumber(found)]) this.marked = keyOf(model, refNumber(found));
    else if (!item) this.marked = "";
  }

  focus(): void {
    if (this.element.hidden) this.alone.focus();
    else this.sides[0]?.canvas.focus();
  }

  restyle(): void {
    this.alone.restyle();
    for (const { canvas } of this.sides) canvas.restyle();
  }

  dispose(): void {
    this.alone.dispose();
    for (const { canvas } of this.sides) canvas.dispose();
  }

  private compare(on: boolean): void {
    this.toggle.setAttribute("aria-pressed", String(on));
    this.element.hidden = !on;
    this.pane.body.classList.toggle("il-comparing", on);
    if (on) this.loading ??= this.load();
  }

  private async load(): Promise<void> {
    try {
      const others = this.compared.sides.map((_, i) => this.context.models.get<Allocation>(`allocation@${i + 1}`));
      const models = [this.first, ...(await Promise.all(others))];
      this.sides = models.map((model, i) => this.side(this.compared.labels[i], model, i));
      this.row.replaceChildren(
        ...this.sides.map(({ caption, canvas }) => h("div", { class: "il-packings-side" }, caption, canvas.element)),
      );
      const lifetimes = [...new Set(this.sides.flatMap(({ model }) => slabsOf(model).map(kindOf)))];
      this.mark();
      this.choose(lifetimes[0] ?? "", lifetimes);
    } catch (error) {
      this.loading = null;
      this.row.replaceChildren(message("failed", "The other sides have no allocation", error instanceof Error ? error.message : String(error)));
    }
  }

  private side(label: string, model: Allocation, number: number): Side {
    const canvas: CanvasView = new CanvasView({
      root: this.context.root,
      class: "il-packing-canvas",
      label: `Packing of ${label}: offset upwards, schedule steps to the right. Left and right select slices.`,
      draw: (context, width, height, colors) => {
        const { packing } = this.sides[number] ?? {};
        if (!packing) return;
        const marked = this.markedBox(this.sides[number]);
        const related = new Set(marked ? [marked.slice] : []);
        drawPacking(context, { packing, step: marked?.start ?? 0, related, selected: marked?.slice ?? null }, width, height, colors);
      },
    });
    canvas.disposer.listen(canvas.canvas, "click", (event) => this.pick(number, this.boxUnder(number, event)));
    canvas.disposer.listen(canvas.canvas, "pointermove", (event) => this.hover(number, event));
    canvas.disposer.listen(canvas.canvas, "keydown", (event) => this.onKey(number, event));
    return { label, model, packing: null, canvas, caption: h("p", { class: "il-model-summary" }) };
  }

  private choose(kind: string, kinds: readonly string[]): void {
    const options = kinds.map((one) => [one, one] as const);
    this.choice.replaceChildren(select("Slab", "Which allocation", options, kind, (value) => this.choose(value, kinds)));
    for (const side of this.sides) {
      const slab = slabsOf(side.model).find((one) => kindOf(one) === kind);
      side.packing = slab ? packingOf(side.model, slab) : null;
    }
    // One scale: the largest of all in both directions.
    const known = this.sides.flatMap(({ packing }) => (packing ? [packing] : []));
    const extent = Math.max(1, ...known.map((packing) => packing.extent));
    const steps = Math.max(1, ...known.map((packing) => packing.steps));
    for (const packing of known) widen(packing, extent, steps);
    for (const side of this.sides) side.caption.title = side.caption.textContent = caption(side, this.sides[0]);
    this.redraw();
  }

  private redraw(): void {
    for (const { canvas } of this.sides) canvas.redraw();
    this.hint.textContent = this.describe();
    this.hint.title = this.hint.textContent;
  }

  /** Where the marked slice lies in every side. */
  private describe(): string {
    if (!this.marked) return "Select a slice to find it in all sides";
    const places = this.sides.map((side) => {
      const box = this.markedBox(side);
      return box ? `${side.label} at ${formatBytes(box.offset)}, steps ${box.start}–${box.end}` : `${side.label} has none`;
    });
    return `${shortName(this.marked.split("\n")[1] ?? "")}: ${places.join(" · ")}`;
  }

  private markedBox({ model, packing }: Side): Box | null {
    return packing?.boxes.find((box) => keyOf(model, box.slice) === this.marked) ?? null;
  }

  /** What the first side has too is selected there, so that all panes follow. */
  private pick(number: number, box: Box | null): void {
    if (!box) return this.context.select(null);
    this.marked = keyOf(this.sides[number].model, box.slice);
    const mine = this.markedBox(this.sides[0]);
    this.context.select(mine ? `slice:${mine.slice}` : refOn(number, "slice", box.slice));
  }

  private boxUnder(number: number, { offsetX, offsetY }: MouseEvent): Box | null {
    const { canvas, packing } = this.sides[number];
    if (!packing) return null;
    const frame = packingFrame(canvas.width, canvas.height);
    const step = Math.floor(((offsetX - frame.left) / (frame.right - frame.left)) * packing.steps);
    const offset = ((frame.bottom - offsetY) / (frame.bottom - frame.top)) * packing.extent;
    return boxAt(packing, step, offset);
  }

  private hover(number: number, event: PointerEvent): void {
    const { canvas, model, label } = this.sides[number];
    const box = this.boxUnder(number, event);
    if (!box) return canvas.hideTooltip();
    const slice = model.slices[box.slice];
    canvas.showTooltip(
      event,
      h("div", { class: "il-card-head" }, `${label} · ${slice.name}`),
      h("div", {}, `${formatBytes(box.size)} at ${formatBytes(box.offset)}, steps ${box.start} to ${box.end}`),
      h("div", { class: "il-muted" }, `${slice.defined_by} → ${slice.last_used_by}`),
    );
  }

  private onKey(number: number, event: KeyboardEvent): void {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const { packing } = this.sides[number];
    if (!by || !packing || event.altKey || event.ctrlKey || event.metaKey) return;
    const order = [...packing.boxes].sort((a, b) => a.start - b.start || a.offset - b.offset);
    const marked = this.markedBox(this.sides[number]);
    const at = marked ? order.indexOf(marked) + by : 0;
    this.pick(number, order[Math.max(0, Math.min(order.length - 1, at))] ?? null);
    event.preventDefault();
    event.stopPropagation();
  }
}

function kindOf({ lifetime, function: name }: Slab): string {
  return `${lifetime} ${name}`;
}

/** What a slice holds, and its place among equal ones, as `il.compare` pairs slices. */
function keyOf(model: Allocation, number: number): string {
  const same = (i: number) => {
    const { defined_by, last_used_by, requested_bytes, slab } = model.slices[i];
    return `${model.slabs[slab].function}\n${defined_by}\n${last_used_by}\n${requested_bytes}`;
  };
  const own = same(number);
  let nth = 0;
  for (let i = 0; i < number; i++) if (same(i) === own) nth++;
  return `${own}\n${nth}`;
}

/** The same packing in a larger frame. */
function widen(packing: Packing, extent: number, steps: number): void {
  const live = new Float64Array(steps);
  live.set(packing.live);
  Object.assign(packing, { extent, steps, live });
}

function caption({ label, packing }: Side, first: Side): string {
  if (!packing) return `${label}: no such slab`;
  const { size_bytes: size, lower_bound_bytes: bound } = packing.slab;
  if (size === null) return `${label}: sized at run time`;
  const base = first.packing?.slab.size_bytes;
  const ratio = base && first.label !== label ? ` (${(size / base).toFixed(2)} of ${first.label})` : "";
  const waste = bound === null ? "" : `, lower bound ${formatBytes(bound)}, waste ${formatBytes(size - bound)}`;
  return `${label}: ${formatBytes(size)}${ratio}${waste}`;
}
