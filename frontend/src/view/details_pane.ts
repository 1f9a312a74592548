/** Details of what is selected: the event, the step, and without a selection the whole compile. */
import {
  formatBytes,
  formatCount,
  formatDelta,
  formatNs,
  formatSeconds,
  formatWorkgroups,
  plural,
} from "../data/format.ts";
import type { LinkSources, Ref } from "../data/entities.ts";
import { phaseTitle, splitName, symbolOf } from "../data/steps.ts";
import { placeLabel } from "../data/timeline.ts";
import type { Index, Run, Step, TimelineEvent } from "../data/types.ts";
import { button, h, KEYS } from "./dom.ts";
import { facts, heading } from "./facts.ts";
import { elsewhereSection, itemSection } from "./item_details.ts";
import { Pane } from "./pane.ts";

const SLOWEST = 10;

export interface DetailsEvents {
  onSelectStep: (step: number) => void;
  onSelectEvent: (event: number) => void;
  onSelect: (item: Ref) => void;
}

/** What is selected apart from steps and events. */
export interface Item {
  item: Ref | null;
  related: ReadonlySet<Ref>;
  sources: LinkSources;
  /** Where the selected line comes from, or else how much of the compilation has an origin. */
  origin: HTMLElement | null;
}

/** An event, and all that run the same entry point. */
export interface FoundEvent {
  timeline: readonly TimelineEvent[];
  number: number;
  peers: ReadonlySet<number>;
  /** Whether its step is one of those listed. */
  steps: boolean;
}

export class DetailsPane {
  readonly pane = new Pane({ id: "details", label: "Details", title: "What is selected ( 3 )" });
  private readonly element = h("div", {
    class: "il-details",
    tabindex: 0,
    role: "region",
    "aria-label": "Details",
    ...KEYS,
  });

  constructor(private readonly events: DetailsEvents) {
    this.pane.body.append(this.element);
  }

  focus(): void {
    this.element.focus({ preventScroll: true });
  }

  show(index: Index, step: Step | null, event: FoundEvent | null, selected: Item): void {
    const sections: HTMLElement[] = [];
    const { item } = selected;
    const own = item && itemSection(item, selected.sources);
    if (own) sections.push(own);
    const timeline = event?.timeline ?? index.run?.timeline ?? [];
    const elsewhere = item && elsewhereSection(item, selected.related, selected.sources, timeline, this.events.onSelect);
    if (own && elsewhere) sections.push(elsewhere);
    if (event?.timeline[event.number]) sections.push(this.eventSection(event, index.steps));
    if (!own && elsewhere) sections.push(elsewhere);
    const { origin } = selected;
    const ofLine = origin?.dataset.il === "origin";
    if (origin && ofLine) sections.push(origin);
    if (step) sections.push(stepSection(step, index.passes[step.name]));
    else sections.push(this.overview(index));
    if (index.run && !step && event === null) sections.push(runSection(index.run));
    if (origin && !ofLine) sections.push(origin);
    this.element.replaceChildren(...sections);
    this.element.scrollTop = 0;
  }

  private eventSection(found: FoundEvent, steps: readonly Step[]): HTMLElement {
    const event = found.timeline[found.number];
    const section = h(
      "section",
      { "data-il": "event-details" },
      heading(event.name, event.kind),
      facts([
        ["Duration", formatNs(event.end_ns - event.start_ns)],
        ["Lane", placeLabel(event)],
        ["Workgroups", formatWorkgroups(event.workgroups)],
        ["Bytes in bindings", event.bytes ? `${formatBytes(event.bytes)} (${formatCount(event.bytes)})` : ""],
        ["Entry point", event.entry_point, "code"],
        ["Executable", event.executable, "code"],
        ["Location", event.locations.join("\n"), "code"],
      ]),
    );
    if (found.steps && event.step !== null && steps[event.step]) section.append(this.stepLink(steps[event.step]));
    if (found.peers.size > 1) section.append(this.peerSummary(found.timeline, [...found.peers], found.number));
    return section;
  }

  private stepLink(step: Step): HTMLElement {
    return h(
      "p",
      { class: "il-line-of-links" },
      "Shown best in ",
      button(step.name, { class: "il-link" }, () => this.events.onSelectStep(step.i)),
    );
  }

  private peerSummary(
    timeline: readonly TimelineEvent[],
    peers: readonly number[],
    selected: number,
  ): HTMLElement {
    const times = peers.map((i) => timeline[i].end_ns - timeline[i].start_ns).sort((a, b) => a - b);
    const at = peers.indexOf(selected);
    const jump = (to: number, label: string, title: string) =>
      button(label, { class: "il-link", title }, () =>
        this.events.onSelectEvent(peers[(to + peers.length) % peers.length]),
      );
    return h(
      "div",
      {},
      h("h4", {}, `All ${formatCount(peers.length)} runs of this entry point`),
      facts([
        ["Total", formatNs(times.reduce((sum, time) => sum + time, 0))],
        ["Fastest", formatNs(times[0])],
        ["Median", formatNs(times[times.length >> 1])],
        ["Slowest", formatNs(times[times.length - 1])],
      ]),
      h(
        "p",
        { class: "il-line-of-links" },
        jump(at - 1, "‹ previous", "Previous run of this entry point"),
        ` ${at + 1} of ${peers.length} `,
        jump(at + 1, "next ›", "Next run of this entry point"),
      ),
    );
  }

  private overview(index: Index): HTMLElement {
    const changed = index.steps.filter((step) => step.changed).length;
    const slowest = index.steps
      .filter((step) => step.seconds > 0)
      .sort((a, b) => b.seconds - a.seconds)
      .slice(0, SLOWEST);
    const section = h(
      "section",
      { "data-il": "overview" },
      heading(index.name, "module"),
      facts([
        ["Pipeline", index.pipeline],
        ["Target", index.target],
        ["Compile time", index.compile_seconds ? formatSeconds(index.compile_seconds) : ""],
        ["Steps", formatCount(index.steps.length)],
      ["Changed the IR", formatCount(changed)],
      ]),
    );
    if (!slowest.length) return section;
    const longest = slowest[0].seconds;
    const list = h("ul", { class: "il-bars" });
    for (const step of slowest) {
      const title = `${step.name}\n${step.scope.join(" › ")}`;
      const row = button("", { class: "il-bar-row", title }, () =>
        this.events.onSelectStep(step.i),
      );
      row.append(
        h(
          "span",
          { class: "il-label" },
          splitName(step)[1],
          h("span", { class: "il-symbol" }, ` ${symbolOf(step)}`),
        ),
        h("span", { class: "il-time" }, formatSeconds(step.seconds)),
        h("span", {
          class: "il-bar",
          "aria-hidden": "true",
          style: `width:${(100 * step.seconds) / longest}%`,
        }),
      );
      list.append(h("li", {}, row));
    }
    section.append(h("h4", {}, "Slowest steps"), list);
    return section;
  }
}

function stepSection(step: Step, pass: Index["passes"][string] | undefined): HTMLElement {
  const [description, link] = pass ?? ["", ""];
  const section = h(
    "section",
    { "data-il": "step-details" },
    heading(step.name, step.changed ? "changed" : "unchanged"),
    ...(description ? [h("p", { class: "il-description" }, description)] : []),
    facts([
      ["Step", `${formatCount(step.i + 1)} · ${phaseTitle(step.phase)}`],
      ["Time", formatSeconds(step.seconds)],
      ["Composite", step.composite ? "yes: contains the steps before it" : ""],
    ]),
    ...(link ? [sourceLink(link)] : []),
    h("h4", {}, "Scope"),
    h(
      "ol",
      { class: "il-scope" },
      ...step.scope.map((part, depth) =>
        h("li", { title: part, style: `margin-left:${depth * 8}px` }, h("code", {}, part)),
      ),
    ),
  );
  const delta = Object.entries(step.delta).filter(([, change]) => change !== 0);
  if (delta.length) section.append(h("h4", {}, "Ops by dialect"), deltaTable(delta));
  else if (!step.changed)
    section.append(h("p", { class: "il-muted" }, "This step left the IR as it was."));
  if (step.statistics.length)
    section.append(h("h4", {}, "Counted by the pass"), statisticsTable(step.statistics));
  return section;
}

function statisticsTable(statistics: Step["statistics"]): HTMLElement {
  const rows = statistics.map(([name, value, description]) =>
    h(
      "tr",
      { title: description },
      h("th", { scope: "row" }, name),
      h("td", { class: "il-number" }, formatCount(value)),
    ),
  );
  return h(
    "table",
    { class: "il-delta-table", "data-il": "step-statistics" },
    h("tbody", {}, ...rows),
  );
}

function deltaTable(delta: readonly [string, number][]): HTMLElement {
  const most = Math.max(...delta.map(([, change]) => Math.abs(change)));
  const rows = [...delta]
    .sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]) || a[0].localeCompare(b[0]))
    .map(([dialect, change]) =>
      h(
        "tr",
        {},
        h("th", { scope: "row", title: dialect }, dialect),
        h("td", { class: "il-number" }, formatDelta(change)),
        h(
          "td",
          { class: "il-delta-cell", "aria-hidden": "true" },
          h("span", {
            class: change > 0 ? "il-delta-bar il-delta-plus" : "il-delta-bar il-delta-minus",
            style: `width:${(45 * Math.abs(change)) / most}%`,
          }),
        ),
      ),
    );
  return h("table", { class: "il-delta-table" }, h("tbody", {}, ...rows));
}

function runSection(run: Run): HTMLElement {
  const section = h(
    "section",
    { "data-il": "run-details" },
    heading(`@${run.function}`, "run"),
    facts([
      ["Device", run.device],
      ["Events", formatCount(run.timeline.length)],
      ["Profiling", run.profile_mode === "off" ? "off" : run.profile_mode ? `per ${run.profile_mode}` : ""],
      ["Overhead", run.overhead_ns ? `${formatNs(run.overhead_ns)} per event` : ""],
    ]),
  );
  if (run.outputs.length) section.append(h("h4", {}, plural(run.outputs.length, "output")));
  for (const output of run.outputs) {
    const type = output.shape.length ? `${output.shape.join("×")}×${output.dtype}` : output.dtype;
    section.append(
      h(
        "div",
        { class: "il-output" },
        h("div", { class: "il-muted" }, type),
        h("pre", { tabindex: 0, "aria-label": `Output ${type}` }, output.preview),
      ),
    );
  }
  return section;
}

/** Leaves the page for IREE's or MLIR's own, in a tab that knows nothing of this one. */
function sourceLink(link: string): HTMLElement {
  const attributes = { href: link, target: "_blank", rel: "noopener noreferrer", class: "il-link", title: link };
  return h("p", { class: "il-line-of-links" }, h("a", attributes, "Where it is implemented ↗"));
}
