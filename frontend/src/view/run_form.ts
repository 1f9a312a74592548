/** What a run is asked with: function, inputs, device, how often, with a timeline or not. */
import { fitted, runDraft, type RunDraft } from "../data/live.ts";
import type { LiveSession } from "../live.ts";
import { button, h } from "./dom.ts";
import { checkbox, choice, field, numberInput, textInput } from "./form.ts";
import { LiveForm } from "./live_form.ts";

const INPUT_HELP =
  "Nothing: made-up values. 8x64xf32=1, 2x2xi32=1 2 3 4, @file.npy, a number: as IREE's tools write them. " +
  "run 2: as in run 2. A name: that variable of the notebook; other Python is not evaluated.";

export class RunForm extends LiveForm {
  constructor(session: LiveSession) {
    super(session, "Run", "run-form", "Looking for devices…");
  }

  focus(): void {
    (this.element.querySelector<HTMLElement>("input") ?? this.element.querySelector<HTMLElement>("button"))?.focus();
  }

  protected asksFor(): unknown {
    const { state } = this.session;
    return [state.programs, state.functions, this.draft.function];
  }

  protected absent(): string {
    const { programs } = this.session.state;
    return programs.length ? "" : "There is no program to run: the compilation that is shown did not end in one.";
  }

  protected forget(): void {
    this.session.runDraft = null;
  }

  protected submit(): void {
    this.session.ask("run", { ...this.draft });
  }

  private get draft(): RunDraft {
    const { state } = this.session;
    return this.session.runDraft ? fitted(this.session.runDraft, state) : runDraft(state);
  }

  private change(patch: Partial<RunDraft>): void {
    this.session.runDraft = { ...this.draft, ...patch };
  }

  protected fields(): HTMLElement[] {
    const { state } = this.session;
    const { draft } = this;
    const rows: HTMLElement[] = [];
    if (state.functions.length > 1) {
      const names = state.functions.map(({ name }) => ({ value: name, label: `@${name}` }));
      rows.push(field("Function", "", choice(names, draft.function, (name) => {
        this.change({ function: name });
        this.show();
      })));
    }
    if (state.programs.length > 1) {
      const programs = state.programs.map(({ number, label }) => ({ value: String(number), label }));
      rows.push(field("Program", "", choice(programs, String(draft.program), (number) => this.change({ program: Number(number) }))));
    }
    rows.push(...this.inputs(draft));
    rows.push(h("div", { class: "il-form-row" }, this.devices(draft), this.repeat(draft), this.profile(draft)));
    rows.push(button("▶ Run", { class: "il-button il-primary", type: "submit", title: "Run ( Ctrl+Enter )", "data-il": "run" }, () => {}));
    return rows;
  }

  private inputs(draft: RunDraft): HTMLElement[] {
    const known = this.session.state.functions.find(({ name }) => name === draft.function);
    return (known?.arguments ?? []).map(({ name, type }, i) => {
      const placeholder = type.includes("?") ? "its size is yours: 3x4xf32=1" : "made-up values";
      const input = textInput(draft.inputs[i] ?? "", placeholder, INPUT_HELP, (text) => {
        const inputs = [...this.draft.inputs];
        inputs[i] = text;
        this.change({ inputs });
      });
      input.dataset.il = `input-${i}`;
      return field(name ? `%${name}` : `input ${i}`, type, input);
    });
  }

  private devices(draft: RunDraft): HTMLElement {
    const { options } = this.session.state;
    const choices = (options?.devices ?? []).map(({ id, description, available, reason }) => ({
      value: id,
      label: available ? id : `${id} (not here)`,
      title: reason || description,
      disabled: !available,
    }));
    // "vulkan" is the first of its devices.
    const known = choices.some(({ value }) => value === draft.device);
    const first = choices.find(({ value, disabled }) => !disabled && value === `${draft.device}:0`);
    const chosen = known ? draft.device : (first?.value ?? draft.device);
    const control = choice(choices, chosen, (device) => this.change({ device }));
    control.dataset.il = "device";
    return field("Device", "", control);
  }

  private repeat(draft: RunDraft): HTMLElement {
    const input = numberInput(draft.repeat, "How often to call it; state of globals persists from call to call", (repeat) => this.change({ repeat }));
    input.dataset.il = "repeat";
    return field("Calls", "", input);
  }

  private profile(draft: RunDraft): HTMLElement {
    return checkbox("Timeline", "A timestamp around every command; without it nothing is slowed down", draft.profile, (profile) => this.change({ profile }));
  }
}
