/** The kernels of a program as a list: time, code size and workgroups of each. */
import { codeBytes, type Kernel, type KernelTime } from "../data/executables.ts";
import { formatBytes, formatNs, plural } from "../data/format.ts";
import { shortName } from "../data/names.ts";
import { Disposer, h, KEYS, uniqueId } from "./dom.ts";
import { VirtualList } from "./virtual_list.ts";

const ROW_HEIGHT = 40;

export type KernelOrder = "compiler" | "time" | "size";

export class KernelList {
  readonly list: VirtualList;
  private readonly disposer = new Disposer();
  private readonly prefix = uniqueId("kernel");
  private shown: Kernel[] = [];
  private chosen: Kernel | null = null;

  constructor(
    private readonly kernels: readonly Kernel[],
    private readonly times: ReadonlyMap<string, KernelTime>,
    private readonly onChoose: (kernel: Kernel) => void,
  ) {
    const attributes = { class: "il-kernel-list", role: "listbox", tabindex: 0, "aria-label": "Kernels", ...KEYS };
    this.list = new VirtualList(attributes, ROW_HEIGHT, (index) => this.row(index));
    this.disposer.listen(this.list.element, "click", (event) => {
      const row = (event.target as HTMLElement).closest<HTMLElement>("[data-row]");
      if (row) this.onChoose(this.shown[Number(row.dataset.row)]);
    });
    this.disposer.listen(this.list.element, "keydown", (event) => this.onKey(event));
    this.order("compiler");
  }

  order(by: KernelOrder): void {
    const keys: Record<KernelOrder, (kernel: Kernel) => number> = {
      compiler: () => 0,
      time: (kernel) => this.times.get(kernel.function)?.total_ns ?? 0,
      size: (kernel) => codeBytes(kernel) ?? 0,
    };
    this.shown = [...this.kernels].sort((a, b) => keys[by](b) - keys[by](a));
    this.list.setCount(this.shown.length);
  }

  show(chosen: Kernel | null): void {
    this.chosen = chosen;
    const at = chosen ? this.shown.indexOf(chosen) : -1;
    if (at >= 0) {
      this.list.element.setAttribute("aria-activedescendant", `${this.prefix}-${at}`);
      this.list.reveal(at);
    }
    this.list.render();
  }

  dispose(): void {
    this.disposer.dispose();
    this.list.dispose();
  }

  private row(index: number): HTMLElement {
    const kernel = this.shown[index];
    const time = this.times.get(kernel.function);
    const bytes = codeBytes(kernel);
    const share = h("span", { class: "il-share", "aria-hidden": "true" });
    share.style.width = `${100 * (time?.share ?? 0)}%`;
    const facts = [
      time ? `${time.workgroups || "?"} wg` : "",
      bytes === null ? kernel.format : formatBytes(bytes),
      time && time.count > 1 ? plural(time.count, "run") : "",
    ].filter(Boolean);
    const chosen = kernel === this.chosen;
    return h(
      "div",
      {
        id: `${this.prefix}-${index}`,
        class: `il-row il-kernel-row${chosen ? " il-selected il-cursor" : ""}`,
        role: "option",
        "aria-selected": String(chosen),
        "data-row": index,
        title: `${kernel.entry_point}\n${facts.join(" · ")}`,
      },
      h("span", { class: "il-label" }, shortName(kernel.function)),
      h("span", { class: "il-kernel-facts" }, facts.join(" · ")),
      h("span", { class: "il-time" }, time ? `${formatNs(time.total_ns)} · ${(100 * time.share).toFixed(0)} %` : ""),
      time ? share : "",
    );
  }

  private onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = this.chosen ? this.shown.indexOf(this.chosen) : -1;
    const targets: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + this.list.pageRows,
      PageUp: at - this.list.pageRows,
      Home: 0,
      End: this.shown.length - 1,
    };
    const target = targets[event.key];
    if (target === undefined || !this.shown.length) return;
    this.onChoose(this.shown[Math.max(0, Math.min(this.shown.length - 1, target))]);
    event.preventDefault();
    event.stopPropagation();
  }
}
