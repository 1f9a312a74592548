import assert from "node:assert/strict";
import { test } from "node:test";
import type { GraphScene } from "../../frontend/src/view/graph_draw.ts";
import { freeCorner, hiddenArea, minimap } from "../../frontend/src/view/graph_minimap.ts";

/** One node per wave, at these places of a graph four nodes wide, in a view of 400 x 600. */
function scene(x: number[], zoom = 1): GraphScene {
  const nodes = x.map((_, rank) => ({ rank }));
  const drawn = { left: 0, top: 0, zoom, selected: -1, related: new Set(), matches: null, critical: new Map() };
  const layout = { x: Float64Array.from(x), bends: [], width: 4 };
  return { ...drawn, shown: { nodes, rankCount: x.length }, layout, weight: () => 0, caption: () => "" } as unknown as GraphScene;
}

test("the map keeps out of the way of what is drawn", () => {
  const [left, right] = [0.5, 1.9];
  assert.equal(freeCorner(scene(Array(9).fill(left)), 400, 600), "bottom right");
  assert.equal(freeCorner(scene(Array(9).fill(right)), 400, 600), "bottom left");
  const both = [left, left, left, left, left, left, right, left, right];
  assert.equal(freeCorner(scene(both), 400, 600), "top right");
});

test("there is a map only where something is out of view, and it is a part of the canvas", () => {
  assert.equal(minimap(scene([0.5, 0.5], 0.5), "bottom right", 400, 600), null);
  assert.equal(minimap(scene([0.5, 0.5]), "bottom right", 200, 600), null);
  const map = minimap(scene([0.5, 0.5]), "top right", 400, 600)!;
  assert.ok(map.width < 101 && map.height < 201);
  assert.equal(map.y, 8);
  assert.equal(hiddenArea(map, scene([0.5, 0.5]), 0), 0);
});
