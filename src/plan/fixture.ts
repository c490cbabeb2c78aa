/** Intents for tests, written as JSON (which is YAML), so that properties can generate and change them. */
import { loadIntent } from '../intent/load.ts'
import type { Intent } from '../intent/model.ts'

export interface SiteSketch {
  name: string
  /** Position in the address space; stays when sites are reordered. */
  block: number
  racks: { name: string; nodes: string[] }[]
  borderLeaves?: number
}

/** Intent of sites with two spines each and the racks given, joined by a DCI when there are several. */
export function sketchIntent(sites: readonly SiteSketch[], extra: Record<string, unknown> = {}): Intent {
  const several = sites.length > 1
  const text = JSON.stringify({
    weft: 'v1',
    name: 'sketch',
    racks: { rack: { leaves: 2, nodes: 1 } },
    sites: Object.fromEntries(
      sites.map((site) => [
        site.name,
        {
          addresses: {
            switches: `10.${site.block}.0.0/24`,
            nodes: `10.${site.block}.1.0/24`,
            pods: { pool: `10.${site.block}.64.0/18`, perNode: 26 },
            services: `10.${site.block}.2.0/24`,
          },
          fabric: {
            spines: 2,
            borderLeaves: site.borderLeaves ?? (several ? 2 : 0),
            racks: site.racks.map((rack) => ({ name: rack.name, type: 'rack', nodes: rack.nodes })),
          },
          ...(several ? { dci: { routers: 2 } } : {}),
        },
      ]),
    ),
    ...extra,
  })
  const { intent, diagnostics } = loadIntent(text, { file: 'sketch.yaml' })
  if (intent === null)
    throw new Error(diagnostics.map((entry) => `${entry.code} ${entry.message}`).join('\n'))
  return intent
}
