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
