/** What a compilation is asked with: target, pipeline, where it ends, flags. */
import { compileDraft, type CompileDraft } from "../data/live.ts";
import type { LiveSession } from "../live.ts";
import { button, h, uniqueId } from "./dom.ts";
import { checkbox, choice, field, textInput } from "./form.ts";
import { LiveForm } from "./live_form.ts";

export class CompileForm extends LiveForm {
  constructor(session: LiveSession) {
    super(session, "Compile", "compile-form", "Looking for targets…");
  }

  focus(): void {
    this.element.querySelector<HTMLElement>("input[type=text], select")?.focus();
  }

  protected asksFor(): unknown {
    const { state } = this.session;
    return [state.compilation, state.runs.length > 0, this.draft.pipeline];
  }

  protected absent(): string {
    return this.session.state.compilation ? "" : "This program came without its source: it can be run, and not compiled anew.";
  }

  protected forget(): void {
    this.session.compileDraft = null;
  }

  protected submit(): void {
    this.session.ask("compile", { ...this.draft });
  }

  private get draft(): CompileDraft {
    return this.session.compileDraft ?? compileDraft(this.session.state);
  }

  private change(patch: Partial<CompileDraft>): void {
    this.session.compileDraft = { ...this.draft, ...patch };
  }

  protected fields(): HTMLElement[] {
    const { draft } = this;
    const options = this.session.state.options;
    const plain = (values: readonly string[]) => values.map((value) => ({ value, label: value }));
    const pipeline = choice(plain(options?.pipelines ?? []), draft.pipeline, (value) => {
      this.change({ pipeline: value, until: "vm" });
      this.show();
    });
    pipeline.dataset.il = "pipeline";
    const target = listedInput(draft.target, options?.targets ?? [], "vulkan:NAME and llvm-cpu,vulkan are targets too", (value) => this.change({ target: value }));
    const ends = [...(options?.phases ?? []), ...(draft.pipeline === "lab" ? (options?.lab_steps ?? []) : [])];
    const until = listedInput(draft.until, ends, "The last phase to run, or of the lab pipeline the last step", (value) => this.change({ until: value }));
    const flags = textInput(draft.flags, "--iree-opt-level=O3", "Flags of iree-compile, with spaces between", (value) => this.change({ flags: value }));
    flags.dataset.il = "flags";
    const rows = [
      h("div", { class: "il-form-row" }, field("Target", "", target[0]), field("Pipeline", "", pipeline), field("Until", "", until[0])),
      target[1],
      until[1],
      field("Flags", "", flags),
    ];
    const again = checkbox("and run as the run that is shown", "With the same inputs, so that outputs and times can be held against each other", draft.run, (run) => this.change({ run }));
    const submit = button("⟳ Compile", { class: "il-button il-primary", type: "submit", title: "Compile ( Ctrl+Enter )", "data-il": "compile" }, () => {});
    const runs = this.session.state.runs.length > 0;
    return [...rows, h("div", { class: "il-form-row" }, submit, ...(runs ? [again] : []))];
  }
}

/** A text with suggestions. */
function listedInput(value: string, known: readonly string[], title: string, onInput: (value: string) => void): [HTMLInputElement, HTMLElement] {
  const list = h("datalist", { id: uniqueId("list") }, ...known.map((one) => h("option", { value: one })));
  const input = textInput(value, "", title, onInput);
  input.setAttribute("list", list.id);
  return [input, list];
}
