/** What went wrong with a request, in the pane that made it. */
import type { Problem } from "../data/live.ts";
import { problemsView } from "./problems_view.ts";
import { h } from "./dom.ts";

/** Nothing where there is no problem. `onLine` goes to a line of what was edited. */
export function problemCard(problem: Problem | null, onLine: ((line: number) => void) | null): HTMLElement[] {
  if (!problem) return [];
  const view = problemsView(problem, onLine !== null, { onLocation: (line) => onLine?.(line) });
  view.removeAttribute("data-il");
  view.removeAttribute("tabindex");
  view.removeAttribute("aria-label");
  return [h("div", { class: "il-problem-card", role: "alert", "data-il": "live-problem" }, view)];
}
