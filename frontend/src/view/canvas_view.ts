/** A canvas that fills its host, sharp on every screen, drawn once a frame at most. */
import { Disposer, h, KEYS } from "./dom.ts";

export type Colors = (name: string) => string;

const MAX_RETRIES = 10;

export interface CanvasOptions {
  root: HTMLElement;
  label: string;
  class: string;
  draw: (context: CanvasRenderingContext2D, width: number, height: number, colors: Colors) => void;
}

export class CanvasView {
  readonly element: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  readonly tooltip = h("div", { class: "il-card il-tip", role: "tooltip", hidden: true });
  readonly announcer = h("div", { class: "il-visually-hidden", "aria-live": "polite" });
  readonly disposer = new Disposer();
  private known = new Map<string, string>();
  private frame = 0;
  private retries = 0;

  constructor(private readonly options: CanvasOptions) {
    this.canvas = h("canvas", {
      class: `il-canvas ${options.class}`,
      tabindex: 0,
      role: "application",
      "aria-label": options.label,
      ...KEYS,
    });
    this.element = h("div", { class: "il-canvas-host" }, this.canvas, this.tooltip, this.announcer);
    this.disposer.observeSize(this.element, () => {
      this.retries = 0;
      this.redraw();
    });
    this.disposer.listen(this.canvas, "pointerleave", () => this.hideTooltip());
  }

  get width(): number {
    return this.element.clientWidth;
  }

  get height(): number {
    return this.element.clientHeight;
  }

  redraw(): void {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.draw());
  }

  /** Colours are read anew: the theme has changed. */
  restyle(): void {
    this.known.clear();
    this.redraw();
  }

  focus(): void {
    this.canvas.focus({ preventScroll: true });
  }

  dispose(): void {
    cancelAnimationFrame(this.frame);
    this.disposer.dispose();
  }

  showTooltip(event: { offsetX: number; offsetY: number }, ...children: (Node | string)[]): void {
    this.tooltip.replaceChildren(...children);
    this.tooltip.hidden = false;
    const { offsetWidth, offsetHeight } = this.tooltip;
    const left = Math.max(4, Math.min(this.width - offsetWidth - 4, event.offsetX + 12));
    const below = event.offsetY + 16;
    const fits = below + offsetHeight <= this.height;
    const top = fits ? below : Math.max(0, event.offsetY - offsetHeight - 10);
    this.tooltip.style.transform = `translate(${left}px, ${top}px)`;
  }

  hideTooltip(): void {
    this.tooltip.hidden = true;
  }

  private readonly colors: Colors = (name) => {
    let value = this.known.get(name);
    if (value === undefined) {
      value = getComputedStyle(this.options.root).getPropertyValue(`--il-${name}`).trim();
      this.known.set(name, value);
    }
    return value;
  };

  private draw(): void {
    this.frame = 0;
    const { width, height } = this;
    if (!width || !height) {
      // JupyterLab hides cells for a frame, too short for a resize to be noticed.
      if (this.retries++ < MAX_RETRIES) this.redraw();
      return;
    }
    this.retries = 0;
    const ratio = window.devicePixelRatio || 1;
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.canvas.width !== w) this.canvas.width = w;
    if (this.canvas.height !== h) this.canvas.height = h;
    const context = this.canvas.getContext("2d", { alpha: false });
    if (!context) return;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = this.colors("bg");
    context.fillRect(0, 0, width, height);
    this.options.draw(context, width, height, this.colors);
  }
}

const CHARACTER_WIDTH = 6.1;
export const CANVAS_FONT = "11px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";

const fitted = new Map<string, string>();
const MOST_FITTED = 20_000;
let measuring: CanvasRenderingContext2D | null = null;

/** Text cut to its room with an ellipsis; measured once for each text and room. */
export function fitText(text: string, room: number): string {
  const key = `${Math.floor(room)} ${text}`;
  let known = fitted.get(key);
  if (known === undefined) {
    if (fitted.size > MOST_FITTED) fitted.clear();
    fitted.set(key, (known = fit(text, room)));
  }
  return known;
}

function fit(text: string, room: number): string {
  measuring ??= document.createElement("canvas").getContext("2d");
  if (!measuring || room < 3 * CHARACTER_WIDTH) return text.length * CHARACTER_WIDTH <= room ? text : "";
  measuring.font = CANVAS_FONT;
  const width = (shown: string) => measuring!.measureText(shown).width;
  if (width(text) <= room) return text;
  let end = Math.min(text.length, Math.ceil(room / 3));
  while (end > 2 && width(`${text.slice(0, end)}…`) > room) end--;
  return end > 2 ? `${text.slice(0, end)}…` : "";
}
