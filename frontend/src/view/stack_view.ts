/** One stack of the workspace: tabs, the head of the pane shown, and its body. */
import type { Stack } from "../data/layout.ts";
import { button, h, KEYS } from "./dom.ts";
import type { Pane } from "./pane.ts";

export interface StackEvents {
  onActivate: (pane: string) => void;
  onCollapse: (pane: string) => void;
  onMenu: (pane: string, anchor: HTMLElement) => void;
  onDragStart: (pane: string, event: PointerEvent) => void;
}

export class StackView {
  readonly element: HTMLElement;
  readonly strip = h("div", { class: "il-tabs", role: "tablist" });
  private readonly head: HTMLElement;
  private readonly toolsSlot = h("div", { class: "il-head-slot" });
  private readonly bodySlot = h("div", { class: "il-body-slot" });
  private readonly tabs = new Map<string, HTMLButtonElement>();
  private readonly collapseButton: HTMLButtonElement;
  private stack: Stack;

  constructor(
    stack: Stack,
    private readonly panes: ReadonlyMap<string, Pane>,
    private readonly events: StackEvents,
  ) {
    this.stack = stack;
    const labels = stack.panes.map((id) => this.paneOf(id).options.label);
    this.strip.setAttribute("aria-label", labels.join(", "));
    for (const id of stack.panes) this.strip.append(this.tab(id));
    this.strip.addEventListener("keydown", (event) => this.onKey(event));
    const menu = button(
      "⋯",
      { class: "il-icon il-menu-button", title: "Arrange panes", "aria-label": "Arrange panes", "aria-haspopup": "menu" },
      () => events.onMenu(this.stack.active, menu),
    );
    this.collapseButton = button("", { class: "il-icon il-collapse" }, () =>
      events.onCollapse(this.stack.active),
    );
    const controls = h("div", { class: "il-controls" }, menu, this.collapseButton);
    this.head = h("div", { class: "il-pane-head" }, this.strip, this.toolsSlot, controls);
    this.element = h("section", { class: "il-pane" }, this.head, this.bodySlot);
    this.strip.classList.toggle("il-single-tab", stack.panes.length === 1);
    this.update(stack);
    this.strip.addEventListener("scroll", () => this.markOverflow(), { passive: true });
    requestAnimationFrame(() => { // it has a width once it is shown
      this.revealTab(this.stack.active);
      this.markOverflow();
    });
  }

  update(stack: Stack): void {
    const shown = this.paneOf(stack.active);
    const moved = this.bodySlot.firstChild !== shown.body;
    this.stack = stack;
    for (const [id, tab] of this.tabs) {
      tab.setAttribute("aria-selected", String(id === stack.active));
      tab.tabIndex = id === stack.active ? 0 : -1;
    }
    this.revealTab(stack.active);
    this.markOverflow();
    this.element.dataset.pane = stack.active;
    this.element.setAttribute("aria-label", shown.options.label);
    if (moved) {
      this.toolsSlot.replaceChildren(shown.head);
      this.bodySlot.replaceChildren(shown.body);
      shown.scroll.restore();
      if (!this.element.isConnected) requestAnimationFrame(() => shown.scroll.restore());
    }
    const verb = stack.collapsed ? "Expand" : "Collapse";
    const names = shown.options.label;
    this.collapseButton.title = `${verb} ${names}`;
    this.collapseButton.setAttribute("aria-label", this.collapseButton.title);
    this.collapseButton.setAttribute("aria-expanded", String(!stack.collapsed));
    this.element.dataset.collapsed = String(stack.collapsed === true);
  }

  /** Tabs may be more than there is room for. */
  private revealTab(id: string): void {
    const tab = this.tabs.get(id);
    if (!tab) return;
    const left = tab.offsetLeft - this.strip.offsetLeft;
    const right = left + tab.offsetWidth - this.strip.clientWidth;
    this.strip.scrollLeft = Math.max(Math.min(this.strip.scrollLeft, left), right);
  }

  /** Whether some tabs are out of sight. */
  get overflows(): boolean {
    return this.strip.scrollWidth > this.strip.clientWidth + 1;
  }

  /** Tabs that go on beyond an edge fade out there. */
  private markOverflow(): void {
    const { scrollLeft, scrollWidth, clientWidth } = this.strip;
    this.strip.classList.toggle("il-tabs-before", this.overflows && scrollLeft > 1);
    this.strip.classList.toggle("il-tabs-after", this.overflows && scrollLeft < scrollWidth - clientWidth - 1);
  }

  focusTab(): void {
    this.tabs.get(this.stack.active)?.focus();
  }

  /** The pane before which something dropped at this x belongs, or null for the end. */
  paneAfter(clientX: number): string | null {
    for (const [id, tab] of this.tabs) {
      const { left, width } = tab.getBoundingClientRect();
      if (clientX < left + width / 2) return id;
    }
    return null;
  }

  get first(): string {
    return this.stack.panes[0];
  }

  private paneOf(id: string): Pane {
    const pane = this.panes.get(id);
    if (!pane) throw new Error(`no pane ${id}`);
    return pane;
  }

  private tab(id: string): HTMLButtonElement {
    const { label, title } = this.paneOf(id).options;
    const attributes = {
      type: "button",
      role: "tab",
      class: "il-tab",
      title,
      "aria-controls": this.paneOf(id).body.id,
      "data-pane-tab": id,
      ...KEYS,
    };
    const element = h("button", attributes, label);
    element.addEventListener("click", () => this.events.onActivate(id));
    element.addEventListener("contextmenu", (event) => {
      event.preventDefault();
      this.events.onMenu(id, element);
    });
    element.addEventListener("pointerdown", (event) => {
      if (event.button === 0) this.events.onDragStart(id, event);
    });
    this.tabs.set(id, element);
    return element;
  }

  private onKey(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const ids = this.stack.panes;
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (by) {
      const next = ids[(ids.indexOf(this.stack.active) + by + ids.length) % ids.length];
      this.events.onActivate(next);
      this.tabs.get(next)?.focus();
    } else if (event.key === "F10" && event.shiftKey) {
      const tab = this.tabs.get(this.stack.active);
      if (tab) this.events.onMenu(this.stack.active, tab);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
