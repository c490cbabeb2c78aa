import type { Plan } from '../../plan/model.ts'

/**
 * Neighbours in the fabric with the same hash seed. The second of them sees only flows that the first put on this way,
 * and with the same seed it puts all of them on the same one of its own ways.
 */
export function findEqualSeeds(plan: Plan): { from: string; to: string; seed: number }[] {
  const seeds = new Map(plan.devices.map(({ name, hashSeed }) => [name, hashSeed]))
  return plan.links.flatMap(({ a, b }) => {
    const seed = seeds.get(a.device)!
    return seed === seeds.get(b.device) ? [{ from: a.device, to: b.device, seed }] : []
  })
}
