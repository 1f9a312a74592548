/** The Run pane: run or compile anew, and what came of it. Without a kernel, the outputs alone. */
import type { Run } from "../data/types.ts";
import type { LiveSession } from "../live.ts";
import { CompileForm } from "./compile_form.ts";
import { h } from "./dom.ts";
import { choice } from "./form.ts";
import { compilationList, runList } from "./live_lists.ts";
import { message, type PaneContext, type PaneView } from "./model_pane.ts";
import { outputElement } from "./outputs_view.ts";
import type { Pane } from "./pane.ts";
import { problemCard } from "./problem_card.ts";
import { RunForm } from "./run_form.ts";

export const RUN_MODES = [
  { id: "run", label: "Run", title: "Run with other inputs, elsewhere, more often" },
  { id: "compile", label: "Compile", title: "Compile with other flags, for another target" },
] as const;

type Mode = (typeof RUN_MODES)[number]["id"];

const NO_KERNEL = "Running and compiling anew need a kernel: open this compilation in a notebook with il.explore.";

export function runPane(pane: Pane, context: PaneContext): Promise<PaneView> {
  return Promise.resolve(new RunPane(pane, context));
}

class RunPane implements PaneView {
  private readonly session: LiveSession;
  private readonly element = h("div", { class: "il-run", tabindex: -1 });
  private readonly problem = h("div", {});
  private readonly lists = h("div", {});
  private readonly outputs = h("section", { "data-il": "outputs", "aria-live": "polite" });
  private readonly run: RunForm;
  private readonly compile: CompileForm;
  private readonly unsubscribe: () => void;
  private shown = "";

  constructor(
    private readonly pane: Pane,
    private readonly context: PaneContext,
  ) {
    this.session = context.session;
    this.run = new RunForm(this.session);
    this.compile = new CompileForm(this.session);
    pane.options.onMode = (mode) => this.setMode(mode as Mode);
    pane.body.append(this.element);
    this.unsubscribe = this.session.subscribe(() => this.update());
    if (!this.session.enabled) {
      for (const { id } of RUN_MODES) pane.showMode(id, false);
      const { run } = context.index;
      if (run) this.element.append(h("p", { class: "il-muted" }, NO_KERNEL), this.outputs);
      else this.element.append(message("absent", "Not run", NO_KERNEL));
    } else {
      this.element.append(this.run.element, this.compile.element, this.problem, this.lists, this.outputs);
      if (!this.session.state.options) this.session.ask("options");
    }
    this.update();
  }

  show(): void {
    this.update();
  }

  focus(): void {
    if (!this.session.enabled) this.element.focus({ preventScroll: true });
    else (this.session.mode === "run" ? this.run : this.compile).focus();
  }

  restyle(): void {}

  dispose(): void {
    this.unsubscribe();
  }

  private setMode(mode: Mode): void {
    this.session.mode = mode;
    this.shown = "";
    this.update();
  }

  private update(): void {
    const { session } = this;
    if (session.enabled) {
      const { state, mode } = session;
      this.pane.setMode(mode);
      this.run.element.hidden = mode !== "run";
      this.compile.element.hidden = mode !== "compile";
      (mode === "run" ? this.run : this.compile).show();
      const key = JSON.stringify([mode, state.problem, state.runs.length, state.run, state.compilations.length, state.compilation]);
      if (key !== this.shown) this.showLists(mode);
      this.shown = key;
    }
    this.showOutputs();
  }

  private showLists(mode: Mode): void {
    const { state } = this.session;
    const mine = state.problem?.where === mode ? state.problem : null;
    this.problem.replaceChildren(...problemCard(mine, null));
    if (mine) this.problem.scrollIntoView({ block: "nearest" });
    const list =
      mode === "run"
        ? runList(state, (number) => this.session.ask("show-run", { number }), state.run && state.compilation ? this.compare("run") : null)
        : compilationList(state, (number) => this.session.ask("show-compilation", { number }), this.compare("compilation"));
    this.lists.replaceChildren(list);
    this.pane.setNote(mode === "run" ? runNote(state.run, state.runs.length) : runNote(state.compilation, state.compilations.length));
  }

  private compare(kind: "run" | "compilation"): (number: number) => void {
    return (number) => this.session.ask("compare", { kind, number, where: this.session.mode });
  }

  private showOutputs(): void {
    const { run } = this.context.index;
    const visible = run !== null && (this.session.mode === "run" || !this.session.enabled);
    this.outputs.hidden = !visible;
    if (!run || !visible) return;
    const number = run.number || this.session.state.run;
    const key = `${number}/${run.outputs[0]?.difference?.run ?? ""}/${this.session.state.runs.length}`;
    if (this.outputs.dataset.run === key) return;
    this.outputs.dataset.run = key;
    const outputs = run.outputs.map((output, i) => outputElement(output, i, run.outputs.length));
    this.outputs.replaceChildren(
      h("h4", {}, number ? `Outputs of run ${number}` : "Outputs"),
      ...this.against(run, number),
      ...(outputs.length ? outputs : [h("p", { class: "il-muted" }, "No outputs.")]),
    );
  }

  /** Which run the outputs are held against. */
  private against(run: Run, shown: number): HTMLElement[] {
    const others = this.session.state.runs.filter(({ number }) => number !== shown);
    const now = run.outputs[0]?.difference?.run;
    if (!others.length || !run.outputs.length) return [];
    const choices = others.map(({ number }) => ({ value: String(number), label: `run ${number}` }));
    const control = choice(choices, now === undefined ? "" : String(now), (against) =>
      this.session.ask("show-run", { number: shown, against: Number(against) }),
    );
    if (now === undefined) control.prepend(h("option", { value: "", selected: true }, "nothing"));
    control.setAttribute("aria-label", "Hold the outputs against");
    control.dataset.il = "against";
    return [h("p", { class: "il-labelled" }, "held against", control)];
  }
}

function runNote(shown: number, count: number): string {
  return count > 1 ? `${shown || "none"} of ${count}` : "";
}
