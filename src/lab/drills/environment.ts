import { readFileSync } from 'node:fs'
import { availableParallelism, loadavg, release, totalmem } from 'node:os'
import { readVersion } from '../../frr/show-daemon.ts'
import type { Plan } from '../../plan/model.ts'
import { LabReader } from '../actual.ts'
import type { LabState } from '../state.ts'
import type { Environment, Topology } from './result.ts'

/** Where a run was made: what a reader of its numbers has to know. */
export async function readEnvironment(state: LabState): Promise<Environment> {
  const { plan } = state
  return {
    kernel: release(),
    frr: await readFrrVersion(state),
    weft: readWeftVersion(),
    cpus: availableParallelism(),
    memoryMiB: Math.round(totalmem() / 1024 / 1024),
    load: Number((loadavg()[0] ?? 0).toFixed(2)),
    devices: plan.devices.length,
    sessions: plan.sessions.length,
    bfd: bfdOf(plan),
  }
}

/** The fabric as a drawing needs it. */
export function topologyOf(plan: Plan): Topology {
  return {
    devices: plan.devices.map(({ name, role, site, tier, position }) => ({
      name,
      role,
      site,
      tier,
      position,
    })),
    links: plan.links.map(({ id, a, b, class: linkClass }) => ({
      id,
      a: a.device,
      b: b.device,
      class: linkClass,
    })),
  }
}

/** BFD of each class of link, as the lab runs it. */
function bfdOf(plan: Plan): Environment['bfd'] {
  const found = new Map<string, Environment['bfd'][number]>()
  for (const session of plan.sessions) {
    const profile = session.bfd === null ? undefined : plan.bfdProfiles[session.bfd]
    if (profile === undefined) continue
    const transmitMs = Math.max(profile.transmitMilliseconds, profile.receiveMilliseconds)
    const row = { class: session.class, transmitMs, multiplier: profile.multiplier }
    found.set(Object.values(row).join(), row)
  }
  return [...found.values()]
}

async function readFrrVersion(state: LabState): Promise<string> {
  const reader = new LabReader(state.name)
  try {
    const [device] = state.plan.devices
    if (device === undefined) return 'none'
    return (await readVersion(reader.daemon(device.name, 'zebra'))).text
  } catch {
    return 'unknown'
  } finally {
    reader.close()
  }
}

function readWeftVersion(): string {
  const file = new URL('../../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
