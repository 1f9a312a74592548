/** The Allocation pane: one slab at a time, a scrubber over its steps, and what is live there. */
import { formatBytes, formatCount, plural } from "../data/format.ts";
import { slabDevices } from "../data/devices.ts";
import type { Allocation, Slab, Slice } from "../data/model_types.ts";
import { shortName } from "../data/names.ts";
import { boxAt, boxBeside, liveAt, packingOf, slabsOf, type Box, type Packing } from "../data/packing.ts";
import { functionAt, memoryPlot, spansAt, type MemoryPlot } from "../data/memory.ts";
import { drawPacking, lifetimeColor, packingFrame } from "./allocation_draw.ts";
import { CanvasView } from "./canvas_view.ts";
import { legendItem, select } from "./controls.ts";
import { button, h, KEYS } from "./dom.ts";
import { commandAt, drawMemory, memoryFrame } from "./memory_draw.ts";
import { message, NOTHING, type PaneContext, type PaneView, type Selected } from "./model_pane.ts";
import { comparingPackings } from "./packings_view.ts";
import type { Pane } from "./pane.ts";

/** Instead of a slab's index: all memory of the program. */
const PROGRAM = -1;
const ORIGINS: Record<string, string> = {
  alloca: "allocated in stream order",
  alloc: "allocated",
  try_map: "mapped from the program",
  import: "argument",
  global: "held from call to call",
};

export async function allocationPane(pane: Pane, context: PaneContext): Promise<PaneView> {
  const model = await context.models.get<Allocation>("allocation");
  await context.entities();
  return comparingPackings(pane, context, new AllocationPane(pane, context, model), model);
}

class AllocationPane implements PaneView {
  private readonly slabs: Slab[];
  private readonly canvas: CanvasView;
  private readonly scrubber: HTMLInputElement;
  private readonly stepLabel = h("output", { class: "il-number" });
  private readonly summary = h("p", { class: "il-model-summary" });
  private readonly live = h("div", { class: "il-live" });
  private readonly slabHost = h("span", { class: "il-slab-choice" });
  /** Which slab is shown; null while the whole program's memory is. */
  private packing: Packing | null = null;
  private readonly plot: MemoryPlot;
  private step = 0;
  private selected: Selected = NOTHING;

  constructor(
    pane: Pane,
    private readonly context: PaneContext,
    private readonly model: Allocation,
  ) {
    this.slabs = slabsOf(model);
    this.plot = memoryPlot(model);
    this.scrubber = h("input", { type: "range", class: "il-scrubber", min: 0, value: 0, "aria-label": "Step of the schedule", ...KEYS });
    this.scrubber.addEventListener("input", () => this.moveTo(Number(this.scrubber.value)));
    this.canvas = new CanvasView({
      root: context.root,
      class: "il-packing-canvas",
      label:
        "Slices of a slab: offset upwards, schedule steps to the right. Left and right move the " +
        "step, up and down select slices. What is live is listed below.",
      draw: (ctx, width, height, colors) => {
        if (this.packing) drawPacking(ctx, this.scene(this.packing), width, height, colors);
        else drawMemory(ctx, this.plot, this.step, width, height, colors);
      },
    });
    this.listen();
    const legend = h("div", { class: "il-legend il-legend-wrap" });
    for (const [lifetime, bytes] of Object.entries(model.by_lifetime))
      legend.append(legendItem(lifetimeColor(lifetime), `${lifetime} ${formatBytes(bytes)}`));
    const scrub = h("label", { class: "il-labelled il-grow" }, h("span", {}, "Step"), this.scrubber, this.stepLabel);
    pane.body.append(
      h("div", { class: "il-toolbar" }, this.slabHost, scrub),
      this.summary,
      this.canvas.element,
      h("div", { class: "il-model-foot" }, legend, this.live),
    );
    pane.body.classList.add("il-allocation");
    pane.setNote(
      model.transient_bytes === null
        ? `${plural(model.slices.length, "slice")} · sized at run time`
        : `transient ${formatBytes(model.transient_bytes)} · ${plural(model.slices.length, "slice")}`,
    );
    if (this.slabs.length) this.choose(this.slabs[0].index);
    else if (this.plot.spans.length) this.choose(PROGRAM);
    else pane.body.replaceChildren(message("empty", "Nothing is allocated", "All values are arguments, results or constants of the caller."));
  }

  show(selected: Selected): void {
    this.selected = selected;
    const slices = this.relatedSlices();
    const first = [...slices].map((i) => this.model.slices[i]).find((slice) => slice !== undefined);
    const shown = this.packing?.boxes.some((box) => slices.has(box.slice));
    const command = [...selected.related].find((ref) => ref.startsWith("command:"));
    if (!this.packing) {
      if (command) this.step = Math.min(this.steps - 1, Number(command.slice(8)));
      this.moveTo(this.step);
      return;
    }
    if (first && !shown) this.choose(first.slab);
    if (first && (this.step < first.start || this.step > first.end)) this.moveTo(first.start);
    this.redraw();
  }

  focus(): void {
    this.canvas.focus();
  }

  restyle(): void {
    this.canvas.restyle();
  }

  dispose(): void {
    this.canvas.dispose();
  }

  private relatedSlices(): ReadonlySet<number> {
    const found = new Set<number>();
    for (const ref of this.selected.related) if (ref.startsWith("slice:")) found.add(Number(ref.slice(6)));
    return found;
  }

  private get steps(): number {
    return Math.max(1, this.packing?.steps ?? this.plot.commands);
  }

  private choose(index: number): void {
    const slab = index === PROGRAM ? null : this.model.slabs[index];
    this.packing = slab && packingOf(this.model, slab);
    this.step = Math.min(this.step, this.steps - 1);
    this.scrubber.max = String(this.steps - 1);
    const options = this.slabs.map((one) => [String(one.index), slabLabel(one, slabDevices(this.model, one.index))] as const);
    const all = [[String(PROGRAM), "whole program over time"], ...options] as const;
    this.slabHost.replaceChildren(
      select("Show", "Which allocation, or all memory over time", all, String(index), (value) => this.choose(Number(value))),
    );
    const devices = slab ? slabDevices(this.model, slab.index) : "";
    this.summary.replaceChildren(
      ...(slab && this.packing ? summaryOf(slab, this.packing, devices) : programSummary(this.plot)),
    );
    this.moveTo(this.step);
  }

  private moveTo(step: number): void {
    this.step = Math.max(0, Math.min(this.steps - 1, step));
    this.scrubber.value = String(this.step);
    this.stepLabel.textContent = `${this.step} of ${this.steps - 1}`;
    this.redraw();
  }

  private scene(packing: Packing) {
    const { item } = this.selected;
    return {
      packing,
      step: this.step,
      related: this.relatedSlices(),
      selected: item?.startsWith("slice:") ? Number(item.slice(6)) : null,
    };
  }

  private redraw(): void {
    this.canvas.redraw();
    if (!this.packing) return this.showSpans();
    const related = this.relatedSlices();
    const boxes = liveAt(this.packing, this.step);
    const total = boxes.reduce((sum, box) => sum + box.size, 0);
    const rows = boxes.map((box) => this.liveRow(box, related.has(box.slice)));
    const none = this.packing.slab.packed ? "Nothing is live at this step." : "One value fills this allocation.";
    this.live.replaceChildren(
      h("h4", {}, `Live at step ${this.step}: ${formatBytes(total)}`),
      rows.length ? h("ul", {}, ...rows) : h("p", { class: "il-muted" }, none),
    );
  }

  private showSpans(): void {
    const spans = spansAt(this.plot, this.step);
    const rows = spans.map(({ id, lifetime, origin, size_bytes }) =>
      h(
        "li",
        { class: "il-live-row", title: id },
        h("span", { class: "il-label" }, `${id} `, h("span", { class: "il-symbol" }, `${lifetime} · ${ORIGINS[origin] ?? origin}`)),
        h("span", { class: "il-time" }, size_bytes === null ? "at run time" : formatBytes(size_bytes)),
      ),
    );
    const total = this.plot.total[this.step] ?? 0;
    const where = functionAt(this.plot, this.step);
    this.live.replaceChildren(
      h("h4", {}, `At command ${this.step} of @${where}: ${formatBytes(total)} in ${plural(spans.length, "buffer")}`),
      h("ul", {}, ...rows),
    );
  }

  private liveRow(box: Box, related: boolean): HTMLElement {
    const slice: Slice = this.model.slices[box.slice];
    const range = `[${formatCount(box.offset)}, ${formatCount(box.offset + box.size)})`;
    const row = button(
      "",
      {
        class: `il-live-row${related ? " il-selected" : ""}`,
        "aria-pressed": String(related),
        title: `${slice.name}\ndefined by ${slice.defined_by}\nlast used by ${slice.last_used_by}`,
      },
      () => this.context.select(`slice:${box.slice}`),
    );
    row.append(
      h(
        "span",
        { class: "il-label" },
        `${slice.name} `,
        h("span", { class: "il-symbol" }, shortName(slice.defined_by), slice.in_place.length ? ` ↻ ${inPlaceText(slice)}` : ""),
      ),
      h("span", { class: "il-time" }, range),
      h("span", { class: "il-time" }, formatBytes(box.size)),
    );
    return h("li", {}, row);
  }

  // --- input -----------------------------------------------------------------------------

  private listen(): void {
    const { canvas, disposer } = this.canvas;
    disposer.listen(canvas, "pointermove", (event) => this.onHover(event));
    disposer.listen(canvas, "click", (event) => {
      if (!this.packing) {
        const command = commandAt(memoryFrame(this.canvas.width, this.canvas.height, this.plot), this.plot, event.offsetX);
        if (command >= 0) this.moveTo(command);
        return;
      }
      const at = this.placeAt(event);
      if (!at) return;
      this.moveTo(at.step);
      const box = boxAt(this.packing, at.step, at.offset);
      this.context.select(box ? `slice:${box.slice}` : null);
    });
    disposer.listen(canvas, "keydown", (event) => this.onKey(event));
  }

  private placeAt(event: { offsetX: number; offsetY: number }): { step: number; offset: number } | null {
    if (!this.packing) return null;
    const frame = packingFrame(this.canvas.width, this.canvas.height);
    const across = (event.offsetX - frame.left) / (frame.right - frame.left);
    const up = (frame.bottom - event.offsetY) / (frame.bottom - frame.top);
    if (across < 0 || across >= 1) return null;
    return { step: Math.floor(across * this.packing.steps), offset: up * this.packing.extent };
  }

  private onHover(event: PointerEvent): void {
    const at = this.placeAt(event);
    const box = at && this.packing ? boxAt(this.packing, at.step, at.offset) : null;
    this.canvas.canvas.style.cursor = box ? "pointer" : "default";
    if (!box) return this.canvas.hideTooltip();
    const slice = this.model.slices[box.slice];
    this.canvas.showTooltip(
      event,
      h("div", { class: "il-card-head" }, slice.name),
      h("div", {}, `${formatBytes(box.size)} at ${formatCount(box.offset)}, steps ${box.start} to ${box.end}`),
      h("div", { class: "il-muted" }, `defined by ${shortName(slice.defined_by) || "nothing"}`),
      h("div", { class: "il-muted" }, `last used by ${shortName(slice.last_used_by) || "nothing"}`),
      ...(slice.in_place.length ? [h("div", {}, `↻ ${inPlaceText(slice)}`)] : []),
    );
  }

  private onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { item } = this.selected;
    const own = item?.startsWith("slice:") ? Number(item.slice(6)) : ([...this.relatedSlices()][0] ?? null);
    const beside = (by: 1 | -1) => {
      const box = this.packing && boxBeside(this.packing, own, by);
      if (box) this.context.select(`slice:${box.slice}`);
    };
    const actions: Record<string, () => void> = {
      ArrowRight: () => this.moveTo(this.step + 1),
      ArrowLeft: () => this.moveTo(this.step - 1),
      ArrowDown: () => beside(1),
      ArrowUp: () => beside(-1),
      Escape: () => this.context.select(null),
    };
    const action = actions[event.key];
    if (!action) return;
    action();
    event.preventDefault();
    event.stopPropagation();
  }
}

function inPlaceText(slice: Slice): string {
  return `updated in place by ${plural(slice.in_place.length, "command")}`;
}

function programSummary(plot: MemoryPlot): (Node | string)[] {
  const bytes = (value: number) => h("b", {}, formatBytes(value));
  const parts: (Node | string)[] = ["whole program · peak ", bytes(plot.peak)];
  if (plot.observed.length) parts.push(" · observed ", bytes(plot.observedPeak), " (arguments and globals not counted)");
  if (plot.live.some((bytes) => bytes > 0)) parts.push(" · pale: transient memory that no slice uses then");
  if (plot.dynamic) parts.push(` · ${plural(plot.dynamic, "buffer")} sized at run time`);
  return parts;
}

function slabLabel(slab: Slab, devices: string): string {
  const size = slab.size_bytes === null ? "dynamic" : formatBytes(slab.size_bytes);
  const place = devices ? ` · on ${devices}` : "";
  return `${slab.scope} ${size}${place} · ${slab.resource}`;
}

function summaryOf(slab: Slab, packing: Packing, devices: string): (Node | string)[] {
  const bytes = (value: number | null) => h("b", {}, value === null ? "at run time" : formatBytes(value));
  const size = [`${slab.scope} `, bytes(slab.size_bytes), devices ? ` on ${devices}` : ""];
  const parts: (Node | string)[] = [...size, " · lower bound ", bytes(slab.lower_bound_bytes)];
  if (slab.waste_bytes !== null && slab.size_bytes) {
    const percent = (100 * slab.waste_bytes) / slab.size_bytes;
    const verdict = slab.waste_bytes === 0 ? "optimal" : `waste ${formatBytes(slab.waste_bytes)} (${percent.toFixed(0)} %)`;
    const kind = slab.waste_bytes === 0 ? "il-good" : "il-warned";
    parts.push(" · ", h("span", { class: kind }, verdict));
  }
  if (packing.dynamic) parts.push(` · ${plural(packing.dynamic, "slice")} placed at run time`);
  return parts;
}
