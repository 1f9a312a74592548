/** One recorded call of the VM: where it stood before each instruction, and walking through it. Pure. */

/** [function ordinal, byte, depth, registers changed, globals changed] */
export type Moment = [number, number, number, Record<string, string>, Record<string, string>];

export interface VmExecution {
  function: string;
  device: string;
  moments: Moment[];
  /** "stopped": the record was full before the call ended. */
  end: "returned" | "failed" | "stopped";
  error: string;
  results: string[];
  /** The inputs are not those of the run. */
  made_up: boolean;
}

export interface Held {
  name: string;
  text: string;
  /** Whether the instruction before wrote it. */
  fresh: boolean;
}

/** Positions are numbers of moments; `moments.length` is behind the last instruction. */
export class Walk {
  private readonly ids: string[];

  constructor(readonly execution: VmExecution) {
    this.ids = execution.moments.map(([fn, pc]) => `${fn}:${pc}`);
  }

  get end(): number {
    return this.ids.length;
  }

  /** The instruction that runs next, as the listing calls it; null behind the last. */
  idAt(at: number): string | null {
    return this.ids[at] ?? null;
  }

  /** Behind the instruction, a function that it calls run to its return. */
  over(at: number): number {
    const depth = this.depth(at);
    return this.next(at, (i) => this.depth(i) <= depth);
  }

  /** Behind the return of the function that runs. */
  out(at: number): number {
    const depth = this.depth(at);
    return this.next(at, (i) => this.depth(i) < depth);
  }

  /** To the next of these instructions, or the end. */
  to(at: number, wanted: ReadonlySet<string>): number {
    return this.next(at, (i) => wanted.has(this.ids[i]));
  }

  /** To where another line of the source begins; instructions from nowhere are passed. */
  nextLine(at: number, lineOf: (id: string) => number | null): number {
    const own = this.idAt(at);
    const line = own === null ? null : lineOf(own);
    return this.next(at, (i) => {
      const found = lineOf(this.ids[i]);
      return found !== null && found !== line;
    });
  }

  /** Instructions of the functions that wait, outermost first, and the one that runs. */
  stack(at: number): string[] {
    const stack: string[] = [];
    for (let i = 0; i <= Math.min(at, this.end - 1); i++) {
      stack.length = Math.min(stack.length, this.depth(i));
      stack.push(this.ids[i]);
    }
    return stack;
  }

  registers(at: number): Held[] {
    const frames: Map<string, string>[] = [];
    for (let i = 0; i <= Math.min(at, this.end - 1); i++) {
      const depth = this.depth(i);
      frames.length = Math.min(frames.length, depth + 1);
      const frame = (frames[depth] ??= new Map());
      for (const [name, text] of Object.entries(this.execution.moments[i][3])) frame.set(name, text);
    }
    const fresh = this.execution.moments[at]?.[3] ?? {};
    return [...(frames[frames.length - 1] ?? [])].sort(byName).map(([name, text]) => ({ name: `%${name}`, text, fresh: name in fresh }));
  }

  globals(at: number): Held[] {
    const held = new Map<string, string>();
    for (let i = 0; i <= Math.min(at, this.end - 1); i++)
      for (const [name, text] of Object.entries(this.execution.moments[i][4])) held.set(name, text);
    const fresh = at > 0 ? (this.execution.moments[at]?.[4] ?? {}) : {};
    return [...held].map(([name, text]) => ({ name, text, fresh: name in fresh }));
  }

  private depth(at: number): number {
    return this.execution.moments[at]?.[2] ?? 0;
  }

  private next(at: number, wanted: (i: number) => boolean): number {
    for (let i = at + 1; i < this.end; i++) if (wanted(i)) return i;
    return this.end;
  }
}

/** References first, then by number: r2, r10, i0, i3. */
function byName([a]: [string, string], [b]: [string, string]): number {
  if (a[0] !== b[0]) return a[0] === "r" ? -1 : b[0] === "r" ? 1 : a < b ? -1 : 1;
  return Number(a.slice(1)) - Number(b.slice(1));
}
