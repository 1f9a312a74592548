/** What differs between the sides in numbers: totals, then the parts of each model. */
import { formatBytes, formatCount, formatNs, plural } from "../data/format.ts";
import { button, h } from "./dom.ts";
import { message, type PaneContext } from "./model_pane.ts";

interface Quantity {
  name: string;
  unit: string;
  values: (number | null)[];
  ratios: (number | null)[];
}

interface Part {
  name: string;
  refs: (number | string | null)[];
  same: boolean;
  quantities: Quantity[];
}

interface PartTable {
  title: string;
  parts: Part[];
}

interface Comparison {
  kind: string;
  same: boolean;
  totals: Quantity[];
  tables: PartTable[];
}

interface ComparisonModel {
  labels: string[];
  models: Record<string, Comparison>;
  absent: Record<string, string>;
}

const TITLES: Record<string, string> = {
  streams: "Streams",
  allocation: "Allocation",
  barriers: "Barriers",
  executables: "Executables",
  vm: "VM",
  run: "Run",
};
const MOST_ROWS = 400;

export class CompareTables {
  readonly element = h("div", { class: "il-compare-tables", tabindex: 0, role: "region", "aria-label": "Numbers of all sides" });
  private model: ComparisonModel | null = null;
  private onlyDifferent = true;

  constructor(private readonly context: PaneContext) {}

  async load(): Promise<void> {
    if (this.model) return;
    this.element.replaceChildren(message("loading", "Comparing…"));
    try {
      this.model = await this.context.models.get<ComparisonModel>("compare");
      this.draw();
    } catch (error) {
      const failed = message("failed", "The numbers could not be compared", error instanceof Error ? error.message : String(error));
      failed.append(button("Try again", { class: "il-button" }, () => void this.load()));
      this.element.replaceChildren(failed);
    }
  }

  focus(): void {
    this.element.focus({ preventScroll: true });
  }

  private draw(): void {
    const { model } = this;
    if (!model) return;
    const toggle = button("Differences only", { class: "il-toggle", "aria-pressed": this.onlyDifferent }, () => {
      this.onlyDifferent = !this.onlyDifferent;
      this.draw();
    });
    toggle.setAttribute("aria-pressed", String(this.onlyDifferent));
    const sections = Object.entries(model.models).map(([name, comparison]) => this.section(name, comparison, model.labels));
    for (const [name, why] of Object.entries(model.absent)) sections.push(h("section", {}, h("h3", {}, TITLES[name] ?? name), h("p", {}, why)));
    if (!sections.length) sections.push(message("absent", "Nothing to compare", "Not every compilation reached phase stream."));
    this.element.replaceChildren(h("div", { class: "il-toolbar" }, toggle), ...sections);
  }

  private section(name: string, comparison: Comparison, labels: readonly string[]): HTMLElement {
    const title = TITLES[name] ?? name;
    const section = h("section", { "data-compared": name }, h("h3", {}, title));
    const totals = comparison.totals.map((quantity) => row([h("th", { scope: "row" }, quantity.name)], quantity));
    section.append(table(`${title}: totals`, ["", ...headings(labels)], totals));
    for (const parts of comparison.tables) section.append(...this.parts(name, parts, labels));
    return section;
  }

  private parts(kind: string, { title, parts }: PartTable, labels: readonly string[]): HTMLElement[] {
    const same = parts.filter((part) => part.same).length;
    const said = `${title}: ${formatCount(same)} of ${formatCount(parts.length)} the same`;
    const rows: HTMLElement[] = [];
    for (const part of parts) {
      const shown = part.quantities.filter((quantity) => !this.onlyDifferent || differs(quantity));
      shown.forEach((quantity, i) =>
        rows.push(row([h("th", { scope: "row", title: part.name }, i ? "" : this.partName(kind, title, part)), h("td", {}, quantity.name)], quantity)),
      );
    }
    if (!rows.length) return [h("p", { class: "il-muted" }, said)];
    const found: HTMLElement[] = [h("h4", {}, said), table(said, [title, "", ...headings(labels)], rows.slice(0, MOST_ROWS))];
    if (rows.length > MOST_ROWS) found.push(h("p", { class: "il-muted" }, `and ${plural(rows.length - MOST_ROWS, "more row")}`));
    return found;
  }

  /** A part that the first side has is a link to it. */
  private partName(kind: string, title: string, part: Part): Node | string {
    const ref = this.reference(kind, title, part);
    if (ref === null) return part.name;
    return button(part.name, { class: "il-link il-ellipsis", title: part.name }, () => this.context.select(ref));
  }

  private reference(kind: string, title: string, { refs: [ref], name }: Part): string | null {
    if (ref === null) return null;
    if (kind === "executables") return `kernel:${ref}`;
    if (kind === "allocation" && title === "slices") return `slice:${ref}`;
    if (kind === "barriers") return `recorded:${ref}.0`;
    if (kind !== "run") return null;
    const event = this.context.index.run?.timeline.findIndex((one) => one.entry_point === name) ?? -1;
    return event < 0 ? null : `event:${event}`;
  }
}

function headings(labels: readonly string[]): string[] {
  return [...labels, ...labels.slice(1).map((label) => `${label} / ${labels[0]}`)];
}

function differs({ values }: Quantity): boolean {
  return new Set(values).size > 1;
}

function table(caption: string, heads: readonly string[], rows: readonly HTMLElement[]): HTMLElement {
  const cells = heads.map((text, i) => (text ? h("th", { scope: "col", class: i ? "il-number" : null }, text) : h("td", {})));
  return h("table", { class: "il-compare-table", "aria-label": caption }, h("thead", {}, h("tr", {}, ...cells)), h("tbody", {}, ...rows));
}

function row(names: readonly HTMLElement[], quantity: Quantity): HTMLElement {
  const values = quantity.values.map((value) => h("td", { class: "il-number" }, format(value, quantity.unit)));
  const ratios = quantity.ratios.map((ratio) => h("td", { class: `il-number ${ratioClass(ratio)}` }, ratio === null ? "" : ratio.toFixed(2)));
  return h("tr", { class: differs(quantity) ? "il-differs" : "" }, ...names, ...values, ...ratios);
}

function ratioClass(ratio: number | null): string {
  return ratio === null || Math.abs(ratio - 1) < 0.005 ? "il-muted" : "il-ratio";
}

function format(value: number | null, unit: string): string {
  if (value === null) return "–";
  if (unit === "ns") return formatNs(value);
  if (unit === "B") return formatBytes(value);
  const text = Number.isInteger(value) ? formatCount(value) : value.toFixed(2);
  return unit ? `${text} ${unit}` : text;
}
