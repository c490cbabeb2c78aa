/** Who sends to whom in one fabric: a drill's words for its traffic, replaced by hosts and addresses. */
import type { TrafficSpec } from '../probe/traffic.ts'
import type { LabState } from '../state.ts'
import { chooseDevice, chooseTarget, chooseUsers, type Field, NotApplicable } from './choose.ts'
import type { Drill } from './drill.ts'
import type { Way } from './footprint.ts'
import { ports, type Workload } from './workload.ts'

export interface TrafficEnds {
  specs: TrafficSpec[]
  /** The way of each, for its footprint. */
  ways: Way[]
}

/** Port that a host which answers itself listens on. */
const hostPort = 9007

/** Chooses the ends of all traffic of a drill, and has pods started where it needs any. */
export async function chooseTraffic(
  drill: Drill,
  state: LabState,
  workload: Workload | null,
  field: Field,
): Promise<TrafficEnds> {
  const specs: TrafficSpec[] = []
  const ways: Way[] = []
  for (const [index, { name, from: source, to: target, protocol, flows, rate }] of drill.traffic.entries()) {
    const from = source === 'users' ? chooseUsers(field) : chooseDevice(source, field, null)
    const common = { name, from, protocol, flows, packetsPerSecond: rate }
    if (target === 'service web') {
      if (workload === null) throw new NotApplicable('this lab runs no cluster, so there is no Service web')
      const port = protocol === 'udp' ? ports.echo : ports.http
      specs.push({ ...common, to: workload.address, port })
      ways.push({ from, address: workload.address, ends: workload.announcers })
      continue
    }
    const [, kind, words] = /^(pod on|loopback of) (.+)$/.exec(target) ?? []
    const host = chooseTarget(words ?? '', from, field)
    if (kind === 'pod on') {
      if (workload === null) throw new NotApplicable('this lab runs no cluster, so there are no pods')
      const address = await workload.podOn(host)
      specs.push({ ...common, to: address, port: ports.pod })
      ways.push({ from, address, ends: [host] })
    } else {
      const address =
        state.plan.devices.find((device) => device.name === host)?.loopbacks[0]?.split('/')[0] ?? ''
      specs.push({ ...common, to: host, port: hostPort + index })
      ways.push({ from, address, ends: [host] })
    }
  }
  return { specs, ways }
}
