/** Sessions that would stay down, or come up without one of the families. */
import { contains, parsePrefix } from '../../net/prefix.ts'
import type { Interface, Session, SessionEnd } from '../../plan/model.ts'
import type { Check, Hit } from './check.ts'
import { kindOfSession, nameSession, sessionPath, type VerifyContext } from './context.ts'

export const sessionCannotForm: Check = {
  id: 'session-cannot-form',
  title: 'A session stays down',
  severity: 'error',
  why: 'Both ends must agree before OPEN is accepted: on who is in which AS, on addresses, on timers. FRR logs the refusal on one side only, and the other side just says Connect or Active.',
  mend: 'make both ends agree; an AS number set by override must keep eBGP neighbours apart and iBGP neighbours together',
  *find(context: VerifyContext): Generator<Hit> {
    for (const session of context.plan.sessions) {
      for (const { reason, path } of obstacles(context, session)) {
        yield {
          message: `${nameSession(session)}: ${reason}`,
          devices: [session.a.device, session.b.device],
          path,
          like: `${kindOfSession(context, session)} ${reason.replaceAll(/\S*\d\S*/g, '#')}`,
        }
      }
    }
  },
}

interface Obstacle {
  reason: string
  path: string
}

function* obstacles(context: VerifyContext, session: Session): Generator<Obstacle> {
  const { a, b, timers } = session
  const [deviceA, deviceB] = [context.devices.get(a.device)!, context.devices.get(b.device)!]
  const both = [a.device, b.device]
  const asnPath = context.pathOfSetting(both, 'asn', deviceB.path)
  if (session.type === 'ebgp' && deviceA.asn === deviceB.asn) {
    yield { reason: `both are in AS ${deviceA.asn}, yet the session is eBGP`, path: asnPath }
  }
  if (session.type === 'ibgp' && deviceA.asn !== deviceB.asn) {
    yield {
      reason: `the session is iBGP, yet they are in AS ${deviceA.asn} and ${deviceB.asn}`,
      path: asnPath,
    }
  }
  if (deviceA.routerId === deviceB.routerId) {
    yield {
      reason: `both have the router ID ${deviceA.routerId}`,
      path: context.pathOfSetting(both, 'loopback', deviceB.path),
    }
  }
  const { keepaliveSeconds, holdSeconds } = timers
  if (holdSeconds === 1 || holdSeconds === 2) {
    yield {
      reason: `a hold time of ${holdSeconds} s is refused (RFC 4271: 0, or 3 and more)`,
      path: sessionPath(context, session, 'timers'),
    }
  }
  if (holdSeconds > 0 && keepaliveSeconds >= holdSeconds) {
    yield {
      reason: `a keepalive every ${keepaliveSeconds} s does not hold a session of ${holdSeconds} s`,
      path: sessionPath(context, session, 'timers'),
    }
  }
  if (session.families.length === 0) yield { reason: 'it carries no address family', path: deviceB.path }
  for (const [own, peer] of [
    [a, b],
    [b, a],
  ] as const) {
    yield* endObstacles(context, session, own, peer)
  }
}

function* endObstacles(
  context: VerifyContext,
  session: Session,
  own: SessionEnd,
  peer: SessionEnd,
): Generator<Obstacle> {
  const device = context.devices.get(own.device)!
  const found = device.interfaces.find((entry) => entry.name === own.interface)
  if (found === undefined) {
    yield { reason: `${own.device} has no interface ${own.interface}`, path: device.path }
    return
  }
  if (found.peerDevice !== peer.device) {
    yield {
      reason: `${own.interface} of ${own.device} is cabled to ${found.peerDevice}, not to ${peer.device}`,
      path: device.path,
    }
  }
  if (session.unnumbered) return
  if (own.neighborAddress === null) {
    yield { reason: `${own.device} knows no address of ${peer.device}`, path: device.path }
  } else if (!isOnLink(found, own.neighborAddress)) {
    yield {
      reason: `${own.neighborAddress} is on no link of ${own.device}, which has ${found.addresses.join(', ') || 'no address'} there`,
      path: device.path,
    }
  }
}

function isOnLink({ addresses }: Interface, neighbor: string): boolean {
  return addresses.some((text) => {
    const [address, length] = text.split('/')
    if (address === undefined || length === undefined || address.includes(':') !== neighbor.includes(':'))
      return false
    const bits = neighbor.includes(':') ? 128 : 32
    const own = parsePrefix(`${address}/${bits}`)
    const mask = BigInt(bits - Number(length))
    const link = { ...own, value: (own.value >> mask) << mask, length: Number(length) }
    return contains(link, parsePrefix(`${neighbor}/${bits}`))
  })
}

export const sessionMissing: Check = {
  id: 'session-missing',
  title: 'A cable carries no session',
  severity: 'warning',
  why: 'Between routers every cable is there for one BGP session. One without a session carries nothing, and whoever counts cables believes in a redundancy that is not there.',
  mend: 'plan again from the intent, or take the cable out',
  *find({ plan, devices }: VerifyContext): Generator<Hit> {
    const used = new Set(plan.sessions.map(({ link }) => link))
    for (const { id, a, b, class: linkClass } of plan.links) {
      if (used.has(id)) continue
      yield {
        message: `${a.device} ${a.interface} and ${b.device} ${b.interface} are cabled and have no session`,
        devices: [a.device, b.device],
        path: devices.get(b.device)?.path ?? '',
        like: linkClass,
      }
    }
  },
}

export const familyMissing: Check = {
  id: 'family-missing',
  title: 'A session does not carry a family that both ends have',
  severity: 'warning',
  why: 'In a dual-stack site every session carries both families. Where one does not, IPv6 takes another way or none, and nobody notices until a client prefers IPv6.',
  mend: 'give the link of the peer an IPv6 prefix as well, `link: [192.0.2.0/29, 2001:db8::/64]`, or make it unnumbered; give every site IPv6',
  *find(context: VerifyContext): Generator<Hit> {
    for (const session of context.plan.sessions) {
      if (session.families.includes('ipv6')) continue
      const [a, b] = [session.a, session.b].map(({ device }) => context.devices.get(device)!)
      const needs = [a!, b!].filter((device) => device.loopbacks.some((prefix) => prefix.includes(':')))
      const isBorder = b!.role === 'external' || a!.site !== b!.site
      if (needs.length === 0 || (needs.length === 1 && !isBorder)) continue
      yield {
        message: `${nameSession(session)} exchange IPv4 only, though ${needs[0]!.name} has IPv6`,
        devices: [session.a.device, session.b.device],
        path: b!.role === 'external' ? `${b!.path}.link` : b!.path,
        like: `${kindOfSession(context, session)} ${b!.role === 'external' ? b!.name : `${a!.site} ${b!.site}`}`,
      }
    }
  },
}
