/** The list of steps: filter, groups, keyboard. */
import { formatCount, formatDeltaTotals, formatSeconds, plural } from "../data/format.ts";
import {
  buildRows,
  findStepRow,
  groupsOf,
  splitName,
  symbolOf,
  type GroupRow,
  type Row,
  type StepRow,
} from "../data/steps.ts";
import type { Step } from "../data/types.ts";
import { button, Disposer, elided, h, KEYS, uniqueId } from "./dom.ts";
import { OpSparkline } from "./op_sparkline.ts";
import { Pane } from "./pane.ts";
import { VirtualList } from "./virtual_list.ts";

const ROW_HEIGHT = 24;

export interface StepsPaneEvents {
  onSelect: (step: number | null) => void;
  onActivate: () => void;
  onBase: (step: number) => void;
}

export class StepsPane {
  readonly pane: Pane;
  private readonly disposer = new Disposer();
  private readonly list: VirtualList;
  private readonly filterInput: HTMLInputElement;
  private readonly changedButton: HTMLButtonElement;
  private readonly empty = h("div", { class: "il-empty-note", hidden: true });
  private readonly sparkline: OpSparkline;
  private readonly toggled = new Set<string>();
  private readonly idPrefix = uniqueId("row");
  private steps: readonly Step[] = [];
  private rows: Row[] = [];
  private cursor = 0;
  private selected: number | null = null;
  private base: number | null = null;
  private changedOnly = false;

  constructor(private readonly events: StepsPaneEvents) {
    this.filterInput = h("input", {
      type: "search",
      class: "il-input",
      placeholder: "Filter: name, dialect, @symbol",
      "aria-label": "Filter steps by name, dialect or symbol",
      title: "Filter by pass name, by a dialect whose op count changed, or by symbol ( / )",
      spellcheck: "false",
      ...KEYS,
    });
    this.sparkline = new OpSparkline((step) => events.onSelect(step));
    this.changedButton = button(
      "Changed",
      {
        class: "il-toggle",
        "aria-pressed": "false",
        title: "Show only steps that changed the IR ( c )",
        "data-il": "changed-only",
      },
      () => this.toggleChangedOnly(),
    );
    this.list = new VirtualList(
      {
        class: "il-steps-list",
        role: "tree",
        tabindex: 0,
        "aria-label": "Compilation steps",
        ...KEYS,
      },
      ROW_HEIGHT,
      (index) => this.renderRow(index),
    );
    this.pane = new Pane({
      id: "steps",
      label: "Steps",
      title: "The steps of the compilation ( 1 )",
    });
    this.pane.note.setAttribute("role", "status");
    this.pane.body.append(
      h(
        "div",
        { class: "il-steps" },
        h("div", { class: "il-steps-tools" }, this.filterInput, this.changedButton),
        this.sparkline.element,
        this.empty,
        this.list.element,
      ),
    );
    this.disposer.listen(this.filterInput, "input", () => this.onFilter());
    this.disposer.listen(this.filterInput, "keydown", (event) => this.onFilterKey(event));
    this.disposer.listen(this.list.element, "keydown", (event) => this.onListKey(event));
    this.disposer.listen(this.list.element, "click", (event) => this.onClick(event));
  }

  setSteps(steps: readonly Step[]): void {
    this.steps = steps;
    this.sparkline.setSteps(steps);
    this.rebuild();
  }

  show(selected: number | null, base: number | null): void {
    const moved = selected !== this.selected;
    this.selected = selected;
    this.sparkline.show(selected);
    this.base = base;
    const step = selected === null ? undefined : this.steps[selected];
    if (moved && step && this.rowOfStep(step.i) < 0) this.openGroupsOf(step);
    const row = step ? this.rowOfStep(step.i) : this.rows.findIndex((r) => r.kind === "source");
    if (moved && row >= 0) this.moveCursor(row);
    else this.list.render();
  }

  /** Selects the next or previous step that is listed. */
  stepBy(by: 1 | -1, changedOnly = false): void {
    const from = this.selected === null ? this.cursor : this.rowOfStep(this.selected);
    const row = findStepRow(this.rows, from < 0 ? this.cursor : from, by, changedOnly);
    if (row >= 0) this.pick(row);
  }

  toggleChangedOnly(): void {
    this.changedOnly = !this.changedOnly;
    this.changedButton.setAttribute("aria-pressed", String(this.changedOnly));
    this.rebuild();
  }

  focusFilter(): void {
    this.filterInput.focus();
    this.filterInput.select();
  }

  focusList(): void {
    this.list.element.focus({ preventScroll: true });
  }

  dispose(): void {
    this.list.dispose();
    this.disposer.dispose();
  }

  // --- rows ------------------------------------------------------------------------------

  private rebuild(): void {
    const key = this.rows[this.cursor]?.key;
    this.rows = buildRows(this.steps, {
      filter: this.filterInput.value,
      changedOnly: this.changedOnly,
      toggled: this.toggled,
    });
    const shown = this.rows.reduce(
      (sum, row) => sum + (row.kind === "group" && row.level === 1 ? row.count : 0),
      0,
    );
    this.pane.setNote(
      shown === this.steps.length
        ? plural(shown, "step")
        : `${formatCount(shown)} of ${plural(this.steps.length, "step")}`,
    );
    this.empty.hidden = shown > 0 || this.steps.length === 0;
    this.empty.textContent = "No step matches. Clear the filter with Esc.";
    this.cursor = Math.max(0, this.rows.findIndex((row) => row.key === key));
    this.list.setCount(this.rows.length);
    this.describeCursor();
  }

  /** A cleared filter shows again where the selected step stands. */
  private onFilter(): void {
    this.rebuild();
    const step = this.selected === null ? undefined : this.steps[this.selected];
    if (!step || this.filterInput.value) return;
    if (this.rowOfStep(step.i) < 0) this.openGroupsOf(step);
    const row = this.rowOfStep(step.i);
    if (row >= 0) this.moveCursor(row);
  }

  private rowOfStep(step: number): number {
    return this.rows.findIndex((row) => row.kind === "step" && row.step.i === step);
  }

  private openGroupsOf(step: Step): void {
    const hidden = (this.changedOnly && !step.changed) || this.filterInput.value !== "";
    if (hidden) return; // the user narrowed the list; the details pane still shows the step
    for (const key of groupsOf(step)) {
      const row = this.rows.find((candidate) => candidate.key === key);
      if (row?.kind === "group" && !row.open) this.toggleGroup(row);
    }
  }

  private toggleGroup(row: GroupRow): void {
    if (!this.toggled.delete(row.key)) this.toggled.add(row.key);
    this.rebuild();
  }

  private renderRow(index: number): HTMLElement {
    const row = this.rows[index];
    const element =
      row.kind === "group"
        ? groupElement(row)
        : row.kind === "source"
          ? sourceElement(this.selected === null)
          : stepElement(row, row.step.i === this.selected, row.step.i === this.base);
    element.id = `${this.idPrefix}-${index}`;
    element.dataset.row = String(index);
    element.classList.add("il-row", `il-level-${row.level}`);
    if (index === this.cursor) element.classList.add("il-cursor");
    element.setAttribute("role", "treeitem");
    element.setAttribute("aria-level", String(row.level));
    return element;
  }

  // --- pointer and keys ------------------------------------------------------------------

  private onClick(event: MouseEvent): void {
    const element = (event.target as HTMLElement).closest<HTMLElement>("[data-row]");
    if (!element) return;
    const index = Number(element.dataset.row);
    const row = this.rows[index];
    if (row.kind === "step" && event.altKey) this.events.onBase(row.step.i);
    else this.pick(index);
    if (row.kind === "group") this.toggleGroup(row);
  }

  private pick(index: number): void {
    const row = this.rows[index];
    this.moveCursor(index);
    if (row.kind === "step") this.events.onSelect(row.step.i);
    else if (row.kind === "source") this.events.onSelect(null);
  }

  private moveCursor(index: number): void {
    this.cursor = Math.max(0, Math.min(this.rows.length - 1, index));
    this.list.reveal(this.cursor);
    this.list.render();
    this.describeCursor();
  }

  private describeCursor(): void {
    this.list.element.setAttribute("aria-activedescendant", `${this.idPrefix}-${this.cursor}`);
  }

  private onFilterKey(event: KeyboardEvent): void {
    if (event.key === "Escape" && this.filterInput.value) {
      this.filterInput.value = "";
      this.onFilter();
    } else if (event.key === "Escape" || event.key === "Enter" || event.key === "ArrowDown") {
      this.focusList();
      const first = findStepRow(this.rows, -1, 1);
      if (event.key !== "Escape" && first >= 0) this.pick(first);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private onListKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = this.list.target(event.key, this.cursor);
    if (target !== null) this.pick(target);
    else if (!this.onTreeKey(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  private onTreeKey(key: string): boolean {
    const row = this.rows[this.cursor];
    if (!row) return false;
    if (row.kind === "group") {
      const wanted = key === "ArrowRight" ? true : key === "ArrowLeft" ? false : !row.open;
      if (!["ArrowRight", "ArrowLeft", "Enter", " "].includes(key)) return false;
      if (wanted !== row.open) this.toggleGroup(row);
      return true;
    }
    if (key === "ArrowLeft") {
      for (let i = this.cursor; i >= 0; i--)
        if (this.rows[i].level < row.level) {
          this.moveCursor(i);
          return true;
        }
      return true;
    }
    if (key === "Enter") this.events.onActivate();
    return key === "Enter" || key === "ArrowRight";
  }
}

function groupElement(row: GroupRow): HTMLElement {
  const changed = `${row.changed} changed`;
  const time = formatSeconds(row.seconds);
  const title = `${row.label}: ${plural(row.count, "step")}, ${changed}, ${time}`;
  const element = h(
    "div",
    { class: `il-group il-group-${row.level}`, title, "aria-expanded": String(row.open) },
    h("span", { class: "il-twisty", "aria-hidden": "true" }, row.open ? "▾" : "▸"),
    h("span", { class: "il-label" }, row.label),
    h("span", { class: "il-count" }, String(row.count)),
    h("span", { class: "il-time" }, row.seconds ? time : ""),
  );
  element.dataset.group = row.key;
  return element;
}

function sourceElement(selected: boolean): HTMLElement {
  return h(
    "div",
    {
      class: `il-step il-source${selected ? " il-selected" : ""}`,
      title: "The program as it was given",
      "aria-selected": String(selected),
      "data-step": "source",
    },
    h("span", { class: "il-glyph il-glyph-source", "aria-hidden": "true" }),
    h("span", { class: "il-label" }, "Source"),
  );
}

function stepElement(row: StepRow, selected: boolean, isBase: boolean): HTMLElement {
  const { step } = row;
  const [prefix, rest] = splitName(step);
  const symbol = symbolOf(step);
  const state = step.changed ? "changed" : "unchanged";
  const time = formatSeconds(step.seconds);
  const delta = formatDeltaTotals(step.delta);
  const title = [
    `${prefix}${rest}`,
    `${state}${step.composite ? ", composite: contains other steps" : ""}${delta ? `, ops ${delta}` : ""} · ${time}`,
    step.scope.join(" › "),
  ].join("\n");
  const label = h("span", { class: "il-label il-elided" }, elided(rest));
  if (symbol && row.level === 2) label.append(h("span", { class: "il-symbol" }, ` ${symbol}`));
  const element = h(
    "div",
    {
      class: `il-step il-${state}${selected ? " il-selected" : ""}`,
      title,
      "aria-selected": String(selected),
      "aria-label": `${step.name} ${symbol}, ${state}, ${time}`,
      "data-step": step.i,
      "data-changed": String(step.changed),
    },
    h("span", {
      class: `il-glyph il-glyph-${state}${step.composite ? " il-glyph-composite" : ""}`,
      "aria-hidden": "true",
    }),
    label,
    h("span", { class: "il-delta" }, delta),
    h("span", { class: "il-time" }, time),
  );
  if (isBase) element.insertBefore(h("span", { class: "il-badge" }, "A"), label);
  return element;
}
