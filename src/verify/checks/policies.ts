/** Policies that are missing, empty or let everything through. */
import type { Plan, RoutePolicy } from '../../plan/model.ts'
import type { Check, Hit } from './check.ts'
import type { VerifyContext } from './context.ts'

/** Names come from files: `toString` is none. */
function policyNamed({ policies }: Plan, name: string): RoutePolicy | undefined {
  return Object.hasOwn(policies, name) ? policies[name] : undefined
}

interface Use {
  policy: string
  device: string
  how: string
}

function* usesOf({ plan, network }: VerifyContext): Generator<Use> {
  for (const [device, list] of network.adjacencies) {
    for (const { local, remote } of list) {
      yield { policy: local.import, device, how: `what ${remote.device} announces` }
      yield { policy: local.export, device, how: `what is announced to ${remote.device}` }
      if (local.defaultOriginate !== null) {
        yield {
          policy: local.defaultOriginate,
          device,
          how: `whether ${remote.device} is given a default route`,
        }
      }
    }
  }
  for (const { name, originates } of plan.devices) {
    for (const { policy, prefix } of originates)
      if (policy !== null) yield { policy, device: name, how: prefix }
  }
}

export const policyMissing: Check = {
  id: 'policy-missing',
  title: 'A session has no policy that lets anything through',
  severity: 'error',
  why: 'RFC 8212: without a policy a session comes up and passes no route, or, where `frr defaults datacenter` has switched that rule off and nobody switched it on again, every route. Weft always writes `bgp ebgp-requires-policy`, so here the session is up and empty.',
  mend: 'plan again from the intent; a policy needs at least one term that permits',
  *find(context: VerifyContext): Generator<Hit> {
    for (const { policy, device, how } of usesOf(context)) {
      const terms = policyNamed(context.plan, policy)?.terms
      if (terms?.some((term) => term.action === 'permit')) continue
      yield {
        message: `${device} filters ${how} with ${policy}, which ${terms === undefined ? 'does not exist' : 'permits nothing'}`,
        devices: [device],
        path: context.devices.get(device)!.path,
        like: policy,
        // Somebody wrote down what is denied: `dci.carry: []` comes to that.
        ...(terms !== undefined && terms.length > 0 && { severity: 'warning' as const }),
      }
    }
  },
}

export const policyOpen: Check = {
  id: 'policy-open',
  title: 'A policy lets everything through',
  severity: 'error',
  why: 'Every route passes two filters, the sender’s and the receiver’s, so that one mistake is not enough for a leak. An open policy is one filter less: a rogue node, a looping cable or a typing error elsewhere becomes everybody’s route.',
  mend: 'match on a prefix set or a community; plan again from the intent',
  *find(context: VerifyContext): Generator<Hit> {
    const { plan, network, devices } = context
    const seen = new Set<string>()
    for (const [device, list] of network.adjacencies) {
      if (devices.get(device)!.role === 'external') continue
      for (const { local, remote } of list) {
        for (const name of [local.import, local.export]) {
          if (seen.has(name) || !isOpen(policyNamed(plan, name))) continue
          seen.add(name)
          yield {
            message: `${name}, which ${device} uses towards ${remote.device}, permits every route`,
            devices: [device, remote.device],
            path: devices.get(device)!.path,
            like: name,
          }
        }
      }
    }
  },
}

function isOpen(policy: RoutePolicy | undefined): boolean {
  return (
    policy?.terms.some(({ action, match }) => action === 'permit' && Object.keys(match).length === 0) ?? false
  )
}

export const drainSaved: Check = {
  id: 'drain-saved',
  title: 'A device is planned as drained',
  severity: 'warning',
  why: 'GRACEFUL_SHUTDOWN belongs on routes for the minutes of a drain. In a saved configuration it survives the reboot: the device comes back, looks healthy and attracts no traffic, and the one that is left carries all of it.',
  mend: 'take the device back with `weft undrain`, and save configurations only of devices in service',
  *find(context: VerifyContext): Generator<Hit> {
    for (const { policy, device, how } of usesOf(context)) {
      if (!marksEverything(context.plan, policy)) continue
      yield {
        message: `${device} marks ${how} with GRACEFUL_SHUTDOWN, always (${policy})`,
        devices: [device],
        path: context.devices.get(device)!.path,
        like: policy,
      }
    }
  },
}

function marksEverything(plan: Plan, name: string): boolean {
  const permits = policyNamed(plan, name)?.terms.filter((term) => term.action === 'permit') ?? []
  // What is passed on for a drained announcer is recognised by the preference it was given.
  return permits.some(
    ({ set, match }) => set.gracefulShutdown === 'add' && match.localPreference === undefined,
  )
}

export const peerUnprotected: Check = {
  id: 'peer-unprotected',
  title: 'A session with a peer is open to whoever is on the link',
  severity: 'note',
  why: 'Without GTSM packets from anywhere reach bgpd on port 179; without a password anybody who can send from the peer’s address can reset the session. RFC 7454 asks for one of them on every session with another network.',
  mend: 'agree with the peer on `gtsm: true`, or on a `password`',
  *find({ plan, devices }: VerifyContext): Generator<Hit> {
    for (const { a, b, gtsm, password } of plan.sessions) {
      const peer = devices.get(b.device)!
      if (peer.role !== 'external' || gtsm || password !== null) continue
      yield {
        message: `${a.device} and ${b.device} have neither GTSM nor a password`,
        devices: [a.device, b.device],
        path: peer.path,
        like: peer.name,
      }
    }
  },
}

export const gtsmOff: Check = {
  id: 'gtsm-off',
  title: 'Inside, packets from off the link reach bgpd',
  severity: 'note',
  why: 'With GTSM (RFC 5082) a packet for bgpd must have hop limit 255, which nobody but a neighbour can send. Without it every pod can talk to port 179 of every router.',
  mend: 'leave `bgp.gtsm` at its default, true; change it only while sessions are built, both ends together',
  *find({ plan, devices }: VerifyContext): Generator<Hit> {
    for (const { a, b, gtsm } of plan.sessions) {
      if (gtsm || devices.get(b.device)!.role === 'external') continue
      yield {
        message: `${a.device} and ${b.device} accept packets from any distance`,
        devices: [a.device, b.device],
        path: 'bgp.gtsm',
        like: '',
      }
    }
  },
}
