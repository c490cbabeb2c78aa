/** How many equal paths there are, and how many may be used. */
import type { Device } from '../../plan/model.ts'
import type { Check, Hit } from './check.ts'
import type { VerifyContext } from './context.ts'

export const ecmpNarrow: Check = {
  id: 'ecmp-narrow',
  title: 'A router has more equal neighbours than it may use at once',
  severity: 'warning',
  why: 'Of 80 equal paths and maximum-paths 64, sixteen links carry nothing until another one fails. Which sixteen depends on the FRR release, and may differ between two routers of a pair.',
  mend: 'raise `bgp.maximumPaths`, or the override, to the number of equal neighbours',
  *find(context: VerifyContext): Generator<Hit> {
    for (const device of context.plan.devices) {
      if (device.role === 'external') continue
      const { width, kind } = widest(context, device, (peer) =>
        // Nodes below a leaf are equal for one service only: anycast-wide.
        peer.role === 'node' ? null : `${peer.role} ${peer.site} ${peer.rack} ${peer.plane}`,
      )
      if (width <= device.maximumPaths) continue
      const path = context.pathOfSetting([device.name], 'maximumPaths', 'bgp.maximumPaths')
      yield {
        message: `${device.name} has ${width} equal neighbours (${kind}) and may use ${device.maximumPaths} of them`,
        devices: [device.name],
        path,
        like: path,
      }
    }
  },
}

export const anycastWide: Check = {
  id: 'anycast-wide',
  title: 'A service announced everywhere has more equal paths than a router may use',
  severity: 'note',
  why: 'Each Service may be announced by every node. A leaf then has one equal path for each of its nodes, a spine one for each leaf. Beyond maximum-paths the others get no traffic from that router: harmless for most Services, unfair where every node was meant to take its share.',
  mend: 'raise `bgp.maximumPaths` (up to 256), or announce such Services from fewer racks',
  *find(context: VerifyContext): Generator<Hit> {
    for (const device of context.plan.devices) {
      if (device.role === 'external' || device.role === 'node') continue
      const { width, kind } = widest(context, device, (peer) => (peer.tier < device.tier ? peer.role : null))
      if (width <= device.maximumPaths) continue
      yield {
        message: `${device.name} has ${width} neighbours below it (${kind}); a service announced behind all of them uses ${device.maximumPaths}`,
        devices: [device.name],
        path: context.pathOfSetting([device.name], 'maximumPaths', 'bgp.maximumPaths'),
        like: device.role,
      }
    }
  },
}

/** What distributions build FRR with; FRR's own default when it is built from source is 16. */
const commonBuild = 64
const largestBuild = 256

export const multipathBuild: Check = {
  id: 'multipath-build',
  title: 'maximum-paths is larger than some FRR builds take',
  severity: 'warning',
  why: 'FRR is compiled with an upper limit: 16 from plain source, 64 in many packages, 256 in those of Debian and of the FRR project. bgpd refuses a larger number and keeps its default for the whole address family.',
  mend: 'keep to 64, or see with `show bgp vrf default` or the package’s `--enable-multipath` what yours takes',
  *find(context: VerifyContext): Generator<Hit> {
    for (const device of context.plan.devices) {
      if (device.role === 'external' || device.maximumPaths <= commonBuild) continue
      const path = context.pathOfSetting([device.name], 'maximumPaths', 'bgp.maximumPaths')
      yield {
        message: `${device.name} is told maximum-paths ${device.maximumPaths}, and FRR takes at most ${commonBuild} in many packages, ${largestBuild} in Debian’s`,
        devices: [device.name],
        path,
        like: `${path} ${device.maximumPaths}`,
        ...(device.maximumPaths > largestBuild && { severity: 'error' as const }),
      }
    }
  },
}

function widest(context: VerifyContext, device: Device, kindOf: (peer: Device) => string | null) {
  const counts = new Map<string, number>()
  for (const { remote } of context.network.adjacencies.get(device.name)!) {
    const kind = kindOf(context.devices.get(remote.device)!)
    if (kind !== null) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  const [kind = '', width = 0] = [...counts].reduce(
    (most, entry) => (entry[1] > most[1] ? entry : most),
    ['', 0],
  )
  return { width, kind: kind.split(' ')[0]! }
}
