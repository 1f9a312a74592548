/** The Executables pane: kernels, and each from linalg to machine code with its lines matched. */
import {
  firstStages,
  matchLines,
  matchText,
  stagesOf,
  timesOf,
  type Executables,
  type Kernel,
  type Stage,
} from "../data/executables.ts";
import { refKind } from "../data/entities.ts";
import { formatNs, plural } from "../data/format.ts";
import { CodeColumns } from "./code_columns.ts";
import { select } from "./controls.ts";
import { button, Disposer, h } from "./dom.ts";
import { KernelEdit } from "./kernel_edit.ts";
import { kernelFactsElement } from "./kernel_facts.ts";
import { KernelList, type KernelOrder } from "./kernel_list.ts";
import { message, type PaneContext, type PaneView, type Selected } from "./model_pane.ts";
import type { Pane } from "./pane.ts";

/** Room that a column of code wants. */
const COLUMN_PX = 330;
/** Below this width the list stands above the code (in widget.css too), and takes no room beside it. */
const STACKED_PX = 560;
const SIDE_PX = 240;
/** Lower than this, the list of kernels takes all of the side's height at first. */
const LOW_PX = 400;

export async function executablesPane(pane: Pane, context: PaneContext): Promise<PaneView> {
  const model = await context.models.get<Executables>("executables");
  return new ExecutablesPane(pane, context, model);
}

class ExecutablesPane implements PaneView {
  private readonly list: KernelList;
  private readonly columns: CodeColumns;
  private readonly counts = h("div", { class: "il-kernel-counts", role: "region", tabindex: 0, "aria-label": "What the kernel uses" });
  private readonly uses = h("summary", {}, "What the kernel uses");
  private readonly aside = h("details", { class: "il-kernel-aside" }, this.uses, this.counts);
  private asideKept = false;
  private readonly status = h("output", { class: "il-column-status" });
  private readonly locate: HTMLButtonElement;
  private readonly edit: KernelEdit;
  private readonly disposer = new Disposer();
  /** Kernels compiled again by themselves, so that lines know the lines of their source. */
  private readonly located = new Map<string, Kernel>();
  private kernel: Kernel | null = null;
  private stages: Stage[] = [];
  private chosen: string[] = [];
  private columnCount = 0;
  private item: string | null = null;
  private picked: { stage: string; line: number } | null = null;

  constructor(
    pane: Pane,
    private readonly context: PaneContext,
    private readonly model: Executables,
  ) {
    const times = timesOf(context.index.run?.timeline ?? []);
    this.list = new KernelList(model.entry_points, times, (kernel) => this.pick(kernel));
    this.columns = new CodeColumns(context.root, "Kernel", {
      text: (stage) => this.text(stage as Stage),
      onChoose: (column, id) => {
        this.chosen = this.chosen.map((one, i) => (i === column ? id : one));
        this.showColumns(false);
      },
      onPoint: (stage, line) => this.point(stage, line),
      onPick: (stage, line) => this.pickLine(stage, line),
      onStep: context.index.steps.length ? (step) => context.selectStep(step) : null,
    });
    this.locate = button(
      "Match source lines",
      { class: "il-toggle", title: "Compile this kernel again by itself, so that its code knows the lines of the source" },
      () => void this.matchSource(),
    );
    this.edit = new KernelEdit(context.root, pane.body, context.session, context.index.pipeline === "upstream");
    const total = [...times.values()].reduce((sum, { total_ns }) => sum + total_ns, 0);
    pane.setNote([plural(model.entry_points.length, "kernel"), total ? `${formatNs(total)} in dispatches` : ""].filter(Boolean).join(" · "));
    pane.body.classList.add("il-executables");
    if (!model.entry_points.length) {
      pane.body.append(message("empty", "No kernels", "This program dispatches nothing to a device."));
      return;
    }
    const side = h("div", { class: "il-kernel-side" }, this.list.element, this.aside);
    const main = h("div", { class: "il-kernel-main" }, this.toolbar(times.size > 0), this.edit.problem, this.columns.element, this.status);
    pane.body.append(side, main);
    this.disposer.listen(this.uses, "click", () => (this.asideKept = true));
    this.disposer.observeSize(pane.body, () => this.fit(pane.body.clientWidth, pane.body.clientHeight));
    this.fit(pane.body.clientWidth, pane.body.clientHeight);
    this.choose(model.entry_points[0]);
  }

  show({ item, related }: Selected): void {
    const moved = item !== this.item;
    this.item = item;
    if (!moved || item === null) return;
    const refs = [item, ...related].filter((ref) => refKind(ref) === "kernel");
    const kernel = this.model.entry_points.find((one) => refs.includes(`kernel:${one.entry_point}`));
    if (kernel && kernel !== this.kernel) this.choose(kernel);
  }

  focus(): void {
    this.list.focus();
  }

  restyle(): void {}

  dispose(): void {
    this.list.dispose();
    this.columns.dispose();
    this.edit.dispose();
    this.disposer.dispose();
  }

  private toolbar(timed: boolean): HTMLElement {
    const orders: [KernelOrder, string][] = [["compiler", "as compiled"], ...(timed ? [["time", "by time"] as [KernelOrder, string]] : []), ["size", "by code size"]];
    const counts = (["1", "2", "3"] as const).map((one) => [one, one] as const);
    const number = select("Columns", "How many texts side by side", counts, "2", (value) => this.setColumns(Number(value)));
    number.querySelector("select")!.dataset.il = "column-count";
    return h(
      "div",
      { class: "il-toolbar" },
      select("Kernels", "The order of the list", orders, "compiler", (by) => this.list.order(by)),
      number,
      this.locate,
      this.edit.tools,
    );
  }

  /** What there is room for, until the user says it: what the kernel uses, and columns. */
  private fit(width: number, height: number): void {
    if (!width) return;
    if (!this.asideKept) this.aside.open = height >= LOW_PX;
    if (this.columnCount) return;
    const room = width > STACKED_PX ? width - SIDE_PX : width;
    const columns = Math.max(1, Math.min(3, Math.floor(room / COLUMN_PX)));
    if (columns === this.chosen.length) return;
    this.chosen = firstStages(this.stages, columns);
    this.showColumns(false);
  }

  private setColumns(count: number): void {
    this.columnCount = count;
    this.chosen = count < this.chosen.length ? this.chosen.slice(0, count) : this.filled(count);
    this.showColumns(false);
  }

  private filled(count: number): string[] {
    const more = firstStages(this.stages, 3).filter((id) => !this.chosen.includes(id));
    return [...this.chosen, ...more, ...this.stages.map(({ id }) => id)].slice(0, count);
  }

  private pick(kernel: Kernel): void {
    this.choose(kernel);
    this.item = `kernel:${kernel.entry_point}`;
    this.context.select(this.item);
  }

  private choose(kernel: Kernel): void {
    this.kernel = kernel;
    this.picked = null;
    this.status.textContent = "";
    this.stages = stagesOf(kernel, this.context.index.steps);
    const known = this.stages.map(({ id }) => id);
    const kept = this.chosen.filter((id) => known.includes(id));
    const wanted = firstStages(this.stages, Math.max(1, this.chosen.length));
    this.chosen = kept.length === this.chosen.length && kept.length ? kept : wanted;
    this.list.show(kernel);
    this.edit.show(kernel);
    this.counts.replaceChildren(kernelFactsElement(kernel));
    this.showColumns(true);
  }

  private showColumns(fresh: boolean): void {
    if (!this.kernel) return;
    this.columns.show(this.stages, this.chosen, fresh);
    const control = this.columns.element.parentElement?.querySelector<HTMLSelectElement>("[data-il=column-count]");
    if (control) control.value = String(this.chosen.length);
    const { cpu, spirv, source, entry_point } = this.kernel;
    this.locate.hidden = !this.context.live || !source || !(cpu || spirv) || this.located.has(entry_point);
  }

  private get shown(): Kernel | null {
    return this.kernel && (this.located.get(this.kernel.entry_point) ?? this.kernel);
  }

  private async text(stage: Stage): Promise<string> {
    const kernel = this.shown;
    if (!kernel) return "";
    if (stage.id === "source") return kernel.source;
    if (stage.id === "lowered") return kernel.lowered;
    if (stage.id === "spirv") return kernel.spirv?.text ?? "";
    if (stage.id.startsWith("step:")) return this.context.texts.text(this.context.index.steps[stage.step].after);
    return kernel.cpu?.[stage.id as "assembly"].text ?? "";
  }

  private matches(stage: string, line: number): ReturnType<typeof matchLines> | null {
    const kernel = this.shown;
    return kernel && matchLines(kernel, this.located.has(kernel.entry_point), stage, line);
  }

  private point(stage: string, line: number | null): void {
    const picked = this.picked && this.matches(this.picked.stage, this.picked.line);
    const pointed = line === null ? null : this.matches(stage, line);
    // What was picked stays in view; what is pointed at is only marked.
    this.columns.mark(picked, pointed, stage);
    const said = pointed ? { matches: pointed, stage } : picked ? { matches: picked, stage: this.picked!.stage } : null;
    this.status.textContent = said ? matchText(said.matches, this.stages, said.stage) : "";
  }

  private pickLine(stage: string, line: number): void {
    this.picked = { stage, line };
    const matches = this.matches(stage, line);
    this.columns.mark(matches, null, stage);
    if (matches) this.status.textContent = matchText(matches, this.stages, stage);
  }

  private async matchSource(): Promise<void> {
    const kernel = this.kernel;
    if (!kernel) return;
    this.locate.disabled = true;
    this.status.textContent = "Compiling the kernel by itself…";
    try {
      const { source, cpu, spirv } = await this.context.models.get<Kernel>(`located/${kernel.entry_point}`);
      this.located.set(kernel.entry_point, { ...kernel, source, cpu, spirv });
      if (kernel === this.kernel) this.choose(kernel);
      this.status.textContent = "Lines of the source and of the code are matched.";
    } catch (error) {
      this.status.textContent = `The lines are not known: ${(error as Error).message}`;
    } finally {
      this.locate.disabled = false;
    }
  }
}
