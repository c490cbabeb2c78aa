import { readFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { readBgpSummary } from '../../src/frr/show-bgp.ts'
import { findPids } from '../../src/linux/namespace.ts'
import { type AgentBed, readProcess } from './agent-bed.ts'
import { difference, ownShare, upperBound } from './own-share.ts'

/*
 * Changes without end: Services lose and regain their endpoints, at a rate that is high for a cluster and low for the
 * agent. What must not grow is memory; what must not happen is a lost session.
 */

const addresses = 1_000
const changesPerSecond = 10
const reportEverySeconds = 60

/** Runs for some minutes and reports every minute; the last line compares the end with the beginning. */
export async function churn(bed: AgentBed, minutes: number): Promise<void> {
  const [node] = bed.nodes as [AgentBed['nodes'][number]]
  await bed.createServices(0, addresses, 'ipv4')
  await bed.resetNode(node)
  const pid = await bed.startAgent(node)
  while ((await bed.countAtLeaf()) < addresses) await delay(50)
  const drops = await readDrops(bed)
  const endsAt = performance.now() + minutes * 60_000
  const isReady = Array.from({ length: addresses }, () => true)
  const readings: { agentMiB: number; bgpdMiB: number }[] = []
  let changes = 0
  let since = await ownShare(node)
  let nextReport = performance.now() + reportEverySeconds * 1000
  process.stdout.write('minute   changes   agent MiB   bgpd MiB   own p99 ms   load\n')
  while (performance.now() < endsAt) {
    const index = Math.floor(Math.random() * addresses)
    isReady[index] = !isReady[index]
    await bed.setEndpoints(index, 'ipv4', 'n1', isReady[index])
    changes++
    await delay(1000 / changesPerSecond)
    if (performance.now() < nextReport) continue
    nextReport += reportEverySeconds * 1000
    const now = await ownShare(node)
    const reading = { agentMiB: readProcess(pid).residentMiB, bgpdMiB: await bgpdMemory(node.router.name) }
    readings.push(reading)
    const p99 = upperBound(difference(since, now), 0.99)
    since = now
    process.stdout.write(
      `${String(readings.length).padStart(6)}${String(changes).padStart(10)}${reading.agentMiB.toFixed(1).padStart(12)}${reading.bgpdMiB.toFixed(1).padStart(11)}${`≤${p99}`.padStart(13)}${(loadavg()[0] ?? 0).toFixed(1).padStart(7)}\n`,
    )
  }
  await delay(2_000)
  const expected = isReady.filter(Boolean).length
  const found = await bed.countAtLeaf()
  const [first, last] = [readings[0], readings.at(-1)]
  process.stdout.write(
    `${changes} changes: agent ${first?.agentMiB.toFixed(1)} → ${last?.agentMiB.toFixed(1)} MiB, bgpd ${first?.bgpdMiB.toFixed(1)} → ${last?.bgpdMiB.toFixed(1)} MiB, ` +
      `${(await readDrops(bed)) - drops} sessions lost, ${found} of ${expected} addresses at the leaf\n`,
  )
}

async function readDrops({ leaf }: AgentBed): Promise<number> {
  const bgpd = leaf.connect('bgpd')
  const sessions = (await readBgpSummary(bgpd))?.sessions ?? []
  bgpd.close()
  return sessions.reduce((sum, { timesDropped }) => sum + timesDropped, 0)
}

async function bgpdMemory(namespace: string): Promise<number> {
  const pids = (await findPids([namespace])).get(namespace) ?? []
  const bgpd = pids.find((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'bgpd')
  return bgpd === undefined ? Number.NaN : readProcess(bgpd).residentMiB
}
