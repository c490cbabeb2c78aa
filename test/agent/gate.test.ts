import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { inNamespace } from '../../src/linux/namespace.ts'
import { run } from '../../src/linux/run.ts'
import { Fixture } from './fixture.ts'

/*
 * The data-plane gate with the kernel's own nftables: a table like the one kube-proxy makes, and its health port.
 */

const patient = { timeout: 15_000, interval: 20 }
const node24 = fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url))
let fixture: Fixture
let health: ChildProcess | undefined

beforeAll(async () => {
  fixture = await Fixture.create('wgg')
})

afterAll(async () => {
  health?.kill('SIGKILL')
  await fixture?.destroy()
})

async function nft(...commands: string[]): Promise<void> {
  await run(inNamespace(fixture.node.name, ['nft', commands.join('; ')]))
}

/** kube-proxy's health port. */
async function startHealth(): Promise<void> {
  const program = `require('node:http').createServer((_, answer) => answer.end('{}')).listen(10256, '127.0.0.1', () => console.log('up'))`
  const [command, ...args] = inNamespace(fixture.node.name, [node24, '-e', program])
  health = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(health.stdout as NodeJS.ReadableStream, 'data')
}

async function stopHealth(): Promise<void> {
  health?.kill('SIGKILL')
  if (health !== undefined) await once(health, 'exit')
}

async function reason(address: string): Promise<{ kind: string; code?: string; text?: string }> {
  return JSON.parse(await fixture.ask(`/decisions/${address}`).catch(() => '{"kind":"unknown"}'))
}

const config = { dataplane: { detector: 'kube-proxy' } }

test('nothing is announced while nobody can tell what the node forwards, and the reason says so', async () => {
  await fixture.createService('web', ['10.9.0.1'])
  await fixture.startAgent(config)

  await vi.waitUntil(async () => (await reason('10.9.0.1')).text?.includes('does not answer'), patient)
  expect(await reason('10.9.0.1')).toMatchObject({
    code: 'dataplane-not-programmed',
    text: 'kube-proxy does not answer at http://127.0.0.1:10256/healthz',
  })
})

test('a healthy proxy is not enough: the address itself must be in the kernel', async () => {
  await nft(
    'add table ip kube-proxy',
    'add map ip kube-proxy service-ips { type ipv4_addr . inet_proto . inet_service : verdict ; }',
    'add chain ip kube-proxy external-web',
  )
  await startHealth()

  await vi.waitUntil(async () => (await reason('10.9.0.1')).text?.includes('does not forward'), patient)
  expect(fixture.events.filter((event) => event.destination === '10.9.0.1/32')).toEqual([])
})

test('it is announced as soon as the kernel translates it', async () => {
  const before = Date.now()
  await nft('add element ip kube-proxy service-ips { 10.9.0.1 . tcp . 80 : goto external-web }')

  const { atMs } = await fixture.untilLeaf('set', '10.9.0.1/32', before, 10_000)
  console.log(`rule in the kernel to the leaf's FIB: ${atMs - before} ms`)
})

test('when the proxy dies and its rules go, what was announced stays; also over a restart of the agent', async () => {
  await stopHealth()
  await nft('flush map ip kube-proxy service-ips')
  await fixture.createService('late', ['10.9.0.2'])
  await vi.waitUntil(async () => (await reason('10.9.0.2')).text?.includes('does not answer'), patient)
  await fixture.stopAgent('SIGKILL')
  await fixture.startAgent(config)

  expect(await reason('10.9.0.1')).toMatchObject({ kind: 'announce' })
  expect(await reason('10.9.0.2')).toMatchObject({ code: 'dataplane-not-programmed' })
  expect(fixture.events.findLast((event) => event.destination === '10.9.0.1/32')?.kind).toBe('set')
})
