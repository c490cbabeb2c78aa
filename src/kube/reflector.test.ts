import fc from 'fast-check'
import { afterEach, expect, test, vi } from 'vitest'
import { KubeClient } from './client.ts'
import { Reflector, type ReflectorOptions } from './reflector.ts'
import type { ReflectorChange } from './reflector-store.ts'
import { type Fault, FaultyApi } from './testing/faulty-api.ts'
import { type RawObject, services } from './types.ts'

const timings = { minBackoffMs: 1, maxBackoffMs: 4, goodWatchMs: 60_000, idleMs: 5_000, listIdleMs: 5_000 }
/** The machine may be busy: waiting ends when the thing happens, not when the clock says so. */
const patient = { timeout: 10_000, interval: 5 }
const cleanups: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

interface Fixture {
  api: FaultyApi
  reflector: Reflector<unknown>
  changes: ReflectorChange<unknown>[]
  synced: () => number
}

async function start(
  prepare: (api: FaultyApi) => void = () => {},
  options: Partial<ReflectorOptions<unknown>> = {},
): Promise<Fixture> {
  const api = new FaultyApi()
  prepare(api)
  const client = new KubeClient({ url: await api.listen() })
  const changes: ReflectorChange<unknown>[] = []
  let synced = 0
  const reflector = new Reflector<unknown>({
    client,
    resource: services,
    project: (raw: RawObject) => raw.spec,
    onChange: (change) => changes.push(change),
    onSynced: () => synced++,
    timings,
    ...options,
  })
  const stopper = new AbortController()
  const running = reflector.run(stopper.signal)
  cleanups.push(async () => {
    stopper.abort()
    await running
    client.close()
    await api.close()
  })
  return { api, reflector, changes, synced: () => synced }
}

function expectSame({ api, reflector }: Fixture): void {
  const there = [...api.objects].map(([name, object]) => [`default/${name}`, object.spec])
  expect(Object.fromEntries(reflector.views)).toEqual(Object.fromEntries(there))
}

test('takes a streamed list and then follows the watch on the same connection', async () => {
  const fixture = await start((api) => {
    api.set('a', { spec: { n: 1 } })
    api.set('b', { spec: { n: 2 } })
  })
  await vi.waitUntil(() => fixture.reflector.hasSynced, patient)

  fixture.api.set('c', { spec: { n: 3 } })
  fixture.api.delete('a')
  await vi.waitFor(() => expectSame(fixture), patient)

  expect(fixture.api.requests).toEqual(['stream'])
  expect(fixture.changes.map((change) => `${change.kind} ${change.key}`)).toEqual([
    'set default/a',
    'set default/b',
    'set default/c',
    'deleted default/a',
  ])
})

test('falls back to pages when the server refuses to stream a list', async () => {
  const fixture = await start((api) => {
    api.canStreamList = false
    api.pageSize = 2
    for (const name of ['a', 'b', 'c', 'd', 'e']) api.set(name, { spec: { name } })
  })
  await vi.waitUntil(() => fixture.reflector.hasSynced, patient)

  fixture.api.set('f', { spec: {} })
  await vi.waitFor(() => expectSame(fixture), patient)

  expect(fixture.api.requests).toEqual(['stream', 'list', 'list', 'list', 'watch'])
})

test('falls back to pages when the server never ends a streamed list', async () => {
  const fixture = await start(
    (api) => {
      api.ignoresStreamList = true
      api.set('a', { spec: {} })
    },
    { timings: { ...timings, listIdleMs: 40 } },
  )

  await vi.waitUntil(() => fixture.reflector.hasSynced, patient)

  expectSame(fixture)
  expect(fixture.api.requests.slice(0, 2)).toEqual(['stream', 'list'])
})

test('resumes after a reset without listing again and without telling anything twice', async () => {
  const fixture = await start((api) => api.set('a', { spec: { n: 1 } }))
  await vi.waitUntil(() => fixture.reflector.hasSynced, patient)

  fixture.api.fault('reset')
  fixture.api.set('b', { spec: { n: 2 } })
  await vi.waitFor(() => expectSame(fixture), patient)

  expect(fixture.api.requests.filter((request) => request !== 'watch')).toEqual(['stream'])
  expect(fixture.changes).toHaveLength(2)
})

test('after 410 lists again, keeps the old copy meanwhile, and tells only what differs', async () => {
  const fixture = await start((api) => {
    api.set('kept', { spec: { n: 1 } })
    api.set('removed', { spec: { n: 2 } })
  })
  await vi.waitUntil(() => fixture.reflector.hasSynced, patient)
  fixture.changes.length = 0

  fixture.api.fault('end')
  fixture.api.delete('removed')
  fixture.api.set('added', { spec: { n: 3 } })
  fixture.api.fault('compact')
  await vi.waitUntil(() => fixture.synced() === 2, patient)

  expectSame(fixture)
  expect(fixture.changes).toEqual([
    { kind: 'set', key: 'default/added', view: { n: 3 } },
    { kind: 'deleted', key: 'default/removed' },
  ])
})

test('resumes from a bookmark', async () => {
  const fixture = await start()
  await vi.waitUntil(() => fixture.reflector.hasSynced, patient)

  fixture.api.set('a', { spec: {} })
  fixture.api.fault('compact')
  fixture.api.bookmark()
  await vi.waitFor(() => expect(fixture.reflector.counters.events).toBe(3), patient)
  fixture.api.fault('end')
  await vi.waitUntil(() => fixture.reflector.counters.watches === 2 && fixture.reflector.isConnected, patient)

  expect(fixture.api.requests).toEqual(['stream', 'watch'])
})

test('keeps everything it knows while the server is away', async () => {
  const fixture = await start((api) => api.set('a', { spec: {} }))
  await vi.waitUntil(() => fixture.reflector.hasSynced, patient)
  fixture.changes.length = 0

  await fixture.api.close()
  await vi.waitUntil(() => fixture.reflector.counters.failures > 3, patient)

  expect(fixture.reflector.views.size).toBe(1)
  expect(fixture.changes).toEqual([])
  expect(fixture.reflector.isConnected).toBe(false)
  expect(fixture.reflector.lastError?.code).toBe('WEFT_KUBE_UNREACHABLE')
})

test('refuses one broken object, takes it when it is mended, and survives a handler that throws', async () => {
  const refused: string[] = []
  const handlerErrors: unknown[] = []
  const fixture = await start(
    (api) => {
      api.set('bad', { spec: 'nonsense' as never })
      api.set('good', { spec: { n: 1 } })
    },
    {
      project(raw) {
        if (typeof raw.spec !== 'object') throw new Error('spec should be an object')
        return raw.spec
      },
      onRefused: (key, reason) => refused.push(`${key}: ${reason}`),
      onChange() {
        throw new Error('handler')
      },
      onHandlerError: (error) => handlerErrors.push(error),
    },
  )
  await vi.waitUntil(() => fixture.reflector.hasSynced, patient)

  expect(refused).toEqual(['default/bad: spec should be an object'])
  expect([...fixture.reflector.views.keys()]).toEqual(['default/good'])
  fixture.api.set('bad', { spec: { n: 2 } })
  await vi.waitFor(() => expectSame(fixture), patient)
  expect(fixture.reflector.refused.size).toBe(0)
  expect(handlerErrors).toHaveLength(2)
})

test('names the missing permission', async () => {
  const fixture = await start()
  await vi.waitUntil(() => fixture.reflector.hasSynced, patient)
  const { KubeStatusError } = await import('./client.ts')

  const error = new KubeStatusError({ path: '/apis/discovery.k8s.io/v1/endpointslices' }, 403, 'forbidden')

  expect(error.hint).toBe('grant "get, list, watch" on endpointslices to this identity (RBAC)')
})

test('converges to the server’s state whatever goes wrong, in whatever order', async () => {
  const faults: Fault[] = [
    'reset',
    'end',
    'compact',
    'gone-in-stream',
    'error-in-stream',
    'duplicate',
    'garbage',
    'refuse-next',
    'throttle-next',
  ]
  const name = fc.constantFrom('a', 'b', 'c', 'd')
  const step = fc.oneof(
    fc.record({ kind: fc.constant('set' as const), name, value: fc.nat(9) }),
    fc.record({ kind: fc.constant('delete' as const), name }),
    fc.record({ kind: fc.constant('fault' as const), fault: fc.constantFrom(...faults) }),
    fc.record({ kind: fc.constant('wait' as const) }),
  )
  const server = fc.record({ canStreamList: fc.boolean(), pageSize: fc.constantFrom(1, 3, 100) })

  await fc.assert(
    fc.asyncProperty(server, fc.array(step, { maxLength: 25 }), async (traits, steps) => {
      // A fault may leave a silent peer behind, which is found by the read deadline: a short one here.
      const impatient = { ...timings, idleMs: 300, listIdleMs: 300 }
      const fixture = await start((api) => Object.assign(api, traits), { timings: impatient })
      const seen = new Map<string, unknown>()
      for (const action of steps) {
        if (action.kind === 'set') fixture.api.set(action.name, { spec: { value: action.value } })
        if (action.kind === 'delete') fixture.api.delete(action.name)
        if (action.kind === 'fault') fixture.api.fault(action.fault)
        if (action.kind === 'wait') await new Promise((resolve) => setTimeout(resolve, 1))
      }
      await vi.waitUntil(() => fixture.reflector.hasSynced && fixture.reflector.isConnected, {
        interval: 1,
        timeout: 10_000,
      })
      fixture.api.set('last', { spec: {} })
      await vi.waitFor(() => expectSame(fixture), { interval: 1, timeout: 10_000 })

      // The owner, who sees only changes, has the same picture.
      for (const change of fixture.changes) {
        if (change.kind === 'set') seen.set(change.key, change.view)
        else seen.delete(change.key)
      }
      expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(fixture.reflector.views))
      await cleanups.pop()?.()
    }),
    { numRuns: 60 },
  )
})
