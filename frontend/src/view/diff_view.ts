/** Two texts side by side, with what changed between them. */
import {
  Change,
  goToNextChunk,
  goToPreviousChunk,
  MergeView,
  presentableDiff,
} from "@codemirror/merge";
import type { Extension, Range } from "@codemirror/state";
import { Decoration, EditorView } from "@codemirror/view";
import { diffLines, splitLines } from "../data/linediff.ts";
import { revealLine, viewerExtensions, type ViewerOptions } from "./editor.ts";

/** Changes up to this many characters get their words marked, while the budget lasts. */
const REFINED_CHARACTERS = 4000;
const REFINE_BUDGET_MS = 150;

export interface DiffSummary {
  changes: number;
  added: number;
  removed: number;
}

interface Difference {
  changes: Change[];
  summary: DiffSummary;
}

export class DiffView {
  private merge: MergeView | null = null;

  constructor(
    private readonly parent: HTMLElement,
    private readonly root: Document | ShadowRoot,
    private readonly options: ViewerOptions,
  ) {}

  show(before: string, after: string, ignoreNames: boolean): DiffSummary {
    this.clear();
    const { changes, summary } = compare(before, after, ignoreNames);
    const words = changedWords(before, after, changes);
    const beforeOptions = { ...this.options, label: `${this.options.label}, before`, onLine() {} };
    const afterOptions = { ...this.options, label: `${this.options.label}, after` };
    this.merge = new MergeView({
      a: { doc: before, extensions: [viewerExtensions(beforeOptions), words.before] },
      b: { doc: after, extensions: [viewerExtensions(afterOptions), words.after] },
      parent: this.parent,
      root: this.root,
      diffConfig: { override: () => changes },
      gutter: true,
      highlightChanges: false,
      collapseUnchanged: { margin: 3, minSize: 6 },
    });
    return summary;
  }

  goToChange(direction: 1 | -1): void {
    if (!this.merge) return;
    (direction > 0 ? goToNextChunk : goToPreviousChunk)(this.merge.b);
  }

  selectLine(line: number | null, scroll: boolean): void {
    if (this.merge) revealLine(this.merge.b, line, scroll);
  }

  focus(): void {
    this.merge?.b.focus();
  }

  clear(): void {
    this.merge?.destroy();
    this.merge = null;
  }

  dispose(): void {
    this.clear();
  }
}

function compare(a: string, b: string, ignoreNames: boolean): Difference {
  const [linesA, linesB] = [splitLines(a), splitLines(b)];
  const found = diffLines(linesA.text, linesB.text, { ignoreNames });
  const summary: DiffSummary = { changes: found.length, added: 0, removed: 0 };
  const changes = found.map((change) => {
    summary.removed += change.toA - change.fromA;
    summary.added += change.toB - change.fromB;
    return new Change(
      Math.min(linesA.start[change.fromA], a.length),
      Math.min(linesA.start[change.toA], a.length),
      Math.min(linesB.start[change.fromB], b.length),
      Math.min(linesB.start[change.toB], b.length),
    );
  });
  return { changes, summary };
}

/** Marks the words that differ within changed lines. What is new as a whole needs no marks. */
function changedWords(
  a: string,
  b: string,
  changes: readonly Change[],
): { before: Extension; after: Extension } {
  const deadline = performance.now() + REFINE_BUDGET_MS;
  const mark = Decoration.mark({ class: "il-changed-words" });
  const before: Range<Decoration>[] = [];
  const after: Range<Decoration>[] = [];
  for (const { fromA, toA, fromB, toB } of changes) {
    const oneSided = fromA === toA || fromB === toB;
    if (oneSided || toA - fromA + toB - fromB > REFINED_CHARACTERS) continue;
    if (performance.now() > deadline) break;
    const words = presentableDiff(a.slice(fromA, toA), b.slice(fromB, toB), { scanLimit: 500 });
    for (const word of words) {
      addWithinLine(before, mark, a, fromA + word.fromA, fromA + word.toA);
      addWithinLine(after, mark, b, fromB + word.fromB, fromB + word.toB);
    }
  }
  return {
    before: EditorView.decorations.of(Decoration.set(before, true)),
    after: EditorView.decorations.of(Decoration.set(after, true)),
  };
}

function addWithinLine(
  ranges: Range<Decoration>[],
  mark: Decoration,
  text: string,
  from: number,
  to: number,
): void {
  if (from < to && !text.slice(from, to).includes("\n")) ranges.push(mark.range(from, to));
}
