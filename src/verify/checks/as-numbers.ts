/** AS numbers that others will see, or that mean something else. */
import { isPrivateAsn } from '../../net/private-asn.ts'
import type { Check, Hit } from './check.ts'
import type { VerifyContext } from './context.ts'

/** RFC 7607, RFC 6793, RFC 7300, RFC 5398. */
const unusable: readonly [first: number, last: number, why: string][] = [
  [0, 0, 'reserved (RFC 7607)'],
  [23456, 23456, 'AS_TRANS (RFC 6793)'],
  [64496, 64511, 'for documentation (RFC 5398)'],
  [65535, 65535, 'reserved (RFC 7300)'],
  [65536, 65551, 'for documentation (RFC 5398)'],
  [4294967295, 4294967295, 'reserved (RFC 7300)'],
]

export const asReserved: Check = {
  id: 'as-reserved',
  title: 'An AS number is reserved or made for documentation',
  severity: 'warning',
  why: 'Routers and route servers outside refuse paths with such numbers, and FRR refuses 0 and 65535 itself.',
  mend: 'use numbers of your own, or private ones: 64512-65534 and 4200000000-4294967294 (RFC 6996)',
  *find(context: VerifyContext): Generator<Hit> {
    for (const device of context.plan.devices) {
      const found = unusable.find(([first, last]) => device.asn >= first && device.asn <= last)
      if (found === undefined) continue
      yield {
        message: `${device.name} is in AS ${device.asn}, which is ${found[2]}`,
        devices: [device.name],
        path: asnPath(context, device.name),
        like: `${device.asn}`,
      }
    }
  },
}

export const asPublicInside: Check = {
  id: 'as-public-inside',
  title: 'A router inside has a public AS number',
  severity: 'warning',
  why: 'Towards peers private numbers are taken off the path. A public one stays: the world sees the fabric behind the edge, and if the number belongs to somebody else, that network drops your routes as a loop.',
  mend: 'take the numbers of the fabric from a private range: 64512-65534 or 4200000000-4294967294',
  *find(context: VerifyContext): Generator<Hit> {
    const { plan } = context
    if (!plan.devices.some((device) => device.role === 'external')) return
    for (const device of plan.devices) {
      const isInside = device.role !== 'external' && device.role !== 'edge-router'
      if (!isInside || isPrivateAsn(device.asn) || isUnusable(device.asn)) continue
      yield {
        message: `${device.name} is in AS ${device.asn}, which peers will see in the paths of its routes`,
        devices: [device.name],
        path: asnPath(context, device.name),
        like: asnPath(context, device.name),
      }
    }
  },
}

export const asPrivateOutside: Check = {
  id: 'as-private-outside',
  title: 'A peer with a public AS number sees a private one',
  severity: 'warning',
  why: 'A provider strips or refuses private AS numbers at its border. Your routes then stop there, or look as if they were its own.',
  mend: 'give the edge routers your public number: `sites.<site>.edge.asn`',
  *find({ plan, devices }: VerifyContext): Generator<Hit> {
    for (const { a, b } of plan.sessions) {
      const [edge, peer] = [devices.get(a.device)!, devices.get(b.device)!]
      if (peer.role !== 'external' || isPrivateAsn(peer.asn) || !isPrivateAsn(edge.asn)) continue
      yield {
        message: `${peer.name} in the public AS ${peer.asn} sees ${edge.name} as the private AS ${edge.asn}`,
        devices: [edge.name, peer.name],
        path: `sites.${edge.site}.edge.asn`,
        like: `${edge.site} ${peer.name}`,
      }
    }
  },
}

function isUnusable(asn: number): boolean {
  return unusable.some(([first, last]) => asn >= first && asn <= last)
}

function asnPath(context: VerifyContext, device: string): string {
  const { role, path } = context.devices.get(device)!
  if (role === 'external') return `${path}.asn`
  return context.pathOfSetting([device], 'asn', role === 'edge-router' ? `${path}.asn` : 'bgp.asn')
}
