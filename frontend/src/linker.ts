/** Turns a selection made in one pane into what the others call it. */
import { Entities, eventOf, refKind, type LinkSources, type Ref } from "./data/entities.ts";
import { barrierOfLine, eventOfLine, eventsOfLine, lineOfBarrier, lineOfEntryPoint, lineOfEvent, symbolsOfDispatch } from "./data/links.ts";
import { parentLine, symbolsIn, type TextLines } from "./data/mlir.ts";
import type { Allocation, Barriers, StreamGraph } from "./data/model_types.ts";
import type { Models } from "./data/models.ts";
import type { Index, TimelineEvent } from "./data/types.ts";
import type { VmListing } from "./data/vm_rows.ts";
import type { Store } from "./state.ts";

type LinesOf = (step: number | null) => Promise<TextLines | null>;

export class Linker {
  private entities: Entities;
  private events: readonly TimelineEvent[] = [];
  private readonly byEntryPoint = new Map<string, number[]>();
  /** The models that are joined, as far as they are here. */
  sources: LinkSources = { stream: null, allocation: null, barriers: null, vm: null };
  private loading: Promise<void> | null = null;
  /** Selecting reads texts and models; only the last selection asked for counts. */
  private request = 0;

  constructor(
    private readonly index: Index,
    private readonly store: Store,
    private readonly models: Models,
    private readonly linesOf: LinesOf,
    /** The first side's counterpart of what another side has: the models here are the first's. */
    private readonly firstOf: (item: Ref) => Ref,
    /** More is known about what is selected. */
    private readonly onLinked: () => void,
  ) {
    this.entities = new Entities(this.sources, this.events);
    this.setEvents(index.run?.timeline ?? []);
  }

  /** Another run is shown. */
  setEvents(events: readonly TimelineEvent[]): void {
    this.events = events;
    this.byEntryPoint.clear();
    events.forEach(({ entry_point }, i) => {
      const peers = this.byEntryPoint.get(entry_point);
      if (peers) peers.push(i);
      else if (entry_point) this.byEntryPoint.set(entry_point, [i]);
    });
    this.loading = null; // models tell something of the run
    this.entities = new Entities(this.sources, this.events);
  }

  dispose(): void {
    this.request++;
  }

  /** The table, once the models that it joins are here. */
  async complete(): Promise<Entities> {
    await this.load();
    return this.entities;
  }

  related(item: Ref | null): ReadonlySet<Ref> {
    const mine = item === null ? null : this.firstOf(item);
    const found = this.entities.related(mine);
    return item === null || mine === item ? found : new Set([item, ...found]);
  }

  /** Everything that runs these kernels: what an op became, seen from the other panes. */
  relatedToKernels(entryPoints: readonly string[]): ReadonlySet<Ref> {
    return new Set(entryPoints.flatMap((entryPoint) => [...this.entities.related(this.entities.kernelOf(entryPoint))]));
  }

  /** All events that run the same entry point. */
  peersOf(event: number | null): ReadonlySet<number> {
    const entryPoint = event === null ? "" : this.events[event]?.entry_point;
    return new Set(this.byEntryPoint.get(entryPoint) ?? []);
  }

  /** Another step; a selected thing stays selected where the step's text mentions it. */
  async selectStep(step: number | null): Promise<void> {
    const request = ++this.request;
    const { item } = this.store.selection;
    this.store.select({ step, line: null });
    if (item === null) return;
    const line = await this.lineOf(item, step);
    if (request === this.request) this.store.refine({ line });
  }

  async selectLine(line: number): Promise<void> {
    const request = ++this.request;
    const { step, item } = this.store.selection;
    this.store.select({ line });
    await this.load();
    const lines = await this.linesOf(step);
    if (request !== this.request || !lines) return;
    if (item !== null && (await this.isShownBy(lines, item, line))) return;
    if (request === this.request) this.store.refine({ item: this.itemOfLine(lines, line) });
  }

  /** Shows a thing where the current step mentions it, or else in the step that shows it best. */
  async selectItem(item: Ref | null, wanted?: number | null): Promise<void> {
    const request = ++this.request;
    this.store.select({ item });
    if (item === null) return;
    await this.load();
    if (request !== this.request) return;
    this.onLinked();
    if (!this.index.steps.length) return; // a model alone: others say where the IR shows it
    const current = wanted ?? this.store.selection.step;
    const first = this.firstOf(item);
    const event = eventOf(first);
    const own = refKind(first) === "barrier" ? this.sources.barriers?.step : this.sources.stream?.step;
    const best = (event === null ? own : this.events[event]?.step) ?? current;
    for (const step of new Set([current, best])) {
      const line = await this.lineOf(item, step);
      if (request !== this.request) return;
      if (line === null) continue;
      this.store.refine({ step, line, view: "ir" });
      return;
    }
    if (this.related(item).size > 1) this.store.refine({ step: best, line: null });
  }

  /** What links commands, slices, barriers and events; a model that is missing links nothing. */
  private load(): Promise<void> {
    this.loading ??= this.loadSources();
    return this.loading;
  }

  private async loadSources(): Promise<void> {
    const get = <T>(name: string) => this.models.get<T>(name).catch(() => null);
    const [stream, allocation, barriers, vm] = await Promise.all([
      get<StreamGraph>("stream"),
      get<Allocation>("allocation"),
      get<Barriers>("barriers"),
      get<VmListing>("vm"),
    ]);
    this.sources = { stream, allocation, barriers, vm };
    this.entities = new Entities(this.sources, this.events);
  }

  private async lineOf(item: Ref, step: number | null): Promise<number | null> {
    try {
      const lines = await this.linesOf(step);
      return lines && this.lineIn(lines, this.firstOf(item));
    } catch {
      return null; // the code pane shows why the text cannot be read
    }
  }

  private lineIn(lines: TextLines, item: Ref): number | null {
    const event = eventOf(item);
    if (event !== null && this.events[event]) {
      const peers = [...this.peersOf(event)];
      return lineOfEvent(lines, this.events[event], peers.indexOf(event), peers.length);
    }
    const barrier = this.entities.barrierPlace(item);
    if (barrier) return lineOfBarrier(lines, barrier.fn, barrier.nth, barrier.count);
    const found = this.entities.occurrence(item);
    return found && lineOfEntryPoint(lines, found.entryPoint, found.nth, found.count);
  }

  /** The command or barrier of a line, or the kernel around it; without models, the event it started. */
  private itemOfLine(lines: TextLines, line: number): Ref | null {
    for (const { symbol, nth } of symbolsOfDispatch(lines, line)) {
      const command = this.entities.commandOf(symbol, nth);
      if (command) return command;
    }
    const barrier = barrierOfLine(lines, line);
    if (barrier) return this.entities.barrierAt(barrier);
    for (let n: number | null = line; n !== null; n = parentLine(lines, n))
      for (const symbol of symbolsIn(lines.line(n))) {
        const kernel = this.entities.kernelOf(symbol);
        if (kernel) return kernel;
      }
    const found = eventsOfLine(lines, line, this.events);
    if (!found.length) return null;
    const symbol = this.events[found[0]].entry_point;
    return `event:${eventOfLine(lines, line, symbol, [...this.peersOf(found[0])])}`;
  }

  /** Whether the line, or the op around it, is the one that stands for the item. */
  private async isShownBy(lines: TextLines, item: Ref, line: number): Promise<boolean> {
    const shown = this.lineIn(lines, this.firstOf(item));
    return shown !== null && (shown === line || shown === parentLine(lines, line));
  }
}
