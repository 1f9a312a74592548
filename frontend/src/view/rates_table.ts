/** How much of each phase has a known origin: what `ireelab provenance FILE` prints. */
import { formatCount } from "../data/format.ts";
import type { PhaseRate } from "../data/provenance.ts";
import { phaseTitle } from "../data/steps.ts";
import { h } from "./dom.ts";

const EXPLAINED =
  "Compute ops at the end of each phase: how many come from an op of the source, and how many lead to the program";

export function ratesTable(rates: readonly PhaseRate[]): HTMLElement {
  const head = ["Phase", "Compute ops", "From source", "In program"].map((text, i) =>
    h("th", { scope: "col", class: i ? "il-number" : null }, text),
  );
  const rows = rates.map(({ phase, ops, ancestor_rate, descendant_rate }) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, phaseTitle(phase)),
      h("td", { class: "il-number" }, formatCount(ops)),
      h("td", { class: "il-number" }, percent(ancestor_rate)),
      h("td", { class: "il-number" }, percent(descendant_rate)),
    ),
  );
  return h(
    "table",
    { class: "il-rates", "data-il": "rates", title: EXPLAINED },
    h("caption", {}, "Match rates"),
    h("thead", {}, h("tr", {}, ...head)),
    h("tbody", {}, ...rows),
  );
}

function percent(rate: number): string {
  return `${(100 * rate).toFixed(1)}%`;
}
