/** Shows the inside of very long attributes as "…"; a click opens one, and closes it again. */
import { StateEffect, StateField, type Extension, type Range } from "@codemirror/state";
import {
  Decoration,
  EditorView,
  ViewPlugin,
  WidgetType,
  type DecorationSet,
  type ViewUpdate,
} from "@codemirror/view";
import { longAttributes } from "../data/mlir.ts";

const TOOLTIP_CHARACTERS = 600;

const toggleAttribute = StateEffect.define<number>();

/** Start positions of the attributes that are shown in full. */
const opened = StateField.define<ReadonlySet<number>>({
  create: () => new Set(),
  update(positions, transaction) {
    for (const effect of transaction.effects) {
      if (!effect.is(toggleAttribute)) continue;
      const next = new Set(positions);
      if (!next.delete(effect.value)) next.add(effect.value);
      positions = next;
    }
    return positions;
  },
});

class Toggle extends WidgetType {
  constructor(
    readonly position: number,
    readonly text: string,
    readonly open: boolean,
  ) {
    super();
  }

  override eq(other: Toggle): boolean {
    return this.position === other.position && this.open === other.open;
  }

  override toDOM(view: EditorView): HTMLElement {
    const element = document.createElement("button");
    element.type = "button";
    element.tabIndex = -1;
    element.className = "il-attribute-toggle";
    element.textContent = this.open ? "⊟" : "…";
    const shown =
      this.text.length > TOOLTIP_CHARACTERS
        ? `${this.text.slice(0, TOOLTIP_CHARACTERS)}…`
        : this.text;
    element.title = this.open
      ? "Fold this attribute"
      : `${this.text.length.toLocaleString("en-US")} characters; click to show\n${shown}`;
    element.setAttribute("aria-label", this.open ? "Fold attribute" : "Show folded attribute");
    element.addEventListener("click", (event) => {
      event.stopPropagation();
      view.dispatch({ effects: toggleAttribute.of(this.position) });
    });
    return element;
  }

  override ignoreEvent(): boolean {
    return true;
  }
}

function decorate(view: EditorView): DecorationSet {
  const shownInFull = view.state.field(opened);
  const ranges: Range<Decoration>[] = [];
  let done = -1;
  for (const visible of view.visibleRanges) {
    for (let at = visible.from; at <= visible.to; ) {
      const line = view.state.doc.lineAt(at);
      at = line.to + 1;
      if (line.number <= done) continue;
      done = line.number;
      for (const [from, to] of longAttributes(line.text)) {
        const start = line.from + from;
        const open = shownInFull.has(start);
        const widget = new Toggle(start, line.text.slice(from, to), open);
        ranges.push(
          open
            ? Decoration.widget({ widget, side: -1 }).range(start)
            : Decoration.replace({ widget }).range(start, line.from + to),
        );
      }
    }
  }
  return Decoration.set(ranges, true);
}

const folding = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet;
    constructor(view: EditorView) {
      this.decorations = decorate(view);
    }
    update(update: ViewUpdate) {
      const toggled = update.startState.field(opened) !== update.state.field(opened);
      if (update.docChanged || update.viewportChanged || toggled)
        this.decorations = decorate(update.view);
    }
  },
  { decorations: (plugin) => plugin.decorations },
);

export const longAttributeFolding: Extension = [opened, folding];
