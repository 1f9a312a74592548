/** Headings and lists of facts, as the details show them. */
import { breakable, h } from "./dom.ts";

export function heading(title: string, tag: string): HTMLElement {
  return h(
    "header",
    { class: "il-details-head" },
    h("h3", { title }, ...breakable(title)),
    h("span", { class: `il-tag il-tag-${tag}` }, tag),
  );
}

/** A list of facts; those without a value are left out. */
export function facts(entries: readonly (readonly [string, string, string?])[]): HTMLElement {
  const list = h("dl", { class: "il-facts" });
  for (const [name, value, kind] of entries) {
    if (!value) continue;
    const shown = kind === "code" ? h("code", {}, ...breakable(value)) : value;
    list.append(h("dt", {}, name), h("dd", { title: value }, shown));
  }
  return list;
}
