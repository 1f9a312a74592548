/**
 * Line diff of two IR texts: patience anchors, then Myers between them.
 *
 * SSA names are ignored while matching: inserting one op renumbers everything after it, and
 * that is not a change of the program.
 */

/** Lines [fromA, toA) of the first text became lines [fromB, toB) of the second. */
export interface LineChange {
  fromA: number;
  toA: number;
  fromB: number;
  toB: number;
}

export interface Lines {
  text: string[];
  /** Offset of each line's start; one more entry, past the end. */
  start: number[];
}

export interface DiffOptions {
  ignoreNames?: boolean;
  /** Bound on Myers' edit distance; beyond it a region is one change. */
  maxDistance?: number;
}

const MAX_WORK = 4e7;

export function splitLines(text: string): Lines {
  const lines: Lines = { text: [], start: [] };
  let from = 0;
  for (;;) {
    lines.start.push(from);
    const end = text.indexOf("\n", from);
    if (end < 0) break;
    lines.text.push(text.slice(from, end));
    from = end + 1;
  }
  lines.text.push(text.slice(from));
  lines.start.push(text.length + 1);
  return lines;
}

/** A line with its SSA and block names blanked. */
export function normalizeNames(line: string): string {
  return line.replace(/%[\w$.-]+(?:#\d+)?|\^bb\d+/g, "%");
}

export function diffLines(
  a: readonly string[],
  b: readonly string[],
  options: DiffOptions = {},
): LineChange[] {
  const ids = new Map<string, number>();
  // Most lines of one text stand in the other as they are: those are normalised once.
  const known = new Map<string, number>();
  const intern = (line: string): number => {
    let id = known.get(line);
    if (id !== undefined) return id;
    const key = options.ignoreNames ? normalizeNames(line) : line;
    id = ids.get(key) ?? ids.size;
    ids.set(key, id);
    known.set(line, id);
    return id;
  };
  const idsA = Int32Array.from(a, intern);
  const idsB = Int32Array.from(b, intern);
  return joinAdjacent(new Differ(idsA, idsB, ids.size, options.maxDistance ?? 2000).run());
}

type Region = [fromA: number, toA: number, fromB: number, toB: number];

class Differ {
  private readonly changes: LineChange[] = [];
  private readonly countA: Int32Array;
  private readonly countB: Int32Array;
  private readonly placeB: Int32Array;

  constructor(
    private readonly a: Int32Array,
    private readonly b: Int32Array,
    idCount: number,
    private readonly maxDistance: number,
  ) {
    this.countA = new Int32Array(idCount);
    this.countB = new Int32Array(idCount);
    this.placeB = new Int32Array(idCount);
  }

  run(): LineChange[] {
    const pending: Region[] = [[0, this.a.length, 0, this.b.length]];
    for (let region = pending.pop(); region; region = pending.pop()) {
      const trimmed = this.trim(region);
      const [fromA, toA, fromB, toB] = trimmed;
      if (fromA === toA && fromB === toB) continue;
      if (fromA === toA || fromB === toB) this.emit(fromA, toA, fromB, toB);
      else if (!this.splitAtAnchors(trimmed, pending)) this.myers(trimmed);
    }
    return this.changes.sort((x, y) => x.fromA - y.fromA || x.fromB - y.fromB);
  }

  private emit(fromA: number, toA: number, fromB: number, toB: number): void {
    this.changes.push({ fromA, toA, fromB, toB });
  }

  /** Drops the equal head and tail of a region. */
  private trim([fromA, toA, fromB, toB]: Region): Region {
    const { a, b } = this;
    while (fromA < toA && fromB < toB && a[fromA] === b[fromB]) {
      fromA++;
      fromB++;
    }
    while (fromA < toA && fromB < toB && a[toA - 1] === b[toB - 1]) {
      toA--;
      toB--;
    }
    return [fromA, toA, fromB, toB];
  }

  /** Patience: lines unique on both sides, in the longest common order, cut the region. */
  private splitAtAnchors([fromA, toA, fromB, toB]: Region, pending: Region[]): boolean {
    const { a, b, countA, countB, placeB } = this;
    for (let i = fromA; i < toA; i++) countA[a[i]]++;
    for (let j = fromB; j < toB; j++) {
      countB[b[j]]++;
      placeB[b[j]] = j;
    }
    const candidatesA: number[] = [];
    const candidatesB: number[] = [];
    for (let i = fromA; i < toA; i++)
      if (countA[a[i]] === 1 && countB[a[i]] === 1) {
        candidatesA.push(i);
        candidatesB.push(placeB[a[i]]);
      }
    for (let i = fromA; i < toA; i++) countA[a[i]] = 0;
    for (let j = fromB; j < toB; j++) countB[b[j]] = 0;

    const anchors = longestIncreasing(candidatesB);
    if (!anchors.length) return false;
    let [nextA, nextB] = [fromA, fromB];
    for (const k of anchors) {
      pending.push([nextA, candidatesA[k], nextB, candidatesB[k]]);
      [nextA, nextB] = [candidatesA[k] + 1, candidatesB[k] + 1];
    }
    pending.push([nextA, toA, nextB, toB]);
    return true;
  }

  /** Myers' greedy O((N+M)D), keeping each round's frontier to walk back along. */
  private myers(region: Region): void {
    const [fromA, toA, fromB, toB] = region;
    const [sizeA, sizeB] = [toA - fromA, toB - fromB];
    const limit = Math.min(sizeA + sizeB, this.maxDistance);
    const frontier = new Int32Array(2 * limit + 3);
    const middle = limit + 1;
    const rounds: Int32Array[] = [];
    for (let distance = 0; distance <= limit; distance++) {
      if (distance * (sizeA + sizeB) > MAX_WORK) break;
      rounds.push(frontier.slice(middle - distance - 1, middle + distance + 2));
      for (let k = -distance; k <= distance; k += 2) {
        const down = goesDown(frontier, middle, k, distance);
        let x = down ? frontier[middle + k + 1] : frontier[middle + k - 1] + 1;
        let y = x - k;
        while (x < sizeA && y < sizeB && this.a[fromA + x] === this.b[fromB + y]) {
          x++;
          y++;
        }
        frontier[middle + k] = x;
        if (x >= sizeA && y >= sizeB) {
          this.walkBack(region, rounds, distance);
          return;
        }
      }
    }
    this.emit(fromA, toA, fromB, toB);
  }

  private walkBack([fromA, toA, fromB, toB]: Region, rounds: Int32Array[], found: number): void {
    let [x, y] = [toA - fromA, toB - fromB];
    for (let distance = found; distance > 0; distance--) {
      const saved = rounds[distance];
      const middle = distance + 1;
      const k = x - y;
      const previousK = goesDown(saved, middle, k, distance) ? k + 1 : k - 1;
      const previousX = saved[middle + previousK];
      const previousY = previousX - previousK;
      while (x > previousX && y > previousY) {
        x--;
        y--;
      }
      this.emit(
        fromA + Math.min(previousX, x),
        fromA + x,
        fromB + Math.min(previousY, y),
        fromB + y,
      );
      [x, y] = [previousX, previousY];
    }
  }
}

function goesDown(frontier: Int32Array, middle: number, k: number, distance: number): boolean {
  if (k === -distance) return true;
  return k !== distance && frontier[middle + k - 1] < frontier[middle + k + 1];
}

/** Indices of a longest increasing subsequence. */
function longestIncreasing(values: readonly number[]): number[] {
  const tails: number[] = [];
  const previous = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (values[tails[mid]] < values[i]) low = mid + 1;
      else high = mid;
    }
    previous[i] = low ? tails[low - 1] : -1;
    tails[low] = i;
  }
  const chain: number[] = [];
  for (let i = tails.length ? tails[tails.length - 1] : -1; i >= 0; i = previous[i]) chain.push(i);
  return chain.reverse();
}

function joinAdjacent(changes: readonly LineChange[]): LineChange[] {
  const joined: LineChange[] = [];
  for (const change of changes) {
    const last = joined[joined.length - 1];
    if (last && last.toA === change.fromA && last.toB === change.fromB) {
      last.toA = change.toA;
      last.toB = change.toB;
    } else joined.push({ ...change });
  }
  return joined;
}
