/**
 * What can be selected, and what each thing is called in the other models. A reference is a kind
 * and a number: "command:5" (of the stream graph), "recorded:0.5" (command buffer, command),
 * "barrier:0.1" (command buffer, barrier), "slice:3", "event:12"; or a kind and a name:
 * "kernel:executable::function", "instruction:1:170" (VM function, byte). What is of another side
 * of a comparison is of another kind: "event@1:12", "slice@2:3".
 */
import type { Allocation, Barriers, Command, StreamGraph } from "./model_types.ts";
import type { TimelineEvent } from "./types.ts";
import { dispatchersOf, refOf, type VmListing } from "./vm_rows.ts";

export type Ref = string;

export interface LinkSources {
  stream: StreamGraph | null;
  allocation: Allocation | null;
  barriers: Barriers | null;
  vm?: VmListing | null;
}

/** Commands that order memory but are recorded as nothing. */
const UNRECORDED = new Set(["flush", "invalidate", "discard"]);

export function refKind(ref: Ref): string {
  return ref.slice(0, ref.indexOf(":"));
}

export function refNumber(ref: Ref): number {
  return Number(ref.slice(ref.indexOf(":") + 1));
}

export function eventOf(ref: Ref | null): number | null {
  return ref !== null && refKind(ref) === "event" ? refNumber(ref) : null;
}

export function isRef(value: unknown): value is Ref {
  return typeof value === "string" && /^[a-z]+(@[1-9]\d*)?:./.test(value);
}

/** 0 for the first side. */
export function sideOf(ref: Ref): number {
  return Number(/^[a-z]+@(\d+):/.exec(ref)?.[1] ?? 0);
}

export function refOn(side: number, kind: string, number: number): Ref {
  return side ? `${kind}@${side}:${number}` : `${kind}:${number}`;
}

export function commandsOf(stream: StreamGraph): Command[] {
  return [...stream.dispatches, ...stream.others].sort((a, b) => a.index - b.index);
}

/** Where a barrier stands among all that a function records. */
export interface BarrierPlace {
  fn: string;
  nth: number;
  count: number;
}

/** Where a dispatch stands among all of its entry point. */
export interface Occurrence {
  entryPoint: string;
  nth: number;
  count: number;
}

export class Entities {
  private readonly commands: Command[];
  private readonly neighbours = new Map<Ref, Set<Ref>>();
  private readonly byEntryPoint = new Map<string, number[]>();
  private readonly barrierPlaces = new Map<Ref, BarrierPlace>();

  constructor(
    private readonly sources: LinkSources,
    private readonly events: readonly TimelineEvent[],
  ) {
    this.commands = sources.stream ? commandsOf(sources.stream) : [];
    for (const command of this.commands) {
      if (!command.entry_point) continue;
      const peers = this.byEntryPoint.get(command.entry_point);
      if (peers) peers.push(command.index);
      else this.byEntryPoint.set(command.entry_point, [command.index]);
    }
    this.linkKernels();
    this.linkRecorded();
    this.placeBarriers();
    this.linkSlices();
    this.linkEvents();
    this.linkInstructions();
  }

  /** The thing itself and its counterparts; a command is what joins all others. */
  related(ref: Ref | null): ReadonlySet<Ref> {
    const found = new Set<Ref>();
    if (ref === null) return found;
    found.add(ref);
    for (const near of this.neighbours.get(ref) ?? []) {
      found.add(near);
      if (refKind(ref) === "command" || refKind(near) !== "command") continue;
      // Of the commands that touch a slice or a barrier: where they were recorded, and ran.
      for (const next of this.neighbours.get(near) ?? [])
        if (refKind(next) === "event" || refKind(next) === "recorded" || isIdentity(ref)) found.add(next);
    }
    return found;
  }

  /** The dispatch that a reference stands for, to find its line in a text. */
  occurrence(ref: Ref): Occurrence | null {
    for (const one of this.related(ref)) {
      if (refKind(one) !== "command") continue;
      const command = this.commands[refNumber(one)];
      const peers = this.byEntryPoint.get(command?.entry_point ?? "");
      if (peers)
        return { entryPoint: command.entry_point, nth: peers.indexOf(command.index), count: peers.length };
    }
    return null;
  }

  /** The command that dispatches an entry point for the nth time. */
  commandOf(entryPoint: string, nth: number): Ref | null {
    const peers = this.byEntryPoint.get(entryPoint);
    return peers ? `command:${peers[Math.min(nth, peers.length - 1)]}` : null;
  }

  /** The kernel of an entry point that is dispatched. */
  kernelOf(entryPoint: string): Ref | null {
    const [first] = this.byEntryPoint.get(entryPoint) ?? [];
    return first === undefined ? null : `kernel:${this.commands[first].executable}::${entryPoint}`;
  }

  barrierPlace(ref: Ref): BarrierPlace | null {
    return this.barrierPlaces.get(ref) ?? null;
  }

  /** The barrier at a place, where its function records as many as are known. */
  barrierAt({ fn, nth, count }: BarrierPlace): Ref | null {
    for (const [ref, place] of this.barrierPlaces)
      if (place.fn === fn && place.nth === nth && place.count === count) return ref;
    return null;
  }

  private link(a: Ref, b: Ref): void {
    for (const [from, to] of [[a, b], [b, a]] as const) {
      const known = this.neighbours.get(from);
      if (known) known.add(to);
      else this.neighbours.set(from, new Set([to]));
    }
  }

  private linkKernels(): void {
    for (const { index, executable, entry_point } of this.commands)
      if (entry_point) this.link(`kernel:${executable}::${entry_point}`, `command:${index}`);
  }

  private linkRecorded(): void {
    for (const buffer of this.sources.barriers?.command_buffers ?? []) {
      const recorded = this.commands.filter(
        (command) => command.execution === buffer.execution && !UNRECORDED.has(command.kind),
      );
      const command = (position: number): Ref | null => {
        const name = buffer.commands[position]?.name;
        const same = recorded[position];
        return same && same.name === name ? `command:${same.index}` : null;
      };
      buffer.commands.forEach((_, position) => {
        const of = command(position);
        if (of) this.link(of, `recorded:${buffer.index}.${position}`);
      });
      buffer.barriers.forEach((barrier, k) => {
        const ref = `barrier:${buffer.index}.${k}`;
        for (const guarded of barrier.guards) {
          const { from, to } = buffer.hazards[guarded];
          for (const position of [from, to]) {
            this.link(ref, `recorded:${buffer.index}.${position}`);
            const of = command(position);
            if (of) this.link(ref, of);
          }
        }
      });
    }
  }

  /** A function may record several command buffers, one after the other. */
  private placeBarriers(): void {
    const buffers = this.sources.barriers?.command_buffers ?? [];
    const total = (fn: string) => buffers.reduce((sum, one) => sum + (one.function === fn ? one.barriers.length : 0), 0);
    const before = new Map<string, number>();
    for (const { index, function: fn, barriers } of buffers) {
      const first = before.get(fn) ?? 0;
      const count = total(fn);
      barriers.forEach((_, k) => this.barrierPlaces.set(`barrier:${index}.${k}`, { fn, nth: first + k, count }));
      before.set(fn, first + barriers.length);
    }
  }

  private linkSlices(): void {
    this.sources.allocation?.slices.forEach((slice, i) => {
      const first = this.commands[slice.uses[0]];
      if (slice.uses.length && first?.name !== slice.defined_by) return;
      for (const use of slice.uses) this.link(`slice:${i}`, `command:${use}`);
    });
  }

  /** A program that dispatches an entry point several times runs through its commands in turn. */
  private linkEvents(): void {
    const seen = new Map<string, number>();
    this.events.forEach(({ entry_point }, i) => {
      const peers = this.byEntryPoint.get(entry_point);
      if (!peers) return;
      const nth = seen.get(entry_point) ?? 0;
      seen.set(entry_point, nth + 1);
      this.link(`event:${i}`, `command:${peers[nth % peers.length]}`);
    });
  }

  /** Dispatching instructions are commands, in order; calls are linked to the events they caused. */
  private linkInstructions(): void {
    const { vm } = this.sources;
    if (!vm) return;
    for (const [entryPoint, dispatchers] of dispatchersOf(vm)) {
      const peers = this.byEntryPoint.get(entryPoint) ?? [];
      if (peers.length === dispatchers.length)
        peers.forEach((command, i) => this.link(refOf(dispatchers[i]), `command:${command}`));
      else if (dispatchers.length === 1)
        for (const command of peers) this.link(refOf(dispatchers[0]), `command:${command}`);
    }
    for (const { instructions } of vm.functions)
      for (const one of instructions) for (const event of one.events) this.link(refOf(one), `event:${event}`);
  }
}

function isIdentity(ref: Ref): boolean {
  return ["event", "recorded", "instruction"].includes(refKind(ref));
}
