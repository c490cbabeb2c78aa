import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Decision } from '../../src/agent/desired/decision.ts'
import { EventRecorder } from '../../src/agent/events/event-recorder.ts'
import { EventReporter } from '../../src/agent/events/event-reporter.ts'
import { KubeClient } from '../../src/kube/client.ts'
import { createApiServer } from '../../src/lab/kubernetes/api-server/api-server.ts'

/* Events against the lab's API server, and against one that forbids. */

interface StoredEvent {
  reason: string
  message: string
  type: string
  count: number
  involvedObject: { kind: string; name: string; namespace?: string; uid?: string }
  source: { component: string; host: string }
}

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const api = createApiServer({ log: silent as never, serviceCidrs: ['10.96.0.0/16'] })
const port = 20_000 + (process.pid % 10_000)
const client = new KubeClient({ url: `http://127.0.0.1:${port}` })
const outcomes: string[] = []
const warnings: string[] = []
const recorders: EventRecorder[] = []
let now = Date.parse('2026-01-01T00:00:00Z')

beforeAll(() => api.listen('127.0.0.1', port))
afterEach(async () => {
  for (const recorder of recorders.splice(0)) recorder.close()
  outcomes.length = 0
  warnings.length = 0
  for (const namespace of ['default', 'shop']) {
    const { items } = await client.json<{ items: { metadata: { name: string } }[] }>({
      path: `/api/v1/namespaces/${namespace}/events`,
    })
    for (const { metadata } of items)
      await client.json({ method: 'DELETE', path: `/api/v1/namespaces/${namespace}/events/${metadata.name}` })
  }
})
afterAll(async () => {
  client.close()
  await api.close()
})

function makeRecorder(kube: KubeClient = client, node = 'n1'): EventRecorder {
  const recorder = new EventRecorder({
    client: kube,
    node,
    log: { debug() {}, warn: (_: unknown, text: string) => warnings.push(text) } as never,
    onOutcome: (outcome) => outcomes.push(outcome),
    now: () => now,
  })
  recorders.push(recorder)
  return recorder
}

async function eventsIn(namespace: string): Promise<StoredEvent[]> {
  return (await client.json<{ items: StoredEvent[] }>({ path: `/api/v1/namespaces/${namespace}/events` }))
    .items
}

const web = { kind: 'Service', namespace: 'default', name: 'web' } as const
const trouble = { type: 'Warning', reason: 'NotAnnounced', message: '192.0.2.1 lies in no pool' } as const

test('an Event is about its Service, says who said it, and the same again raises the count', async () => {
  const first = makeRecorder()
  first.record(web, trouble)
  await first.settled()
  const second = makeRecorder(client, 'n2')
  second.record(web, trouble)
  await second.settled()

  expect(outcomes).toEqual(['created', 'counted'])
  expect(await eventsIn('default')).toMatchObject([
    {
      ...trouble,
      count: 2,
      involvedObject: { kind: 'Service', name: 'web', namespace: 'default' },
      source: { component: 'weft-agent', host: 'n1' },
    },
  ])
})

test('what repeats within a minute is not sent again, later it is', async () => {
  const recorder = makeRecorder()
  recorder.record(web, trouble)
  await recorder.settled()
  recorder.record(web, trouble)
  await recorder.settled()
  now += 61_000
  recorder.record(web, trouble)
  await recorder.settled()

  expect(outcomes).toEqual(['created', 'dropped', 'counted'])
})

test('a flood is cut to a burst of 25, and what waits is bounded', async () => {
  const recorder = makeRecorder()
  for (let i = 0; i < 500; i++) recorder.record(web, { ...trouble, message: `number ${i}` })
  await recorder.settled()

  expect(await eventsIn('default')).toHaveLength(25)
  // One is on its way when the queue of 100 fills.
  expect(outcomes.filter((outcome) => outcome === 'dropped')).toHaveLength(399)
})

test('a Node’s Event is found by kubectl describe node', async () => {
  const recorder = makeRecorder()
  new EventReporter({ recorder, node: 'n1', decisions: new Map() }).tellNode(
    'Warning',
    'BgpdLost',
    'bgpd is gone',
  )
  await recorder.settled()

  expect((await eventsIn('default'))[0]?.involvedObject).toEqual({
    apiVersion: 'v1',
    kind: 'Node',
    name: 'n1',
    uid: 'n1',
  })
})

test('without permission it falls silent and says once which one is missing', async () => {
  let requests = 0
  const forbidding: Server = createServer((_, response) => {
    requests++
    response.writeHead(403, { 'content-type': 'application/json' })
    response.end('{"message":"events is forbidden"}')
  })
  forbidding.listen(0, '127.0.0.1')
  await once(forbidding, 'listening')
  const kube = new KubeClient({ url: `http://127.0.0.1:${(forbidding.address() as AddressInfo).port}` })
  try {
    const recorder = makeRecorder(kube)
    for (let i = 0; i < 10; i++) recorder.record(web, { ...trouble, message: `number ${i}` })
    await recorder.settled()
    recorder.record(web, trouble)
    await recorder.settled()
  } finally {
    kube.close()
    forbidding.close()
  }

  expect(requests).toBe(1)
  expect(warnings).toEqual(['no permission to write Events: none for 10 minutes'])
})

test('an API that is away costs the Event and nothing else', async () => {
  const kube = new KubeClient({ url: 'http://127.0.0.1:1' })
  const recorder = makeRecorder(kube)
  recorder.record(web, trouble)
  await recorder.settled()

  expect(outcomes).toEqual(['failed'])
})

test('Events tell of faults and guards once per change, and nothing of endpoints that are elsewhere', () => {
  const decisions = new Map<string, Decision>()
  const said: string[] = []
  const recorder = {
    record(about: object, text: { reason: string }) {
      said.push(`${text.reason} ${JSON.stringify(about)}`)
    },
  }
  const reporter = new EventReporter({ recorder, node: 'n1', decisions })
  const withheld = (code: 'outside-pools' | 'no-endpoint-on-node', object: string): Decision => ({
    kind: 'withheld',
    address: '192.0.2.1',
    code,
    text: 'why',
    object,
    services: ['shop/web'],
  })
  const look = (decision: Decision | undefined) => {
    if (decision === undefined) decisions.delete('192.0.2.1')
    else decisions.set('192.0.2.1', decision)
    reporter.look()
    return said.splice(0)
  }

  const about = '{"kind":"Service","namespace":"shop","name":"web"}'
  expect(look(withheld('no-endpoint-on-node', 'EndpointSlices'))).toEqual([])
  expect(look(withheld('outside-pools', 'Service shop/web spec.clusterIPs'))).toEqual([])
  expect(look(withheld('outside-pools', 'Service shop/web spec.externalIPs'))).toEqual([
    `NotAnnounced ${about}`,
  ])
  expect(look(withheld('outside-pools', 'Service shop/web spec.externalIPs'))).toEqual([])
  expect(look(undefined)).toEqual([])
  expect(look(withheld('outside-pools', 'Service shop/web spec.externalIPs'))).toEqual([
    `NotAnnounced ${about}`,
  ])
})
