import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { FrrDaemon } from '../../src/frr/daemon.ts'
import { healFault, injectFault } from '../../src/lab/faults/faults.ts'
import { awaitNextHops } from '../../src/lab/forwarding.ts'
import { namespaceOf } from '../../src/lab/names.ts'
import type { LabState } from '../../src/lab/state.ts'
import { takeDown } from '../../src/lab/teardown.ts'
import { bringUp } from '../../src/lab/up.ts'
import { applyIpBatch } from '../../src/linux/ip-batch.ts'
import { inNamespace } from '../../src/linux/namespace.ts'
import { run } from '../../src/linux/run.ts'
import { exampleIntent, planOf } from './lab-fixture.ts'

/*
 * A node whose agent repairs locally: its link to a leaf falls silent, and the kernel's own events say in which order
 * things were written.
 */

const lab = 'repair'
const node = 'dc1-compute1-n1'
const namespace = namespaceOf(lab, node)
let state: LabState

beforeAll(async () => {
  const intent = exampleIntent('one-rack')
  const plan = planOf({ ...intent, ecmp: { ...intent.ecmp, fastLocalRepair: true } })
  state = (await bringUp(plan, { name: lab })).state
  const bfdd = new FrrDaemon('bfdd', { pathspace: namespace })
  await vi.waitFor(async () => expect(await bfdd.show('show logging')).toContain('weft-bfd.log'), 20_000)
  bfdd.close()
})

afterAll(async () => {
  await takeDown(lab)
})

test('the dead link is out of all routes before FRR has changed one, and comes back whole', async () => {
  const link = state.plan.links.find(({ b }) => b.device === node)!
  const other = state.plan.devices.find(({ role, name }) => role === 'node' && name !== node)!.loopbacks[0]!
  const events = watchKernel()
  const { id } = await injectFault(lab, { kind: 'silent', link: link.id })
  await events.until((line) => line.includes('Deleted') && line.includes(`dev ${link.b.interface}`))
  await events.until((line) => isStandIn(line, link.b.interface) && line.includes('PERMANENT'))
  await healFault(lab, id)
  await awaitNextHops(lab, node, other, (hops) => hops.length === 2)
  events.stop()

  const failed = events.lines.findIndex(
    (line) => isStandIn(line, link.b.interface) && line.includes('FAILED'),
  )
  const rerouted = events.lines.findIndex((line) => line.includes('proto bgp'))
  expect(failed).toBeGreaterThanOrEqual(0)
  expect(failed).toBeLessThan(rerouted)
  expect(await standIns()).toEqual(['PERMANENT', 'PERMANENT'])
})

test('what an agent that died had left out is made good by the next one', async () => {
  const [link] = state.plan.links.filter(({ b }) => b.device === node)
  const [standIn] = (await readStandIns()).filter(({ dev }) => dev === link!.b.interface)
  const { id } = await injectFault(lab, { kind: 'daemon', device: node, daemon: 'agent', how: 'kill' })
  await applyIpBatch(
    [
      `neighbor replace 169.254.0.1 dev ${link!.b.interface} lladdr ${standIn!.lladdr} nud failed proto zebra`,
    ],
    { namespace },
  )
  const events = watchKernel()
  await healFault(lab, id)
  await events.until((line) => isStandIn(line, link!.b.interface) && line.includes('PERMANENT'))
  events.stop()

  expect(await standIns()).toEqual(['PERMANENT', 'PERMANENT'])
})

/** What the node's kernel tells of routes and neighbours, from now on. */
function watchKernel() {
  const [command, ...args] = inNamespace(namespace, ['ip', 'monitor', 'route', 'neigh'])
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines: string[] = []
  const waiting = new Set<() => void>()
  createInterface(child.stdout).on('line', (line) => {
    lines.push(line)
    for (const look of waiting) look()
  })
  return {
    lines,
    async until(isWanted: (line: string) => boolean): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>()
      const look = () => {
        if (lines.some(isWanted)) resolve()
      }
      waiting.add(look)
      look()
      await promise
      waiting.delete(look)
    },
    stop: () => child.kill(),
  }
}

function isStandIn(line: string, interfaceName: string): boolean {
  return (
    line.includes('169.254.0.1') &&
    line.includes(`dev ${interfaceName}`) &&
    line.includes('lladdr') !== line.includes('FAILED')
  )
}

async function readStandIns(): Promise<{ dev: string; lladdr: string; state: string[] }[]> {
  const { stdout } = await run(['ip', '-n', namespace, '-j', 'neighbor', 'show', 'to', '169.254.0.1'])
  return JSON.parse(stdout) as { dev: string; lladdr: string; state: string[] }[]
}

async function standIns(): Promise<string[]> {
  return (await readStandIns()).flatMap(({ state: states }) => states)
}
