/** The bottom of the explorer: the timeline as a picture or as a table, with its legend. */
import { formatNs, plural } from "../data/format.ts";
import { comparedRuns, timesBetween, type ComparedRuns } from "../data/compared_runs.ts";
import { eventOf, type Ref } from "../data/entities.ts";
import type { Compared, Run, TimelineEvent } from "../data/types.ts";
import { toCsv, toPerfetto } from "../data/timeline_export.ts";
import { button, h } from "./dom.ts";
import { openMenu } from "./menu.ts";
import { Pane } from "./pane.ts";
import { describeEvent, describeTimes, ratioTable, wholeTimes } from "./runs_compared.ts";
import { kindVariable } from "./timeline_draw.ts";
import { TimelineArea } from "./timeline_area.ts";
import { TimelineTable } from "./timeline_table.ts";
import { TimelineView } from "./timeline_view.ts";

export interface TimelinePaneEvents {
  onSelect: (event: Ref | null) => void;
}

export class TimelinePane {
  readonly pane: Pane;
  private view: TimelineView | null = null;
  private table: TimelineTable | null = null;
  private ratios: HTMLElement | null = null;
  private runs: ComparedRuns | null = null;
  /** Of all runs; the first one's have the numbers here that they have in it. */
  timeline: readonly TimelineEvent[] = [];
  private mode = "timeline";
  private summary = "";
  private readonly area = new TimelineArea(() => this.view?.clearArea());

  constructor(
    private readonly root: HTMLElement,
    run: Run | null,
    private readonly compared: Compared | null,
    private readonly events: TimelinePaneEvents,
  ) {
    this.pane = new Pane({
      id: "timeline",
      label: "Timeline",
      title: "When the commands of the run ran ( t )",
      modes: [
        { id: "timeline", label: "Lanes", title: "Events by queue and worker" },
        { id: "table", label: "Table", title: "The same events as a sortable table" },
        { id: "ratios", label: "Ratios", title: "The time of each entry point in every run" },
      ],
      onMode: (id) => this.setMode(id),
    });
    this.setRun(run);
  }

  /** Shows another run, in the same mode. */
  setRun(run: Run | null): void {
    const { root } = this;
    this.dispose();
    this.view = this.table = this.ratios = null;
    this.pane.reset();
    this.runs = comparedRuns(run, this.compared);
    const timeline = (this.timeline = this.runs?.events ?? run?.timeline ?? []);
    this.summary = this.runs ? describeTimes(this.runs, wholeTimes(this.runs)) : describeRun(run);
    this.pane.showMode("table", timeline.length > 0);
    this.pane.showMode("ratios", this.runs !== null && timeline.length > 0);
    this.area.show(null);
    this.pane.setNote(this.summary);
    if (!timeline.length) {
      this.pane.body.append(emptyTimeline(run));
      return;
    }
    this.view = new TimelineView(root, timeline, {
      onSelect: (event) => this.choose(event),
      onArea: (area) => this.area.show(area),
      describeArea: (from, to) => (this.runs ? describeTimes(this.runs, timesBetween(this.runs, from, to)) : ""),
      rank: this.runs?.sideOf,
    });
    this.table = new TimelineTable(timeline, (event) => this.choose(event));
    if (this.runs) this.ratios = ratioTable(this.runs, (event) => this.choose(event));
    const exports = button("Export", { class: "il-toggle", title: "Save the timeline", "aria-haspopup": "menu" }, () =>
      openMenu(root, exports, "Save the timeline", [
        { label: "Chrome trace", hint: "Perfetto", run: () => save("timeline.json", toPerfetto(timeline)) },
        { label: "Table", hint: "CSV", run: () => save("timeline.csv", toCsv(timeline)) },
      ]),
    );
    this.pane.tools.append(legend(new Set(timeline.map((event) => event.kind))), exports);
    this.pane.body.append(this.view.element, this.table.element, this.area.element, ...(this.ratios ? [this.ratios] : []));
    this.setMode(this.mode === "ratios" && !this.ratios ? "timeline" : this.mode);
  }

  /** `selected` is the event that was chosen, `related` all that belong to what was. */
  show(selected: number | null, related: ReadonlySet<number>): void {
    const { runs } = this;
    if (runs) {
      const also = [...related, ...(selected === null ? [] : [selected])].flatMap((event) => runs.counterparts(event));
      related = new Set([...related, ...also]);
      this.pane.setNote(selected === null ? this.summary : describeEvent(runs, selected));
    }
    this.view?.show(selected, related);
    this.table?.show(selected);
  }

  refOf(event: number): Ref {
    return this.runs?.refOf(event) ?? `event:${event}`;
  }

  eventOf(ref: Ref | null): number | null {
    return ref === null || !this.runs ? eventOf(ref) : this.runs.eventOf(ref);
  }

  /** Whether an event is of the first run, which the steps and all other panes belong to. */
  isOfFirst(event: number): boolean {
    return !this.runs?.sideOf(event);
  }

  /** The first run's counterpart of an event of another; anything else is what it is. */
  firstOf(ref: Ref): Ref {
    const event = this.eventOf(ref);
    if (event === null || this.isOfFirst(event)) return ref;
    const mine = this.runs?.counterparts(event).find((other) => this.isOfFirst(other));
    return mine === undefined ? ref : this.refOf(mine);
  }

  /** The events of the same run that run the same entry point. */
  peersOf(event: number): ReadonlySet<number> {
    const { entry_point } = this.timeline[event];
    const side = this.runs?.sideOf(event);
    const same = (other: number) => this.timeline[other].entry_point === entry_point && this.runs?.sideOf(other) === side;
    return new Set(entry_point ? [...this.timeline.keys()].filter(same) : []);
  }

  private choose(event: number | null): void {
    this.events.onSelect(event === null ? null : this.refOf(event));
  }

  selectNeighbour(by: 1 | -1): void {
    this.view?.selectNeighbour(by);
  }

  fit(): void {
    this.view?.fit();
  }

  focus(): void {
    if (this.mode === "ratios") this.ratios?.focus();
    else (this.mode === "table" ? this.table : this.view)?.focus();
  }

  restyle(): void {
    this.view?.restyle();
  }

  dispose(): void {
    this.view?.dispose();
    this.table?.dispose();
  }

  private setMode(id: string): void {
    if (!this.view || !this.table) return;
    this.mode = id;
    this.pane.setMode(id);
    this.view.element.hidden = id !== "timeline";
    if (id !== "timeline") this.view.clearArea();
    this.table.element.hidden = id !== "table";
    if (this.ratios) this.ratios.hidden = id !== "ratios";
  }
}

function describeRun(run: Run | null): string {
  if (!run) return "";
  if (run.profile_mode === "off") return `@${run.function} on ${run.device} · not profiled`;
  const parts = [`@${run.function} on ${run.device}`, plural(run.timeline.length, "event")];
  if (run.profile_mode) parts.push(`timed per ${run.profile_mode}`);
  if (run.overhead_ns) parts.push(`overhead ${formatNs(run.overhead_ns)}/event`);
  return parts.join(" · ");
}

function emptyTimeline(run: Run | null): HTMLElement {
  const text = run
    ? "The run was not profiled: tick Timeline in the Run pane, or pass profile=True to il.run."
    : "Not run. Run it in the Run pane ( r ), or pass a result to il.explore(trace, result).";
  return h("p", { class: "il-empty-note" }, text);
}

function legend(kinds: ReadonlySet<string>): HTMLElement {
  const element = h("span", { class: "il-legend", "aria-hidden": "true" });
  for (const kind of kinds) {
    const hollow = kind === "wait" ? " il-hollow" : "";
    const swatch = h("span", { class: `il-swatch${hollow}` });
    swatch.style.setProperty("--il-swatch", `var(${kindVariable(kind)})`);
    element.append(h("span", { class: "il-legend-item" }, swatch, kind));
  }
  return element;
}

/** Hands a text to the browser as a file. */
function save(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text]));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
