/** Rows of one height, of which only the visible ones exist in the document. */
import { Disposer, h } from "./dom.ts";

const OVERSCAN = 6;

export class VirtualList {
  readonly element: HTMLElement;
  private readonly content = h("div", { class: "il-vlist-content", role: "presentation" });
  private readonly disposer = new Disposer();
  private count = 0;

  constructor(
    attributes: Record<string, string | number>,
    readonly rowHeight: number,
    private readonly renderRow: (index: number) => HTMLElement,
  ) {
    this.element = h("div", { ...attributes, class: `il-vlist ${attributes.class ?? ""}` });
    this.element.append(this.content);
    this.disposer.listen(this.element, "scroll", () => this.render(), { passive: true });
    this.disposer.observeSize(this.element, () => this.render());
  }

  setCount(count: number): void {
    this.count = count;
    this.content.style.height = `${count * this.rowHeight}px`;
    this.render();
  }

  /** Redraws the visible rows; call after what they show has changed. */
  render(): void {
    const { scrollTop, clientHeight } = this.element;
    const first = Math.max(0, Math.floor(scrollTop / this.rowHeight) - OVERSCAN);
    const end = Math.min(
      this.count,
      Math.ceil((scrollTop + clientHeight) / this.rowHeight) + OVERSCAN,
    );
    const rows: HTMLElement[] = [];
    for (let index = first; index < end; index++) {
      const row = this.renderRow(index);
      row.style.top = `${index * this.rowHeight}px`;
      row.style.height = `${this.rowHeight}px`;
      rows.push(row);
    }
    this.content.replaceChildren(...rows);
  }

  reveal(index: number): void {
    const top = index * this.rowHeight;
    const { scrollTop, clientHeight } = this.element;
    if (top >= scrollTop && top + this.rowHeight <= scrollTop + clientHeight) return;
    const above = top < scrollTop;
    // A little context around the row, so that one sees where it stands.
    const margin = Math.min(clientHeight / 3, 3 * this.rowHeight);
    this.element.scrollTop = above ? top - margin : top + this.rowHeight - clientHeight + margin;
    this.render();
  }

  /** The row that a key leads to; null for other keys, and where there are no rows. */
  target(key: string, from: number): number | null {
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.rowHeight) - 1);
    const last = this.count - 1;
    const targets: Record<string, number> = {
      ArrowDown: from + 1,
      ArrowUp: from - 1,
      PageDown: from + page,
      PageUp: from - page,
      Home: 0,
      End: last,
    };
    const target = targets[key];
    return target === undefined || last < 0 ? null : Math.max(0, Math.min(last, target));
  }

  dispose(): void {
    this.disposer.dispose();
  }
}
