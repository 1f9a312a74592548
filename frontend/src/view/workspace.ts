/** All panes in their arrangement: stacks, the bars between them, moving panes about. */
import {
  activate,
  addTab,
  narrowed,
  panesOf,
  place,
  resize,
  setCollapsed,
  stackOf,
  stacksOf,
  visiblePanes,
  without,
  type Layout,
  type Path,
  type Side,
} from "../data/layout.ts";
import { Disposer, h } from "./dom.ts";
import { openMenu, SEPARATOR, type MenuItem } from "./menu.ts";
import type { Pane } from "./pane.ts";
import { Splitter } from "./splitter.ts";
import { StackView } from "./stack_view.ts";
import { dragTab } from "./tab_drag.ts";

const NARROW_PX = 900;

export interface WorkspaceEvents {
  /** The arrangement, or which panes are in view, has changed. */
  onLayout: (layout: Layout) => void;
}

export class Workspace {
  readonly element = h("div", { class: "il-frame" });
  private readonly stacks = new Map<string, StackView>();
  private built = new Disposer();
  private shape = "";
  /** What one pane alone fills for a while; the arrangement stays underneath. */
  private maximized: string | null = null;
  private narrow: Layout | null = null;
  private outOfSight = false;

  constructor(
    private readonly root: HTMLElement,
    private readonly panes: ReadonlyMap<string, Pane>,
    private wide: Layout,
    private readonly events: WorkspaceEvents,
    disposer: Disposer,
  ) {
    disposer.observeSize(root, () => this.refit());
    disposer.add(() => this.built.dispose());
    this.refit();
    this.render();
  }

  get layout(): Layout {
    return this.wide;
  }

  get visible(): string[] {
    return this.maximized ? [this.maximized] : visiblePanes(this.shown);
  }

  setLayout(layout: Layout): void {
    if (JSON.stringify(layout) === JSON.stringify(this.wide)) return;
    this.wide = layout;
    if (this.narrow) this.narrow = narrowed(layout);
    this.changed();
  }

  /** Brings a pane into view, wherever it is, adding it beside another one when it is closed. */
  reveal(pane: string, beside = "details"): void {
    if (this.maximized && this.maximized !== pane) this.maximized = null;
    if (!stackOf(this.wide, pane)) {
      const stacks = stacksOf(this.wide);
      const home = stackOf(this.wide, beside) ?? stacks[stacks.length - 1];
      this.wide = addTab(this.wide, pane, home.panes[0]);
      if (this.narrow) this.narrow = narrowed(this.wide);
    }
    this.change((layout) => activate(layout, pane));
  }

  toggleCollapsed(pane: string, collapsed = !stackOf(this.shown, pane)?.collapsed): void {
    this.change((layout) => setCollapsed(layout, pane, collapsed));
  }

  toggleMaximized(pane: string): void {
    this.maximized = this.maximized === pane ? null : pane;
    this.changed();
  }

  /** Focus on the tab of a pane, from where arrows and Shift+F10 go on. */
  private focusTab(pane: string): void {
    const stack = stackOf(this.shown, pane);
    if (stack) this.stacks.get(stack.panes[0])?.focusTab();
  }

  private get shown(): Layout {
    return this.narrow ?? this.wide;
  }

  /** Applies a change to the arrangement and, in a narrow cell, to the one shown there. */
  private change(operation: (layout: Layout) => Layout): void {
    this.wide = operation(this.wide);
    if (this.narrow) this.narrow = operation(this.narrow);
    this.changed();
  }

  /** Moves a pane; the focus goes with it, or to a neighbour where it was closed. */
  private move(pane: string, operation: (layout: Layout) => Layout): void {
    const neighbour = stackOf(this.wide, pane)?.panes.find((one) => one !== pane);
    this.wide = operation(this.wide);
    if (this.narrow) this.narrow = narrowed(this.wide);
    this.changed();
    const kept = [pane, neighbour].find((one) => one && stackOf(this.wide, one));
    this.focusTab(kept ?? panesOf(this.wide)[0]);
  }

  private changed(): void {
    this.render();
    this.events.onLayout(this.wide);
  }

  private refit(): void {
    const { clientWidth } = this.root;
    const returned = this.outOfSight && clientWidth > 0;
    this.outOfSight = !clientWidth; // in a hidden tab, or in a cell that the notebook took out
    if (!clientWidth) return;
    if (returned) for (const id of this.visible) this.panes.get(id)?.scroll.restore();
    const isNarrow = clientWidth < NARROW_PX;
    this.root.dataset.layout = isNarrow ? "narrow" : "wide";
    if (isNarrow === (this.narrow !== null)) return;
    this.narrow = isNarrow ? narrowed(this.wide) : null;
    if (this.shape) this.changed();
  }

  // --- drawing ---------------------------------------------------------------------------

  private render(): void {
    const layout: Layout = this.maximized
      ? { kind: "stack", panes: [this.maximized], active: this.maximized }
      : this.shown;
    const shape = shapeOf(layout);
    if (shape !== this.shape) {
      this.shape = shape;
      this.built.dispose();
      this.built = new Disposer();
      this.stacks.clear();
      this.element.replaceChildren(this.build(layout, []));
    }
    for (const stack of stacksOf(layout)) this.stacks.get(stack.panes[0])?.update(stack);
    this.applySizes(layout, this.element.firstElementChild as HTMLElement);
  }

  private build(layout: Layout, path: Path): HTMLElement {
    if (layout.kind === "stack") {
      const view = new StackView(layout, this.panes, {
        onActivate: (pane) => this.change((now) => activate(now, pane)),
        onCollapse: (pane) => (this.maximized ? this.toggleMaximized(pane) : this.toggleCollapsed(pane)),
        onMenu: (pane, anchor) => this.openMenu(pane, anchor),
        onDragStart: (pane, event) => this.startDrag(pane, event),
      });
      this.stacks.set(layout.panes[0], view);
      return view.element;
    }
    const element = h("div", { class: `il-split il-split-${layout.kind}` });
    layout.children.forEach((child, i) => {
      if (i) element.append(this.splitter(element, layout.kind, path, i));
      element.append(this.build(child, [...path, i]));
    });
    return element;
  }

  private splitter(host: HTMLElement, kind: "row" | "column", path: Path, after: number): HTMLElement {
    const parts = () => [...host.children].filter((_, i) => i % 2 === 0) as HTMLElement[];
    const length = (one: HTMLElement) => (kind === "row" ? one.offsetWidth : one.offsetHeight);
    const label = (side: number) => this.labelOf([...path, side]);
    const bar = new Splitter(
      {
        orientation: kind === "row" ? "vertical" : "horizontal",
        label: `Between ${label(after - 1)} and ${label(after)}`,
        measure: () => [length(parts()[after - 1]), length(parts()[after])],
        onResize: (before, behind) => {
          const sizes = parts().map(length);
          sizes[after - 1] = before;
          sizes[after] = behind;
          const shown = resize(this.shown, path, sizes.map((size) => Math.max(1, Math.round(size))));
          if (this.narrow) this.narrow = shown;
          else this.wide = shown;
          this.changed();
        },
        onToggle: () => this.toggleCollapsed(this.firstPane([...path, after === 1 ? 0 : after])),
      },
      this.built,
    );
    return bar.element;
  }

  private applySizes(layout: Layout, element: HTMLElement): void {
    if (layout.kind === "stack") return;
    layout.children.forEach((child, i) => {
      const part = element.children[2 * i] as HTMLElement;
      const closed = child.kind === "stack" && child.collapsed === true;
      part.style.flex = closed ? "0 0 auto" : `${layout.sizes[i]} 1 0px`;
      part.dataset.closed = closed ? layout.kind : "";
      this.applySizes(child, part);
    });
  }

  private at(path: Path): Layout {
    return path.reduce<Layout>((node, i) => (node.kind === "stack" ? node : node.children[i]), this.shown);
  }

  private firstPane(path: Path): string {
    return panesOf(this.at(path))[0];
  }

  private labelOf(path: Path): string {
    return stacksOf(this.at(path))
      .map((one) => this.panes.get(one.active)?.options.label ?? one.active)
      .join(", ");
  }

  // --- arranging -------------------------------------------------------------------------

  private openMenu(pane: string, anchor: HTMLElement): void {
    const label = this.panes.get(pane)?.options.label ?? pane;
    const alone = stackOf(this.wide, pane)?.panes.length === 1;
    const beside = (name: string, side: Side): MenuItem => ({
      label: `Move ${name}`,
      disabled: alone || this.narrow !== null,
      run: () => this.move(pane, (now) => place(now, pane, pane, side)),
    });
    const others = stacksOf(this.wide).filter((one) => !one.panes.includes(pane));
    const closed = [...this.panes.keys()].filter((id) => !stackOf(this.wide, id));
    const name = (id: string) => this.panes.get(id)?.options.label ?? id;
    const stack = stackOf(this.shown, pane);
    const hidden = stack && this.stacks.get(stack.panes[0])?.overflows ? stack.panes.filter((id) => id !== stack.active) : [];
    const items: MenuItem[] = [
      ...hidden.map((id) => ({ label: `Go to ${name(id)}`, run: () => this.reveal(id) })),
      ...(hidden.length ? [SEPARATOR] : []),
      { label: this.maximized ? "Restore" : "Fill the explorer", run: () => this.toggleMaximized(pane) },
      SEPARATOR,
      beside("to the left", "left"),
      beside("to the right", "right"),
      beside("above", "above"),
      beside("below", "below"),
      ...others.map((one) => ({
        label: `Move beside ${name(one.active)}`,
        run: () => this.move(pane, (now) => addTab(now, pane, one.panes[0])),
      })),
      SEPARATOR,
      {
        label: `Close ${label}`,
        disabled: panesOf(this.wide).length === 1,
        run: () => this.move(pane, (now) => without(now, pane) ?? now),
      },
      ...(closed.length ? [SEPARATOR] : []),
      ...closed.map((id) => ({ label: `Show ${name(id)}`, run: () => this.reveal(id) })),
    ];
    openMenu(this.root, anchor, `Arrange ${label}`, items);
  }

  private startDrag(pane: string, down: PointerEvent): void {
    if (this.narrow || this.maximized) return;
    dragTab(this.element, [...this.stacks.values()], down, (drop) => {
      this.move(pane, (now) =>
        drop.side === null
          ? drop.before === pane
            ? now
            : addTab(now, pane, besideOf(now, drop.stack, pane), drop.before)
          : place(now, pane, drop.stack, drop.side),
      );
    });
  }
}

/** A pane of the stack that is not the one being moved. */
function besideOf(layout: Layout, target: string, pane: string): string {
  return stackOf(layout, target)?.panes.find((one) => one !== pane) ?? target;
}


/** Two layouts of one shape differ only in sizes, active tabs and what is collapsed. */
function shapeOf(layout: Layout): string {
  if (layout.kind === "stack") return `[${layout.panes.join(" ")}]`;
  return `${layout.kind}(${layout.children.map(shapeOf).join(",")})`;
}
