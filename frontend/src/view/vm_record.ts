/** Stepping through a recorded call, where no kernel executes: moves, and what registers and globals hold. */
import { plural } from "../data/format.ts";
import { Walk, type Held, type VmExecution } from "../data/vm_execution.ts";
import { lineOfPlace, type VmListing } from "../data/vm_rows.ts";
import { button, h, KEYS } from "./dom.ts";
import { message, type PaneContext } from "./model_pane.ts";
import type { VmStepping, VmStepsEvents } from "./vm_stepping.ts";

const RECORDED = "Recorded: the call was stepped through once and is replayed here. An explorer with a kernel executes it.";

export class VmRecord implements VmStepping {
  readonly bar = h("div", { class: "il-toolbar il-vm-bar", role: "toolbar", "aria-label": "Step through a call", hidden: true });
  readonly panel = h("div", { class: "il-vm-state", role: "region", tabindex: 0, "aria-label": "Registers and globals", hidden: true, ...KEYS });
  readonly breakpoints = new Set<string>();
  readonly failed = false;
  private readonly status = h("output", { class: "il-muted il-vm-status", "aria-live": "polite" });
  private readonly scrubber = h("input", { type: "range", class: "il-scrubber", min: 0, value: 0, "aria-label": "Position in the call", ...KEYS });
  private readonly lineOf = new Map<string, number | null>();
  private walk: Walk | null = null;
  private at = 0;
  private loading = false;

  constructor(
    private readonly context: PaneContext,
    listing: VmListing,
    private readonly events: VmStepsEvents,
  ) {
    for (const { instructions } of listing.functions)
      for (const { id, location } of instructions) this.lineOf.set(id, lineOfPlace(location));
    const move = (label: string, title: string, to: (walk: Walk) => number) =>
      button(label, { class: "il-toggle", title }, () => this.walk && this.moveTo(to(this.walk)));
    this.bar.append(
      move("◂ Back", "The instruction before ( Shift+S )", () => this.at - 1),
      move("Step", "One instruction, into calls ( S )", () => this.at + 1),
      move("Over", "One instruction, calls run to their return ( N )", (walk) => walk.over(this.at)),
      move("Out", "To the return of the function ( O )", (walk) => walk.out(this.at)),
      move("Line", "To the next line of the source ( L )", (walk) => walk.nextLine(this.at, (id) => this.lineOf.get(id) ?? null)),
      move("To cursor", "To the chosen instruction ( U )", (walk) => walk.to(this.at, new Set([this.events.chosen() ?? ""]))),
      move("Run", "To the next breakpoint, or the end ( R )", (walk) => walk.to(this.at, this.breakpoints)),
      button("Break", { class: "il-toggle", title: "Set or clear a breakpoint at the chosen instruction ( B )" }, () => this.breakAtChosen()),
      h("label", { class: "il-labelled il-grow" }, this.scrubber, this.status),
    );
    this.scrubber.addEventListener("input", () => this.moveTo(Number(this.scrubber.value)));
  }

  get open(): boolean {
    return !this.panel.hidden;
  }

  /** The instruction that runs next, while stepping. */
  get now(): string | null {
    return this.open && this.walk ? this.walk.idAt(this.at) : null;
  }

  attach(): void {}

  toggle(): void {
    void this.load();
  }

  dispose(): void {}

  private async load(): Promise<void> {
    this.bar.hidden = this.open;
    this.panel.hidden = this.open;
    if (!this.open || this.loading) return;
    if (this.walk) return this.moveTo(this.at);
    this.loading = true;
    this.panel.replaceChildren(message("loading", "Running the call instruction by instruction…"));
    try {
      this.walk = new Walk(await this.context.models.get<VmExecution>("execution"));
      this.scrubber.max = String(this.walk.end);
      this.moveTo(0);
    } catch (error) {
      this.bar.hidden = true;
      const why = error instanceof Error ? error.message : String(error);
      const hint = this.context.live ? "" : "A page records the call of a program that was run: save it with a result.";
      this.panel.replaceChildren(message("absent", "No call to step through", ...[why, hint].filter(Boolean)));
    } finally {
      this.loading = false;
    }
  }

  /** Whether the key was one of these. */
  onKey(event: KeyboardEvent): boolean {
    const { walk, at } = this;
    if (!this.open || !walk) return false;
    const moves: Record<string, () => number> = {
      s: () => at + (event.shiftKey ? -1 : 1),
      n: () => walk.over(at),
      o: () => walk.out(at),
      l: () => walk.nextLine(at, (id) => this.lineOf.get(id) ?? null),
      u: () => walk.to(at, new Set([this.events.chosen() ?? ""])),
      r: () => walk.to(at, this.breakpoints),
    };
    const key = event.key.toLowerCase();
    if (key === "b") this.breakAtChosen();
    else if (moves[key]) this.moveTo(moves[key]());
    else return false;
    return true;
  }

  toggleBreakpoint(id: string): void {
    if (!this.breakpoints.delete(id)) this.breakpoints.add(id);
    this.events.onChange();
  }

  private breakAtChosen(): void {
    const id = this.events.chosen();
    if (id !== null) this.toggleBreakpoint(id);
  }

  private moveTo(at: number): void {
    const { walk } = this;
    if (!walk) return;
    this.at = Math.max(0, Math.min(walk.end, at));
    this.scrubber.value = String(this.at);
    this.status.textContent = this.at < walk.end ? `${this.at} of ${walk.end}` : "ended";
    this.panel.replaceChildren(...this.state(walk));
    this.events.onMove(walk.idAt(this.at));
  }

  private state(walk: Walk): HTMLElement[] {
    const { execution } = walk;
    const call = h("p", {}, `@${execution.function} on ${execution.device}, ${execution.made_up ? "made-up inputs" : "inputs of the run"}`);
    const parts: HTMLElement[] = [call, h("p", { class: "il-muted" }, RECORDED)];
    if (this.at >= walk.end) parts.push(...ending(execution, walk.end));
    const stack = walk.stack(this.at);
    if (stack.length > 1) parts.push(h("p", {}, `Called from ${stack.slice(0, -1).map((id) => place(id)).join(", ")}`));
    parts.push(h("h4", {}, "Registers"), heldList(walk.registers(this.at)), h("h4", {}, "Globals"), heldList(walk.globals(this.at)));
    return parts;
  }
}

function ending({ end, error, results }: VmExecution, count: number): HTMLElement[] {
  if (end === "failed") return [h("p", { class: "il-bad", role: "alert" }, `✕ failed: ${error}`)];
  if (end === "stopped") return [h("p", { class: "il-warned" }, `The record ends after ${plural(count, "instruction")}; il.debug goes on.`)];
  return [h("p", { class: "il-good" }, `✓ returned ${results.join(", ") || "nothing"}`)];
}

function heldList(held: readonly Held[]): HTMLElement {
  if (!held.length) return h("p", { class: "il-muted" }, "none");
  const list = h("dl", { class: "il-held" });
  for (const { name, text, fresh } of held) {
    const mark = fresh ? { class: "il-fresh", title: "written by the instruction before" } : {};
    list.append(h("dt", mark, `${name}${fresh ? " •" : ""}`), h("dd", { ...mark, title: text }, text));
  }
  return list;
}

function place(id: string): string {
  const [fn, pc] = id.split(":").map(Number);
  return `function ${fn} at ${pc.toString(16).padStart(4, "0")}`;
}
