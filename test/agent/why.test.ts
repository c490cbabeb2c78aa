import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { spawnWeft, type WeftRun } from '../../src/cli/spawn-weft.ts'
import type { WhyReport } from '../../src/cli/why-report.ts'
import { applyIpBatch } from '../../src/linux/ip-batch.ts'
import { Fixture, nodeBgpd } from './fixture.ts'

/* The commands of an operator at night, against a real agent and real FRR. */

const patient = { timeout: 10_000, interval: 20 }
let fixture: Fixture

beforeAll(async () => {
  fixture = await Fixture.create('wfy')
  await fixture.createService('site', ['10.9.0.1'])
  await fixture.createService('unready', ['10.9.0.2'], { ready: false })
  await fixture.createService('foreign', ['192.0.2.77'])
  await fixture.startAgent()
  await fixture.untilLeaf('set', '10.9.0.1/32')
})

afterAll(() => fixture?.destroy())

function weft(...args: string[]): Promise<WeftRun> {
  return spawnWeft(process.cwd(), ...args, '--socket', fixture.statusSocket)
}

async function why(subject: string): Promise<{ code: number; report: WhyReport }> {
  const { code, stdout, stderr } = await weft('why', subject, '-o', 'json')
  if (stdout === '') throw new Error(stderr)
  return { code, report: JSON.parse(stdout) as WhyReport }
}

test('an announced Service: attributes, and how far it got towards each neighbor', async () => {
  const { code, report } = await why('site')

  expect(code).toBe(0)
  expect(report).toMatchObject({
    isAnnounced: true,
    problems: [],
    addresses: [
      {
        address: '10.9.0.1',
        services: ['default/site'],
        nodes: [
          {
            node: 'n1',
            isAnnounced: true,
            attributes: { pool: 'web', scope: 'site' },
            communities: ['65000:3:2'],
            neighbors: [{ neighbor: 'uplink', code: 'sent' }],
          },
        ],
      },
    ],
  })
})

test('a withheld one: reason, object at fault and what to do, and exit code 1', async () => {
  const { code, stdout } = await weft('why', 'default/unready')

  expect(code).toBe(1)
  expect(stdout).toBe(
    [
      '10.9.0.2  default/unready',
      '  announced nowhere',
      '',
      '  no-ready-endpoint  on n1',
      '    none of 1 endpoints is ready or serving',
      '    at fault: EndpointSlices of Service default/unready',
      '    mend: Look at the pods’ readiness: kubectl get pods, kubectl describe pod.',
      '',
    ].join('\n'),
  )
  expect((await why('192.0.2.77')).report.addresses[0]?.nodes[0]?.reason).toMatchObject({
    code: 'outside-pools',
    object: 'Service default/foreign status.loadBalancer.ingress',
  })
})

test('words that name nothing, or too much', async () => {
  await fixture.request('POST', '/api/v1/namespaces', { metadata: { name: 'shop' } }).catch(() => {})
  await fixture.request('POST', '/api/v1/namespaces/shop/services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'site' },
    spec: { type: 'LoadBalancer', ports: [{ port: 80 }] },
  })
  await vi.waitUntil(async () => (await weft('why', 'site')).code === 2, patient)

  expect((await weft('why', 'site')).stderr).toContain('"site" may be default/site or shop/site')
  expect((await weft('why', 'unraedy')).stderr).toContain('did you mean default/unready?')
  expect((await why('10.9.0.77')).report.problems).toMatchObject([{ code: 'unclaimed' }])
  expect((await why('shop/site')).report.problems).toMatchObject([{ code: 'no-address' }])
  expect((await weft('why', 'site', '-n', 'default')).code).toBe(0)
})

test('an export policy that denies it, and a session that is down', async () => {
  const bgpd = fixture.node.connect('bgpd')
  const family = ['router bgp', 'address-family ipv4 unicast']
  try {
    await bgpd.configure([
      { context: [], line: 'ip prefix-list NONE seq 5 deny any' },
      { context: family, line: 'neighbor uplink prefix-list NONE out' },
    ])
    await fixture.untilLeaf('deleted', '10.9.0.1/32', 0, 10_000)
    expect((await why('default/site')).report.addresses[0]?.nodes[0]?.neighbors).toMatchObject([
      { neighbor: 'uplink', code: 'not-sent' },
    ])
  } finally {
    await bgpd.configure([{ context: family, line: 'no neighbor uplink prefix-list NONE out' }])
    bgpd.close()
  }
  await fixture.untilLeaf('set', '10.9.0.1/32', 0, 10_000)

  await applyIpBatch(['link set uplink down'], { namespace: fixture.node.name })
  await vi.waitUntil(
    async () =>
      (await why('default/site')).report.addresses[0]?.nodes[0]?.neighbors[0]?.code === 'session-down',
    patient,
  )
  expect((await why('default/site')).code).toBe(1)
  await applyIpBatch(['link set uplink up'], { namespace: fixture.node.name })
  await vi.waitUntil(async () => (await why('default/site')).code === 0, { timeout: 20_000, interval: 20 })
})

test('metrics tell of sessions, and health and readiness are answered', async () => {
  const metrics = await fixture.metrics()
  expect(metrics).toMatch(/^weft_bgp_session_up\{neighbor="uplink",family="ipv4"[^}]*\} 1$/m)
  expect(metrics).toMatch(/^weft_agent_withheld_addresses\{reason="no-ready-endpoint"\} 1$/m)
  expect(await fixture.ask('/healthz')).toBe('ok\n')
  expect(await fixture.ask('/readyz')).toBe('ok\n')
})

test('drain refuses the last announcer; forced, it drains, reports, and undrain brings it back', async () => {
  const refused = await weft('drain', 'node', 'n1')
  expect(refused).toMatchObject({ code: 1 })
  expect(refused.stderr).toContain('nobody but n1 is known to announce 10.9.0.1')
  expect((await weft('drain', 'node', 'n2', '--force')).stderr).toContain('speaks for n1, not n2')

  const drained = await weft('drain', 'node', 'n1', '--force', '-o', 'json')
  expect(drained.stderr).toBe('')
  expect(JSON.parse(drained.stdout)).toMatchObject({
    node: 'n1',
    phase: 'drained',
    soleAddresses: ['10.9.0.1'],
  })
  await fixture.untilLeaf('deleted', '10.9.0.1/32')
  expect((await why('default/site')).report.addresses[0]?.nodes[0]?.reason?.code).toBe('node-drained')
  expect(await fixture.metrics()).toContain('weft_agent_drain_phase{phase="drained"} 1')

  expect((await weft('undrain', 'node', 'n1')).stdout).toMatch(/^n1 is serving after [\d.]+ s\n$/)
  await fixture.untilLeaf('set', '10.9.0.1/32')
})

test('without bgpd, and without the agent, it is said so', async () => {
  await fixture.node.kill('bgpd')
  await vi.waitUntil(async () => (await weft('agent', 'status')).code === 1, patient)
  expect((await weft('agent', 'status')).stdout).toContain('n1: bgpd does not answer')
  expect((await why('default/site')).report.addresses[0]?.nodes[0]?.reason).toMatchObject({
    code: 'bgpd-down',
    mend: 'Start FRR on the node: systemctl status frr.',
  })
  await fixture.node.start('bgpd', nodeBgpd)
  await vi.waitUntil(async () => (await weft('agent', 'status')).code === 0, patient)

  await fixture.stopAgent('SIGKILL')
  const silent = await weft('why', 'default/site')
  expect(silent).toMatchObject({ code: 4, stdout: '' })
  expect(silent.stderr).toContain('WEFT_AGENT_SILENT')
  expect(silent.stderr).toContain('it has ended')
})
