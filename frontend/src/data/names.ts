/** What things are called where there is little room. */

/** Of "mlp_dispatch_0_matmul_8x64_f32" the part that tells dispatches apart. */
export function shortName(name: string): string {
  const match = /_dispatch_\d+_(.+)$/.exec(name);
  return match ? match[1] : name;
}

/** Of "mlp/%result_0" the value's own name. */
export function shortResource(id: string): string {
  return id.slice(id.indexOf("/") + 1);
}
