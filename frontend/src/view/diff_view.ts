/** Two texts side by side, with what changed between them. */
import { Change, goToNextChunk, goToPreviousChunk, MergeView, presentableDiff } from "@codemirror/merge";
import { diffLines, splitLines, type Lines, type LineChange } from "../data/linediff.ts";
import { revealLine, viewerExtensions, type ViewerOptions } from "./editor.ts";

/** Changes up to this many characters get their words marked, while the budget lasts. */
const REFINED_CHARACTERS = 4000;
const REFINE_BUDGET_MS = 150;

export interface DiffSummary {
  changes: number;
  added: number;
  removed: number;
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
    const summary: DiffSummary = { changes: 0, added: 0, removed: 0 };
    const override = (a: string, b: string): Change[] => {
      const [linesA, linesB] = [splitLines(a), splitLines(b)];
      const changes = diffLines(linesA.text, linesB.text, { ignoreNames });
      summary.changes = changes.length;
      for (const change of changes) {
        summary.removed += change.toA - change.fromA;
        summary.added += change.toB - change.fromB;
      }
      return refine(a, b, linesA, linesB, changes);
    };
    const beforeOptions = { ...this.options, label: `${this.options.label}, before`, onLine() {} };
    const afterOptions = { ...this.options, label: `${this.options.label}, after` };
    this.merge = new MergeView({
      a: { doc: before, extensions: viewerExtensions(beforeOptions) },
      b: { doc: after, extensions: viewerExtensions(afterOptions) },
      parent: this.parent,
      root: this.root,
      diffConfig: { override },
      gutter: true,
      highlightChanges: true,
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

/** Line changes as character ranges; small ones narrowed to the words that differ. */
function refine(
  a: string,
  b: string,
  linesA: Lines,
  linesB: Lines,
  changes: readonly LineChange[],
): Change[] {
  const deadline = performance.now() + REFINE_BUDGET_MS;
  return changes.flatMap((change) => {
    const fromA = Math.min(linesA.start[change.fromA], a.length);
    const fromB = Math.min(linesB.start[change.fromB], b.length);
    const toA = Math.min(linesA.start[change.toA], a.length);
    const toB = Math.min(linesB.start[change.toB], b.length);
    const whole = new Change(fromA, toA, fromB, toB);
    const size = toA - fromA + toB - fromB;
    const oneSided = fromA === toA || fromB === toB;
    if (oneSided || size > REFINED_CHARACTERS || performance.now() > deadline) return [whole];
    const words = presentableDiff(a.slice(fromA, toA), b.slice(fromB, toB), { scanLimit: 500 });
    return words.map(
      (word) =>
        new Change(fromA + word.fromA, fromA + word.toA, fromB + word.fromB, fromB + word.toB),
    );
  });
}
