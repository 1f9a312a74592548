/** The kernels of a program as a list: time, code size and workgroups of each. */
import { codeBytes, type Kernel, type KernelTime } from "../data/executables.ts";
import { formatBytes, formatNs, plural } from "../data/format.ts";
import { shortName } from "../data/names.ts";
import { h } from "./dom.ts";
import { ListBox, type ListRow } from "./list_box.ts";

export type KernelOrder = "compiler" | "time" | "size";

export class KernelList {
  private readonly list: ListBox;
  private shown: Kernel[] = [];
  private chosen: Kernel | null = null;

  constructor(
    private readonly kernels: readonly Kernel[],
    private readonly times: ReadonlyMap<string, KernelTime>,
    onChoose: (kernel: Kernel) => void,
  ) {
    this.list = new ListBox({
      class: "il-kernel-list",
      label: "Kernels",
      rowHeight: 40,
      row: (index) => this.row(this.shown[index]),
      onPick: (index) => onChoose(this.shown[index]),
    });
    this.order("compiler");
  }

  get element(): HTMLElement {
    return this.list.element;
  }

  order(by: KernelOrder): void {
    const keys: Record<KernelOrder, (kernel: Kernel) => number> = {
      compiler: () => 0,
      time: (kernel) => this.times.get(kernel.function)?.total_ns ?? 0,
      size: (kernel) => codeBytes(kernel) ?? 0,
    };
    this.shown = [...this.kernels].sort((a, b) => keys[by](b) - keys[by](a));
    this.list.setCount(this.shown.length);
    this.show(this.chosen);
  }

  show(chosen: Kernel | null): void {
    this.chosen = chosen;
    this.list.show(chosen ? this.shown.indexOf(chosen) : -1);
  }

  focus(): void {
    this.list.focus();
  }

  dispose(): void {
    this.list.dispose();
  }

  private row(kernel: Kernel): ListRow {
    const time = this.times.get(kernel.function);
    const bytes = codeBytes(kernel);
    const share = h("span", { class: "il-share", "aria-hidden": "true" });
    share.style.width = `${100 * (time?.share ?? 0)}%`;
    const facts = [
      time ? `${time.workgroups || "?"} wg` : "",
      bytes === null ? kernel.format : formatBytes(bytes),
      time && time.count > 1 ? plural(time.count, "run") : "",
    ].filter(Boolean);
    return {
      selected: kernel === this.chosen,
      class: "il-kernel-row",
      title: `${kernel.entry_point}\n${facts.join(" · ")}`,
      cells: [
        h("span", { class: "il-label" }, shortName(kernel.function)),
        h("span", { class: "il-kernel-facts" }, facts.join(" · ")),
        h("span", { class: "il-time" }, time ? `${formatNs(time.total_ns)} · ${(100 * time.share).toFixed(0)} %` : ""),
        time ? share : "",
      ],
    };
  }
}
