/**
 * How panes are arranged: a tree of rows, columns and stacks. Pure: every operation returns a new
 * tree. A stack shows one of its panes, the others are tabs beside it.
 */

export interface Stack {
  kind: "stack";
  panes: string[];
  active: string;
  collapsed?: boolean;
}

export interface Split {
  kind: "row" | "column";
  children: Layout[];
  /** Share of each child, in any unit; a collapsed stack takes only what its head needs. */
  sizes: number[];
}

export type Layout = Stack | Split;
export type Side = "left" | "right" | "above" | "below";
/** Child indices from the root; [] is the root itself. */
export type Path = readonly number[];

export function stack(panes: readonly string[], active = panes[0]): Stack {
  return { kind: "stack", panes: [...panes], active };
}

export function split(kind: Split["kind"], ...parts: (readonly [number, Layout])[]): Split {
  return { kind, sizes: parts.map(([size]) => size), children: parts.map(([, child]) => child) };
}

export function stacksOf(layout: Layout): Stack[] {
  return layout.kind === "stack" ? [layout] : layout.children.flatMap(stacksOf);
}

export function panesOf(layout: Layout): string[] {
  return stacksOf(layout).flatMap((one) => one.panes);
}

export function stackOf(layout: Layout, pane: string): Stack | null {
  return stacksOf(layout).find((one) => one.panes.includes(pane)) ?? null;
}

/** The panes one sees: the active one of every stack that is open. */
export function visiblePanes(layout: Layout): string[] {
  return stacksOf(layout).flatMap((one) => (one.collapsed ? [] : [one.active]));
}

function mapStacks(layout: Layout, change: (stack: Stack) => Stack): Layout {
  if (layout.kind === "stack") return change(layout);
  return { ...layout, children: layout.children.map((child) => mapStacks(child, change)) };
}

/** Brings a pane to the front of its stack and opens the stack. */
export function activate(layout: Layout, pane: string): Layout {
  return mapStacks(layout, (one) =>
    one.panes.includes(pane) ? { kind: "stack", panes: one.panes, active: pane } : one,
  );
}

export function setCollapsed(layout: Layout, pane: string, collapsed: boolean): Layout {
  return mapStacks(layout, (one) => {
    if (!one.panes.includes(pane)) return one;
    const { kind, panes, active } = one;
    return collapsed ? { kind, panes, active, collapsed } : { kind, panes, active };
  });
}

export function resize(layout: Layout, path: Path, sizes: readonly number[]): Layout {
  if (layout.kind === "stack") return layout;
  const [first, ...rest] = path;
  if (first === undefined)
    return sizes.length === layout.sizes.length ? { ...layout, sizes: [...sizes] } : layout;
  const children = layout.children.map((child, i) => (i === first ? resize(child, rest, sizes) : child));
  return { ...layout, children };
}

/** Takes a pane away; what is left empty goes with it. Null when nothing is left. */
export function without(layout: Layout, pane: string): Layout | null {
  if (layout.kind === "stack") {
    if (!layout.panes.includes(pane)) return layout;
    const panes = layout.panes.filter((one) => one !== pane);
    if (!panes.length) return null;
    const at = Math.max(0, layout.panes.indexOf(pane) - 1);
    return { ...layout, panes, active: layout.active === pane ? panes[at] : layout.active };
  }
  const kept = layout.children
    .map((child, i) => [layout.sizes[i], without(child, pane)] as const)
    .filter((part): part is readonly [number, Layout] => part[1] !== null);
  return kept.length ? flatten(split(layout.kind, ...kept)) : null;
}

/** Adds a pane to the stack that holds `beside`, as its active tab, before `before`. */
export function addTab(layout: Layout, pane: string, beside: string, before: string | null = null): Layout {
  const rest = without(layout, pane);
  if (!rest || pane === beside) return layout;
  return mapStacks(rest, (one) => {
    if (!one.panes.includes(beside)) return one;
    const panes = [...one.panes];
    const at = before === null ? -1 : panes.indexOf(before);
    panes.splice(at < 0 ? panes.length : at, 0, pane);
    return { kind: "stack", panes, active: pane };
  });
}

/** Puts a pane into a stack of its own, beside the stack that holds `target`. */
export function place(layout: Layout, pane: string, target: string, side: Side): Layout {
  const home = stackOf(layout, pane);
  if (home?.panes.length === 1 && home.panes[0] === target) return layout;
  const anchor = target === pane ? (home?.panes.find((one) => one !== pane) ?? target) : target;
  const rest = without(layout, pane);
  if (!rest || !stackOf(rest, anchor)) return layout;
  return flatten(insert(rest, stack([pane]), anchor, side));
}

function insert(layout: Layout, added: Stack, anchor: string, side: Side): Layout {
  if (layout.kind === "stack") {
    if (!layout.panes.includes(anchor)) return layout;
    const kind = side === "left" || side === "right" ? "row" : "column";
    const parts: [number, Layout][] = [
      [1, layout],
      [1, added],
    ];
    if (side === "left" || side === "above") parts.reverse();
    return split(kind, ...parts);
  }
  return { ...layout, children: layout.children.map((child) => insert(child, added, anchor, side)) };
}

/** A split within a split of the same kind becomes part of it; one of a single child goes. */
function flatten(layout: Layout): Layout {
  if (layout.kind === "stack") return layout;
  const parts: [number, Layout][] = [];
  layout.children.forEach((child, i) => {
    const inner = flatten(child);
    if (inner.kind === "stack" || inner.kind !== layout.kind) parts.push([layout.sizes[i], inner]);
    else {
      const total = inner.sizes.reduce((sum, size) => sum + size, 0);
      inner.children.forEach((one, k) => parts.push([(layout.sizes[i] * inner.sizes[k]) / total, one]));
    }
  });
  return parts.length === 1 ? parts[0][1] : split(layout.kind, ...parts);
}

/** At most three stacks one above another, for a narrow cell; the rest are tabs of the third. */
export function narrowed(layout: Layout): Layout {
  const stacks = stacksOf(layout);
  if (stacks.length === 1) return layout;
  const shown = stacks.slice(0, 2);
  const others = stacks.slice(2);
  const parts: [number, Layout][] = shown.map((one, i) => [i ? 36 : 24, stack(one.panes, one.active)]);
  if (others.length)
    parts.push([40, stack(others.flatMap((one) => one.panes), others[others.length - 1].active)]);
  return split("column", ...parts);
}

/** A layout as it comes from Python or a link; null when it cannot be one of these panes. */
export function readLayout(raw: unknown, known: readonly string[]): Layout | null {
  const seen = new Set<string>();
  return read(raw, 0);

  function read(value: unknown, depth: number): Layout | null {
    if (!value || typeof value !== "object" || depth > 8) return null;
    const given = value as Partial<Record<string, unknown>>;
    if (given.kind === "stack") return readStack(given);
    if (given.kind !== "row" && given.kind !== "column") return null;
    const children = Array.isArray(given.children) ? given.children : [];
    const sizes = Array.isArray(given.sizes) ? (given.sizes as unknown[]) : [];
    const parts: [number, Layout][] = [];
    children.forEach((child, i) => {
      const layout = read(child, depth + 1);
      const size = Number(sizes[i]);
      if (layout) parts.push([Number.isFinite(size) && size > 0 ? size : 1, layout]);
    });
    return parts.length ? flatten(split(given.kind, ...parts)) : null;
  }

  function readStack(given: Partial<Record<string, unknown>>): Stack | null {
    const panes = (Array.isArray(given.panes) ? (given.panes as unknown[]) : []).filter(
      (pane): pane is string => typeof pane === "string" && known.includes(pane) && !seen.has(pane),
    );
    for (const pane of panes) seen.add(pane);
    if (!panes.length) return null;
    const active = panes.includes(given.active as string) ? (given.active as string) : panes[0];
    return given.collapsed === true
      ? { kind: "stack", panes, active, collapsed: true }
      : { kind: "stack", panes, active };
  }
}
