/** A text to read beside others: lines that belong together are marked in all of them. */
import { defaultKeymap } from "@codemirror/commands";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { EditorState, StateEffect, StateField, type Extension } from "@codemirror/state";
import {
  Decoration,
  drawSelection,
  EditorView,
  keymap,
  lineNumbers,
  MatchDecorator,
  ViewPlugin,
  type DecorationSet,
  type ViewUpdate,
} from "@codemirror/view";
import type { Language } from "../data/executables.ts";
import { PATTERNS } from "../data/languages.ts";
import { TOKEN_CLASSES, tokenKind } from "../data/mlir.ts";
import { editorTheme } from "./editor_theme.ts";

export interface ListingEvents {
  /** A line under the pointer or the cursor; null when there is none. */
  onPoint?: (line: number | null) => void;
  /** A line that was clicked, or Enter pressed on. */
  onPick?: (line: number) => void;
}

const MARKS = new Map(TOKEN_CLASSES.map((kind) => [kind, Decoration.mark({ class: `il-tok-${kind}` })] as const));

export function highlighting(language: Language): Extension {
  const tokens = new MatchDecorator({
    regexp: PATTERNS[language],
    maxLength: 4000,
    decoration: (match) => MARKS.get(tokenKind(match) ?? "comment") ?? null,
  });
  return ViewPlugin.fromClass(
    class {
      decorations: DecorationSet;
      constructor(view: EditorView) {
        this.decorations = tokens.createDeco(view);
      }
      update(update: ViewUpdate) {
        this.decorations = tokens.updateDeco(update, this.decorations);
      }
    },
    { decorations: (plugin) => plugin.decorations },
  );
}

type MarkedLines = readonly { line: number; kind: string }[];

const setMarks = StateEffect.define<MarkedLines>();

const marks = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(decorations, transaction) {
    for (const effect of transaction.effects) {
      if (!effect.is(setMarks)) continue;
      const { doc } = transaction.state;
      const known = effect.value.filter(({ line }) => line >= 1 && line <= doc.lines);
      return Decoration.set(
        known.map(({ line, kind }) => Decoration.line({ class: kind }).range(doc.line(line).from)),
        true,
      );
    }
    return decorations;
  },
  provide: (field) => EditorView.decorations.from(field),
});

export class ListingView {
  readonly view: EditorView;
  private language: Language = "mlir";
  private pointed: number | null = null;

  constructor(
    parent: HTMLElement,
    root: Document | ShadowRoot,
    private readonly label: () => string,
    private readonly events: ListingEvents = {},
  ) {
    this.view = new EditorView({ parent, root, extensions: this.extensions() });
  }

  show(text: string, language: Language): void {
    this.language = language;
    this.pointed = null;
    this.view.setState(EditorState.create({ doc: text, extensions: this.extensions() }));
    this.view.scrollDOM.scrollTo(0, 0);
  }

  get lineCount(): number {
    return this.view.state.doc.lines;
  }

  /** `strong` lines are what was picked, `weak` ones what is pointed at. */
  mark(strong: readonly number[], weak: readonly number[], reveal: boolean): void {
    const lines = [
      ...strong.map((line) => ({ line, kind: "il-line-selected" })),
      ...weak.map((line) => ({ line, kind: "il-line-pointed" })),
    ].sort((a, b) => a.line - b.line);
    const effects: StateEffect<unknown>[] = [setMarks.of(lines)];
    const first = (strong.length ? strong : weak)[0];
    if (reveal && first >= 1 && first <= this.lineCount && !this.inView(first))
      effects.push(EditorView.scrollIntoView(this.view.state.doc.line(first).from, { y: "center", x: "start" }));
    this.view.dispatch({ effects });
  }

  focus(): void {
    this.view.focus();
  }

  dispose(): void {
    this.view.destroy();
  }

  private inView(line: number): boolean {
    const { scrollTop, clientHeight } = this.view.scrollDOM;
    const block = this.view.lineBlockAt(this.view.state.doc.line(line).from);
    return block.top >= scrollTop && block.bottom <= scrollTop + clientHeight;
  }

  private point(line: number | null): void {
    if (line === this.pointed) return;
    this.pointed = line;
    this.events.onPoint?.(line);
  }

  private extensions(): Extension[] {
    const lineAt = (view: EditorView, position: number) => view.state.doc.lineAt(position).number;
    return [
      lineNumbers(),
      EditorState.readOnly.of(true),
      EditorView.contentAttributes.of({
        "data-lm-suppress-shortcuts": "true",
        tabindex: "0",
        "aria-label": this.label(),
        "aria-readonly": "true",
        spellcheck: "false",
      }),
      drawSelection(),
      search({ top: true }),
      highlightSelectionMatches({ minSelectionLength: 3 }),
      keymap.of([...searchKeymap, ...defaultKeymap]),
      highlighting(this.language),
      marks,
      editorTheme,
      EditorView.updateListener.of((update) => {
        if (update.selectionSet && update.view.hasFocus) this.point(lineAt(update.view, update.state.selection.main.head));
      }),
      EditorView.domEventHandlers({
        mousemove: (event, view) => {
          const position = view.posAtCoords({ x: event.clientX, y: event.clientY });
          this.point(position === null ? null : lineAt(view, position));
          return false;
        },
        mouseleave: () => (this.point(null), false),
        click: (event, view) => {
          const position = view.posAtCoords({ x: event.clientX, y: event.clientY });
          if (position !== null && view.state.selection.main.empty) this.events.onPick?.(lineAt(view, position));
          return false;
        },
        keydown: (event, view) => {
          if (event.key !== "Enter") return false;
          this.events.onPick?.(lineAt(view, view.state.selection.main.head));
          return true;
        },
      }),
    ];
  }
}
