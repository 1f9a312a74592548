/** The list of steps as rows: grouped by phase and executable, filtered, navigable. */
import type { Step } from "./types.ts";

export const PHASES = [
  "input",
  "abi",
  "preprocessing",
  "global-optimization",
  "dispatch-creation",
  "flow",
  "stream",
  "executable",
  "hal",
  "vm",
];

const PHASE_TITLES: Record<string, string> = {
  abi: "ABI",
  hal: "HAL",
  vm: "VM",
  executable: "Executables",
};

export interface GroupRow {
  kind: "group";
  key: string;
  level: 1 | 2;
  label: string;
  phase: string;
  count: number;
  changed: number;
  seconds: number;
  open: boolean;
}

export interface StepRow {
  kind: "step";
  key: string;
  level: 2 | 3;
  step: Step;
}

export interface SourceRow {
  kind: "source";
  key: "source";
  level: 1;
}

export type Row = GroupRow | StepRow | SourceRow;

export interface RowOptions {
  filter: string;
  changedOnly: boolean;
  /** Keys of groups whose open state differs from its default. */
  toggled: ReadonlySet<string>;
}

interface Bucket {
  steps: Step[];
  executables: Map<string, Step[]>;
}

export function phaseTitle(phase: string): string {
  const known = PHASE_TITLES[phase];
  if (known) return known;
  const words = phase.replace(/[-_]/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** "hal.executable @mlp_dispatch_0" in the scope -> "mlp_dispatch_0". */
export function executableOf(step: Step): string | null {
  for (const part of step.scope) {
    const match = /^hal\.executable @(.+)$/.exec(part);
    if (match) return match[1].replace(/^"(.*)"$/, "$1");
  }
  return null;
}

/** The innermost symbol of the scope, "@mlp", or "" for the module itself. */
export function symbolOf(step: Step): string {
  for (let i = step.scope.length - 1; i >= 0; i--) {
    const at = step.scope[i].indexOf("@");
    if (at >= 0) return step.scope[i].slice(at);
  }
  return "";
}

/** Splits off the prefix that the phase's heading already says: "iree-stream-" of "iree-stream-x". */
export function splitName(step: Step): [prefix: string, rest: string] {
  const short: Record<string, string> = { "global-optimization": "global-opt", executable: "codegen" };
  const own = [step.phase, short[step.phase]].filter(Boolean).join("|");
  const match = new RegExp(`^iree-(?:(?:${own})-)?`).exec(step.name);
  return match ? [match[0], step.name.slice(match[0].length)] : ["", step.name];
}

/** Every word of the filter must occur in the name, the scope, or a dialect of the delta. */
export function matches(step: Step, words: readonly string[]): boolean {
  if (!words.length) return true;
  const text =
    `${step.name} ${step.phase} ${step.scope.join(" ")} ${Object.keys(step.delta).join(" ")}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

export function filterWords(filter: string): string[] {
  return filter.toLowerCase().split(/\s+/).filter(Boolean);
}

export function buildRows(steps: readonly Step[], options: RowOptions): Row[] {
  const words = filterWords(options.filter);
  const kept = steps.filter(
    (step) => (!options.changedOnly || step.changed) && matches(step, words),
  );
  // A filter is a search: what it finds must be visible, whatever was closed before.
  const searching = words.length > 0;
  const rows: Row[] = searching ? [] : [{ kind: "source", key: "source", level: 1 }];
  for (const [phase, bucket] of bucketByPhase(kept)) appendPhase(rows, phase, bucket);
  return rows;

  function isOpen(key: string, initially: boolean): boolean {
    return searching || options.toggled.has(key) !== initially;
  }

  function appendPhase(rows: Row[], phase: string, bucket: Bucket): void {
    const key = `phase:${phase}`;
    const open = isOpen(key, true);
    const all = [...bucket.steps, ...[...bucket.executables.values()].flat()];
    rows.push(groupRow(key, 1, phaseTitle(phase), phase, all, open));
    if (!open) return;
    for (const step of bucket.steps)
      rows.push({ kind: "step", key: `step:${step.i}`, level: 2, step });
    for (const [name, members] of bucket.executables) {
      const executableKey = `executable:${phase}:${name}`;
      const executableOpen = isOpen(executableKey, false);
      rows.push(groupRow(executableKey, 2, name, phase, members, executableOpen));
      if (!executableOpen) continue;
      for (const step of members)
        rows.push({ kind: "step", key: `step:${step.i}`, level: 3, step });
    }
  }
}

/** The group keys that must be open for a step to be visible, outermost first. */
export function groupsOf(step: Step): string[] {
  const executable = executableOf(step);
  const keys = [`phase:${step.phase}`];
  if (executable !== null) keys.push(`executable:${step.phase}:${executable}`);
  return keys;
}

function bucketByPhase(steps: readonly Step[]): [string, Bucket][] {
  const buckets = new Map<string, Bucket>();
  for (const step of steps) {
    let bucket = buckets.get(step.phase);
    if (!bucket) buckets.set(step.phase, (bucket = { steps: [], executables: new Map() }));
    const executable = executableOf(step);
    if (executable === null) {
      bucket.steps.push(step);
      continue;
    }
    const members = bucket.executables.get(executable);
    if (members) members.push(step);
    else bucket.executables.set(executable, [step]);
  }
  const rank = (phase: string) => (PHASES.includes(phase) ? PHASES.indexOf(phase) : PHASES.length);
  return [...buckets].sort(([a], [b]) => rank(a) - rank(b));
}

function groupRow(
  key: string,
  level: 1 | 2,
  label: string,
  phase: string,
  steps: readonly Step[],
  open: boolean,
): GroupRow {
  return {
    kind: "group",
    key,
    level,
    label,
    phase,
    count: steps.length,
    changed: steps.filter((step) => step.changed).length,
    seconds: totalSeconds(steps),
    open,
  };
}

/** A step's time leaves out that of the steps it contains, so all can be added. */
export function totalSeconds(steps: readonly Step[]): number {
  return steps.reduce((sum, step) => sum + step.seconds, 0);
}

/** The nearest step row from `from` in direction `by`, or -1. */
export function findStepRow(
  rows: readonly Row[],
  from: number,
  by: 1 | -1,
  changedOnly = false,
): number {
  for (let i = from + by; i >= 0 && i < rows.length; i += by) {
    const row = rows[i];
    if (row.kind === "step" && (!changedOnly || row.step.changed)) return i;
  }
  return -1;
}
