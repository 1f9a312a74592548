/** What is selected, in words: a command, a slice, a barrier; and links to its counterparts. */
import { commandsOf, refKind, refNumber, type LinkSources, type Ref } from "../data/entities.ts";
import { barrierText, rangeText } from "../data/barrier_rows.ts";
import { bufferDevice, executionDevice, slabDevices } from "../data/devices.ts";
import { formatBytes, plural } from "../data/format.ts";
import { shortName, shortResource } from "../data/names.ts";
import { button, h } from "./dom.ts";
import { facts, heading } from "./facts.ts";

const MOST_LINKS = 6;

/** null where the details of what is selected stand elsewhere, as an event's do. */
export function itemSection(
  item: Ref,
  related: ReadonlySet<Ref>,
  sources: LinkSources,
  onSelect: (ref: Ref) => void,
): HTMLElement | null {
  const described = describe(item, sources);
  if (!described) return null;
  const section = h("section", { "data-il": "item-details" }, ...described);
  const links = counterparts(item, related, sources, onSelect);
  if (links) section.append(h("h4", {}, "The same elsewhere"), links);
  return section;
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
      ["Byte", String(found.pc)],
      ["Dispatches", found.entry_point, "code"],
      ["Location", found.location, "code"],
    ]),
  ];
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

function counterparts(
  item: Ref,
  related: ReadonlySet<Ref>,
  sources: LinkSources,
  onSelect: (ref: Ref) => void,
): HTMLElement | null {
  const others = [...related].filter((ref) => ref !== item && refKind(ref) !== "event");
  if (!others.length) return null;
  const list = h("ul", { class: "il-counterparts" });
  const commands = sources.stream ? commandsOf(sources.stream) : [];
  const name = (ref: Ref): string => {
    const kind = refKind(ref);
    if (kind === "command") return `command ${refNumber(ref)} ${shortName(commands[refNumber(ref)]?.name ?? "")}`;
    if (kind === "slice") return `slice ${sources.allocation?.slices[refNumber(ref)]?.name ?? refNumber(ref)}`;
    if (kind === "kernel") return `kernel ${shortName(ref.slice(ref.lastIndexOf(":") + 1))}`;
    return `${kind} ${ref.slice(kind.length + 1)}`;
  };
  for (const ref of others.slice(0, MOST_LINKS))
    list.append(h("li", {}, button(name(ref), { class: "il-link", title: ref }, () => onSelect(ref))));
  if (others.length > MOST_LINKS) list.append(h("li", { class: "il-muted" }, `and ${others.length - MOST_LINKS} more`));
  return list;
}
