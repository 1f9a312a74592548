/** Command buffers as rows: a head, commands, the barriers between them; hazards as arcs. Pure. */
import { bufferDevice } from "./devices.ts";
import { formatBytes, formatCount, formatNs, plural } from "./format.ts";
import type { Barriers, CommandBuffer, Concurrency, Hazard, RecordedCommand, Submission } from "./model_types.ts";
import { shortResource } from "./names.ts";

export type BarrierRow =
  | { kind: "submission"; submission: Submission }
  | { kind: "buffer"; buffer: CommandBuffer; device: string; submission: Submission | null }
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
  /** Per row, how many rows of submissions there are up to it. */
  submitted: number[];
}

/** In the order in which the host submits; what it was not seen to submit comes last. */
export function barrierList(model: Barriers): BarrierList {
  const rows: BarrierRow[] = [];
  const rowOf = new Map<string, number>();
  const arcs: Arc[] = [];
  const left = new Set(model.command_buffers);
  const order: [Submission | null, CommandBuffer | null][] = model.submissions.map((submission) => {
    const buffer = model.command_buffers.find(({ index }) => index === submission.command_buffer) ?? null;
    if (buffer) left.delete(buffer);
    return [submission, buffer];
  });
  for (const [submission, buffer] of [...order, ...[...left].map((one) => [null, one] as [null, CommandBuffer])]) {
    if (!buffer) {
      if (submission) rows.push({ kind: "submission", submission });
      continue;
    }
    const again = rowOf.has(`recorded:${buffer.index}.0`);
    rows.push({ kind: "buffer", buffer, device: bufferDevice(model, buffer.index), submission });
    if (again) continue; // its commands stand where it was submitted first
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
  let count = 0;
  const submitted = rows.map((row) => (row.kind === "submission" || row.kind === "buffer" ? ++count : count));
  return { rows, arcs, rowOf, submitted };
}

/** Fences of the function that is walked through, and whether they are signaled at a row. */
export function fencesAt(list: BarrierList, row: number): { name: string; signaled: boolean }[] {
  const own = (at: number): Submission | null => {
    const found = list.rows[at];
    return found && (found.kind === "submission" || found.kind === "buffer") ? found.submission : null;
  };
  let start = row;
  while (start > 0 && !own(start)) start--;
  const here = own(start);
  if (!here) return [];
  const fences = new Map<string, boolean>();
  const note = (names: readonly string[], signaled: boolean) => {
    for (const name of names) fences.set(name, signaled || (fences.get(name) ?? false));
  };
  list.rows.forEach((_, at) => {
    const submission = own(at);
    if (submission?.function !== here.function) return;
    // The commands of a buffer have to end before its fences are signaled.
    let end = at;
    while (end + 1 < list.rows.length && !["submission", "buffer"].includes(list.rows[end + 1].kind)) end++;
    note(submission.waits, at <= row);
    note(submission.signals, end <= row);
  });
  return [...fences].map(([name, signaled]) => ({ name, signaled }));
}

/** "alloca 448 KiB main/%transient_buffer" */
export function submissionText({ kind, size_bytes, resource }: Submission): string {
  const size = size_bytes === null ? "" : formatBytes(size_bytes);
  const name = resource ? shortResource(resource) : "";
  if (kind === "await") return "host waits";
  return [kind, size, name].filter(Boolean).join(" ");
}

/** "waits for %fence, %fence_0 · signals %fence_3" */
export function fenceText({ waits, signals }: Submission): string {
  return [
    waits.length ? `waits for ${waits.join(", ")}` : "",
    signals.length ? `signals ${signals.join(", ")}` : "",
  ]
    .filter(Boolean)
    .join(" · ");
}

/** What a command buffer took, and how much of it could run at once. */
export function concurrencyText({ total_ns, emitted_ns, critical_ns, emitted, achievable }: Concurrency): string {
  return (
    `${formatNs(total_ns)} of commands · ${formatNs(emitted_ns)} between these barriers (${emitted.toFixed(2)} at once) · ` +
    `critical path ${formatNs(critical_ns)} (${achievable.toFixed(2)} achievable)`
  );
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
  const commands = done.filter((one) => one.kind === "command").length;
  const open = list.arcs.filter((arc) => arc.from <= row && arc.to > row).length;
  return [
    `submission ${list.submitted[row] ?? 0} of ${list.submitted[list.submitted.length - 1] ?? 0}`,
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
