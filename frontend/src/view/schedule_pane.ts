/** The Schedule pane: Gantt charts of policies on one time axis, on a device that one chooses. */
import { formatBytes, formatNs, plural } from "../data/format.ts";
import {
  aliveAt,
  blockAt,
  commandBeside,
  longestNs,
  POLICIES,
  queryOf,
  Simulations,
  summaryOf,
  type Choice,
  type Settings,
  type Simulation,
} from "../data/schedule.ts";
import { CanvasView } from "./canvas_view.ts";
import { legendItem, select } from "./controls.ts";
import { button, h, treeOf } from "./dom.ts";
import type { PaneContext, PaneView, Selected } from "./model_pane.ts";
import type { Pane } from "./pane.ts";
import { drawSchedules, kindColor, placeAt, scheduleFrame, scheduleHeight, timeAt, topOf, type ScheduleScene } from "./schedule_draw.ts";
import { ScheduleTable } from "./schedule_table.ts";

const LABELS: readonly (readonly [Choice, string, string])[] = [
  ["units", "Units", "Compute units of the device: each runs one workgroup at a time"],
  ["queues", "Queues", "In-order queues, for policy queues"],
  ["invocations", "Calls", "How often the program is called in a row"],
  ["in_flight", "In flight", "Calls that overlap, each in buffers of its own, for policy pipelined"],
];
const MIN_SPAN_NS = 20;

export async function schedulePane(pane: Pane, context: PaneContext): Promise<PaneView> {
  const first = await context.models.get<Simulation>("schedule");
  await context.entities();
  return new SchedulePane(pane, context, first);
}

class SchedulePane implements PaneView {
  private readonly known: Simulations;
  private readonly canvas: CanvasView;
  private readonly charts: HTMLElement;
  private readonly table: ScheduleTable;
  private readonly toolbar = h("div", { class: "il-toolbar" });
  private readonly summary = h("p", { class: "il-model-summary", "aria-live": "polite" });
  private readonly legend = h("div", { class: "il-legend il-legend-wrap" });
  private readonly tableButton: HTMLButtonElement;
  private readonly criticalButton: HTMLButtonElement;
  private showCritical = false;
  private t0 = 0;
  private t1 = 1;
  private active = 0;
  private related: ReadonlySet<number> = new Set();
  private request = 0;

  constructor(
    private readonly pane: Pane,
    private readonly context: PaneContext,
    private simulation: Simulation,
  ) {
    this.known = new Simulations(simulation);
    this.canvas = new CanvasView({
      root: context.root,
      class: "il-schedule-canvas",
      label:
        "Gantt charts: units downwards, time to the right, one chart for each policy. Left and right select " +
        "commands, up and down policies, W and S zoom, A and D pan, 0 shows all. The table shows the same as text.",
      draw: (ctx, width, height, colors) => drawSchedules(ctx, this.scene(), width, height, colors),
    });
    this.charts = h("div", { class: "il-schedule-charts" }, this.canvas.element);
    this.table = new ScheduleTable({
      onSelect: (command) => context.select(`command:${command}`),
      onPolicy: (policy) => this.choosePolicy(policy),
    });
    this.table.element.hidden = true;
    this.tableButton = button("Table", { class: "il-toggle", "aria-pressed": "false", title: "The same as text" }, () => this.toggleTable());
    const title = "Mark the longest chain of commands that wait for each other";
    this.criticalButton = button("Critical path", { class: "il-toggle", "aria-pressed": "false", title }, () => this.toggleCritical());
    pane.tools.append(this.tableButton);
    pane.body.append(this.toolbar, this.summary, this.charts, this.table.element, h("div", { class: "il-model-foot" }, this.legend));
    pane.body.classList.add("il-schedule");
    this.listen();
    this.use(simulation);
  }

  show({ related }: Selected): void {
    const commands = [...related].filter((ref) => ref.startsWith("command:")).map((ref) => Number(ref.slice(8)));
    this.related = new Set(commands);
    this.redraw();
    const info = this.simulation.commands.find((one) => this.related.has(one.command));
    this.canvas.announcer.textContent = info ? `${info.name}, ${formatNs(info.alone_ns)} alone on the device` : "";
  }

  focus(): void {
    if (this.table.element.hidden) this.canvas.focus();
    else this.table.focus();
  }

  restyle(): void {
    this.canvas.restyle();
  }

  dispose(): void {
    this.request++;
    this.canvas.dispose();
    this.table.dispose();
  }

  // --- what is simulated -----------------------------------------------------------------

  private use(simulation: Simulation): void {
    this.simulation = simulation;
    this.active = Math.min(this.active, simulation.schedules.length - 1);
    this.canvas.element.style.height = `${scheduleHeight(simulation)}px`;
    this.summary.textContent = summaryOf(simulation).join(" · ");
    this.pane.setNote(`@${simulation.function} · ${plural(simulation.commands.length, "command")}`);
    const kinds = new Set(simulation.commands.map(({ kind }) => kind));
    this.legend.replaceChildren(
      ...[...kinds].map((kind) => legendItem(kindColor(kind), kind)),
      legendItem("bg-2", "idle"),
      legendItem("ok", "┆ lower bound", "No schedule that is called in this way ends before"),
      legendItem("l-transient", "transient bytes alive", "Below each chart; its peak at the left"),
    );
    this.showControls();
    this.showAll();
  }

  private showControls(): void {
    const { settings } = this.simulation;
    const focused = (treeOf(this.toolbar).activeElement as HTMLElement | null)?.getAttribute("aria-label");
    const controls = LABELS.map(([name, label, title]) => {
      const values = this.known.values(name, settings, this.context.live);
      const options = values.map((value) => [String(value), this.optionText(name, value)] as const);
      return select(label, title, options, String(settings[name]), (value) => void this.change({ [name]: Number(value) }));
    });
    const memory = [["1", "packed"], ["0", "one each"]] as const;
    const title = "Packed: commands also wait for bytes that they reuse, as compiled. One each: no value shares memory";
    controls.push(select("Memory", title, memory, settings.packed ? "1" : "0", (value) => void this.change({ packed: value === "1" })));
    this.toolbar.replaceChildren(...controls, this.criticalButton);
    if (focused) this.toolbar.querySelector<HTMLElement>(`[aria-label="${focused}"]`)?.focus();
  }

  private optionText(name: Choice, value: number): string {
    return name === "units" && value === this.simulation.measured_units ? `${value} (as run)` : String(value);
  }

  /** Other settings: at hand in the page, or from the kernel. */
  private async change(changed: Partial<Settings>): Promise<void> {
    const request = ++this.request;
    const settings = { ...this.simulation.settings, ...changed };
    const here = this.known.find(settings);
    if (here) return this.use(here);
    if (!this.context.live) {
      this.showControls();
      this.summary.textContent = "This page does not hold that simulation; in a notebook it is computed.";
      return;
    }
    this.summary.textContent = "Simulating…";
    try {
      const found = await this.context.models.get<Simulation>(`schedule/${queryOf(settings)}`);
      this.known.add(found);
      if (request === this.request) this.use(found);
    } catch (error) {
      if (request !== this.request) return;
      this.showControls();
      this.summary.textContent = error instanceof Error ? error.message : String(error);
    }
  }

  // --- what is shown ---------------------------------------------------------------------

  private scene(): ScheduleScene {
    const { simulation, t0, t1, related, active } = this;
    const critical = new Set(this.showCritical ? simulation.critical_path : []);
    return { simulation, t0, t1, related, critical, active };
  }

  private redraw(): void {
    this.canvas.redraw();
    if (!this.table.element.hidden) this.table.show(this.simulation, this.active, this.related);
  }

  private toggleTable(): void {
    const table = this.table.element.hidden;
    this.table.element.hidden = !table;
    this.charts.hidden = table;
    this.tableButton.setAttribute("aria-pressed", String(table));
    this.redraw();
  }

  private toggleCritical(): void {
    this.showCritical = !this.showCritical;
    this.criticalButton.setAttribute("aria-pressed", String(this.showCritical));
    this.redraw();
  }

  private choosePolicy(policy: number): void {
    this.active = Math.max(0, Math.min(this.simulation.schedules.length - 1, policy));
    const schedule = this.simulation.schedules[this.active];
    this.canvas.announcer.textContent = `${schedule.policy}: ${POLICIES[schedule.policy]}, ${formatNs(schedule.makespan_ns)}`;
    const top = topOf(this.simulation, this.active);
    const next = topOf(this.simulation, this.active + 1);
    const { scrollTop, clientHeight } = this.charts;
    if (top < scrollTop) this.charts.scrollTop = top;
    else if (next > scrollTop + clientHeight) this.charts.scrollTop = next - clientHeight;
    this.redraw();
  }

  private showAll(): void {
    const longest = longestNs(this.simulation);
    [this.t0, this.t1] = [0, longest * 1.01];
    this.redraw();
  }

  private setWindow(t0: number, t1: number): void {
    const longest = longestNs(this.simulation) * 1.01;
    const span = Math.min(Math.max(t1 - t0, MIN_SPAN_NS), longest);
    this.t0 = Math.max(0, Math.min(longest - span, (t0 + t1 - span) / 2));
    this.t1 = this.t0 + span;
    this.redraw();
  }

  private zoom(factor: number, at: number): void {
    this.setWindow(at - (at - this.t0) * factor, at + (this.t1 - at) * factor);
  }

  private pan(fraction: number): void {
    const by = (this.t1 - this.t0) * fraction;
    this.setWindow(this.t0 + by, this.t1 + by);
  }

  // --- input -----------------------------------------------------------------------------

  private listen(): void {
    const { canvas, disposer } = this.canvas;
    disposer.listen(canvas, "pointermove", (event) => this.onHover(event));
    disposer.listen(canvas, "click", (event) => {
      const at = this.under(event);
      if (at) this.choosePolicy(at.policy);
      const command = at && at.block >= 0 ? this.simulation.schedules[at.policy].commands[at.block].command : null;
      this.context.select(command === null ? null : `command:${command}`);
    });
    disposer.listen(canvas, "keydown", (event) => this.onKey(event));
    const onWheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      this.zoom(Math.exp(event.deltaY * 0.002), timeAt(this.scene(), scheduleFrame(this.canvas.width), event.offsetX));
    };
    disposer.listen(canvas, "wheel", onWheel, { passive: false });
  }

  /** The policy under the pointer, and the position of the command whose block is there, or -1. */
  private under(event: { offsetX: number; offsetY: number }): { policy: number; time: number; block: number } | null {
    const place = placeAt(this.simulation, event.offsetY);
    const frame = scheduleFrame(this.canvas.width);
    if (!place) return null;
    const time = timeAt(this.scene(), frame, event.offsetX);
    const schedule = this.simulation.schedules[place.policy];
    const inside = event.offsetX >= frame.left && place.unit >= 0;
    const found = inside ? blockAt(schedule, time, place.unit) : -1;
    return { policy: place.policy, time, block: found < 0 ? -1 : schedule.blocks[found][0] };
  }

  private onHover(event: PointerEvent): void {
    const at = this.under(event);
    this.canvas.canvas.style.cursor = at && at.block >= 0 ? "pointer" : "default";
    if (!at || event.offsetX < scheduleFrame(this.canvas.width).left) return this.canvas.hideTooltip();
    const schedule = this.simulation.schedules[at.policy];
    const alive = `${formatBytes(aliveAt(schedule, at.time))} alive`;
    const clock = formatNs(Math.max(0, Math.round(at.time)));
    if (at.block < 0) {
      this.canvas.showTooltip(event, h("div", { class: "il-card-head" }, schedule.policy), h("div", {}, POLICIES[schedule.policy] ?? ""), h("div", { class: "il-muted" }, `at ${clock}: ${alive}`));
      return;
    }
    const one = schedule.commands[at.block];
    const info = this.simulation.commands.find(({ command }) => command === one.command);
    const facts = [
      `call ${one.invocation}`,
      `queue ${one.queue}`,
      info && info.workgroups > 1 ? plural(info.workgroups, "workgroup") : "",
      info ? `time ${info.times}` : "",
    ];
    this.canvas.showTooltip(
      event,
      h("div", { class: "il-card-head" }, info?.name ?? ""),
      h("div", {}, `${formatNs(one.start_ns)} to ${formatNs(one.end_ns)}, ${formatNs(one.end_ns - one.start_ns)}`),
      h("div", {}, facts.filter(Boolean).join(" · ")),
      h("div", { class: "il-muted" }, `at ${clock}: ${alive}`),
    );
  }

  private onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const middle = (this.t0 + this.t1) / 2;
    const beside = (by: 1 | -1) => {
      const own = [...this.related][0] ?? null;
      const command = commandBeside(this.simulation.schedules[this.active], own, by);
      if (command !== null) this.context.select(`command:${command}`);
    };
    const actions: Record<string, () => void> = {
      ArrowRight: () => beside(1),
      ArrowLeft: () => beside(-1),
      ArrowDown: () => this.choosePolicy(this.active + 1),
      ArrowUp: () => this.choosePolicy(this.active - 1),
      w: () => this.zoom(0.75, middle),
      s: () => this.zoom(1 / 0.75, middle),
      "+": () => this.zoom(0.75, middle),
      "-": () => this.zoom(1 / 0.75, middle),
      a: () => this.pan(-0.15),
      d: () => this.pan(0.15),
      "0": () => this.showAll(),
      Escape: () => this.context.select(null),
    };
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action) return;
    action();
    event.preventDefault();
    event.stopPropagation();
  }
}
