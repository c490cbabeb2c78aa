import { createConnection } from 'node:net'
import pino from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openWatch, send, until } from '../test-client.ts'
import { type ApiServer, type ApiServerOptions, createApiServer } from './api-server.ts'

let api: ApiServer
let url: string
const maps = '/api/v1/namespaces/default/configmaps'

async function start(options: Partial<ApiServerOptions> = {}): Promise<void> {
  api = createApiServer({ serviceCidrs: ['10.96.0.0/24'], log: pino({ level: 'silent' }), ...options })
  url = (await api.listen('127.0.0.1', 0)).url
}

beforeEach(() => start())
afterEach(() => api.close())

async function write(name: string, labels: Record<string, string> = {}, data = {}): Promise<string> {
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels }, data }
  const created = await send(url + maps, 'POST', body)
  const reply = created.code === 409 ? await send(`${url}${maps}/${name}`, 'PUT', body) : created
  return reply.body.metadata.resourceVersion
}

test('without a resourceVersion begins with what is there and follows with what happens', async () => {
  await write('a')
  const watch = await openWatch(`${url}${maps}?watch=true`)

  expect(await watch.next()).toMatchObject({
    type: 'ADDED',
    object: { kind: 'ConfigMap', metadata: { name: 'a' } },
  })
  await write('a', { x: 'y' })
  expect(await watch.next()).toMatchObject({ type: 'MODIFIED', object: { metadata: { labels: { x: 'y' } } } })
  await send(`${url}${maps}/a`, 'DELETE')
  expect((await watch.next()).type).toBe('DELETED')
  watch.close()
})

test('replays what happened after a resourceVersion, in order', async () => {
  const from = await write('a')
  await write('b')
  await write('a', { x: 'y' })

  const watch = await openWatch(`${url}${maps}?watch=true&resourceVersion=${from}`)

  expect(await watch.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'b' } } })
  expect(await watch.next()).toMatchObject({ type: 'MODIFIED', object: { metadata: { name: 'a' } } })
  watch.close()
})

test('an object that starts or stops matching the selector is added or deleted', async () => {
  const from = await write('a')
  const watch = await openWatch(`${url}${maps}?watch=true&resourceVersion=${from}&labelSelector=app=web`)

  await write('a', { app: 'web' })
  await write('a', { app: 'db' })
  await write('b', { app: 'web' })

  expect((await watch.next()).type).toBe('ADDED')
  expect(await watch.next()).toMatchObject({
    type: 'DELETED',
    object: { metadata: { labels: { app: 'db' } } },
  })
  expect(await watch.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'b' } } })
  watch.close()
})

test('from a forgotten resourceVersion gives one ERROR event with 410 and ends', async () => {
  const from = await write('a')
  await write('b')
  api.registry.store.compact()

  const watch = await openWatch(`${url}${maps}?watch=true&resourceVersion=${from}`)

  expect(await watch.next()).toMatchObject({
    type: 'ERROR',
    object: { kind: 'Status', code: 410, reason: 'Expired' },
  })
  await watch.ended()
})

test('a list exactly at a resourceVersion that is gone is HTTP 410; one from the future is 504', async () => {
  const from = await write('a')
  await write('b')

  expect((await send(`${url}${maps}?resourceVersion=${from}&resourceVersionMatch=Exact`)).code).toBe(410)
  const future = Number(from) + 1000
  expect(await send(`${url}${maps}?resourceVersion=${future}&watch=true`)).toMatchObject({
    code: 504,
    body: { details: { causes: [{ reason: 'ResourceVersionTooLarge' }] } },
  })
})

test('a streaming list ends its initial events with a marked bookmark', async () => {
  const version = await write('a')
  const query = 'watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan'
  const watch = await openWatch(`${url}${maps}?${query}`)

  expect((await watch.next()).type).toBe('ADDED')
  expect(await watch.next()).toMatchObject({
    type: 'BOOKMARK',
    object: { metadata: { resourceVersion: version, annotations: { 'k8s.io/initial-events-end': 'true' } } },
  })
  watch.close()
  expect((await send(`${url}${maps}?watch=true&sendInitialEvents=true`)).code).toBe(422)
})

test('bookmarks come regularly and at the end, and timeoutSeconds ends the watch', async () => {
  await api.close()
  await start({ bookmarkIntervalSeconds: 0.02 })
  const version = await write('a')
  const watch = await openWatch(
    `${url}${maps}?watch=true&resourceVersion=${version}&allowWatchBookmarks=true&timeoutSeconds=1`,
  )

  expect(await watch.next()).toMatchObject({
    type: 'BOOKMARK',
    object: { metadata: { resourceVersion: version } },
  })
  await watch.ended()
})

test('a watcher that does not read is cut off once too much waits for it', async () => {
  await api.close()
  await start({ maxPendingEvents: 10 })
  const { port } = new URL(url)
  const socket = createConnection(Number(port), '127.0.0.1')
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.on('error', () => {})
  socket.pause()
  socket.write(`GET ${maps}?watch=true HTTP/1.1\r\nhost: x\r\n\r\n`)

  const large = { text: 'x'.repeat(200_000) }
  for (let i = 0; i < 60; i++) await write('a', { turn: String(i) }, large)
  socket.resume()

  await closed
})

test('a closed client leaves nothing behind, and the server can end all watches', async () => {
  const watch = await openWatch(`${url}${maps}?watch=true`)
  const other = await openWatch(`${url}${maps}?watch=true`)
  watch.close()

  api.endWatches()

  await other.ended()
  await until(
    () => write('a'),
    (version) => version !== undefined,
  )
})

test('prints changes as table rows for kubectl get -w', async () => {
  await write('a')
  const response = await fetch(`${url}${maps}?watch=true`, {
    headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' },
  })
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()

  const { value } = await reader.read()

  expect(JSON.parse(value!.split('\n')[0]!)).toMatchObject({
    type: 'ADDED',
    object: { kind: 'Table', rows: [{ cells: ['a', 0, '0s'] }] },
  })
  await reader.cancel()
})
