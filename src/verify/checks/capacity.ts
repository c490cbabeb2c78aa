import type { CapacityRow } from '../../plan/model.ts'
import type { Check, Hit } from './check.ts'
import type { VerifyContext } from './context.ts'

export const capacityExhausted: Check = {
  id: 'capacity-exhausted',
  title: 'An address pool is full, or has no room for one more rack',
  severity: 'warning',
  why: 'A pool that is full stops the next rack on the day it is delivered. Growing a segment is free while the addresses behind it are: a segment whose first address stays renumbers nobody.',
  mend: 'give the segment a shorter prefix with the same first address, while what follows it is still free',
  *find({ plan }: VerifyContext): Generator<Hit> {
    for (const row of plan.capacity) {
      const isFull = row.used > row.total
      if (!isFull && row.runsOut !== 'with the next rack') continue
      const where = row.site === null ? 'all sites' : `site ${row.site}`
      yield {
        message: isFull
          ? `${row.resource} of ${where}: ${row.used} are used and there are ${row.total}`
          : `${row.resource} of ${where}: ${row.used} of ${row.total} are used; one more rack does not fit`,
        devices: [],
        path: pathOf(row),
        like: `${row.site} ${row.resource}`,
        ...(isFull && { severity: 'error' as const }),
      }
    }
  },
}

function pathOf({ site, resource }: CapacityRow): string {
  if (site === null) return 'services.global'
  const segment = resource.startsWith('switch')
    ? 'switches'
    : resource.startsWith('node')
      ? 'nodes'
      : resource.startsWith('pod')
        ? 'pods'
        : 'services'
  return `sites.${site}.addresses.${segment}`
}
