/** What the panes share: the selection, the base of the diff, and who wants to know. */
import { isRef } from "./data/entities.ts";
import { canGo, go, historyOf, refine, visit, type History } from "./data/history.ts";
import type { Selection } from "./data/types.ts";

export const NOTHING_SELECTED: Selection = { step: null, line: null, view: "ir", item: null };

export interface View {
  selection: Selection;
  /** The step whose text the diff starts from; null means: the selected step's own input. */
  base: number | null;
  ignoreNames: boolean;
  /** Show the whole module instead of the step's scope. */
  wholeModule: boolean;
}

type Listener = (now: View, before: View) => void;

export class Store {
  private view: View = {
    selection: NOTHING_SELECTED,
    base: null,
    ignoreNames: true,
    wholeModule: false,
  };
  private history: History<Selection> = historyOf(NOTHING_SELECTED);
  private readonly listeners = new Set<Listener>();

  get current(): View {
    return this.view;
  }

  get selection(): Selection {
    return this.view.selection;
  }

  get base(): number | null {
    return this.view.base;
  }

  get ignoreNames(): boolean {
    return this.view.ignoreNames;
  }

  get wholeModule(): boolean {
    return this.view.wholeModule;
  }

  select(patch: Partial<Selection>): void {
    this.update({ selection: { ...this.view.selection, ...patch } });
  }

  update(patch: Partial<View>): void {
    this.history = visit(this.history, patch.selection ?? this.view.selection, sameSelection);
    this.apply(patch);
  }

  canGo(by: 1 | -1): boolean {
    return canGo(this.history, by);
  }

  /** What follows from a selection just made, and is no place of its own in the history. */
  refine(patch: Partial<Selection>): void {
    const selection = { ...this.view.selection, ...patch };
    this.history = refine(this.history, selection);
    this.apply({ selection });
  }

  /** Back (-1) or forward to what was selected before. */
  go(by: 1 | -1): void {
    this.history = go(this.history, by);
    this.apply({ selection: this.history.entries[this.history.at] });
  }

  subscribe(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private apply(patch: Partial<View>): void {
    const before = this.view;
    this.view = { ...before, ...patch };
    if (sameView(before, this.view)) return;
    for (const listener of [...this.listeners]) listener(this.view, before);
  }
}

export function sameSelection(a: Selection, b: Selection): boolean {
  return a.step === b.step && a.line === b.line && a.view === b.view && a.item === b.item;
}

function sameView(a: View, b: View): boolean {
  return (
    sameSelection(a.selection, b.selection) &&
    a.base === b.base &&
    a.ignoreNames === b.ignoreNames &&
    a.wholeModule === b.wholeModule
  );
}

/** A selection as it comes from Python or another cell: anything may be missing or stale. */
export function readSelection(raw: unknown, steps: number): Selection {
  const given = (raw ?? {}) as Partial<Record<keyof Selection, unknown>>;
  return {
    step: typeof given.step === "number" && given.step >= 0 && given.step < steps ? given.step : null,
    line: typeof given.line === "number" && given.line >= 1 ? given.line : null,
    view: given.view === "diff" ? "diff" : "ir",
    item: isRef(given.item) ? given.item : null,
  };
}
