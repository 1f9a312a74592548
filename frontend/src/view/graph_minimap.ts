/** The whole stream graph in a corner of its canvas, with what is in view. */
import type { Colors } from "./canvas_view.ts";
import { GUTTER, NODE_HEIGHT, NODE_WIDTH, worldSize, worldX, worldY, type GraphScene } from "./graph_draw.ts";

const LARGEST = { width: 116, height: 148 };
const MARGIN = 8;
/** On a smaller canvas the map would hide more than it helps. */
const LEAST_CANVAS = { width: 255, height: 192 };

/** The left edge has the names of the waves, and the top left the function. */
export type Corner = "bottom right" | "bottom left" | "top right";

export interface Minimap {
  x: number;
  y: number;
  width: number;
  height: number;
  scaleX: number;
  scaleY: number;
}

/** Null where all of the graph is in view, or there is no room for a map. */
export function minimap(scene: GraphScene, corner: Corner, width: number, height: number): Minimap | null {
  const [worldWidth, worldHeight] = worldSize(scene);
  const { zoom } = scene;
  const overflows = worldWidth * zoom > width * 1.05 || worldHeight * zoom > height * 1.05;
  if (!overflows || width < LEAST_CANVAS.width || height < LEAST_CANVAS.height) return null;
  const most = { width: Math.min(LARGEST.width, width / 4), height: Math.min(LARGEST.height, height / 3) };
  const even = Math.min(most.width / worldWidth, most.height / worldHeight);
  // A long schedule is pressed together, so that the map shows its shape and can be clicked.
  const scaleX = Math.min(most.width / worldWidth, even * 6);
  const scaleY = Math.min(most.height / worldHeight, even * 6);
  const size = { width: worldWidth * scaleX, height: worldHeight * scaleY, scaleX, scaleY };
  return {
    ...size,
    x: corner === "bottom left" ? GUTTER + MARGIN : width - size.width - MARGIN,
    y: corner === "top right" ? MARGIN : height - size.height - MARGIN,
  };
}

/** The corner where the map hides the least of the nodes in view. */
export function freeCorner(scene: GraphScene, width: number, height: number): Corner {
  const corners: Corner[] = ["bottom right", "bottom left", "top right"];
  const hidden = corners.map((corner) => {
    const map = minimap(scene, corner, width, height);
    return map ? scene.shown.nodes.reduce((sum, _, node) => sum + hiddenArea(map, scene, node), 0) : 0;
  });
  return corners[hidden.indexOf(Math.min(...hidden))];
}

/** How much of a node the map hides, in square pixels. */
export function hiddenArea(map: Minimap, scene: GraphScene, node: number): number {
  const [nodeWidth, nodeHeight] = [NODE_WIDTH * scene.zoom, NODE_HEIGHT * scene.zoom];
  const x = (worldX(scene.layout, node) - scene.left) * scene.zoom - nodeWidth / 2;
  const y = (worldY(scene.shown.nodes[node].rank) - scene.top) * scene.zoom - nodeHeight / 2;
  return overlap(x, nodeWidth, map.x, map.width) * overlap(y, nodeHeight, map.y, map.height);
}

function overlap(a: number, aLength: number, b: number, bLength: number): number {
  return Math.max(0, Math.min(a + aLength, b + bLength) - Math.max(a, b));
}

export function drawMinimap(
  context: CanvasRenderingContext2D,
  map: Minimap,
  scene: GraphScene,
  width: number,
  height: number,
  colors: Colors,
): void {
  const { x, y, scaleX, scaleY } = map;
  context.fillStyle = colors("bg-1");
  context.strokeStyle = colors("line-strong");
  context.lineWidth = 1;
  context.fillRect(x, y, map.width, map.height);
  context.strokeRect(x - 0.5, y - 0.5, map.width + 1, map.height + 1);
  context.save();
  context.beginPath();
  context.rect(x, y, map.width, map.height);
  context.clip();
  scene.shown.nodes.forEach((node, i) => {
    const strong = scene.critical.has(i) || (scene.matches?.has(i) ?? false);
    context.fillStyle = i === scene.selected ? colors("accent") : strong ? colors("warn") : colors("line-strong");
    context.fillRect(
      x + (worldX(scene.layout, i) - NODE_WIDTH / 2) * scaleX,
      y + (worldY(node.rank) - NODE_HEIGHT / 2) * scaleY,
      Math.max(1.5, NODE_WIDTH * scaleX),
      Math.max(1, NODE_HEIGHT * scaleY),
    );
  });
  const view = [x + scene.left * scaleX, y + scene.top * scaleY, (width / scene.zoom) * scaleX, (height / scene.zoom) * scaleY] as const;
  context.fillStyle = colors("accent");
  context.globalAlpha = 0.1;
  context.fillRect(...view);
  context.globalAlpha = 1;
  context.strokeStyle = colors("accent");
  context.strokeRect(...view);
  context.restore();
}
