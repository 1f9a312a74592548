/** The middle of the explorer: the IR, the diff, or the problems of a failed compile. */
import { formatCount, plural } from "../data/format.ts";
import { findSymbol, linesOf, type TextLines } from "../data/mlir.ts";
import type { TextStore } from "../data/payload.ts";
import { symbolOf } from "../data/steps.ts";
import type { Index, Step } from "../data/types.ts";
import type { LiveSession } from "../live.ts";
import type { Store, View } from "../state.ts";
import { DiffView, type DiffSummary } from "./diff_view.ts";
import { button, h } from "./dom.ts";
import { editAfter, type IrEdit } from "./ir_edit.ts";
import { IrView } from "./ir_view.ts";
import { Pane } from "./pane.ts";
import { copyText, problemsView } from "./problems_view.ts";

type Mode = "ir" | "diff" | "problems";

const SLOW_MS = 120;

export interface CodePaneEvents {
  onLine: (line: number) => void;
}

export class CodePane {
  readonly pane: Pane;
  private readonly irHost = h("div", { class: "il-ir", "data-il": "ir" });
  private readonly diffHost = h("div", { class: "il-diff", "data-il": "diff" });
  private readonly diffHeads = h("div", { class: "il-diff-heads" });
  private readonly diffBody = h("div", { class: "il-diff-body" });
  private readonly message = h("div", { class: "il-message", role: "status", hidden: true });
  private readonly problems: HTMLElement | null;
  private readonly diffTools: HTMLElement;
  private readonly baseButton: HTMLButtonElement;
  private readonly namesButton: HTMLButtonElement;
  private readonly moduleButton: HTMLButtonElement;
  private readonly copyButton: HTMLButtonElement;
  private readonly editButton: HTMLButtonElement;
  /** An edit that was begun; it waits while another step is looked at. */
  private edit: IrEdit | null = null;
  private readonly ir: IrView;
  private readonly diff: DiffView;
  private showingProblems: boolean;
  /** What each view holds, so that only what changed is drawn anew. */
  private irText: number | null = null;
  private diffKey = "";
  private diffNote = "";
  private request = 0;
  private lastSplit: TextLines | null = null;

  constructor(
    private readonly root: Document | ShadowRoot,
    private readonly index: Index,
    private readonly texts: TextStore,
    private readonly store: Store,
    private readonly session: LiveSession,
    events: CodePaneEvents,
  ) {
    const failure = index.error;
    this.showingProblems = index.state === "failed" && failure !== null;
    this.pane = new Pane({
      id: "code",
      label: "IR",
      title: "The intermediate representation and what each step changed ( 2 )",
      modes: [
        { id: "problems", label: "Problems", title: "What went wrong" },
        { id: "ir", label: "IR", title: "The IR after the selected step" },
        { id: "diff", label: "Diff", title: "What the selected step changed ( d )" },
      ],
      onMode: (id) => this.setMode(id as Mode),
    });
    const count = failure?.diagnostics.length ?? 0;
    this.pane.setModeLabel("problems", count ? `Problems (${count})` : "Problems");
    this.pane.showMode("problems", failure !== null);
    this.problems = failure
      ? problemsView(failure, index.source !== null, {
          onLocation: (line) => {
            this.showingProblems = false;
            store.select({ step: null, line, view: "ir" });
            void this.update();
          },
        })
      : null;

    this.baseButton = button("", { class: "il-toggle", "data-il": "base" }, () => this.toggleBase());
    this.namesButton = button(
      "Ignore %names",
      {
        class: "il-toggle",
        title: "Renumbered SSA values do not count as changes",
        "data-il": "ignore-names",
      },
      () => store.update({ ignoreNames: !store.ignoreNames }),
    );
    this.moduleButton = button(
      "Module",
      {
        class: "il-toggle",
        title: "Show the whole module instead of what the pass ran on ( m )",
        "data-il": "whole-module",
      },
      () => this.toggleModule(),
    );
    const go = (by: 1 | -1) => () => this.diff.goToChange(by);
    this.diffTools = h(
      "span",
      { class: "il-tools" },
      button("↑", { class: "il-icon", title: "Previous change ( p )", "aria-label": "Previous change" }, go(-1)),
      button("↓", { class: "il-icon", title: "Next change ( n )", "aria-label": "Next change" }, go(1)),
      this.namesButton,
    );
    this.copyButton = button("Copy", { class: "il-toggle", title: "Copy the text shown" }, () => {
      void this.copy();
    });
    this.editButton = button("Edit", { class: "il-toggle", "data-il": "edit", title: "Edit this text and go on from there ( e )" }, () => this.toggleEdit());
    this.pane.tools.append(this.diffTools, this.moduleButton, this.baseButton, this.editButton, this.copyButton);
    this.diffHost.append(this.diffHeads, this.diffBody);
    this.pane.body.append(this.irHost, this.diffHost, this.message);
    if (this.problems) this.pane.body.append(this.problems);
    const viewer = {
      onLine: events.onLine,
      onUnknownSymbol: (symbol: string) => this.pane.setNote(`@${symbol} is not defined in this text`),
    };
    this.ir = new IrView(this.irHost, root, { ...viewer, label: "Intermediate representation" });
    this.diff = new DiffView(this.diffBody, root, { ...viewer, label: "Difference" });
  }

  /** The lines of a step's text (of the source for null), for linking. */
  async lines(step: number | null): Promise<TextLines | null> {
    const id = this.textOf(step);
    return id === null ? null : this.split(await this.texts.text(id));
  }

  /** Stepping through events asks for the same text's lines again and again. */
  private split(text: string): TextLines {
    if (this.lastSplit?.text !== text) this.lastSplit = linesOf(text);
    return this.lastSplit;
  }

  get mode(): Mode {
    if (this.showingProblems) return "problems";
    return this.store.selection.view;
  }

  setMode(mode: Mode): void {
    this.showingProblems = mode === "problems";
    if (mode !== "problems") this.store.select({ view: mode });
    void this.update();
  }

  /** Leaves the problems for what was just selected. */
  onSelection(now: View, before: View): void {
    if (now.selection.step !== before.selection.step || now.selection.line !== before.selection.line)
      this.showingProblems = false;
    void this.update();
  }

  /** Begins an edit of the text shown, or goes back to the one that was begun. */
  toggleEdit(): void {
    if (!this.session.enabled || !this.session.state.compilation) return;
    if (this.edit && this.edit.step !== this.store.selection.step) this.select(this.edit.step);
    else if (this.edit) this.endEdit();
    else void this.beginEdit(this.store.selection.step);
  }

  private async beginEdit(step: number | null): Promise<void> {
    const { index, root, session } = this;
    this.edit?.dispose();
    this.edit = await editAfter(step, {
      root,
      index,
      session,
      text: (of) => this.moduleText(of),
      onCancel: () => this.endEdit(),
      onElsewhere: (there) => {
        this.endEdit();
        this.select(there);
        void this.beginEdit(there);
      },
    });
    this.pane.body.append(this.edit.element);
    await this.update();
    this.edit.focus();
  }

  private endEdit(): void {
    this.edit?.dispose();
    this.edit = null;
    void this.update();
    this.focus();
  }

  private select(step: number | null): void {
    this.store.select({ step, line: null, view: "ir" });
  }

  private async moduleText(step: number | null): Promise<string> {
    const id = step === null ? this.index.source : this.index.steps[step].module;
    return id === null ? "" : (await this.texts.text(id)).trimEnd() + "\n";
  }

  toggleBase(): void {
    const { step } = this.store.selection;
    this.store.update({ base: this.store.base === null ? step : null });
  }

  toggleModule(): void {
    this.store.update({ wholeModule: !this.store.wholeModule });
    this.store.select({ line: null });
  }

  goToChange(by: 1 | -1): void {
    this.diff.goToChange(by);
  }

  focus(): void {
    if (this.edit && !this.edit.element.hidden) this.edit.focus();
    else if (this.mode === "problems") this.problems?.focus();
    else (this.mode === "diff" ? this.diff : this.ir).focus();
  }

  dispose(): void {
    this.edit?.dispose();
    this.ir.dispose();
    this.diff.dispose();
  }

  // --- showing -----------------------------------------------------------------------------

  async update(): Promise<void> {
    const request = ++this.request;
    const mode = this.mode;
    this.pane.setMode(mode);
    this.updateTools(mode);
    this.irHost.hidden = mode !== "ir";
    this.diffHost.hidden = mode !== "diff";
    if (this.problems) this.problems.hidden = mode !== "problems";
    this.message.hidden = true;
    const editing = this.edit !== null && this.edit.step === this.store.selection.step && mode === "ir";
    if (this.edit) this.edit.element.hidden = !editing;
    if (editing) {
      this.irHost.hidden = true;
      this.pane.setNote(this.describe(this.store.selection.step));
      return;
    }
    if (mode === "problems") {
      this.pane.setNote("");
      return;
    }
    const slow = setTimeout(() => this.say("Reading…", ""), SLOW_MS);
    try {
      await (mode === "diff" ? this.showDiff(request) : this.showIr(request));
    } catch (error) {
      if (request === this.request) this.say("This text cannot be shown", String((error as Error).message));
      return;
    } finally {
      clearTimeout(slow);
    }
    if (request === this.request && this.message.textContent?.startsWith("Reading")) this.message.hidden = true;
  }

  private async showIr(request: number): Promise<void> {
    const { step, line } = this.store.selection;
    const id = this.textOf(step);
    if (id === null) {
      this.irText = null;
      this.irHost.hidden = true;
      this.say(
        step === null ? "The source was not kept" : "No text was kept for this step",
        "Select a step on the left.",
      );
      return;
    }
    const text = await this.texts.text(id);
    if (request !== this.request) return;
    const fresh = this.irText !== id;
    if (fresh) {
      this.ir.show(text.trimEnd());
      this.irText = id;
    }
    this.ir.selectLine(line, line !== null);
    if (fresh && line === null) this.scrollToScope(step, text);
    this.pane.setNote([this.describe(step), plural(this.ir.lineCount, "line")].join(" · "));
  }

  /** In a whole module, what the step ran on is what one wants to see first. */
  private scrollToScope(step: number | null, text: string): void {
    const symbol = step === null ? "" : symbolOf(this.index.steps[step]).slice(1);
    if (!symbol || !this.store.wholeModule) return;
    const line = findSymbol(this.split(text), symbol);
    if (line !== null) this.ir.scrollTo(line);
  }

  private async showDiff(request: number): Promise<void> {
    const { step, line } = this.store.selection;
    const { base, ignoreNames } = this.store;
    const after = this.textOf(step);
    const before = base !== null ? this.textOf(base) : this.textBefore(step);
    if (after === null || before === null) {
      this.diffHost.hidden = true;
      this.say("Nothing to compare", "Select a step, or pin another one as A with B.");
      this.pane.setNote("");
      return;
    }
    const key = `${before}:${after}:${ignoreNames}`;
    if (key !== this.diffKey) {
      const [a, b] = await Promise.all([this.texts.text(before), this.texts.text(after)]);
      if (request !== this.request) return;
      const summary = before === after ? null : this.diff.show(a, b, ignoreNames);
      if (!summary) this.diff.clear();
      this.diffNote = describeChanges(summary);
      this.diffKey = key;
      if (summary?.changes) this.diff.goToChange(1);
    }
    this.setDiffHeads(step, base);
    this.pane.setNote(this.diffNote);
    if (before === after) {
      this.diffHost.hidden = true;
      this.say(
        base === null ? "This step changed nothing" : "Both steps have the same text",
        "Shift+J goes to the next step that changed the IR.",
      );
      return;
    }
    this.diff.selectLine(line, line !== null);
  }

  private setDiffHeads(step: number | null, base: number | null): void {
    const left = base !== null ? `A · ${this.describe(base)}` : `before · ${this.describe(step)}`;
    const right = base !== null ? `B · ${this.describe(step)}` : `after · ${this.describe(step)}`;
    this.diffHeads.replaceChildren(
      h("div", { title: left }, left),
      h("div", { title: right }, right),
    );
  }

  private updateTools(mode: Mode): void {
    const { base, selection, ignoreNames } = this.store;
    this.diffTools.hidden = mode !== "diff";
    this.copyButton.hidden = mode === "problems";
    const elsewhere = this.edit !== null && this.edit.step !== selection.step;
    this.editButton.hidden = !this.session.enabled || !this.session.state.compilation || mode !== "ir";
    this.editButton.textContent = elsewhere ? "Back to the edit" : "Edit";
    this.editButton.setAttribute("aria-pressed", String(this.edit !== null && !elsewhere));
    this.namesButton.setAttribute("aria-pressed", String(ignoreNames));
    this.moduleButton.setAttribute("aria-pressed", String(this.store.wholeModule));
    this.moduleButton.hidden = mode === "problems" || !this.hasModule(selection.step);
    this.baseButton.hidden = mode === "problems" || (base === null && selection.step === null);
    this.baseButton.setAttribute("aria-pressed", String(base !== null));
    this.baseButton.textContent = base === null ? "Pin as A" : `A: ${this.shortName(base)} ×`;
    this.baseButton.title =
      base === null
        ? "Compare this step with any other: pin it, then select the other ( b )"
        : `Diffs start from ${this.describe(base)}; click to unpin ( b )`;
  }

  private say(title: string, hint: string): void {
    this.message.replaceChildren(h("h3", {}, title), h("p", {}, hint));
    this.message.hidden = false;
  }

  private async copy(): Promise<void> {
    const id = this.textOf(this.store.selection.step);
    const done = id !== null && (await copyText(await this.texts.text(id)));
    this.copyButton.textContent = done ? "Copied" : "Not copied";
    setTimeout(() => (this.copyButton.textContent = "Copy"), 1500);
  }

  // --- names and texts ---------------------------------------------------------------------

  /** The number of the text that is shown of a step. */
  textOf(step: number | null): number | null {
    if (step === null) return this.index.source;
    const found = this.index.steps[step];
    return textId(this.store.wholeModule && this.hasModule(step) ? found.module : found?.after);
  }

  private textBefore(step: number | null): number | null {
    if (step === null) return null;
    const found = this.index.steps[step];
    if (!this.store.wholeModule || !this.hasModule(step)) return textId(found?.before);
    return step === 0 ? this.index.source : textId(this.index.steps[step - 1].module);
  }

  /** Whether the step has a module text that says more than its scope. */
  private hasModule(step: number | null): boolean {
    const found = step === null ? undefined : this.index.steps[step];
    return found !== undefined && found.module >= 0 && found.scope.length > 1;
  }

  private describe(step: number | null): string {
    if (step === null) return "source";
    const found: Step | undefined = this.index.steps[step];
    return found ? [`${formatCount(step + 1)} ${found.name}`, symbolOf(found)].filter(Boolean).join(" ") : "?";
  }

  private shortName(step: number): string {
    const name = this.index.steps[step]?.name ?? "?";
    return name.length > 18 ? `${name.slice(0, 17)}…` : name;
  }
}

function textId(id: number | undefined): number | null {
  return id === undefined || id < 0 ? null : id;
}

function describeChanges(summary: DiffSummary | null): string {
  if (!summary) return "no changes";
  return `${plural(summary.changes, "change")} · +${formatCount(summary.added)} −${formatCount(summary.removed)} lines`;
}
