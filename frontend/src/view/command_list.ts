/** The commands of a program as a list of text: what the stream graph shows, for readers. */
import type { Measures } from "../data/measures.ts";
import type { Command } from "../data/model_types.ts";
import { shortName } from "../data/names.ts";
import { h } from "./dom.ts";
import { ListBox, type ListRow } from "./list_box.ts";

export class CommandList {
  private readonly list: ListBox;
  private cursor = 0;
  private related: ReadonlySet<string> = new Set();

  constructor(
    private readonly commands: readonly Command[],
    private readonly measures: Measures,
    onSelect: (command: number) => void,
  ) {
    this.list = new ListBox({
      class: "il-command-list",
      label: "Commands in order",
      rowHeight: 24,
      row: (index) => this.row(commands[index]),
      onPick: (index) => onSelect(commands[index].index),
    });
    this.list.setCount(commands.length);
  }

  get element(): HTMLElement {
    return this.list.element;
  }

  show(related: ReadonlySet<string>): void {
    this.related = related;
    const at = this.commands.findIndex(({ index }) => related.has(`command:${index}`));
    if (at >= 0) this.cursor = at;
    this.list.show(this.cursor);
  }

  focus(): void {
    this.list.focus();
  }

  dispose(): void {
    this.list.dispose();
  }

  private row({ index, execution, wave, name }: Command): ListRow {
    return {
      selected: this.related.has(`command:${index}`),
      class: "il-command",
      title: name,
      cells: [
        h("span", { class: "il-count" }, `${execution}.${wave}`),
        h("span", { class: "il-label" }, shortName(name)),
        h("span", { class: "il-time" }, this.measures.caption([index])),
      ],
    };
  }
}
