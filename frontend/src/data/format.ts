/** Numbers as people read them: three significant digits, always with a unit. */

const NO_BREAK = "\u00a0";

export function formatSeconds(seconds: number): string {
  return formatNs(seconds * 1e9);
}

export function formatNs(ns: number): string {
  const size = Math.abs(ns);
  if (size === 0) return `0${NO_BREAK}s`;
  if (size < 999.5) return `${significant(ns)}${NO_BREAK}ns`;
  if (size < 999.5e3) return `${significant(ns / 1e3)}${NO_BREAK}µs`;
  if (size < 999.5e6) return `${significant(ns / 1e6)}${NO_BREAK}ms`;
  return `${significant(ns / 1e9)}${NO_BREAK}s`;
}

export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit ? significant(value) : value}${NO_BREAK}${units[unit]}`;
}

export function formatCount(count: number): string {
  return count.toLocaleString("en-US");
}

/** "1 step", "2,000 steps". */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** +3, −2 (with a real minus sign), 0. */
export function formatDelta(delta: number): string {
  if (delta === 0) return "0";
  return delta > 0 ? `+${formatCount(delta)}` : `−${formatCount(-delta)}`;
}

/** Ops added and removed over all dialects, "+3 −9"; empty when nothing was counted. */
export function formatDeltaTotals(delta: Record<string, number>): string {
  let added = 0;
  let removed = 0;
  for (const change of Object.values(delta)) {
    if (change > 0) added += change;
    else removed += change;
  }
  return [added ? formatDelta(added) : "", removed ? formatDelta(removed) : ""]
    .filter(Boolean)
    .join(" ");
}

export function formatWorkgroups(workgroups: readonly number[] | null): string {
  return workgroups ? workgroups.join("×") : "";
}

function significant(value: number): string {
  const size = Math.abs(value);
  if (size >= 99.95) return String(Math.round(value));
  return size >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}
