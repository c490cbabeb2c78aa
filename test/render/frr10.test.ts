import { expect, test } from 'vitest'
import { fetchFrr10 } from '../../scripts/fetch-frr10.ts'
import { compareConfig } from '../../src/frr/running-config.ts'
import type { FrrRelease } from '../../src/intent/model.ts'
import type { Plan } from '../../src/plan/model.ts'
import { renderFrr } from '../../src/render/frr/frr-config.ts'
import { loadOnFrr10 } from './frr10-router.ts'
import { plansUnderTest } from './plans.ts'

const found = await fetchFrr10().then(
  (root) => ({ root, reason: '' }),
  (error: Error) => ({ root: null, reason: error.message }),
)
const because = found.root === null ? ` (skipped: ${found.reason})` : ''

const releases: FrrRelease[] = [
  { major: 10, minor: 3 },
  { major: 8, minor: 4 },
]

for (const { name, plan } of plansUnderTest()) {
  for (const frr of releases) {
    const written = `${frr.major}.${frr.minor}`
    test.skipIf(found.root === null)(
      `FRR 10 runs every line of ${name} written for ${written}${because}`,
      async () => {
        const files = onePerRole({ ...plan, frr })

        for (const { device, text } of files) {
          const { running, complaints } = await loadOnFrr10(found.root!, text)

          expect(complaints, device).toBe('')
          expect(compareConfig(text, running), device).toEqual({ missing: [], unexpected: [] })
        }
      },
    )
  }
}

/** Devices of a role differ in numbers, which every release reads the same way. */
function onePerRole(plan: Plan): { device: string; text: string }[] {
  const devices = new Map(plan.devices.map((device) => [`${device.site}/${device.role}`, device]))
  return [...devices.values()].map((device) => ({
    device: device.name,
    text: renderFrr(plan, device).integrated,
  }))
}
