import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DryRun } from '../../src/agent/dry-run/dry-run.ts'
import { readRunningConfig } from '../../src/frr/show-daemon.ts'
import { readAddresses } from '../../src/linux/ip.ts'
import { inNamespace } from '../../src/linux/namespace.ts'
import { run } from '../../src/linux/run.ts'
import { Fixture } from './fixture.ts'

/* What a dry run prints, against what an agent then does. */

const program = fileURLToPath(new URL('../../src/agent/main.ts', import.meta.url))
let fixture: Fixture

beforeAll(async () => {
  fixture = await Fixture.create('wfd')
  await fixture.createService('stays', ['10.9.0.1'])
  await fixture.createService('goes', ['10.9.0.2'])
  await fixture.startAgent()
  await fixture.untilLeaf('set', '10.9.0.1/32')
  await fixture.untilLeaf('set', '10.9.0.2/32')
})

afterAll(() => fixture?.destroy())

async function dryRun(): Promise<DryRun> {
  const config = join(dirname(fixture.statusSocket), 'agent.json')
  const argv = [process.execPath, program, '--dry-run', '--json', config] as const
  return JSON.parse((await run(inNamespace(fixture.node.name, argv))).stdout) as DryRun
}

interface State {
  networks: string[]
  addresses: string[]
  guard: string[]
}

async function readState(): Promise<State> {
  const bgpd = fixture.node.connect('bgpd')
  const running = await readRunningConfig(bgpd)
  bgpd.close()
  const addresses = await readAddresses({ namespace: fixture.node.name, device: 'lo' })
  const argv = ['nft', 'list', 'table', 'inet', 'weft-guard'] as const
  const { stdout } = await run(inNamespace(fixture.node.name, argv), { acceptFailure: true })
  return {
    networks: [...running.matchAll(/^ {2}network .*$/gm)].map(([line]) => line.trim()).toSorted(),
    addresses: addresses.map(({ address }) => address).toSorted(),
    guard: [...stdout.matchAll(/10\.9\.\d+\.\d+ \. \w+ \. \d+/g)].map(([element]) => element).toSorted(),
  }
}

test('with an agent that has settled there is nothing to do', async () => {
  const { steps, announced } = await dryRun()

  expect(steps).toEqual([])
  expect(announced).toBe(2)
})

test('it prints what the next agent does, changes nothing, and the agent does that and nothing else', async () => {
  await fixture.stopAgent('SIGKILL')
  await fixture.deleteService('goes')
  await fixture.createService('comes', ['10.9.0.3'])
  const before = await readState()
  const seen = fixture.events.length

  const { steps } = await dryRun()

  expect(await readState()).toEqual(before)
  expect(fixture.events.slice(seen)).toEqual([])
  const linesTo = (to: string) => steps.filter((step) => step.to === to).map(({ line }) => line)
  expect(linesTo('bgpd')).toEqual(['no network 10.9.0.2/32', 'network 10.9.0.3/32 route-map VIP-site'])
  expect(linesTo('ip')).toEqual([
    expect.stringMatching(/^addr replace 10\.9\.0\.3\/32 dev lo\b/),
    'addr del 10.9.0.2/32 dev lo',
  ])

  await fixture.startAgent()
  await fixture.untilLeaf('set', '10.9.0.3/32')
  await fixture.untilLeaf('deleted', '10.9.0.2/32')

  const after = await readState()
  const replaced = (list: string[]) => list.map((text) => text.replace('10.9.0.2', '10.9.0.3')).toSorted()
  expect(after).toEqual({
    networks: replaced(before.networks),
    addresses: replaced(before.addresses),
    guard: replaced(before.guard),
  })
  const touched = fixture.events.slice(seen).map(({ kind, destination }) => `${kind} ${destination}`)
  expect(touched.toSorted()).toEqual(['deleted 10.9.0.2/32', 'set 10.9.0.3/32'])
})
