/** Small controls that toolbars share. */
import { h, KEYS } from "./dom.ts";

/** A labelled choice. */
export function select<T extends string>(
  label: string,
  title: string,
  options: readonly (readonly [T, string])[],
  chosen: T,
  onChange: (value: T) => void,
): HTMLElement {
  const control = h("select", { class: "il-select", title, "aria-label": label, ...KEYS });
  for (const [value, text] of options)
    control.append(h("option", { value, selected: value === chosen }, text));
  control.addEventListener("change", () => onChange(control.value as T));
  return h("label", { class: "il-labelled" }, h("span", { "aria-hidden": "true" }, label), control);
}

/** What a colour stands for, in words beside it. */
export function legendItem(color: string, text: string, title = text): HTMLElement {
  const swatch = h("span", { class: "il-swatch", "aria-hidden": "true" });
  swatch.style.setProperty("--il-swatch", `var(--il-${color})`);
  return h("span", { class: "il-legend-item", title }, swatch, text);
}
