import { expect, test } from 'vitest'
import { loadIntent } from '../intent/load.ts'
import type { Intent } from '../intent/model.ts'
import { emptyLock } from '../plan/lock.ts'
import { planFabric } from '../plan/plan-fabric.ts'
import { sampleIntent } from './sample.ts'

function bigIntent(): Intent {
  const site = (block: number) => ({
    addresses: {
      switches: `10.${block}.0.0/22`,
      nodes: `10.${block}.4.0/22`,
      pods: { pool: `10.${block}.64.0/18`, perNode: 28 },
      services: `10.${block}.8.0/24`,
    },
    fabric: {
      superSpines: { planes: 4, perPlane: 2 },
      spines: 4,
      pods: 3,
      racks: { compute: 6 },
      borderLeaves: 4,
    },
    dci: { routers: 4 },
    edge: { routers: 4 },
  })
  const text = JSON.stringify({
    weft: 'v1',
    name: 'big',
    racks: { compute: { leaves: 2, nodes: 8 } },
    sites: { dc1: site(1), dc2: site(2), dc3: site(3) },
    peers: {
      one: { site: 'dc1', asn: 64999, link: '192.0.2.0/28' },
      two: { site: 'dc3', asn: 64998, link: '192.0.2.16/28' },
    },
    clusters: { k8s: { site: 'dc1', controlPlane: 3 } },
  })
  const { intent, diagnostics } = loadIntent(text, { file: 'big.yaml' })
  if (intent === null) throw new Error(diagnostics.map(({ message }) => message).join('\n'))
  return intent
}

test('keeps every role of a large design in a small lab', () => {
  const whole = planFabric(bigIntent(), emptyLock).plan!
  const sampled = planFabric(sampleIntent(bigIntent()), emptyLock)

  expect(sampled.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([])
  const small = sampled.plan!
  expect(new Set(small.devices.map(({ role }) => role))).toEqual(
    new Set(whole.devices.map(({ role }) => role)),
  )
  expect(whole.devices.length).toBeGreaterThan(400)
  expect(small.devices.length).toBeLessThan(80)
  expect(small.clusters.map(({ controlPlane }) => controlPlane.length)).toEqual([1])
})

test('leaves a design alone that is small already', () => {
  const once = sampleIntent(bigIntent())

  expect(sampleIntent(once)).toEqual(once)
})
