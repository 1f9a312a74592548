/** The bottom of the explorer: the timeline as a picture or as a table, with its legend. */
import { formatNs, plural } from "../data/format.ts";
import { comparedRuns, timesBetween, type ComparedRuns } from "../data/compared_runs.ts";
import type { Compared, Run } from "../data/types.ts";
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
  onSelect: (event: number | null) => void;
}

export class TimelinePane {
  readonly pane: Pane;
  private view: TimelineView | null = null;
  private table: TimelineTable | null = null;
  private ratios: HTMLElement | null = null;
  private runs: ComparedRuns | null = null;
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
    const timeline = this.runs?.events ?? run?.timeline ?? [];
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

  /** An event of another run selects its counterpart in the first; one that has none stays here. */
  private choose(event: number | null): void {
    const { runs } = this;
    if (event === null || !runs || runs.sideOf(event) === 0) return this.events.onSelect(event);
    const mine = runs.counterparts(event).find((other) => runs.sideOf(other) === 0);
    if (mine !== undefined) return this.events.onSelect(mine);
    this.events.onSelect(null);
    this.show(event, new Set());
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
