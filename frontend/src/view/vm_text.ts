/** Rows of the disassembly: names, and text in colours. */
import { tokenize } from "../data/mlir.ts";
import type { VmFunction } from "../data/vm_rows.ts";
import { h } from "./dom.ts";

const MOST_TOKENS = 300;

export function declaration({ ordinal, name, parameters }: VmFunction): string {
  return `func ${ordinal} @${name}(${parameters.map((one) => `%${one}`).join(", ")})`;
}

export function functionCells(of: VmFunction): HTMLElement[] {
  return [h("span", { class: "il-label" }, declaration(of)), h("span", { class: "il-time" }, of.exported ? "exported" : "")];
}

export function colored(text: string): (Node | string)[] {
  const shown = text.length > MOST_TOKENS ? `${text.slice(0, MOST_TOKENS)}…` : text;
  const parts: (Node | string)[] = [];
  let end = 0;
  for (const { kind, from, to } of tokenize(shown)) {
    parts.push(shown.slice(end, from), h("span", { class: `il-tok-${kind}` }, shown.slice(from, to)));
    end = to;
  }
  parts.push(shown.slice(end));
  return parts;
}
