/** An editor over a pane: what is edited, what to do with it, and what was wrong with it. */
import type { Language } from "../data/executables.ts";
import type { Problem } from "../data/live.ts";
import type { LiveSession } from "../live.ts";
import { button, h } from "./dom.ts";
import { problemCard } from "./problem_card.ts";
import { TextEditor, type LineMessage } from "./text_editor.ts";

export interface EditOptions {
  title: string;
  /** What one should know before. */
  note: string;
  text: string;
  language: Language;
  /** The button that ends the edit. */
  action: string;
  /** Which problems are about this edit. */
  where: string;
  /** Further controls beside the button. */
  controls?: HTMLElement[];
  onApply: (text: string) => void;
  onCancel: () => void;
}

export class EditPanel {
  readonly element: HTMLElement;
  private readonly editor: TextEditor;
  private readonly problem = h("div", { class: "il-edit-problem" });
  private readonly apply: HTMLButtonElement;
  private readonly unsubscribe: () => void;
  private asked = false;
  private shown: Problem | null = null;

  constructor(
    root: Document | ShadowRoot,
    private readonly session: LiveSession,
    private readonly options: EditOptions,
  ) {
    const run = () => this.submit();
    this.apply = button(options.action, { class: "il-button il-primary", title: `${options.action} ( Ctrl+Enter )`, "data-il": "apply" }, run);
    const cancel = button("Cancel", { class: "il-button", title: "Leave the text as it was", "data-il": "cancel" }, options.onCancel);
    const body = h("div", { class: "il-edit-body" });
    this.element = h(
      "div",
      { class: "il-edit", role: "region", "aria-label": options.title },
      h("div", { class: "il-toolbar" }, h("b", {}, options.title), ...(options.controls ?? []), h("span", { class: "il-grow" }), this.apply, cancel),
      h("p", { class: "il-edit-note il-muted", hidden: !options.note }, options.note),
      body,
      this.problem,
    );
    this.editor = new TextEditor(body, root, options.text, { language: options.language, label: options.title, onSubmit: run });
    this.unsubscribe = session.subscribe(() => this.show());
    this.show();
  }

  focus(): void {
    this.editor.focus();
  }

  dispose(): void {
    this.unsubscribe();
    this.editor.dispose();
    this.element.remove();
  }

  private submit(): void {
    if (this.session.busy) return;
    this.asked = true;
    this.editor.setMessages([]);
    this.options.onApply(this.editor.text);
  }

  private show(): void {
    this.apply.disabled = this.session.busy;
    const { problem } = this.session.state;
    const mine = this.asked && problem?.where === this.options.where ? problem : null;
    if (JSON.stringify(mine) === JSON.stringify(this.shown)) return;
    this.shown = mine;
    this.problem.replaceChildren(...problemCard(mine, (line) => this.editor.goTo(line)));
    this.editor.setMessages(mine ? messagesOf(mine) : []);
  }
}

/** What was said about lines of the text. */
function messagesOf(problem: Problem): LineMessage[] {
  const said = problem.diagnostics
    .filter(({ line }) => line > 0)
    .map(({ line, column, severity, message }) => ({ line, column, message: `${severity}: ${message}` }));
  if (said.length || !problem.line) return said;
  return [{ line: problem.line, column: 0, message: problem.message }];
}
