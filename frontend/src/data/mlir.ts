/**
 * What the viewer needs to know of MLIR's syntax, line by line and without parsing: it must work
 * on the text of a region, on a failed module, and on ten megabytes.
 */

/** Lines of a text, from 1. Both a plain array and an editor's document can answer. */
export interface LineSource {
  readonly count: number;
  line(number: number): string;
}

export interface TextLines extends LineSource {
  readonly text: string;
}

export function linesOf(text: string): TextLines {
  const lines = text.split("\n");
  return { text, count: lines.length, line: (number) => lines[number - 1] ?? "" };
}

// --- tokens ----------------------------------------------------------------------------

export const TOKEN_CLASSES = [
  "comment",
  "string",
  "ssa",
  "symbol",
  "block",
  "attribute",
  "type",
  "op",
  "number",
] as const;
export type TokenClass = (typeof TOKEN_CLASSES)[number];

/** One group per token class, in that order; earlier alternatives win. */
export const TOKEN_PATTERN = new RegExp(
  [
    String.raw`(\/\/.*)`,
    String.raw`("(?:[^"\\]|\\.)*")`,
    String.raw`(%[\w$.-]+(?:#\d+)?)`,
    String.raw`(@(?:[\w$.-]+|"[^"]*"))`,
    String.raw`(\^[\w$.-]+)`,
    String.raw`(#[\w$.]+)`,
    String.raw`(![\w$.]+|(?:\b|(?<=[\d?\]]x))(?:tensor|memref|vector|complex|tuple|index|none|[su]?i\d+|b?f\d+\w*|tf32)\b(?!\.))`,
    String.raw`(\b[a-z_][\w$]*(?:\.[\w$]+)+|\b(?:module|return|call)\b)`,
    String.raw`(\b0x[\da-fA-F]+\b|(?<=[<x[])(?:[\d?]+x)+|(?<![\w.])-?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)`,
  ].join("|"),
  "g",
);

export interface Token {
  kind: TokenClass;
  from: number;
  to: number;
}

export function tokenKind(match: RegExpMatchArray): TokenClass | null {
  for (let group = 1; group <= TOKEN_CLASSES.length; group++)
    if (match[group] !== undefined) return TOKEN_CLASSES[group - 1];
  return null;
}

export function tokenize(line: string): Token[] {
  const tokens: Token[] = [];
  for (const match of line.matchAll(TOKEN_PATTERN)) {
    const kind = tokenKind(match);
    if (kind) tokens.push({ kind, from: match.index, to: match.index + match[0].length });
  }
  return tokens;
}

export function tokenAt(line: string, column: number): Token | null {
  return tokenize(line).find((token) => token.from <= column && column < token.to) ?? null;
}

// --- regions ---------------------------------------------------------------------------

export function indentOf(line: string): number {
  const indent = line.search(/\S/);
  return indent < 0 ? Infinity : indent;
}

/** A line that opens a region or a bracketed list at its end folds to the line that closes it. */
export function foldEnd(lines: LineSource, number: number, limit = 200_000): number | null {
  const line = lines.line(number);
  if (!/[{(\[]\s*(?:\/\/.*)?$/.test(line)) return null;
  const indent = indentOf(line);
  const last = Math.min(lines.count, number + limit);
  for (let n = number + 1; n <= last; n++) {
    const candidate = lines.line(n);
    if (indentOf(candidate) > indent) continue;
    if (/^\s*\^/.test(candidate)) continue; // a block label stands at its region op's indent
    return /^\s*[})\]]/.test(candidate) && n > number + 1 ? n : null;
  }
  return null;
}

/** The line of the op whose region or list holds this line; null at the outermost level. */
export function parentLine(lines: LineSource, number: number, limit = 20_000): number | null {
  let indent = indentOf(lines.line(number));
  if (indent === 0 || indent === Infinity) return null;
  for (let n = number - 1; n >= 1 && n >= number - limit; n--) {
    const candidate = lines.line(n);
    if (indentOf(candidate) < indent && !/^\s*[\^})\]]/.test(candidate)) return n;
    if (/^\s*[})\]]/.test(candidate)) indent = Math.min(indent, indentOf(candidate) + 1);
  }
  return null;
}

// --- SSA values ------------------------------------------------------------------------

export interface Definition {
  line: number;
  /** Lines that can use the value: [from, to]. */
  from: number;
  to: number;
}

/** "%5#1" is a result of "%5". */
export function baseName(ssa: string): string {
  return ssa.replace(/#\d+$/, "");
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/**
 * Finds the definition of an SSA name seen on `number`: the nearest visible line above (or it)
 * that assigns it, or declares it as a block, region or function argument. A line is visible
 * when no line in between is indented less: that would end the region it stands in.
 */
export function findDefinition(
  lines: LineSource,
  number: number,
  ssa: string,
  limit = 50_000,
): Definition | null {
  const name = baseName(ssa);
  const word = escapeRegExp(name);
  const result = new RegExp(`^\\s*(?:%[\\w$.:-]+,\\s*)*${word}(?::\\d+)?(?:,\\s*%[\\w$.:-]+)*\\s*=`);
  // A declaration is "%x: type" or, in loops, "%x = %start"; a use is "%x : type".
  const argument = new RegExp(`${word}:\\s|(?:\\(|, |\\bfor |\\bparallel )${word} = `);
  let visible = indentOf(lines.line(number)) + (isBlockLabel(lines.line(number)) ? 1 : 0);
  for (let n = number; n >= 1 && n >= number - limit; n--) {
    const line = lines.line(n);
    const indent = indentOf(line);
    const label = isBlockLabel(line);
    if (line.includes(name) && (label ? indent < visible : indent <= visible)) {
      if (result.test(line)) return { line: n, from: n, to: scopeEnd(lines, n, indent - 1) };
      if (argument.test(line)) return { line: n, from: n, to: scopeEnd(lines, n, indent) };
    }
    if (!label) visible = Math.min(visible, indent);
  }
  return null;
}

function isBlockLabel(line: string): boolean {
  return /^\s*\^/.test(line);
}

/** The last line before one indented at most `outer`: the end of the region that starts here. */
function scopeEnd(lines: LineSource, number: number, outer: number): number {
  for (let n = number + 1; n <= lines.count; n++) {
    const line = lines.line(n);
    if (indentOf(line) <= outer && !isBlockLabel(line)) return n - 1;
  }
  return lines.count;
}

/** Matches an SSA name and its results as whole words. */
export function usePattern(ssa: string): RegExp {
  return new RegExp(`${escapeRegExp(baseName(ssa))}(?![\\w$.-])(?:#\\d+)?`, "g");
}

// --- symbols ---------------------------------------------------------------------------

/** Every symbol a line mentions, without "@" and quotes. */
export function symbolsIn(line: string): string[] {
  return [...line.matchAll(/@(?:([\w$.-]+)|"([^"]*)")/g)].map((match) => match[1] ?? match[2]);
}

/** The line that defines a symbol: an op name, optional keywords, then the symbol. */
export function findSymbol(lines: LineSource, symbol: string): number | null {
  const name = escapeRegExp(symbol);
  const definition = new RegExp(
    `^\\s*(?:[\\w$]+\\.)*(?:func|executable|global|variant|export|module|import|rodata|initializer|source|binary|mutable|entry|template|schedule|device|parameter|[\\w.]*global)[\\w.]*` +
      `(?:\\s+(?:public|private|nested|mutable|extern|external|ordinal\\(\\d+\\)|[a-z_]+))*\\s+@"?${name}"?(?![\\w$.-])`,
  );
  for (let n = 1; n <= lines.count; n++) {
    const line = lines.line(n);
    if (line.includes(symbol) && definition.test(line)) return n;
  }
  return null;
}

// --- long attributes -------------------------------------------------------------------

export const LONG_ATTRIBUTE = 160;

/** Insides of attributes, literals and strings longer than `longest`, as [from, to) columns. */
export function longAttributes(line: string, longest = LONG_ATTRIBUTE): [number, number][] {
  if (line.length <= longest) return [];
  const found: [number, number][] = [];
  const opener = /(?:[#!][\w$.]+|\bdense|\bdense_resource|\baffine_map|\baffine_set|\()<|"|\battributes \{|= \{|= \[/g;
  for (let match = opener.exec(line); match; match = opener.exec(line)) {
    const from = match.index + match[0].length;
    const to = match[0] === '"' ? stringEnd(line, from) : closing(line, from - 1);
    if (to < 0) continue;
    const structural = match[0].endsWith("{") || match[0].endsWith("[");
    if (to - from > longest) {
      found.push([from, to]);
      opener.lastIndex = to + 1;
    } else if (!structural || match[0] === '"') opener.lastIndex = to + 1;
  }
  return found;
}

function stringEnd(line: string, from: number): number {
  for (let i = from; i < line.length; i++) {
    if (line[i] === "\\") i++;
    else if (line[i] === '"') return i;
  }
  return -1;
}

const CLOSES: Record<string, string> = { "<": ">", "{": "}", "[": "]", "(": ")" };

/** The column of the bracket that closes the one at `open`, or -1 on another line. */
function closing(line: string, open: number): number {
  const wanted: string[] = [CLOSES[line[open]]];
  for (let i = open + 1; i < line.length; i++) {
    const char = line[i];
    if (char === '"') {
      const end = stringEnd(line, i + 1);
      if (end < 0) return -1;
      i = end;
    } else if (char === "-" && line[i + 1] === ">") i++;
    else if (CLOSES[char]) wanted.push(CLOSES[char]);
    else if (char === wanted[wanted.length - 1]) {
      wanted.pop();
      if (!wanted.length) return i;
    }
  }
  return -1;
}
