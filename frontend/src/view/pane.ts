/** A pane of the frame: a head with a title or tabs, tools, a collapse button; and a body. */
import { button, h, KEYS, uniqueId } from "./dom.ts";

export interface Tab {
  id: string;
  label: string;
  title: string;
}

export interface PaneOptions {
  id: "steps" | "code" | "details" | "timeline";
  label: string;
  tabs: readonly Tab[];
  onTab?: (id: string) => void;
  onCollapse?: () => void;
}

export class Pane {
  readonly element: HTMLElement;
  readonly tools = h("div", { class: "il-tools" });
  readonly note = h("div", { class: "il-note" });
  readonly body = h("div", { class: "il-pane-body" });
  private readonly tabButtons = new Map<string, HTMLButtonElement>();
  private readonly strip = h("div", { class: "il-tabs", role: "tablist" });
  private readonly collapseButton: HTMLButtonElement | null;

  constructor(private readonly options: PaneOptions) {
    this.strip.setAttribute("aria-label", options.label);
    this.body.id = uniqueId(options.id);
    for (const tab of options.tabs) this.addTab(tab);
    this.strip.addEventListener("keydown", (event) => this.onKey(event));
    const { onCollapse } = options;
    this.collapseButton = onCollapse
      ? button("", { class: "il-icon il-collapse", "data-il": `collapse-${options.id}` }, onCollapse)
      : null;
    const head = h("div", { class: "il-pane-head" }, this.strip, this.note, this.tools);
    if (this.collapseButton) head.append(this.collapseButton);
    this.element = h(
      "section",
      { class: `il-pane il-pane-${options.id}`, "aria-label": options.label, "data-pane": options.id },
      head,
      this.body,
    );
    if (options.tabs.length === 1) this.strip.classList.add("il-single-tab");
    this.setCollapsed(false);
  }

  setTab(id: string): void {
    for (const [name, tab] of this.tabButtons) {
      tab.setAttribute("aria-selected", String(name === id));
      tab.tabIndex = name === id ? 0 : -1;
    }
  }

  setTabLabel(id: string, label: string): void {
    const tab = this.tabButtons.get(id);
    if (tab) tab.textContent = label;
  }

  showTab(id: string, shown: boolean): void {
    const tab = this.tabButtons.get(id);
    if (tab) tab.hidden = !shown;
    const count = [...this.tabButtons.values()].filter((one) => !one.hidden).length;
    this.strip.classList.toggle("il-single-tab", count === 1);
  }

  setNote(text: string): void {
    this.note.textContent = text;
    this.note.title = text;
  }

  setCollapsed(collapsed: boolean): void {
    if (!this.collapseButton) return;
    const verb = collapsed ? "Expand" : "Collapse";
    this.collapseButton.title = `${verb} ${this.options.label.toLowerCase()}`;
    this.collapseButton.setAttribute("aria-label", this.collapseButton.title);
    this.collapseButton.setAttribute("aria-expanded", String(!collapsed));
    this.collapseButton.dataset.collapsed = String(collapsed);
  }

  private addTab(tab: Tab): void {
    const element = h(
      "button",
      {
        type: "button",
        role: "tab",
        class: "il-tab",
        title: tab.title,
        "aria-controls": this.body.id,
        "data-tab": tab.id,
        ...KEYS,
      },
      tab.label,
    );
    element.addEventListener("click", () => this.options.onTab?.(tab.id));
    this.tabButtons.set(tab.id, element);
    this.strip.append(element);
    if (this.tabButtons.size === 1) this.setTab(tab.id);
  }

  private onKey(event: KeyboardEvent): void {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    const shown = [...this.tabButtons].filter(([, tab]) => !tab.hidden);
    const at = shown.findIndex(([, tab]) => tab.getAttribute("aria-selected") === "true");
    const next = shown[(at + (event.key === "ArrowRight" ? 1 : -1) + shown.length) % shown.length];
    this.options.onTab?.(next[0]);
    next[1].focus();
    event.preventDefault();
    event.stopPropagation();
  }
}
