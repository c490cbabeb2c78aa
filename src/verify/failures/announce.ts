/** The plan as it is once agents announce service addresses, which no plan knows by itself. */
import type { Scope } from '../../intent/model.ts'
import type { Plan } from '../../plan/model.ts'

export interface Announcement {
  /** A host prefix. */
  prefix: string
  node: string
  /** As the Service asks for it; null leaves it to the pool. */
  scope: Scope | null
}

/** Adds announcements to their nodes, with the policies that agents would use. */
export function announceServices(plan: Plan, announcements: readonly Announcement[]): Plan {
  const byNode = Map.groupBy(announcements, ({ node }) => node)
  const devices = plan.devices.map((device) => {
    const own = byNode.get(device.name)
    if (own === undefined) return device
    return {
      ...device,
      vips: [...device.vips, ...own.map(({ prefix }) => prefix)],
      originates: [
        ...device.originates,
        ...own.map(({ prefix, scope }) => ({
          prefix,
          via: 'network' as const,
          policy: scope === null ? null : `${device.site}.VIP-${scope}`,
        })),
      ],
    }
  })
  return { ...plan, devices }
}
