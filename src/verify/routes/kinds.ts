/**
 * Which devices are configured alike: same role and place in the fabric, and the same settings on their sessions and on
 * the other end of them, with the device's own numbers taken out.
 */
import type { Device, Plan, PrefixEntry, Session, SessionEnd } from '../../plan/model.ts'

/** Device name → its kind; equal for devices that are configured alike. */
export function kindsOfDevices(plan: Plan): Map<string, string> {
  const devices = new Map(plan.devices.map((device) => [device.name, device]))
  const places = new Map<number, Set<string>>()
  for (const device of plan.devices) {
    places.set(device.asn, (places.get(device.asn) ?? new Set()).add(placeOf(device)))
  }
  const sessions = new Map<string, Map<string, number>>()
  const numbers = new Map<string, number>()
  const number = (text: string) => {
    const known = numbers.get(text)
    if (known !== undefined) return known
    numbers.set(text, numbers.size)
    return numbers.size - 1
  }
  for (const session of plan.sessions) {
    for (const [own, peer] of [
      [session.a, session.b],
      [session.b, session.a],
    ] as const) {
      const peerDevice = devices.get(peer.device)!
      const ownDevice = devices.get(own.device)!
      const text = [
        describeSession(session),
        describeEnd(own, peerDevice),
        describeEnd(peer, ownDevice),
        describeDevice(peerDevice, places),
      ].join('|')
      const counts = sessions.get(own.device) ?? new Map<string, number>()
      sessions.set(own.device, counts)
      const key = String(number(text))
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
  }
  return new Map(
    plan.devices.map((device) => {
      const counts = [...(sessions.get(device.name) ?? [])].map(([key, count]) => `${key}x${count}`).sort()
      const originates = device.originates.map(({ via, policy, prefix }) =>
        [via, policy, prefix.slice(prefix.indexOf('/'))].join(' '),
      )
      const text = [describeDevice(device, places), originates.join(','), counts.join(',')].join('|')
      return [device.name, String(number(text))]
    }),
  )
}

function describeDevice(device: Device, places: ReadonlyMap<number, ReadonlySet<string>>): string {
  const { role, site, pod, attachment, maximumPaths, asn } = device
  // A number used in one place is like any other; one that is used in several decides who drops whose routes.
  const number = places.get(asn)!.size > 1 ? asn : 'own'
  return [role, site, pod, attachment, maximumPaths, number].join(' ')
}

/** Where a number may be shared by design: a rack, the spines of a pod, the edge routers of a site. */
function placeOf({ site, pod, rack, role }: Device): string {
  return `${site}/${rack ?? `${pod}/${role}`}`
}

function describeSession({ class: linkClass, type, families, unnumbered }: Session): string {
  return [linkClass, type, families.join('+'), unnumbered].join(' ')
}

function describeEnd(end: SessionEnd, peer: Device): string {
  return [
    end.group,
    end.import,
    end.export,
    describeAccepted(end.accept, peer),
    end.acceptAsPath?.replaceAll(String(peer.asn), 'PEER'),
    end.routeReflectorClient,
    end.nextHopSelf,
    end.removePrivateAs,
    end.defaultOriginate,
  ].join(' ')
}

function describeAccepted(accept: readonly PrefixEntry[] | null, peer: Device): string {
  if (accept === null) return 'any'
  const own = new Set([...peer.loopbacks, ...peer.podCidrs])
  return accept
    .map(({ prefix, ge, le }) => `${own.has(prefix) ? 'own' : prefix}:${ge ?? ''}:${le ?? ''}`)
    .join(',')
}
