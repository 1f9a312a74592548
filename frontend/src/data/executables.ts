/** Kernels: the texts that each goes through, which lines of them belong together, and its counts. */
import { formatBytes, formatCount, plural } from "./format.ts";
import { splitName } from "./steps.ts";
import type { Step, TimelineEvent } from "./types.ts";

export interface CodeText {
  text: string;
  /** Per line the line of the LLVM IR that it belongs to, from 1, or 0. */
  llvm_lines: number[];
  places: string[];
  /** Per line a number in `places`. */
  locations: number[];
}

export interface CpuCode {
  llvm_ir: CodeText;
  optimised: CodeText;
  assembly: CodeText;
  code_bytes: number | null;
  stack_bytes: number;
  spills: number;
  reloads: number;
  instructions: number;
  classes: Record<string, number>;
  mnemonics: Record<string, number>;
  memory_operands: number;
  vector_bits: number;
  vector_registers: number;
  general_registers: number;
}

export interface SpirvCode {
  version: number[];
  capabilities: string[];
  abi: string;
  code_bytes: number;
  text: string;
  locations: string[];
  classes: Record<string, number>;
  opcodes: Record<string, number>;
}

export interface Kernel {
  entry_point: string;
  executable: string;
  function: string;
  format: string;
  binary: string;
  binary_bytes: number | null;
  source_step: number;
  lowered_step: number;
  steps: number[];
  source: string;
  lowered: string;
  layout: {
    bindings: string[];
    constants: number;
    workgroup_size: number[];
    subgroup_size: number;
    local_memory_bytes: number;
  } | null;
  binding_access: string[];
  cpu: CpuCode | null;
  spirv: SpirvCode | null;
  absent: string;
}

export interface Executables {
  name: string;
  entry_points: Kernel[];
}

export type Language = "mlir" | "llvm" | "assembly" | "spirv";

/** One form that a kernel has on its way from linalg to machine code. */
export interface Stage {
  id: string;
  label: string;
  language: Language;
  /** The step whose IR this is, or -1. */
  step: number;
}

export const CODE_STAGES = ["llvm_ir", "optimised", "assembly"] as const;
export type CodeStage = (typeof CODE_STAGES)[number];

/** What a kernel can be shown as, in the order in which the compiler makes it. */
export function stagesOf(kernel: Kernel, steps: readonly Step[]): Stage[] {
  const stages: Stage[] = [];
  const add = (id: string, label: string, language: Language, step = -1) =>
    stages.push({ id, label, language, step });
  if (kernel.source) add("source", "Source (linalg)", "mlir", kernel.source_step);
  for (const index of kernel.steps) {
    const step = steps[index];
    if (!step?.changed || step.composite) continue;
    add(`step:${index}`, `${formatCount(index + 1)} ${splitName(step)[1]}`, "mlir", index);
  }
  if (kernel.lowered) add("lowered", `Lowered (${kernel.spirv ? "SPIR-V" : "LLVM"} dialect)`, "mlir", kernel.lowered_step);
  if (kernel.cpu) {
    add("llvm_ir", "LLVM IR", "llvm");
    add("optimised", "Optimised LLVM IR", "llvm");
    add("assembly", "Assembly", "assembly");
  }
  if (kernel.spirv) add("spirv", "SPIR-V", "spirv");
  return stages;
}

/** The stages that say most side by side, for as many columns as there are. */
export function firstStages(stages: readonly Stage[], columns: number): string[] {
  const ids = stages.map(({ id }) => id);
  const wanted = ["source", "llvm_ir", "assembly", "spirv", "lowered", "optimised"];
  const best = columns === 2 ? ["llvm_ir", "assembly", "source", "spirv", "lowered"] : wanted;
  const chosen = (columns === 1 ? ["assembly", "spirv", "lowered", "source"] : best)
    .filter((id) => ids.includes(id))
    .slice(0, columns);
  for (const id of ids.slice().reverse()) if (chosen.length < columns && !chosen.includes(id)) chosen.push(id);
  return chosen.sort((a, b) => ids.indexOf(a) - ids.indexOf(b));
}

/** Lines of each stage that belong to one line of one of them; stages that are not known are left out. */
export type Matches = ReadonlyMap<string, readonly number[]>;

/** Line n (from 1) of a stage; `located` is whether places are lines of the kernel's own source. */
export function matchLines(kernel: Kernel, located: boolean, stage: string, line: number): Matches {
  const found = new Map<string, readonly number[]>([[stage, [line]]]);
  if (kernel.spirv) return located ? matchSpirv(kernel.spirv, stage, line, found) : found;
  const { cpu } = kernel;
  if (!cpu) return found;
  if (stage === "source") {
    if (!located) return found;
    for (const id of CODE_STAGES) found.set(id, linesWhere(cpu[id].locations, (place) => rowOf(cpu[id].places[place]) === line));
    return found;
  }
  if (!isCode(stage)) return found;
  const own = cpu[stage];
  const llvm = own.llvm_lines[line - 1] ?? 0;
  if (!llvm) return found;
  for (const id of CODE_STAGES)
    if (id !== stage) found.set(id, linesWhere(cpu[id].llvm_lines, (one) => one === llvm));
  const row = rowOf(own.places[own.locations[line - 1] ?? 0]);
  if (located && row) found.set("source", [row]);
  return found;
}

function matchSpirv(spirv: SpirvCode, stage: string, line: number, found: Map<string, readonly number[]>): Matches {
  if (stage === "source") found.set("spirv", linesWhere(spirv.locations, (place) => rowOf(place) === line));
  const row = stage === "spirv" ? rowOf(spirv.locations[line - 1]) : 0;
  if (row) found.set("source", [row]);
  return found;
}

function isCode(stage: string): stage is CodeStage {
  return (CODE_STAGES as readonly string[]).includes(stage);
}

function linesWhere<T>(lines: readonly T[], wanted: (value: T) => boolean): number[] {
  const found: number[] = [];
  lines.forEach((value, i) => wanted(value) && found.push(i + 1));
  return found;
}

/** The line of "file:line:column", 0 where it says none. */
export function rowOf(place: string | undefined): number {
  const match = /:(\d+):\d+$/.exec(place ?? "");
  return match ? Number(match[1]) : 0;
}

/** "line 3 of assembly: 2 lines of LLVM IR, none of the source". */
export function matchText(matches: Matches, stages: readonly Stage[], stage: string): string {
  const label = (id: string) => stages.find((one) => one.id === id)?.label ?? id;
  const others = [...matches].filter(([id]) => id !== stage);
  const [line] = matches.get(stage) ?? [0];
  const rest = others.map(([id, lines]) => `${lines.length ? plural(lines.length, "line") : "nothing"} of ${label(id)}`);
  return `Line ${line} of ${label(stage)}: ${rest.length ? rest.join(", ") : "belongs to no known line"}`;
}

// --- time and size -----------------------------------------------------------------------

export interface KernelTime {
  count: number;
  total_ns: number;
  /** Of the time of all dispatches, 0 to 1. */
  share: number;
  workgroups: string;
}

/** Per entry point (the function's name) what the run says of it. */
export function timesOf(events: readonly TimelineEvent[]): Map<string, KernelTime> {
  const times = new Map<string, KernelTime>();
  let all = 0;
  for (const event of events) {
    if (event.kind !== "dispatch") continue;
    const length = event.end_ns - event.start_ns;
    const known = times.get(event.entry_point) ?? { count: 0, total_ns: 0, share: 0, workgroups: "" };
    const shape = (event.workgroups ?? []).join("×");
    const workgroups = known.count && known.workgroups !== shape ? "varies" : shape;
    times.set(event.entry_point, { ...known, count: known.count + 1, total_ns: known.total_ns + length, workgroups });
    all += length;
  }
  for (const [name, time] of times) times.set(name, { ...time, share: all ? time.total_ns / all : 0 });
  return times;
}

export function codeBytes(kernel: Kernel): number | null {
  return kernel.cpu?.code_bytes ?? kernel.spirv?.code_bytes ?? null;
}

/** Most frequent first: instructions by what they do. */
export function instructionMix(kernel: Kernel): [name: string, count: number, share: number][] {
  const classes = kernel.cpu?.classes ?? kernel.spirv?.classes ?? {};
  const total = Object.values(classes).reduce((sum, count) => sum + count, 0) || 1;
  return Object.entries(classes)
    .sort(([a, m], [b, n]) => n - m || a.localeCompare(b))
    .map(([name, count]) => [name, count, count / total]);
}

/** What the kernel is given and what its code uses, as names and values. */
export function kernelFacts(kernel: Kernel): [string, string][] {
  const { cpu, spirv, layout } = kernel;
  const facts: [string, string][] = [["Format", kernel.format]];
  const bytes = codeBytes(kernel);
  if (bytes !== null) facts.push(["Code", formatBytes(bytes)]);
  if (cpu)
    facts.push(
      ["Instructions", formatCount(cpu.instructions)],
      ["With memory operand", formatCount(cpu.memory_operands)],
      ["Vector width", cpu.vector_bits ? `${cpu.vector_bits} bit` : "scalar"],
      ["Registers", `${cpu.vector_registers} vector, ${cpu.general_registers} general`],
      ["Stack", formatBytes(cpu.stack_bytes)],
      ["Spills, reloads", `${formatCount(cpu.spills)}, ${formatCount(cpu.reloads)}`],
    );
  if (spirv)
    facts.push(
      ["SPIR-V", spirv.version.join(".")],
      ["Bindings by", spirv.abi],
      ["Capabilities", spirv.capabilities.join(", ")],
    );
  if (layout) {
    facts.push(["Workgroup size", layout.workgroup_size.join("×")]);
    facts.push(["Subgroup size", layout.subgroup_size ? String(layout.subgroup_size) : "any"]);
    facts.push([spirv ? "Push constants" : "Constants", plural(layout.constants, "word")]);
    if (layout.local_memory_bytes) facts.push(["Local memory", formatBytes(layout.local_memory_bytes)]);
  }
  return facts;
}

/** "storage_buffer · ReadOnly", per binding. */
export function bindingTexts(kernel: Kernel): string[] {
  return (kernel.layout?.bindings ?? kernel.binding_access).map((kind, i) => {
    const access = kernel.binding_access[i]?.split("|").join(", ");
    return [kernel.layout ? kind.replace(/_/g, " ") : "", access].filter(Boolean).join(" · ");
  });
}
