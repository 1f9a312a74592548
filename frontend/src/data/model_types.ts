/** The models as JSON: what `to_json()` in ireelab/viz gives, see docs/json.md. */

export interface Access {
  resource: string;
  access: string;
  offset_bytes: number | null;
  length_bytes: number | null;
  /** "128x512xf32"; "" or absent where it is not known. */
  type?: string;
}

export interface Command {
  index: number;
  execution: number;
  wave: number;
  kind: string;
  name: string;
  executable: string;
  entry_point: string;
  workload: (number | null)[];
  operands: (number | null)[];
  reads: Access[];
  writes: Access[];
}

export interface Execution {
  index: number;
  function: string;
  affinity: string;
  /** Those that the affinity names. */
  devices: string[];
  once: boolean;
  awaits: string[];
  after: number[];
  waves: number[][];
  /** What is reached when it has ended. */
  timepoint: string;
}

export interface Hazard {
  kind: "RAW" | "WAR" | "WAW";
  from: number;
  to: number;
  resource: string;
  offset_bytes: number | null;
  length_bytes: number | null;
  exact: boolean;
}

export interface Resource {
  id: string;
  function: string;
  lifetime: string;
  size_bytes: number | null;
  /** First and last command that touches it. */
  first_last: number[];
}

export interface StreamGraph {
  step: number;
  executions: Execution[];
  dispatches: Command[];
  others: Command[];
  edges: Hazard[];
  execution_edges: [number, number][];
  resources: Resource[];
}

export interface Slice {
  slab: number;
  name: string;
  offset_bytes: number | null;
  size_bytes: number | null;
  requested_bytes: number | null;
  start: number;
  end: number;
  defined_by: string;
  last_used_by: string;
  uses: number[];
  /** Those of `uses` that read and write it. */
  in_place: number[];
}

export interface Slab {
  index: number;
  function: string;
  resource: string;
  lifetime: string;
  /** That use it. */
  devices: string[];
  /** The lifetime, and of a transient slab whether it outlives a command buffer. */
  scope: string;
  packed: boolean;
  alignment_bytes: number;
  size_bytes: number | null;
  lower_bound_bytes: number | null;
  waste_bytes: number | null;
}

/** A buffer and the commands, first and last, while it exists. */
export interface MemorySpan {
  id: string;
  function: string;
  lifetime: string;
  origin: string;
  size_bytes: number | null;
  first: number;
  last: number;
}

export interface Allocation {
  step: number;
  transient_bytes: number | null;
  lower_bound_bytes: number | null;
  by_lifetime: Record<string, number>;
  slabs: Slab[];
  slices: Slice[];
  over_time: { commands: number; peak_bytes: number; functions: [string, number, number][]; spans: MemorySpan[] };
  /** Event, nanoseconds, bytes in use after it; empty without a run. */
  observed: [number, number, number][];
}

export interface RecordedCommand {
  index: number;
  kind: string;
  name: string;
  workgroups: (number | null)[];
  constants: (number | null)[];
  bindings: Access[];
  accesses: Access[];
}

export interface Barrier {
  position: number;
  source_stages: string[];
  target_stages: string[];
  guards: number[];
  redundant: boolean;
}

export interface CommandBuffer {
  index: number;
  function: string;
  device: string;
  reusable: boolean;
  straight: boolean;
  execution: number | null;
  commands: RecordedCommand[];
  barriers: Barrier[];
  hazards: Hazard[];
  missing: number[];
  unproven: number[];
  needed: number;
  /** Of the commands in a run; empty without one. */
  device_ns: (number | null)[];
  concurrency: Concurrency | null;
}

/** Nanoseconds in turn, between the emitted barriers, and along the hazards. */
export interface Concurrency {
  total_ns: number;
  emitted_ns: number;
  critical_ns: number;
  critical_path: number[];
  timed: number;
  emitted: number;
  achievable: number;
}

/** An operation of a queue, or the host's await, with the fences it waits for and signals. */
export interface Submission {
  index: number;
  function: string;
  kind: string;
  waits: string[];
  signals: string[];
  after: number[];
  /** Of an execute, else -1. */
  command_buffer: number;
  resource: string;
  size_bytes: number | null;
}

export interface Barriers {
  step: number;
  emitted: number;
  needed: number;
  redundant: number;
  command_buffers: CommandBuffer[];
  submissions: Submission[];
}
