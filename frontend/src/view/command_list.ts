/** The commands of a program as a list of text: what the stream graph shows, for readers. */
import type { Measures } from "../data/measures.ts";
import type { Command } from "../data/model_types.ts";
import { shortName } from "../data/names.ts";
import { Disposer, h, KEYS, uniqueId } from "./dom.ts";
import { VirtualList } from "./virtual_list.ts";

const ROW_HEIGHT = 24;

export class CommandList {
  readonly element: HTMLElement;
  private readonly list: VirtualList;
  private readonly disposer = new Disposer();
  private readonly prefix = uniqueId("command");
  private cursor = 0;
  private related: ReadonlySet<string> = new Set();

  constructor(
    private readonly commands: readonly Command[],
    private readonly measures: Measures,
    private readonly onSelect: (command: number) => void,
  ) {
    const attributes = { class: "il-command-list", role: "listbox", tabindex: 0, "aria-label": "Commands in order", ...KEYS };
    this.list = new VirtualList(attributes, ROW_HEIGHT, (index) => this.row(index));
    this.element = this.list.element;
    this.disposer.listen(this.element, "click", (event) => {
      const row = (event.target as HTMLElement).closest<HTMLElement>("[data-row]");
      if (row) this.onSelect(Number(row.dataset.row));
    });
    this.disposer.listen(this.element, "keydown", (event) => this.onKey(event));
    this.list.setCount(commands.length);
  }

  show(related: ReadonlySet<string>): void {
    this.related = related;
    const at = this.commands.findIndex(({ index }) => related.has(`command:${index}`));
    if (at >= 0) this.cursor = at;
    this.element.setAttribute("aria-activedescendant", `${this.prefix}-${this.cursor}`);
    this.list.reveal(this.cursor);
    this.list.render();
  }

  focus(): void {
    this.element.focus({ preventScroll: true });
  }

  dispose(): void {
    this.list.dispose();
    this.disposer.dispose();
  }

  private row(index: number): HTMLElement {
    const command = this.commands[index];
    const chosen = this.related.has(`command:${command.index}`);
    const caption = this.measures.caption([command.index]);
    return h(
      "div",
      {
        id: `${this.prefix}-${index}`,
        class: `il-row il-command${chosen ? " il-selected" : ""}${index === this.cursor ? " il-cursor" : ""}`,
        role: "option",
        "aria-selected": String(chosen),
        "data-row": index,
        title: command.name,
      },
      h("span", { class: "il-count" }, `${command.execution}.${command.wave}`),
      h("span", { class: "il-label" }, shortName(command.name)),
      h("span", { class: "il-time" }, caption),
    );
  }

  private onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const targets: Record<string, number> = {
      ArrowDown: this.cursor + 1,
      ArrowUp: this.cursor - 1,
      PageDown: this.cursor + this.list.pageRows,
      PageUp: this.cursor - this.list.pageRows,
      Home: 0,
      End: this.commands.length - 1,
    };
    const target = targets[event.key];
    if (target === undefined) return;
    this.onSelect(this.commands[Math.max(0, Math.min(this.commands.length - 1, target))].index);
    event.preventDefault();
    event.stopPropagation();
  }
}
