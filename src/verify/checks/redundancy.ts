/** Places where one device is the only one. */
import type { Device, Role } from '../../plan/model.ts'
import type { Check, Hit } from './check.ts'
import type { VerifyContext } from './context.ts'

export const singleHomed: Check = {
  id: 'single-homed',
  title: 'A device has one way up',
  severity: 'warning',
  why: 'When that neighbour or the cable to it fails, or is taken down for maintenance, the device and all behind it are cut off.',
  mend: 'connect it to a second one: `leaves: 2` for a rack, `spines: 2` for a fabric, `perPlane: 2` and two planes above',
  *find(context: VerifyContext): Generator<Hit> {
    for (const device of context.plan.devices) {
      if (!['node', 'leaf', 'spine', 'border-leaf'].includes(device.role)) continue
      const up = context.network.adjacencies
        .get(device.name)!
        .map(({ remote }) => context.devices.get(remote.device)!)
        .filter((peer) => peer.site === device.site && isAbove(peer, device))
      const [only, second] = up
      if (only === undefined || second !== undefined) continue
      yield {
        message: `${device.name} reaches the rest of ${device.site} through ${only.name} only`,
        devices: [device.name, only.name],
        path: only.path,
        like: `${device.site} ${device.role} ${only.path}`,
        // A plane may be as thin as that when there are others.
        ...(device.role === 'spine' && hasPlanes(context, device) && { severity: 'note' as const }),
      }
    }
  },
}

function hasPlanes({ plan }: VerifyContext, { site, plane }: Device): boolean {
  return plan.devices.some((other) => other.site === site && other.plane !== null && other.plane !== plane)
}

/** Towards the middle of the fabric: a border leaf hangs off the spines, DCI and edge routers off the border leaf. */
function isAbove(peer: Device, device: Device): boolean {
  return peer.tier > device.tier && peer.role !== 'dci-router' && peer.role !== 'edge-router'
}

const exits: readonly { role: Role; key: string; what: string }[] = [
  { role: 'border-leaf', key: 'fabric.borderLeaves', what: 'border leaf' },
  { role: 'dci-router', key: 'dci.routers', what: 'DCI router' },
  { role: 'edge-router', key: 'edge.routers', what: 'edge router' },
]

export const singleExit: Check = {
  id: 'single-exit',
  title: 'A site has one way out',
  severity: 'warning',
  why: 'All traffic that leaves the site passes one device. While it restarts, is upgraded or has failed, the site is alone.',
  mend: 'have two of them: the default of `borderLeaves`, `dci.routers` and `edge.routers`',
  *find({ plan }: VerifyContext): Generator<Hit> {
    for (const site of plan.sites) {
      for (const { role, key, what } of exits) {
        const [only, second] = plan.devices.filter(
          (device) => device.site === site.name && device.role === role,
        )
        if (only === undefined || second !== undefined) continue
        yield {
          message: `${only.name} is the only ${what} of ${site.name}`,
          devices: [only.name],
          path: `sites.${site.name}.${key}`,
          like: `${site.name} ${role}`,
        }
      }
    }
  },
}

export const vipSingle: Check = {
  id: 'vip-single',
  title: 'A service address is announced by one node only',
  severity: 'note',
  why: 'A service address that stands in the configuration of one node is gone while that node is: no other takes over, as with a Service whose pods run on several nodes.',
  mend: 'give the address to a second node, best in another rack, or let a Service announce it',
  *find({ plan }: VerifyContext): Generator<Hit> {
    const announcers = new Map<string, Device[]>()
    for (const device of plan.devices) {
      for (const vip of device.vips) announcers.set(vip, [...(announcers.get(vip) ?? []), device])
    }
    for (const [vip, [only, second]] of announcers) {
      if (only === undefined || second !== undefined) continue
      yield {
        message: `${vip} is announced by ${only.name} only`,
        devices: [only.name],
        path: only.path,
        like: only.name,
      }
    }
  },
}

export const controlPlaneOneRack: Check = {
  id: 'control-plane-one-rack',
  title: 'The control plane of a cluster does not survive the loss of a rack',
  severity: 'warning',
  why: 'Several control-plane nodes are there to survive the loss of one. In one rack they share power, leaves and floor; two of them are worse than one, because etcd needs both.',
  mend: 'spread three of them over three racks: give a number instead of names, or name nodes of different racks',
  *find({ plan, devices }: VerifyContext): Generator<Hit> {
    for (const cluster of plan.clusters) {
      const nodes = cluster.controlPlane.flatMap((name) => devices.get(name) ?? [])
      if (nodes.length < 2) continue
      const byRack = Map.groupBy(nodes, (node) => node.rack)
      const [rack, fullest] = [...byRack].reduce((most, entry) =>
        entry[1].length > most[1].length ? entry : most,
      )
      const quorum = Math.floor(nodes.length / 2) + 1
      if (nodes.length - fullest.length >= quorum) continue
      yield {
        message: `${cluster.name} has ${fullest.length} of ${nodes.length} control-plane nodes in rack ${rack}; without it ${nodes.length - fullest.length} are left and etcd needs ${quorum}`,
        devices: fullest.map((node) => node.name),
        path: `clusters.${cluster.name}.controlPlane`,
        like: cluster.name,
      }
    }
  },
}
