/** Editing the IR: where one can go on from an edit, and what to do where one cannot. */
import { boundaryAt, type LiveState } from "../data/live.ts";
import type { Index } from "../data/types.ts";
import type { LiveSession } from "../live.ts";
import { button, h } from "./dom.ts";
import { EditPanel } from "./edit_panel.ts";
import { checkbox } from "./form.ts";
import { message } from "./model_pane.ts";

const ELIDED = "__elided__";

export interface IrEditContext {
  root: Document | ShadowRoot;
  index: Index;
  session: LiveSession;
  /** The text of the whole module after a step, of the source for null. */
  text: (step: number | null) => Promise<string>;
  onCancel: () => void;
  /** Go to a step and edit there. */
  onElsewhere: (step: number) => void;
}

export interface IrEdit {
  step: number | null;
  element: HTMLElement;
  focus: () => void;
  dispose: () => void;
}

/** An editor of what stands after `step`, or why there is none and what helps. */
export async function editAfter(step: number | null, context: IrEditContext): Promise<IrEdit> {
  const { state } = context.session;
  const at = step === null ? null : boundaryAt(state.boundaries, step);
  if (step !== null && !at?.exact) return refusal(step, at, context);
  const text = await context.text(step);
  let run = state.runs.length > 0;
  const controls = run ? [checkbox("run it too", "As the run that is shown, with the same inputs", true, (on) => (run = on))] : [];
  const panel = new EditPanel(context.root, context.session, {
    title: at ? `Edit the IR after ${at.name}` : "Edit the source",
    note: at ? noteOf(text, context.index) : "",
    text,
    language: "mlir",
    action: at ? "Continue from here" : "Compile",
    where: "resume",
    controls,
    onApply: (edited) => context.session.ask(...request(step, edited, text, run, state)),
    onCancel: context.onCancel,
  });
  return { step, element: panel.element, focus: () => panel.focus(), dispose: () => panel.dispose() };
}

function request(step: number | null, edited: string, text: string, run: boolean, state: LiveState): [string, Record<string, unknown>] {
  if (step !== null) return ["resume", { where: "resume", step, text: edited === text ? null : edited, run }];
  const shown = state.compilations.find(({ number }) => number === state.compilation);
  return [
    "compile",
    { where: "resume", source: edited, run, target: shown?.target, pipeline: shown?.pipeline, until: shown?.until, flags: (shown?.flags ?? []).join(" ") },
  ];
}

function noteOf(text: string, index: Index): string {
  const notes: string[] = [];
  if (index.pipeline !== "lab") notes.push("What follows this phase runs as the steps of the lab pipeline.");
  if (text.includes(ELIDED)) notes.push(`Large constants are elided here (${ELIDED}): leave them in their order, and they are looked up again.`);
  return notes.join(" ");
}

function refusal(step: number, at: ReturnType<typeof boundaryAt>, context: IrEditContext): IrEdit {
  const { session, index } = context;
  const name = index.steps[step]?.name ?? "this pass";
  const lab = index.pipeline === "lab";
  const why = at
    ? `${name} is inside ${at.name}: a compilation can go on where a ${lab ? "step or phase" : "phase"} ends.`
    : "Nothing follows this pass.";
  const element = message("absent", "The IR cannot be edited here", why);
  const choices = h("div", { class: "il-edit-choices" });
  if (at) choices.append(button(`Edit after ${at.name}`, { class: "il-button", "data-il": "edit-there" }, () => context.onElsewhere(at.step)));
  if (!lab) {
    element.append(h("p", {}, "The lab pipeline runs the same passes as named steps, and can go on after each of them."));
    const shown = session.state.compilations.find(({ number }) => number === session.state.compilation);
    const again = { target: shown?.target, pipeline: "lab", until: "vm", flags: (shown?.flags ?? []).join(" "), run: true };
    choices.append(button("Compile with the lab pipeline", { class: "il-button", "data-il": "compile-lab" }, () => session.ask("compile", again)));
  }
  choices.append(button("Cancel", { class: "il-button" }, context.onCancel));
  element.append(choices);
  const panel = h("div", { class: "il-edit" }, element);
  return { step, element: panel, focus: () => choices.querySelector("button")?.focus(), dispose: () => panel.remove() };
}
