/** The program as the VM runs it: one list of functions and instructions, and who uses what. */
import { formatBytes, plural } from "./format.ts";
import type { Ref } from "./entities.ts";

export interface VmInstruction {
  id: string;
  pc: number;
  text: string;
  location: string;
  /** "" for the marker of a block. */
  mnemonic: string;
  import_name: string;
  calls: string;
  rodata: number[];
  globals: string[];
  entry_point: string;
  events: number[];
}

export interface VmFunction {
  ordinal: number;
  name: string;
  exported: boolean;
  parameters: string[];
  instructions: VmInstruction[];
}

export interface VmListing {
  name: string;
  exports: Record<string, number>;
  imports: { ordinal: number; name: string; signature: string; optional: boolean; calls: number }[];
  globals: { slot: string; uses: string[] }[];
  rodata: { ordinal: number; size_bytes: number; preview: string; uses: string[] }[];
  functions: VmFunction[];
  linked_events: number | null;
}

export type VmRow =
  | { kind: "function"; of: VmFunction }
  | { kind: "instruction"; of: VmFunction; instruction: VmInstruction };

export function refOf(instruction: VmInstruction): Ref {
  return `instruction:${instruction.id}`;
}

/** Instructions under their functions; `callsOnly` keeps those that call, or caused an event. */
export function vmRows(listing: VmListing, callsOnly: boolean): VmRow[] {
  return listing.functions.flatMap((of): VmRow[] => [
    { kind: "function", of },
    ...of.instructions
      .filter((one) => !callsOnly || one.import_name || one.calls || one.events.length)
      .map((instruction): VmRow => ({ kind: "instruction", of, instruction })),
  ]);
}

/** The next row whose text has all words, from `from` on and around. -1: there is none. */
export function findRow(rows: readonly VmRow[], text: string, from: number): number {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return -1;
  for (let k = 0; k < rows.length; k++) {
    const at = (from + k + rows.length) % rows.length;
    const shown = rowText(rows[at]).toLowerCase();
    if (words.every((word) => shown.includes(word))) return at;
  }
  return -1;
}

function rowText(row: VmRow): string {
  if (row.kind === "function") return `func @${row.of.name}`;
  const { text, entry_point, location } = row.instruction;
  return `${text} ${entry_point} ${location}`;
}

/** Imports, exports, globals and read-only data: each with the instructions that use it. */
export interface SideItem {
  label: string;
  detail: string;
  title: string;
  /** Ids of instructions. */
  uses: readonly string[];
}

export interface SideSection {
  title: string;
  items: SideItem[];
}

export function sideSections(listing: VmListing): SideSection[] {
  const callers = new Map<string, string[]>();
  for (const { instructions } of listing.functions)
    for (const { import_name, id } of instructions)
      if (import_name) callers.set(import_name, [...(callers.get(import_name) ?? []), id]);
  const startOf = (ordinal: number) => listing.functions.find((one) => one.ordinal === ordinal)?.instructions[0]?.id;
  const uses = (count: number) => plural(count, "use");
  return [
    {
      title: "Exports",
      items: Object.entries(listing.exports).map(([name, ordinal]) => {
        const start = startOf(ordinal);
        return { label: `@${name}`, detail: `function ${ordinal}`, title: name, uses: start ? [start] : [] };
      }),
    },
    {
      title: "Imports",
      items: listing.imports.map(({ name, signature, optional, calls }) => ({
        label: name,
        detail: plural(calls, "call"),
        title: `${name}${signature}${optional ? " (optional)" : ""}`,
        uses: callers.get(name) ?? [],
      })),
    },
    {
      title: "Globals",
      items: listing.globals.map((one) => ({ label: one.slot, detail: uses(one.uses.length), title: one.slot, uses: one.uses })),
    },
    {
      title: "Read-only data",
      items: listing.rodata.map((one) => ({
        label: `${one.ordinal} ${one.preview}`,
        detail: formatBytes(one.size_bytes),
        title: one.preview,
        uses: one.uses,
      })),
    },
  ];
}

/** Instructions that dispatch an entry point, in the order of the listing. */
export function dispatchersOf(listing: VmListing): Map<string, VmInstruction[]> {
  const found = new Map<string, VmInstruction[]>();
  for (const { instructions } of listing.functions)
    for (const one of instructions)
      if (one.entry_point) found.set(one.entry_point, [...(found.get(one.entry_point) ?? []), one]);
  return found;
}

/** "mlp.mlir:8:1" of a longer path; "" where the compiler kept no place. */
export function shortPlace(location: string): string {
  return location.endsWith(":0:0") ? "" : location.slice(location.lastIndexOf("/") + 1);
}

/** The row and column of a place, or null. */
export function lineOfPlace(location: string): number | null {
  const match = /:(\d+):\d+$/.exec(location);
  return match && Number(match[1]) ? Number(match[1]) : null;
}
