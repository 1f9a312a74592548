/** CodeMirror as a viewer of MLIR: the extensions that IR and diff views share. */
import { defaultKeymap } from "@codemirror/commands";
import { codeFolding, foldGutter, foldKeymap, foldService } from "@codemirror/language";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { EditorState, StateEffect, StateField, type Extension, type Text } from "@codemirror/state";
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
import { foldEnd, TOKEN_CLASSES, TOKEN_PATTERN, tokenKind, type LineSource } from "../data/mlir.ts";
import { longAttributeFolding } from "./editor_attributes.ts";
import { editorTheme } from "./editor_theme.ts";
import { ssaLinks } from "./editor_ssa.ts";

export function docLines(doc: Text): LineSource {
  return { count: doc.lines, line: (number) => doc.line(number).text };
}

// --- highlighting: only what is on screen, so its cost does not grow with the text -------

const MARKS = new Map(
  TOKEN_CLASSES.map((kind) => [kind, Decoration.mark({ class: `il-tok-${kind}` })] as const),
);

const tokens = new MatchDecorator({
  regexp: TOKEN_PATTERN,
  maxLength: 4000,
  decoration: (match) => {
    const kind = tokenKind(match);
    return (kind && MARKS.get(kind)) ?? null;
  },
});

const highlighting = ViewPlugin.fromClass(
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

// --- folding -----------------------------------------------------------------------------

/** Where a region ends is asked for every line on screen at every scroll: remembered per text. */
const foldEnds = new WeakMap<Text, Map<number, number | null>>();

function cachedFoldEnd(doc: Text, number: number): number | null {
  let known = foldEnds.get(doc);
  if (!known) foldEnds.set(doc, (known = new Map()));
  let end = known.get(number);
  if (end === undefined) known.set(number, (end = foldEnd(docLines(doc), number)));
  return end;
}

const regionFolding = [
  foldService.of((state, lineStart) => {
    const line = state.doc.lineAt(lineStart);
    const end = cachedFoldEnd(state.doc, line.number);
    if (end === null) return null;
    const closing = state.doc.line(end);
    return { from: line.to, to: closing.from + closing.text.search(/\S/) };
  }),
  codeFolding({ placeholderText: "…" }),
  foldGutter({
    markerDOM: (open) => {
      const marker = document.createElement("span");
      marker.className = "il-fold-marker";
      marker.textContent = open ? "▾" : "▸";
      marker.title = open ? "Fold region" : "Unfold region";
      return marker;
    },
  }),
];

// --- the selected line -------------------------------------------------------------------

export const setSelectedLine = StateEffect.define<number | null>();

const selectedLine = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(decorations, transaction) {
    for (const effect of transaction.effects) {
      if (!effect.is(setSelectedLine)) continue;
      const { doc } = transaction.state;
      if (effect.value === null || effect.value < 1 || effect.value > doc.lines)
        return Decoration.none;
      const mark = Decoration.line({ class: "il-line-selected" });
      return Decoration.set([mark.range(doc.line(effect.value).from)]);
    }
    return decorations;
  },
  provide: (field) => EditorView.decorations.from(field),
});

export function revealLine(view: EditorView, line: number | null, scroll: boolean): void {
  const effects: StateEffect<unknown>[] = [setSelectedLine.of(line)];
  if (scroll && line !== null && line >= 1 && line <= view.state.doc.lines) {
    const { from } = view.state.doc.line(line);
    effects.push(EditorView.scrollIntoView(from, { y: "center", x: "start" }));
  }
  view.dispatch({ effects });
}

// --- all together ------------------------------------------------------------------------

export interface ViewerOptions {
  label: string;
  onLine: (line: number) => void;
  /** Ctrl/Cmd+click on a symbol that this text does not define. */
  onUnknownSymbol: (symbol: string) => void;
}

export function viewerExtensions(options: ViewerOptions): Extension[] {
  let down = { x: 0, y: 0 };
  return [
    lineNumbers(),
    EditorState.readOnly.of(true),
    // Read-only, yet editable as far as the browser is concerned: the cursor and search stay.
    EditorView.contentAttributes.of({
      "data-lm-suppress-shortcuts": "true",
      "aria-label": options.label,
      "aria-readonly": "true",
      spellcheck: "false",
    }),
    drawSelection(),
    search({ top: true }),
    highlightSelectionMatches({ minSelectionLength: 3 }),
    keymap.of([...searchKeymap, ...foldKeymap, ...defaultKeymap]),
    regionFolding,
    highlighting,
    longAttributeFolding,
    ssaLinks(options.onUnknownSymbol),
    selectedLine,
    editorTheme,
    EditorView.domEventHandlers({
      mousedown(event) {
        down = { x: event.clientX, y: event.clientY };
        return false;
      },
      // No click is reported of what is drawn anew meanwhile, as a value under the pointer is.
      mouseup(event, view) {
        const dragged = Math.hypot(event.clientX - down.x, event.clientY - down.y) > 4; // text to copy
        if (event.ctrlKey || event.metaKey || event.button !== 0 || dragged) return false;
        const position = view.posAtCoords({ x: event.clientX, y: event.clientY });
        if (position !== null) options.onLine(view.state.doc.lineAt(position).number);
        return false;
      },
      keydown(event, view) {
        if (event.key !== "Enter") return false;
        options.onLine(view.state.doc.lineAt(view.state.selection.main.head).number);
        return true;
      },
    }),
  ];
}
