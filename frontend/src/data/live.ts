/** What the kernel tells of an explorer that can run and compile, and what a form is filled with. */
import type { Failure } from "./types.ts";

export interface Argument {
  name: string;
  type: string;
}

export interface ProgramFunction {
  name: string;
  arguments: Argument[];
}

export interface Device {
  id: string;
  description: string;
  available: boolean;
  reason: string;
}

export interface LiveOptions {
  devices: Device[];
  targets: string[];
  pipelines: string[];
  phases: string[];
  lab_steps: string[];
}

export interface RunEntry {
  number: number;
  program: number;
  compilation: number;
  function: string;
  device: string;
  /** Mean time of a call. */
  seconds: number;
  calls: number;
  profiled: boolean;
  /** What was written for each input. */
  inputs: string[];
}

export interface CompilationEntry {
  number: number;
  label: string;
  target: string;
  pipeline: string;
  until: string;
  flags: string[];
  seconds: number;
  steps: number;
  state: "ready" | "failed" | "stopped";
}

export interface Problem extends Failure {
  /** Which request it is about: "run", "compile", "resume", "kernel", "vm". */
  where: string;
  line: number;
}

export interface LiveState {
  compilations: CompilationEntry[];
  compilation: number;
  /** What can be run of the compilation shown: its program, and those with a kernel replaced. */
  programs: { number: number; label: string }[];
  functions: ProgramFunction[];
  runs: RunEntry[];
  run: number;
  /** Where one can go on: names of steps or phases, and their last pass. */
  boundaries: Record<string, number>;
  options: LiveOptions | null;
  problem: Problem | null;
}

/** What goes on; without a title nothing does. */
export interface JobState {
  kind?: "run" | "compile" | "vm";
  title?: string;
  unit?: string;
  count?: number;
  total?: number;
  now?: string;
  stopping?: boolean;
}

export interface RunDraft {
  program: number;
  function: string;
  inputs: string[];
  device: string;
  repeat: number;
  profile: boolean;
}

export interface CompileDraft {
  target: string;
  pipeline: string;
  until: string;
  flags: string;
  run: boolean;
}

/** The form as the run that is shown was asked for; else the first function on made-up inputs. */
export function runDraft(state: LiveState): RunDraft {
  const last = state.runs.find(({ number }) => number === state.run);
  const target = state.compilations.find(({ number }) => number === state.compilation)?.target ?? "";
  const start: RunDraft = last
    ? { ...last, repeat: last.calls, profile: last.profiled }
    : {
        program: state.programs[0]?.number ?? 0,
        function: state.functions[0]?.name ?? "",
        inputs: [],
        device: target.startsWith("vulkan") ? "vulkan" : "llvm-cpu",
        repeat: 1,
        profile: true,
      };
  return fitted(start, state);
}

/** A form that names only what there is: after a compilation programs and functions are others. */
export function fitted(draft: RunDraft, state: LiveState): RunDraft {
  const known = state.functions.find(({ name }) => name === draft.function) ?? state.functions[0];
  const same = known?.name === draft.function;
  const program = state.programs.find(({ number }) => number === draft.program) ?? state.programs[0];
  return {
    program: program?.number ?? 0,
    function: known?.name ?? "",
    inputs: (known?.arguments ?? []).map((_, i) => (same ? (draft.inputs[i] ?? "") : "")),
    device: draft.device,
    repeat: draft.repeat,
    profile: draft.profile,
  };
}

export function compileDraft(state: LiveState): CompileDraft {
  const shown = state.compilations.find(({ number }) => number === state.compilation);
  return {
    target: shown?.target ?? "llvm-cpu",
    pipeline: shown?.pipeline ?? "upstream",
    until: shown?.until ?? "vm",
    flags: (shown?.flags ?? []).map(quoted).join(" "),
    run: true,
  };
}

/** A word as a shell reads it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}

/** The boundary that ends at a step, or the next one after it. */
export function boundaryAt(
  boundaries: Record<string, number>,
  step: number,
): { name: string; step: number; exact: boolean } | null {
  let best: { name: string; step: number; exact: boolean } | null = null;
  for (const [name, last] of Object.entries(boundaries))
    if (last >= step && (best === null || last < best.step))
      best = { name, step: last, exact: last === step };
  return best;
}

/** "compiling mlp · step 143 of 875 · iree-flow-…" */
export function jobText({ title = "", unit = "", count = 0, total = 0, now = "", stopping }: JobState): string {
  const of = total ? ` of ${total}` : "";
  const counted = count ? `${unit} ${count}${count > total && total ? "" : of}` : "";
  return [stopping ? `stopping ${title}` : title, counted, now].filter(Boolean).join(" · ");
}

/** How far a job is, from 0 to 1; null where nobody knows. */
export function jobShare({ count = 0, total = 0 }: JobState): number | null {
  return total && count <= total ? count / total : null;
}
