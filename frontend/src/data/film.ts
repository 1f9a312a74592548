/** One op followed through every step: what it was before and became after. */
import { differenceOf, Walker, type Difference, type Places } from "./film_walk.ts";
import { LineTexts } from "./line_texts.ts";
import type { Pieces, PieceKey, PieceList } from "./pieces.ts";
import type { Origin, Provenance } from "./provenance.ts";
import type { Index } from "./types.ts";

export interface FilmLine {
  key: PieceKey;
  /** In its piece, from 0. */
  line: number;
  /** Its text without indentation, as a number: see `LineTexts`. */
  plain: number;
}

/** A step that changed the op: its lines before and after. Step -1 is the module as parsed. */
export interface FilmFrame {
  step: number;
  before: FilmLine[];
  after: FilmLine[];
}

export interface Film {
  texts: LineTexts;
  /** The op's line where it was selected. */
  text: string;
  frames: FilmFrame[];
  origin: Origin;
}

/** Where an op is selected: in a text of a step, or on a line of the source. */
export type FilmStart = { step: number; key: PieceKey; line: number; text: number } | { source: number };

interface Module extends PieceList {
  step: number;
}

const EXECUTABLE = /^(?:flow|stream|hal)\.executable/;
const FUNCTION = /^\s*(?:func|llvm|spirv)\.func\b[^@]*@([\w$.-]+)/;

export class FilmMaker {
  private readonly modules: Module[] = [];
  private readonly texts: LineTexts;
  /** Between a module and the one before it. */
  private readonly differences = new Map<number, Difference>();

  constructor(
    index: Pick<Index, "steps" | "initial">,
    private readonly provenance: Provenance,
    private readonly pieces: Pieces,
  ) {
    this.texts = new LineTexts(pieces);
    let last = index.initial;
    if (last >= 0) this.modules.push({ step: -1, ...pieces.list(last) });
    for (const { i, module } of index.steps) {
      if (module < 0 || module === last) continue;
      this.modules.push({ step: i, ...pieces.list(module) });
      last = module;
    }
  }

  make(start: FilmStart): Film {
    const { provenance, modules } = this;
    const seed = this.seed(start);
    const dispatched = provenance.dispatchedBy(seed.text, seed.atoms);
    const origin = provenance.originOf(seed.atoms, dispatched, this.kernelsAround(start));
    for (const { atoms } of dispatched) for (const atom of atoms) seed.atoms.add(atom);
    const walker = new Walker(provenance, this.pieces, this.texts, provenance.near(seed.atoms));
    const film = { texts: this.texts, text: seed.text, origin };
    if (!modules.length) return { ...film, frames: [] };
    const states = new Array<Places>(modules.length);
    states[seed.at] = seed.places.size ? seed.places : this.parsed(seed.atoms, walker);
    for (let at = seed.at + 1; at < modules.length; at++)
      states[at] = walker.follow(states[at - 1], modules[at - 1], modules[at], this.difference(at));
    for (let at = seed.at - 1; at >= 0; at--) {
      const { gone, come } = this.difference(at + 1);
      states[at] = walker.follow(states[at + 1], modules[at + 1], modules[at], { gone: come, come: gone });
    }
    return { ...film, frames: this.frames(states) };
  }

  private difference(at: number): Difference {
    let known = this.differences.get(at);
    if (!known) this.differences.set(at, (known = differenceOf(this.modules[at - 1], this.modules[at])));
    return known;
  }

  /** A line of the source, in the module as parsed. */
  private parsed(atoms: ReadonlySet<number>, walker: Walker): Places {
    const [first] = this.modules;
    const exact = new Walker(this.provenance, this.pieces, this.texts, atoms).anywhere(first);
    return exact.size ? exact : walker.anywhere(first);
  }

  /** Sources and kernels alone, which needs no walk. */
  origin(start: FilmStart): Origin {
    const seed = this.seed(start);
    const dispatched = this.provenance.dispatchedBy(seed.text, seed.atoms);
    return this.provenance.originOf(seed.atoms, dispatched, this.kernelsAround(start));
  }

  /** The executables and functions that a line stands in, as far as it tells. */
  private kernelsAround(start: FilmStart): string[] {
    if ("source" in start) return [];
    const path = this.pieces.around(start.text, start.key);
    if (!path.some((name) => EXECUTABLE.test(name))) return [];
    const names = path.map((name) => name.split(" ")[1]);
    const above = Array.from({ length: start.line + 1 }, (_, line) => line);
    const functions = this.pieces.lines(start.key, above).flatMap((line) => FUNCTION.exec(line)?.[1] ?? []);
    return [...names, ...functions.slice(-1)].filter(Boolean);
  }

  private seed(start: FilmStart): { text: string; atoms: Set<number>; places: Places; at: number } {
    const { provenance, modules } = this;
    if ("source" in start) return { text: "", atoms: provenance.atomsAt(start.source), places: new Map(), at: 0 };
    const { step, key, line } = start;
    const later = modules.findIndex((module) => module.step > step);
    return {
      text: this.pieces.lines(key, [line])[0],
      atoms: new Set(provenance.atomsOf(provenance.groupOf(key, line))),
      places: new Map([[key, new Set([line])]]),
      at: Math.max(0, (later < 0 ? modules.length : later) - 1),
    };
  }

  /** Where the text changes, names of values aside; what stands nowhere is not a change. */
  private frames(states: readonly Places[]): FilmFrame[] {
    const frames: FilmFrame[] = [];
    let shown: Places | null = null;
    let before: FilmLine[] = [];
    states.forEach((places, at) => {
      if (!places.size || places === shown) return;
      shown = places;
      const after = this.linesOf(places, this.modules[at]);
      if (!frames.length || !sameTexts(before, after)) frames.push({ step: this.modules[at].step, before, after });
      before = after;
    });
    return frames;
  }

  /** In the order of the module's text. */
  private linesOf(places: Places, module: Module): FilmLine[] {
    const first = (key: PieceKey) => module.byKey.get(key)?.first ?? 0;
    const keys = [...places.keys()].sort((a, b) => first(a) - first(b));
    return keys.flatMap((key) => {
      const lines = [...places.get(key)!].sort((a, b) => a - b);
      return lines.map((line) => ({ key, line, plain: this.texts.ofTrimmed(key, line) }));
    });
  }
}

function sameTexts(a: readonly FilmLine[], b: readonly FilmLine[]): boolean {
  return a.length === b.length && a.every(({ plain }, i) => plain === b[i].plain);
}
