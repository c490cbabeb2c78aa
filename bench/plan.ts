/**
 * Plans and renders one site of 5,000 nodes, then ten such sites, and prints seconds and peak memory beside the limits.
 *
 *   node bench/plan.ts
 */
import { loadIntent } from '../src/intent/load.ts'
import { emptyLock } from '../src/plan/lock.ts'
import { planFabric } from '../src/plan/plan-fabric.ts'
import { renderPlan } from '../src/render/render.ts'

/** 157 racks of 32 nodes: a site of 5,024. */
function siteText(number: number): string {
  const base = `10.${number * 16}`
  return `  dc${number}:
    addresses:
      switches: ${base}.0.0/21
      nodes: ${base}.32.0/19
      pods: { pool: 100.${63 + number}.0.0/16, perNode: 29 }
      services: ${base}.64.0/20
    fabric:
      superSpines: { planes: 4, perPlane: 4 }
      pods: 1
      spines: 8
      racks: { dense: 157 }
      borderLeaves: 4
    dci: { routers: 2 }
    edge: { routers: 2 }
`
}

function intentText(sites: number): string {
  const all = Array.from({ length: sites }, (_, index) => siteText(index + 1)).join('')
  return `weft: v1
name: bench
frr: "10.3"
racks:
  dense: { leaves: 2, nodes: 32 }
sites:
${sites === 1 ? all.replace(/ {4}dci:.*\n/, '') : all}`
}

function seconds(from: number): number {
  return (performance.now() - from) / 1000
}

function measure(sites: number, limitSeconds: number, limitMegabytes: number): void {
  const start = performance.now()
  const { intent, diagnostics } = loadIntent(intentText(sites), { file: 'bench.yaml' })
  if (intent === null) throw new Error(JSON.stringify(diagnostics[0], null, 2))
  const loaded = seconds(start)
  const { plan, lock, diagnostics: problems } = planFabric(intent, emptyLock)
  if (plan === null) throw new Error(JSON.stringify(problems[0], null, 2))
  const planned = seconds(start)
  // Not kept: nobody holds two plans of such a size.
  const devicesAgain = planFabric(intent, lock).plan?.devices.length
  const replanned = seconds(start)
  if (devicesAgain !== plan.devices.length) throw new Error('the second plan differs')
  let bytes = 0
  for (const rendered of renderPlan(plan)) {
    for (const text of Object.values(rendered.files)) bytes += text.length
  }
  const total = seconds(start)
  const megabytes = process.resourceUsage().maxRSS / 1024
  const nodes = plan.devices.filter((device) => device.role === 'node').length
  console.log(
    `${sites} site(s), ${nodes} nodes, ${plan.devices.length} devices, ${plan.sessions.length} sessions:`,
    `load ${loaded.toFixed(2)} s, plan ${(planned - loaded).toFixed(2)} s, plan again with its lock ${(replanned - planned).toFixed(2)} s,`,
    `render ${(total - replanned).toFixed(2)} s (${(bytes / 1e6).toFixed(0)} MB of text); total ${total.toFixed(1)} s`,
    `= ${(total / limitSeconds).toFixed(2)} of the limit of ${limitSeconds} s; peak ${megabytes.toFixed(0)} MB`,
    `= ${(megabytes / limitMegabytes).toFixed(2)} of ${limitMegabytes} MB`,
  )
}

measure(1, 10, 2048)
measure(10, 60, 2048)
