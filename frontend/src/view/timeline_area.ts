/** Statistics of an area that was dragged over the timeline, as a table beside it. */
import { formatCount, formatNs, plural } from "../data/format.ts";
import { shortName } from "../data/names.ts";
import type { Total } from "../data/timeline.ts";
import { button, h, KEYS } from "./dom.ts";
import type { Area } from "./timeline_view.ts";

const MOST_NAMES = 30;

export class TimelineArea {
  readonly element = h("div", { class: "il-area", role: "region", tabindex: 0, "aria-label": "Statistics of the area", hidden: true, ...KEYS });

  constructor(private readonly onClose: () => void) {}

  show(area: Area | null): void {
    this.element.hidden = area === null;
    if (!area) return this.element.replaceChildren();
    const { ns, found, said } = area;
    const share = ns ? Math.round((100 * found.busyNs) / ns) : 0;
    this.element.replaceChildren(
      h(
        "header",
        {},
        h("b", {}, formatNs(ns)),
        h("span", { class: "il-muted" }, ` ${plural(found.count, "event")} · ${share} % of it, all lanes added up`),
        button("×", { class: "il-icon", title: "Close ( Esc )", "aria-label": "Close the statistics" }, this.onClose),
      ),
      ...(said ? [h("p", {}, said)] : []),
      table("Kind", found.kinds),
      ...(found.names.length ? [table("Entry point", found.names.slice(0, MOST_NAMES))] : []),
    );
  }
}

function table(title: string, totals: readonly Total[]): HTMLElement {
  const cell = (tag: "th" | "td", text: string, attributes: Record<string, string> = {}) => h(tag, attributes, text);
  const head = h("tr", {}, ...[title, "Count", "Total", "Mean"].map((text) => cell("th", text, { scope: "col" })));
  const rows = totals.map(({ name, count, totalNs }) =>
    h(
      "tr",
      {},
      cell("td", shortName(name), { title: name }),
      cell("td", formatCount(count)),
      cell("td", formatNs(totalNs)),
      cell("td", formatNs(totalNs / count)),
    ),
  );
  return h("table", { class: "il-area-table" }, h("thead", {}, head), h("tbody", {}, ...rows));
}
