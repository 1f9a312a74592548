/** Times of several runs in words and as a table. */
import type { ComparedRuns } from "../data/compared_runs.ts";
import { formatCount, formatNs } from "../data/format.ts";
import { button, h, KEYS } from "./dom.ts";

/** Per run the time of all its commands. */
export function wholeTimes(runs: ComparedRuns): number[] {
  return runs.labels.map((_, side) => runs.totals.reduce((sum, { totals }) => sum + totals[side], 0));
}

/** "A 12 µs, B 10 µs (0.83)". */
export function describeTimes({ labels }: ComparedRuns, times: readonly number[]): string {
  const said = labels.map((label, side) => `${label} ${formatNs(times[side])}${ratio(times, side)}`);
  return `commands ${said.join(", ")}`;
}

/** An event and what ran the same in the other runs. */
export function describeEvent(runs: ComparedRuns, event: number): string {
  const found = [event, ...runs.counterparts(event)].sort((a, b) => a - b);
  const times = runs.labels.map((_, side) => {
    const one = found.find((other) => runs.sideOf(other) === side);
    return one === undefined ? null : runs.events[one].end_ns - runs.events[one].start_ns;
  });
  const said = runs.labels.map((label, side) => {
    const time = times[side];
    return time === null ? `${label} has none` : `${label} ${formatNs(time)}${ratio(times, side)}`;
  });
  return `${runs.events[event].name} · ${said.join(", ")}`;
}

function ratio(times: readonly (number | null)[], side: number): string {
  const [first] = times;
  const time = times[side];
  return side && first && time !== null && time !== undefined ? ` (${(time / first).toFixed(2)})` : "";
}

export function ratioTable(runs: ComparedRuns, onSelect: (event: number) => void): HTMLElement {
  const { labels, totals } = runs;
  const heads = ["Entry point", ...labels.map((label) => `${label} runs`), ...labels, ...labels.slice(1).map((label) => `${label} / ${labels[0]}`)];
  const rows = totals.map((total) =>
    h(
      "tr",
      {},
      h("th", { scope: "row", title: total.name }, button(total.name, { class: "il-link il-ellipsis", title: total.name }, () => onSelect(total.example))),
      ...total.counts.map((count) => number(formatCount(count))),
      ...total.totals.map((time, side) => number(total.counts[side] ? formatNs(time) : "–")),
      ...total.totals.slice(1).map((time, i) => number(total.counts[0] && total.counts[i + 1] ? (time / total.totals[0]).toFixed(2) : "")),
    ),
  );
  const head = h("tr", {}, ...heads.map((text, i) => h("th", { scope: "col", class: i ? "il-number" : null }, text)));
  const table = h("table", { class: "il-compare-table", "aria-label": "Time of each entry point in every run" }, h("thead", {}, head), h("tbody", {}, ...rows));
  return h("div", { class: "il-ratios", tabindex: 0, role: "region", "aria-label": "Ratios of the runs", hidden: true, ...KEYS }, table);
}

function number(text: string): HTMLElement {
  return h("td", { class: "il-number" }, text);
}
