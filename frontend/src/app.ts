/** One explorer: puts the panes together and carries the selection between them. */
import { eventOf, refKind, refNumber, type Ref } from "./data/entities.ts";
import { panesOf, readLayout, type Layout } from "./data/layout.ts";
import type { Models } from "./data/models.ts";
import type { TextStore } from "./data/payload.ts";
import type { Index, Progress, Run } from "./data/types.ts";
import { Follower } from "./follower.ts";
import { Linker } from "./linker.ts";
import type { LiveSession } from "./live.ts";
import { initialLayout, modelPanes, MODEL_PANES, PANE_ORDER } from "./panes.ts";
import { NOTHING_SELECTED, readSelection, sameSelection, Store, type View } from "./state.ts";
import { CodePane } from "./view/code_pane.ts";
import { DetailsPane } from "./view/details_pane.ts";
import { originOffer, originSection, ratesSection } from "./view/origin_details.ts";
import { Disposer, h, treeOf } from "./view/dom.ts";
import { Header } from "./view/header.ts";
import { Help } from "./view/help.ts";
import { JobBar } from "./view/job_bar.ts";
import { ModelPane, type At, type PaneContext, type Selected } from "./view/model_pane.ts";
import { Pane } from "./view/pane.ts";
import { StepsPane } from "./view/steps_pane.ts";
import { TimelinePane } from "./view/timeline_pane.ts";
import { Workspace } from "./view/workspace.ts";

/** What the kernel tells with the run, or of the program that was run. */
const RUN_MODELS = ["stream", "barriers", "schedule", "executables", "vm", "execution"];

export interface AppEvents {
  onLayout: (layout: Layout) => void;
  /** A link or state that brings this view back, to be copied. */
  onShare: () => void;
}

export class App {
  readonly element = h("div", { class: "il-app" });
  readonly store = new Store();
  private readonly disposer = new Disposer();
  private readonly job: JobBar;
  private readonly header: Header;
  private readonly help = new Help();
  readonly workspace: Workspace;
  private readonly steps: StepsPane;
  private readonly code: CodePane;
  private readonly details: DetailsPane;
  private readonly timeline: TimelinePane;
  private readonly linker: Linker;
  private readonly follower: Follower;
  private readonly panes = new Map<string, Pane>();
  private readonly modelPanes = new Map<string, ModelPane>();

  constructor(
    root: HTMLElement,
    private readonly index: Index,
    texts: TextStore,
    private readonly models: Models,
    layout: unknown,
    private readonly live: boolean,
    private readonly session: LiveSession,
    events: AppEvents,
  ) {
    const { store } = this;
    this.job = new JobBar(session);
    this.header = new Header(index, {
      onHelp: () => this.help.toggle(),
      onGo: (by) => store.go(by),
      onShare: events.onShare,
      onRun: session.enabled ? () => this.goToRun("run") : null,
    }, this.job.element);
    this.steps = new StepsPane({
      onSelect: (step) => void this.linker.selectStep(step),
      onActivate: () => this.code.focus(),
      onBase: (step) => store.update({ base: step }),
    });
    this.code = new CodePane(treeOf(root), index, texts, store, session, {
      onLine: (line) => void this.linker.selectLine(line),
    });
    this.follower = new Follower(index, texts, models);
    this.linker = new Linker(index, store, models, (step) => this.code.lines(step), (item) => this.timeline.firstOf(item), () => this.showLists());
    const select = (item: Ref | null) => void this.linker.selectItem(item);
    this.details = new DetailsPane({
      onSelectStep: (step) => void this.linker.selectStep(step),
      onSelectEvent: (event) => select(this.timeline.refOf(event)),
      onSelect: select,
    });
    this.timeline = new TimelinePane(root, index.run, index.compared, {
      onSelect: select,
    });
    for (const pane of [this.steps.pane, this.code.pane, this.details.pane, this.timeline.pane])
      this.panes.set(pane.id, pane);
    this.makeModelPanes({
      root,
      index,
      models,
      texts,
      live,
      session,
      select,
      selectStep: (step, line = null, wholeModule = store.wholeModule) => {
        store.update({ wholeModule, selection: { ...store.selection, step, line, view: "ir" } });
        this.workspace.reveal("code");
      },
      showStep: (step) => void this.linker.selectStep(step),
      entities: () => this.linker.complete(),
      follower: this.follower,
    });
    const hasEvents = (index.run?.timeline.length ?? 0) > 0;
    const arranged = readLayout(layout, [...this.panes.keys()]) ?? initialLayout(hasEvents, index);
    // A model alone in its cell has nothing to show in the other panes, and needs no room for them.
    if (!index.steps.length) keepOnly(this.panes, panesOf(arranged));
    root.toggleAttribute("data-alone", this.panes.size === 1);
    const onLayout = (now: Layout) => {
      this.showLists();
      events.onLayout(now);
    };
    this.workspace = new Workspace(root, this.panes, arranged, { onLayout }, this.disposer);
    this.element.append(this.header.element, this.workspace.element, this.help.element);
    this.steps.setSteps(index.steps);
    store.subscribe((now, before) => this.show(now, before));
    this.disposer.listen(this.element, "keydown", (event) => this.onKey(event));
  }

  /** Draws what is selected; call once after the element is in the document. */
  start(selection: unknown): void {
    if (!this.live && this.index.steps.length) this.loadOrigins();
    const chosen = readSelection(selection, this.index.steps.length);
    const panes = panesOf(this.workspace.layout);
    // An arrangement from before the comparison has no place for it.
    if (this.index.compared && !panes.includes("compare")) this.workspace.reveal("compare", "code");
    if (sameSelection(chosen, NOTHING_SELECTED)) this.showAll();
    else this.receive(chosen);
  }

  /** A model alone in its cell has no IR to select lines of. */
  get alone(): boolean {
    return !this.index.steps.length && this.index.source === null;
  }

  /** A selection from Python or from a linked cell, which may say the item only. */
  receive(selection: unknown): void {
    const { selection: now } = this.store;
    const chosen = readSelection(selection, this.index.steps.length);
    if (this.alone || !("step" in (selection as object))) {
      if (chosen.item !== now.item) void this.linker.selectItem(chosen.item);
      return;
    }
    if (chosen.item !== null && chosen.item !== now.item && chosen.line === null)
      return void this.linker.selectItem(chosen.item, chosen.step);
    this.store.select(chosen);
    if (chosen.item !== null) void this.linker.complete().then(() => this.showLists());
  }

  /** An arrangement from Python. */
  arrange(layout: unknown): void {
    const arranged = readLayout(layout, [...this.panes.keys()]);
    if (arranged) this.workspace.setLayout(arranged);
  }

  /** Shows another run; steps, texts and what is selected in them stay. */
  setRun(run: Run | null): void {
    this.index.run = run;
    this.models.forget(...RUN_MODELS);
    this.linker.setEvents(run?.timeline ?? []);
    this.header.setRun(run);
    this.timeline.setRun(run);
    for (const { id, ofRun } of MODEL_PANES) if (ofRun) this.modelPanes.get(id)?.reload();
    if (eventOf(this.store.selection.item) !== null) this.store.select({ item: null });
    if (run?.timeline.length) this.workspace.toggleCollapsed("timeline", false);
    this.showLists();
  }

  setProgress(progress: Progress): void {
    this.header.setProgress(progress);
  }

  /** Says for a moment what has just happened. */
  flash(text: string): void {
    this.header.flash(text);
  }

  restyle(): void {
    this.timeline.restyle();
    for (const pane of this.modelPanes.values()) pane.restyle();
  }

  dispose(): void {
    this.linker.dispose();
    this.steps.dispose();
    this.code.dispose();
    this.timeline.dispose();
    for (const pane of this.modelPanes.values()) pane.dispose();
    this.job.dispose();
    this.disposer.dispose();
  }

  private makeModelPanes(context: PaneContext): void {
    for (const { id, label, title, make, key, modes, waiting } of modelPanes(context.index)) {
      const number = PANE_ORDER.indexOf(id) + 1;
      const known = number > 0 && number < 10 ? String(number) : key;
      const pane = new Pane({ id, label, title: known ? `${title} ( ${known} )` : title, modes });
      this.panes.set(id, pane);
      this.modelPanes.set(id, new ModelPane(pane, context, make, waiting));
    }
  }

  // --- showing -----------------------------------------------------------------------------

  private show(now: View, before: View): void {
    const focused = treeOf(this.element).activeElement;
    const pane = focused?.closest<HTMLElement>(".il-pane")?.dataset.pane;
    this.showLists();
    this.code.onSelection(now, before);
    // A link that was followed is gone, and the keys would be gone with it.
    if (pane && !focused?.isConnected) this.focusPane(pane);
  }

  private showAll(): void {
    this.showLists();
    void this.code.update();
  }

  /** Only panes in view are drawn; the others catch up when they are brought to the front. */
  private showLists(): void {
    const { selection, base } = this.store.current;
    const { step, item } = selection;
    const at = { step, line: selection.line, text: this.code.textOf(step) };
    const related = item === null ? this.becameOf(at) : this.linker.related(item);
    const events = new Set<number>();
    for (const ref of related) if (refKind(ref) === "event") events.add(refNumber(ref));
    const event = this.timeline.eventOf(item) ?? (events.size === 1 ? [...events][0] : null);
    const ofFirst = event === null || this.timeline.isOfFirst(event); // as all steps are
    const peers = ofFirst ? this.linker.peersOf(event) : this.timeline.peersOf(event);
    const visible = new Set(this.workspace.visible);
    this.header.setHistory(this.store.canGo(-1), this.store.canGo(1));
    this.steps.show(step, base);
    const shown = step === null ? null : this.index.steps[step];
    const origin = this.origin(at);
    const found = event === null ? null : { timeline: this.timeline.timeline, number: event, peers, steps: ofFirst };
    this.details.show(this.index, shown, found, { item, related, sources: this.linker.sources, origin });
    this.timeline.show(event, events.size > 1 ? events : peers);
    const selected: Selected = { item, related, at };
    for (const [id, pane] of this.modelPanes) if (visible.has(id)) pane.show(selected);
  }

  /** What a line that is no dispatch, such as an op of the source, runs as; once ops can be followed. */
  private becameOf({ step, line, text }: At): ReadonlySet<Ref> {
    const origin = line === null ? null : this.follower.origin({ step, line, text });
    return this.linker.relatedToKernels(origin?.entryPoints.map(({ kernel }) => kernel) ?? []);
  }

  /** Of a line where it comes from, of the whole compilation how much has an origin. */
  private origin({ step, line, text }: At): HTMLElement | null {
    const { follower } = this;
    if (!this.index.steps.length || !this.index.pipeline) return null; // of a program alone nothing is known
    if (line === null) return step === null ? ratesSection(follower, () => this.loadOrigins()) : null;
    if (!follower.loaded) return originOffer(() => this.loadOrigins());
    return originSection(follower, { step, line, text }, this.index.run?.timeline ?? [], {
      onSource: (source) => this.store.select({ step: null, line: source, view: "ir" }),
      onSelect: (ref) => void this.linker.selectItem(ref),
      onFollow: () => this.goTo("follow"),
    });
  }

  /** A page has it; a kernel compiles once more, and so is asked only by who wants to know. */
  private loadOrigins(): void {
    this.follower.load().then(
      () => this.showLists(),
      (error: unknown) => this.flash(error instanceof Error ? error.message : String(error)),
    );
  }

  // --- keys --------------------------------------------------------------------------------

  private onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey) return;
    const target = event.composedPath()[0] as HTMLElement;
    const typing = target instanceof HTMLInputElement || target.closest(".il-form, .il-edit") !== null;
    const action = event.altKey ? this.altAction(event.key) : typing ? null : this.keyAction(event);
    if (!action) return;
    action();
    event.preventDefault();
    event.stopPropagation();
  }

  private altAction(key: string): (() => void) | null {
    if (key === "ArrowLeft") return () => this.store.go(-1);
    return key === "ArrowRight" ? () => this.store.go(1) : null;
  }

  private keyAction({ key, shiftKey: by }: KeyboardEvent): (() => void) | null {
    const pane = PANE_ORDER[Number(key) - 1];
    if (pane) return () => this.goTo(pane);
    const actions: Record<string, () => void> = {
      j: () => this.steps.stepBy(1, by),
      k: () => this.steps.stepBy(-1, by),
      "/": () => this.goTo("steps", () => this.steps.focusFilter()),
      c: () => this.steps.toggleChangedOnly(),
      d: () => this.code.setMode(this.code.mode === "diff" ? "ir" : "diff"),
      i: () => this.code.setMode("ir"),
      e: () => this.goTo("code", () => this.code.toggleEdit()),
      n: () => this.code.goToChange(1),
      p: () => this.code.goToChange(-1),
      b: () => this.code.toggleBase(),
      m: () => this.code.toggleModule(),
      t: () => this.goTo("timeline"),
      o: () => this.goTo("follow"),
      g: () => this.goTo("schedule"),
      x: () => this.goTo("compare"),
      r: () => this.goToRun(by ? "compile" : "run"),
      f: () => this.timeline.fit(),
      "[": () => this.timeline.selectNeighbour(-1),
      "]": () => this.timeline.selectNeighbour(1),
      "?": () => this.help.toggle(),
    };
    return actions[key.toLowerCase()] ?? null;
  }

  /** Brings a pane to the front and puts the focus into it. */
  private goTo(pane: string, focus = () => this.focusPane(pane)): void {
    if (!this.panes.has(pane)) return;
    this.workspace.reveal(pane);
    focus();
  }

  private goToRun(mode: "run" | "compile"): void {
    this.panes.get("run")?.options.onMode?.(mode);
    this.session.mode = mode;
    this.goTo("run");
  }

  private focusPane(pane: string): void {
    const own: Record<string, () => void> = {
      steps: () => this.steps.focusList(),
      code: () => this.code.focus(),
      details: () => this.details.focus(),
      timeline: () => this.timeline.focus(),
    };
    (own[pane] ?? (() => this.modelPanes.get(pane)?.focus()))();
  }
}

function keepOnly(panes: Map<string, unknown>, kept: readonly string[]): void {
  for (const id of [...panes.keys()]) if (!kept.includes(id)) panes.delete(id);
}
