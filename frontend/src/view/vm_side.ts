/** Beside the disassembly: exports, imports, globals and data, each with its uses. */
import { formatCount } from "../data/format.ts";
import { sideSections, type SideItem, type VmListing } from "../data/vm_rows.ts";
import { button, elided, h, KEYS } from "./dom.ts";

/** `onUses` goes to the next of the instructions that use what was clicked. */
export function vmSide(listing: VmListing, onUses: (uses: readonly string[]) => void): HTMLElement {
  const side = h("div", { class: "il-vm-side", role: "region", tabindex: 0, "aria-label": "Exports, imports, globals and data", ...KEYS });
  for (const { title, items } of sideSections(listing)) {
    const list = h("ul", {}, ...items.map((item) => h("li", {}, sideButton(item, onUses))));
    const count = h("span", { class: "il-count" }, formatCount(items.length));
    side.append(h("details", { open: true }, h("summary", { ...KEYS }, `${title} `, count), list));
  }
  return side;
}

function sideButton({ label, detail, title, uses }: SideItem, onUses: (uses: readonly string[]) => void): HTMLElement {
  const element = button("", { class: "il-vm-item", title: uses.length ? `${title}\nGo to the next use` : title }, () => onUses(uses));
  element.disabled = !uses.length;
  element.append(h("span", { class: "il-label il-elided" }, elided(label)), h("span", { class: "il-time" }, detail));
  return element;
}
