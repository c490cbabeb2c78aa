/** Small fabrics of any shape for tests of this folder. */
import fc from 'fast-check'
import { loadIntent } from '../../intent/load.ts'
import { emptyLock } from '../../plan/lock.ts'
import type { Plan } from '../../plan/model.ts'
import { planFabric } from '../../plan/plan-fabric.ts'

export interface Shape {
  racks: { leaves: number; nodes: number; attachment: string }[]
  sites: number
  spines: number
  superSpines: { planes: number; perPlane: number } | undefined
  borderLeaves: number
  nodeRoutes: string
  peers: number
  vips: number
}

export const anyShape: fc.Arbitrary<Shape> = fc.record({
  racks: fc.array(
    fc.record({
      leaves: fc.integer({ min: 1, max: 3 }),
      nodes: fc.integer({ min: 1, max: 2 }),
      attachment: fc.constantFrom('ebgp', 'ibgp'),
    }),
    { minLength: 1, maxLength: 2 },
  ),
  sites: fc.integer({ min: 1, max: 2 }),
  spines: fc.constantFrom(2, 4),
  superSpines: fc.option(fc.constant({ planes: 2, perPlane: 1 }), { nil: undefined }),
  borderLeaves: fc.integer({ min: 1, max: 2 }),
  nodeRoutes: fc.constantFrom('full', 'default'),
  peers: fc.integer({ min: 0, max: 2 }),
  vips: fc.integer({ min: 0, max: 2 }),
})

/** weft.yaml of a shape, as JSON. */
export function intentOf(shape: Shape): string {
  const { racks, sites, spines, superSpines, borderLeaves, nodeRoutes, peers, vips } = shape
  const names = Array.from({ length: sites }, (_, index) => `dc${index + 1}`)
  return JSON.stringify({
    weft: 'v1',
    name: 'any',
    racks: Object.fromEntries(racks.map((rack, index) => [`t${index}`, rack])),
    bgp: { nodeRoutes },
    sites: Object.fromEntries(
      names.map((name, index) => [
        name,
        {
          addresses: {
            switches: `10.${index}.0.0/24`,
            nodes: `10.${index}.1.0/24`,
            pods: { pool: `10.${index}.64.0/18`, perNode: 26 },
            services: `10.${index}.2.0/24`,
          },
          fabric: {
            spines,
            racks: Object.fromEntries(racks.map((_, rack) => [`t${rack}`, rack === 0 ? 2 : 1])),
            borderLeaves,
            ...(superSpines ? { superSpines } : {}),
          },
          ...(sites > 1 ? { dci: { routers: 2 } } : {}),
          edge: { routers: 2 },
        },
      ]),
    ),
    peers: Object.fromEntries(
      Array.from({ length: peers }, (_, index) => [
        `isp${index}`,
        { site: names[index % sites], asn: 64990 + index, receive: ['default'], send: ['services'] },
      ]),
    ),
    overrides: Array.from({ length: Math.min(vips, racks[0]!.nodes) }, (_, index) => ({
      select: { device: `dc1-t01-n${index + 1}` },
      set: { vips: ['10.0.2.7'] },
    })),
  })
}

/** The plan of an intent that must be valid. */
export function planOf(text: string): Plan {
  const { intent, diagnostics } = loadIntent(text, { file: 'weft.yaml', env: {} })
  if (intent === null) throw new Error(JSON.stringify(diagnostics))
  const planned = planFabric(intent, emptyLock)
  if (planned.plan === null) throw new Error(JSON.stringify(planned.diagnostics))
  return planned.plan
}

export const exampleNames = ['one-rack', 'seed', 'two-sites', 'five-stage', 'dual-stack']
