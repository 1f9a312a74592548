/** The op count over all steps, with the selected step marked; a click selects a step. */
import { formatCount, formatDelta, plural } from "../data/format.ts";
import { opCounts, sparkline } from "../data/op_counts.ts";
import type { Step } from "../data/types.ts";
import { h } from "./dom.ts";

const WIDTH = 280;
const HEIGHT = 30;
const SVG = "http://www.w3.org/2000/svg";

export class OpSparkline {
  readonly element = h("div", { class: "il-sparkline", hidden: true });
  private readonly marker = document.createElementNS(SVG, "line");
  private steps: readonly Step[] = [];
  private counts: Float64Array = new Float64Array();

  constructor(private readonly onSelect: (step: number) => void) {
    this.element.addEventListener("click", (event) => this.onSelect(this.stepAt(event)));
    this.element.addEventListener("pointermove", (event) => (this.element.title = this.describe(this.stepAt(event))));
  }

  setSteps(steps: readonly Step[]): void {
    this.steps = steps;
    this.counts = opCounts(steps);
    const changes = this.counts.some((count) => count !== 0);
    this.element.hidden = !changes;
    if (!changes) return;
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", this.summary());
    const line = document.createElementNS(SVG, "polyline");
    line.setAttribute("points", sparkline(this.counts, WIDTH, HEIGHT));
    line.setAttribute("class", "il-sparkline-line");
    this.marker.setAttribute("class", "il-sparkline-marker");
    this.marker.setAttribute("y1", "0");
    this.marker.setAttribute("y2", String(HEIGHT));
    svg.append(line, this.marker);
    this.element.replaceChildren(svg);
  }

  show(step: number | null): void {
    const x = step === null ? -10 : ((step + 0.5) / this.steps.length) * WIDTH;
    this.marker.setAttribute("x1", String(x));
    this.marker.setAttribute("x2", String(x));
  }

  private summary(): string {
    const most = this.counts.reduce((high, count) => Math.max(high, count), 0);
    const last = this.counts[this.counts.length - 1] ?? 0;
    return `Ops over ${plural(this.steps.length, "step")}: at most ${formatDelta(most)}, at the end ${formatDelta(last)} against the source`;
  }

  private stepAt(event: MouseEvent): number {
    const { left, width } = this.element.getBoundingClientRect();
    const at = Math.floor(((event.clientX - left) / width) * this.steps.length);
    return Math.max(0, Math.min(this.steps.length - 1, at));
  }

  private describe(step: number): string {
    const found = this.steps[step];
    return found ? `step ${formatCount(step + 1)} ${found.name}: ${formatDelta(this.counts[step])} ops against the source` : "";
  }
}
