/** Simulated schedules as text: a table of policies, and the commands of one of them in order. */
import { formatNs, plural } from "../data/format.ts";
import { shortName } from "../data/names.ts";
import { figuresOf, idleText, POLICIES, type Schedule, type Simulation } from "../data/schedule.ts";
import { button, Disposer, h, KEYS, uniqueId } from "./dom.ts";
import { VirtualList } from "./virtual_list.ts";

export interface ScheduleTableEvents {
  onSelect: (command: number) => void;
  onPolicy: (policy: number) => void;
}

export class ScheduleTable {
  readonly element: HTMLElement;
  private readonly figures = h("div", { class: "il-schedule-figures", tabindex: 0, role: "region", "aria-label": "Policies", ...KEYS });
  private readonly heading = h("h4", {});
  private readonly list: VirtualList;
  private readonly disposer = new Disposer();
  private readonly prefix = uniqueId("scheduled");
  private simulation: Simulation | null = null;
  private rows: Schedule["commands"] = [];
  private names = new Map<number, string>();
  private related: ReadonlySet<number> = new Set();
  private critical: ReadonlySet<number> = new Set();
  private cursor = 0;

  constructor(private readonly events: ScheduleTableEvents) {
    const attributes = { class: "il-command-list", role: "listbox", tabindex: 0, "aria-label": "Commands in the order they begin", ...KEYS };
    this.list = new VirtualList(attributes, 24, (index) => this.row(index));
    this.element = h("div", { class: "il-schedule-table" }, this.figures, this.heading, this.list.element);
    this.disposer.listen(this.list.element, "click", (event) => {
      const row = (event.target as HTMLElement).closest<HTMLElement>("[data-row]");
      if (row) this.pick(Number(row.dataset.row));
    });
    this.disposer.listen(this.list.element, "keydown", (event) => this.onKey(event));
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
    this.list.element.setAttribute("aria-activedescendant", `${this.prefix}-${this.cursor}`);
    this.list.setCount(this.rows.length);
    if (related.size) this.list.reveal(this.cursor);
  }

  focus(): void {
    this.list.element.focus({ preventScroll: true });
  }

  dispose(): void {
    this.list.dispose();
    this.disposer.dispose();
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

  private row(index: number): HTMLElement {
    const one = this.rows[index];
    const chosen = this.related.has(one.command);
    const name = this.names.get(one.command) ?? "";
    return h(
      "div",
      {
        id: `${this.prefix}-${index}`,
        class: `il-row il-command${chosen ? " il-selected" : ""}${index === this.cursor ? " il-cursor" : ""}`,
        role: "option",
        "aria-selected": String(chosen),
        "data-row": index,
        title: name,
      },
      h("span", { class: "il-count", title: "invocation . command" }, `${one.invocation}.${one.command}`),
      h("span", { class: "il-label" }, shortName(name)),
      h("span", { class: "il-time" }, this.critical.has(one.command) ? "critical" : ""),
      h("span", { class: "il-time" }, `queue ${one.queue}`),
      h("span", { class: "il-time" }, formatNs(one.start_ns)),
      h("span", { class: "il-time" }, `for ${formatNs(one.end_ns - one.start_ns)}`),
    );
  }

  private pick(index: number): void {
    this.cursor = index;
    this.events.onSelect(this.rows[index].command);
  }

  private onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const targets: Record<string, number> = {
      ArrowDown: this.cursor + 1,
      ArrowUp: this.cursor - 1,
      PageDown: this.cursor + this.list.pageRows,
      PageUp: this.cursor - this.list.pageRows,
      Home: 0,
      End: this.rows.length - 1,
    };
    const target = targets[event.key];
    if (target === undefined) return;
    this.pick(Math.max(0, Math.min(this.rows.length - 1, target)));
    event.preventDefault();
    event.stopPropagation();
  }
}
