import type { Check, Hit } from './check.ts'
import type { VerifyContext } from './context.ts'

/** The planner itself gives nodes a default route above this. */
const fullTableLimit = 2_000

export const nodeTableLarge: Check = {
  id: 'node-table-large',
  title: 'Every node of a large site holds every route',
  severity: 'warning',
  why: 'Above 2,000 routes nodes are given a default route. Racks with `attachment: ibgp` need every route, and one such rack gives all of them to every node of the site: each change anywhere is then processed on each node.',
  mend: 'use `attachment: ebgp` in this site, or keep ibgp racks to small sites; `nodeRoutes: full` does the same by choice',
  *find(context: VerifyContext): Generator<Hit> {
    for (const row of context.plan.scale) {
      if (row.role !== 'node' || row.prefixes <= fullTableLimit) continue
      const nodes = context.plan.devices.filter(({ role, site }) => role === 'node' && site === row.site)
      const ibgp = nodes.filter(({ attachment }) => attachment === 'ibgp')
      const racks = new Set(ibgp.map(({ rack }) => rack)).size
      yield {
        message:
          racks > 0
            ? `${row.devices} nodes of ${row.site} hold ${row.prefixes} routes each, because ${racks} of its racks attach nodes by iBGP`
            : `${row.devices} nodes of ${row.site} hold ${row.prefixes} routes each`,
        devices: [(ibgp[0] ?? nodes[0])!.name],
        path: racks > 0 ? ibgp[0]!.path : 'bgp.nodeRoutes',
        like: row.site,
      }
    }
  },
}
