/** One text in a viewer. */
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { revealLine, viewerExtensions, type ViewerOptions } from "./editor.ts";

export class IrView {
  readonly view: EditorView;

  constructor(
    parent: HTMLElement,
    root: Document | ShadowRoot,
    private readonly options: ViewerOptions,
  ) {
    this.view = new EditorView({
      parent,
      root,
      extensions: viewerExtensions(options),
    });
  }

  /** Replaces the text. Steps differ little, so the place one looks at stays where it is. */
  show(text: string): void {
    const { scrollTop, scrollLeft } = this.view.scrollDOM;
    this.view.setState(
      EditorState.create({ doc: text, extensions: viewerExtensions(this.options) }),
    );
    this.view.scrollDOM.scrollTop = scrollTop;
    this.view.scrollDOM.scrollLeft = scrollLeft;
  }

  get lineCount(): number {
    return this.view.state.doc.lines;
  }

  selectLine(line: number | null, scroll: boolean): void {
    revealLine(this.view, line, scroll);
  }

  scrollTo(line: number): void {
    const { from } = this.view.state.doc.line(line);
    this.view.dispatch({ effects: EditorView.scrollIntoView(from, { y: "start", yMargin: 40 }) });
  }

  focus(): void {
    this.view.focus();
  }

  dispose(): void {
    this.view.destroy();
  }
}
