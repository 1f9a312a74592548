/** The timeline as a table: the same events as text, sortable. */
import { formatBytes, formatNs, formatWorkgroups } from "../data/format.ts";
import { placeLabel } from "../data/timeline.ts";
import type { TimelineEvent } from "../data/types.ts";
import { button, Disposer, h, KEYS } from "./dom.ts";
import { VirtualList } from "./virtual_list.ts";

interface Column {
  title: string;
  numeric: boolean;
  value: (event: TimelineEvent) => number | string;
  text: (event: TimelineEvent, originNs: number) => string;
}

const COLUMNS: readonly Column[] = [
  { title: "Name", numeric: false, value: (e) => e.name, text: (e) => e.name },
  { title: "Kind", numeric: false, value: (e) => e.kind, text: (e) => e.kind },
  { title: "Lane", numeric: false, value: placeLabel, text: placeLabel },
  {
    title: "Start",
    numeric: true,
    value: (e) => e.start_ns,
    text: (e, originNs) => formatNs(e.start_ns - originNs),
  },
  {
    title: "Duration",
    numeric: true,
    value: (e) => e.end_ns - e.start_ns,
    text: (e) => formatNs(e.end_ns - e.start_ns),
  },
  {
    title: "Workgroups",
    numeric: true,
    value: (e) => (e.workgroups ?? [0]).reduce((product, size) => product * size, 1),
    text: (e) => formatWorkgroups(e.workgroups),
  },
  {
    title: "Bytes in bindings",
    numeric: true,
    value: (e) => e.bytes,
    text: (e) => (e.bytes ? formatBytes(e.bytes) : ""),
  },
];
const START_COLUMN = 3;

export class TimelineTable {
  readonly element: HTMLElement;
  private readonly list: VirtualList;
  private readonly heads: HTMLElement[] = [];
  private readonly disposer = new Disposer();
  private readonly originNs: number;
  private order: number[];
  private sorted = START_COLUMN;
  private descending = false;
  private selected: number | null = null;

  constructor(
    private readonly events: readonly TimelineEvent[],
    private readonly onSelect: (event: number) => void,
  ) {
    this.originNs = events.reduce((low, event) => Math.min(low, event.start_ns), Infinity);
    this.order = [...events.keys()];
    this.list = new VirtualList(
      { class: "il-table-body", role: "rowgroup", tabindex: 0, "aria-label": "Events", ...KEYS },
      24,
      (index) => this.renderRow(index),
    );
    const head = h("div", { class: "il-table-row il-table-head", role: "row", "aria-rowindex": 1 });
    COLUMNS.forEach((column, i) => head.append(this.headCell(column, i)));
    this.element = h(
      "div",
      {
        class: "il-table",
        role: "table",
        "aria-label": "Timeline events",
        "aria-rowcount": events.length + 1,
      },
      h("div", { role: "rowgroup" }, head),
      this.list.element,
    );
    this.disposer.listen(this.list.element, "click", (event) => {
      const row = (event.target as HTMLElement).closest<HTMLElement>("[data-event]");
      if (row) this.onSelect(Number(row.dataset.event));
    });
    this.disposer.listen(this.list.element, "keydown", (event) => this.onKey(event));
    this.sort();
  }

  show(selected: number | null): void {
    const moved = selected !== this.selected;
    this.selected = selected;
    if (moved && selected !== null) this.list.reveal(this.order.indexOf(selected));
    this.list.render();
  }

  focus(): void {
    this.list.element.focus({ preventScroll: true });
  }

  dispose(): void {
    this.list.dispose();
    this.disposer.dispose();
  }

  private headCell(column: Column, i: number): HTMLElement {
    const cell = h("div", {
      class: `il-table-cell${column.numeric ? " il-number" : ""}`,
      role: "columnheader",
    });
    const sortBy = button(column.title, { class: "il-link", title: `Sort by ${column.title}` }, () => {
      this.descending = this.sorted === i ? !this.descending : column.numeric && i !== START_COLUMN;
      this.sorted = i;
      this.sort();
    });
    cell.append(sortBy);
    this.heads.push(cell);
    return cell;
  }

  private sort(): void {
    const { value } = COLUMNS[this.sorted];
    const sign = this.descending ? -1 : 1;
    const keys = this.events.map(value);
    this.order.sort((a, b) => {
      const [x, y] = [keys[a], keys[b]];
      const compared =
        typeof x === "string" ? x.localeCompare(String(y), "en", { numeric: true }) : x - Number(y);
      return sign * compared || a - b;
    });
    this.heads.forEach((cell, i) => {
      const direction = this.descending ? "descending" : "ascending";
      cell.setAttribute("aria-sort", i === this.sorted ? direction : "none");
    });
    this.list.setCount(this.order.length);
  }

  private renderRow(index: number): HTMLElement {
    const event = this.order[index];
    const selected = event === this.selected;
    const row = h("div", {
      class: `il-row il-table-row${selected ? " il-selected" : ""}`,
      role: "row",
      "aria-rowindex": index + 2,
      "aria-selected": String(selected),
      "data-event": event,
    });
    for (const column of COLUMNS) {
      const text = column.text(this.events[event], this.originNs);
      const kind = column.numeric ? " il-number" : "";
      row.append(h("div", { class: `il-table-cell${kind}`, role: "cell", title: text }, text));
    }
    return row;
  }

  private onKey(event: KeyboardEvent): void {
    const at = this.selected === null ? -1 : this.order.indexOf(this.selected);
    const target = this.list.target(event.key, at);
    if (target === null) return;
    this.onSelect(this.order[target]);
    event.preventDefault();
    event.stopPropagation();
  }
}
