/** The bottom of the explorer: the timeline as a picture or as a table, with its legend. */
import { formatNs, plural } from "../data/format.ts";
import type { Run } from "../data/types.ts";
import { toCsv, toPerfetto } from "../data/timeline_export.ts";
import { button, h } from "./dom.ts";
import { openMenu } from "./menu.ts";
import { Pane } from "./pane.ts";
import { kindVariable } from "./timeline_draw.ts";
import { TimelineTable } from "./timeline_table.ts";
import { TimelineView } from "./timeline_view.ts";

export interface TimelinePaneEvents {
  onSelect: (event: number | null) => void;
}

export class TimelinePane {
  readonly pane: Pane;
  private readonly view: TimelineView | null = null;
  private readonly table: TimelineTable | null = null;
  private mode = "timeline";
  private readonly summary: string;

  constructor(root: HTMLElement, run: Run | null, events: TimelinePaneEvents) {
    const timeline = run?.timeline ?? [];
    this.pane = new Pane({
      id: "timeline",
      label: "Timeline",
      title: "When the commands of the run ran ( t )",
      modes: [
        { id: "timeline", label: "Lanes", title: "Events by queue and worker" },
        { id: "table", label: "Table", title: "The same events as a sortable table" },
      ],
      onMode: (id) => this.setMode(id),
    });
    this.summary = describeRun(run);
    this.pane.setNote(this.summary);
    if (!timeline.length) {
      this.pane.showMode("table", false);
      this.pane.body.append(emptyTimeline(run));
      return;
    }
    this.view = new TimelineView(root, timeline, {
      onSelect: events.onSelect,
      onArea: (summary) => this.pane.setNote(summary || this.summary),
    });
    this.table = new TimelineTable(timeline, events.onSelect);
    const exports = button("Export", { class: "il-toggle", title: "Save the timeline", "aria-haspopup": "menu" }, () =>
      openMenu(root, exports, "Save the timeline", [
        { label: "Chrome trace", hint: "Perfetto", run: () => save("timeline.json", toPerfetto(timeline)) },
        { label: "Table", hint: "CSV", run: () => save("timeline.csv", toCsv(timeline)) },
      ]),
    );
    this.pane.tools.append(legend(new Set(timeline.map((event) => event.kind))), exports);
    this.pane.body.append(this.view.element, this.table.element);
    this.setMode("timeline");
  }

  /** `selected` is the event that was chosen, `related` all that belong to what was. */
  show(selected: number | null, related: ReadonlySet<number>): void {
    this.view?.show(selected, related);
    this.table?.show(selected);
  }

  selectNeighbour(by: 1 | -1): void {
    this.view?.selectNeighbour(by);
  }

  fit(): void {
    this.view?.fit();
  }

  focus(): void {
    (this.mode === "table" ? this.table : this.view)?.focus();
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
    this.table.element.hidden = id !== "table";
  }
}

function describeRun(run: Run | null): string {
  if (!run) return "";
  const parts = [`@${run.function} on ${run.device}`, plural(run.timeline.length, "event")];
  if (run.profile_mode) parts.push(`timed per ${run.profile_mode}`);
  if (run.overhead_ns) parts.push(`overhead ${formatNs(run.overhead_ns)}/event`);
  return parts.join(" · ");
}

function emptyTimeline(run: Run | null): HTMLElement {
  const text = run
    ? "The run was not profiled: pass profile=True to il.run."
    : "Not run. Pass a result to il.explore(trace, result) to see when its dispatches ran.";
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
