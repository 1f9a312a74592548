/** The stream graph as it is shown: commands, or what groups of them are closed to. Pure. */
import { executionDevice } from "./devices.ts";
import { commandsOf } from "./entities.ts";
import { shortName } from "./names.ts";
import type { Command, StreamGraph } from "./model_types.ts";

export type Level = "commands" | "waves" | "executions" | "functions";

export interface GraphNode {
  /** "command:5", or the key of a closed group: "wave:0.3", "execution:0", "function:main". */
  key: string;
  label: string;
  /** Indices of the commands it stands for, in program order. */
  commands: number[];
  /** Position in the schedule: nodes of one rank may run at once. */
  rank: number;
  execution: number;
  function: string;
}

export interface GraphEdge {
  from: number;
  to: number;
  /** How many dependences it stands for. */
  count: number;
}

export interface ShownGraph {
  nodes: GraphNode[];
  edges: GraphEdge[];
  /** Executions that await another's timepoint: the last node of one, the first of the other. */
  waits: { from: number; to: number }[];
  /** Command index -> node index. */
  nodeOf: Int32Array;
  rankCount: number;
  /** Per rank, what it is: "wave 3" or ""; and on which device, where there are several. */
  ranks: { label: string; execution: number; device: string; first: boolean }[];
}

/** The groups that a command is in, outermost first. */
function groupsOf(graph: StreamGraph, command: Command): Record<Exclude<Level, "commands">, string> {
  const execution = graph.executions[command.execution];
  return {
    functions: `function:${execution?.function ?? ""}`,
    executions: `execution:${command.execution}`,
    waves: `wave:${command.execution}.${command.wave}`,
  };
}

/** `opened` holds the keys of groups that are open although their level is closed. */
export function showGraph(graph: StreamGraph, level: Level, opened: ReadonlySet<string>): ShownGraph {
  const commands = commandsOf(graph);
  const nodes: GraphNode[] = [];
  const byKey = new Map<string, number>();
  const nodeOf = new Int32Array(commands.length).fill(-1);
  for (const command of commands) {
    const key = keyOf(graph, command, level, opened);
    let at = byKey.get(key);
    if (at === undefined) {
      at = nodes.length;
      byKey.set(key, at);
      const fn = graph.executions[command.execution]?.function ?? "";
      nodes.push({ key, label: "", commands: [], rank: 0, execution: command.execution, function: fn });
    }
    nodes[at].commands.push(command.index);
    nodeOf[command.index] = at;
  }
  for (const node of nodes) node.label = labelOf(graph, node, commands);
  const ranks = rankNodes(graph, nodes, commands);
  const waits = waitsBetween(graph, nodes);
  return { nodes, edges: edgesBetween(graph, nodeOf), waits, nodeOf, rankCount: ranks.length, ranks };
}

function waitsBetween(graph: StreamGraph, nodes: readonly GraphNode[]): ShownGraph["waits"] {
  const first = new Map<number, number>();
  const last = new Map<number, number>();
  nodes.forEach(({ execution }, i) => {
    if (!first.has(execution)) first.set(execution, i);
    last.set(execution, i);
  });
  return graph.execution_edges.flatMap(([before, after]) => {
    const [from, to] = [last.get(before), first.get(after)];
    return from === undefined || to === undefined || nodes[from].rank >= nodes[to].rank ? [] : [{ from, to }];
  });
}

function keyOf(graph: StreamGraph, command: Command, level: Level, opened: ReadonlySet<string>): string {
  const groups = groupsOf(graph, command);
  const levels = ["functions", "executions", "waves"] as const;
  const closed = level === "commands" ? [] : levels.slice(levels.indexOf(level));
  for (const one of closed) if (!opened.has(groups[one])) return groups[one];
  return `command:${command.index}`;
}

function labelOf(graph: StreamGraph, node: GraphNode, commands: readonly Command[]): string {
  const [kind, rest] = node.key.split(":");
  const first = commands[node.commands[0]];
  if (kind === "command") return shortName(first.name);
  const count = node.commands.length;
  const what = count === 1 ? shortName(first.name) : `${count} commands`;
  if (kind === "wave") return `wave ${first.wave} · ${what}`;
  if (kind === "execution") {
    const waves = `${graph.executions[node.execution]?.waves.length ?? 0} waves`;
    const device = executionDevice(graph, node.execution);
    return [`execution ${rest}`, device ? `on ${device}` : "", waves].filter(Boolean).join(" · ");
  }
  return `@${rest} · ${what}`;
}

/** Ranks follow the waves of the executions in program order; closed groups take one. */
function rankNodes(graph: StreamGraph, nodes: GraphNode[], commands: readonly Command[]): ShownGraph["ranks"] {
  const ranks: ShownGraph["ranks"] = [];
  const seen = new Map<string, number>();
  let lastExecution = -1;
  for (const node of nodes) {
    const first = commands[node.commands[0]];
    const place = node.key.startsWith("command") ? `wave:${first.execution}.${first.wave}` : node.key;
    let rank = seen.get(place);
    if (rank === undefined) {
      rank = ranks.length;
      seen.set(place, rank);
      const label = place.startsWith("wave") ? `wave ${first.wave}` : "";
      const begins = node.execution !== lastExecution;
      ranks.push({ label, execution: node.execution, device: executionDevice(graph, node.execution), first: begins });
      lastExecution = node.execution;
    }
    node.rank = rank;
  }
  return ranks;
}

function edgesBetween(graph: StreamGraph, nodeOf: Int32Array): GraphEdge[] {
  const edges = new Map<number, GraphEdge>();
  const count = nodeOf.length;
  for (const { from, to } of graph.edges) {
    const [a, b] = [nodeOf[from], nodeOf[to]];
    if (a < 0 || b < 0 || a === b) continue;
    const known = edges.get(a * count + b);
    if (known) known.count++;
    else edges.set(a * count + b, { from: a, to: b, count: 1 });
  }
  return [...edges.values()];
}

/** The longest chain of dependent nodes, by weight: node indices in order, and its weight. */
export function criticalPath(shown: ShownGraph, weight: (node: number) => number): { path: number[]; weight: number } {
  const { nodes, edges } = shown;
  const order = [...nodes.keys()].sort((a, b) => nodes[a].rank - nodes[b].rank || a - b);
  const into: number[][] = nodes.map(() => []);
  for (const { from, to } of edges) if (nodes[from].rank < nodes[to].rank) into[to].push(from);
  const best = new Float64Array(nodes.length);
  const previous = new Int32Array(nodes.length).fill(-1);
  let last = -1;
  for (const node of order) {
    for (const from of into[node])
      if (previous[node] < 0 || best[from] > best[previous[node]]) previous[node] = from;
    best[node] = weight(node) + (previous[node] < 0 ? 0 : best[previous[node]]);
    if (last < 0 || best[node] > best[last]) last = node;
  }
  const path: number[] = [];
  for (let node = last; node >= 0; node = previous[node]) path.unshift(node);
  return { path, weight: last < 0 ? 0 : best[last] };
}
