import { readBgpNeighbor } from '../frr/show-bgp.ts'
import { type Link, readLinks } from '../linux/ip.ts'
import type { LabReader } from './actual.ts'
import type { DownSession } from './differences.ts'
import { namespaceOf } from './names.ts'

/** Says why a session is not up, from what its two ends show: `no RA seen`, `link has no carrier`, and so on. */
export async function explainSession(lab: string, reader: LabReader, down: DownSession): Promise<string> {
  const { device, session, state } = down
  const { peerDevice } = session
  if ((await reader.sessions(peerDevice)) === null) return `bgpd of ${peerDevice} is not running`
  const link = await readLink(lab, device, session.interface)
  if (link === undefined) return `${session.interface} does not exist`
  if (!link.isUp) return `${session.interface} is set down`
  if (!link.hasCarrier) return `no carrier: the other end, at ${peerDevice}, is down`
  if (state === 'not configured') return 'bgpd does not have this neighbor'
  const neighbor = await readBgpNeighbor(reader.daemon(device, 'bgpd'), session.neighbor)
  if (neighbor === undefined) return 'bgpd does not have this neighbor'
  if (neighbor.address === undefined) return `no RA seen from ${peerDevice}`
  if (/PfxCt/.test(state)) {
    const limit = session.maximumPrefixes
    return `${peerDevice} announced more than ${limit ?? 'the permitted number of'} prefixes; it stays down until cleared`
  }
  const { lastResetReason } = neighbor
  return lastResetReason === undefined || /^No AFI|Waiting for/.test(lastResetReason)
    ? `waiting in state ${state}`
    : `${state}, last: ${lastResetReason}`
}

async function readLink(lab: string, device: string, name: string): Promise<Link | undefined> {
  const links = await readLinks({ namespace: namespaceOf(lab, device) }).catch(() => [])
  return links.find((link) => link.name === name)
}

/** Names an end of a session as the progress line and the status table do. */
export function describeDownSession({ device, session }: DownSession): string {
  return `${device}/${session.interface}`
}
