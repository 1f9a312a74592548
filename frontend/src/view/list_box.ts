/** A list of rows, of which a click or a key picks one: for mouse, keyboard and screen readers alike. */
import { Disposer, h, KEYS, uniqueId } from "./dom.ts";
import { VirtualList } from "./virtual_list.ts";

export interface ListRow {
  selected: boolean;
  class: string;
  title: string;
  cells: readonly (HTMLElement | string)[];
}

export interface ListBoxOptions {
  class: string;
  label: string;
  rowHeight: number;
  row: (index: number) => ListRow;
  onPick: (index: number) => void;
}

export class ListBox {
  private readonly list: VirtualList;
  private readonly disposer = new Disposer();
  private readonly prefix = uniqueId("row");
  /** The row that keys move from; -1 before there is one. */
  private cursor = -1;

  constructor(private readonly options: ListBoxOptions) {
    const attributes = { class: options.class, role: "listbox", tabindex: 0, "aria-label": options.label, ...KEYS };
    this.list = new VirtualList(attributes, options.rowHeight, (index) => this.row(index));
    this.disposer.listen(this.element, "click", (event) => {
      const row = (event.target as HTMLElement).closest<HTMLElement>("[data-row]");
      if (row) options.onPick(Number(row.dataset.row));
    });
    this.disposer.listen(this.element, "keydown", (event) => this.onKey(event));
  }

  get element(): HTMLElement {
    return this.list.element;
  }

  setCount(count: number): void {
    this.list.setCount(count);
  }

  /** Draws the rows anew, with the cursor on one of them and, unless told otherwise, that in view. */
  show(cursor: number, reveal = true): void {
    this.cursor = cursor;
    if (cursor >= 0) this.element.setAttribute("aria-activedescendant", `${this.prefix}-${cursor}`);
    if (cursor >= 0 && reveal) this.list.reveal(cursor);
    this.list.render();
  }

  focus(): void {
    this.element.focus({ preventScroll: true });
  }

  dispose(): void {
    this.disposer.dispose();
    this.list.dispose();
  }

  private row(index: number): HTMLElement {
    const { selected, class: kind, title, cells } = this.options.row(index);
    return h(
      "div",
      {
        id: `${this.prefix}-${index}`,
        class: `il-row ${kind}${selected ? " il-selected" : ""}${index === this.cursor ? " il-cursor" : ""}`,
        role: "option",
        "aria-selected": String(selected),
        "data-row": index,
        title,
      },
      ...cells,
    );
  }

  private onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = this.list.target(event.key, this.cursor);
    if (target === null) return;
    this.options.onPick(target);
    event.preventDefault();
    event.stopPropagation();
  }
}
