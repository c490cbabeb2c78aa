import { afterAll, beforeAll, expect, test } from 'vitest'
import { compareConfig } from '../../src/frr/running-config.ts'
import { renderFrr } from '../../src/render/frr/frr-config.ts'
import { RouterBench } from './loaded-router.ts'
import { plansUnderTest } from './plans.ts'

const nothing = { missing: [], unexpected: [] }

let bench: RouterBench
beforeAll(async () => {
  bench = await RouterBench.open('rload', 3)
})
afterAll(async () => {
  await bench.close()
})

for (const { name, plan } of plansUnderTest()) {
  test(`every daemon of ${name} runs every line of its file and no other`, async () => {
    await bench.forEach(plan.devices, async (device, place) => {
      const { daemons } = renderFrr(plan, device)

      const running = await bench.loadFiles(place, daemons)

      for (const daemon of ['zebra', 'bgpd', 'bfdd'] as const)
        expect(compareConfig(daemons[daemon], running[daemon]), `${device.name} ${daemon}`).toEqual(nothing)
    })
  })

  test(`vtysh loads the integrated files of ${name} whole`, async () => {
    await bench.forEach(plan.devices, async (device, place) => {
      const { integrated } = renderFrr(plan, device)

      const { running, complaints } = await bench.loadIntegrated(place, integrated)

      expect(complaints, device.name).toBe('')
      expect(compareConfig(integrated, running), device.name).toEqual(nothing)
    })
  })
}

test('what a daemon did not take is found by reading back', async () => {
  const { plan } = plansUnderTest()[0]!
  const { daemons, integrated } = renderFrr(plan, plan.devices[0]!)
  const misspelt = daemons.bgpd.replace('bgp fast-convergence', 'bgp fast-convergense')
  const broken = [misspelt, integrated] as const

  const running: string[] = []
  await bench.forEach(broken, async (bgpd, place) => {
    running[broken.indexOf(bgpd)] = (await bench.loadFiles(place, { ...daemons, bgpd })).bgpd
  })

  expect(compareConfig(misspelt, running[0]!).missing).toEqual([
    'router bgp 4200000001 / bgp fast-convergense',
  ])
  // The integrated file begins with zebra's interfaces; their `exit` ends bgpd's reading (exit code 0, no message).
  expect(compareConfig(daemons.bgpd, running[1]!).missing).toContain('router bgp 4200000001')
})
