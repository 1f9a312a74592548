/** Command buffers as rows: a head, commands, the barriers between them; hazards as arcs. Pure. */
import { bufferDevice } from "./devices.ts";
import { formatBytes, formatCount, plural } from "./format.ts";
import type { Barriers, CommandBuffer, Hazard, RecordedCommand, StreamGraph } from "./model_types.ts";
import { shortResource } from "./names.ts";

export type BarrierRow =
  | { kind: "buffer"; buffer: CommandBuffer; device: string; waits: string[] }
  | { kind: "command"; buffer: CommandBuffer; command: RecordedCommand; ref: string }
  | { kind: "barrier"; buffer: CommandBuffer; number: number; ref: string }
  | { kind: "missing"; buffer: CommandBuffer; hazard: Hazard; ref: string };

export interface Arc {
  /** Rows of the two commands. */
  from: number;
  to: number;
  hazard: Hazard;
  missing: boolean;
  /** The row of the barrier that guards it first, or -1. */
  guard: number;
}

export interface BarrierList {
  rows: BarrierRow[];
  arcs: Arc[];
  /** "recorded:0.3" and "barrier:0.1" -> row. */
  rowOf: Map<string, number>;
}

/** In submission order: executions run as the stream graph has them. */
export function barrierList(model: Barriers, stream: StreamGraph | null): BarrierList {
  const rows: BarrierRow[] = [];
  const rowOf = new Map<string, number>();
  const arcs: Arc[] = [];
  const order = (buffer: CommandBuffer) => buffer.execution ?? Infinity;
  const buffers = [...model.command_buffers].sort((a, b) => order(a) - order(b) || a.index - b.index);
  for (const buffer of buffers) {
    const waits = buffer.execution === null ? [] : (stream?.executions[buffer.execution]?.awaits ?? []);
    rows.push({ kind: "buffer", buffer, device: bufferDevice(model, buffer.index), waits });
    const rowOfCommand: number[] = [];
    const add = (row: BarrierRow & { ref: string }) => {
      rowOf.set(row.ref, rows.length);
      rows.push(row);
    };
    for (let position = 0; position <= buffer.commands.length; position++) {
      buffer.barriers.forEach((barrier, number) => {
        if (barrier.position === position)
          add({ kind: "barrier", buffer, number, ref: `barrier:${buffer.index}.${number}` });
      });
      for (const i of buffer.missing)
        if (buffer.hazards[i].to === position)
          add({ kind: "missing", buffer, hazard: buffer.hazards[i], ref: `hazard:${buffer.index}.${i}` });
      const command = buffer.commands[position];
      if (!command) continue;
      rowOfCommand.push(rows.length);
      add({ kind: "command", buffer, command, ref: `recorded:${buffer.index}.${position}` });
    }
    buffer.hazards.forEach((hazard, i) => {
      const number = buffer.barriers.findIndex((barrier) => barrier.guards.includes(i));
      arcs.push({
        from: rowOfCommand[hazard.from],
        to: rowOfCommand[hazard.to],
        hazard,
        missing: buffer.missing.includes(i),
        guard: rowOf.get(`barrier:${buffer.index}.${number}`) ?? -1,
      });
    });
  }
  return { rows, arcs, rowOf };
}

/** "RAW %result_0 [0, 4,096) 0→1" */
export function hazardText({ kind, resource, from, to, exact, ...range }: Hazard): string {
  return `${kind} ${shortResource(resource)} ${rangeText(range)} ${from}→${to}${exact ? "" : " (may overlap)"}`;
}

export function rangeText(range: { offset_bytes: number | null; length_bytes: number | null }): string {
  const { offset_bytes: offset, length_bytes: length } = range;
  if (offset === null || length === null) return "[range known at run time)";
  return `[${formatCount(offset)}, ${formatCount(offset + length)})`;
}

export function barrierText(buffer: CommandBuffer, number: number): string {
  const barrier = buffer.barriers[number];
  const [first] = barrier.guards;
  if (barrier.redundant)
    return barrier.guards.length ? "redundant: others guard the same" : "redundant: guards nothing";
  if (first === undefined) return "guards nothing";
  const rest = barrier.guards.length - 1;
  return hazardText(buffer.hazards[first]) + (rest > 0 ? ` and ${formatCount(rest)} more` : "");
}

export function commandText(command: RecordedCommand): string {
  const known = command.workgroups.every((count) => count !== null);
  const groups = command.workgroups.length && known ? command.workgroups.join("×") : "";
  const bytes = command.accesses.reduce((sum, access) => sum + (access.length_bytes ?? 0), 0);
  return [groups, bytes ? formatBytes(bytes) : ""].filter(Boolean).join(" · ");
}

export function bufferText(buffer: CommandBuffer): string {
  return [
    plural(buffer.commands.length, "command"),
    `${plural(buffer.barriers.length, "barrier")}, ${formatCount(buffer.needed)} needed`,
    buffer.reusable ? "recorded once" : "recorded each call",
  ].join(" · ");
}

/** Where a walk through the submissions stands once the row's command has been issued. */
export function progressText(list: BarrierList, row: number): string {
  const done = list.rows.slice(0, row + 1);
  const buffers = done.filter((one) => one.kind === "buffer").length;
  const commands = done.filter((one) => one.kind === "command").length;
  const open = list.arcs.filter((arc) => arc.from <= row && arc.to > row).length;
  return [
    `submission ${buffers}`,
    `${plural(commands, "command")} issued`,
    open ? `${plural(open, "hazard")} ahead of ${open === 1 ? "its" : "their"} reader or writer` : "nothing outstanding",
  ].join(" · ");
}

/** How far a resource is used, so that ranges can be drawn to scale. */
export function extentsOf(model: Barriers): Map<string, number> {
  const extents = new Map<string, number>();
  for (const { commands } of model.command_buffers)
    for (const { accesses, bindings } of commands)
      for (const { resource, offset_bytes, length_bytes } of [...accesses, ...bindings]) {
        const end = (offset_bytes ?? 0) + (length_bytes ?? 0);
        extents.set(resource, Math.max(extents.get(resource) ?? 0, end));
      }
  return extents;
}
