/** Simulated schedules as text: a table of policies, and the commands of one of them in order. */
import { formatNs, plural } from "../data/format.ts";
import { shortName } from "../data/names.ts";
import { figuresOf, idleText, POLICIES, type Schedule, type Simulation } from "../data/schedule.ts";
import { button, h, KEYS } from "./dom.ts";
import { ListBox, type ListRow } from "./list_box.ts";

export interface ScheduleTableEvents {
  onSelect: (command: number) => void;
  onPolicy: (policy: number) => void;
}

export class ScheduleTable {
  readonly element: HTMLElement;
  private readonly figures = h("div", { class: "il-schedule-figures", tabindex: 0, role: "region", "aria-label": "Policies", ...KEYS });
  private readonly heading = h("h4", {});
  private readonly list: ListBox;
  private simulation: Simulation | null = null;
  private rows: Schedule["commands"] = [];
  private names = new Map<number, string>();
  private related: ReadonlySet<number> = new Set();
  private critical: ReadonlySet<number> = new Set();
  private cursor = 0;

  constructor(private readonly events: ScheduleTableEvents) {
    this.list = new ListBox({
      class: "il-command-list",
      label: "Commands in the order they begin",
      rowHeight: 24,
      row: (index) => this.row(this.rows[index]),
      onPick: (index) => this.pick(index),
    });
    this.element = h("div", { class: "il-schedule-table" }, this.figures, this.heading, this.list.element);
  }

  show(simulation: Simulation, active: number, related: ReadonlySet<number>): void {
    const schedule = simulation.schedules[active];
    if (simulation !== this.simulation) this.names = new Map(simulation.commands.map((one) => [one.command, one.name]));
    this.simulation = simulation;
    this.critical = new Set(simulation.critical_path);
    this.related = related;
    this.rows = [...schedule.commands].sort((a, b) => a.start_ns - b.start_ns || a.command - b.command);
    if (!related.has(this.rows[this.cursor]?.command)) {
      const at = this.rows.findIndex((one) => related.has(one.command));
      if (at >= 0) this.cursor = at;
    }
    this.cursor = Math.min(this.cursor, this.rows.length - 1);
    this.figures.replaceChildren(this.policies(simulation, active));
    const idle = idleText(schedule, 5);
    this.heading.textContent = `${schedule.policy}: ${plural(this.rows.length, "command")} in the order they begin${idle && `; idle: ${idle}`}`;
    this.list.setCount(this.rows.length);
    this.list.show(this.cursor, related.size > 0);
  }

  focus(): void {
    this.list.focus();
  }

  dispose(): void {
    this.list.dispose();
  }

  private policies(simulation: Simulation, active: number): HTMLElement {
    const [first] = simulation.schedules;
    const head = h("tr", {}, h("th", { scope: "col" }, "policy"));
    for (const [name] of figuresOf(first, first)) head.append(h("th", { scope: "col" }, name));
    const body = h("tbody", {});
    simulation.schedules.forEach((schedule, at) => {
      const choose = button(schedule.policy, { class: "il-link", title: POLICIES[schedule.policy], "aria-pressed": String(at === active) }, () =>
        this.events.onPolicy(at),
      );
      const row = h("tr", { class: at === active ? "il-selected" : "" }, h("th", { scope: "row" }, choose));
      for (const [, text] of figuresOf(schedule, first)) row.append(h("td", { class: "il-number" }, text));
      body.append(row);
    });
    return h("table", {}, h("thead", {}, head), body);
  }

  private row({ command, invocation, queue, start_ns, end_ns }: Schedule["commands"][number]): ListRow {
    const name = this.names.get(command) ?? "";
    return {
      selected: this.related.has(command),
      class: "il-command",
      title: name,
      cells: [
        h("span", { class: "il-count", title: "invocation . command" }, `${invocation}.${command}`),
        h("span", { class: "il-label" }, shortName(name)),
        h("span", { class: "il-time" }, this.critical.has(command) ? "critical" : ""),
        h("span", { class: "il-time" }, `queue ${queue}`),
        h("span", { class: "il-time" }, formatNs(start_ns)),
        h("span", { class: "il-time" }, `for ${formatNs(end_ns - start_ns)}`),
      ],
    };
  }

  private pick(index: number): void {
    this.cursor = index;
    this.events.onSelect(this.rows[index].command);
  }
}
