import { afterAll, beforeAll, expect, test } from 'vitest'
import { kubeconfigPath } from '../../src/lab/cluster.ts'
import { healAll, injectFault } from '../../src/lab/faults/faults.ts'
import { namespaceOf } from '../../src/lab/names.ts'
import { openProbe } from '../../src/lab/probe/probe-host.ts'
import { readStatus } from '../../src/lab/status.ts'
import { takeDown } from '../../src/lab/teardown.ts'
import { bringUp } from '../../src/lab/up.ts'
import { inNamespace } from '../../src/linux/namespace.ts'
import { run } from '../../src/linux/run.ts'
import { exampleIntent, nothing, planOf, remains } from './lab-fixture.ts'

const lab = 'ttraffic'
const [node1, node2] = ['dc1-compute1-n1', 'dc1-compute1-n2']

beforeAll(async () => {
  await takeDown(lab)
  await bringUp(planOf(exampleIntent('one-rack')), { name: lab, underTest: ['node'] })
})
afterAll(async () => {
  await takeDown(lab)
  expect(await remains(lab)).toEqual(nothing)
})

test('a Service of a Deployment answers at its address from the fabric', async () => {
  const manifest = [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: 'web' } },
        template: {
          metadata: { labels: { app: 'web' } },
          spec: { containers: [{ name: 'web', image: 'web', ports: [{ containerPort: 8080 }] }] },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name: 'web',
        namespace: 'default',
        annotations: { 'weft.dev/address': '10.10.21.5' },
      },
      spec: { type: 'LoadBalancer', selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
    },
  ]
  await run(
    inNamespace(namespaceOf(lab, node2), [
      'kubectl',
      '--kubeconfig',
      kubeconfigPath(lab),
      'apply',
      '-f',
      '-',
    ]),
    { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifest }) },
  )
  const probe = openProbe(lab, 'dc1-compute1-leaf1')
  try {
    await expect
      .poll(async () => (await probe.httpRequest({ url: 'http://10.10.21.5/', timeoutMs: 1000 })).status, {
        timeout: 60_000,
        interval: 100,
      })
      .toBe(200)
    // Both nodes announce it, so all four tables hold it; status counts it and finds nothing wrong with it.
    await expect
      .poll(async () => {
        const { dynamicRoutes, differences } = await readStatus(lab)
        return { dynamicRoutes, differences }
      })
      .toEqual({ dynamicRoutes: 4, differences: [] })
  } finally {
    probe.close()
  }
})

test('a silent cut costs what BFD needs to see it, and healing costs nothing', async () => {
  const link = `dc1-compute1-leaf1--${node2}`
  const sender = openProbe(lab, node1)
  const receiver = openProbe(lab, node2)
  try {
    await receiver.echo('10.10.19.2', 9000)
    const flows = {
      source: '10.10.19.1',
      destination: '10.10.19.2',
      port: 9000,
      flows: 8,
      packetsPerSecond: 800,
    }
    const cutting = await sender.startFlows(flows)
    // Traffic before the event, so that its edge is seen.
    await new Promise((resolve) => setTimeout(resolve, 300))
    await injectFault(lab, { kind: 'silent', link })
    await untilBfd('down')
    const cut = await cutting.stop()

    const healing = await sender.startFlows(flows)
    await healAll(lab)
    await untilBfd('up')
    const healed = await healing.stop()

    expect(cut.flows).toHaveLength(8)
    expect(cut.worst.answeredBy).toEqual([node2])
    // 100 ms x 3, and what BGP adds; a busy machine adds more, which the report then says.
    if (cut.voidedBecause === null) {
      expect(cut.worst.longestGapMs).toBeGreaterThan(100)
      expect(cut.worst.longestGapMs).toBeLessThan(2_000)
    }
    if (healed.voidedBecause === null) expect(healed.lost).toBe(0)
  } finally {
    sender.close()
    receiver.close()
  }
})

test('a flow to an address that nobody answers is lost from the first packet to the last', async () => {
  const sender = openProbe(lab, node1)
  try {
    const flows = await sender.startFlows({
      destination: '10.10.19.2',
      port: 9999,
      flows: 2,
      packetsPerSecond: 200,
    })
    await sender.httpRequest({ url: 'http://10.10.19.2:9/', timeoutMs: 300 })
    const report = await flows.stop()

    expect(report.lost).toBe(report.sent)
    expect(report.worst.gapStartedMs).toBe(0)
  } finally {
    sender.close()
  }
})

async function untilBfd(state: 'up' | 'down'): Promise<void> {
  await expect
    .poll(
      async () =>
        (await readStatus(lab)).differences.some(({ kind }) => kind === 'bfd' || kind === 'session'),
      {
        timeout: 30_000,
        interval: 50,
      },
    )
    .toBe(state === 'down')
}
