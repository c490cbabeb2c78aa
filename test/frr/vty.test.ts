import { afterAll, beforeAll, expect, test } from 'vitest'
import type { FrrDaemon } from '../../src/frr/daemon.ts'
import { createNamespaces, deleteNamespaces } from '../../src/linux/namespace.ts'
import { Router } from './daemons.ts'

/** The machine may be busy: waiting ends when the thing happens, not when the clock says so. */
const patient = { timeout: 10_000, interval: 5 }
const name = 'wff-vty'
const router = new Router(name)
let bgpd: FrrDaemon

const context = ['router bgp', 'address-family ipv4 unicast']
const config = `frr defaults datacenter
router bgp 65001
 bgp router-id 10.0.0.1
 no bgp network import-check
`

beforeAll(async () => {
  await createNamespaces([name])
  await router.start('bgpd', config)
  bgpd = router.connect('bgpd')
})

afterAll(async () => {
  bgpd.close()
  await router.stop()
  await deleteNamespaces([name])
})

test('answers show commands and says which command was refused', async () => {
  expect(await bgpd.show('show version')).toMatch(/^FRRouting \d+\.\d+/)
  await expect(bgpd.show('show nonsense')).rejects.toMatchObject({
    code: 'WEFT_VTY_REFUSED',
    message: expect.stringContaining('bgpd refused "show nonsense": % [BGP] Unknown command'),
  })
})

test('pipelines thousands of commands with the replies in order', async () => {
  const startedAt = performance.now()
  const replies = await Promise.all(
    Array.from({ length: 2000 }, (_, index) =>
      bgpd.show(`show bgp ipv4 unicast 10.1.${index >> 8}.${index & 255}/32 json`),
    ),
  )

  console.log(`2000 show commands: ${Math.round(performance.now() - startedAt)} ms`)
  expect(replies).toHaveLength(2000)
})

test('applies a thousand networks in one transaction and takes them away again', async () => {
  const prefixes = Array.from({ length: 1000 }, (_, index) => `10.2.${index >> 8}.${index & 255}/32`)

  const startedAt = performance.now()
  await bgpd.configure(prefixes.map((prefix) => ({ context, line: `network ${prefix}` })))
  console.log(`1000 networks: ${Math.round(performance.now() - startedAt)} ms`)
  const added = await networks()
  await bgpd.configure(prefixes.map((prefix) => ({ context, line: `no network ${prefix}` })))

  expect(added).toHaveLength(1000)
  expect(await networks()).toEqual([])
})

test('a single change costs a few milliseconds', async () => {
  const durations: number[] = []
  for (let index = 0; index < 50; index++) {
    const startedAt = performance.now()
    await bgpd.configure([{ context, line: `${index % 2 === 0 ? '' : 'no '}network 10.4.0.1/32` }])
    durations.push(performance.now() - startedAt)
  }
  durations.sort((a, b) => a - b)

  console.log(`one network: median ${durations[25]?.toFixed(2)} ms, worst ${durations.at(-1)?.toFixed(2)} ms`)
  expect(durations[25]).toBeLessThan(20)
})

test('undoes what was applied when a later line is refused, and names that line', async () => {
  const changes = [
    { context, line: 'network 10.3.0.1/32' },
    { context: ['router bgp'], line: 'neighbor FABRIC peer-group' },
    { context, line: 'network 10.3.0.2/32 route-map' },
  ]

  await expect(bgpd.configure(changes)).rejects.toMatchObject({
    code: 'WEFT_FRR_CONFIG_REFUSED',
    message: expect.stringMatching(
      /bgpd refused "router bgp \/ address-family ipv4 unicast \/ network 10.3.0.2\/32 route-map": .*the 2 lines applied before it were undone/,
    ),
  })

  const running = await bgpd.show('show running-config')
  expect(running).not.toContain('10.3.0.1')
  expect(running).not.toContain('FABRIC')
})

test('refuses lines whose context does not exist instead of applying them elsewhere', async () => {
  const before = await bgpd.show('show running-config')

  await expect(
    bgpd.configure([
      { context: ['router bgp 65002', 'address-family ipv4 unicast'], line: 'network 10.3.0.3/32' },
    ]),
  ).rejects.toThrow('BGP is already running; AS is 65001')
  await expect(
    bgpd.configure([{ context: ['router nonsense'], line: 'bgp router-id 9.9.9.9' }]),
  ).rejects.toThrow('router nonsense')

  expect(await bgpd.show('show running-config')).toBe(before)
})

test('a daemon that is not there is reported with the way out', async () => {
  const absent = new Router('wff-absent').connect('bgpd')

  await expect(absent.show('show version')).rejects.toMatchObject({
    code: 'WEFT_VTY_UNREACHABLE',
    exitCode: 4,
    message: 'bgpd is not running (no answer at /var/run/frr/wff-absent/bgpd.vty)',
  })
})

test('notices a crash, fails what was in flight, and reconnects when the daemon is back', async () => {
  const events: string[] = []
  const watcher = router.connect('bgpd')
  const watching = watcher.keepConnected({
    onUp: () => events.push('up'),
    onDown: (error) => events.push(error.code),
  })
  await expect.poll(() => events, patient).toEqual(['up'])

  await router.kill('bgpd')
  await expect.poll(() => events, patient).toEqual(['up', 'WEFT_VTY_CLOSED'])
  await expect(bgpd.show('show version')).rejects.toMatchObject({ code: expect.stringMatching(/^WEFT_VTY_/) })
  await router.start('bgpd', config)
  await expect.poll(() => events, patient).toEqual(['up', 'WEFT_VTY_CLOSED', 'up'])

  expect(await bgpd.show('show version')).toContain('FRRouting')
  watcher.close()
  await watching
})

async function networks(): Promise<string[]> {
  const running = await bgpd.show('show running-config')
  return running.split('\n').filter((line) => line.startsWith('  network '))
}
