/** Below the disassembly: what is chosen, whole, and where else one can see it. */
import { refKind } from "../data/entities.ts";
import { plural } from "../data/format.ts";
import { lineOfPlace, type VmFunction, type VmInstruction, type VmListing, type VmRow } from "../data/vm_rows.ts";
import { button, h } from "./dom.ts";
import { facts } from "./facts.ts";
import type { PaneContext } from "./model_pane.ts";
import { declaration } from "./vm_text.ts";

/** `related` are counterparts of the instruction; `goTo` goes to a function that it calls. */
export function footOf(
  row: VmRow,
  listing: VmListing,
  related: ReadonlySet<string>,
  context: PaneContext,
  goTo: (target: VmFunction) => void,
): HTMLElement[] {
  if (row.kind === "function")
    return [h("code", {}, declaration(row.of)), h("p", { class: "il-muted" }, plural(row.of.instructions.length, "line"))];
  const one = row.instruction;
  const imported = listing.imports.find(({ name }) => name === one.import_name);
  const data = one.rodata.map((ordinal) => `${ordinal}: ${listing.rodata[ordinal]?.preview ?? ""}`);
  const links = linksOf(one, listing, related, context, goTo);
  return [
    h("code", { class: "il-vm-full" }, one.text),
    facts([
      ["Calls", imported ? `${imported.name}${imported.signature}` : one.calls, "code"],
      ["Dispatches", one.entry_point, "code"],
      ["Location", one.location, "code"],
      ["Data", data.join("\n"), "code"],
      ["Globals", one.globals.join(", "), "code"],
    ]),
    ...(links.childElementCount ? [links] : []),
  ];
}

function linksOf(
  one: VmInstruction,
  listing: VmListing,
  related: ReadonlySet<string>,
  context: PaneContext,
  goTo: (target: VmFunction) => void,
): HTMLElement {
  const links = h("p", { class: "il-line-of-links" });
  const link = (label: string, title: string, run: () => void) => links.append(links.childElementCount ? " · " : "", button(label, { class: "il-link", title }, run));
  const line = lineOfPlace(one.location);
  if (line !== null && context.index.source !== null)
    link(`source line ${line}`, one.location, () => context.selectStep(null, line));
  for (const event of one.events.slice(0, 6)) link(`event ${event}`, "Show it on the timeline", () => context.select(`event:${event}`));
  const kernel = [...related].find((ref) => refKind(ref) === "kernel");
  if (kernel && one.entry_point) link("kernel", kernel, () => context.select(kernel));
  const target = listing.functions.find(({ name }) => one.calls && name === one.calls);
  if (target) link(`@${target.name}`, "Go to the function", () => goTo(target));
  return links;
}
