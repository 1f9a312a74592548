/** The explorer without anything to explore: empty, loading, compiling, broken. */
import type { Progress } from "../data/types.ts";
import { formatCount } from "../data/format.ts";
import { h } from "./dom.ts";

export function emptyState(): HTMLElement {
  return stateElement(
    "empty",
    "Nothing to explore yet",
    h("p", {}, "Compile a module and pass its trace: "),
    h("pre", {}, 'trace = il.compile("model.mlir")\nil.explore(trace)'),
  );
}

export function loadingState(bytes: number): HTMLElement {
  const size = bytes > 1e6 ? ` ${(bytes / 1e6).toFixed(1)} MB of` : "";
  return stateElement("loading", `Reading${size} compilation data…`, spinner());
}

export function progressState(progress: Progress): HTMLElement {
  const count = progress.count ?? 0;
  return stateElement(
    "compiling",
    count ? `Compiling · step ${formatCount(count)}` : "Compiling…",
    spinner(),
    h("p", { class: "il-progress-step" }, progress.step ?? ""),
    h("p", { class: "il-muted" }, "Interrupt the kernel to stop; the steps so far stay."),
  );
}

export function brokenState(error: unknown): HTMLElement {
  const message = error instanceof Error ? error.message : String(error);
  const state = stateElement("broken", "The explorer cannot show this", h("p", {}, message));
  state.setAttribute("role", "alert");
  if (error instanceof Error && error.stack)
    state.append(h("details", {}, h("summary", {}, "Details"), h("pre", {}, error.stack)));
  return state;
}

function spinner(): HTMLElement {
  return h("div", { class: "il-progress-bar", "aria-hidden": "true" }, h("span"));
}

function stateElement(name: string, title: string, ...children: HTMLElement[]): HTMLElement {
  return h("div", { class: "il-state", "data-state": name, role: "status" }, h("h3", {}, title), ...children);
}
