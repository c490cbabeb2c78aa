import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { readAddresses, readRoutes } from '../../src/linux/ip.ts'
import { inNamespace } from '../../src/linux/namespace.ts'
import { run } from '../../src/linux/run.ts'
import { Fixture } from './fixture.ts'

/*
 * Somebody else clears the node's addresses or its local table. The periodic look is a minute away: what is mended
 * here is mended because the kernel told.
 */

const patient = { timeout: 10_000, interval: 10 }
/** More than are addresses on `lo`: the rest are local routes. */
const vips = Array.from({ length: 300 }, (_, index) => `10.9.${1 + (index >> 8)}.${index & 255}`)
const all = ['fd09::1', ...vips]
let fixture: Fixture

beforeAll(async () => {
  fixture = await Fixture.create('wfl')
  await fixture.createService('many', all)
  await fixture.startAgent({ resyncSeconds: 60 })
  await vi.waitUntil(async () => (await missing()).length === 0, patient)
})

afterAll(() => fixture?.destroy())

/** Service addresses that the kernel would not take a packet to. */
async function missing(): Promise<string[]> {
  const namespace = fixture.node.name
  const tables = await Promise.all(
    (['ipv4', 'ipv6'] as const).map((family) => readRoutes({ namespace, family, table: 'local' })),
  )
  const local = new Set(tables.flat().map(({ destination }) => destination.replace(/\/\d+$/, '')))
  return all.filter((address) => !local.has(address))
}

async function visible(): Promise<string[]> {
  const addresses = await readAddresses({ namespace: fixture.node.name, device: 'lo' })
  return addresses.map(({ address }) => address).filter((address) => all.includes(address))
}

/** Runs `ip` in the node and resolves with the milliseconds until everything is local again. */
async function mendedAfter(...args: string[]): Promise<number> {
  await run(inNamespace(fixture.node.name, ['ip', ...args]))
  const since = performance.now()
  await expect.poll(missing, patient).toEqual([])
  return Math.round(performance.now() - since)
}

test('some are addresses on lo, the rest are local routes', async () => {
  expect(await visible()).toHaveLength(256)
  expect(await visible()).toContain('fd09::1')
})

test.for([
  ['address', 'flush', 'dev', 'lo'],
  ['-6', 'address', 'flush', 'dev', 'lo'],
  ['route', 'flush', 'table', 'local', 'proto', '198'],
  ['route', 'flush', 'table', 'local'],
])('after "ip %s %s %s %s" all are back at once', async (args) => {
  const milliseconds = await mendedAfter(...args)
  console.log(`ip ${args.join(' ')}: mended after ${milliseconds} ms`)

  expect(milliseconds).toBeLessThan(5_000)
  expect(await visible()).toHaveLength(256)
})

test('a second flush while the first one is being mended is mended too', async () => {
  await run(inNamespace(fixture.node.name, ['ip', 'address', 'flush', 'dev', 'lo']))
  await expect.poll(async () => (await visible()).length, { timeout: 10_000, interval: 1 }).toBeGreaterThan(0)
  await mendedAfter('address', 'flush', 'dev', 'lo')
})

test('the network statements were never touched: the leaf has not lost a route', () => {
  const lost = fixture.events.filter(
    ({ kind, destination }) => kind === 'deleted' && /^10\.9\./.test(destination),
  )
  expect(lost).toEqual([])
})
