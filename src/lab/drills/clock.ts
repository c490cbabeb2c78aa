/** Milliseconds since the epoch that never jump: what all parts of a drill measure with. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now()
}
