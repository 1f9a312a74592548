/**
 * The pieces that texts are made of. A node's own lines, those of its head or of its tail, are a
 * piece; a module is a list of pieces. Snapshots share nodes, so that comparing two modules means
 * comparing numbers.
 */
import type { Index } from "./types.ts";

/** A piece as one number: twice its node, plus one for the tail. */
export type PieceKey = number;

export interface PlacedPiece {
  key: PieceKey;
  /** Its first line in the whole text, from 1. */
  first: number;
}

export interface PieceList {
  pieces: readonly PlacedPiece[];
  byKey: ReadonlyMap<PieceKey, PlacedPiece>;
}

const NEWLINE = 10;
const NAMED = /^\s*"?([\w.]+)"?[^@\n]*(?:@("[^"]*"|[\w$.-]+))?/;

/** Reads pieces from the inflated chunks; a long one is not decoded for a line of it. */
export class Pieces {
  private readonly names = new Map<number, string>();
  /** Chunk -> where its lines start. Long texts are read again and again, each time a few lines. */
  private readonly starts = new Map<number, Uint32Array>();
  private readonly decoder = new TextDecoder();

  constructor(
    private readonly index: Pick<Index, "nodes" | "chunk_offsets">,
    private readonly bytes: Uint8Array,
    /** How many lines a piece has. */
    private readonly lineCount: (key: PieceKey) => number,
  ) {}

  /** The pieces of a text, in its order. */
  list(root: number): PieceList {
    const pieces: PlacedPiece[] = [];
    const byKey = new Map<PieceKey, PlacedPiece>();
    let line = 1;
    const put = (key: PieceKey): void => {
      const piece = { key, first: line };
      pieces.push(piece);
      if (!byKey.has(key)) byKey.set(key, piece);
      line += this.lineCount(key);
    };
    const walk = (id: number): void => {
      const node = this.index.nodes[id];
      put(2 * id);
      for (let i = 2; i < node.length; i++) walk(node[i]);
      if (node[1] >= 0) put(2 * id + 1);
    };
    walk(root);
    return { pieces, byKey };
  }

  /** The names of the ops around a piece, its own last. */
  around(root: number, key: PieceKey): string[] {
    const wanted = key >> 1;
    const path: number[] = [];
    const find = (id: number): boolean => {
      path.push(id);
      if (id === wanted || this.index.nodes[id].slice(2).some(find)) return true;
      path.pop();
      return false;
    };
    return find(root) ? path.map((id) => this.name(2 * id)) : [];
  }

  /** Which chunk has the text of a piece; equal ones have the same. */
  chunk(key: PieceKey): number {
    return this.index.nodes[key >> 1][key & 1];
  }

  /** How many lines a piece has in its chunk. */
  linesIn(key: PieceKey): number {
    return this.lineStarts(this.chunk(key)).length - 1;
  }

  /** Some lines of a piece (from 0), as far left as they are stored. */
  lines(key: PieceKey, wanted: readonly number[]): string[] {
    const starts = this.lineStarts(this.chunk(key));
    return wanted.map((line) => this.decoder.decode(this.bytes.subarray(starts[line], starts[line + 1] - 1)));
  }

  /** The kind and symbol of the op that a piece belongs to: what stays while its text changes. */
  name(key: PieceKey): string {
    const node = key >> 1;
    let name = this.names.get(node);
    if (name === undefined) {
      const match = NAMED.exec(this.lines(2 * node, [0])[0]);
      name = match ? `${match[1]} ${match[2] ?? ""}` : "";
      this.names.set(node, name);
    }
    return name;
  }

  /** One more than there are lines: a chunk ends in a newline. */
  private lineStarts(chunk: number): Uint32Array {
    let starts = this.starts.get(chunk);
    if (starts) return starts;
    const { bytes } = this;
    const [from, to] = [this.index.chunk_offsets[chunk], this.index.chunk_offsets[chunk + 1]];
    let count = 1;
    for (let i = from; i < to; i++) if (bytes[i] === NEWLINE) count++;
    starts = new Uint32Array(count);
    starts[0] = from;
    for (let i = from, line = 1; i < to; i++) if (bytes[i] === NEWLINE) starts[line++] = i + 1;
    this.starts.set(chunk, starts);
    return starts;
  }
}

/** The piece that holds a line of a text, and the line in it from 0. */
export function pieceAt(list: PieceList, line: number): { key: PieceKey; line: number } | null {
  let [low, high] = [0, list.pieces.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list.pieces[middle].first <= line) low = middle + 1;
    else high = middle;
  }
  const piece = list.pieces[low - 1];
  return piece ? { key: piece.key, line: line - piece.first } : null;
}
