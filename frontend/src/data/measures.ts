/** What commands cost: measured time, bytes touched, work. Pure. */
import type { Entities } from "./entities.ts";
import { refKind, refNumber } from "./entities.ts";
import { formatBytes, formatCount, formatNs } from "./format.ts";
import type { Command } from "./model_types.ts";
import type { TimelineEvent } from "./types.ts";

export type Measure = "time" | "bytes" | "workgroups";

/** Bytes that a command reads and writes, those known only at run time left out. */
export function bytesOf(command: Command): number {
  const sum = (total: number, { length_bytes }: { length_bytes: number | null }) => total + (length_bytes ?? 0);
  return command.writes.reduce(sum, command.reads.reduce(sum, 0));
}

export class Measures {
  private readonly ns: Float64Array;
  private readonly workgroups: Float64Array;

  constructor(
    private readonly commands: readonly Command[],
    events: readonly TimelineEvent[],
    entities: Entities,
  ) {
    this.ns = new Float64Array(commands.length);
    this.workgroups = new Float64Array(commands.length);
    commands.forEach(({ index }) => {
      let runs = 0;
      for (const ref of entities.related(`command:${index}`)) {
        const event = refKind(ref) === "event" ? events[refNumber(ref)] : undefined;
        if (!event) continue;
        runs++;
        this.ns[index] += event.end_ns - event.start_ns;
        this.workgroups[index] = event.workgroups?.reduce((a, b) => a * b, 1) ?? 0;
      }
      if (runs) this.ns[index] /= runs;
    });
  }

  has(measure: Measure): boolean {
    return this.commands.some(({ index }) => this.of(measure, index) > 0);
  }

  /** One command's: mean nanoseconds of its runs, bytes, or workgroups. */
  of(measure: Measure, command: number): number {
    if (measure === "time") return this.ns[command];
    return measure === "bytes" ? bytesOf(this.commands[command]) : this.workgroups[command];
  }

  sum(measure: Measure, commands: readonly number[]): number {
    return commands.reduce((total, command) => total + this.of(measure, command), 0);
  }

  text(measure: Measure, amount: number): string {
    if (measure === "time") return formatNs(amount);
    return measure === "bytes" ? formatBytes(amount) : `${formatCount(amount)}\u00a0wg`;
  }

  /** "7.6 µs · 39 KiB · 2 wg", what is not known left out. */
  caption(commands: readonly number[]): string {
    const [ns, bytes, groups] = [this.sum("time", commands), this.sum("bytes", commands), this.sum("workgroups", commands)];
    return [
      ns ? formatNs(ns) : "",
      bytes ? formatBytes(bytes) : "",
      groups ? `${formatCount(groups)}\u00a0wg` : "",
    ]
      .filter(Boolean)
      .join(" · ");
  }
}
