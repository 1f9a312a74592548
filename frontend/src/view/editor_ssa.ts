/** Links within a text: SSA definitions and uses under pointer or cursor, symbols on Ctrl+click. */
import { StateEffect, StateField, type Extension, type Range } from "@codemirror/state";
import {
  Decoration,
  EditorView,
  hoverTooltip,
  ViewPlugin,
  type DecorationSet,
  type ViewUpdate,
} from "@codemirror/view";
import {
  baseName,
  findDefinition,
  findSymbol,
  tokenAt,
  usePattern,
  type Definition,
  type Token,
} from "../data/mlir.ts";
import { docLines, revealLine } from "./editor.ts";

interface Value {
  name: string;
  definition: Definition;
}

const setValue = StateEffect.define<Value | null>();

const currentValue = StateField.define<Value | null>({
  create: () => null,
  update(value, transaction) {
    for (const effect of transaction.effects) if (effect.is(setValue)) value = effect.value;
    return value;
  },
});

function tokenAtPosition(view: EditorView, position: number): [Token, string, number] | null {
  const line = view.state.doc.lineAt(position);
  const token = tokenAt(line.text, position - line.from);
  return token && [token, line.text.slice(token.from, token.to), line.number];
}

function valueAt(view: EditorView, position: number): Value | null {
  const found = tokenAtPosition(view, position);
  if (!found || found[0].kind !== "ssa") return null;
  const definition = findDefinition(docLines(view.state.doc), found[2], found[1]);
  return definition && { name: baseName(found[1]), definition };
}

function showValue(view: EditorView, value: Value | null): void {
  const shown = view.state.field(currentValue);
  const same = shown?.name === value?.name && shown?.definition.line === value?.definition.line;
  if (!same) view.dispatch({ effects: setValue.of(value) });
}

const USE = Decoration.mark({ class: "il-ssa-use" });
const DEFINITION = Decoration.mark({ class: "il-ssa-definition" });

function decorateValue(view: EditorView): DecorationSet {
  const value = view.state.field(currentValue);
  if (!value) return Decoration.none;
  const { name, definition } = value;
  const ranges: Range<Decoration>[] = [];
  let done = 0;
  for (const visible of view.visibleRanges) {
    const last = Math.min(view.state.doc.lineAt(visible.to).number, definition.to);
    let number = Math.max(view.state.doc.lineAt(visible.from).number, definition.from, done + 1);
    for (; number <= last; number++) {
      done = number;
      const line = view.state.doc.line(number);
      let isDefinition = number === definition.line;
      for (const match of line.text.matchAll(usePattern(name))) {
        const from = line.from + match.index;
        ranges.push((isDefinition ? DEFINITION : USE).range(from, from + match[0].length));
        isDefinition = false;
      }
    }
  }
  return Decoration.set(ranges, true);
}

const valueMarks = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet = Decoration.none;
    update(update: ViewUpdate) {
      const changed = update.startState.field(currentValue) !== update.state.field(currentValue);
      if (changed || update.docChanged || update.viewportChanged)
        this.decorations = decorateValue(update.view);
    }
  },
  { decorations: (plugin) => plugin.decorations },
);

const definitionTooltip = hoverTooltip(
  (view, position) => {
    const value = valueAt(view, position);
    const token = tokenAtPosition(view, position)?.[0];
    if (!value || !token) return null;
    const { from } = view.state.doc.lineAt(position);
    return {
      pos: from + token.from,
      end: from + token.to,
      above: true,
      create: () => ({ dom: definitionCard(view, value) }),
    };
  },
  { hoverTime: 250 },
);

function definitionCard(view: EditorView, { name, definition }: Value): HTMLElement {
  const card = document.createElement("div");
  card.className = "il-card";
  const head = document.createElement("div");
  head.className = "il-card-head";
  head.textContent = `${name} · defined on line ${definition.line.toLocaleString("en-US")}`;
  const code = document.createElement("code");
  const text = view.state.doc.line(definition.line).text.trim();
  code.textContent = text.length > 240 ? `${text.slice(0, 240)}…` : text;
  card.append(head, code);
  return card;
}

export function ssaLinks(onUnknownSymbol: (symbol: string) => void): Extension {
  return [
    currentValue,
    valueMarks,
    definitionTooltip,
    EditorView.updateListener.of((update) => {
      if (!update.selectionSet || !update.view.hasFocus) return;
      const { head } = update.state.selection.main;
      // Not from inside an update: CodeMirror forbids it.
      queueMicrotask(() => showValue(update.view, valueAt(update.view, head)));
    }),
    EditorView.domEventHandlers({
      mousemove(event, view) {
        const position = view.posAtCoords({ x: event.clientX, y: event.clientY });
        if (position !== null) showValue(view, valueAt(view, position));
        return false;
      },
      mouseleave(_event, view) {
        showValue(view, null);
        return false;
      },
      mousedown(event, view) {
        if (!event.ctrlKey && !event.metaKey) return false;
        const position = view.posAtCoords({ x: event.clientX, y: event.clientY });
        return position !== null && goToDefinition(view, position, onUnknownSymbol);
      },
    }),
  ];
}

function goToDefinition(
  view: EditorView,
  position: number,
  onUnknownSymbol: (symbol: string) => void,
): boolean {
  const found = tokenAtPosition(view, position);
  if (!found) return false;
  const [token, text] = found;
  if (token.kind === "ssa") {
    const value = valueAt(view, position);
    if (value) revealLine(view, value.definition.line, true);
    return value !== null;
  }
  if (token.kind !== "symbol") return false;
  const symbol = text.slice(1).replace(/^"(.*)"$/, "$1");
  const line = findSymbol(docLines(view.state.doc), symbol);
  if (line === null) onUnknownSymbol(symbol);
  else revealLine(view, line, true);
  return true;
}
