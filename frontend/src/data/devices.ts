/** Which devices of a program things belong to; "" in programs of one device, where it goes without saying. Pure. */
import type { Allocation, Barriers, StreamGraph } from "./model_types.ts";

type Named = readonly { devices: readonly string[] }[];

function several(named: Named): boolean {
  return new Set(named.flatMap((one) => one.devices)).size > 1;
}

const joined = (devices: readonly string[]): string => devices.map((name) => `@${name}`).join(", ");

/** "@b" of an execution. */
export function executionDevice(graph: StreamGraph, execution: number): string {
  return several(graph.executions) ? joined(graph.executions[execution]?.devices ?? []) : "";
}

/** "@a, @b" of a slab that both use. */
export function slabDevices(model: Allocation, slab: number): string {
  return several(model.slabs) ? joined(model.slabs[slab]?.devices ?? []) : "";
}

/** "@a" of a command buffer. */
export function bufferDevice(model: Barriers, buffer: number): string {
  const found = model.command_buffers.find((one) => one.index === buffer);
  const named = model.command_buffers.map((one) => ({ devices: one.device ? [one.device] : [] }));
  return found?.device && several(named) ? joined([found.device]) : "";
}
