/*
 * What one change of a Service address costs on a node, at 1, 100, 1,000 and 10,000 addresses and at 10,000 of IPv6,
 * from the write to the Kubernetes API to the route in the leaf's kernel: an address comes, goes, and moves to another
 * node; beside the same change by FRR's own reload tool and by vtysh; and a cold start.
 *
 *   npm run bench agent
 *   node bench/agent.ts 1 1000 10000v6     these sizes only
 *   node bench/agent.ts --churn 15         15 minutes of changes instead, with memory at the beginning and at the end
 */
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { readRunningConfig } from '../src/frr/show-daemon.ts'
import { inNamespace } from '../src/linux/namespace.ts'
import { run } from '../src/linux/run.ts'
import { AgentBed, endpointsPerService, type Family, prefixOf, readProcess } from './support/agent-bed.ts'
import { churn } from './support/agent-churn.ts'
import { difference, ownShare, type Share, upperBound } from './support/own-share.ts'

const rounds = 50
const moves = 20
const reloadTool = '/usr/lib/frr/frr-reload.py'
const targets = { bulkSeconds: 4, residentMiB: 110 }

interface Size {
  addresses: number
  family: Family
}

const words = process.argv.slice(2)
const bed = await AgentBed.build()
const [node, other] = bed.nodes as [AgentBed['nodes'][number], AgentBed['nodes'][number]]
try {
  if (words[0] === '--churn') await churn(bed, Number(words[1] ?? 60))
  else await measureSizes(words.length === 0 ? ['1', '100', '1000', '10000', '10000v6'] : words)
} finally {
  await bed.destroy()
}

async function measureSizes(sizes: readonly string[]): Promise<void> {
  print('addresses', 'announce', 'p99', 'withdraw', 'p99', 'moved', 'p99', 'own mean', 'p99')
  print('', 'reload', '÷ own', 'vtysh', '÷ own', 'load')
  const present = { ipv4: 0, ipv6: 0 }
  for (const word of sizes) {
    const size = readSize(word)
    const { family, addresses } = size
    const otherFamily = family === 'ipv4' ? 'ipv6' : 'ipv4'
    await bed.stopAgent(node)
    await bed.removeServices(present[otherFamily], otherFamily)
    present[otherFamily] = 0
    await bed.createServices(present[family], addresses, family)
    present[family] = Math.max(present[family], addresses)
    await measureStart(size)
    await measureChanges(word, size)
  }
}

function readSize(word: string): Size {
  const found = /^(?<count>\d+)(?<six>v6)?$/.exec(word)?.groups
  if (found === undefined) throw new Error(`"${word}" is no size: such as 1000, 10000v6, or --churn 15`)
  return { addresses: Number(found.count), family: found.six === undefined ? 'ipv4' : 'ipv6' }
}

async function measureStart({ addresses, family }: Size): Promise<void> {
  await bed.resetNode(node)
  const started = performance.now()
  const pid = await bed.startAgent(node)
  while ((await bed.countAtLeaf()) < addresses) await delay(20)
  const seconds = (performance.now() - started) / 1000
  // Until the agent has read everything back once.
  await delay(1_000)
  const { residentMiB, peakMiB, cpuSeconds } = readProcess(pid)
  process.stdout.write(
    `${addresses} Services of ${family}, ${addresses * endpointsPerService} endpoints, cold start: in the leaf's FIB after ${seconds.toFixed(2)} s (target ${targets.bulkSeconds}), ` +
      `agent's CPU ${cpuSeconds.toFixed(2)} s, resident ${residentMiB.toFixed(0)} MiB, peak ${peakMiB.toFixed(0)} MiB (target ${targets.residentMiB})\n`,
  )
}

async function measureChanges(label: string, { family }: Size): Promise<void> {
  const announce: number[] = []
  const withdraw: number[] = []
  const before = await ownShare(node)
  for (let round = 0; round < rounds; round++) {
    withdraw.push(await timeUntil(family, 'n1', false, (ports) => ports.length === 0))
    announce.push(await timeUntil(family, 'n1', true, (ports) => ports.length === 1))
  }
  const own = difference(before, await ownShare(node))
  const moved = await measureMoves(family)
  const reload = existsSync(reloadTool) ? await measureReload() : Number.NaN
  const vtysh = await measureVtysh()
  print(
    label,
    ms(quantile(announce, 0.5)),
    ms(quantile(announce, 0.99)),
    ms(quantile(withdraw, 0.5)),
    ms(quantile(withdraw, 0.99)),
    ms(quantile(moved, 0.5)),
    ms(quantile(moved, 0.99)),
    ms(meanOf(own)),
    `≤${ms(upperBound(own, 0.99))}`,
  )
  print(
    '',
    ms(reload),
    (reload / meanOf(own)).toFixed(0),
    ms(vtysh),
    (vtysh / meanOf(own)).toFixed(0),
    (loadavg()[0] ?? 0).toFixed(1),
  )
}

/** The Service's only usable endpoint goes to the other node and back; until the leaf sends to the new one. */
async function measureMoves(family: Family): Promise<number[]> {
  await bed.startAgent(other)
  const settle = () => bed.untilAtLeaf(prefixOf(0, family), (ports) => ports.length === 1)
  // The other agent has read the cluster when an address has moved to it once.
  await timeUntil(family, 'n2', true, (ports) => ports.includes(other.port))
  await settle()
  const times: number[] = []
  for (let move = 0; move < moves; move++) {
    const to = move % 2 === 0 ? node : other
    times.push(await timeUntil(family, to.name, true, (ports) => ports.includes(to.port)))
    await settle()
  }
  await timeUntil(family, 'n1', true, (ports) => ports.length === 1 && ports[0] === node.port)
  await bed.stopAgent(other)
  return times
}

/** Milliseconds from a write to the API until the leaf's kernel has followed it. */
async function timeUntil(
  family: Family,
  at: string,
  ready: boolean,
  isWanted: (ports: readonly string[]) => boolean,
): Promise<number> {
  const started = performance.now()
  await bed.setEndpoints(0, family, at, ready)
  await bed.untilAtLeaf(prefixOf(0, family), isWanted)
  return performance.now() - started
}

/** One more `network` line through FRR's reload tool, as agents do that write a file; to its return, three times. */
async function measureReload(): Promise<number> {
  const bgpd = node.router.connect('bgpd')
  const file = join(bed.directory, 'frr.conf')
  const times: number[] = []
  for (let round = 0; round < 3; round++) {
    const running = await readRunningConfig(bgpd)
    const line = `  network 10.8.0.${round + 1}/32`
    await writeFile(file, running.replace(/( address-family ipv4 unicast\n)/, `$1${line}\n`))
    const places = ['--bindir', '/usr/bin', '--confdir', bed.directory, '--pathspace', node.router.name]
    const started = performance.now()
    await run([reloadTool, '--reload', '--daemon', 'bgpd', ...places, file], {
      acceptFailure: true,
      timeoutMs: 120_000,
    })
    times.push(performance.now() - started)
    if (!(await readRunningConfig(bgpd)).includes(line)) times.push(Number.NaN)
  }
  bgpd.close()
  return quantile(times, 0.5)
}

/** The bare statement through one vtysh process, to its return. */
async function measureVtysh(): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < 9; round++) {
    const commands = [
      'configure terminal',
      'router bgp',
      'address-family ipv4 unicast',
      `${round % 2 ? 'no ' : ''}network 10.8.1.1/32`,
    ]
    const started = performance.now()
    await run(
      inNamespace(node.router.name, [
        'vtysh',
        '-N',
        node.router.name,
        ...commands.flatMap((line) => ['-c', line]),
      ]),
      {
        acceptFailure: true,
      },
    )
    times.push(performance.now() - started)
  }
  return quantile(times, 0.5)
}

function meanOf({ sumMs, count }: Share): number {
  return sumMs / count
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

function ms(value: number): string {
  return value < 10 ? value.toFixed(1) : value.toFixed(0)
}

function print(...cells: string[]): void {
  process.stdout.write(`${cells.map((cell) => cell.padStart(11)).join('')}\n`)
}
