/** Where a call stands that the kernel steps through: the trait `stepping`, as `vm/debug_state.py` writes it. Pure. */
import { plural } from "./format.ts";

export interface HeldValue {
  name: string;
  /** "i32", "i64", "f32", "f64", "ref". */
  type: string;
  text: string;
  /** It is not what it was when the last move began. */
  changed: boolean;
  facts: [string, string][];
  /** Its bytes can be read. */
  readable: boolean;
  /** Others that hold the very same object. */
  same: string[];
}

export interface Frame {
  ordinal: number;
  function: string;
  pc: number;
  registers: HeldValue[];
}

/** Elements of a value that is looked into. */
export interface OpenedValue {
  name: string;
  as: string;
  choices: string[];
  error: string;
  /** Why nothing is computed there yet, or may change; "" where neither is so. */
  note: string;
  type: string;
  count: number;
  offset: number;
  page: number;
  texts: string[];
  /** Which of them are not what they were at the stop before. */
  changed: number[];
}

export interface Breakpoint {
  text: string;
  ids: string[];
}

export interface SteppedCall {
  /** One of its own for every call that is begun. */
  session: string;
  function: string;
  device: string;
  inputs: string;
  why: string;
  error: string;
  kind: string;
  steps: number;
  /** Outermost first; the innermost of a deep recursion. */
  frames: Frame[];
  depth: number;
  globals: HeldValue[];
  waits: { text: string; facts: [string, string][] }[];
  results: HeldValue[];
  breakpoints: Breakpoint[];
  opened: OpenedValue[];
}

/** The call, null where none is stepped through. */
export function steppedCall(trait: Partial<SteppedCall> | null | undefined): SteppedCall | null {
  return trait?.frames ? (trait as SteppedCall) : null;
}

/** The instruction a frame stands at, as the listing calls it. */
export function idOf({ ordinal, pc }: Frame): string {
  return `${ordinal}:${pc}`;
}

/** Where the call stands; null once it has returned. */
export function nowOf(call: SteppedCall | null): string | null {
  const frame = call?.frames.at(-1);
  return frame ? idOf(frame) : null;
}

export function breakpointIds(call: SteppedCall | null): Set<string> {
  return new Set(call?.breakpoints.flatMap(({ ids }) => ids) ?? []);
}

/** What a register is called outside of its function: "%r0" where it runs, "^%r0" in its caller. */
export function registerName(name: string, up: number): string {
  return `${"^".repeat(up)}%${name}`;
}

const WHY: Record<string, string> = {
  started: "before the first instruction",
  stepped: "stepped",
  waits: "yielded",
  stopped: "stopped",
  returned: "returned",
  failed: "failed",
};

/** "at breakpoint hal.fence.await · 48 instructions" */
export function statusText({ why, steps }: SteppedCall): string {
  const place = why.startsWith("breakpoint ") ? `at ${why}` : (WHY[why] ?? why);
  return [place, steps ? plural(steps, "instruction") : ""].filter(Boolean).join(" · ");
}

/** Elements in rows, each with the index of its first; bytes are narrower. */
export function elementRows(opened: OpenedValue): { index: number; cells: { text: string; changed: boolean }[] }[] {
  const wide = opened.type === "bytes" ? 8 : 4;
  const changed = new Set(opened.changed);
  const rows = [];
  for (let at = 0; at < opened.texts.length; at += wide)
    rows.push({
      index: opened.offset + at,
      cells: opened.texts.slice(at, at + wide).map((text, i) => ({ text, changed: changed.has(at + i) })),
    });
  return rows;
}

/** "0 to 127 of 2,048"; "" where all is shown. */
export function pageText({ offset, count, texts, type }: OpenedValue): string {
  if (type === "text" || texts.length >= count) return "";
  return `${offset} to ${offset + texts.length - 1} of ${count.toLocaleString("en-US")}`;
}
