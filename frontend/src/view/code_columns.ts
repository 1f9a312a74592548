/** Up to four texts side by side, each chosen from a list; lines that belong together are marked. */
import type { Language } from "../data/executables.ts";
import { button, h, KEYS, treeOf } from "./dom.ts";
import { ListingView } from "./listing_view.ts";

/** A text that a column can show. */
export interface ColumnChoice {
  id: string;
  label: string;
  language: Language;
  /** The step whose IR it is, or -1. */
  step: number;
}

export interface ColumnEvents {
  text: (choice: ColumnChoice) => Promise<string>;
  onChoose: (column: number, id: string) => void;
  onPoint: (id: string, line: number | null) => void;
  onPick: (id: string, line: number) => void;
  /** Shows a step in the IR pane; null where there are no steps. */
  onStep: ((step: number) => void) | null;
}

export type LinesOfChoice = ReadonlyMap<string, readonly number[]>;

const NOTHING: LinesOfChoice = new Map();

interface Column {
  element: HTMLElement;
  control: HTMLSelectElement;
  open: HTMLButtonElement;
  view: ListingView;
  shown: ColumnChoice | null;
}

export class CodeColumns {
  readonly element = h("div", { class: "il-columns" });
  private readonly none = h("p", { class: "il-columns-none", role: "status" }, "There is no text to show: the program holds machine code only.");
  private columns: Column[] = [];
  private choices: readonly ColumnChoice[] = [];
  private picked: LinesOfChoice = NOTHING;
  private pointed: LinesOfChoice = NOTHING;

  constructor(
    private readonly root: HTMLElement,
    private readonly label: string,
    private readonly events: ColumnEvents,
  ) {}

  /** Shows other texts; columns that show the same one as before stay as they are. */
  show(choices: readonly ColumnChoice[], chosen: readonly string[], fresh: boolean): void {
    this.choices = choices;
    if (choices.length) this.none.remove();
    else this.element.append(this.none);
    if (fresh) this.picked = this.pointed = NOTHING;
    while (this.columns.length > chosen.length) this.remove();
    while (this.columns.length < chosen.length) this.add();
    chosen.forEach((id, i) => void this.fill(this.columns[i], id, fresh));
  }

  /** Marks what was picked, or only pointed at, in every column. */
  mark(picked: LinesOfChoice | null, pointed: LinesOfChoice | null, from: string): void {
    this.picked = picked ?? NOTHING;
    this.pointed = pointed ?? NOTHING;
    for (const column of this.columns) this.markColumn(column, column.shown?.id !== from);
  }

  focus(): void {
    this.columns[0]?.view.focus();
  }

  dispose(): void {
    for (const { view } of this.columns) view.dispose();
  }

  private markColumn({ shown, view }: Column, reveal: boolean): void {
    if (shown) view.mark(this.picked.get(shown.id) ?? [], this.pointed.get(shown.id) ?? [], reveal);
  }

  private async fill(column: Column, id: string, fresh: boolean): Promise<void> {
    const choice = this.choices.find((one) => one.id === id) ?? this.choices[0];
    column.control.replaceChildren(
      ...this.choices.map((one) => h("option", { value: one.id, selected: one === choice }, one.label)),
    );
    column.open.hidden = !this.events.onStep || !choice || choice.step < 0;
    if (!fresh && column.shown?.id === choice?.id) return;
    column.shown = choice ?? null;
    if (!choice) return column.view.show("", "mlir");
    let text: string;
    try {
      text = await this.events.text(choice);
    } catch (error) {
      text = `This text cannot be shown: ${(error as Error).message}`;
    }
    if (column.shown !== choice) return;
    column.view.show(text.trimEnd(), choice.language);
    this.markColumn(column, true);
  }

  private add(): void {
    const number = this.columns.length;
    const name = () => `${this.label}: ${this.columns[number]?.shown?.label ?? ""}`;
    const control = h("select", { class: "il-select", "aria-label": `Column ${number + 1}`, ...KEYS });
    control.addEventListener("change", () => this.events.onChoose(number, control.value));
    const open = button("IR ›", { class: "il-link", title: "Show this step in the IR pane" }, () => {
      if (column.shown) this.events.onStep?.(column.shown.step);
    });
    const body = h("div", { class: "il-column-body" });
    const element = h("div", { class: "il-column" }, h("div", { class: "il-column-head" }, control, open), body);
    this.element.append(element);
    const view = new ListingView(body, treeOf(this.root), name, {
      onPoint: (line) => column.shown && this.events.onPoint(column.shown.id, line),
      onPick: (line) => column.shown && this.events.onPick(column.shown.id, line),
    });
    const column: Column = { element, control, open, view, shown: null };
    this.columns.push(column);
  }

  private remove(): void {
    const column = this.columns.pop();
    column?.view.dispose();
    column?.element.remove();
  }
}
