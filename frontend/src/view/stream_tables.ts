/** Executions with what they await, and resources with lifetime and size, as tables. */
import { formatBytes, plural } from "../data/format.ts";
import type { Execution, Resource, StreamGraph } from "../data/model_types.ts";
import { shortResource } from "../data/names.ts";
import { button, h, KEYS } from "./dom.ts";

/** "awaits %a, %b", "reaches %c", "on @device", ... */
export function executionFacts({ affinity, awaits, after, once, timepoint }: Execution): string[] {
  return [
    awaits.length ? `awaits ${awaits.join(", ")}` : "awaits nothing",
    after.length ? `after execution ${after.join(", ")}` : "",
    timepoint ? `reaches ${timepoint}` : "",
    affinity ? `on ${deviceOf(affinity)}` : "",
    once ? "runs once" : "",
  ].filter(Boolean);
}

export function streamTables(graph: StreamGraph, onCommand: (command: number) => void): HTMLElement {
  const executions = graph.executions.map((one) => executionRow(one, onCommand));
  const resources = graph.resources.map((one) => resourceRow(one, onCommand));
  return h(
    "div",
    { class: "il-tables", role: "region", tabindex: 0, "aria-label": "Executions and resources", ...KEYS },
    table("Executions", ["", "Function", "Waves", "Commands", "Awaits", "Reaches", "Device"], executions),
    table("Resources", ["Name", "Function", "Lifetime", "Size", "First and last use"], resources),
  );
}

function executionRow(one: Execution, onCommand: (command: number) => void): (Node | string)[] {
  const commands = one.waves.flat();
  const link = button(`execution ${one.index}`, { class: "il-link" }, () => commands.length && onCommand(commands[0]));
  return [
    link,
    `@${one.function}`,
    String(one.waves.length),
    String(commands.length),
    one.awaits.join(", ") || "nothing",
    one.timepoint,
    deviceOf(one.affinity),
  ];
}

function resourceRow({ id, function: fn, lifetime, size_bytes, first_last: [first, last] }: Resource, onCommand: (command: number) => void): (Node | string)[] {
  const use = (command: number) => button(String(command), { class: "il-link", title: `Command ${command}` }, () => onCommand(command));
  const uses = h("span", {}, ...(first === undefined ? ["none"] : first === last ? [use(first)] : [use(first), " – ", use(last)]));
  return [shortResource(id), id.startsWith("@") ? "" : `@${fn}`, lifetime, size_bytes === null ? "at run time" : formatBytes(size_bytes), uses];
}

function table(title: string, columns: string[], rows: (Node | string)[][]): HTMLElement {
  const head = h("tr", {}, ...columns.map((text) => h("th", { scope: "col" }, text)));
  const body = rows.map((cells) => h("tr", {}, ...cells.map((cell) => h("td", {}, cell))));
  return h(
    "section",
    {},
    h("h4", {}, plural(rows.length, title.toLowerCase().slice(0, -1))),
    h("table", { class: "il-plain-table" }, h("thead", {}, head), h("tbody", {}, ...body)),
  );
}

/** "@__device_0" of "#hal.device.affinity<@__device_0>". */
function deviceOf(affinity: string): string {
  return /@[\w.]+(?:, \[[^\]]*\])?/.exec(affinity)?.[0] ?? affinity;
}
