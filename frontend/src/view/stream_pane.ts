/** The Streams pane: the schedule as a graph or as a list. */
import { commandsOf, type Entities } from "../data/entities.ts";
import { formatBytes, formatNs, plural } from "../data/format.ts";
import { criticalPath, showGraph, type GraphNode, type Level, type ShownGraph } from "../data/graph.ts";
import { inSlices, layoutGraph, type GraphLayout } from "../data/graph_layout.ts";
import { bytesOf, Measures, type Measure } from "../data/measures.ts";
import type { StreamGraph } from "../data/model_types.ts";
import { shortResource } from "../data/names.ts";
import { button, h, KEYS } from "./dom.ts";
import { GraphView } from "./graph_view.ts";
import { NOTHING, type PaneContext, type PaneView, type Selected } from "./model_pane.ts";
import type { Pane } from "./pane.ts";
import { executionFacts, streamTables } from "./stream_tables.ts";
import { select } from "./controls.ts";
import { CommandList } from "./command_list.ts";

/** More nodes than this are first shown closed to executions. */
const OPEN_AT_MOST = 12_000;

export async function streamPane(pane: Pane, context: PaneContext): Promise<PaneView> {
  const graph = await context.models.get<StreamGraph>("stream");
  const view = new StreamPane(pane, context, graph, await context.entities());
  await view.rebuild();
  return view;
}

class StreamPane implements PaneView {
  private readonly view: GraphView;
  private readonly list: CommandList;
  private readonly tables: HTMLElement;
  private readonly modes = new Map<HTMLElement, HTMLElement>();
  private readonly scale = h("span", { class: "il-scale" });
  private readonly measures: Measures;
  private readonly commands;
  private readonly search: HTMLInputElement;
  private readonly criticalButton: HTMLButtonElement;
  private readonly progress = h("div", { class: "il-message", role: "status", hidden: true });
  private level: Level = "commands";
  private measure: Measure;
  private readonly opened = new Set<string>();
  private shown: ShownGraph | null = null;
  private layout: GraphLayout | null = null;
  private critical: ReadonlyMap<number, number> = new Map();
  private showCritical = false;
  private selected: Selected = NOTHING;
  private last: string | null = null;
  private request = 0;

  constructor(
    private readonly pane: Pane,
    private readonly context: PaneContext,
    private readonly graph: StreamGraph,
    entities: Entities,
  ) {
    this.commands = commandsOf(graph);
    if (this.commands.length > OPEN_AT_MOST) this.level = "executions";
    this.measures = new Measures(this.commands, context.index.run?.timeline ?? [], entities);
    this.measure = this.measures.has("time") ? "time" : "bytes";
    this.view = new GraphView(context.root, {
      onSelect: (node) => this.selectNode(node),
      onToggle: (node) => this.toggle(node),
      onSearch: () => this.search.focus(),
      describe: (node) => this.describe(node),
      text: (node) => `${this.shown?.nodes[node].label ?? ""}, ${this.caption(node)}`,
    });
    this.list = new CommandList(this.commands, this.measures, (command) => context.select(`command:${command}`));
    this.list.element.hidden = true;
    this.search = h("input", {
      type: "search",
      class: "il-input il-search",
      placeholder: "Find",
      "aria-label": "Find commands by name or resource",
      title: "Find commands by name or resource; Enter goes to the next ( / )",
      ...KEYS,
    });
    this.search.addEventListener("input", () => this.draw(false));
    this.search.addEventListener("keydown", (event) => this.onSearchKey(event));
    this.criticalButton = button(
      "Critical path",
      { class: "il-toggle", "aria-pressed": "false", title: "The longest chain of dependent commands" },
      () => {
        this.showCritical = !this.showCritical;
        this.criticalButton.setAttribute("aria-pressed", String(this.showCritical));
        this.draw(false);
      },
    );
    this.tables = streamTables(graph, (command) => context.select(`command:${command}`));
    this.tables.hidden = true;
    pane.tools.append(this.modeButton("List", "The same as a list of text", this.list.element), this.modeButton("Tables", "Executions with their timepoints; resources with lifetime and size", this.tables));
    pane.body.append(this.toolbar(), this.view.canvas.element, this.list.element, this.tables, this.progress);
    pane.body.classList.add("il-with-toolbar");
  }

  show(selected: Selected): void {
    this.selected = selected;
    const moved = selected.item !== this.last;
    this.last = selected.item;
    this.draw(moved);
    this.list.show(selected.related);
  }

  focus(): void {
    if (!this.tables.hidden) this.tables.focus();
    else if (this.list.element.hidden) this.view.canvas.focus();
    else this.list.focus();
  }

  restyle(): void {
    this.view.canvas.restyle();
  }

  dispose(): void {
    this.request++;
    this.view.canvas.dispose();
    this.list.dispose();
  }

  /** Which nodes there are has changed: they are laid out anew, in slices. */
  async rebuild(): Promise<void> {
    const request = ++this.request;
    const shown = showGraph(this.graph, this.level, this.opened);
    const ranks = shown.nodes.map((node) => node.rank);
    const steps = layoutGraph({ ranks, edges: shown.edges, rankCount: shown.rankCount });
    const layout = await inSlices(steps, (done) => {
      this.progress.hidden = shown.nodes.length < 1000;
      this.progress.textContent = `Laying out ${plural(shown.nodes.length, "node")}… ${Math.round(100 * done)} %`;
    });
    if (request !== this.request) return;
    this.progress.hidden = true;
    this.shown = shown;
    this.layout = layout;
    const found = criticalPath(shown, (node) => this.measures.sum("time", shown.nodes[node].commands) || 1);
    this.critical = new Map(found.path.map((node, place) => [node, place]));
    this.note(found.path.length, found.weight);
    this.draw(false);
  }

  private note(length: number, weight: number): void {
    const { executions } = this.graph;
    const waves = executions.reduce((sum, one) => sum + one.waves.length, 0);
    const time = this.measures.has("time") ? ` (${formatNs(weight)})` : "";
    this.pane.setNote(
      [
        plural(executions.length, "execution"),
        plural(waves, "wave"),
        plural(this.commands.length, "command"),
        `critical path ${length}${time}`,
      ].join(" · "),
    );
  }

  private draw(moved: boolean): void {
    const { shown, layout } = this;
    if (!shown || !layout) return;
    const related = new Set<number>();
    for (const ref of this.selected.related)
      if (ref.startsWith("command:")) related.add(shown.nodeOf[Number(ref.slice(8))] ?? -1);
    const own = this.selected.item?.startsWith("command:") ? Number(this.selected.item.slice(8)) : -1;
    const selected = own >= 0 ? (shown.nodeOf[own] ?? -1) : related.size ? [...related][0] : -1;
    const most = Math.max(1, ...shown.nodes.map((node) => this.measures.sum(this.measure, node.commands)));
    this.scale.replaceChildren(h("span", { class: "il-scale-bar", "aria-hidden": "true" }), `0 – ${this.measures.text(this.measure, most)}`);
    this.scale.title = "What the colour and the bar of a node stand for";
    this.view.show(
      {
        shown,
        layout,
        selected,
        related,
        matches: this.matches(shown),
        critical: this.showCritical ? this.critical : new Map(),
        weight: (node) => this.measures.sum(this.measure, shown.nodes[node].commands) / most,
        caption: (node) => this.caption(node),
      },
      moved,
    );
  }

  private caption(node: number): string {
    return this.shown ? this.measures.caption(this.shown.nodes[node].commands) : "";
  }

  private selectNode(node: number | null): void {
    if (node === null || !this.shown) this.context.select(null);
    else this.context.select(`command:${this.shown.nodes[node].commands[0]}`);
  }

  private toggle(node: number): void {
    const found = this.shown?.nodes[node];
    if (!found) return;
    if (!found.key.startsWith("command")) this.opened.add(found.key);
    else {
      const command = this.commands[found.commands[0]];
      this.opened.delete(`wave:${command.execution}.${command.wave}`);
      this.opened.delete(`execution:${command.execution}`);
      this.opened.delete(`function:${found.function}`);
    }
    void this.rebuild();
  }

  private matches(shown: ShownGraph): ReadonlySet<number> | null {
    const wanted = this.search.value.trim().toLowerCase();
    if (!wanted) return null;
    const found = new Set<number>();
    for (const command of this.commands) {
      const resources = [...command.reads, ...command.writes].map((access) => access.resource);
      if ([command.name, ...resources].some((text) => text.toLowerCase().includes(wanted)))
        found.add(shown.nodeOf[command.index]);
    }
    return found;
  }

  private onSearchKey(event: KeyboardEvent): void {
    if (event.key === "Escape") {
      this.search.value = "";
      this.draw(false);
      this.focus();
    } else if (event.key === "Enter" && this.shown) {
      const found = [...(this.matches(this.shown) ?? [])].sort((a, b) => a - b);
      const own = this.selected.item?.startsWith("command:") ? Number(this.selected.item.slice(8)) : -1;
      const at = this.shown.nodeOf[own] ?? -1;
      const next = found.find((node) => node > at) ?? found[0];
      if (next !== undefined) this.selectNode(next);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private describe(node: number): HTMLElement[] {
    const found = this.shown?.nodes[node];
    if (!found) return [];
    const lines = [h("div", { class: "il-card-head" }, found.label), h("div", {}, this.caption(node))];
    if (!found.key.startsWith("command")) return [...lines, ...this.describeGroup(found)];
    const command = this.commands[found.commands[0]];
    lines[0].textContent = command.name;
    for (const [verb, accesses] of [["reads", command.reads], ["writes", command.writes]] as const)
      for (const access of accesses.slice(0, 6)) {
        const length = access.length_bytes === null ? "? B" : formatBytes(access.length_bytes);
        const shape = access.type ? `${access.type} ` : "";
        lines.push(h("div", { class: "il-muted" }, `${verb} ${shape}${shortResource(access.resource)} ${length}`));
      }
    const count = command.reads.length + command.writes.length;
    const total = `${formatBytes(bytesOf(command))} in ${plural(count, "range")}`;
    return [...lines.slice(0, 13), h("div", {}, total)];
  }

  /** What a closed group waits for, and where it runs. */
  private describeGroup({ execution, key }: GraphNode): HTMLElement[] {
    const found = this.graph.executions[execution];
    if (!found || key.startsWith("function")) return [];
    return executionFacts(found).map((text) => h("div", { class: "il-muted" }, text));
  }

  private toolbar(): HTMLElement {
    const levels = [
      ["commands", "Commands"],
      ["waves", "Waves"],
      ["executions", "Executions"],
      ["functions", "Functions"],
    ] as const;
    const measures = [
      ["time", "Time"],
      ["bytes", "Bytes"],
      ["workgroups", "Workgroups"],
    ] as const;
    const onLevel = (level: Level) => {
      this.level = level;
      this.opened.clear();
      void this.rebuild();
    };
    const onMeasure = (measure: Measure) => {
      this.measure = measure;
      this.draw(false);
    };
    return h(
      "div",
      { class: "il-toolbar" },
      select("Show", "What a node is; double click opens one", levels, this.level, onLevel),
      select("Colour", "What colour and bar of a node measure", measures.filter(([one]) => this.measures.has(one)), this.measure, onMeasure),
      this.scale,
      this.search,
      this.criticalButton,
    );
  }

  /** Shows something else in place of the graph, or the graph again. */
  private modeButton(label: string, title: string, shown: HTMLElement): HTMLElement {
    const toggle = button(label, { class: "il-toggle", "aria-pressed": "false", title }, () => {
      const opening = shown.hidden;
      for (const [other, element] of this.modes) {
        element.hidden = element !== shown || !opening;
        other.setAttribute("aria-pressed", String(!element.hidden));
      }
      this.view.canvas.element.hidden = opening;
      this.focus();
    });
    this.modes.set(toggle, shown);
    return toggle;
  }
}
