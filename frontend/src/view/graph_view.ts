/** The stream graph's canvas: pan, zoom, hover, walking along edges. */
import type { ShownGraph } from "../data/graph.ts";
import type { GraphLayout } from "../data/graph_layout.ts";
import { CanvasView } from "./canvas_view.ts";
import { treeOf } from "./dom.ts";
import {
  drawGraph,
  GUTTER,
  NODE_HEIGHT,
  NODE_WIDTH,
  worldSize,
  worldX,
  worldY,
  type GraphScene,
} from "./graph_draw.ts";
import { drawMinimap, freeCorner, hiddenArea, minimap, type Corner, type Minimap } from "./graph_minimap.ts";

export interface GraphEvents {
  onSelect: (node: number | null) => void;
  /** Opens a closed group, or closes the group around a command. */
  onToggle: (node: number) => void;
  onSearch: () => void;
  describe: (node: number) => HTMLElement[];
  text: (node: number) => string;
}

const MAX_ZOOM = 2.5;
const MIN_READABLE = 0.8;

export class GraphView {
  readonly canvas: CanvasView;
  private scene: GraphScene | null = null;
  private left = 0;
  private top = 0;
  private zoom = 1;
  private placed = false;
  private corner: Corner = "bottom right";

  constructor(
    root: HTMLElement,
    private readonly events: GraphEvents,
  ) {
    this.canvas = new CanvasView({
      root,
      class: "il-graph-canvas",
      label:
        "Stream graph. Arrows walk along edges and waves, Enter opens or closes a group, + and - zoom, " +
        "0 shows everything, F goes to the selection. The list shows the same as text.",
      draw: (context, width, height, colors) => {
        if (!this.scene) return;
        if (!this.placed) this.placeFirst();
        const scene = this.inView(this.scene);
        drawGraph(context, scene, width, height, colors);
        const map = minimap(scene, this.corner, width, height);
        if (map) drawMinimap(context, map, scene, width, height, colors);
      },
    });
    this.listen();
  }

  /** Another graph, or another look of the same one. */
  show(scene: Omit<GraphScene, "left" | "top" | "zoom">, moved: boolean): void {
    const fresh = this.scene?.layout !== scene.layout;
    this.scene = { ...scene, left: 0, top: 0, zoom: 1 };
    if (fresh) this.placed = false;
    if ((moved || fresh) && scene.selected >= 0) this.reveal(scene.selected);
    if (moved && scene.selected >= 0) this.canvas.announcer.textContent = this.events.text(scene.selected);
    this.canvas.redraw();
  }

  /** Everything in view, beside the labels of the waves. */
  fit(): void {
    if (!this.scene) return;
    const [width, height] = worldSize(this.scene);
    const room = this.canvas.width - GUTTER;
    this.zoom = Math.min(1.2, room / width, this.canvas.height / height);
    this.left = (width - room / this.zoom) / 2 - GUTTER / this.zoom;
    this.top = Math.min(0, (height - this.canvas.height / this.zoom) / 2);
    this.placed = true;
    this.canvas.redraw();
  }

  zoomToSelection(): void {
    if (!this.scene || this.scene.selected < 0) return this.fit();
    this.zoom = Math.max(this.zoom, 1);
    this.centre(this.scene.selected);
  }

  /** All of it where it can be read then; else its beginning, readable. */
  private placeFirst(): void {
    this.fit();
    if (!this.scene || this.zoom >= MIN_READABLE) return;
    const [width] = worldSize(this.scene);
    const room = this.canvas.width - GUTTER;
    this.zoom = Math.max(MIN_READABLE, Math.min(1, room / width));
    this.left = this.firstColumn() - (GUTTER + room / 2) / this.zoom;
    this.top = 0;
    this.corner = freeCorner(this.inView(this.scene), this.canvas.width, this.canvas.height);
    if (this.scene.selected >= 0) this.reveal(this.scene.selected);
  }

  private inView(scene: GraphScene): GraphScene {
    return { ...scene, left: this.left, top: this.top, zoom: this.zoom };
  }

  private get map(): Minimap | null {
    const { scene, corner, canvas } = this;
    return scene && minimap(this.inView(scene), corner, canvas.width, canvas.height);
  }

  /** The middle of what stands first, where a graph is too wide to be seen at once. */
  private firstColumn(): number {
    const { shown, layout } = this.scene as GraphScene;
    const first = shown.nodes.flatMap((node, i) => (node.rank === 0 ? [worldX(layout, i)] : []));
    return first.length ? (Math.min(...first) + Math.max(...first)) / 2 : 0;
  }

  private centre(node: number): void {
    if (this.scene) this.centreAt(worldX(this.scene.layout, node), worldY(this.scene.shown.nodes[node].rank));
  }

  private centreAt(x: number, y: number): void {
    this.left = x - (GUTTER + this.canvas.width) / this.zoom / 2;
    this.top = y - this.canvas.height / this.zoom / 2;
    this.canvas.redraw();
  }

  /** Moves the view to a place of the minimap; false where there is none under the pointer. */
  private goToMinimap(offsetX: number, offsetY: number, dragging: boolean): boolean {
    const map = this.map;
    if (!map) return false;
    const [x, y] = [offsetX - map.x, offsetY - map.y];
    if (!dragging && (x < 0 || y < 0 || x > map.width || y > map.height)) return false;
    this.centreAt(x / map.scaleX, y / map.scaleY);
    return true;
  }

  private reveal(node: number): void {
    if (!this.scene || !this.canvas.width) return;
    const x = (worldX(this.scene.layout, node) - this.left) * this.zoom;
    const y = (worldY(this.scene.shown.nodes[node].rank) - this.top) * this.zoom;
    const room = 30;
    const outside = x < GUTTER + room || y < room || x > this.canvas.width - room || y > this.canvas.height - room;
    if (outside || (this.map && hiddenArea(this.map, this.inView(this.scene), node) > 0)) this.centre(node);
  }

  private zoomBy(factor: number, x = this.canvas.width / 2, y = this.canvas.height / 2): void {
    if (!this.scene) return;
    const [width, height] = worldSize(this.scene);
    const least = Math.min(0.5, (0.7 * this.canvas.width) / width, (0.7 * this.canvas.height) / height);
    const zoom = Math.max(least, Math.min(MAX_ZOOM, this.zoom * factor));
    this.left += x / this.zoom - x / zoom;
    this.top += y / this.zoom - y / zoom;
    this.zoom = zoom;
    this.canvas.redraw();
  }

  private nodeAt(offsetX: number, offsetY: number): number {
    if (!this.scene) return -1;
    const x = this.left + offsetX / this.zoom;
    const y = this.top + offsetY / this.zoom;
    const { shown, layout } = this.scene;
    return shown.nodes.findIndex(
      (node, i) =>
        Math.abs(worldX(layout, i) - x) <= NODE_WIDTH / 2 && Math.abs(worldY(node.rank) - y) <= NODE_HEIGHT / 2,
    );
  }

  // --- input -----------------------------------------------------------------------------

  private listen(): void {
    const { canvas, disposer } = this.canvas;
    disposer.listen(canvas, "wheel", (event) => this.onWheel(event), { passive: false });
    disposer.listen(canvas, "pointerdown", (event) => this.onPointerDown(event));
    disposer.listen(canvas, "pointermove", (event) => this.onHover(event));
    disposer.listen(canvas, "dblclick", (event) => {
      const node = this.nodeAt(event.offsetX, event.offsetY);
      if (node >= 0) this.events.onToggle(node);
    });
    disposer.listen(canvas, "keydown", (event) => this.onKey(event));
  }

  /** The wheel scrolls the page until the graph has the focus; then it pans, with Ctrl it zooms. */
  private onWheel(event: WheelEvent): void {
    const { canvas } = this.canvas;
    const zooming = event.ctrlKey || event.metaKey;
    if (treeOf(canvas).activeElement !== canvas && !zooming) return;
    event.preventDefault();
    if (zooming) this.zoomBy(Math.exp(-event.deltaY * 0.004), event.offsetX, event.offsetY);
    else {
      this.left += event.deltaX / this.zoom;
      this.top += event.deltaY / this.zoom;
    }
    this.canvas.hideTooltip();
    this.canvas.redraw();
  }

  private onPointerDown(down: PointerEvent): void {
    if (down.button !== 0) return;
    const { canvas } = this.canvas;
    canvas.setPointerCapture(down.pointerId);
    this.canvas.hideTooltip();
    const mapping = this.goToMinimap(down.offsetX, down.offsetY, false);
    const [left, top] = [this.left, this.top];
    let moved = mapping;
    const move = (event: PointerEvent) => {
      const [dx, dy] = [event.clientX - down.clientX, event.clientY - down.clientY];
      moved ||= Math.hypot(dx, dy) > 3;
      if (!moved) return;
      if (mapping) return void this.goToMinimap(event.offsetX, event.offsetY, true);
      this.left = left - dx / this.zoom;
      this.top = top - dy / this.zoom;
      this.canvas.redraw();
    };
    const stop = (event: PointerEvent) => {
      canvas.removeEventListener("pointermove", move);
      canvas.removeEventListener("pointerup", stop);
      canvas.removeEventListener("pointercancel", stop);
      if (moved || event.type !== "pointerup") return;
      const node = this.nodeAt(event.offsetX, event.offsetY);
      this.events.onSelect(node < 0 ? null : node);
    };
    canvas.addEventListener("pointermove", move);
    canvas.addEventListener("pointerup", stop);
    canvas.addEventListener("pointercancel", stop);
  }

  private onHover(event: PointerEvent): void {
    if (event.buttons) return;
    const node = this.nodeAt(event.offsetX, event.offsetY);
    this.canvas.canvas.style.cursor = node < 0 ? "grab" : "pointer";
    if (node < 0) this.canvas.hideTooltip();
    else this.canvas.showTooltip(event, ...this.events.describe(node));
  }

  private onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const actions: Record<string, () => void> = {
      ArrowDown: () => this.walk((shown, at) => successor(shown, at, 1)),
      ArrowUp: () => this.walk((shown, at) => successor(shown, at, -1)),
      ArrowRight: () => this.walk((shown, at) => this.beside(shown, at, 1)),
      ArrowLeft: () => this.walk((shown, at) => this.beside(shown, at, -1)),
      Enter: () => this.scene && this.scene.selected >= 0 && this.events.onToggle(this.scene.selected),
      "+": () => this.zoomBy(1.25),
      "=": () => this.zoomBy(1.25),
      "-": () => this.zoomBy(0.8),
      "0": () => this.fit(),
      f: () => this.zoomToSelection(),
      "/": () => this.events.onSearch(),
      Escape: () => this.events.onSelect(null),
    };
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action) return;
    action();
    event.preventDefault();
    event.stopPropagation();
  }

  private walk(next: (shown: ShownGraph, at: number) => number): void {
    if (!this.scene?.shown.nodes.length) return;
    const at = this.scene.selected;
    this.events.onSelect(at < 0 ? 0 : next(this.scene.shown, at));
  }

  private beside(shown: ShownGraph, at: number, by: 1 | -1): number {
    const layout = this.scene?.layout as GraphLayout;
    const peers = [...shown.nodes.keys()]
      .filter((node) => shown.nodes[node].rank === shown.nodes[at].rank)
      .sort((a, b) => layout.x[a] - layout.x[b]);
    return peers[Math.max(0, Math.min(peers.length - 1, peers.indexOf(at) + by))];
  }
}

/** The node that an edge leads to (or comes from) nearest in the schedule; itself without one. */
function successor(shown: ShownGraph, at: number, by: 1 | -1): number {
  const near = shown.edges
    .filter((edge) => (by > 0 ? edge.from : edge.to) === at)
    .map((edge) => (by > 0 ? edge.to : edge.from));
  const distance = (node: number) => Math.abs(shown.nodes[node].rank - shown.nodes[at].rank);
  return near.sort((a, b) => distance(a) - distance(b))[0] ?? at;
}
