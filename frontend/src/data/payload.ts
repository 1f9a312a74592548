/** Decodes the two binary traits: the index at once, the texts when they are looked at. */
import { Pieces, type PieceKey } from "./pieces.ts";
import type { Compared, ComparedSide, Diagnostic, Failure, Index, Run, Step, TimelineEvent } from "./types.ts";

export const SCHEMA = 1;

export class PayloadError extends Error {}

type Json = Record<string, unknown>;

export async function inflate(bytes: Uint8Array): Promise<Uint8Array> {
  const copy = new Uint8Array(bytes);
  const stream = new Blob([copy]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

export async function decodeIndex(bytes: Uint8Array): Promise<Index> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(await inflate(bytes)));
  } catch (cause) {
    throw new PayloadError("The explorer's data is damaged: it is not gzip-compressed JSON.", {
      cause,
    });
  }
  return readIndex(json);
}

/** A run by itself, shown instead of the index's. */
export async function decodeRun(bytes: Uint8Array): Promise<Run> {
  return readRun(asObject(JSON.parse(new TextDecoder().decode(await inflate(bytes)))));
}

/** Checks the schema and fills in what an older or shorter producer left out. */
export function readIndex(json: unknown): Index {
  const raw = asObject(json);
  if (raw.schema !== SCHEMA)
    throw new PayloadError(
      `This page reads explorer data of schema ${SCHEMA}, and got schema ${String(raw.schema)}.`,
    );
  const source = asObject(raw.source).text;
  return {
    name: asString(raw.name, "module"),
    pipeline: asString(raw.pipeline),
    target: asString(raw.target),
    state: raw.state === "failed" || raw.state === "stopped" ? raw.state : "ready",
    error: raw.error ? readFailure(asObject(raw.error)) : null,
    compile_seconds: asNumber(raw.compile_seconds),
    source: typeof source === "number" ? source : null,
    initial: asNumber(raw.initial, -1),
    steps: asArray(raw.steps).map((step, i) => readStep(asObject(step), i)),
    passes: asObject(raw.passes) as Index["passes"],
    nodes: asArray(raw.nodes) as number[][],
    chunk_offsets: asArray(raw.chunk_offsets) as number[],
    run: raw.run ? readRun(asObject(raw.run)) : null,
    compared: raw.compared ? readCompared(asObject(raw.compared)) : null,
  };
}

function readCompared(raw: Json): Compared {
  return {
    labels: asArray(raw.labels) as string[],
    descriptions: asArray(raw.descriptions) as string[],
    rows: asArray(raw.rows) as (number | null)[][],
    different: asArray(raw.different) as number[],
    first: asArray(raw.first) as (number | null)[],
    sides: asArray(raw.sides).map((side) => readSide(asObject(side))),
  };
}

function readSide(raw: Json): ComparedSide {
  return {
    source: typeof raw.source === "number" ? raw.source : null,
    steps: asArray(raw.steps).map((step, i) => readStep(asObject(step), i)),
    run: raw.run ? readRun(asObject(raw.run)) : null,
  };
}

function readStep(raw: Json, i: number): Step {
  const after = asNumber(raw.after, -1);
  return {
    i,
    name: asString(raw.name, "?"),
    phase: asString(raw.phase, "other"),
    scope: asArray(raw.scope) as string[],
    seconds: asNumber(raw.seconds),
    changed: raw.changed === true,
    composite: raw.composite === true,
    delta: asObject(raw.delta) as Record<string, number>,
    statistics: asArray(raw.statistics) as Step["statistics"],
    before: asNumber(raw.before, after),
    after,
    module: asNumber(raw.module, -1),
  };
}

function readFailure(raw: Json): Failure {
  return {
    kind: asString(raw.kind, "Error"),
    message: asString(raw.message),
    step: typeof raw.step === "string" ? raw.step : null,
    diagnostics: asArray(raw.diagnostics).map((item) => readDiagnostic(asObject(item))),
    reproducer: typeof raw.reproducer === "string" ? raw.reproducer : null,
  };
}

function readDiagnostic(raw: Json): Diagnostic {
  return {
    severity: asString(raw.severity, "error"),
    message: asString(raw.message),
    file: asString(raw.file),
    line: asNumber(raw.line),
    column: asNumber(raw.column),
    source_line: asString(raw.source_line),
    notes: asArray(raw.notes).map((item) =>
      typeof item === "string"
        ? readDiagnostic({ severity: "note", message: item })
        : readDiagnostic(asObject(item)),
    ),
  };
}

function readRun(raw: Json): Run {
  return {
    number: asNumber(raw.number),
    function: asString(raw.function),
    device: asString(raw.device),
    profile_mode: asString(raw.profile_mode),
    overhead_ns: asNumber(raw.overhead_ns),
    outputs: asArray(raw.outputs) as Run["outputs"],
    timeline: asArray(raw.timeline).map((event) => readEvent(asObject(event))),
  };
}

function readEvent(raw: Json): TimelineEvent {
  const start_ns = asNumber(raw.start_ns);
  return {
    name: asString(raw.name, "?"),
    kind: asString(raw.kind, "other"),
    queue: asString(raw.queue),
    worker: asNumber(raw.worker, -1),
    start_ns,
    end_ns: Math.max(start_ns, asNumber(raw.end_ns, start_ns)),
    workgroups: Array.isArray(raw.workgroups) ? (raw.workgroups as [number, number, number]) : null,
    bytes: asNumber(raw.bytes),
    submission: asNumber(raw.submission, -1),
    executable: asString(raw.executable),
    entry_point: asString(raw.entry_point),
    locations: asArray(raw.locations) as string[],
    lanes: (asArray(raw.lanes) as [number, number, number, number][]).map(
      ([worker, start, end, workgroups]) => ({ worker, start_ns: start, end_ns: end, workgroups }),
    ),
    step: typeof raw.step === "number" ? raw.step : null,
  };
}

const asObject = (value: unknown): Json =>
  value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Json) : {};
const asArray = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const asString = (value: unknown, otherwise = ""): string =>
  typeof value === "string" ? value : otherwise;
const asNumber = (value: unknown, otherwise = 0): number =>
  typeof value === "number" && Number.isFinite(value) ? value : otherwise;

/** How many composed texts are kept; a diff needs two, stepping back and forth a few more. */
const KEPT_TEXTS = 8;

/** Composes texts from chunks on demand. The chunks are inflated once, at the first text. */
export class TextStore {
  private inflated: Promise<Uint8Array> | null = null;
  private readonly kept = new Map<number, string>();
  private readonly decoder = new TextDecoder();

  constructor(
    private readonly index: Pick<Index, "nodes" | "chunk_offsets">,
    private readonly compressed: Uint8Array,
  ) {}

  async text(id: number): Promise<string> {
    const known = this.kept.get(id);
    if (known !== undefined) {
      this.keep(id, known);
      return known;
    }
    const bytes = await this.bytes();
    const pieces: string[] = [];
    this.compose(bytes, id, "", pieces);
    const text = pieces.join("");
    this.keep(id, text);
    return text;
  }

  /** The pieces of all texts, to read lines of without composing whole texts. */
  async pieces(lineCount: (key: PieceKey) => number): Promise<Pieces> {
    return new Pieces(this.index, await this.bytes(), lineCount);
  }

  /** Appends a node's text; its children stand between head and tail, two columns further in. */
  private compose(bytes: Uint8Array, id: number, margin: string, pieces: string[]): void {
    const node = this.index.nodes[id];
    if (!node) throw new PayloadError(`The explorer's data has no text ${id}.`);
    const [head, tail, ...children] = node;
    pieces.push(indent(this.decodeChunk(bytes, head), margin));
    for (const child of children) this.compose(bytes, child, `${margin}  `, pieces);
    if (tail >= 0) pieces.push(indent(this.decodeChunk(bytes, tail), margin));
  }

  private async bytes(): Promise<Uint8Array> {
    this.inflated ??= this.compressed.length
      ? inflate(this.compressed)
      : Promise.resolve(new Uint8Array());
    try {
      return await this.inflated;
    } catch (cause) {
      throw new PayloadError("The explorer's texts are damaged: they cannot be inflated.", {
        cause,
      });
    }
  }

  private decodeChunk(bytes: Uint8Array, chunk: number): string {
    const [from, to] = [this.index.chunk_offsets[chunk], this.index.chunk_offsets[chunk + 1]];
    if (from === undefined || to === undefined || to > bytes.length)
      throw new PayloadError(`The explorer's data is cut off before chunk ${chunk}.`);
    return this.decoder.decode(bytes.subarray(from, to));
  }

  private keep(id: number, text: string): void {
    this.kept.delete(id);
    this.kept.set(id, text);
    if (this.kept.size <= KEPT_TEXTS) return;
    for (const oldest of this.kept.keys()) {
      this.kept.delete(oldest);
      return;
    }
  }
}

/** A chunk, which ends in a newline, shifted right. */
function indent(chunk: string, margin: string): string {
  return margin ? margin + chunk.slice(0, -1).replaceAll("\n", `\n${margin}`) + "\n" : chunk;
}
