/** One explorer: puts the panes together and carries the selection between them. */
import { eventOfLine, eventsOfLine, lineOfEvent } from "./data/links.ts";
import { parentLine, type TextLines } from "./data/mlir.ts";
import type { TextStore } from "./data/payload.ts";
import type { Index, Progress, Selection, TimelineEvent } from "./data/types.ts";
import { NOTHING_SELECTED, readSelection, sameSelection, Store, type View } from "./state.ts";
import { CodePane } from "./view/code_pane.ts";
import { DetailsPane } from "./view/details_pane.ts";
import { Disposer, h, treeOf } from "./view/dom.ts";
import { Frame } from "./view/frame.ts";
import { Header } from "./view/header.ts";
import { Help } from "./view/help.ts";
import { Pane } from "./view/pane.ts";
import { StepsPane } from "./view/steps_pane.ts";
import { TimelinePane } from "./view/timeline_pane.ts";

export class App {
  readonly element = h("div", { class: "il-app" });
  readonly store = new Store();
  private readonly disposer = new Disposer();
  private readonly header: Header;
  private readonly help = new Help();
  private readonly frame: Frame;
  private readonly steps: StepsPane;
  private readonly code: CodePane;
  private readonly details: DetailsPane;
  private readonly timeline: TimelinePane;
  private readonly events: readonly TimelineEvent[];
  private readonly byEntryPoint = new Map<string, Set<number>>();
  /** Selecting an event reads texts; only the last one asked for counts. */
  private linking = 0;

  constructor(
    private readonly root: HTMLElement,
    private readonly index: Index,
    texts: TextStore,
  ) {
    const { store } = this;
    this.events = index.run?.timeline ?? [];
    this.events.forEach(({ entry_point }, i) => {
      const peers = this.byEntryPoint.get(entry_point);
      if (peers) peers.add(i);
      else if (entry_point) this.byEntryPoint.set(entry_point, new Set([i]));
    });
    this.header = new Header(index, () => this.help.toggle());
    this.steps = new StepsPane({
      onSelect: (step) => void this.selectStep(step),
      onActivate: () => this.code.focus(),
      onBase: (step) => store.update({ base: step }),
      onCollapse: () => this.frame.toggle("steps"),
    });
    this.code = new CodePane(treeOf(root), index, texts, store, { onLine: (line) => void this.selectLine(line) });
    this.details = new DetailsPane({
      onSelectStep: (step) => void this.selectStep(step),
      onSelectEvent: (event) => void this.selectEvent(event),
    });
    this.timeline = new TimelinePane(root, index.run, {
      onSelect: (event) => void this.selectEvent(event),
      onCollapse: () => this.frame.toggle("timeline"),
    });
    this.frame = this.buildFrame();
    this.element.append(this.header.element, this.frame.element, this.help.element);
    this.steps.setSteps(index.steps);
    store.subscribe((now, before) => this.show(now, before));
    this.disposer.listen(this.element, "keydown", (event) => this.onKey(event));
  }

  /** Draws what is selected; call once after the element is in the document. */
  start(selection: unknown): void {
    const chosen = readSelection(selection, this.index.steps.length, this.events.length);
    if (sameSelection(chosen, NOTHING_SELECTED)) this.showAll();
    else this.receive(chosen);
  }

  /** A selection from Python or from a linked cell. */
  receive(selection: unknown): void {
    const chosen = readSelection(selection, this.index.steps.length, this.events.length);
    const { selection: now } = this.store;
    if (chosen.event !== null && chosen.event !== now.event && chosen.line === null)
      void this.selectEvent(chosen.event, chosen.step);
    else this.store.select(chosen);
  }

  setProgress(progress: Progress): void {
    this.header.setProgress(progress);
  }

  restyle(): void {
    this.timeline.restyle();
  }

  dispose(): void {
    this.linking++;
    this.steps.dispose();
    this.code.dispose();
    this.timeline.dispose();
    this.disposer.dispose();
  }

  private buildFrame(): Frame {
    const details = new Pane({
      id: "details",
      label: "Details",
      tabs: [{ id: "details", label: "Details", title: "What is selected" }],
      onCollapse: () => this.frame.toggle("details"),
    });
    details.body.append(this.details.element);
    const panes = {
      steps: this.steps.pane,
      code: this.code.pane,
      details,
      timeline: this.timeline.pane,
    };
    const frame = new Frame(this.root, panes, this.disposer);
    if (!this.events.length) frame.toggle("timeline", true);
    return frame;
  }

  // --- selection ---------------------------------------------------------------------------

  /** Another step; a selected event stays selected where the step's text mentions it. */
  private async selectStep(step: number | null): Promise<void> {
    const request = ++this.linking;
    const { event } = this.store.selection;
    this.store.select({ step, line: null });
    if (event === null) return;
    const line = await this.lineOf(event, step);
    if (request !== this.linking) return;
    this.store.select(line === null ? { event: null } : { line });
  }

  private async selectLine(line: number): Promise<void> {
    const request = ++this.linking;
    const { step, event } = this.store.selection;
    this.store.select({ line });
    if (!this.events.length) return;
    const lines = await this.code.lines(step);
    if (request !== this.linking || !lines) return;
    const found = eventsOfLine(lines, line, this.events);
    const kept = event !== null && found.includes(event) && this.isShownBy(lines, event, line);
    if (kept) return;
    const symbol = found.length ? this.events[found[0]].entry_point : "";
    const first = symbol ? eventOfLine(lines, line, symbol, this.peersOf(found[0])) : null;
    this.store.select({ event: first });
  }

  /** Shows the event where the current step mentions it, or else in the step that shows it best. */
  private async selectEvent(event: number | null, wanted?: number | null): Promise<void> {
    const request = ++this.linking;
    if (event === null) {
      this.store.select({ event: null });
      return;
    }
    const current = wanted ?? this.store.selection.step;
    const best = this.events[event].step ?? current;
    for (const step of new Set([current, best])) {
      const line = await this.lineOf(event, step);
      if (request !== this.linking) return;
      if (line === null) continue;
      this.store.select({ event, step, line, view: "ir" });
      return;
    }
    this.store.select({ event, step: best, line: null });
  }

  private async lineOf(event: number, step: number | null): Promise<number | null> {
    try {
      const lines = await this.code.lines(step);
      if (!lines) return null;
      const peers = this.peersOf(event);
      return lineOfEvent(lines, this.events[event], peers.indexOf(event), peers.length);
    } catch {
      return null; // the code pane shows why the text cannot be read
    }
  }

  private peersOf(event: number): number[] {
    return [...(this.byEntryPoint.get(this.events[event].entry_point) ?? [])];
  }

  /** Whether the line, or the op around it, is the one that started the event. */
  private isShownBy(lines: TextLines, event: number, line: number): boolean {
    const peers = this.peersOf(event);
    const shown = lineOfEvent(lines, this.events[event], peers.indexOf(event), peers.length);
    return shown === line || shown === parentLine(lines, line);
  }

  // --- showing -----------------------------------------------------------------------------

  private show(now: View, before: View): void {
    this.showLists(now);
    this.code.onSelection(now, before);
  }

  private showAll(): void {
    this.showLists(this.store.current);
    void this.code.update();
  }

  private showLists(now: View): void {
    const { step, event } = now.selection;
    this.steps.show(step, now.base);
    const related = this.relatedTo(now.selection);
    this.details.show(this.index, step === null ? null : this.index.steps[step], event, related);
    this.timeline.show(now, related);
  }

  private relatedTo({ event }: Selection): ReadonlySet<number> {
    const peers = event === null ? null : this.byEntryPoint.get(this.events[event].entry_point);
    return peers ?? new Set();
  }

  // --- keys --------------------------------------------------------------------------------

  private onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.composedPath()[0] as HTMLElement;
    if (target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement) return;
    const by = event.shiftKey;
    const actions: Record<string, () => void> = {
      j: () => this.steps.stepBy(1, by),
      k: () => this.steps.stepBy(-1, by),
      "/": () => this.steps.focusFilter(),
      c: () => this.steps.toggleChangedOnly(),
      d: () => this.code.setMode(this.code.mode === "diff" ? "ir" : "diff"),
      i: () => this.code.setMode("ir"),
      n: () => this.code.goToChange(1),
      p: () => this.code.goToChange(-1),
      b: () => this.code.toggleBase(),
      m: () => this.code.toggleModule(),
      t: () => this.focusTimeline(),
      f: () => this.timeline.fit(),
      "[": () => this.timeline.selectNeighbour(-1),
      "]": () => this.timeline.selectNeighbour(1),
      "?": () => this.help.toggle(),
    };
    const action = actions[event.key.toLowerCase()];
    if (!action) return;
    action();
    event.preventDefault();
    event.stopPropagation();
  }

  private focusTimeline(): void {
    this.frame.toggle("timeline", false);
    this.timeline.focus();
  }
}
