/** What the panes share: the selection, the base of the diff, and who wants to know. */
import type { Selection } from "./data/types.ts";

export const NOTHING_SELECTED: Selection = { step: null, event: null, line: null, view: "ir" };

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
    const before = this.view;
    this.view = { ...before, ...patch };
    if (sameView(before, this.view)) return;
    for (const listener of [...this.listeners]) listener(this.view, before);
  }

  subscribe(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

export function sameSelection(a: Selection, b: Selection): boolean {
  return a.step === b.step && a.event === b.event && a.line === b.line && a.view === b.view;
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
export function readSelection(raw: unknown, steps: number, events: number): Selection {
  const given = (raw ?? {}) as Partial<Record<keyof Selection, unknown>>;
  const within = (value: unknown, count: number): number | null =>
    typeof value === "number" && value >= 0 && value < count ? value : null;
  return {
    step: within(given.step, steps),
    event: within(given.event, events),
    line: typeof given.line === "number" && given.line >= 1 ? given.line : null,
    view: given.view === "diff" ? "diff" : "ir",
  };
}
