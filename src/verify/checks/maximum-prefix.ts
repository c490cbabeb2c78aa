import { parsePrefix, sizeOf } from '../../net/prefix.ts'
import type { Device } from '../../plan/model.ts'
import type { Check, Hit } from './check.ts'
import { plural, type VerifyContext } from './context.ts'

export const maximumPrefixSmall: Check = {
  id: 'maximum-prefix-small',
  title: 'A maximum-prefix limit is smaller than what the neighbour announces',
  severity: 'error',
  why: 'FRR closes a session whose neighbour announces more prefixes than the limit, denied ones included, and keeps it closed until somebody clears it by hand. A limit below what the plan itself announces closes it on the first day; one below what the Service pools allow closes it on the day the cluster grows.',
  mend: 'raise the limit above what the neighbour may announce, or let it announce less',
  *find(context: VerifyContext): Generator<Hit> {
    const { plan, devices, network } = context
    const pools = poolSizes(context)
    for (const list of network.adjacencies.values()) {
      for (const { local, remote } of list) {
        if (local.maximumPrefixes === null) continue
        const peer = devices.get(remote.device)!
        const limit = local.maximumPrefixes
        const announced = mostOfOneFamily(peer)
        const base = { devices: [local.device, remote.device], path: limitPath(peer) }
        if (announced > limit) {
          yield {
            ...base,
            message: `${local.device} closes its session with ${remote.device} at more than ${plural(limit, 'prefix', 'prefixes')}, and the plan has it announce ${announced}`,
            like: `${peer.role} ${peer.role === 'external' ? peer.name : peer.site} over`,
          }
        } else if (peer.role === 'node') {
          const possible = announced + (pools.get(peer.site) ?? 0)
          if (possible <= limit) continue
          yield {
            ...base,
            path: `sites.${peer.site}.addresses.services`,
            message: `${local.device} closes its session with ${remote.device} at more than ${limit} prefixes; the service pools have ${possible - announced} addresses, so a node that announces them all loses its session`,
            severity: 'warning',
            like: `${peer.site} pools`,
            mend: 'keep a pool to what one node may ever announce, or see that no node announces more',
          }
        }
      }
    }

    function mostOfOneFamily({ originates }: Device): number {
      const v6 = originates.filter(({ prefix }) => prefix.includes(':')).length
      return Math.max(v6, originates.length - v6)
    }

    function limitPath(peer: Device): string {
      return peer.role === 'external' ? `peers.${peer.name}.maximumPrefixes` : peer.path
    }

    function poolSizes({ plan: { sites } }: VerifyContext): Map<string | null, number> {
      const sizeOfAll = (pools: typeof plan.globalServices) =>
        pools
          .filter(({ prefix }) => !prefix.includes(':'))
          .reduce((sum, { prefix }) => sum + Number(sizeOf(parsePrefix(prefix))), 0)
      return new Map(
        sites.map((site) => [site.name, sizeOfAll(site.services) + sizeOfAll(plan.globalServices)]),
      )
    }
  },
}
