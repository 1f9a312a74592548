/** Stepping through a call that the kernel executes: moves, breakpoints, and the state at each stop. */
import { jobText, runDraft } from "../data/live.ts";
import type { VmListing } from "../data/vm_rows.ts";
import { breakpointIds, idOf, nowOf, registerName, statusText, type SteppedCall } from "../data/vm_stepping.ts";
import type { LiveSession } from "../live.ts";
import { button, h, KEYS, treeOf, uniqueId } from "./dom.ts";
import { facts } from "./facts.ts";
import { choice, textInput } from "./form.ts";
import { message, type PaneContext } from "./model_pane.ts";
import { problemCard } from "./problem_card.ts";
import type { VmStepping, VmStepsEvents } from "./vm_stepping.ts";
import { valueList, type ValueEvents } from "./vm_values.ts";

const MOVES = [
  { op: "step", key: "s", label: "Step", title: "One instruction, into calls; a wait that is pending yields first ( S )" },
  { op: "over", key: "n", label: "Over", title: "One instruction, calls and waits to their end ( N )" },
  { op: "out", key: "o", label: "Out", title: "To the return of the function ( O )" },
  { op: "line", key: "l", label: "Line", title: "To the next line of the source ( L )" },
  { op: "to", key: "u", label: "To cursor", title: "To the chosen instruction, or a breakpoint before it ( U )" },
  { op: "continue", key: "r", label: "Continue", title: "To the next breakpoint, or the end ( R )" },
] as const;

const PLACE_HELP =
  "8: a line of the source. @main: a function. @main 0x48: one of its instructions. " +
  "hal.fence.await: every call of that import.";

export class VmLive implements VmStepping {
  readonly bar = h("div", { class: "il-toolbar il-vm-bar", role: "toolbar", "aria-label": "Step through a call", hidden: true });
  readonly panel = h("div", { class: "il-vm-state il-vm-live", role: "region", tabindex: 0, "aria-label": "Registers and globals", hidden: true, ...KEYS });
  private readonly session: LiveSession;
  private readonly head = h("div", {});
  private readonly values = h("div", {});
  private readonly stops: HTMLElement;
  private readonly stopList = h("ul", { class: "il-vm-stops" });
  private readonly source = h("span", {});
  private readonly moves: HTMLButtonElement[] = [];
  private readonly stop: HTMLButtonElement;
  private readonly unsubscribe: () => void;
  private readonly opened = new Set<string>();
  /** How many calls above the innermost the function is whose registers are shown. */
  private up = 0;
  private shown: SteppedCall | null = null;

  constructor(
    context: PaneContext,
    listing: VmListing,
    private readonly events: VmStepsEvents,
  ) {
    this.session = context.session;
    this.stop = button("■ Stop", { class: "il-toggle", title: "Stop between two instructions, or in the midst of a wait", "data-il": "vm-stop" }, () => this.session.ask("stop"));
    for (const { op, label, title } of MOVES) this.moves.push(button(label, { class: "il-toggle", title, "data-il": `move-${op}` }, () => this.move(op)));
    const toggle = button("Break", { class: "il-toggle", title: "Set or clear a breakpoint at the chosen instruction ( B )" }, () => this.breakAtChosen());
    this.moves.push(toggle);
    this.bar.append(...this.moves, this.stop, this.source);
    this.stops = this.stopForm(listing);
    this.panel.append(this.head, this.values, this.stops);
    this.unsubscribe = this.session.subscribe(() => this.update());
  }

  get open(): boolean {
    return !this.panel.hidden;
  }

  get now(): string | null {
    return this.open ? nowOf(this.session.stepping) : null;
  }

  get failed(): boolean {
    return this.session.stepping?.why === "failed";
  }

  get breakpoints(): ReadonlySet<string> {
    return breakpointIds(this.session.stepping);
  }

  attach(): void {
    if (this.session.stepping) this.reveal();
  }

  toggle(): void {
    if (this.open) {
      this.bar.hidden = this.panel.hidden = true;
      this.ask("end");
    } else {
      this.reveal();
      if (!this.session.stepping) this.start();
    }
  }

  toggleBreakpoint(id: string): void {
    if (this.session.stepping && !this.busy) this.ask("break", { id });
  }

  onKey(event: KeyboardEvent): boolean {
    if (!this.open) return false;
    const key = event.key.toLowerCase();
    const known = MOVES.find((move) => move.key === key);
    if (key === "b") this.breakAtChosen();
    else if (key === "r" && event.shiftKey) this.restart();
    else if (known) this.move(known.op);
    else return false;
    return true;
  }

  dispose(): void {
    this.unsubscribe();
  }

  // --- asking the kernel ---------------------------------------------------------------------

  /** With the inputs of the run that is shown, or with what the Run pane's form says. */
  private start(ofForm = this.session.state.run === 0): void {
    const { state, runDraft: written } = this.session;
    this.opened.clear();
    this.ask("start", ofForm ? { form: written ?? runDraft(state) } : {});
  }

  /** From its start; the form of the Run pane may say something else by now. */
  private restart(): void {
    const call = this.session.stepping;
    if (this.busy) return;
    if (call && ofRun(call)) this.ask("restart");
    else this.start(call ? true : undefined);
  }

  private move(op: string): void {
    if (!this.session.stepping || this.busy) return;
    const id = this.events.chosen();
    if (op !== "to") this.ask(op);
    else if (id !== null) this.ask("to", { id });
  }

  private breakAtChosen(): void {
    const id = this.events.chosen();
    if (id !== null) this.toggleBreakpoint(id);
  }

  private ask(op: string, request: Record<string, unknown> = {}): void {
    this.session.ask("vm", { op, ...request });
  }

  private get busy(): boolean {
    return this.session.busy;
  }

  // --- showing -------------------------------------------------------------------------------

  private reveal(): void {
    this.bar.hidden = this.panel.hidden = false;
    for (const { name } of this.session.stepping?.opened ?? []) this.opened.add(name);
    this.update();
  }

  private update(): void {
    if (!this.open) return;
    const call = this.session.stepping;
    // Not `disabled`: a button that is keeps no focus, and steps are over soon.
    for (const element of this.moves) element.setAttribute("aria-disabled", String(!call || this.busy));
    this.stop.hidden = !(this.busy && this.session.job.kind === "vm");
    this.panel.setAttribute("aria-busy", String(this.busy));
    const moved = nowOf(call) !== nowOf(this.shown) || call?.steps !== this.shown?.steps;
    if (moved) this.up = 0;
    const changed = call !== this.shown;
    this.shown = call;
    this.showSource(call);
    this.keepingFocus(() => {
      this.head.replaceChildren(...this.heading(call));
      if (changed) this.values.replaceChildren(...(call ? this.state(call) : []));
      if (changed) this.stopList.replaceChildren(...(call?.breakpoints ?? []).map(({ text }) => this.stopRow(text)));
    });
    this.stops.hidden = !call;
    if (moved) this.events.onMove(nowOf(call));
    else if (changed) this.events.onChange();
  }

  /** What is drawn anew keeps the focus where it was. */
  private keepingFocus(draw: () => void): void {
    const focused = treeOf(this.panel).activeElement as HTMLElement | null;
    const key = focused && this.panel.contains(focused) ? focused.dataset.key : undefined;
    draw();
    if (key) this.panel.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
  }

  /** Whose inputs the call has; choosing others starts anew. */
  private showSource(call: SteppedCall | null): void {
    const { run } = this.session.state;
    const ofForm = call ? !ofRun(call) : run === 0;
    const key = `${run}/${ofForm}/${this.busy}/${call !== null}`;
    if (this.source.dataset.shown === key) return;
    this.source.dataset.shown = key;
    const choices = [...(run ? [{ value: "run", label: `run ${run}` }] : []), { value: "form", label: "the Run pane" }];
    const control = choice(choices, ofForm ? "form" : "run", (chosen) => this.start(chosen === "form"));
    control.disabled = this.busy;
    control.dataset.il = "vm-inputs";
    const title = call ? "The call from its start; breakpoints stay ( Shift+R )" : "Load the program and stop before the first instruction";
    const again = button(call ? "⟲ Restart" : "▶ Start", { class: "il-toggle", title, "data-il": "vm-start" }, () => (call ? this.restart() : this.start(control.value === "form")));
    again.disabled = this.busy;
    this.source.replaceChildren(h("label", { class: "il-labelled" }, "Inputs of", control), again);
  }

  private heading(call: SteppedCall | null): HTMLElement[] {
    const { state, job, busy } = this.session;
    const problem = state.problem?.where === "vm" ? problemCard(state.problem, null) : [];
    if (!call) return [...problem, ...(busy ? [message("loading", "Loading the program…", job.title ?? "")] : [message("absent", "No call is stepped through", "Start one with the button above.")])];
    const what = `@${call.function} on ${call.device}, ${call.inputs}`;
    const status = busy && job.kind === "vm" ? jobText(job) : statusText(call);
    return [...problem, h("p", {}, what), h("p", { class: "il-muted", role: "status", "data-il": "vm-status" }, status), ...outcome(call)];
  }

  private state(call: SteppedCall): HTMLElement[] {
    const events = this.valueEvents();
    const frame = call.frames.at(-1 - this.up);
    const parts: HTMLElement[] = [];
    if (call.waits.length) parts.push(h("h4", {}, "Waits for"), ...call.waits.map((fence) => h("div", { class: "il-vm-wait", "data-il": "vm-waits" }, h("p", {}, fence.text), facts(fence.facts))));
    if (call.results.length) parts.push(h("h4", {}, "Results"), valueList(call.results, call.opened, (name) => name, events));
    if (call.depth > 1) parts.push(h("h4", {}, "Call stack"), this.stack(call));
    if (frame) parts.push(h("h4", {}, `Registers of @${frame.function}`), valueList(frame.registers, call.opened, (name) => registerName(name, this.up), events));
    parts.push(h("h4", {}, "Globals"), valueList(call.globals, call.opened, (name) => name, events));
    return parts;
  }

  /** The innermost first, as debuggers have it. */
  private stack(call: SteppedCall): HTMLElement {
    const rows = [...call.frames].reverse().map((frame, up) => {
      const text = `@${frame.function} ${frame.pc.toString(16).padStart(4, "0")}`;
      const row = button(text, { class: "il-link", "aria-current": up === this.up ? "true" : null, "data-key": `frame ${up}` }, () => this.chooseFrame(call, up));
      return h("li", {}, row);
    });
    const hidden = call.depth - call.frames.length;
    if (hidden > 0) rows.push(h("li", { class: "il-muted" }, `and ${hidden} more`));
    return h("ol", { class: "il-vm-stack", "data-il": "vm-stack" }, ...rows);
  }

  private chooseFrame(call: SteppedCall, up: number): void {
    this.up = up;
    this.keepingFocus(() => this.values.replaceChildren(...this.state(call)));
    const frame = call.frames.at(-1 - up);
    if (frame) this.events.onMove(idOf(frame));
  }

  private valueEvents(): ValueEvents {
    return {
      isOpen: (name) => this.opened.has(name),
      onToggle: (name, readable) => {
        const opens = !this.opened.delete(name);
        if (opens) this.opened.add(name);
        if (readable && !this.busy) this.ask(opens ? "open" : "shut", opens ? { name, as: "", offset: 0 } : { name });
        const { shown } = this;
        if (shown) this.keepingFocus(() => this.values.replaceChildren(...this.state(shown)));
      },
      onRead: (name, as, offset) => this.ask("open", { name, as, offset }),
    };
  }

  // --- breakpoints ---------------------------------------------------------------------------

  private stopForm(listing: VmListing): HTMLElement {
    const known = uniqueId("places");
    const places = [...listing.functions.map(({ name }) => `@${name}`), ...listing.imports.filter(({ calls }) => calls).map(({ name }) => name)];
    const input = textInput("", "8, @main, hal.fence.await", PLACE_HELP, () => {});
    input.setAttribute("list", known);
    input.setAttribute("aria-label", "Break at");
    input.dataset.il = "vm-place";
    const form = h("form", { class: "il-vm-place" }, input, h("datalist", { id: known }, ...places.map((value) => h("option", { value }))), button("Add", { class: "il-button", type: "submit" }, () => {}));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const place = input.value.trim();
      if (!place || this.busy) return;
      this.ask("break", { place });
      input.value = "";
    });
    // Letters that are written here are no moves.
    form.addEventListener("keydown", (event) => event.stopPropagation());
    return h("section", { hidden: true, "data-il": "vm-breakpoints" }, h("h4", {}, "Breakpoints"), this.stopList, form);
  }

  private stopRow(text: string): HTMLElement {
    const label = `Clear the breakpoint at ${text}`;
    const clear = button("×", { class: "il-icon", title: label, "aria-label": label, "data-key": `stop ${text}` }, () => this.ask("clear", { place: text }));
    const kind = /^\d/.test(text) && !text.startsWith("0x") ? `line ${text}` : text;
    return h("li", {}, h("span", { class: "il-vm-stop" }, `● ${kind}`), clear);
  }
}

/** Whether its inputs are those of a run; else they are of the Run pane, or made up. */
function ofRun({ inputs }: SteppedCall): boolean {
  return inputs.startsWith("inputs of run");
}

/** How the call ended, where it has. */
function outcome({ why, error, results }: SteppedCall): HTMLElement[] {
  if (why === "failed") return [h("p", { class: "il-bad", role: "alert", "data-il": "vm-failed" }, `✕ ${error}`)];
  if (why === "returned") return [h("p", { class: "il-good" }, `✓ returned ${results.map(({ text }) => text).join(", ") || "nothing"}`)];
  return [];
}
