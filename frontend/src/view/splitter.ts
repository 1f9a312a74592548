/** A bar between two panes: drag it, or focus it and use the arrow keys; Enter collapses. */
import { Disposer, h, KEYS } from "./dom.ts";

export interface SplitterOptions {
  /** "vertical" is a bar that moves left and right. */
  orientation: "vertical" | "horizontal";
  label: string;
  /** Pixels of what stands before and after the bar. */
  measure: () => [number, number];
  onResize: (before: number, after: number) => void;
  onToggle: () => void;
}

const KEY_STEP = 24;
const MIN_PX = 80;

export class Splitter {
  readonly element: HTMLElement;

  constructor(
    private readonly options: SplitterOptions,
    disposer: Disposer,
  ) {
    this.element = h("div", {
      class: `il-splitter il-splitter-${options.orientation}`,
      role: "separator",
      tabindex: 0,
      "aria-orientation": options.orientation,
      "aria-label": options.label,
      "aria-valuemin": 0,
      "aria-valuemax": 100,
      "aria-valuenow": 50,
      title: `${options.label}: drag, or arrow keys; Enter or double click collapses`,
      ...KEYS,
    });
    disposer.listen(this.element, "pointerdown", (event) => this.startDrag(event));
    disposer.listen(this.element, "keydown", (event) => this.onKey(event));
    disposer.listen(this.element, "focus", () => this.describe());
    disposer.listen(this.element, "dblclick", () => options.onToggle());
  }

  /** Says how the two share their room, in percent. */
  private describe(): void {
    const [before, after] = this.options.measure();
    this.element.setAttribute("aria-valuenow", String(Math.round((100 * before) / (before + after || 1))));
  }

  private moveTo(before: number, total: number): void {
    const least = Math.min(MIN_PX, total / 3);
    const fitted = Math.max(least, Math.min(total - least, before));
    this.options.onResize(fitted, total - fitted);
    this.describe();
  }

  private startDrag(down: PointerEvent): void {
    if (down.button !== 0) return;
    down.preventDefault();
    this.element.focus();
    this.element.setPointerCapture(down.pointerId);
    const vertical = this.options.orientation === "vertical";
    const [before, after] = this.options.measure();
    const move = (event: PointerEvent) => {
      const by = vertical ? event.clientX - down.clientX : event.clientY - down.clientY;
      this.moveTo(before + by, before + after);
    };
    const stop = () => {
      this.element.removeEventListener("pointermove", move);
      this.element.removeEventListener("pointerup", stop);
      this.element.removeEventListener("pointercancel", stop);
    };
    this.element.addEventListener("pointermove", move);
    this.element.addEventListener("pointerup", stop);
    this.element.addEventListener("pointercancel", stop);
  }

  private onKey(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const vertical = this.options.orientation === "vertical";
    const towards: Record<string, number> = vertical
      ? { ArrowLeft: -1, ArrowRight: 1 }
      : { ArrowUp: -1, ArrowDown: 1 };
    const sign = towards[event.key];
    const [before, after] = this.options.measure();
    if (sign !== undefined) this.moveTo(before + sign * KEY_STEP, before + after);
    else if (event.key === "Enter") this.options.onToggle();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
