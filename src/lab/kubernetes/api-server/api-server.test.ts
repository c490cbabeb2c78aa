import pino from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { send } from '../test-client.ts'
import { type ApiServer, createApiServer } from './api-server.ts'

let api: ApiServer
let url: string

beforeEach(async () => {
  api = createApiServer({
    serviceCidrs: ['10.96.0.0/29', 'fd00:96::/120'],
    nodePortRange: { first: 30000, last: 30003 },
    log: pino({ level: 'silent' }),
    bodyLimitBytes: 10_000,
  })
  url = (await api.listen('127.0.0.1', 0)).url
})

afterEach(() => api.close())

const pods = '/api/v1/namespaces/default/pods'
const services = '/api/v1/namespaces/default/services'

function pod(name: string, more: Record<string, unknown> = {}) {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { containers: [{ name: 'c', image: 'i' }], ...more },
  }
}

function service(name: string, spec: Record<string, unknown> = {}) {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } }
}

test('creates with identity and defaults, reads back, and refuses the same name', async () => {
  const created = await send(url + pods, 'POST', pod('a'))

  expect(created.code).toBe(201)
  expect(created.body.metadata).toMatchObject({ name: 'a', namespace: 'default', uid: expect.any(String) })
  expect(created.body.spec.restartPolicy).toBe('Always')
  expect(created.body.status.phase).toBe('Pending')
  expect((await send(`${url}${pods}/a`)).body).toEqual(created.body)
  expect(await send(url + pods, 'POST', pod('a'))).toMatchObject({
    code: 409,
    body: { kind: 'Status', reason: 'AlreadyExists', message: 'pods "a" already exists' },
  })
})

test('generateName makes distinct names', async () => {
  const body = { ...pod(''), metadata: { generateName: 'web-' } }

  const [one, two] = [await send(url + pods, 'POST', body), await send(url + pods, 'POST', body)]

  expect(one.body.metadata.name).toMatch(/^web-[a-z0-9]{5}$/)
  expect(one.body.metadata.name).not.toBe(two.body.metadata.name)
})

test('an update from a stale read is a conflict; the latest read passes', async () => {
  const first = (await send(url + services, 'POST', service('web'))).body
  const labelled = { ...first, metadata: { ...first.metadata, labels: { a: 'b' } } }
  const second = await send(`${url}${services}/web`, 'PUT', labelled)

  expect(second.code).toBe(200)
  expect(await send(`${url}${services}/web`, 'PUT', labelled)).toMatchObject({
    code: 409,
    body: { reason: 'Conflict' },
  })
})

test('an update that changes nothing keeps the resourceVersion', async () => {
  const first = (await send(url + services, 'POST', service('web'))).body

  const again = await send(`${url}${services}/web`, 'PUT', first)

  expect(again.body.metadata.resourceVersion).toBe(first.metadata.resourceVersion)
})

test('status changes only through its subresource, and the subresource changes only status', async () => {
  const path = `${url}${pods}/a`
  const merge = { 'content-type': 'application/merge-patch+json' }
  await send(url + pods, 'POST', pod('a'))

  const wrong = await send(path, 'PATCH', { status: { phase: 'Running' } }, merge)
  const right = await send(
    `${path}/status`,
    'PATCH',
    { status: { phase: 'Running' }, metadata: { labels: { a: 'b' } } },
    merge,
  )

  expect(wrong.body.status.phase).toBe('Pending')
  expect(right.body.status.phase).toBe('Running')
  expect(right.body.metadata.labels).toBeUndefined()
})

test.each([
  ['a bad name', services, service('Web'), 'metadata.name'],
  ['a missing port list', services, service('web', { ports: [] }), 'spec.ports'],
  ['a port out of range', services, service('web', { ports: [{ port: 70000 }] }), 'spec.ports[0].port'],
  ['unnamed ports', services, service('web', { ports: [{ port: 1 }, { port: 2 }] }), 'spec.ports[0].name'],
  ['a cluster address outside', services, service('web', { clusterIP: '10.0.0.1' }), 'spec.clusterIPs[0]'],
  ['an unknown type', services, service('web', { type: 'Magic' }), 'spec.type'],
  ['a Pod without containers', pods, pod('a', { containers: [] }), 'spec.containers'],
  ['a bad label', pods, { ...pod('a'), metadata: { name: 'a', labels: { a: 'b c' } } }, 'metadata.labels'],
])('refuses %s with its field as the cause', async (_what, path, body, field) => {
  const reply = await send(url + path, 'POST', body)

  expect(reply.code).toBe(422)
  expect(reply.body.details.causes.map((cause: { field: string }) => cause.field)).toContain(field)
})

test('allocates cluster addresses and node ports, keeps them over updates, and gives them back', async () => {
  const spec = { type: 'NodePort', ipFamilyPolicy: 'PreferDualStack' }
  const first = (await send(url + services, 'POST', service('a', spec))).body
  expect(first.spec).toMatchObject({
    clusterIP: '10.96.0.1',
    clusterIPs: ['10.96.0.1', 'fd00:96::1'],
    ipFamilies: ['IPv4', 'IPv6'],
    ports: [{ port: 80, nodePort: 30000, targetPort: 80, protocol: 'TCP' }],
  })

  const rewritten = await send(`${url}${services}/a`, 'PUT', service('a', spec))
  expect(rewritten.body.spec).toEqual(first.spec)

  const taken = await send(url + services, 'POST', service('b', { clusterIP: '10.96.0.1' }))
  expect(taken.body.message).toContain('provided IP is already allocated')
  const moved = await send(`${url}${services}/a`, 'PUT', service('a', { ...spec, clusterIP: '10.96.0.5' }))
  expect(moved.body.message).toContain('may not change once set')

  await send(`${url}${services}/a`, 'DELETE')
  expect((await send(url + services, 'POST', service('b', { clusterIP: '10.96.0.1' }))).code).toBe(201)
})

test('a refused or dry-run Service holds no address', async () => {
  for (let i = 0; i < 10; i++) {
    expect((await send(`${url}${services}?dryRun=All`, 'POST', service('dry'))).code).toBe(201)
    await send(
      url + services,
      'POST',
      service('bad', { type: 'NodePort', ports: [{ port: 80, nodePort: 99 }] }),
    )
  }

  const codes = []
  for (let i = 0; i < 7; i++) codes.push((await send(url + services, 'POST', service(`s${i}`))).code)

  // A /29 has six usable addresses.
  expect(codes).toEqual([201, 201, 201, 201, 201, 201, 500])
})

test('a Pod on a node stays, terminating, until its node lets it go; one without a node goes at once', async () => {
  await send(url + pods, 'POST', pod('free'))
  await send(url + pods, 'POST', pod('bound', { nodeName: 'n1', terminationGracePeriodSeconds: 5 }))

  await send(`${url}${pods}/free`, 'DELETE')
  const leaving = await send(`${url}${pods}/bound`, 'DELETE')

  expect((await send(`${url}${pods}/free`)).code).toBe(404)
  expect(leaving.body.metadata).toMatchObject({
    deletionGracePeriodSeconds: 5,
    deletionTimestamp: expect.any(String),
  })
  expect((await send(`${url}${pods}/bound`)).code).toBe(200)
  await send(`${url}${pods}/bound`, 'DELETE', { gracePeriodSeconds: 0 })
  expect((await send(`${url}${pods}/bound`)).code).toBe(404)
})

test('a finalizer holds an object until it is taken away', async () => {
  const path = `${url}/api/v1/namespaces/default/configmaps`
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', finalizers: ['weft.dev/hold'] } }
  await send(path, 'POST', body)

  await send(`${path}/c`, 'DELETE')
  expect((await send(`${path}/c`)).body.metadata.deletionTimestamp).toBeDefined()
  await send(`${path}/c`, 'PATCH', [{ op: 'remove', path: '/metadata/finalizers' }], {
    'content-type': 'application/json-patch+json',
  })

  expect((await send(`${path}/c`)).code).toBe(404)
})

test('a deletion with another uid as its precondition is a conflict', async () => {
  await send(url + pods, 'POST', pod('a'))

  const reply = await send(`${url}${pods}/a`, 'DELETE', { preconditions: { uid: 'other' } })

  expect(reply).toMatchObject({ code: 409, body: { reason: 'Conflict' } })
})

test('a Pod is bound once', async () => {
  await send(url + pods, 'POST', pod('a'))
  const binding = {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name: 'a' },
    target: { kind: 'Node', name: 'n1' },
  }

  expect((await send(`${url}${pods}/a/binding`, 'POST', binding)).code).toBe(201)
  expect((await send(`${url}${pods}/a/binding`, 'POST', binding)).code).toBe(409)
  expect((await send(`${url}${pods}/a`)).body.spec.nodeName).toBe('n1')
})

test('lists by label and field selector, and deletes what a selector selects', async () => {
  await send(url + pods, 'POST', {
    ...pod('a', { nodeName: 'n1' }),
    metadata: { name: 'a', labels: { app: 'x' } },
  })
  await send(url + pods, 'POST', { ...pod('b'), metadata: { name: 'b', labels: { app: 'x' } } })
  await send(url + pods, 'POST', pod('c'))

  const names = async (query: string) =>
    (await send(`${url}/api/v1/pods?${query}`)).body.items.map(
      (item: { metadata: { name: string } }) => item.metadata.name,
    )

  expect(await names('fieldSelector=spec.nodeName=n1')).toEqual(['a'])
  expect(await names('labelSelector=app=x')).toEqual(['a', 'b'])
  expect((await send(`${url}/api/v1/pods?fieldSelector=spec.color=red`)).code).toBe(400)
  await send(`${url}${pods}?labelSelector=app=x&gracePeriodSeconds=0`, 'DELETE')
  expect(await names('')).toEqual(['c'])
})

test('pages of a list are one snapshot, and an unknown page is 410 or 400', async () => {
  for (const name of ['a', 'b', 'c']) await send(url + pods, 'POST', pod(name))
  const first = (await send(`${url}${pods}?limit=2`)).body
  await send(`${url}${pods}/c`, 'DELETE')

  const second = (await send(`${url}${pods}?limit=2&continue=${first.metadata.continue}`)).body

  expect(first.metadata.remainingItemCount).toBe(1)
  expect(second.items.map((item: { metadata: { name: string } }) => item.metadata.name)).toEqual(['c'])
  expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion)
  const forgotten = Buffer.from('{"list":999,"start":2}').toString('base64url')
  expect((await send(`${url}${pods}?continue=${forgotten}`)).code).toBe(410)
  expect((await send(`${url}${pods}?continue=nonsense`)).code).toBe(400)
})

test.each([
  ['malformed JSON', 'POST', pods, '{"kind":', 400, 'BadRequest'],
  ['another kind', 'POST', pods, JSON.stringify(service('web')), 400, 'BadRequest'],
  ['a list as the body', 'POST', pods, '[]', 400, 'BadRequest'],
  [
    'a body over the limit',
    'POST',
    pods,
    JSON.stringify(pod('a', { x: 'y'.repeat(20_000) })),
    413,
    'RequestEntityTooLarge',
  ],
  [
    'a namespace that does not exist',
    'POST',
    '/api/v1/namespaces/nope/pods',
    JSON.stringify(pod('a')),
    404,
    'NotFound',
  ],
  ['a type that does not exist', 'GET', '/apis/weft.dev/v1/pools', undefined, 404, 'NotFound'],
  ['a method that does not exist', 'PUT', pods, JSON.stringify(pod('a')), 405, 'MethodNotAllowed'],
  ['an escape that is none', 'GET', '/api/v1/pods/%zz', undefined, 404, 'NotFound'],
])('answers %s with a Status', async (_what, method, path, body, code, reason) => {
  const reply = await send(url + path, method, body)

  expect(reply).toMatchObject({ code, body: { kind: 'Status', status: 'Failure', reason, code } })
})

test('an unknown patch type is 415, and strategic merge is for built-in types only', async () => {
  await send(url + pods, 'POST', pod('a'))

  expect((await send(`${url}${pods}/a`, 'PATCH', {}, { 'content-type': 'text/plain' })).code).toBe(415)
})

test('prints tables for kubectl', async () => {
  await send(url + services, 'POST', service('web', { type: 'LoadBalancer' }))

  const table = await send(url + services, 'GET', undefined, {
    accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
  })

  expect(table.body.kind).toBe('Table')
  expect(table.body.rows[0].cells.slice(0, 5)).toEqual([
    'web',
    'LoadBalancer',
    '10.96.0.1',
    '<pending>',
    '80:30000/TCP',
  ])
  expect(table.body.rows[0].object.kind).toBe('PartialObjectMetadata')
})

test('apply creates, then changes, and drops what it no longer says', async () => {
  const path = `${url}${services}/web?fieldManager=test&force=true`
  const apply = (body: unknown) =>
    send(path, 'PATCH', body, { 'content-type': 'application/apply-patch+yaml' })
  const named = { ...service('web'), metadata: { name: 'web', labels: { a: 'b' } } }

  expect((await apply(named)).code).toBe(201)
  const second = await apply(service('web', { ports: [{ port: 81 }] }))

  expect(second.code).toBe(200)
  expect(second.body.metadata.labels).toBeUndefined()
  expect(second.body.spec.ports).toMatchObject([{ port: 81 }])
})

const pools = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'pools.weft.dev' },
  spec: {
    group: 'weft.dev',
    scope: 'Cluster',
    names: { plural: 'pools', kind: 'Pool' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            required: ['spec'],
            properties: {
              spec: {
                type: 'object',
                required: ['cidr'],
                properties: {
                  cidr: { type: 'string' },
                  mode: { type: 'string', enum: ['a', 'b'], default: 'a' },
                },
              },
            },
          },
        },
      },
    ],
  },
}

test('a custom type is served while its definition exists, by its schema', async () => {
  const path = `${url}/apis/weft.dev/v1/pools`
  const pool = (spec: unknown) => ({ apiVersion: 'weft.dev/v1', kind: 'Pool', metadata: { name: 'p' }, spec })
  expect((await send(path)).code).toBe(404)
  const definition = await send(
    `${url}/apis/apiextensions.k8s.io/v1/customresourcedefinitions`,
    'POST',
    pools,
  )
  expect(definition.body.status.conditions).toContainEqual(
    expect.objectContaining({ type: 'Established', status: 'True' }),
  )

  const created = await send(path, 'POST', pool({ cidr: '10.0.0.0/8', typo: 1 }))
  expect(created.body.spec).toEqual({ cidr: '10.0.0.0/8', mode: 'a' })
  expect(created.body.metadata.generation).toBe(1)
  expect(
    (await send(`${path}?fieldValidation=Strict`, 'POST', pool({ cidr: 'x', typo: 1 }))).body.message,
  ).toContain('unknown field "spec.typo"')
  expect((await send(path, 'POST', pool({ mode: 'c' }))).body.details.causes).toHaveLength(2)
  const changed = await send(
    `${path}/p`,
    'PATCH',
    { spec: { mode: 'b' } },
    { 'content-type': 'application/merge-patch+json' },
  )
  expect(changed.body.metadata.generation).toBe(2)
  expect((await send(`${path}/p`, 'PUT', pool({ cidr: 'x' }))).code).toBe(422)

  await send(`${url}/apis/apiextensions.k8s.io/v1/customresourcedefinitions/pools.weft.dev`, 'DELETE')
  expect((await send(path)).code).toBe(404)
})

test('an address that is taken, or is not here, is an error with a way out', async () => {
  const { port } = new URL(url)

  await expect(api.listen('127.0.0.1', Number(port))).rejects.toMatchObject({
    code: 'WEFT_LAB_API_ADDRESS_IN_USE',
    hint: expect.stringContaining(`ss -ltnp sport = :${port}`),
  })
  await expect(api.listen('192.0.2.1', 0)).rejects.toMatchObject({ code: 'WEFT_LAB_API_ADDRESS_MISSING' })
})
