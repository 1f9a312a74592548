/** Where a text dispatches which entry point, and where it records barriers, at any level of the IR. */
import { symbolsIn, type TextLines } from "./mlir.ts";

export interface Sites {
  /** The lines that dispatch a symbol, in order. */
  dispatches: ReadonlyMap<string, readonly number[]>;
  /** What a line dispatches. */
  symbolsAt: ReadonlyMap<number, readonly string[]>;
  /** The lines that record a barrier, by their function, in order. */
  barriers: ReadonlyMap<string, readonly number[]>;
}

/** The op itself: types and attributes of a kernel have `dispatch` in their names too. */
const DISPATCH = /(?:^|[\s"@])(?:flow|stream\.(?:tensor|async|cmd)|hal\.command_buffer)\.dispatch(?![\w.])/;
const BARRIER = /(?:^|[\s"@])hal\.command_buffer\.execution_barrier(?![\w.])/;
const FUNCTION = /^\s*(?:util|func|vm)\.func\b[^@]*@"?([\w$.-]+)/;
/** HAL and VM look a function up first, and dispatch the value that they got. */
const LOOKUP = /^\s*(%[\w$.-]+) = .*\bhal\.executable\.(?:lookup\.function|export\.ordinal)\b(.*)/;
const FUNCTION_OPERAND = /target\([^)]*\)\[(%[\w$.-]+)\]|\bdispatch\(%[^,]+, %[^,]+, (%[\w$.-]+)/;
const NAME_CONSTANT = /^\s*(%[\w$.-]+) = vm\.const\.ref\.rodata @([\w$.-]+)/;
const NAME = /^\s*vm\.rodata\b[^@]*@([\w$.-]+)[^"]*"([^"]*)"/;

const known = new WeakMap<TextLines, Sites>();

/** Found once per text. */
export function sitesOf(lines: TextLines): Sites {
  let sites = known.get(lines);
  if (!sites) known.set(lines, (sites = findSites(lines)));
  return sites;
}

function findSites(lines: TextLines): Sites {
  const dispatches = new Map<string, number[]>();
  const symbolsAt = new Map<number, string[]>();
  const barriers = new Map<string, number[]>();
  const names = namesIn(lines);
  let values = new Map<string, string>(); // of the function around: what an SSA value names
  let around = "";
  for (let n = 1; n <= lines.count; n++) {
    const line = lines.line(n);
    const begins = FUNCTION.exec(line);
    if (begins) {
      around = begins[1];
      values = new Map();
    } else if (line.includes("hal.executable.") || line.includes("vm.const.ref.rodata")) noteValue(line, values, names);
    else if (BARRIER.test(line)) push(barriers, around, n);
    else if (DISPATCH.test(line)) {
      const symbols = dispatched(line, values);
      symbolsAt.set(n, symbols);
      for (const symbol of symbols) push(dispatches, symbol, n);
    }
  }
  return { dispatches, symbolsAt, barriers };
}

/** The VM keeps the names of functions as bytes of read-only data. */
function namesIn(lines: TextLines): Map<string, string> {
  const names = new Map<string, string>();
  if (!lines.text.includes("vm.rodata")) return names;
  for (let n = 1; n <= lines.count; n++) {
    const found = NAME.exec(lines.line(n));
    if (found) names.set(found[1], found[2]);
  }
  return names;
}

function noteValue(line: string, values: Map<string, string>, names: ReadonlyMap<string, string>): void {
  const constant = NAME_CONSTANT.exec(line);
  if (constant) return void values.set(constant[1], names.get(constant[2]) ?? "");
  const lookup = LOOKUP.exec(line);
  if (!lookup) return;
  const [, result, rest] = lookup;
  const operand = [...rest.matchAll(/%[\w$.-]+/g)].map(([value]) => values.get(value)).find(Boolean);
  const symbol = operand ?? symbolsIn(rest).at(-1);
  if (symbol) values.set(result, symbol);
}

function dispatched(line: string, values: ReadonlyMap<string, string>): string[] {
  const found = FUNCTION_OPERAND.exec(line);
  const symbol = found && values.get(found[1] ?? found[2]);
  return symbol ? [symbol] : [...new Set(symbolsIn(line))];
}

function push(map: Map<string, number[]>, key: string, line: number): void {
  const lines = map.get(key);
  if (lines) lines.push(line);
  else map.set(key, [line]);
}
