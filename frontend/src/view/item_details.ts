/** What is selected, in words: a command, a slice, a barrier; and links to its counterparts. */
import { commandsOf, refKind, refNumber, type LinkSources, type Ref } from "../data/entities.ts";
import { barrierText, rangeText } from "../data/barrier_rows.ts";
import { bufferDevice, executionDevice, slabDevices } from "../data/devices.ts";
import { formatBytes, formatNs, plural } from "../data/format.ts";
import { shortName, shortResource } from "../data/names.ts";
import type { TimelineEvent } from "../data/types.ts";
import { button, h } from "./dom.ts";
import { facts, heading } from "./facts.ts";

const MOST_LINKS = 4;

/** What there is to link to, in the order of the compilation. */
const KINDS = [
  ["command", "Command"],
  ["slice", "Slice"],
  ["barrier", "Barrier"],
  ["recorded", "Recorded"],
  ["kernel", "Kernel"],
  ["instruction", "VM instruction"],
  ["event", "Event"],
] as const;

/** null where the details of what is selected stand elsewhere, as an event's do. */
export function itemSection(item: Ref, sources: LinkSources): HTMLElement | null {
  const described = describe(item, sources);
  return described && h("section", { "data-il": "item-details" }, ...described);
}

/** What is selected as the other panes have it; null where they do not. */
export function elsewhereSection(
  item: Ref,
  related: ReadonlySet<Ref>,
  sources: LinkSources,
  timeline: readonly TimelineEvent[],
  onSelect: (ref: Ref) => void,
): HTMLElement | null {
  const links = counterparts(item, related, sources, timeline, onSelect);
  return links && h("section", { "data-il": "elsewhere" }, h("h4", {}, "The same elsewhere"), links);
}

function describe(item: Ref, sources: LinkSources): HTMLElement[] | null {
  const kind = refKind(item);
  if (kind === "command" && sources.stream) return describeCommand(refNumber(item), sources);
  if (kind === "slice" && sources.allocation) return describeSlice(refNumber(item), sources);
  if (kind === "kernel") return describeKernel(item);
  if (kind === "instruction") return describeInstruction(item, sources);
  if ((kind === "barrier" || kind === "recorded") && sources.barriers) return describeRecorded(item, sources);
  return null;
}

function describeCommand(index: number, { stream }: LinkSources): HTMLElement[] | null {
  const command = stream ? commandsOf(stream)[index] : undefined;
  if (!command) return null;
  const accesses = [...command.reads.map((one) => ["reads", one] as const), ...command.writes.map((one) => ["writes", one] as const)];
  return [
    heading(command.name, command.kind),
    facts([
      ["Command", String(command.index)],
      ["Execution, wave", `${command.execution}, ${command.wave}`],
      ["Device", stream ? executionDevice(stream, command.execution) : ""],
      ["Workload", command.workload.map((value) => value ?? "?").join(" × ")],
      ["Executable", command.executable, "code"],
    ]),
    ...accesses.map(([verb, one]) =>
      h("div", { class: "il-access", title: one.resource }, `${verb} ${shortResource(one.resource)} ${rangeText(one)}`),
    ),
  ];
}

function describeSlice(index: number, { allocation }: LinkSources): HTMLElement[] | null {
  const slice = allocation?.slices[index];
  if (!allocation || !slice) return null;
  const bytes = (value: number | null) => (value === null ? "at run time" : formatBytes(value));
  return [
    heading(slice.name, "slice"),
    facts([
      ["Size", bytes(slice.size_bytes)],
      ["Offset", slice.offset_bytes === null ? "at run time" : slice.offset_bytes.toLocaleString("en-US")],
      ["Steps", `${slice.start} to ${slice.end}`],
      ["Slab", allocation.slabs[slice.slab]?.resource ?? ""],
      ["Device", slabDevices(allocation, slice.slab)],
      ["Defined by", shortName(slice.defined_by)],
      ["Last used by", shortName(slice.last_used_by)],
      ["In place", slice.in_place.length ? `updated by ${plural(slice.in_place.length, "command")}` : ""],
    ]),
  ];
}

function describeKernel(item: Ref): HTMLElement[] {
  const [executable, name] = item.slice("kernel:".length).split("::");
  return [heading(name ?? executable, "kernel"), facts([["Executable", executable, "code"]])];
}

function describeInstruction(item: Ref, { vm }: LinkSources): HTMLElement[] | null {
  const id = item.slice("instruction:".length);
  const of = vm?.functions.find(({ ordinal }) => id.startsWith(`${ordinal}:`));
  const found = of?.instructions.find((one) => one.id === id);
  if (!of || !found) return null;
  return [
    heading(found.import_name || found.mnemonic, "instruction"),
    facts([
      ["Function", `@${of.name}`, "code"],
      ["Byte", byteText(found.pc), "code"],
      ["Dispatches", found.entry_point, "code"],
      ["Location", found.location, "code"],
    ]),
  ];
}

/** As the VM pane writes it. */
function byteText(pc: number): string {
  return pc.toString(16).padStart(4, "0");
}

function instructionName(ref: Ref, { vm }: LinkSources): string {
  const [ordinal, pc] = ref.slice(ref.indexOf(":") + 1).split(":");
  const name = vm?.functions.find((one) => String(one.ordinal) === ordinal)?.name ?? ordinal;
  return `@${name} ${byteText(Number(pc))}`;
}

function describeRecorded(item: Ref, { barriers }: LinkSources): HTMLElement[] | null {
  const [buffer, number] = item.slice(item.indexOf(":") + 1).split(".").map(Number);
  const found = barriers?.command_buffers.find((one) => one.index === buffer);
  if (refKind(item) === "recorded") {
    const command = found?.commands[number];
    if (!command) return null;
    return [
      heading(command.name, "recorded"),
      facts([
        ["Command buffer", `${buffer} @${found.function}`],
        ["Device", barriers ? bufferDevice(barriers, buffer) : ""],
        ["Position", String(number)],
        ["Workgroups", command.workgroups.map((count) => count ?? "?").join("×")],
      ]),
    ];
  }
  const barrier = found?.barriers[number];
  if (!found || !barrier) return null;
  return [
    heading(`Barrier ${number}`, barrier.redundant ? "redundant" : "needed"),
    facts([
      ["Command buffer", `${buffer} @${found.function}`],
      ["Guards", plural(barrier.guards.length, "hazard")],
      ["First", barrierText(found, number)],
    ]),
  ];
}

/** Links by kind, so that many of one do not hide the others. */
function counterparts(
  item: Ref,
  related: ReadonlySet<Ref>,
  sources: LinkSources,
  timeline: readonly TimelineEvent[],
  onSelect: (ref: Ref) => void,
): HTMLElement | null {
  const byKind = new Map<string, Ref[]>();
  for (const ref of related) if (ref !== item) byKind.set(refKind(ref), [...(byKind.get(refKind(ref)) ?? []), ref]);
  const commands = sources.stream ? commandsOf(sources.stream) : [];
  const name = (ref: Ref): string => {
    const number = refNumber(ref);
    switch (refKind(ref)) {
      case "command": return `${number} ${shortName(commands[number]?.name ?? "")}`;
      case "slice": return sources.allocation?.slices[number]?.name ?? String(number);
      case "kernel": return shortName(ref.slice(ref.lastIndexOf(":") + 1));
      case "instruction": return instructionName(ref, sources);
      case "event": return timeline[number] ? formatNs(timeline[number].end_ns - timeline[number].start_ns) : String(number);
      default: return ref.slice(ref.indexOf(":") + 1);
    }
  };
  const rows = KINDS.flatMap(([kind, label]) => {
    const refs = byKind.get(kind);
    if (!refs) return [];
    const links = refs.slice(0, MOST_LINKS).flatMap((ref, i) => [
      i ? ", " : "",
      button(name(ref), { class: "il-link", title: ref, "data-kind": kind }, () => onSelect(ref)),
    ]);
    const rest = refs.length > MOST_LINKS ? ` and ${refs.length - MOST_LINKS} more` : "";
    return [h("dt", {}, refs.length > 1 ? `${label}s` : label), h("dd", {}, ...links, rest)];
  });
  return rows.length ? h("dl", { class: "il-counterparts" }, ...rows) : null;
}
