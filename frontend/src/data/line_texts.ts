/**
 * Texts of lines as numbers: lines that differ only in the names of SSA values have the same one.
 * Each line is read once, since most stand in many steps, and ops are followed through all of them.
 */
import type { PieceKey, Pieces } from "./pieces.ts";

const SSA = /%[\w$.#-]+/g;
const NAME = /^\s*(?:%[^=\n]*? = )?"?([a-zA-Z_][\w.$-]*)/;

/** A line with all SSA names made equal. */
export function nameless(line: string): string {
  return line.replace(SSA, "%");
}

/** "linalg.matmul" of a line; "" where no op begins on it. */
export function opName(line: string): string {
  return NAME.exec(line)?.[1] ?? "";
}

export class LineTexts {
  /** Chunk -> the numbers of its lines; 0 where a line was not read yet. */
  private readonly known = new Map<number, Int32Array>();
  private readonly numbers = new Map<string, number>();
  private readonly names: string[] = [""];
  private readonly trimmed: number[] = [0];

  constructor(private readonly pieces: Pieces) {}

  of(key: PieceKey, line: number): number {
    const chunk = this.pieces.chunk(key);
    let lines = this.known.get(chunk);
    if (!lines) this.known.set(chunk, (lines = new Int32Array(this.pieces.linesIn(key))));
    return lines[line] || (lines[line] = this.number(nameless(this.text(key, line))));
  }

  /** The same, wherever a line is indented to. */
  ofTrimmed(key: PieceKey, line: number): number {
    return this.trimmed[this.of(key, line)];
  }

  /** The name of the op that lines of this text begin. */
  nameOf(number: number): string {
    return this.names[number];
  }

  text(key: PieceKey, line: number): string {
    return this.pieces.lines(key, [line])[0];
  }

  private number(plain: string): number {
    const known = this.numbers.get(plain);
    if (known !== undefined) return known;
    const number = this.names.length;
    this.numbers.set(plain, number);
    this.names.push(opName(plain));
    this.trimmed.push(number);
    const trimmed = plain.trim();
    if (trimmed !== plain) this.trimmed[number] = this.number(trimmed);
    return number;
  }
}
