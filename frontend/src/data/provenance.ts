/** Where lines come from: the groups, atoms and sources of the model `provenance`. See docs/json.md. */
import type { PieceKey } from "./pieces.ts";

export interface Frame {
  file: string;
  line: number;
  column: number;
  name: string;
}

/** An op of the source; `origins` are places in a model's Python, each a chain of calls. */
export interface SourceOp {
  line: number;
  column: number;
  text: string;
  origins: Frame[][];
}

export interface PhaseRate {
  phase: string;
  ops: number;
  ancestor_rate: number;
  descendant_rate: number;
}

export interface EntryPointAtoms {
  entry_point: string;
  kernel: string;
  atoms: number[];
  site_atoms: number[];
}

export interface ProvenanceModel {
  sources: SourceOp[];
  atoms: number[][];
  related: Record<string, number[]>;
  function_atoms: number[];
  groups: number[][];
  /** Per distinct array of groups its runs: group, count, group, count, ... */
  lines: number[][];
  /** Per node the lines of its head and of its tail, or -1. */
  nodes: [number, number][];
  entry_points: EntryPointAtoms[];
  rates: PhaseRate[];
}

/** What a line is known to belong to. */
export interface Origin {
  sources: SourceOp[];
  entryPoints: EntryPointAtoms[];
}

const SITE = /\b(?:flow|stream\.async|stream\.cmd)\.dispatch\b[^@]*(?=@[\w$.-]+::)/;
const ENTRY = /@([\w$.-]+)(?:::@[\w$.-]+)*::@([\w$.-]+)/g;
const LOWERED_SITE = /\bhal\.command_buffer\.dispatch\b/;

export class Provenance {
  private readonly functions: ReadonlySet<number>;
  private readonly counts: number[];

  constructor(readonly model: ProvenanceModel) {
    this.functions = new Set(model.function_atoms);
    this.counts = model.lines.map((runs) => runs.reduce((sum, n, i) => (i % 2 ? sum + n : sum), 0));
  }

  lineCount(key: PieceKey): number {
    return this.counts[this.runsOf(key)] ?? 1;
  }

  /** Which array of groups a piece has; pieces of equal groups have the same. */
  runsOf(key: PieceKey): number {
    return this.model.nodes[key >> 1]?.[key & 1] ?? -1;
  }

  groupOf(key: PieceKey, line: number): number {
    const runs = this.model.lines[this.runsOf(key)] ?? [];
    for (let i = 0, end = 0; i < runs.length; i += 2) {
      end += runs[i + 1];
      if (line < end) return runs[i];
    }
    return 0;
  }

  /** The lines of an array of groups that belong to any of these, each with its group. */
  linesIn(runs: number, groups: ReadonlySet<number>): [line: number, group: number][] {
    const found: [number, number][] = [];
    const list = this.model.lines[runs] ?? [];
    for (let i = 0, at = 0; i < list.length; at += list[i + 1], i += 2) {
      if (!groups.has(list[i])) continue;
      for (let line = at; line < at + list[i + 1]; line++) found.push([line, list[i]]);
    }
    return found;
  }

  atomsOf(group: number): number[] {
    return this.model.groups[group] ?? [];
  }

  /** The atoms of the ops that stand on a line of the source, seen through any calls. */
  atomsAt(sourceLine: number): Set<number> {
    const { sources, atoms } = this.model;
    const found = new Set<number>();
    atoms.forEach((atom, i) => {
      if (atom.some((source) => sources[source].line === sourceLine)) found.add(i);
    });
    return found;
  }

  /** Atoms with those that differ only by calls, or were folded into them, or the reverse. */
  near(atoms: Iterable<number>): Set<number> {
    const found = new Set(atoms);
    for (const atom of [...found]) for (const other of this.model.related[atom] ?? []) found.add(other);
    return found;
  }

  groupsTouching(atoms: ReadonlySet<number>): Set<number> {
    const found = new Set<number>();
    this.model.groups.forEach((group, i) => {
      if (group.some((atom) => atoms.has(atom))) found.add(i);
    });
    return found;
  }

  /** The kernels that a line dispatches, if it does. */
  dispatchedBy(text: string, atoms: ReadonlySet<number>): EntryPointAtoms[] {
    const site = SITE.exec(text);
    const { entry_points } = this.model;
    if (site) {
      const named = [...text.slice(site.index + site[0].length).matchAll(ENTRY)].map(([, a, b]) => `${a}::${b}`);
      return entry_points.filter((entry) => named.includes(entry.entry_point));
    }
    if (!LOWERED_SITE.test(text)) return [];
    return entry_points.filter((entry) => entry.site_atoms.some((atom) => atoms.has(atom)));
  }

  /**
   * Sources and kernels of atoms. A dispatch stands for all that was fused into its kernel; what
   * stands inside executables or functions (`around`) runs in their kernels only. Of equal
   * executables one is kept, with its own locations: the others' ops are found by who dispatches it.
   */
  originOf(own: ReadonlySet<number>, dispatched: readonly EntryPointAtoms[], around: readonly string[]): Origin {
    const atoms = new Set([...own, ...dispatched.flatMap((entry) => entry.atoms)]);
    const ops = [...atoms].filter((atom) => !this.functions.has(atom));
    const numbers = new Set((ops.length ? ops : [...atoms]).flatMap((atom) => this.model.atoms[atom]));
    const sources = [...numbers].map((number) => this.model.sources[number]);
    sources.sort((a, b) => a.line - b.line || a.column - b.column);
    const within = this.near(ops);
    const inside = this.model.entry_points.filter(
      ({ entry_point, kernel }) => around.includes(kernel) || around.includes(entry_point.split("::")[0]),
    );
    const near = (key: "atoms" | "site_atoms") =>
      this.model.entry_points.filter((entry) => entry[key].some((atom) => within.has(atom)));
    const running = [dispatched, inside, near("atoms")].find((some) => some.length) ?? near("site_atoms");
    return { sources, entryPoints: [...running] };
  }
}
