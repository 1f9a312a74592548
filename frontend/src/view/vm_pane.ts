/** The VM pane: disassembly, and beside it what the module imports, exports and holds. */
import { refKind } from "../data/entities.ts";
import { formatNs, plural } from "../data/format.ts";
import { shortName } from "../data/names.ts";
import {
  findRow,
  refOf,
  shortPlace,
  vmRows,
  type VmFunction,
  type VmInstruction,
  type VmListing,
  type VmRow,
} from "../data/vm_rows.ts";
import { button, Disposer, h, KEYS, uniqueId } from "./dom.ts";
import type { PaneContext, PaneView, Selected } from "./model_pane.ts";
import type { Pane } from "./pane.ts";
import { VirtualList } from "./virtual_list.ts";
import { footOf } from "./vm_foot.ts";
import { VmLive } from "./vm_live.ts";
import { VmRecord } from "./vm_record.ts";
import { vmSide } from "./vm_side.ts";
import type { VmStepping } from "./vm_stepping.ts";
import { colored, functionCells } from "./vm_text.ts";

const ROW_HEIGHT = 20;

export async function vmPane(pane: Pane, context: PaneContext): Promise<PaneView> {
  return new VmPane(pane, context, await context.models.get<VmListing>("vm"));
}

class VmPane implements PaneView {
  private readonly rows: VirtualList;
  private readonly foot = h("div", { class: "il-model-foot il-vm-foot", tabindex: 0, role: "region", "aria-label": "The instruction", ...KEYS });
  private readonly jump = h("select", { class: "il-select", "aria-label": "Go to a function", ...KEYS });
  private readonly search: HTMLInputElement;
  private readonly steps: VmStepping;
  private readonly disposer = new Disposer();
  private readonly prefix = uniqueId("vm");
  private shown: VmRow[];
  private callsOnly = false;
  private cursor = 0;
  private item: string | null = null;
  private related: ReadonlySet<string> = new Set();

  constructor(
    pane: Pane,
    private readonly context: PaneContext,
    private readonly listing: VmListing,
  ) {
    this.shown = vmRows(listing, false);
    const label = "Disassembly";
    this.rows = new VirtualList(
      { class: "il-vm-list", role: "listbox", tabindex: 0, "aria-label": label, ...KEYS },
      ROW_HEIGHT,
      (index) => this.row(index),
    );
    this.search = h("input", {
      class: "il-input il-search",
      type: "search",
      placeholder: "Find op, call, kernel…",
      "aria-label": "Find an instruction",
      ...KEYS,
    });
    const Steps = context.session.enabled ? VmLive : VmRecord;
    this.steps = new Steps(context, listing, {
      onMove: (id) => this.onStep(id),
      onChange: () => this.rows.render(),
      chosen: () => {
        const row = this.shown[this.cursor];
        return row?.kind === "instruction" && row.instruction.mnemonic ? row.instruction.id : null;
      },
    });
    const count = listing.functions.reduce((sum, { instructions }) => sum + instructions.filter((one) => one.mnemonic).length, 0);
    const linked = listing.linked_events === null ? "" : `${plural(listing.linked_events, "event")} linked`;
    pane.setNote([plural(listing.functions.length, "function"), plural(count, "instruction"), linked].filter(Boolean).join(" · "));
    pane.body.classList.add("il-vm");
    pane.body.append(
      vmSide(listing, (uses) => this.nextUse(uses)),
      h("div", { class: "il-vm-main" }, this.toolbar(), this.steps.bar, this.rows.element, this.foot),
      this.steps.panel,
    );
    this.listen();
    this.rows.setCount(this.shown.length);
    const ran = context.index.run?.function ?? "";
    this.moveTo(this.shown.findIndex(({ kind, of }) => kind === "function" && (ran ? of.name === ran : of.exported)));
    this.steps.attach();
    this.showStepping();
  }

  show({ item, related }: Selected): void {
    const moved = item !== this.item;
    this.item = item;
    this.related = related;
    if (moved) {
      const at = this.shown.findIndex((row) => row.kind === "instruction" && related.has(refOf(row.instruction)));
      if (at >= 0) return this.moveTo(at);
      const hidden = [...related].some((ref) => refKind(ref) === "instruction");
      if (hidden && this.callsOnly) return this.setCallsOnly(false, item);
    }
    this.rows.render();
  }

  focus(): void {
    this.rows.element.focus({ preventScroll: true });
  }

  restyle(): void {}

  dispose(): void {
    this.steps.dispose();
    this.rows.dispose();
    this.disposer.dispose();
  }

  // --- parts -------------------------------------------------------------------------------

  private toolbar(): HTMLElement {
    const calls = button(
      "Calls only",
      { class: "il-toggle", "aria-pressed": "false", title: "Only instructions that call, or caused an event", "data-il": "calls-only" },
      () => this.setCallsOnly(!this.callsOnly, this.item),
    );
    const { jump } = this;
    for (const { ordinal, name } of this.listing.functions) jump.append(h("option", { value: ordinal }, `@${name}`));
    this.disposer.listen(jump, "change", () => this.goTo((row) => row.kind === "function" && String(row.of.ordinal) === jump.value));
    const step = button(
      "Step through",
      { class: "il-toggle", "aria-pressed": "false", title: "Execute a call instruction by instruction: registers, globals, source", "data-il": "vm-step" },
      () => {
        this.steps.toggle();
        this.showStepping();
      },
    );
    return h("div", { class: "il-toolbar" }, h("label", { class: "il-labelled" }, "Function", jump), calls, step, this.search);
  }

  /** The use after the one where the cursor is, around. */
  private nextUse(uses: readonly string[]): void {
    const row = this.shown[this.cursor];
    const at = row?.kind === "instruction" ? uses.indexOf(row.instruction.id) : -1;
    const next = uses[(at + 1) % uses.length];
    if (this.callsOnly) this.setCallsOnly(false, null);
    this.goTo((one) => one.kind === "instruction" && one.instruction.id === next);
  }

  private row(index: number): HTMLElement {
    const row = this.shown[index];
    const chosen = row.kind === "instruction" && this.related.has(refOf(row.instruction));
    const element = h("div", {
      id: `${this.prefix}-${index}`,
      class: `il-row il-vm-row${this.standing(row)}${chosen ? " il-selected" : ""}${index === this.cursor ? " il-cursor" : ""}`,
      role: "option",
      "aria-selected": String(chosen),
      "data-row": index,
    });
    if (row.kind === "function") element.append(...functionCells(row.of));
    else element.append(...this.instructionCells(row.instruction));
    if (row.kind === "function") element.classList.add("il-vm-function");
    return element;
  }

  /** How a row looks before which the call stands. */
  private standing(row: VmRow): string {
    if (row.kind !== "instruction" || row.instruction.id !== this.steps.now || !row.instruction.mnemonic) return "";
    return this.steps.failed ? " il-vm-now il-vm-failed" : " il-vm-now";
  }

  private instructionCells(one: VmInstruction): HTMLElement[] {
    const text = h("code", { class: `il-label${one.mnemonic ? " il-vm-code" : " il-vm-block"}`, title: one.text }, ...colored(one.text));
    const notes = [
      one.entry_point ? `▸ ${shortName(one.entry_point)}` : "",
      this.time(one.events),
      shortPlace(one.location),
    ];
    const marks = this.steps.open ? [this.mark(one)] : [];
    return [
      ...marks,
      h("span", { class: "il-vm-pc" }, one.pc.toString(16).padStart(4, "0")),
      text,
      h("span", { class: "il-time il-vm-note" }, notes.filter(Boolean).join(" · ")),
    ];
  }

  /** The breakpoint of an instruction, which a click sets or clears, and whether it runs next. */
  private mark({ id, mnemonic }: VmInstruction): HTMLElement {
    if (!mnemonic) return h("span", { class: "il-vm-mark" });
    const now = this.steps.now === id ? (this.steps.failed ? "✕" : "▶") : "";
    const set = this.steps.breakpoints.has(id);
    const title = `${now ? (this.steps.failed ? "failed; " : "runs next; ") : ""}click to ${set ? "clear the" : "set a"} breakpoint`;
    return h("span", { class: "il-vm-mark", title, "data-mark": id }, `${set ? "●" : ""}${now}`);
  }

  private time(events: readonly number[]): string {
    const timeline = this.context.index.run?.timeline;
    if (!events.length) return "";
    if (!timeline) return plural(events.length, "event");
    const total = events.reduce((sum, i) => sum + ((timeline[i]?.end_ns ?? 0) - (timeline[i]?.start_ns ?? 0)), 0);
    return `${events.length > 1 ? `${events.length}× ` : ""}${formatNs(total)}`;
  }

  private showFoot(): void {
    const row = this.shown[this.cursor];
    const goTo = (of: VmFunction) => this.goTo((other) => other.kind === "function" && other.of === of);
    this.foot.replaceChildren(...(row ? footOf(row, this.listing, this.related, this.context, goTo) : []));
  }

  private showStepping(): void {
    this.rows.element.parentElement?.querySelector("[data-il=vm-step]")?.setAttribute("aria-pressed", String(this.steps.open));
    this.rows.render();
  }

  /** Where a call that is stepped through stands is what is selected. */
  private onStep(id: string | null): void {
    const isNext = (row: VmRow) => row.kind === "instruction" && row.instruction.id === id && row.instruction.mnemonic !== "";
    if (id !== null && this.callsOnly && !this.shown.some(isNext)) this.setCallsOnly(false, null);
    if (id === null) this.rows.render();
    else this.goTo(isNext);
  }

  // --- moving ------------------------------------------------------------------------------

  private setCallsOnly(callsOnly: boolean, item: string | null): void {
    const row = this.shown[this.cursor];
    this.callsOnly = callsOnly;
    this.shown = vmRows(this.listing, callsOnly);
    this.rows.setCount(this.shown.length);
    this.rows.element.parentElement?.querySelector("[data-il=calls-only]")?.setAttribute("aria-pressed", String(callsOnly));
    const same = this.shown.findIndex((one) =>
      one.kind === "instruction" && (refOf(one.instruction) === item || this.related.has(refOf(one.instruction))),
    );
    const function_ = this.shown.findIndex((one) => one.kind === "function" && one.of === row?.of);
    this.moveTo(same >= 0 ? same : Math.max(0, function_));
  }

  private goTo(wanted: (row: VmRow) => boolean): void {
    const at = this.shown.findIndex(wanted);
    if (at >= 0) this.pick(at);
  }

  private moveTo(row: number): void {
    this.cursor = Math.max(0, Math.min(this.shown.length - 1, row));
    this.jump.value = String(this.shown[this.cursor]?.of.ordinal ?? "");
    this.rows.element.setAttribute("aria-activedescendant", `${this.prefix}-${this.cursor}`);
    this.showFoot(); // its height decides how many rows there is room for
    this.rows.reveal(this.cursor);
    this.rows.render();
  }

  private pick(at: number): void {
    this.moveTo(at);
    const row = this.shown[this.cursor];
    if (row?.kind !== "instruction" || !row.instruction.mnemonic) return;
    this.item = refOf(row.instruction);
    this.context.select(this.item);
  }

  private listen(): void {
    this.disposer.listen(this.rows.element, "click", (event) => {
      const target = event.target as HTMLElement;
      const mark = target.closest<HTMLElement>("[data-mark]")?.dataset.mark;
      if (mark) return this.steps.toggleBreakpoint(mark);
      const row = target.closest<HTMLElement>("[data-row]");
      if (row) this.pick(Number(row.dataset.row));
    });
    this.disposer.listen(this.rows.element, "keydown", (event) => this.onKey(event));
    this.disposer.listen(this.search, "keydown", (event) => {
      if (event.key !== "Enter") return;
      const found = findRow(this.shown, this.search.value, this.cursor + 1);
      if (found >= 0) this.pick(found);
      this.search.setAttribute("aria-invalid", String(found < 0));
      event.preventDefault();
    });
  }

  private onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.steps.onKey(event)) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    const target = this.rows.target(event.key, this.cursor);
    if (target !== null) this.pick(target);
    else if (event.key === "ArrowRight") this.pick(this.nextCall(1));
    else if (event.key === "ArrowLeft") this.pick(this.nextCall(-1));
    else if (event.key === "/") this.search.focus();
    else if (event.key === "Escape") this.context.select(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private nextCall(by: 1 | -1): number {
    for (let at = this.cursor + by; at >= 0 && at < this.shown.length; at += by) {
      const row = this.shown[at];
      if (row.kind === "instruction" && (row.instruction.import_name || row.instruction.calls)) return at;
    }
    return this.cursor;
  }
}
