/** A pane over one model: asks for it when first shown, and says what it waits for or lacks. */
import type { Entities, Ref } from "../data/entities.ts";
import { ModelAbsent, type Models } from "../data/models.ts";
import type { TextStore } from "../data/payload.ts";
import type { Index } from "../data/types.ts";
import type { Follower } from "../follower.ts";
import { button, h, treeOf } from "./dom.ts";
import type { LiveSession } from "../live.ts";
import type { Pane } from "./pane.ts";

/** What a pane may use of the explorer around it. */
export interface PaneContext {
  root: HTMLElement;
  index: Index;
  models: Models;
  texts: TextStore;
  /** Whether there is a kernel that can be asked for more than the page holds. */
  live: boolean;
  session: LiveSession;
  select: (item: Ref | null) => void;
  /** Shows a step in the IR pane: what it ran on or the whole module, as it is set or as given. */
  selectStep: (step: number | null, line?: number | null, wholeModule?: boolean) => void;
  /** Selects a step and leaves the panes as they are arranged. */
  showStep: (step: number) => void;
  /** Follows ops through the steps. */
  follower: Follower;
  /** The table that says what a reference is called elsewhere. */
  entities: () => Promise<Entities>;
}

/** A line of the text that the IR pane shows of a step (null: the source). */
export interface At {
  step: number | null;
  line: number | null;
  /** The text's number, null where there is none. */
  text: number | null;
}

/** What is selected, and all its counterparts. */
export interface Selected {
  item: Ref | null;
  related: ReadonlySet<Ref>;
  at: At;
}

export const NOWHERE: At = { step: null, line: null, text: null };
export const NOTHING: Selected = { item: null, related: new Set(), at: NOWHERE };

export interface PaneView {
  show(selected: Selected): void;
  focus(): void;
  restyle(): void;
  dispose(): void;
}

/** A page cannot tell a kernel that is busy from one that is gone. */
const NO_ANSWER =
  "The kernel has not answered yet. It computes this once the cell that it runs has ended; " +
  "where there is no kernel any more, run the cell above again.";
const PATIENCE_MS = 4000;

/** Makes the view of a pane whose model has arrived. */
export type MakeView = (pane: Pane, context: PaneContext) => Promise<PaneView>;

export class ModelPane implements PaneView {
  private view: PaneView | null = null;
  private loading = false;
  private disposed = false;
  private generation = 0;
  private selected: Selected = NOTHING;
  /** What had the focus when it was asked for and there was nothing yet to have it. */
  private focusFrom: Element | null = null;

  constructor(
    private readonly pane: Pane,
    private readonly context: PaneContext,
    private readonly make: MakeView,
    private readonly waiting = `Computing ${pane.options.label.toLowerCase()}…`,
  ) {}

  show(selected: Selected): void {
    this.selected = selected;
    if (this.view) this.view.show(selected);
    else if (!this.loading) void this.load();
  }

  focus(): void {
    if (this.view) return this.view.focus();
    this.pane.body.querySelector<HTMLElement>("button")?.focus();
    this.focusFrom = treeOf(this.pane.body).activeElement;
  }

  restyle(): void {
    this.view?.restyle();
  }

  dispose(): void {
    this.disposed = true;
    this.view?.dispose();
  }

  /** Starts anew: what it was made from has changed. */
  reload(): void {
    this.generation++;
    this.loading = false;
    this.view?.dispose();
    this.view = null;
    this.pane.reset();
  }

  private async load(): Promise<void> {
    const generation = ++this.generation;
    this.loading = true;
    const waiting = message("loading", this.waiting);
    this.pane.body.replaceChildren(waiting);
    const silent = this.context.live
      ? setTimeout(() => waiting.append(h("p", {}, NO_ANSWER)), PATIENCE_MS)
      : undefined;
    try {
      const view = await this.make(this.pane, this.context);
      if (this.disposed || generation !== this.generation) return view.dispose();
      this.view = view;
      this.pane.body.querySelector(":scope > .il-message")?.remove();
      view.show(this.selected);
      if (this.focusFrom && treeOf(this.pane.body).activeElement === this.focusFrom) view.focus();
      this.focusFrom = null;
    } catch (error) {
      if (!this.disposed && generation === this.generation) this.pane.body.replaceChildren(this.trouble(error));
    } finally {
      clearTimeout(silent);
      if (generation === this.generation) this.loading = false;
    }
  }

  private trouble(error: unknown): HTMLElement {
    const { label } = this.pane.options;
    const text = error instanceof Error ? error.message : String(error);
    if (error instanceof ModelAbsent) return message("absent", `No ${label.toLowerCase()} here`, text);
    const element = message("failed", `${label} could not be shown`, text);
    element.append(button("Try again", { class: "il-button" }, () => void this.load()));
    return element;
  }
}

export function message(state: string, title: string, ...paragraphs: string[]): HTMLElement {
  return h(
    "div",
    { class: "il-message", role: "status", "data-state": state },
    h("h3", {}, title),
    ...paragraphs.map((text) => h("p", {}, text)),
  );
}
