/** The origin of the selected line: source, Python, kernels, events; and how much has one. */
import { formatNs, plural } from "../data/format.ts";
import type { Origin } from "../data/provenance.ts";
import type { TimelineEvent } from "../data/types.ts";
import type { Follower, ShownLine } from "../follower.ts";
import { button, h } from "./dom.ts";
import { ratesTable } from "./rates_table.ts";

const MOST = 12;
const MOST_RUNS = 4;

export interface OriginEvents {
  onSource: (line: number) => void;
  onSelect: (ref: string) => void;
  /** Shows all steps that changed the op. */
  onFollow: () => void;
}

/** The section for a line; null where nothing is known of it, or not yet. */
export function originSection(
  follower: Follower,
  shown: ShownLine,
  timeline: readonly TimelineEvent[],
  events: OriginEvents,
): HTMLElement | null {
  const origin = follower.origin(shown);
  if (!origin || (!origin.sources.length && !origin.entryPoints.length)) return null;
  const section = h("section", { "data-il": "origin", class: "il-origin" }, h("h4", {}, "Comes from"));
  section.append(...sourceLinks(origin, events));
  const kernels = kernelLinks(origin, timeline, events);
  if (kernels.length) section.append(h("h4", {}, "Runs in"), ...kernels);
  section.append(
    h(
      "p",
      { class: "il-line-of-links" },
      button("Follow through all steps ( o )", { class: "il-link" }, () => events.onFollow()),
    ),
  );
  return section;
}

/** What stands there until origins are known: a kernel must compile once more for them. */
export function originOffer(onLoad: () => void): HTMLElement {
  const load = button("Find its source and kernels", { class: "il-button", title: "Compiles once more, with locations" }, () => {
    load.disabled = true;
    load.textContent = "Compiling once more…";
    onLoad();
  });
  return h("section", { "data-il": "origin", class: "il-origin" }, load);
}

/** The match rates, or a button that fetches them where a kernel must compile once more for that. */
export function ratesSection(follower: Follower, onLoad: () => void): HTMLElement {
  const section = h("section", { "data-il": "match-rates" });
  if (follower.loaded) section.append(ratesTable(follower.rates));
  else
    section.append(
      button("Match rates of origins", { class: "il-button", title: "Compiles once more, with locations" }, () => onLoad()),
    );
  return section;
}

function sourceLinks({ sources }: Origin, events: OriginEvents): HTMLElement[] {
  if (!sources.length) return [h("p", { class: "il-muted" }, "No op of the source.")];
  const found = sources.slice(0, MOST).flatMap((source) => [
    ...source.origins.map((chain) => {
      const places = chain.map(({ file, line, name }) => `${file}:${line}${name ? ` (${name})` : ""}`);
      return h("div", { class: "il-origin-line il-origin-python", title: places.join("\ncalled at ") }, places[0]);
    }),
    button(`${source.line}: ${source.text}`, { class: "il-link il-origin-line", title: source.text }, () =>
      events.onSource(source.line),
    ),
  ]);
  return [...found, ...more(sources.length, "source line")];
}

function kernelLinks({ entryPoints }: Origin, timeline: readonly TimelineEvent[], events: OriginEvents): HTMLElement[] {
  const found = entryPoints.slice(0, MOST).flatMap(({ entry_point, kernel }) => {
    const runs = timeline.flatMap((event, i) => (event.kind === "dispatch" && event.entry_point === kernel ? [i] : []));
    const link = button(kernel, { class: "il-link il-origin-line", title: entry_point }, () =>
      events.onSelect(`kernel:${entry_point}`),
    );
    const times = runs.slice(0, MOST_RUNS).map((i) =>
      button(formatNs(timeline[i].end_ns - timeline[i].start_ns), { class: "il-link", title: `Event ${i}` }, () =>
        events.onSelect(`event:${i}`),
      ),
    );
    return times.length ? [link, h("p", { class: "il-line-of-links" }, "ran ", ...times.flatMap((time) => [time, " "]))] : [link];
  });
  return [...found, ...more(entryPoints.length, "kernel")];
}

function more(count: number, noun: string): HTMLElement[] {
  return count > MOST ? [h("p", { class: "il-muted" }, `and ${plural(count - MOST, `more ${noun}`)}`)] : [];
}
