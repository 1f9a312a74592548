/** The bytes of a command buffer's resources side by side, as places from 0 to 1. Pure. */
import type { Access, CommandBuffer } from "./model_types.ts";

export interface ByteMap {
  /** Resource -> where its bytes lie, and how many there are. */
  lanes: Map<string, { from: number; to: number; bytes: number }>;
}

/** Resources that hazards are about, as wide as the root of their size: small ones can be seen. */
export function byteMap(buffer: CommandBuffer): ByteMap {
  const bytes = new Map<string, number>();
  const wanted = new Set(buffer.hazards.map(({ resource }) => resource));
  for (const { accesses } of buffer.commands)
    for (const { resource, offset_bytes, length_bytes } of accesses)
      if (wanted.has(resource))
        bytes.set(resource, Math.max(bytes.get(resource) ?? 1, (offset_bytes ?? 0) + (length_bytes ?? 0)));
  const gap = 0.02;
  const total = [...bytes.values()].reduce((sum, one) => sum + Math.sqrt(one), 0);
  const room = 1 - gap * Math.max(0, bytes.size - 1);
  const lanes: ByteMap["lanes"] = new Map();
  let from = 0;
  for (const [resource, size] of bytes) {
    const to = from + (room * Math.sqrt(size)) / total;
    lanes.set(resource, { from, to, bytes: size });
    from = to + gap;
  }
  return { lanes };
}

/** Begin and end of a range; all of its resource where it is known only at run time. */
export function placeOf(map: ByteMap, access: Pick<Access, "resource" | "offset_bytes" | "length_bytes">): [number, number] | null {
  const lane = map.lanes.get(access.resource);
  if (!lane) return null;
  const { offset_bytes: offset, length_bytes: length } = access;
  if (offset === null || length === null) return [lane.from, lane.to];
  const scale = (lane.to - lane.from) / lane.bytes;
  return [lane.from + offset * scale, lane.from + (offset + length) * scale];
}
