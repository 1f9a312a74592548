/** Simulated schedules: their JSON, which settings there are, and what lies where in a chart. Pure. */
import { formatBytes, formatNs } from "./format.ts";

export interface Settings {
  units: number;
  queues: number;
  invocations: number;
  in_flight: number;
  submit_ns: number;
  barrier_ns: number;
  packed: boolean;
}

export interface SimulatedCommand {
  command: number;
  name: string;
  kind: string;
  workgroups: number;
  times: string;
  work_ns: number;
  alone_ns: number;
}

export interface ScheduledCommand {
  command: number;
  invocation: number;
  queue: number;
  submitted_ns: number;
  start_ns: number;
  end_ns: number;
}

/** Position in the commands, first unit, how many, from, to. */
export type Block = [number, number, number, number, number];

export interface Schedule {
  policy: string;
  makespan_ns: number;
  lower_bound_ns: number;
  utilisation: number;
  busy_ns: number;
  idle_ns: Record<string, number>;
  latencies_ns: number[];
  interval_ns: number;
  peak_bytes: number;
  reserved_bytes: number | null;
  copies: number;
  commands: ScheduledCommand[];
  blocks: Block[];
  submissions: [number, number, number][];
  memory: [number, number][];
}

export interface Simulation {
  function: string;
  settings: Settings;
  work_ns: number;
  critical_path_ns: number;
  critical_path: number[];
  slab_bytes: number | null;
  unsized_values: number;
  measured_ns: number | null;
  measured_units: number | null;
  prediction_error: number | null;
  commands: SimulatedCommand[];
  schedules: Schedule[];
  /** The same with other settings, as many as a page holds. */
  others?: Simulation[];
}

/** What a policy is, for someone who reads its chart. */
export const POLICIES: Record<string, string> = {
  serial: "One command at a time, each submitted by itself",
  waves: "Full barriers between waves, as IREE emits them",
  exact: "Commands wait for what they depend on, in one in-order queue",
  queues: "The same on several queues",
  pipelined: "Invocations overlap, each in buffers of its own",
};

/** What can be chosen, with usual values. */
export const CHOICES = {
  units: [1, 2, 4, 8, 16, 32, 64, 128],
  queues: [1, 2, 3, 4, 8],
  invocations: [1, 2, 3, 4, 6, 8],
  in_flight: [1, 2, 3, 4],
} as const;

export type Choice = keyof typeof CHOICES;

/** The simulations that are here, by what was set. */
export class Simulations {
  private readonly known = new Map<string, Simulation>();

  constructor(first: Simulation) {
    for (const one of [first, ...(first.others ?? [])]) this.add(one);
  }

  add(one: Simulation): void {
    this.known.set(queryOf(one.settings), one);
  }

  find(settings: Settings): Simulation | undefined {
    return this.known.get(queryOf(settings));
  }

  /** Values of a setting that can be chosen, with a kernel all, else those that are here. */
  values(name: Choice, settings: Settings, live: boolean): number[] {
    const all = new Set<number>([...CHOICES[name], settings[name]]);
    for (const one of this.known.values()) all.add(one.settings[name]);
    return [...all].filter((value) => live || this.find({ ...settings, [name]: value })).sort((a, b) => a - b);
  }
}

/** How a kernel is asked for settings: the argument of model "schedule". */
export function queryOf(settings: Settings): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${Number(value)}`)
    .join("&");
}

export function longestNs(simulation: Simulation): number {
  return simulation.schedules.reduce((most, one) => Math.max(most, one.makespan_ns), 1);
}

export function highestBytes(simulation: Simulation): number {
  return simulation.schedules.reduce((most, one) => Math.max(most, one.peak_bytes), 0);
}

/** The block at a time on a unit, or -1. */
export function blockAt(schedule: Schedule, timeNs: number, unit: number): number {
  return schedule.blocks.findIndex(
    ([, first, units, start, end]) => first <= unit && unit < first + units && start <= timeNs && timeNs < end,
  );
}

/** Bytes alive at a time. */
export function aliveAt(schedule: Schedule, timeNs: number): number {
  let [low, high] = [0, schedule.memory.length];
  while (low < high) {
    const mid = (low + high) >> 1;
    if (schedule.memory[mid][0] <= timeNs) low = mid + 1;
    else high = mid;
  }
  return low ? schedule.memory[low - 1][1] : 0;
}

/** The next command in direction `by`, in the order in which an invocation's commands begin. */
export function commandBeside(schedule: Schedule, command: number | null, by: 1 | -1): number | null {
  const order = schedule.commands
    .filter((one) => one.invocation === 0)
    .sort((a, b) => a.start_ns - b.start_ns || a.command - b.command)
    .map((one) => one.command);
  if (command === null || !order.includes(command)) return order[by > 0 ? 0 : order.length - 1] ?? null;
  return order[Math.max(0, Math.min(order.length - 1, order.indexOf(command) + by))];
}

/** "barrier 48 %, host 20 %": why units were idle, the most frequent reasons first. */
export function idleText(schedule: Schedule, most = 2): string {
  const total = schedule.busy_ns + Object.values(schedule.idle_ns).reduce((sum, ns) => sum + ns, 0);
  return Object.entries(schedule.idle_ns)
    .filter(([, ns]) => ns >= 0.005 * total)
    .sort(([, a], [, b]) => b - a)
    .slice(0, most)
    .map(([reason, ns]) => `${reason} ${percent(ns / total)}`)
    .join(", ");
}

export function percent(share: number): string {
  return `${Math.round(100 * share)}\u00a0%`;
}

/** The numbers of a policy, beside the first one's makespan. */
export function figuresOf(schedule: Schedule, first: Schedule): [string, string][] {
  const latency = schedule.latencies_ns.reduce((sum, ns) => sum + ns, 0) / schedule.latencies_ns.length;
  return [
    ["makespan", formatNs(schedule.makespan_ns)],
    ["speed", `${(first.makespan_ns / Math.max(schedule.makespan_ns, 1)).toFixed(2)}×`],
    ["used", percent(schedule.utilisation)],
    ["interval", formatNs(schedule.interval_ns)],
    ["latency", formatNs(latency)],
    ["lower bound", formatNs(schedule.lower_bound_ns)],
    ["peak", formatBytes(schedule.peak_bytes)],
    ["reserved", schedule.reserved_bytes === null ? "" : formatBytes(schedule.reserved_bytes)],
  ];
}

/** What was simulated: bounds, and where the times are from. */
export function summaryOf(simulation: Simulation): string[] {
  const { settings } = simulation;
  const counts = new Map<string, number>();
  for (const { times } of simulation.commands) counts.set(times, (counts.get(times) ?? 0) + 1);
  const sources = [...counts].map(([source, count]) => `${count} ${source}`).join(", ");
  const parts = [
    `critical path ${formatNs(simulation.critical_path_ns)}`,
    `work ${formatNs(simulation.work_ns / settings.units)} on all units`,
    `times: ${sources}`,
  ];
  if (simulation.prediction_error !== null && simulation.measured_ns !== null) {
    const error = 100 * simulation.prediction_error;
    const percent = Math.abs(error).toFixed(1);
    const sign = percent === "0.0" ? "±" : error < 0 ? "−" : "+";
    parts.push(`the run took ${formatNs(simulation.measured_ns)}, waves predict ${sign}${percent} %`);
  }
  if (simulation.unsized_values) parts.push(`${simulation.unsized_values} values sized at run time are not counted`);
  return parts;
}
