/** The models as JSON: what `to_json()` in ireelab/viz gives, see docs/json.md. */

export interface Access {
  resource: string;
  access: string;
  offset_bytes: number | null;
  length_bytes: number | null;
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
}

export interface Slab {
  index: number;
  function: string;
  resource: string;
  lifetime: string;
  /** That use it. */
  devices: string[];
  packed: boolean;
  alignment_bytes: number;
  size_bytes: number | null;
  lower_bound_bytes: number | null;
  waste_bytes: number | null;
}

export interface Allocation {
  step: number;
  transient_bytes: number | null;
  lower_bound_bytes: number | null;
  by_lifetime: Record<string, number>;
  slabs: Slab[];
  slices: Slice[];
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
}

export interface Barriers {
  step: number;
  emitted: number;
  needed: number;
  redundant: number;
  command_buffers: CommandBuffer[];
}
