/** The runs and the compilations that there were: each can be shown again. */
import { formatSeconds, plural } from "../data/format.ts";
import type { CompilationEntry, LiveState, RunEntry } from "../data/live.ts";
import { button, h } from "./dom.ts";

/** `onCompare` sets one beside what is shown; null where that cannot be. */
export function runList(state: LiveState, onShow: (run: number) => void, onCompare: ((run: number) => void) | null): HTMLElement {
  const rows = [...state.runs].reverse().map((run) =>
    row(run.number === state.run, `${run.number}`, runWords(run, state), formatSeconds(run.seconds), `Show run ${run.number}`, () => onShow(run.number), onCompare && (() => onCompare(run.number))),
  );
  return list("Runs", "run-list", rows);
}

export function compilationList(state: LiveState, onShow: (compilation: number) => void, onCompare: (compilation: number) => void): HTMLElement {
  const rows = [...state.compilations].reverse().map((one) =>
    row(one.number === state.compilation, `${one.number}`, compilationWords(one), formatSeconds(one.seconds), `Show compilation ${one.number}`, () => onShow(one.number), () => onCompare(one.number)),
  );
  return list("Compilations", "compilation-list", rows);
}

function runWords(run: RunEntry, state: LiveState): string {
  const program = state.programs.find(({ number }) => number === run.program);
  const edited = program && program.number !== state.programs[0]?.number ? program.label : "";
  const other = run.compilation === state.compilation ? "" : `of compilation ${run.compilation}`;
  const inputs = run.inputs.some((text) => text && text !== `run ${run.number}`) ? run.inputs.map((text) => text || "made up").join(", ") : "";
  return [`@${run.function}`, run.device, run.calls > 1 ? plural(run.calls, "call") : "", run.profiled ? "" : "no timeline", other, edited, inputs]
    .filter(Boolean)
    .join(" · ");
}

function compilationWords(one: CompilationEntry): string {
  const state = one.state === "ready" ? "" : one.state === "failed" ? "✕ failed" : "■ stopped";
  return [one.label, plural(one.steps, "step"), state].filter(Boolean).join(" · ");
}

function row(shown: boolean, number: string, words: string, time: string, label: string, onShow: () => void, onCompare: (() => void) | null): HTMLElement {
  const element = button("", { class: "il-live-entry", title: words, "aria-label": `${label}: ${words}, ${time}`, "aria-current": shown ? "true" : null }, onShow);
  element.append(
    h("span", { class: "il-number" }, number),
    h("span", { class: "il-label" }, words),
    h("span", { class: "il-time il-number" }, time),
  );
  if (shown || !onCompare) return h("li", {}, element);
  const beside = `${label.replace("Show", "Set")} beside what is shown`;
  return h("li", {}, element, button("⇄", { class: "il-icon", title: beside, "aria-label": beside, "data-il": "compare" }, onCompare));
}

function list(title: string, name: string, rows: HTMLElement[]): HTMLElement {
  return h("section", { "data-il": name, hidden: !rows.length }, h("h4", {}, title), h("ol", { class: "il-live-list" }, ...rows));
}
