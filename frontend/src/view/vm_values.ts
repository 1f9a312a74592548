/** Registers, globals and results of a call: each opens to what it is and what its memory holds. */
import { elementRows, pageText, type HeldValue, type OpenedValue } from "../data/vm_stepping.ts";
import { button, h, KEYS } from "./dom.ts";
import { facts } from "./facts.ts";
import { choice } from "./form.ts";

export interface ValueEvents {
  isOpen: (name: string) => boolean;
  /** Opens or shuts a value; `readable`: the kernel is to read its memory. */
  onToggle: (name: string, readable: boolean) => void;
  /** Reads its memory from an element on, as a type ("" as what it is). */
  onRead: (name: string, as: string, offset: number) => void;
}

/** `nameOf` is what a value is called among all that can be opened. */
export function valueList(
  values: readonly HeldValue[],
  opened: readonly OpenedValue[],
  nameOf: (name: string) => string,
  events: ValueEvents,
): HTMLElement {
  if (!values.length) return h("p", { class: "il-muted" }, "none");
  const list = h("ul", { class: "il-vm-values" });
  for (const value of values) {
    const name = nameOf(value.name);
    const read = opened.find((one) => one.name === name);
    list.append(h("li", {}, ...valueRow(value, name, read, events)));
  }
  return list;
}

function valueRow(value: HeldValue, name: string, read: OpenedValue | undefined, events: ValueEvents): HTMLElement[] {
  const { text, type, changed } = value;
  const more = value.facts.length > 0 || value.same.length > 0 || value.readable;
  const open = more && events.isOpen(name);
  const title = `${name}${type ? `: ${type}` : ""} = ${text}${changed ? "\nchanged since the stop before" : ""}`;
  const cells = [
    h("span", { class: "il-vm-open", "aria-hidden": "true" }, more ? (open ? "▾" : "▸") : ""),
    h("span", { class: "il-vm-name" }, `${name}${changed ? " •" : ""}`),
    h("span", { class: "il-vm-type il-muted" }, type),
    h("span", { class: "il-vm-text" }, text),
  ];
  const attributes = { class: `il-vm-value${changed ? " il-fresh" : ""}`, title, "data-value": name };
  if (!more) return [h("div", attributes, ...cells)];
  const row = button("", { ...attributes, "aria-expanded": String(open), "data-key": name }, () => events.onToggle(name, value.readable));
  row.append(...cells);
  return open ? [row, valueDetails(value, name, read, events)] : [row];
}

function valueDetails(value: HeldValue, name: string, read: OpenedValue | undefined, events: ValueEvents): HTMLElement {
  const known: [string, string][] = [...value.facts, ["same as", value.same.join(", ")]];
  return h("div", { class: "il-vm-details" }, ...(read ? contents(name, read, events) : []), facts(known));
}

function contents(name: string, read: OpenedValue, events: ValueEvents): HTMLElement[] {
  if (read.error) return [h("p", { class: "il-bad", role: "alert" }, read.error)];
  const kinds = [{ value: "", label: `as ${read.as ? "it is" : read.type}` }, ...read.choices.map((kind) => ({ value: kind, label: `as ${kind}` }))];
  const as = choice(kinds, read.as, (kind) => events.onRead(name, kind, 0));
  as.setAttribute("aria-label", `Read ${name} as`);
  as.dataset.key = `${name} as`;
  const turn = (label: string, title: string, offset: number) => {
    const element = button(label, { class: "il-icon", title, "aria-label": title, "data-key": `${name} ${label}` }, () => events.onRead(name, read.as, offset));
    element.disabled = offset < 0 || offset >= read.count;
    return element;
  };
  const page = pageText(read);
  const bar = h("div", { class: "il-vm-read" }, as);
  if (page) bar.append(turn("◂", "Elements before", read.offset - read.page), h("span", { class: "il-muted" }, page), turn("▸", "Elements after", read.offset + read.page));
  const note = read.note ? [h("p", { class: "il-muted il-vm-pending", role: "status" }, read.note)] : [];
  return read.note && !read.texts.length ? note : [...note, bar, elements(name, read)];
}

function elements(name: string, read: OpenedValue): HTMLElement {
  if (read.type === "text") return h("pre", { class: "il-vm-elements", tabindex: 0, ...KEYS }, read.texts[0] ?? "");
  const rows = elementRows(read).map(({ index, cells }) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, String(index)),
      ...cells.map(({ text, changed }) => h("td", { class: changed ? "il-fresh" : null, title: changed ? `${text}: changed since the stop before` : text }, text)),
    ),
  );
  const table = h("table", { "aria-label": `Elements of ${name}` }, h("tbody", {}, ...rows));
  return h("div", { class: "il-vm-elements", tabindex: 0, role: "region", "aria-label": `Contents of ${name}`, ...KEYS }, table);
}
