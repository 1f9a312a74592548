/**
 * Follows ops from module to module, only through what changed between the two. The same walk as
 * ireelab/pipeline/provenance_walk.py.
 */
import type { LineTexts } from "./line_texts.ts";
import type { PieceKey, PieceList, Pieces } from "./pieces.ts";
import type { Provenance } from "./provenance.ts";

export type Places = Map<PieceKey, ReadonlySet<number>>;
type Place = readonly [key: PieceKey, line: number];

/** What only one of two modules has. */
export interface Difference {
  gone: readonly PieceKey[];
  come: readonly PieceKey[];
}

export function differenceOf(old: PieceList, now: PieceList): Difference {
  const only = (a: PieceList, b: PieceList) => a.pieces.flatMap(({ key }) => (b.byKey.has(key) ? [] : [key]));
  return { gone: only(old, now), come: only(now, old) };
}

export class Walker {
  private readonly groups: ReadonlySet<number>;
  private readonly known = new Map<number, [number, number][]>();
  private readonly nearGroups = new Map<number, ReadonlySet<number>>();

  constructor(
    readonly provenance: Provenance,
    readonly pieces: Pieces,
    readonly texts: LineTexts,
    wanted: ReadonlySet<number>,
  ) {
    this.groups = provenance.groupsTouching(wanted);
  }

  follow(places: Places, old: PieceList, now: PieceList, difference: Difference): Places {
    const { gone } = difference;
    // An op that was selected in a text of its own may stand in neither module: then it is alone.
    const few = places.size === 1 || places.size < gone.length;
    const lost = few ? [...places.keys()].filter((key) => !now.byKey.has(key)) : gone.filter((key) => places.has(key));
    if (!lost.length && places.size) return places;
    const kept = new Map(places);
    for (const key of lost) kept.delete(key);
    const known = lost.filter((key) => old.byKey.has(key));
    if (known.length) {
      const change = new Change(this, difference);
      const answers = new Set<readonly Place[]>(); // many lines have the same one
      for (const key of known) for (const line of places.get(key)!) answers.add(change.counterparts(key, line));
      const added = new Map<PieceKey, Set<number>>();
      for (const answer of answers) for (const [key, line] of answer) put(added, key, line);
      for (const [key, lines] of added) kept.set(key, new Set([...(kept.get(key) ?? []), ...lines]));
    }
    return kept.size ? kept : this.anywhere(now);
  }

  /** All lines of a module whose location touches the wanted atoms. */
  anywhere(module: PieceList): Places {
    const places: Places = new Map();
    for (const { key } of module.pieces) {
      const lines = this.linesOf(key);
      if (lines.length) places.set(key, new Set(lines.map(([line]) => line)));
    }
    return places;
  }

  /** The atoms of a group, and those near them. */
  near(group: number): ReadonlySet<number> {
    let atoms = this.nearGroups.get(group);
    if (!atoms) this.nearGroups.set(group, (atoms = this.provenance.near(this.provenance.atomsOf(group))));
    return atoms;
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
  place: Place;
  name: string;
}

/** Lines of one group with one text. */
interface Equal {
  group: number;
  text: number;
  places: Place[];
}

/** Groups and texts are numbered; together they are one number. */
const MOST_TEXTS = 2 ** 26;

/** What differs between two modules, matched line by line. */
class Change {
  private readonly old: ReadonlyMap<number, Equal>;
  private readonly now: ReadonlyMap<number, Equal>;
  /** Of a line, what `old` or `now` has it under. */
  private readonly ids = new Map<number, number>();
  private readonly pairs = new Map<number, ReadonlyMap<number, Place>>();
  /** What `now` has more of than `old`, by group. */
  private readonly fresh = new Map<number, Fresh[]>();
  private readonly answers = new Map<string, readonly Place[]>();

  constructor(
    private readonly walker: Walker,
    { gone, come }: Difference,
  ) {
    this.old = this.byText(gone);
    this.now = this.byText(come);
    for (const [id, { group, text, places }] of this.now) {
      const name = walker.texts.nameOf(text);
      for (const place of places.slice(this.old.get(id)?.places.length ?? 0)) {
        const known = this.fresh.get(group);
        if (known) known.push({ place, name });
        else this.fresh.set(group, [{ place, name }]);
      }
    }
  }

  /** What a line of a piece that is gone became; the k-th of equal lines stays the k-th. */
  counterparts(key: PieceKey, line: number): readonly Place[] {
    const id = this.ids.get(placeId(key, line));
    const mine = id === undefined ? undefined : this.old.get(id);
    if (id === undefined || !mine) return [];
    const same = this.now.get(id);
    if (same) return [this.peers(id, mine, same).get(placeId(key, line))!];
    const name = this.walker.texts.nameOf(mine.text);
    const question = `${mine.group} ${name}`;
    let answer = this.answers.get(question);
    if (!answer) this.answers.set(question, (answer = this.successors(mine.group, name)));
    return answer;
  }

  /** Equal lines of the ops of one name, within the same op where that is there. */
  private peers(id: number, mine: Equal, same: Equal): ReadonlyMap<number, Place> {
    const known = this.pairs.get(id);
    if (known) return known;
    const { pieces } = this.walker;
    const byName = new Map<string, Place[]>();
    for (const place of same.places) push(byName, pieces.name(place[0]), place);
    const ranks = new Map<string, number>();
    const peers = new Map<number, Place>();
    for (const [key, line] of mine.places) {
      const name = pieces.name(key);
      const rank = ranks.get(name) ?? 0;
      ranks.set(name, rank + 1);
      const candidates = byName.get(name) ?? same.places;
      peers.set(placeId(key, line), candidates[Math.min(rank, candidates.length - 1)]);
    }
    this.pairs.set(id, peers);
    return peers;
  }

  /** The new lines that an op of this name and group became. */
  private successors(group: number, name: string): readonly Place[] {
    const { provenance } = this.walker;
    if (!provenance.atomsOf(group).length) return [];
    const sameGroup = this.fresh.get(group);
    if (sameGroup) {
      const sameOp = sameGroup.filter((one) => one.name === name);
      return (sameOp.length ? sameOp : sameGroup).map(({ place }) => place);
    }
    const atoms = this.walker.near(group);
    const touching = [...this.fresh].filter(([other]) => provenance.atomsOf(other).some((atom) => atoms.has(atom)));
    return touching.flatMap(([, found]) => found.map(({ place }) => place));
  }

  /** The lines of pieces that one module has alone, by group and text. */
  private byText(keys: readonly PieceKey[]): Map<number, Equal> {
    const found = new Map<number, Equal>();
    const { texts } = this.walker;
    for (const key of keys)
      for (const [line, group] of this.walker.linesOf(key)) {
        if (group <= 0) continue;
        const text = texts.of(key, line);
        const id = group * MOST_TEXTS + text;
        this.ids.set(placeId(key, line), id);
        const equal = found.get(id);
        if (equal) equal.places.push([key, line]);
        else found.set(id, { group, text, places: [[key, line]] });
      }
    return found;
  }
}

/** One number for a line of a piece. */
function placeId(key: PieceKey, line: number): number {
  return key * 1e7 + line;
}

function put(places: Map<PieceKey, Set<number>>, key: PieceKey, line: number): void {
  const lines = places.get(key);
  if (lines) lines.add(line);
  else places.set(key, new Set([line]));
}

function push<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}
