/** What went wrong: diagnostics as a compiler prints them, and how to see them again. */
import type { Diagnostic, Failure } from "../data/types.ts";
import { button, h } from "./dom.ts";

export interface ProblemsEvents {
  onLocation: (line: number) => void;
}

const ICONS: Record<string, string> = { error: "✕", warning: "▲", remark: "●", note: "→" };

export function problemsView(
  failure: Failure,
  hasSource: boolean,
  events: ProblemsEvents,
): HTMLElement {
  const view = h("div", { class: "il-problems", tabindex: 0, "aria-label": "Problems", "data-il": "problems" });
  view.append(
    h("h3", {}, failure.kind),
    h("p", { class: "il-problem-message" }, failure.message),
  );
  if (failure.step)
    view.append(h("p", { class: "il-muted" }, "While running ", h("code", {}, failure.step), "."));
  for (const diagnostic of failure.diagnostics)
    view.append(diagnosticElement(diagnostic, hasSource, events));
  if (failure.reproducer) view.append(reproducerElement(failure.reproducer));
  return view;
}

function diagnosticElement(
  diagnostic: Diagnostic,
  hasSource: boolean,
  events: ProblemsEvents,
): HTMLElement {
  const { severity, message, line, column } = diagnostic;
  const element = h(
    "article",
    { class: `il-diagnostic il-severity-${severity}`, "data-severity": severity },
    h(
      "div",
      { class: "il-diagnostic-head" },
      h("span", { class: "il-severity", "aria-hidden": "true" }, ICONS[severity] ?? "●"),
      h("strong", {}, severity),
      h("span", { class: "il-diagnostic-text" }, message),
    ),
  );
  if (line > 0) {
    const place = `${diagnostic.file || "source"}:${line}:${column}`;
    const goTo = () => events.onLocation(line);
    element.append(
      hasSource
        ? button(place, { class: "il-link il-place", title: "Show this line of the source" }, goTo)
        : h("span", { class: "il-place" }, place),
    );
  }
  if (diagnostic.source_line) element.append(snippet(diagnostic));
  for (const note of diagnostic.notes) element.append(diagnosticElement(note, hasSource, events));
  return element;
}

/** The source line with a caret under the column; tabs keep their width. */
function snippet({ source_line, line, column }: Diagnostic): HTMLElement {
  const number = line > 0 ? String(line) : "";
  const before = source_line.slice(0, Math.max(0, column - 1)).replace(/[^\t]/g, " ");
  const pre = h("pre", { class: "il-snippet", tabindex: 0, "aria-label": "Source line" });
  pre.append(h("span", { class: "il-snippet-number" }, number.padStart(4)), ` │ ${source_line}\n`);
  if (column > 0)
    pre.append(
      h("span", { class: "il-snippet-number" }, "    "),
      ` │ ${before}`,
      h("span", { class: "il-caret" }, "^"),
    );
  return pre;
}

function reproducerElement(command: string): HTMLElement {
  const copy = button("Copy", { class: "il-button", title: "Copy the command" }, () => {
    void copyText(command).then((done) => {
      copy.textContent = done ? "Copied" : "Select and copy by hand";
    });
  });
  return h(
    "div",
    { class: "il-reproducer" },
    h("h4", {}, "To see it with IREE's own tools"),
    h("pre", { class: "il-snippet", tabindex: 0, "aria-label": "Reproducer" }, command),
    copy,
  );
}

/** False where the browser keeps the clipboard to itself. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
