/** What a kernel is given, what its code uses, and its instructions by what they do. */
import { bindingTexts, instructionMix, kernelFacts, type Kernel } from "../data/executables.ts";
import { formatCount } from "../data/format.ts";
import { h } from "./dom.ts";
import { facts } from "./facts.ts";

export function kernelFactsElement(kernel: Kernel): HTMLElement {
  const element = h("div", {});
  if (kernel.absent) element.append(h("p", { class: "il-muted" }, kernel.absent));
  const mix = instructionMix(kernel);
  if (mix.length) element.append(h("h4", {}, "Instructions"), mixTable(mix));
  element.append(h("h4", {}, "Code and layout"), facts(kernelFacts(kernel)));
  const bindings = bindingTexts(kernel);
  if (bindings.length)
    element.append(
      h("h4", {}, "Bindings"),
      h("ol", { class: "il-bindings", start: 0 }, ...bindings.map((text, i) => h("li", {}, h("span", { class: "il-count" }, String(i)), text))),
    );
  return element;
}

function mixTable(mix: readonly [string, number, number][]): HTMLElement {
  const most = mix[0][2];
  const table = h("table", { class: "il-mix" }, h("caption", { class: "il-visually-hidden" }, "Instructions by what they do"));
  for (const [name, count, share] of mix) {
    const bar = h("span", { class: "il-mix-bar", "aria-hidden": "true" });
    bar.style.width = `${(100 * share) / most}%`;
    table.append(
      h(
        "tr",
        {},
        h("th", { scope: "row" }, name),
        h("td", { class: "il-mix-cell" }, bar),
        h("td", { class: "il-number" }, formatCount(count)),
        h("td", { class: "il-number" }, `${(100 * share).toFixed(0)} %`),
      ),
    );
  }
  return table;
}
