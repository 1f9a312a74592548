/** Labelled fields, as the Run and Compile forms have them. */
import { h, KEYS, uniqueId } from "./dom.ts";

/** A label above or beside its control; `hint` stands muted after the label. */
export function field(label: string, hint: string, control: HTMLElement): HTMLElement {
  control.id ||= uniqueId("field");
  return h(
    "div",
    { class: "il-field" },
    h("label", { for: control.id }, label, ...(hint ? [" ", h("span", { class: "il-muted il-mono", title: hint }, hint)] : [])),
    control,
  );
}

export function textInput(value: string, placeholder: string, title: string, onInput: (value: string) => void): HTMLInputElement {
  const input = h("input", { class: "il-input", type: "text", placeholder, title, spellcheck: "false", autocomplete: "off", ...KEYS });
  input.value = value;
  input.addEventListener("input", () => onInput(input.value));
  return input;
}

export function numberInput(value: number, title: string, onInput: (value: number) => void): HTMLInputElement {
  const input = h("input", { class: "il-input il-number-input", type: "number", min: 1, step: 1, title, ...KEYS });
  input.value = String(value);
  input.addEventListener("input", () => onInput(Math.max(1, Math.round(Number(input.value) || 1))));
  return input;
}

export function checkbox(label: string, title: string, checked: boolean, onChange: (checked: boolean) => void): HTMLElement {
  const input = h("input", { type: "checkbox", ...KEYS });
  input.checked = checked;
  input.addEventListener("change", () => onChange(input.checked));
  return h("label", { class: "il-check", title }, input, label);
}

export interface Choice {
  value: string;
  label: string;
  title?: string;
  disabled?: boolean;
}

/** A choice; a value that is not among the known ones is offered too. */
export function choice(choices: readonly Choice[], chosen: string, onChange: (value: string) => void): HTMLSelectElement {
  const control = h("select", { class: "il-select", ...KEYS });
  const known = choices.some(({ value }) => value === chosen);
  for (const { value, label, title, disabled } of known || !chosen ? choices : [{ value: chosen, label: chosen }, ...choices])
    control.append(h("option", { value, title, disabled, selected: value === chosen }, label));
  control.addEventListener("change", () => onChange(control.value));
  return control;
}
