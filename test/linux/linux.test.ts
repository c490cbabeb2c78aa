import { afterAll, expect, test } from 'vitest'
import { readAddresses, readLinks, readRoutes } from '../../src/linux/ip.ts'
import { applyIpBatch, tryIpBatch } from '../../src/linux/ip-batch.ts'
import { IpSession } from '../../src/linux/ip-session.ts'
import {
  createNamespaces,
  deleteNamespaces,
  findPids,
  inNamespace,
  listNamespaces,
} from '../../src/linux/namespace.ts'
import { applyNft, listNft } from '../../src/linux/nft.ts'
import { type RouteEvent, watchRoutes } from '../../src/linux/route-monitor.ts'
import { run } from '../../src/linux/run.ts'
import { applySysctls } from '../../src/linux/sysctl.ts'

/** The machine may be busy: waiting ends when the thing happens, not when the clock says so. */
const patient = { timeout: 10_000, interval: 5 }
const left = 'wfl-left'
const right = 'wfl-right'
const many = Array.from({ length: 200 }, (_, index) => `wfl-many-${index}`)

afterAll(() => deleteNamespaces([left, right, ...many]))

test('builds two connected namespaces in one batch and reads them back', async () => {
  await createNamespaces([left, right])
  await applyIpBatch([`link add uplink netns ${left} type veth peer name downlink netns ${right}`])
  await applyIpBatch(['link set lo up', 'link set uplink up'], { namespace: left })
  await applyIpBatch(['addr add 192.0.2.1/31 dev uplink', 'route add 198.51.100.0/24 via 192.0.2.0'], {
    namespace: left,
  })

  const uplink = (await readLinks({ namespace: left })).find((link) => link.name === 'uplink')
  const addresses = await readAddresses({ namespace: left, device: 'uplink' })
  const routes = await readRoutes({ namespace: left })

  expect(uplink).toMatchObject({ kind: 'veth', isUp: true, hasCarrier: false })
  expect(addresses.filter((address) => address.family === 'ipv4')).toMatchObject([
    { address: '192.0.2.1', prefixLength: 31, scope: 'global' },
  ])
  expect(routes.map((route) => route.destination)).toContain('198.51.100.0/24')
  expect(await readRoutes({ namespace: right })).toEqual([])
})

test('names the operation that was refused, and says which of a forced batch failed', async () => {
  const operations = [
    'addr add 10.0.0.1/32 dev lo',
    'addr add 10.0.0.2/32 dev nope',
    'addr add 10.0.0.3/32 dev lo',
  ]

  await expect(applyIpBatch(operations, { namespace: left })).rejects.toThrow(
    '"ip addr add 10.0.0.2/32 dev nope" was refused in namespace wfl-left: Cannot find device "nope" (operation 2 of 3)',
  )
  const failures = await tryIpBatch(operations, { namespace: left })
  const addresses = (await readAddresses({ namespace: left, device: 'lo' })).map((address) => address.address)

  expect(failures.map((failure) => failure.operation)).toEqual(operations.slice(0, 2))
  expect(addresses).toContain('10.0.0.3')
})

test('a session applies batch after batch in one process, and goes on after a batch that ended it', async () => {
  const session = new IpSession({ namespace: right })
  const durations: number[] = []
  for (let index = 1; index <= 50; index++) {
    const startedAt = performance.now()
    const failures = await session.apply([
      `addr add 10.0.2.${index}/32 dev lo`,
      'addr del 10.0.3.1/32 dev lo',
    ])
    durations.push(performance.now() - startedAt)
    expect(failures).toEqual([
      {
        operation: 'addr del 10.0.3.1/32 dev lo',
        reason: expect.stringMatching(/Address not found|Cannot assign/),
      },
    ])
  }
  await expect(session.apply(['addr nonsense'])).rejects.toThrow('"nonsense" is unknown')
  const parallel = await Promise.all([
    session.apply(['addr add 10.0.2.100/32 dev lo']),
    session.apply(['addr add 10.0.2.100/32 dev lo']),
    session.apply([]),
  ])
  session.close()

  console.log(`one address in a session: median ${durations.toSorted((a, b) => a - b)[25]?.toFixed(2)} ms`)
  expect(parallel.map((failures) => failures.length)).toEqual([0, 1, 0])
  const addresses = await readAddresses({ namespace: right, device: 'lo' })
  expect(addresses.filter((entry) => entry.address.startsWith('10.0.2.'))).toHaveLength(51)
})

test('reports every change of the routing table of a namespace', async () => {
  const events: RouteEvent[] = []
  const { promise: deleted, resolve } = Promise.withResolvers<void>()
  const monitor = await watchRoutes({
    namespace: left,
    onRoute(event) {
      events.push(event)
      if (event.kind === 'deleted') resolve()
    },
  })

  await applyIpBatch(['route add 203.0.113.7/32 via 192.0.2.0 proto bgp', 'route del 203.0.113.7/32'], {
    namespace: left,
  })
  await deleted
  monitor.stop()

  expect(events).toMatchObject([
    { kind: 'set', destination: '203.0.113.7/32', protocol: 'bgp', nextHops: [{ gateway: '192.0.2.0' }] },
    { kind: 'deleted', destination: '203.0.113.7/32' },
  ])
})

test('applies nftables rulesets as a whole and says which line was refused', async () => {
  await applyNft('table inet weft-test {\n  set vips { type ipv4_addr; }\n}\n', { namespace: left })

  expect(await listNft({ namespace: left, what: 'table inet weft-test' })).toMatchObject([
    { table: { name: 'weft-test' } },
    { set: { name: 'vips' } },
  ])
  expect(await listNft({ namespace: left, what: 'table inet absent' })).toEqual([])
  await expect(
    applyNft('add table inet other\nadd rule inet other nochain drop\n', { namespace: left }),
  ).rejects.toThrow('nftables refused line 2 of the ruleset, "add rule inet other nochain drop"')
  expect(await listNft({ namespace: left, what: 'table inet other' })).toEqual([])
})

test('sets kernel parameters inside a namespace', async () => {
  await applySysctls({ 'net.ipv4.ip_forward': 1 }, { namespace: left })

  const { stdout } = await run(inNamespace(left, ['sysctl', '-n', 'net.ipv4.ip_forward']))

  expect(stdout.trim()).toBe('1')
})

test('creates and deletes two hundred namespaces in a batch each', async () => {
  const startedAt = performance.now()
  await createNamespaces(many)
  const built = performance.now()
  expect(await listNamespaces()).toEqual(expect.arrayContaining(many))
  await deleteNamespaces([...many, 'wfl-never-existed'])

  console.log(
    `200 namespaces: ${Math.round(built - startedAt)} ms up, ${Math.round(performance.now() - built)} ms down`,
  )
  expect((await listNamespaces()).filter((name) => name.startsWith('wfl-many'))).toEqual([])
})

test('finds the processes inside a namespace', async () => {
  const stopper = new AbortController()
  const sleeping = run(inNamespace(right, ['sleep', '60']), { signal: stopper.signal })
  await expect.poll(async () => (await findPids([right])).get(right)?.length, patient).toBe(1)

  stopper.abort()

  await expect(sleeping).rejects.toThrow('was cancelled')
  await expect.poll(async () => (await findPids([right])).get(right), patient).toEqual([])
})

test('a missing tool is an environment error, a hung one is killed, a chatty one is stopped', async () => {
  await expect(run(['weft-no-such-tool', '-x'])).rejects.toMatchObject({
    code: 'WEFT_TOOL_MISSING',
    exitCode: 3,
  })
  await expect(run(['kubectl'], { env: { PATH: '/nonexistent' } })).rejects.toMatchObject({
    hint: 'install it: apt-get install kubernetes-client',
  })
  await expect(run(['sleep', '60'], { timeoutMs: 50 })).rejects.toMatchObject({ code: 'WEFT_TOOL_TIMEOUT' })
  await expect(run(['yes'], { maxOutputBytes: 100_000 })).rejects.toMatchObject({ code: 'WEFT_TOOL_OUTPUT' })
  await expect(run(['sh', '-c', 'echo no luck >&2; exit 7'])).rejects.toThrow(
    '"sh -c echo no luck >&2; exit 7" ended with exit code 7: no luck',
  )
})
