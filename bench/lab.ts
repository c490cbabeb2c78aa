/*
 * How fast a lab of real routers comes up and what it costs, beside what the same machine did by hand
 * (daemons started by a script, best of several runs): `npm run bench lab`, or sizes: `node bench/lab.ts 50 100`.
 */
import { readFileSync } from 'node:fs'
import { availableParallelism, loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { loadIntent } from '../src/intent/load.ts'
import { findLeftovers, takeDown } from '../src/lab/teardown.ts'
import { bringUp } from '../src/lab/up.ts'
import { emptyLock } from '../src/plan/lock.ts'
import type { Plan } from '../src/plan/model.ts'
import { planFabric } from '../src/plan/plan-fabric.ts'

interface Case {
  name: string
  plan: Plan
  /** Seconds until every route was in every kernel, by hand. */
  byHandSeconds: number | null
}

const lab = 'bench'
const byHand: Record<number, number> = { 10: 3.0, 50: 6.1, 100: 18.6, 200: 43 }

const sizes = process.argv.slice(2).map(Number)
const cases: Case[] = [
  ...(sizes.length === 0 ? [{ name: 'two-sites', plan: planExample('two-sites'), byHandSeconds: null }] : []),
  ...(sizes.length === 0 ? [50, 100, 200] : sizes).map((size) => ({
    name: `${size} routers`,
    plan: planFabricOf(size),
    byHandSeconds: byHand[size] ?? null,
  })),
]

print(
  '',
  'sessions',
  'built',
  'started',
  'sessions',
  'routes',
  'all+BFD',
  'by hand',
  'routers/s',
  'MiB each',
  'down',
)
for (const entry of cases) await measure(entry)
process.stdout.write(
  'seconds from the first command; all+BFD: every session, BFD session, route and kernel route as planned\n',
)

async function measure({ name, plan, byHandSeconds }: Case): Promise<void> {
  const load = loadavg()[0] ?? 0
  const notices: string[] = []
  try {
    const { times } = await bringUp(plan, {
      name: lab,
      kubernetes: false,
      convergenceTimeoutMs: 240_000,
      onProgress: (progress) => {
        if (progress.kind === 'notice') notices.push(progress.text)
      },
    })
    const { startedMs } = times
    const memoryMiB = (await privateMemoryKiB()) / 1024 / plan.devices.length
    const downStarted = performance.now()
    await takeDown(lab)
    print(
      name,
      String(plan.sessions.length),
      seconds(times.builtMs),
      seconds(startedMs),
      seconds(startedMs + times.sessionsMs),
      seconds(startedMs + times.routesMs),
      seconds(times.convergedMs),
      byHandSeconds === null ? '-' : byHandSeconds.toFixed(1),
      (plan.devices.length / (startedMs / 1000)).toFixed(1),
      memoryMiB.toFixed(1),
      seconds(performance.now() - downStarted),
    )
    for (const notice of notices) process.stdout.write(`  ${notice}\n`)
    if (load > availableParallelism() / 2)
      process.stdout.write(
        `  the machine was busy before the start (load ${load.toFixed(1)}): times are too high\n`,
      )
  } finally {
    await takeDown(lab)
  }
}

/** Memory that goes away with the lab: not the pages its daemons share with each other. */
async function privateMemoryKiB(): Promise<number> {
  const { pids } = await findLeftovers(lab)
  return pids.reduce((sum, pid) => {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
    return sum + Number(/^Private_Dirty:\s+(\d+)/m.exec(rollup)?.[1] ?? 0)
  }, 0)
}

function planExample(name: string): Plan {
  const file = fileURLToPath(new URL(`../examples/${name}/weft.yaml`, import.meta.url))
  return planText(readFileSync(file, 'utf8'), file)
}

/** Four spines, a sixth of the devices leaves, and the rest nodes on two leaves each. */
function planFabricOf(size: number): Plan {
  const spines = size <= 10 ? 2 : 4
  const racks = Math.max(1, Math.round(size / 12))
  const nodes = size - spines - 2 * racks
  const perRack = Array.from(
    { length: racks },
    (_, rack) => Math.floor(nodes / racks) + (rack < nodes % racks ? 1 : 0),
  )
  return planText(
    JSON.stringify({
      weft: 'v1',
      name: 'bench',
      racks: { any: { leaves: 2, nodes: 1 } },
      sites: {
        dc1: {
          addresses: {
            switches: '10.10.0.0/24',
            nodes: '10.10.2.0/23',
            pods: { pool: '10.64.0.0/16', perNode: 26 },
            services: '10.10.8.0/24',
          },
          fabric: {
            spines,
            borderLeaves: 0,
            racks: perRack.map((count, rack) => ({
              name: `r${rack}`,
              type: 'any',
              nodes: Array.from({ length: count }, (_, node) => `r${rack}-n${node}`),
            })),
          },
        },
      },
    }),
    'bench.yaml',
  )
}

function planText(text: string, file: string): Plan {
  const { intent, diagnostics } = loadIntent(text, { file })
  const planned = intent === null ? null : planFabric(intent, emptyLock)
  if (!planned?.plan)
    throw new Error(
      [...diagnostics, ...(planned?.diagnostics ?? [])].map(({ message }) => message).join('\n'),
    )
  return planned.plan
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1)
}

function print(name: string, ...cells: string[]): void {
  process.stdout.write(`${name.padEnd(12)}${cells.map((cell) => cell.padStart(10)).join('')}\n`)
}
