/** The outputs of a run: type, first values, statistics, and how far they are from another run's. */
import { formatCount } from "../data/format.ts";
import type { Output } from "../data/types.ts";
import { h } from "./dom.ts";
import { facts } from "./facts.ts";

export function outputElement(output: Output, number: number, count: number): HTMLElement {
  const type = output.shape.length ? `${output.shape.join("×")}×${output.dtype}` : output.dtype;
  const name = count > 1 ? `output ${number} · ${type}` : type;
  const element = h(
    "div",
    { class: "il-output" },
    h("div", { class: "il-muted" }, name),
    h("pre", { tabindex: 0, "aria-label": `Output ${name}` }, output.preview),
  );
  if (output.statistics) element.append(facts(statisticFacts(output.statistics)));
  if (output.difference) element.append(h("p", { class: "il-difference", "data-il": "difference" }, differenceText(output.difference)));
  return element;
}

function statisticFacts(found: NonNullable<Output["statistics"]>): [string, string][] {
  const range = found.min === null || found.max === null ? "" : `${formatNumber(found.min)} … ${formatNumber(found.max)}`;
  const mean = found.mean === null ? "" : `${formatNumber(found.mean)} ± ${formatNumber(found.deviation ?? 0)}`;
  const odd = [
    [found.zero, "zero"],
    [found.nan, "NaN"],
    [found.infinite, "infinite"],
  ] as const;
  const shares = odd.filter(([many]) => many > 0).map(([many, what]) => `${formatCount(many)} ${what}`);
  return [
    ["Range", range],
    ["Mean", mean],
    ["Of these", shares.length ? `${shares.join(", ")} of ${formatCount(found.count)}` : ""],
  ];
}

export function differenceText(found: NonNullable<Output["difference"]>): string {
  if (found.why) return `Not comparable with run ${found.run}: ${found.why}`;
  if (!found.different) return `Equal to run ${found.run}`;
  const absolute = found.absolute === null ? "" : `, at most ${formatNumber(found.absolute)}`;
  const relative = found.relative ? ` (relative ${formatNumber(found.relative)})` : "";
  return `${formatCount(found.different)} of ${formatCount(found.count)} differ from run ${found.run}${absolute}${relative}`;
}

export function formatNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e7) return String(value);
  return value.toPrecision(5).replace(/\.?0+(e|$)/, "$1");
}
