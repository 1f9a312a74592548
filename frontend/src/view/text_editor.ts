/** A text that is edited; what the compiler says of a line stands under it, with a caret. */
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { search, searchKeymap } from "@codemirror/search";
import { EditorState, Prec, StateEffect, StateField } from "@codemirror/state";
import { Decoration, drawSelection, EditorView, keymap, lineNumbers, WidgetType, type DecorationSet } from "@codemirror/view";
import type { Language } from "../data/executables.ts";
import { h } from "./dom.ts";
import { editorTheme } from "./editor_theme.ts";
import { highlighting } from "./listing_view.ts";

export interface LineMessage {
  line: number;
  /** From 1; 0 where it is about the whole line. */
  column: number;
  message: string;
}

class MessageWidget extends WidgetType {
  constructor(private readonly said: LineMessage) {
    super();
  }

  override eq(other: MessageWidget): boolean {
    return other.said.message === this.said.message && other.said.column === this.said.column;
  }

  override toDOM(): HTMLElement {
    const { column, message } = this.said;
    const caret = column > 0 ? `${" ".repeat(column - 1)}^ ` : "";
    return h("div", { class: "il-edit-message" }, h("span", { "aria-hidden": "true" }, caret), message);
  }
}

const setMessages = StateEffect.define<readonly LineMessage[]>();

const messages = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(decorations, transaction) {
    let now = decorations.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (!effect.is(setMessages)) continue;
      const { doc } = transaction.state;
      now = Decoration.set(
        effect.value
          .filter(({ line }) => line >= 1 && line <= doc.lines)
          .flatMap((said) => {
            const { from, to } = doc.line(said.line);
            return [
              Decoration.line({ class: "il-line-error" }).range(from),
              Decoration.widget({ widget: new MessageWidget(said), block: true, side: 1 }).range(to),
            ];
          }),
        true,
      );
    }
    return now;
  },
  provide: (field) => EditorView.decorations.from(field),
});

export class TextEditor {
  private readonly view: EditorView;

  constructor(
    parent: HTMLElement,
    root: Document | ShadowRoot,
    text: string,
    options: { language: Language; label: string; onSubmit: () => void },
  ) {
    const submit = Prec.highest(
      keymap.of([
        {
          key: "Mod-Enter",
          run: () => {
            options.onSubmit();
            return true;
          },
        },
      ]),
    );
    this.view = new EditorView({
      parent,
      root,
      state: EditorState.create({
        doc: text,
        extensions: [
          submit,
          lineNumbers(),
          history(),
          drawSelection(),
          search({ top: true }),
          keymap.of([...searchKeymap, ...historyKeymap, ...defaultKeymap]),
          highlighting(options.language),
          messages,
          editorTheme,
          EditorView.contentAttributes.of({
            "data-lm-suppress-shortcuts": "true",
            "aria-label": options.label,
            spellcheck: "false",
          }),
        ],
      }),
    });
  }

  get text(): string {
    return this.view.state.doc.toString();
  }

  /** Marks lines and brings the first one into view. */
  setMessages(said: readonly LineMessage[]): void {
    const effects: StateEffect<unknown>[] = [setMessages.of(said)];
    const first = said.find(({ line }) => line >= 1 && line <= this.view.state.doc.lines);
    if (first) effects.push(EditorView.scrollIntoView(this.view.state.doc.line(first.line).from, { y: "center" }));
    this.view.dispatch({ effects });
  }

  goTo(line: number): void {
    if (line < 1 || line > this.view.state.doc.lines) return;
    const { from } = this.view.state.doc.line(line);
    this.view.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
    this.view.focus();
  }

  focus(): void {
    this.view.focus();
  }

  dispose(): void {
    this.view.destroy();
  }
}
