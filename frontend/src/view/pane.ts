/** What stands in a stack: a body, and a head with a note, tools and, where it has some, modes. */
import { h, KEYS, uniqueId } from "./dom.ts";
import { ScrollPlaces } from "./scroll_places.ts";

/** One of several ways in which a pane shows its subject, such as IR and diff. */
export interface Mode {
  id: string;
  label: string;
  title: string;
}

export interface PaneOptions {
  id: string;
  label: string;
  /** What the pane is for, a sentence for its tab's tooltip. */
  title: string;
  modes?: readonly Mode[];
  onMode?: (id: string) => void;
}

export class Pane {
  readonly head: HTMLElement;
  readonly body: HTMLElement;
  readonly scroll: ScrollPlaces;
  readonly tools = h("div", { class: "il-tools" });
  readonly note = h("div", { class: "il-note" });
  private readonly modeButtons = new Map<string, HTMLButtonElement>();
  private readonly strip = h("div", { class: "il-modes", role: "tablist" });

  constructor(readonly options: PaneOptions) {
    this.body = h("div", { class: `il-pane-body il-pane-${options.id}`, id: uniqueId(options.id) });
    this.scroll = new ScrollPlaces(this.body);
    this.strip.setAttribute("aria-label", `${options.label}: how to show it`);
    for (const mode of options.modes ?? []) this.addMode(mode);
    this.strip.addEventListener("keydown", (event) => this.onKey(event));
    this.head = h("div", { class: "il-head-tools" }, this.note, this.tools);
    if (options.modes?.length) this.head.prepend(this.strip);
  }

  get id(): string {
    return this.options.id;
  }

  setMode(id: string): void {
    for (const [name, button] of this.modeButtons) {
      button.setAttribute("aria-selected", String(name === id));
      button.tabIndex = name === id ? 0 : -1;
    }
  }

  setModeLabel(id: string, label: string): void {
    const button = this.modeButtons.get(id);
    if (button) button.textContent = label;
  }

  showMode(id: string, shown: boolean): void {
    const button = this.modeButtons.get(id);
    if (button) button.hidden = !shown;
    const count = [...this.modeButtons.values()].filter((one) => !one.hidden).length;
    this.strip.hidden = count < 2;
  }

  /** As it was before anything was put into it. */
  reset(): void {
    this.body.replaceChildren();
    this.body.className = `il-pane-body il-pane-${this.id}`;
    this.tools.replaceChildren();
    this.setNote("");
  }

  setNote(text: string): void {
    this.note.textContent = text;
    this.note.title = text;
  }

  private addMode(mode: Mode): void {
    const element = h(
      "button",
      {
        type: "button",
        role: "tab",
        class: "il-mode",
        title: mode.title,
        "aria-controls": this.body.id,
        "data-tab": mode.id,
        ...KEYS,
      },
      mode.label,
    );
    element.addEventListener("click", () => this.options.onMode?.(mode.id));
    this.modeButtons.set(mode.id, element);
    this.strip.append(element);
    if (this.modeButtons.size === 1) this.setMode(mode.id);
  }

  private onKey(event: KeyboardEvent): void {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const shown = [...this.modeButtons].filter(([, button]) => !button.hidden);
    const at = shown.findIndex(([, button]) => button.getAttribute("aria-selected") === "true");
    const by = event.key === "ArrowRight" ? 1 : -1;
    const next = shown[(at + by + shown.length) % shown.length];
    this.options.onMode?.(next[0]);
    next[1].focus();
    event.preventDefault();
    event.stopPropagation();
  }
}
