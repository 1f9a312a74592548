/** Texts side by side that scroll as one: equal lines are level, lines that differ are marked. */
import { defaultKeymap } from "@codemirror/commands";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { EditorState, RangeSetBuilder, type Extension } from "@codemirror/state";
import { Decoration, drawSelection, EditorView, keymap, lineNumbers, WidgetType } from "@codemirror/view";
import type { Alignment, AlignedText } from "../data/nway.ts";
import { Disposer, h, treeOf } from "./dom.ts";
import { editorTheme } from "./editor_theme.ts";
import { highlighting } from "./listing_view.ts";

const LINE_HEIGHT = 18; // 12 px at 1.5, as editor_theme.ts sets it

/** Empty lines that keep a column level with the others. */
class Gap extends WidgetType {
  constructor(private readonly lines: number) {
    super();
  }

  override eq(other: Gap): boolean {
    return other.lines === this.lines;
  }

  override get estimatedHeight(): number {
    return this.lines * LINE_HEIGHT;
  }

  override toDOM(): HTMLElement {
    return h("div", { class: "il-gap", style: `height:${this.estimatedHeight}px`, "aria-hidden": "true" });
  }
}

export interface ColumnText {
  label: string;
  title: string;
  /** null: this side has nothing here, and `title` says so. */
  text: string | null;
}

interface Column {
  element: HTMLElement;
  view: EditorView | null;
}

export class AlignedColumns {
  readonly element = h("div", { class: "il-columns il-aligned" });
  private columns: Column[] = [];
  private alignment: Alignment | null = null;
  private change = -1;
  private readonly disposer = new Disposer();

  constructor(private readonly root: HTMLElement) {}

  /** Columns without a text are left out of the alignment. */
  show(texts: readonly ColumnText[], alignment: Alignment): void {
    this.clear();
    this.alignment = alignment;
    let position = 0;
    this.columns = texts.map((column) => this.add(column, column.text === null ? null : alignment.texts[position++]));
    for (const { view } of this.columns)
      if (view) this.disposer.listen(view.scrollDOM, "scroll", () => this.follow(view), { passive: true });
  }

  get changes(): number {
    return this.alignment?.changes.length ?? 0;
  }

  /** Scrolls to the next stretch that differs, or the one before; says which it is, from 1. */
  goToChange(by: 1 | -1): number {
    const changes = this.alignment?.changes ?? [];
    if (!changes.length) return 0;
    this.change = Math.max(0, Math.min(changes.length - 1, this.change + by));
    const [view] = this.views;
    const { doc } = view.state;
    const line = Math.min(doc.lines, changes[this.change][0] + 1);
    view.dispatch({ effects: EditorView.scrollIntoView(doc.line(line).from, { y: "start", yMargin: 3 * LINE_HEIGHT, x: "start" }) });
    return this.change + 1;
  }

  focus(): void {
    this.views[0]?.focus();
  }

  dispose(): void {
    this.clear();
  }

  private get views(): EditorView[] {
    return this.columns.flatMap(({ view }) => (view ? [view] : []));
  }

  private clear(): void {
    this.disposer.dispose();
    for (const { view } of this.columns) view?.destroy();
    this.columns = [];
    this.change = -1;
    this.element.replaceChildren();
  }

  private add({ label, title, text }: ColumnText, aligned: AlignedText | null): Column {
    const head = h("div", { class: "il-column-head", title }, h("strong", {}, label), h("span", { class: "il-ellipsis" }, title));
    const body = h("div", { class: "il-column-body" });
    const element = h("div", { class: "il-column", role: "group", "aria-label": `${label}: ${title}` }, head, body);
    this.element.append(element);
    if (text === null || !aligned) {
      body.append(h("p", { class: "il-empty-note" }, "This side has no such step."));
      return { element, view: null };
    }
    const state = EditorState.create({ doc: text, extensions: extensions(`${label}: ${title}`, text, aligned) });
    return { element, view: new EditorView({ parent: body, root: treeOf(this.root), state }) };
  }

  /** All columns are equally high, so that the same scroll position is the same place. */
  private follow(moved: EditorView): void {
    const { scrollTop, scrollLeft } = moved.scrollDOM;
    for (const { scrollDOM } of this.views) {
      if (scrollDOM === moved.scrollDOM) continue;
      if (Math.abs(scrollDOM.scrollTop - scrollTop) > 1) scrollDOM.scrollTop = scrollTop;
      if (Math.abs(scrollDOM.scrollLeft - scrollLeft) > 1) scrollDOM.scrollLeft = scrollLeft;
    }
  }
}

function extensions(label: string, text: string, aligned: AlignedText): Extension[] {
  return [
    lineNumbers(),
    EditorState.readOnly.of(true),
    EditorView.contentAttributes.of({
      "data-lm-suppress-shortcuts": "true",
      tabindex: "0",
      "aria-label": label,
      "aria-readonly": "true",
      spellcheck: "false",
    }),
    drawSelection(),
    search({ top: true }),
    highlightSelectionMatches({ minSelectionLength: 3 }),
    keymap.of([...searchKeymap, ...defaultKeymap]),
    highlighting("mlir"),
    EditorView.decorations.of(decorations(text, aligned)),
    editorTheme,
  ];
}

function decorations(text: string, { gaps, changed }: AlignedText) {
  const mark = Decoration.line({ class: "il-line-differs" });
  const starts = lineStarts(text);
  const differs = new Set(changed);
  const builder = new RangeSetBuilder<Decoration>();
  const lines = [...new Set([...gaps.keys(), ...changed])].sort((a, b) => a - b);
  for (const line of lines) {
    const after = line >= starts.length;
    const at = after ? text.length : starts[line];
    const gap = gaps.get(line);
    if (gap && !after) builder.add(at, at, Decoration.widget({ widget: new Gap(gap), block: true, side: -1 }));
    if (differs.has(line)) builder.add(at, at, mark);
    if (gap && after) builder.add(at, at, Decoration.widget({ widget: new Gap(gap), block: true, side: 1 }));
  }
  return builder.finish();
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}
