/**
 * Plans, verifies and plays every single failure of fabrics of 1,000 devices and up, and prints seconds and memory beside
 * the limits; then what re-verifying one changed rack takes.
 *
 *   node bench/verify.ts [1k|10k|50k|100k|cross-check]
 *
 * Each size runs in a process of its own, so that its memory is its own. On a shared machine the seconds of processor time
 * say more than those of the clock, so both are printed.
 */
import { execFileSync } from 'node:child_process'
import { loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { loadIntent } from '../src/intent/load.ts'
import { emptyLock, type Lock } from '../src/plan/lock.ts'
import type { Plan } from '../src/plan/model.ts'
import { planFabric } from '../src/plan/plan-fabric.ts'
import { FailureAnalyst } from '../src/verify/failures/analysis.ts'
import { classifyFailures, listFailures } from '../src/verify/failures/failure.ts'
import { reportFailures } from '../src/verify/failures/report.ts'
import { reverifyChange } from '../src/verify/failures/reverify.ts'
import { fastTables, plainTables } from '../src/verify/failures/tables.fixture.ts'
import { verifyPlan } from '../src/verify/verdict.ts'

interface Size {
  title: string
  sites: number
  racks: number
  nodes: number
  limitSeconds: number | null
}

const limitMegabytes = 4096

const sizes: Record<string, Size> = {
  '1k': { title: '1,000 devices', sites: 1, racks: 44, nodes: 20, limitSeconds: null },
  '10k': { title: '10,000 switches, 50,000 nodes', sites: 10, racks: 485, nodes: 10, limitSeconds: 60 },
  '50k': { title: '3,460 switches, 50,240 nodes', sites: 10, racks: 157, nodes: 32, limitSeconds: 60 },
  '100k': { title: '5,000 switches, 100,000 nodes', sites: 10, racks: 238, nodes: 42, limitSeconds: null },
}

const [wanted] = process.argv.slice(2)
const size = wanted === undefined ? undefined : sizes[wanted]
if (wanted === 'cross-check') crossCheck()
else if (size !== undefined) measure(size)
else for (const name of Object.keys(sizes)) console.log(runAlone(name))

function runAlone(name: string): string {
  return execFileSync(process.execPath, [fileURLToPath(import.meta.url), name], { encoding: 'utf8' }).trim()
}

function measure({ title, sites, racks, nodes, limitSeconds }: Size): void {
  const start = lap()
  const { plan, lock } = planOf(intentText(sites, racks, nodes), emptyLock)
  const planned = lap()
  const { report: checks } = verifyPlan({ plan })
  const checked = lap()
  const analyst = new FailureAnalyst(plan)
  const prepared = lap()
  const report = reportFailures(analyst.analyse({ domains: ['link', 'device'], count: 1 }), 1)
  const played = lap()
  const megabytes = process.resourceUsage().maxRSS / 1024
  // One rack type gets another BFD profile in one rack: nothing else changes.
  const again = planOf(intentText(sites, racks, nodes, 'p1-dense2'), lock).plan
  const before = lap()
  const change = reverifyChange(plan, again)
  const reverified = lap()
  const switches = plan.devices.filter(({ role }) => role !== 'node').length
  const total = seconds(start, played)
  console.log(
    [
      `${title}: ${switches} switches, ${plan.devices.length - switches} nodes, ${plan.sessions.length} sessions`,
      `  plan ${text(start, planned)}; checks ${text(planned, checked)} (${checks?.verdict}); symmetry ${text(checked, prepared)};`,
      `  all ${report.failures} single failures ${text(prepared, played)}: ${report.classes} classes, ${report.simulations} simulations,`,
      `  ${report.symmetries} symmetries proved: ${report.verdict}`,
      `  together ${text(start, played)}${limitSeconds === null ? '' : ` = ${(total.clock / limitSeconds).toFixed(2)} of ${limitSeconds} s`}; peak ${megabytes.toFixed(0)} MB = ${(megabytes / limitMegabytes).toFixed(2)} of ${limitMegabytes} MB`,
      `  one rack changed, verified again (${change.sites.join()}): ${text(before, reverified)} = ${seconds(before, reverified).clock.toFixed(2)} of 1 s`,
      `  load ${loadavg()[0]!.toFixed(1)}`,
    ].join('\n'),
  )
}

/** One failure of each class of 300 devices in two sites: every table of every device against the plain simulation. */
function crossCheck(): void {
  const { plan } = planOf(intentText(2, 12, 8), emptyLock)
  const analyst = new FailureAnalyst(plan)
  const failures = listFailures(analyst.network, ['link', 'device', 'rack', 'plane', 'site'])
  const chosen = classifyFailures(analyst.symmetry, analyst.network, failures).map(
    ({ failures: [first] }) => first!,
  )
  let [entries, differing] = [0, 0]
  for (const failure of chosen) {
    const [fast] = fastTables(plan, [failure])
    const plain = plainTables(plan, failure)
    entries += plain.size
    for (const key of new Set([...plain.keys(), ...fast!.keys()]))
      if (plain.get(key) !== fast!.get(key)) differing++
  }
  console.log(
    `${plan.devices.length} devices, one failure of each of ${chosen.length} classes: ${entries} table entries, ${differing} differ`,
  )
  if (differing > 0) process.exitCode = 1
}

interface Lap {
  clock: number
  processor: number
}

function lap(): Lap {
  const { user, system } = process.cpuUsage()
  return { clock: performance.now() / 1000, processor: (user + system) / 1e6 }
}

function seconds(from: Lap, to: Lap): Lap {
  return { clock: to.clock - from.clock, processor: to.processor - from.processor }
}

function text(from: Lap, to: Lap): string {
  const { clock, processor } = seconds(from, to)
  return `${clock.toFixed(2)} s (processor ${processor.toFixed(2)} s)`
}

function planOf(intentSource: string, lock: Lock): { plan: Plan; lock: Lock } {
  const { intent, diagnostics } = loadIntent(intentSource, { file: 'bench.yaml' })
  if (intent === null) throw new Error(JSON.stringify(diagnostics[0], null, 2))
  const planned = planFabric(intent, lock)
  if (planned.plan === null) throw new Error(JSON.stringify(planned.diagnostics[0], null, 2))
  return { plan: planned.plan, lock: planned.lock }
}

function intentText(sites: number, racks: number, nodes: number, slowRack?: string): string {
  const all = Array.from({ length: sites }, (_, index) => siteText(index + 1, sites, racks)).join('')
  const override =
    slowRack === undefined
      ? ''
      : `overrides:\n  - { select: { site: dc1, rack: ${slowRack} }, set: { bfd: { transmit: 300ms, receive: 300ms, multiplier: 3 } } }\n`
  return `weft: v1\nname: bench\nfrr: "10.3"\nracks:\n  dense: { leaves: 2, nodes: ${nodes} }\nsites:\n${all}${override}`
}

function siteText(number: number, sites: number, racks: number): string {
  const base = `10.${number * 16}`
  return `  dc${number}:
    addresses:
      switches: ${base}.0.0/19
      nodes: ${base}.64.0/18
      pods: { pool: 100.${63 + number}.0.0/16, perNode: 30 }
      services: ${base}.128.0/20
    fabric:
      superSpines: { planes: 4, perPlane: 4 }
      pods: 1
      spines: 8
      racks: { dense: ${racks} }
      borderLeaves: 4
${sites === 1 ? '' : '    dci: { routers: 2 }\n'}    edge: { routers: 2 }
`
}
