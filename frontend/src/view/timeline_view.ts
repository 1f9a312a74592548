/** The timeline's canvas: zoom, pan, hover, selection, area statistics. */
import { formatBytes, formatNs, formatWorkgroups, plural } from "../data/format.ts";
import {
  hitTest,
  placeLabel,
  layoutTimeline,
  neighbour,
  statistics,
  type Statistics,
  type TimelineLayout,
} from "../data/timeline.ts";
import type { TimelineEvent } from "../data/types.ts";
import { Disposer, h, KEYS, treeOf } from "./dom.ts";
import { AXIS_HEIGHT, drawTimeline, readPalette, ROW_HEIGHT, rowAt, rowTops, type Palette } from "./timeline_draw.ts";

export interface TimelineViewEvents {
  onSelect: (event: number | null) => void;
  /** What is inside the dragged area, or null when there is none. */
  onArea: (area: Area | null) => void;
  /** What else there is to say of an area, in nanoseconds from the first event. */
  describeArea?: (from: number, to: number) => string;
  /** Puts the lanes of some events above others'. */
  rank?: (event: number) => number;
}

export interface Area {
  ns: number;
  found: Statistics;
  /** What else there is to say of it. */
  said: string;
}

const MIN_SPAN_NS = 20;
const MAX_RETRIES = 10;
const CLICK_SLACK_PX = 4;
const NARROW = 760;

export class TimelineView {
  readonly element: HTMLElement;
  private readonly canvas: HTMLCanvasElement;
  /** Makes the element scroll as far as there are rows; the canvas itself stays in view. */
  private readonly spacer = h("div", { class: "il-timeline-spacer" });
  private readonly tooltip = h("div", { class: "il-card il-timeline-tip", role: "tooltip", hidden: true });
  private readonly announcer = h("div", { class: "il-visually-hidden", "aria-live": "polite" });
  private readonly disposer = new Disposer();
  private readonly layout: TimelineLayout;
  private readonly tops: number[];
  private palette: Palette | null = null;
  private t0 = 0;
  private t1 = 1;
  private selected: number | null = null;
  private related: ReadonlySet<number> = new Set();
  private range: [number, number] | null = null;
  private frame = 0;
  private retries = 0;

  constructor(
    private readonly root: HTMLElement,
    private readonly events: readonly TimelineEvent[],
    private readonly handlers: TimelineViewEvents,
  ) {
    this.layout = layoutTimeline(events, handlers.rank);
    this.tops = rowTops(this.layout);
    this.canvas = h("canvas", {
      class: "il-timeline-canvas",
      tabindex: 0,
      role: "application",
      "aria-roledescription": "timeline",
      "aria-label":
        `Timeline of ${plural(events.length, "event")}. [ and ] select events, W and S zoom, ` +
        "A and D pan, F fits, M measures; a drag selects an area. The table shows the same as text.",
      ...KEYS,
    });
    this.element = h(
      "div",
      { class: "il-timeline" },
      this.canvas,
      this.spacer,
      this.tooltip,
      this.announcer,
    );
    this.showAll();
    this.listen();
  }

  /** Selects without telling anyone; scrolls the event into view when it is outside. */
  show(selected: number | null, related: ReadonlySet<number>): void {
    const moved = selected !== this.selected;
    this.selected = selected;
    this.related = related;
    if (moved && selected !== null) {
      this.revealSelected(selected);
      this.announce(selected);
    }
    this.redraw();
  }

  selectNeighbour(by: 1 | -1): void {
    const next = neighbour(this.layout, this.selected, by);
    if (next !== null) this.handlers.onSelect(next);
  }

  /** Fits the selected event, or everything when none is selected or it fits already. */
  fit(): void {
    const before = [this.t0, this.t1];
    if (this.selected === null) this.showAll();
    else {
      const [start, end] = this.timesOf(this.selected);
      const margin = Math.max((end - start) * 1.5, MIN_SPAN_NS);
      this.setWindow(start - margin, end + margin);
      if (before[0] === this.t0 && before[1] === this.t1) this.showAll();
    }
    this.redraw();
  }

  restyle(): void {
    this.palette = null;
    this.redraw();
  }

  focus(): void {
    this.canvas.focus({ preventScroll: true });
  }

  dispose(): void {
    cancelAnimationFrame(this.frame);
    this.disposer.dispose();
  }

  // --- geometry --------------------------------------------------------------------------

  private get contentHeight(): number {
    return this.tops[this.tops.length - 1];
  }

  private get gutter(): number {
    return this.canvas.clientWidth < NARROW ? 96 : 200;
  }

  private get scale(): number {
    return Math.max(1, this.canvas.clientWidth - this.gutter) / (this.t1 - this.t0);
  }

  private timeAt(x: number): number {
    return this.t0 + (x - this.gutter) / this.scale;
  }

  private timesOf(event: number): [number, number] {
    const { start_ns, end_ns } = this.events[event];
    return [start_ns - this.layout.originNs, end_ns - this.layout.originNs];
  }

  private rowUnder(y: number): number {
    return y < AXIS_HEIGHT ? -1 : rowAt(this.tops, y + this.element.scrollTop);
  }

  private eventAt(x: number, y: number): number {
    if (x < this.gutter) return -1;
    return hitTest(this.layout, this.rowUnder(y), this.timeAt(x), CLICK_SLACK_PX / this.scale);
  }

  private showAll(): void {
    const margin = this.layout.extentNs * 0.01;
    this.t0 = -margin;
    this.t1 = this.layout.extentNs + margin;
  }

  /** Keeps the window within the events, with some room around, and not absurdly small. */
  private setWindow(t0: number, t1: number): void {
    const room = this.layout.extentNs * 0.1;
    const span = Math.min(Math.max(t1 - t0, MIN_SPAN_NS), this.layout.extentNs + 2 * room);
    const middle = (t0 + t1) / 2;
    const from = Math.max(-room, Math.min(this.layout.extentNs + room - span, middle - span / 2));
    this.t0 = from;
    this.t1 = from + span;
    this.redraw();
  }

  private zoom(factor: number, x: number | null): void {
    const at = x === null ? (this.t0 + this.t1) / 2 : this.timeAt(Math.max(x, this.gutter));
    this.setWindow(at - (at - this.t0) * factor, at + (this.t1 - at) * factor);
  }

  private pan(fraction: number): void {
    const by = (this.t1 - this.t0) * fraction;
    this.setWindow(this.t0 + by, this.t1 + by);
  }

  private revealSelected(event: number): void {
    const [start, end] = this.timesOf(event);
    if (start > this.t1 || end < this.t0) {
      const half = (this.t1 - this.t0) / 2;
      this.setWindow((start + end) / 2 - half, (start + end) / 2 + half);
    }
    const top = this.tops[this.layout.rowOf[this.layout.boxes[event][0]]];
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop + AXIS_HEIGHT || top + ROW_HEIGHT > scrollTop + clientHeight)
      this.element.scrollTop = top - clientHeight / 2;
  }

  // --- drawing ---------------------------------------------------------------------------

  private redraw(): void {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.draw());
  }

  /**
   * JupyterLab hides cells for a frame, as when the theme changes: too short for a resize to be
   * noticed. What stays hidden is drawn when it gets a size again.
   */
  private retry(): void {
    if (this.retries++ < MAX_RETRIES) this.redraw();
  }

  private draw(): void {
    this.frame = 0;
    const width = this.canvas.clientWidth;
    const height = this.element.clientHeight;
    if (!width || !height) {
      this.retry();
      return;
    }
    this.retries = 0;
    const ratio = window.devicePixelRatio || 1;
    const { scrollTop } = this.element;
    this.canvas.style.height = `${height}px`;
    this.spacer.style.height = `${Math.max(0, this.contentHeight - height)}px`;
    if (this.canvas.width !== Math.round(width * ratio)) this.canvas.width = Math.round(width * ratio);
    if (this.canvas.height !== Math.round(height * ratio))
      this.canvas.height = Math.round(height * ratio);
    const context = this.canvas.getContext("2d", { alpha: false });
    if (!context) return;
    this.palette ??= readPalette(this.root);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    drawTimeline(context, {
      layout: this.layout,
      events: this.events,
      rowTops: this.tops.map((top) => top - scrollTop),
      t0: this.t0,
      t1: this.t1,
      width,
      height,
      gutter: this.gutter,
      selected: this.selected,
      related: this.related,
      range: this.range,
      palette: this.palette,
    });
  }

  // --- input -----------------------------------------------------------------------------

  private listen(): void {
    const { canvas, disposer } = this;
    disposer.observeSize(this.element, () => {
      this.retries = 0;
      this.redraw();
    });
    disposer.listen(this.element, "scroll", () => this.redraw(), { passive: true });
    disposer.listen(canvas, "wheel", (event) => this.onWheel(event), { passive: false });
    disposer.listen(canvas, "pointerdown", (event) => this.onPointerDown(event));
    disposer.listen(canvas, "pointermove", (event) => this.onHover(event));
    disposer.listen(canvas, "pointerleave", () => this.hideTooltip());
    disposer.listen(canvas, "dblclick", () => this.fit());
    disposer.listen(canvas, "keydown", (event) => this.onKey(event));
  }

  /** In a notebook the wheel scrolls the page, until the timeline has the focus (or Ctrl is held). */
  private onWheel(event: WheelEvent): void {
    const focused = treeOf(this.canvas).activeElement === this.canvas;
    if (!focused && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY))
      this.pan((event.deltaX || event.deltaY) / 1000);
    else this.zoom(Math.exp(event.deltaY * 0.002), event.offsetX);
    this.hideTooltip();
  }

  private onPointerDown(down: PointerEvent): void {
    if (down.button !== 0) return;
    this.canvas.setPointerCapture(down.pointerId);
    this.hideTooltip();
    const measuring = !down.shiftKey && down.offsetX >= this.gutter;
    const [t0, t1] = [this.t0, this.t1];
    let moved = false;
    const move = (event: PointerEvent) => {
      const distance = event.clientX - down.clientX;
      moved ||= Math.abs(distance) > 3;
      if (!moved) return;
      if (measuring) this.measure(this.timeAt(down.offsetX), this.timeAt(event.offsetX));
      else this.setWindow(t0 - distance / this.scale, t1 - distance / this.scale);
    };
    const stop = (event: PointerEvent) => {
      this.canvas.removeEventListener("pointermove", move);
      this.canvas.removeEventListener("pointerup", stop);
      this.canvas.removeEventListener("pointercancel", stop);
      if (!moved && event.type === "pointerup") this.onClick(event);
    };
    this.canvas.addEventListener("pointermove", move);
    this.canvas.addEventListener("pointerup", stop);
    this.canvas.addEventListener("pointercancel", stop);
  }

  private onClick(event: PointerEvent): void {
    this.clearArea();
    const hit = this.eventAt(event.offsetX, event.offsetY);
    this.handlers.onSelect(hit < 0 ? null : hit);
  }

  private measure(a: number, b: number): void {
    this.range = a < b ? [a, b] : [b, a];
    const [from, to] = this.range;
    const said = this.handlers.describeArea?.(from, to) ?? "";
    this.handlers.onArea({ ns: to - from, found: statistics(this.layout, this.events, from, to), said });
    this.redraw();
  }

  clearArea(): void {
    if (!this.range) return;
    this.range = null;
    this.handlers.onArea(null);
    this.redraw();
  }

  private onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const actions: Record<string, () => void> = {
      w: () => this.zoom(0.75, null),
      s: () => this.zoom(1 / 0.75, null),
      "+": () => this.zoom(0.75, null),
      "-": () => this.zoom(1 / 0.75, null),
      a: () => this.pan(-0.15),
      d: () => this.pan(0.15),
      f: () => this.fit(),
      m: () => this.selected !== null && this.measure(...this.timesOf(this.selected)),
      "0": () => {
        this.showAll();
        this.redraw();
      },
      ArrowRight: () => this.selectNeighbour(1),
      ArrowLeft: () => this.selectNeighbour(-1),
      Escape: () => {
        this.clearArea();
        this.handlers.onSelect(null);
      },
    };
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action) return;
    action();
    event.preventDefault();
    event.stopPropagation();
  }

  // --- tooltip ---------------------------------------------------------------------------

  private onHover(event: PointerEvent): void {
    if (event.buttons) return;
    const inGutter = event.offsetX < this.gutter;
    const row = inGutter ? this.rowUnder(event.offsetY) : -1;
    const lane = this.layout.lanes.find((one) => row >= one.row && row < one.row + one.rows);
    this.canvas.title = lane?.label ?? "";
    const hit = this.eventAt(event.offsetX, event.offsetY);
    this.canvas.style.cursor = inGutter ? "default" : hit < 0 ? "crosshair" : "pointer";
    if (hit < 0) {
      this.hideTooltip();
      return;
    }
    const shown = this.events[hit];
    const facts = [
      shown.kind,
      formatNs(shown.end_ns - shown.start_ns),
      shown.workgroups ? `${formatWorkgroups(shown.workgroups)} workgroups` : "",
      shown.bytes ? formatBytes(shown.bytes) : "",
    ].filter(Boolean);
    this.tooltip.replaceChildren(
      h("div", { class: "il-card-head" }, shown.name),
      h("div", {}, facts.join(" · ")),
      h("div", { class: "il-muted" }, placeLabel(shown)),
    );
    this.tooltip.hidden = false;
    this.placeTooltip(event);
  }

  private placeTooltip(event: PointerEvent): void {
    const { clientWidth, clientHeight, scrollTop } = this.element;
    const { offsetWidth, offsetHeight } = this.tooltip;
    const left = Math.max(4, Math.min(clientWidth - offsetWidth - 4, event.offsetX + 12));
    const below = event.offsetY + 16;
    const fits = below + offsetHeight <= clientHeight;
    const top = scrollTop + (fits ? below : Math.max(0, event.offsetY - offsetHeight - 10));
    this.tooltip.style.transform = `translate(${left}px, ${top}px)`;
  }

  private hideTooltip(): void {
    this.tooltip.hidden = true;
  }

  private announce(event: number): void {
    const { name, kind, start_ns, end_ns } = this.events[event];
    this.announcer.textContent = `${kind} ${name}, ${formatNs(end_ns - start_ns)}`;
  }
}
