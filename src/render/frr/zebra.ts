/*
 * zebra's part: how routes reach the kernel, addresses, and the router advertisements unnumbered BGP lives on.
 */
import type { Interface } from '../../plan/model.ts'
import type { DeviceView } from '../view.ts'
import { isBefore } from './preamble.ts'
import { block, line, type Statement } from './statement.ts'

/** Sections of zebra's configuration, without the preamble. */
export function renderZebra(view: DeviceView): Statement[][] {
  return [routeInstallation(view), interfaces(view)]
}

function routeInstallation({ plan }: DeviceView): Statement[] {
  // The default of 10 ms lets zebra collect changes; every router on the way to the repair pays it once.
  const lines = [line('zebra work-queue 0')]
  /*
   * Up to 9.x a link that goes down and comes back within three minutes loses its place in the kernel's next-hop
   * group for good, while zebra goes on showing both next hops. Without next-hop objects each route carries its own
   * next hops and recovers. Measured: broken on 8.4.4, mended on 10.3.
   */
  if (isBefore(plan.frr, 10)) lines.push(line('no zebra nexthop kernel enable'))
  return lines
}

function interfaces({ device, neighbors }: DeviceView): Statement[] {
  const unnumbered = new Set(
    neighbors.filter(({ session }) => session.unnumbered).map(({ own }) => own.interface),
  )
  return [
    block('interface lo', [...device.loopbacks, ...device.vips].map(addressLine)),
    ...device.interfaces.map((found) =>
      block(`interface ${found.name}`, [
        line(`description ${describePeer(found)}`),
        ...found.addresses.map(addressLine),
        ...(unnumbered.has(found.name) ? routerAdvertisements() : []),
      ]),
    ),
  ]
}

/** What stands behind an interface, as operators read it: `dc1-spine1 eth3`. */
function describePeer({ peerDevice, peerInterface }: Interface): string {
  return `${peerDevice} ${peerInterface}`
}

function addressLine(prefix: string): Statement {
  return line(`${prefix.includes(':') ? 'ipv6' : 'ip'} address ${prefix}`)
}

/**
 * A neighbour learns the link-local address to speak to from these. Lifetime 0 says that this router is no default
 * router: without it every host on the link that accepts advertisements gets an IPv6 default route.
 */
function routerAdvertisements(): Statement[] {
  return [line('ipv6 nd ra-interval 6'), line('ipv6 nd ra-lifetime 0'), line('no ipv6 nd suppress-ra')]
}
