/** A timeline for other tools: Chrome trace JSON (Perfetto) and CSV, as Timeline writes them. */
import type { TimelineEvent } from "./types.ts";

const HOST = 1;

/** One process per queue, one thread per worker; times in microseconds from the first event. */
export function toPerfetto(events: readonly TimelineEvent[]): string {
  const processes = new Map<string, number>([["host", HOST]]);
  const threads = new Set<string>();
  const slices = events.flatMap((event) => {
    const name = event.worker < 0 ? "host" : event.queue;
    if (!processes.has(name)) processes.set(name, processes.size + 1);
    const pid = processes.get(name) ?? HOST;
    const spans = event.lanes.length ? event.lanes : [event];
    return spans.map(({ worker, start_ns, end_ns }) => {
      threads.add(`${pid} ${worker}`);
      return {
        ph: "X",
        pid,
        tid: worker + 1,
        name: event.name,
        cat: event.kind,
        ts: start_ns / 1e3,
        dur: (end_ns - start_ns) / 1e3,
        args: {
          workgroups: event.workgroups,
          bytes: event.bytes,
          executable: event.executable,
          entry_point: event.entry_point,
          source_locations: event.locations,
        },
      };
    });
  });
  const named = [...processes].map(([name, pid]) => metadata("process_name", pid, 0, name));
  for (const thread of [...threads].sort()) {
    const [pid, worker] = thread.split(" ").map(Number);
    named.push(metadata("thread_name", pid, worker + 1, worker < 0 ? "host" : `worker ${worker}`));
  }
  return JSON.stringify({ displayTimeUnit: "ns", traceEvents: [...named, ...slices] });
}

function metadata(what: string, pid: number, tid: number, name: string) {
  return { ph: "M", pid, tid, name: what, args: { name } };
}

const COLUMNS = [
  "name", "kind", "queue", "worker", "start_ns", "end_ns", "workgroups", "bytes", "executable",
  "entry_point", "source_locations",
] as const;

/** One line an event; workgroups as 4x2x1, locations separated by semicolons. */
export function toCsv(events: readonly TimelineEvent[]): string {
  const lines = events.map((event) => {
    const values: Record<(typeof COLUMNS)[number], string | number> = {
      ...event,
      workgroups: event.workgroups?.join("x") ?? "",
      source_locations: event.locations.join(";"),
    };
    return COLUMNS.map((name) => quoted(String(values[name]))).join(",");
  });
  return [COLUMNS.join(","), ...lines, ""].join("\r\n");
}

function quoted(value: string): string {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
