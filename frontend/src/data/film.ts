/**
 * One op followed through every step: what it was before and became after. The same walk as
 * ireelab/pipeline/provenance_walk.py, over the numbers and texts that the page has.
 */
import type { Pieces, PieceKey, PieceList } from "./pieces.ts";
import type { Origin, Provenance } from "./provenance.ts";
import type { Index } from "./types.ts";

export interface FilmLine {
  key: PieceKey;
  /** In its piece, from 0. */
  line: number;
  text: string;
}

/** A step that changed the op: its lines before and after. Step -1 is the module as parsed. */
export interface FilmFrame {
  step: number;
  before: FilmLine[];
  after: FilmLine[];
}

export interface Film {
  /** The op's line where it was selected. */
  text: string;
  frames: FilmFrame[];
  origin: Origin;
}

/** Where an op is selected: in a text of a step, or on a line of the source. */
export type FilmStart = { step: number; key: PieceKey; line: number; text: number } | { source: number };

type Places = Map<PieceKey, Set<number>>;
type Place = readonly [key: PieceKey, line: number];

interface Module extends PieceList {
  step: number;
}

const SSA = /%[\w$.#-]+/g;
const EXECUTABLE = /^(?:flow|stream|hal)\.executable/;
const MOST_KNOWN = 300_000;
const FUNCTION = /^\s*(?:func|llvm|spirv)\.func\b[^@]*@([\w$.-]+)/;
const NAME = /^\s*(?:%[^=\n]*? = )?"?([a-zA-Z_][\w.$-]*)/;

/** A line with all SSA names made equal. */
export function nameless(line: string): string {
  return line.replace(SSA, "%");
}

/** "linalg.matmul" of a line; "" where no op begins on it. */
export function opName(line: string): string {
  return NAME.exec(line)?.[1] ?? "";
}

/** Nameless lines, each worked out once: most lines stay as they are from step to step. */
class Plain {
  private readonly known = new Map<string, string>();

  of(line: string): string {
    let plain = this.known.get(line);
    if (plain === undefined) {
      plain = nameless(line);
      if (this.known.size > MOST_KNOWN) this.known.clear();
      this.known.set(line, plain);
    }
    return plain;
  }
}

export class FilmMaker {
  private readonly modules: Module[] = [];
  private readonly plain = new Plain();

  constructor(
    index: Pick<Index, "steps" | "initial">,
    private readonly provenance: Provenance,
    private readonly pieces: Pieces,
  ) {
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
    const walker = new Walker(provenance, this.pieces, this.plain, provenance.near(seed.atoms));
    if (!modules.length) return { text: seed.text, frames: [], origin };
    const states = new Array<Places>(modules.length);
    states[seed.at] = seed.places.size ? seed.places : this.parsed(seed.atoms, walker);
    for (let at = seed.at + 1; at < modules.length; at++)
      states[at] = walker.follow(states[at - 1], modules[at - 1], modules[at]);
    for (let at = seed.at - 1; at >= 0; at--)
      states[at] = walker.follow(states[at + 1], modules[at + 1], modules[at]);
    return { text: seed.text, frames: this.frames(states), origin };
  }

  /** A line of the source, in the module as parsed. */
  private parsed(atoms: ReadonlySet<number>, walker: Walker): Places {
    const [first] = this.modules;
    const exact = new Walker(this.provenance, this.pieces, this.plain, atoms).anywhere(first);
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
    let last = "";
    states.forEach((places, at) => {
      if (!places.size || places === shown) return;
      shown = places;
      const after = this.linesOf(places, this.modules[at]);
      const text = after.map((line) => this.plain.of(line.text).trim()).join("\n");
      if (text === last && frames.length) {
        before = after;
        return;
      }
      frames.push({ step: this.modules[at].step, before, after });
      [before, last] = [after, text];
    });
    return frames;
  }

  private linesOf(places: Places, module: Module): FilmLine[] {
    const found: (FilmLine & { at: number })[] = [];
    for (const [key, lines] of places) {
      const wanted = [...lines].sort((a, b) => a - b);
      const texts = this.pieces.lines(key, wanted);
      const first = module.byKey.get(key)?.first ?? 0;
      wanted.forEach((line, i) => found.push({ key, line, text: texts[i], at: first + line }));
    }
    found.sort((a, b) => a.at - b.at);
    return found.map(({ key, line, text }) => ({ key, line, text }));
  }
}

/** Follows ops from module to module, only through what changed between the two. */
class Walker {
  private readonly groups: ReadonlySet<number>;
  private readonly known = new Map<number, [number, number][]>();

  constructor(
    private readonly provenance: Provenance,
    private readonly pieces: Pieces,
    private readonly plain: Plain,
    wanted: ReadonlySet<number>,
  ) {
    this.groups = provenance.groupsTouching(wanted);
  }

  follow(places: Places, old: Module, now: Module): Places {
    const lost = [...places.keys()].filter((key) => !now.byKey.has(key));
    if (!lost.length && places.size) return places;
    const kept: Places = new Map();
    for (const [key, lines] of places) if (now.byKey.has(key)) kept.set(key, new Set(lines));
    const known = lost.filter((key) => old.byKey.has(key));
    if (known.length) {
      const change = new Change(this, this.provenance, this.pieces, this.plain, old, now);
      for (const key of known)
        for (const line of [...places.get(key)!].sort((a, b) => a - b))
          for (const [found, at] of change.counterparts(key, line)) add(kept, found, at);
    }
    return kept.size ? kept : this.anywhere(now);
  }

  /** All lines of a module whose location touches the wanted atoms. */
  anywhere(module: Module): Places {
    const places: Places = new Map();
    for (const { key } of module.pieces) {
      const lines = this.linesOf(key);
      if (lines.length) places.set(key, new Set(lines.map(([line]) => line)));
    }
    return places;
  }

  /** The lines of a piece that the walk may visit, with their groups. */
  linesOf(key: PieceKey): [line: number, group: number][] {
    const runs = this.provenance.runsOf(key);
    let lines = this.known.get(runs);
    if (!lines) this.known.set(runs, (lines = this.provenance.linesIn(runs, this.groups)));
    return lines;
  }
}

interface Fresh {
  key: PieceKey;
  line: number;
  group: number;
  name: string;
}

interface Keyed {
  group: number;
  name: string;
  places: Place[];
}

/** What differs between two modules, matched line by line. */
class Change {
  private readonly old: Map<string, Keyed>;
  private readonly now: Map<string, Keyed>;
  private readonly texts = new Map<number, string>();
  private readonly pairs = new Map<string, ReadonlyMap<number, Place>>();
  private readonly fresh: Fresh[] = [];
  private readonly answers = new Map<string, Place[]>();

  constructor(
    private readonly walker: Walker,
    private readonly provenance: Provenance,
    private readonly pieces: Pieces,
    private readonly plain: Plain,
    old: Module,
    now: Module,
  ) {
    this.old = this.byText(old, now);
    this.now = this.byText(now, old);
    for (const [text, { group, name, places }] of this.now)
      for (const [key, line] of places.slice(this.old.get(text)?.places.length ?? 0))
        this.fresh.push({ key, line, group, name });
  }

  /** What a line of a piece that is gone became; the k-th of equal lines stays the k-th. */
  counterparts(key: PieceKey, line: number): readonly Place[] {
    const own = this.texts.get(placeId(key, line)) ?? "";
    const mine = this.old.get(own);
    const same = this.now.get(own);
    if (same && mine) return [this.peersOf(own, this.pieces.name(key), mine.places, same.places).get(placeId(key, line))!];
    if (!mine) return [];
    const question = `${mine.group} ${mine.name}`;
    let answer = this.answers.get(question);
    if (!answer) this.answers.set(question, (answer = this.successors(mine.group, mine.name)));
    return answer;
  }

  /** Equal lines of the ops of one name, within the same op where that is there. */
  private peersOf(own: string, name: string, mine: readonly Place[], same: readonly Place[]): ReadonlyMap<number, Place> {
    const question = `${name}\n${own}`;
    const known = this.pairs.get(question);
    if (known) return known;
    const near = same.filter(([other]) => this.pieces.name(other) === name);
    const candidates = near.length ? near : same;
    const peers = new Map<number, Place>();
    let rank = 0;
    for (const [key, line] of mine)
      if (this.pieces.name(key) === name) peers.set(placeId(key, line), candidates[Math.min(rank++, candidates.length - 1)]);
    this.pairs.set(question, peers);
    return peers;
  }

  /** The new lines that an op of this name and group became. */
  private successors(group: number, name: string): Place[] {
    const atoms = this.provenance.near(this.provenance.atomsOf(group));
    const found = this.fresh.filter((one) => this.provenance.atomsOf(one.group).some((atom) => atoms.has(atom)));
    const sameGroup = found.filter((one) => one.group === group);
    const sameOp = sameGroup.filter((one) => one.name === name);
    const chosen = sameOp.length ? sameOp : sameGroup.length ? sameGroup : found;
    return chosen.map(({ key, line }) => [key, line] as const);
  }

  /** The lines of pieces that only `module` has, by group and text. */
  private byText(module: Module, other: Module): Map<string, Keyed> {
    const found = new Map<string, Keyed>();
    for (const { key } of module.pieces) {
      if (other.byKey.has(key)) continue;
      const lines = this.walker.linesOf(key).filter(([, group]) => group > 0);
      if (!lines.length) continue;
      const texts = this.pieces.lines(key, lines.map(([line]) => line));
      lines.forEach(([line, group], i) => {
        const text = this.plain.of(texts[i]);
        const id = `${group} ${text}`;
        this.texts.set(placeId(key, line), id);
        const entry = found.get(id);
        if (entry) entry.places.push([key, line]);
        else found.set(id, { group, name: opName(text), places: [[key, line]] });
      });
    }
    return found;
  }
}

/** One number for a line of a piece. */
function placeId(key: PieceKey, line: number): number {
  return key * 1e7 + line;
}

function add(places: Places, key: PieceKey, line: number): void {
  const lines = places.get(key);
  if (lines) lines.add(line);
  else places.set(key, new Set([line]));
}
