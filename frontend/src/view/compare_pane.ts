/** The Compare pane: the IR of all sides at the same step, or their numbers in tables. */
import { formatCount, plural } from "../data/format.ts";
import { splitLines } from "../data/linediff.ts";
import { alignTexts } from "../data/nway.ts";
import { symbolOf } from "../data/steps.ts";
import type { Compared, Step } from "../data/types.ts";
import { AlignedColumns, type ColumnText } from "./aligned_columns.ts";
import { CompareTables } from "./compare_tables.ts";
import { button, h } from "./dom.ts";
import { NOWHERE, type At, type PaneContext, type PaneView, type Selected } from "./model_pane.ts";
import type { Pane } from "./pane.ts";

export async function comparePane(pane: Pane, context: PaneContext): Promise<PaneView> {
  const { compared } = context.index;
  if (!compared) throw new Error("There is nothing to compare with.");
  return new ComparePane(pane, context, compared);
}

class ComparePane implements PaneView {
  private readonly columns: AlignedColumns;
  private readonly tables: CompareTables;
  private readonly ir = h("div", { class: "il-compare-ir" });
  private readonly toolbar = h("div", { class: "il-toolbar" });
  private readonly place = h("output", { class: "il-ellipsis il-grow" });
  private readonly modes: Record<"ir" | "tables", HTMLButtonElement>;
  private readonly different: ReadonlySet<number>;
  /** Row of a step of the first side. */
  private readonly rowOf = new Map<number, number>();
  /** The row that is shown; -1: the sources. */
  private row = -1;
  private shown = "";
  private request = 0;
  private at: At = NOWHERE;

  constructor(
    pane: Pane,
    private readonly context: PaneContext,
    private readonly compared: Compared,
  ) {
    this.columns = new AlignedColumns(context.root);
    this.tables = new CompareTables(context);
    this.different = new Set(compared.different);
    compared.rows.forEach(([step], row) => {
      if (step !== null) this.rowOf.set(step, row);
    });
    const mode = (id: "ir" | "tables", label: string, title: string) =>
      button(label, { class: "il-toggle", title, "data-compare": id }, () => this.setMode(id));
    this.modes = {
      ir: mode("ir", "IR", "The IR of all sides at the selected step"),
      tables: mode("tables", "Numbers", "Plans, kernels and times of all sides in tables"),
    };
    pane.tools.append(this.modes.ir, this.modes.tables);
    this.toolbar.append(...this.buttons(), this.place);
    this.ir.append(this.toolbar, this.columns.element);
    pane.body.append(this.ir, this.tables.element);
    pane.body.classList.add("il-compare");
    pane.setNote(compared.labels.map((label, i) => `${label}: ${compared.descriptions[i]}`).join(" · "));
    this.setMode("ir");
  }

  show({ at }: Selected): void {
    const moved = at.step !== this.at.step;
    this.at = at;
    if (moved || !this.shown) this.row = at.step === null ? -1 : (this.rowOf.get(at.step) ?? -1);
    void this.update();
  }

  focus(): void {
    if (this.ir.hidden) this.tables.focus();
    else this.columns.focus();
  }

  restyle(): void {}

  dispose(): void {
    this.request++;
    this.columns.dispose();
  }

  private setMode(id: "ir" | "tables"): void {
    for (const [name, element] of Object.entries(this.modes)) element.setAttribute("aria-pressed", String(name === id));
    this.ir.hidden = id !== "ir";
    this.tables.element.hidden = id !== "tables";
    if (id === "tables") void this.tables.load();
  }

  private buttons(): HTMLElement[] {
    const { first, labels } = this.compared;
    const partings = first.flatMap((row, i) =>
      row === null ? [] : [button(first.length > 1 ? `First divergence of ${labels[i + 1]}` : "First divergence", { class: "il-button" }, () => this.goTo(row))],
    );
    if (!partings.length)
      partings.push(button("No divergence", { class: "il-button", disabled: true, title: "No step that all ran left other IR" }, () => {}));
    const step = (by: 1 | -1, label: string, title: string) =>
      button(label, { class: "il-icon", title, "aria-label": title }, () => this.goToDifferent(by));
    const change = (by: 1 | -1, label: string, title: string) =>
      button(label, { class: "il-icon", title, "aria-label": title }, () => this.goToChange(by));
    return [
      ...partings,
      step(-1, "‹", "Previous step that differs"),
      step(1, "›", "Next step that differs"),
      change(-1, "↑", "Previous change in the text"),
      change(1, "↓", "Next change in the text"),
    ];
  }

  private goToDifferent(by: 1 | -1): void {
    const { different } = this.compared;
    const found = by > 0 ? different.find((row) => row > this.row) : different.filter((row) => row < this.row).pop();
    if (found !== undefined) this.goTo(found);
  }

  /** A row that the first side has is a selection, which all panes follow. */
  private goTo(row: number): void {
    this.row = row;
    const [step] = this.compared.rows[row];
    if (step !== null) this.context.showStep(step);
    void this.update();
  }

  private goToChange(by: 1 | -1): void {
    const at = this.columns.goToChange(by);
    if (at) this.place.textContent = `${this.describe()} · change ${at} of ${this.columns.changes}`;
  }

  private async update(): Promise<void> {
    const whole = this.at.text !== null && this.isModule();
    const key = `${this.row}:${whole}`;
    if (key === this.shown) return;
    this.shown = key;
    const request = ++this.request;
    const columns = await Promise.all(this.compared.labels.map((label, side) => this.column(label, side, whole)));
    if (request !== this.request) return;
    const texts = columns.flatMap(({ text }) => (text === null ? [] : [splitLines(text).text]));
    this.columns.show(columns, alignTexts(texts));
    this.place.textContent = this.describe();
    this.place.title = this.describe();
    if (this.columns.changes) this.columns.goToChange(1);
  }

  private async column(label: string, side: number, whole: boolean): Promise<ColumnText> {
    const step = this.stepOf(side);
    const source = side ? this.compared.sides[side - 1].source : this.context.index.source;
    const id = this.row < 0 ? source : whole ? step?.module : step?.after;
    const title = this.row < 0 ? "source" : step ? describe(step) : "no such step";
    if (id === undefined || id === null || id < 0) return { label, title, text: null };
    return { label, title, text: (await this.context.texts.text(id)).trimEnd() };
  }

  private stepOf(side: number): Step | null {
    const number = this.row < 0 ? null : this.compared.rows[this.row][side];
    if (number === null) return null;
    return (side ? this.compared.sides[side - 1].steps : this.context.index.steps)[number] ?? null;
  }

  /** Whether the IR pane shows whole modules. */
  private isModule(): boolean {
    const step = this.at.step === null ? undefined : this.context.index.steps[this.at.step];
    return step !== undefined && this.at.text === step.module && step.module !== step.after;
  }

  private describe(): string {
    if (this.row < 0) return "sources";
    const names = this.compared.labels.map((_, side) => this.stepOf(side));
    const step = names.find((one) => one !== null);
    const said = this.different.has(this.row)
      ? names.includes(null)
        ? "not in all sides"
        : plural(this.columns.changes, "change")
      : "the same in all";
    return `${step ? describe(step) : "?"} · ${said}`;
  }
}

function describe(step: Step): string {
  return [`${formatCount(step.i + 1)} ${step.name}`, symbolOf(step)].filter(Boolean).join(" ");
}
