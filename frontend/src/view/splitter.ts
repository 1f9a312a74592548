/** A bar between two panes: drag it, or focus it and use the arrow keys; Enter collapses. */
import { Disposer, h, KEYS } from "./dom.ts";

export interface SplitterOptions {
  /** "vertical" is a bar that moves left and right. */
  orientation: "vertical" | "horizontal";
  label: string;
  /** The custom property of the frame that holds the pane's size. */
  property: string;
  size: number;
  min: number;
  /** Largest size, asked when needed: it depends on the frame. */
  max: () => number;
  /** 1 when moving right or down grows the pane, -1 when it shrinks it. */
  direction: 1 | -1;
  onToggle: () => void;
}

const KEY_STEP = 24;

export class Splitter {
  readonly element: HTMLElement;
  private size: number;

  constructor(
    private readonly frame: HTMLElement,
    private readonly options: SplitterOptions,
    disposer: Disposer,
  ) {
    this.size = options.size;
    this.element = h("div", {
      class: `il-splitter il-splitter-${options.orientation}`,
      role: "separator",
      tabindex: 0,
      "aria-orientation": options.orientation,
      "aria-label": options.label,
      "aria-valuemin": options.min,
      title: `${options.label}: drag, or arrow keys; Enter or double click collapses`,
      ...KEYS,
    });
    this.apply(this.size);
    disposer.listen(this.element, "pointerdown", (event) => this.startDrag(event));
    disposer.listen(this.element, "keydown", (event) => this.onKey(event));
    disposer.listen(this.element, "dblclick", () => options.onToggle());
  }

  /** Keeps the size within what the frame now allows. */
  refit(): void {
    this.apply(this.size);
  }

  private apply(size: number): void {
    const { min, max, property } = this.options;
    const fitted = Math.round(Math.max(min, Math.min(max(), size)));
    this.frame.style.setProperty(property, `${fitted}px`);
    this.element.setAttribute("aria-valuenow", String(fitted));
    this.element.setAttribute("aria-valuemax", String(Math.round(max())));
  }

  private resizeTo(size: number): void {
    this.size = Math.max(this.options.min, Math.min(this.options.max(), size));
    this.apply(this.size);
  }

  private startDrag(down: PointerEvent): void {
    if (down.button !== 0) return;
    down.preventDefault();
    this.element.focus();
    this.element.setPointerCapture(down.pointerId);
    const vertical = this.options.orientation === "vertical";
    const from = vertical ? down.clientX : down.clientY;
    const size = this.size;
    const move = (event: PointerEvent) => {
      const to = vertical ? event.clientX : event.clientY;
      this.resizeTo(size + (to - from) * this.options.direction);
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
    const vertical = this.options.orientation === "vertical";
    const towards: Record<string, number> = vertical
      ? { ArrowLeft: -1, ArrowRight: 1 }
      : { ArrowUp: -1, ArrowDown: 1 };
    const sign = towards[event.key];
    if (sign !== undefined) this.resizeTo(this.size + sign * this.options.direction * KEY_STEP);
    else if (event.key === "Enter") this.options.onToggle();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
