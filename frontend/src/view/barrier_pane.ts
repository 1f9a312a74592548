/** The Barriers pane: command buffers as lists, hazards as arcs, a walk through submissions. */
import {
  barrierList,
  barrierText,
  bufferText,
  commandText,
  concurrencyText,
  extentsOf,
  fencesAt,
  fenceText,
  hazardText,
  progressText,
  rangeText,
  submissionText,
  type BarrierList,
  type BarrierRow,
} from "../data/barrier_rows.ts";
import { byteMap, type ByteMap } from "../data/byte_map.ts";
import { formatCount, formatNs } from "../data/format.ts";
import type { Access, Barriers, CommandBuffer, Hazard, RecordedCommand } from "../data/model_types.ts";
import { shortName, shortResource } from "../data/names.ts";
import { drawArcs } from "./barrier_arcs.ts";
import { CanvasView } from "./canvas_view.ts";
import { Disposer, h, KEYS, uniqueId } from "./dom.ts";
import { message, type PaneContext, type PaneView, type Selected } from "./model_pane.ts";
import type { Pane } from "./pane.ts";
import { VirtualList } from "./virtual_list.ts";

const ROW_HEIGHT = 24;

export async function barrierPane(pane: Pane, context: PaneContext): Promise<PaneView> {
  const model = await context.models.get<Barriers>("barriers");
  await context.entities();
  return new BarrierPane(pane, context, model);
}

class BarrierPane implements PaneView {
  private readonly list: BarrierList;
  private readonly rows: VirtualList;
  private readonly arcs: CanvasView;
  private readonly detail = h("div", { class: "il-model-foot il-hazards" });
  private readonly scrubber: HTMLInputElement;
  private readonly status = h("output", { class: "il-muted" });
  private readonly disposer = new Disposer();
  private readonly prefix = uniqueId("barrier");
  private readonly extents: Map<string, number>;
  private readonly maps: Map<CommandBuffer, ByteMap>;
  private cursor = 0;
  private related: ReadonlySet<string> = new Set();
  private item: string | null = null;

  constructor(
    pane: Pane,
    private readonly context: PaneContext,
    model: Barriers,
  ) {
    this.list = barrierList(model);
    this.extents = extentsOf(model);
    this.maps = new Map(model.command_buffers.map((buffer) => [buffer, byteMap(buffer)]));
    const label = "Command buffers: commands and the barriers between them";
    const attributes = { class: "il-barrier-list", role: "listbox", tabindex: 0, "aria-label": label, ...KEYS };
    this.rows = new VirtualList(attributes, ROW_HEIGHT, (index) => this.row(index));
    this.arcs = new CanvasView({
      root: context.root,
      class: "il-arcs-canvas",
      label: "Bytes that commands read and write, hazards as arcs between them; the text of each is listed below",
      draw: (ctx, width, height, colors) =>
        drawArcs(
          ctx,
          { list: this.list, maps: this.maps, scrollTop: this.rows.element.scrollTop, rowHeight: ROW_HEIGHT, lit: this.litRows() },
          width,
          height,
          colors,
        ),
    });
    this.disposer.listen(this.arcs.canvas, "pointermove", (event) => this.onHover(event));
    this.arcs.canvas.tabIndex = -1;
    this.arcs.canvas.setAttribute("role", "img");
    this.scrubber = h("input", {
      type: "range",
      class: "il-scrubber",
      min: 0,
      max: Math.max(0, this.list.rows.length - 1),
      value: 0,
      "aria-label": "Walk through the submissions",
      ...KEYS,
    });
    const missing = model.command_buffers.reduce((sum, buffer) => sum + buffer.missing.length, 0);
    pane.setNote(
      `${formatCount(model.emitted)} emitted · ${formatCount(model.needed)} needed · ` +
        `${formatCount(model.redundant)} redundant · ${formatCount(missing)} missing`,
    );
    const verdict = missing
      ? h("span", { class: "il-bad", role: "alert" }, `✕ ${formatCount(missing)} hazards without a barrier`)
      : h("span", { class: "il-good" }, "✓ every hazard is guarded");
    pane.body.append(
      h("div", { class: "il-toolbar" }, verdict, legend(), h("label", { class: "il-labelled il-grow" }, h("span", {}, "Walk"), this.scrubber)),
      h("div", { class: "il-barrier-main" }, this.arcs.element, this.rows.element),
      this.detail,
    );
    pane.body.classList.add("il-barriers");
    if (!this.list.rows.length)
      pane.body.replaceChildren(message("empty", "No command buffers", "This program submits nothing to a device."));
    this.listen();
    this.rows.setCount(this.list.rows.length);
    this.showDetail();
  }

  show({ item, related }: Selected): void {
    this.related = related;
    const moved = item !== this.item;
    this.item = item;
    const own = item === null ? undefined : this.list.rowOf.get(item);
    const at = own ?? this.list.rows.findIndex((row) => "ref" in row && related.has(row.ref));
    if (moved && at >= 0) this.moveTo(at, own === undefined);
    else this.redraw();
  }

  focus(): void {
    this.rows.element.focus({ preventScroll: true });
  }

  restyle(): void {
    this.arcs.restyle();
  }

  dispose(): void {
    this.rows.dispose();
    this.arcs.dispose();
    this.disposer.dispose();
  }

  private moveTo(row: number, quietly = false): void {
    this.cursor = Math.max(0, Math.min(this.list.rows.length - 1, row));
    this.scrubber.value = String(this.cursor);
    this.rows.reveal(this.cursor);
    if (!quietly) this.rows.element.setAttribute("aria-activedescendant", `${this.prefix}-${this.cursor}`);
    this.redraw();
  }

  private redraw(): void {
    this.rows.render();
    this.arcs.redraw();
    this.showDetail();
  }

  /** Rows whose hazards stand out: what is selected, or where the walk is. */
  private litRows(): ReadonlySet<number> {
    return new Set([this.cursor]);
  }

  private pick(row: number): void {
    const found = this.list.rows[row];
    this.moveTo(row);
    if (found && "ref" in found && found.kind !== "missing") this.context.select(found.ref);
  }

  private row(index: number): HTMLElement {
    const row = this.list.rows[index];
    const selected = "ref" in row && this.related.has(row.ref);
    const element = h("div", {
      id: `${this.prefix}-${index}`,
      class: `il-row il-b-row il-b-${row.kind}${selected ? " il-selected" : ""}${index === this.cursor ? " il-cursor" : ""}`,
      role: "option",
      "aria-selected": String(selected),
      "data-row": index,
      "data-ref": "ref" in row ? row.ref : "",
    });
    element.append(...cells(row));
    element.title = element.textContent ?? "";
    return element;
  }

  private showDetail(): void {
    const row = this.list.rows[this.cursor];
    this.status.textContent = row ? progressText(this.list, this.cursor) : "";
    const children: HTMLElement[] = [h("h4", {}, this.status)];
    if (row?.kind === "barrier") {
      const { buffer, number } = row;
      const barrier = buffer.barriers[number];
      children.push(
        h("p", { class: "il-muted" }, `${barrier.source_stages.join(" | ")} → ${barrier.target_stages.join(" | ")}`),
        ...barrier.guards.map((i) => this.range(hazardText(buffer.hazards[i]), buffer.hazards[i], "k-barrier")),
      );
      if (barrier.redundant) children.push(h("p", {}, barrierText(buffer, number)));
    } else if (row?.kind === "command") {
      const accesses = row.command.accesses;
      children.push(...accesses.map((access) => this.range(accessText(access), access, "k-dispatch")));
    } else if (row?.kind === "missing") {
      children.push(this.range(hazardText(row.hazard), row.hazard, "err"));
    } else if (row?.kind === "submission") {
      children.push(h("p", {}, `${submissionText(row.submission)} · ${fenceText(row.submission)}`));
    } else if (row?.kind === "buffer") {
      const fences = row.submission ? fenceText(row.submission) : "submitted by nothing that was seen";
      children.push(h("p", {}, [fences, `execution ${row.buffer.execution ?? "unknown"}`].filter(Boolean).join(" · ")));
      if (row.buffer.concurrency) children.push(h("p", {}, concurrencyText(row.buffer.concurrency)));
      if (!row.buffer.straight)
        children.push(h("p", { class: "il-warned" }, "Commands stand in several blocks; they are taken in the order of the text."));
    }
    const fences = fencesAt(this.list, this.cursor);
    if (fences.length) children.splice(1, 0, fenceList(fences));
    this.detail.replaceChildren(...children);
  }

  /** A range drawn to scale within the bytes of its resource that the program uses. */
  private range(text: string, range: Access | Hazard, color: string): HTMLElement {
    const extent = this.extents.get(range.resource) ?? 0;
    const { offset_bytes: offset, length_bytes: length } = range;
    const bar = h("span", { class: "il-range", "aria-hidden": "true" });
    if (extent && offset !== null && length !== null) {
      const part = h("span", {});
      part.style.cssText =
        `left:${(100 * offset) / extent}%;width:${(100 * length) / extent}%;background:var(--il-${color})`;
      bar.append(part);
    }
    return h("div", { class: "il-range-row", title: text }, h("span", { class: "il-label" }, text), bar);
  }

  private listen(): void {
    const list = this.rows.element;
    this.disposer.listen(list, "scroll", () => this.arcs.redraw(), { passive: true });
    this.disposer.listen(list, "click", (event) => {
      const row = (event.target as HTMLElement).closest<HTMLElement>("[data-row]");
      if (row) this.pick(Number(row.dataset.row));
    });
    this.disposer.listen(list, "keydown", (event) => this.onKey(event));
    this.disposer.listen(this.scrubber, "input", () => this.moveTo(Number(this.scrubber.value)));
  }

  /** What lies under the pointer in the map of bytes. */
  private onHover(event: PointerEvent): void {
    const at = Math.floor((event.offsetY + this.rows.element.scrollTop) / ROW_HEIGHT);
    const row = this.list.rows[at];
    if (row?.kind !== "command") return this.arcs.hideTooltip();
    const texts = row.command.accesses.map((access) => h("div", {}, accessText(access)));
    this.arcs.showTooltip(event, h("div", { class: "il-card-head" }, shortName(row.command.name)), ...texts.slice(0, 8));
  }

  private onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = this.rows.target(event.key, this.cursor);
    if (target !== null) this.pick(target);
    else if (event.key === "Escape") this.context.select(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

/** Semaphores as words: which fences are signaled once the walk's command has run. */
function fenceList(fences: readonly { name: string; signaled: boolean }[]): HTMLElement {
  const items = fences.map(({ name, signaled }) =>
    h("li", { class: signaled ? "il-fence il-fence-signaled" : "il-fence" }, `${signaled ? "✓" : "○"} ${name}`, h("span", {}, signaled ? " signaled" : " pending")),
  );
  return h("ul", { class: "il-fences", "aria-label": "Fences" }, ...items);
}

/** What the drawing beside the list means. */
function legend(): HTMLElement {
  const entry = (sign: string, text: string, title: string) =>
    h("span", { class: "il-arc-legend", title }, h("span", { class: `il-arc-sign il-arc-${sign}`, "aria-hidden": "true" }), text);
  return h(
    "span",
    { class: "il-arc-legends" },
    entry("writes", "writes", "Bytes that a command writes; their place from left to right is their offset in the buffer"),
    entry("reads", "reads", "Bytes that a command only reads"),
    entry("hazard", "hazard", "Two commands touch the same bytes and one writes them: they must not swap"),
    h("span", { class: "il-arc-legend", title: "The longest chain of commands that wait for each other, by measured time" }, h("span", { class: "il-arc-critical" }, "◆"), "critical path"),
  );
}

function cells(row: BarrierRow): HTMLElement[] {
  const cell = (kind: string, text: string) => h("span", { class: kind }, text);
  if (row.kind === "submission")
    return [cell("il-count", "▸"), cell("il-label", `@${row.submission.function} · ${submissionText(row.submission)}`), cell("il-time", fenceText(row.submission))];
  if (row.kind === "buffer")
    return [
      cell("il-label", `@${row.buffer.function}`),
      cell("il-time", `${row.device ? `on ${row.device} · ` : ""}${bufferText(row.buffer)}`),
    ];
  if (row.kind === "command") {
    const critical = row.buffer.concurrency?.critical_path.includes(row.command.index);
    return [
      cell("il-count", String(row.command.index)),
      cell("il-label", row.command.kind === "dispatch" ? shortName(row.command.name) : row.command.name),
      ...(critical ? [h("span", { class: "il-critical", title: "on the critical path" }, "◆")] : []),
      h("span", { class: "il-time" }, ...commandCells(row.command, row.buffer.device_ns[row.command.index] ?? null)),
    ];
  }
  if (row.kind === "missing")
    return [cell("il-bar-mark il-bar-missing", "✕"), cell("il-label", `no barrier: ${hazardText(row.hazard)}`)];
  const { redundant } = row.buffer.barriers[row.number];
  return [
    cell(`il-bar-mark${redundant ? " il-bar-redundant" : ""}`, redundant ? "┄" : "━"),
    cell("il-label", `${redundant ? "" : "barrier · "}${barrierText(row.buffer, row.number)}`),
  ];
}

/** Its size and its time; the size gives way where there is no room for both. */
function commandCells(command: RecordedCommand, ns: number | null): (HTMLElement | string)[] {
  const size = commandText(command);
  if (ns === null) return [size];
  return [h("span", { class: "il-b-size" }, size ? `${size} · ` : ""), formatNs(ns)];
}

function accessText(access: Access): string {
  const verb = { ro: "reads", wo: "writes", rw: "reads and writes" }[access.access] ?? access.access;
  return `${verb} ${shortResource(access.resource)} ${rangeText(access)}`;
}
