/** The explorer payload: what `ireelab/viz/payload.py` writes and this front end reads. */

export interface Step {
  i: number;
  name: string;
  phase: string;
  scope: string[];
  seconds: number;
  changed: boolean;
  composite: boolean;
  /** Dialect -> change of its op count. */
  delta: Record<string, number>;
  /** What the pass counted itself: name, value, how many runs share it, what it means. */
  statistics: [string, number, string][];
  /** Text ids of the step's scope, equal when the step changed nothing; -1 for no text. */
  before: number;
  after: number;
  /** Text id of the whole module after the step. */
  module: number;
}

export interface Diagnostic {
  severity: string;
  message: string;
  file: string;
  line: number;
  column: number;
  source_line: string;
  notes: Diagnostic[];
}

export interface Failure {
  kind: string;
  message: string;
  step: string | null;
  diagnostics: Diagnostic[];
  reproducer: string | null;
}

/** The part of an event that one worker did. */
export interface WorkerSpan {
  worker: number;
  start_ns: number;
  end_ns: number;
  workgroups: number;
}

export interface TimelineEvent {
  name: string;
  kind: string;
  queue: string;
  worker: number;
  start_ns: number;
  end_ns: number;
  workgroups: [number, number, number] | null;
  bytes: number;
  /** What the host submitted it with; absent or -1 where it does not apply. */
  submission?: number;
  executable: string;
  entry_point: string;
  locations: string[];
  /** Empty when one worker did all of it. */
  lanes: WorkerSpan[];
  /** The step whose text shows this event best, where there is one. */
  step: number | null;
}

export interface Output {
  dtype: string;
  shape: number[];
  preview: string;
  /** About the finite elements; of complex numbers, about their absolute values. */
  statistics?: {
    count: number;
    nan: number;
    infinite: number;
    zero: number;
    min: number | null;
    max: number | null;
    mean: number | null;
    deviation: number | null;
  };
  /** Against another run of the explorer; `why` says where nothing can be held against it. */
  difference?: {
    run: number;
    why: string;
    count: number;
    different: number;
    absolute: number | null;
    relative: number | null;
  };
}

export interface Run {
  /** What the explorer calls it; 0 for the only one of a page. */
  number: number;
  function: string;
  device: string;
  profile_mode: string;
  overhead_ns: number;
  outputs: Output[];
  timeline: TimelineEvent[];
}

export interface Index {
  name: string;
  pipeline: string;
  target: string;
  state: "ready" | "failed" | "stopped";
  error: Failure | null;
  compile_seconds: number;
  /** Text id of the source, or null. */
  source: number | null;
  /** Text id of the module as parsed, before any step; -1 where it is not known. */
  initial: number;
  steps: Step[];
  /** Pass name -> what it does, in a line, and where it is implemented; "" where unknown. */
  passes: Record<string, [description: string, link: string]>;
  /**
   * Texts as trees: [head, tail, child, child, ...], where head and tail are chunks (tail -1:
   * none) and children are nodes, printed two columns further in. A text id is a node.
   */
  nodes: number[][];
  /** UTF-8 byte offsets into the inflated chunks; one more entry than chunks. */
  chunk_offsets: number[];
  run: Run | null;
  /** Other compilations that stand beside this one, its first side. */
  compared: Compared | null;
}

/** A further side of a comparison; its texts are among the index's. */
export interface ComparedSide {
  source: number | null;
  steps: Step[];
  run: Run | null;
}

export interface Compared {
  /** One per side, this compilation's first. */
  labels: string[];
  descriptions: string[];
  /** The same pass in every side, by step; null where a side has none. */
  rows: (number | null)[][];
  /** Rows whose IR differs, or that a side lacks. */
  different: number[];
  /** Per further side the row where it parts from the first, or null. */
  first: (number | null)[];
  sides: ComparedSide[];
}

/** What is selected; the same thing in every pane and in every cell linked to it. */
export interface Selection {
  step: number | null;
  /** Line of the text shown, from 1. */
  line: number | null;
  view: "ir" | "diff";
  /** A reference as in entities.ts: "event:3", "command:5", "slice:0", "barrier:0.1". */
  item: string | null;
}

export interface Progress {
  state?: string;
  step?: string;
  count?: number;
}
