/**
 * A layered layout: ranks are given; order within ranks by barycentres, then places by least
 * squares with least distances. A generator, so that the page stays alive meanwhile. Pure.
 */

export interface LayoutInput {
  ranks: readonly number[];
  edges: readonly { from: number; to: number }[];
  rankCount: number;
}

export interface GraphLayout {
  /** Centre of every node, in units of one node's width and one rank's height. */
  x: Float64Array;
  /** Per edge the points between its ends, [x, rank, x, rank, ...], for edges across ranks. */
  bends: Float64Array[];
  width: number;
}

const ORDER_SWEEPS = 8;
const PLACE_SWEEPS = 10;
/** Longer edges run straight: a point in every rank between would cost more than it shows. */
const MOST_BENDS = 10;
const BEND_ROOM = 0.14;

/** Yields between sweeps how far it has come, from 0 to 1. */
export function* layoutGraph(input: LayoutInput): Generator<number, GraphLayout> {
  const count = input.ranks.length;
  const layers: number[][] = Array.from({ length: input.rankCount }, () => []);
  const above: number[][] = [];
  const below: number[][] = [];
  const chains: number[][] = [];
  input.ranks.forEach((rank, node) => {
    layers[rank].push(node);
    above.push([]);
    below.push([]);
  });
  for (const { from, to } of input.edges) {
    const chain: number[] = [];
    const [low, high] = [input.ranks[from], input.ranks[to]];
    let last = from;
    if (high - low - 1 <= MOST_BENDS)
      for (let rank = low + 1; rank < high; rank++) {
        const bend = above.length;
        above.push([]);
        below.push([]);
        layers[rank].push(bend);
        chain.push(bend);
        connect(last, bend);
        last = bend;
      }
    if (low < high) connect(last, to);
    chains.push(chain);
  }
  const position = new Float64Array(above.length);
  for (const layer of layers) layer.forEach((node, i) => (position[node] = i));
  for (let sweep = 0; sweep < ORDER_SWEEPS; sweep++) {
    orderLayers(layers, sweep % 2 === 0 ? above : below, sweep % 2 === 0, position);
    yield (sweep + 1) / (ORDER_SWEEPS + PLACE_SWEEPS);
  }
  const room = (node: number) => (node < count ? 1 : BEND_ROOM);
  const x = centred(layers, room, above.length);
  for (let sweep = 0; sweep < PLACE_SWEEPS; sweep++) {
    placeLayers(layers, sweep % 2 === 0 ? above : below, sweep % 2 === 0, x, room);
    yield (ORDER_SWEEPS + sweep + 1) / (ORDER_SWEEPS + PLACE_SWEEPS);
  }
  return result(x, chains, input, count);

  function connect(from: number, to: number): void {
    below[from].push(to);
    above[to].push(from);
  }
}

function orderLayers(layers: number[][], near: number[][], down: boolean, position: Float64Array): void {
  const key = new Float64Array(position.length);
  for (let k = 0; k < layers.length; k++) {
    const layer = layers[down ? k : layers.length - 1 - k];
    for (const node of layer) key[node] = mean(near[node], position, position[node]);
    layer.sort((a, b) => key[a] - key[b]);
    layer.forEach((node, i) => (position[node] = i));
  }
}

function centred(layers: number[][], room: (node: number) => number, count: number): Float64Array {
  const x = new Float64Array(count);
  for (const layer of layers) {
    let at = 0;
    for (const node of layer) {
      x[node] = at + room(node) / 2;
      at += room(node);
    }
    for (const node of layer) x[node] -= at / 2;
  }
  return x;
}

/** Every node as near to its neighbours as the others in its layer let it: pooled violators. */
function placeLayers(
  layers: number[][],
  near: number[][],
  down: boolean,
  x: Float64Array,
  room: (node: number) => number,
): void {
  for (let k = 0; k < layers.length; k++) {
    const layer = layers[down ? k : layers.length - 1 - k];
    const offsets: number[] = [];
    let offset = 0;
    layer.forEach((node, i) => {
      offsets.push(offset);
      offset += (room(node) + room(layer[Math.min(i + 1, layer.length - 1)])) / 2;
    });
    const blocks: [number, number][] = [];
    layer.forEach((node, i) => {
      let block: [number, number] = [mean(near[node], x, x[node]) - offsets[i], 1];
      while (blocks.length && blocks[blocks.length - 1][0] > block[0]) {
        const [value, size] = blocks.pop()!;
        block = [(value * size + block[0] * block[1]) / (size + block[1]), size + block[1]];
      }
      blocks.push(block);
    });
    let i = 0;
    for (const [value, size] of blocks) for (let j = 0; j < size; j++, i++) x[layer[i]] = value + offsets[i];
  }
}

function mean(nodes: readonly number[], values: Float64Array, otherwise: number): number {
  if (!nodes.length) return otherwise;
  let sum = 0;
  for (const node of nodes) sum += values[node];
  return sum / nodes.length;
}

function result(x: Float64Array, chains: number[][], input: LayoutInput, count: number): GraphLayout {
  let low = Infinity;
  let high = -Infinity;
  for (const value of x) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (!x.length) [low, high] = [0, 0];
  const shift = 0.5 - low;
  const bends = chains.map((chain, i) => {
    const rank = input.ranks[input.edges[i].from];
    return Float64Array.from(chain.flatMap((bend, k) => [x[bend] + shift, rank + 1 + k]));
  });
  return { x: x.slice(0, count).map((value) => value + shift), bends, width: high - low + 1 };
}

/** Runs a generator in slices, so that the page can answer in between. */
export async function inSlices<T>(
  steps: Generator<number, T>,
  onProgress: (done: number) => void,
  sliceMs = 12,
): Promise<T> {
  for (;;) {
    const until = performance.now() + sliceMs;
    for (let now = 0; now < until; now = performance.now()) {
      const step = steps.next();
      if (step.done) return step.value;
      onProgress(step.value);
    }
    await new Promise((resolve) => setTimeout(resolve));
  }
}
