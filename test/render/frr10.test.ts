import { expect, test } from 'vitest'
import { fetchFrr10 } from '../../scripts/fetch-frr10.ts'
import { compareConfig } from '../../src/frr/running-config.ts'
import type { FrrRelease } from '../../src/intent/model.ts'
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
        const rendered = { ...plan, frr }

        await forEach(plan.devices, async (device) => {
          const { integrated } = renderFrr(rendered, device)
          const { running, complaints } = await loadOnFrr10(found.root!, integrated)

          expect(complaints, device.name).toBe('')
          expect(compareConfig(integrated, running), device.name).toEqual({ missing: [], unexpected: [] })
        })
      },
    )
  }
}

/** A few at a time: routers are apart from each other, and mostly wait. */
async function forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items]
  const workers = [1, 2, 3].map(async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item)
  })
  await Promise.all(workers)
}
