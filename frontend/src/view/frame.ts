/** The four panes and the bars between them. Stacks them when the cell is narrow. */
import { Disposer, h } from "./dom.ts";
import type { Pane } from "./pane.ts";
import { Splitter } from "./splitter.ts";

export type PaneId = "steps" | "code" | "details" | "timeline";

const NARROW_PX = 900;

export class Frame {
  readonly element = h("div", { class: "il-frame" });
  private readonly collapsed = new Set<PaneId>();
  private readonly splitters: Splitter[];

  constructor(
    private readonly root: HTMLElement,
    private readonly panes: Record<PaneId, Pane>,
    disposer: Disposer,
  ) {
    const { element } = this;
    const width = () => element.clientWidth;
    const height = () => element.clientHeight;
    const steps = new Splitter(
      element,
      {
        orientation: "vertical",
        label: "Width of the steps",
        property: "--il-steps",
        size: 310,
        min: 150,
        max: () => Math.max(200, width() * 0.5),
        direction: 1,
        onToggle: () => this.toggle("steps"),
      },
      disposer,
    );
    const details = new Splitter(
      element,
      {
        orientation: "vertical",
        label: "Width of the details",
        property: "--il-details",
        size: 270,
        min: 150,
        max: () => Math.max(200, width() * 0.5),
        direction: -1,
        onToggle: () => this.toggle("details"),
      },
      disposer,
    );
    const timeline = new Splitter(
      element,
      {
        orientation: "horizontal",
        label: "Height of the timeline",
        property: "--il-timeline",
        size: 190,
        min: 70,
        max: () => Math.max(100, height() * 0.6),
        direction: -1,
        onToggle: () => this.toggle("timeline"),
      },
      disposer,
    );
    const top = new Splitter(
      element,
      {
        orientation: "horizontal",
        label: "Height of the steps",
        property: "--il-top",
        size: 230,
        min: 110,
        max: () => Math.max(150, height() * 0.5),
        direction: 1,
        onToggle: () => this.toggle("steps"),
      },
      disposer,
    );
    this.splitters = [steps, details, timeline, top];
    steps.element.classList.add("il-splitter-steps");
    details.element.classList.add("il-splitter-details");
    timeline.element.classList.add("il-splitter-timeline");
    top.element.classList.add("il-splitter-top");
    element.append(
      panes.steps.element,
      steps.element,
      top.element,
      panes.code.element,
      details.element,
      panes.details.element,
      timeline.element,
      panes.timeline.element,
    );
    disposer.observeSize(root, () => this.refit());
  }

  toggle(id: PaneId, collapsed = !this.collapsed.has(id)): void {
    if (collapsed) this.collapsed.add(id);
    else this.collapsed.delete(id);
    this.element.dataset.collapsed = [...this.collapsed].join(" ");
    this.panes[id].setCollapsed(collapsed);
  }

  private refit(): void {
    const { clientWidth } = this.root;
    if (!clientWidth) return; // in a hidden tab
    this.root.dataset.layout = clientWidth < NARROW_PX ? "narrow" : "wide";
    for (const splitter of this.splitters) splitter.refit();
  }
}
