/**
 * What the agent, the node runtime and the lab rely on, asked of both APIs: the embedded one always, kube-apiserver
 * with etcd where its programs are. A difference found here is a fault of the embedded one.
 */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { KubeClient } from '../../src/kube/client.ts'
import { Reflector } from '../../src/kube/reflector.ts'
import { kinds, readWatch, type Send, type Started, sender } from './control-planes.ts'

const merge = { 'content-type': 'application/merge-patch+json' }
const strategic = { 'content-type': 'application/strategic-merge-patch+json' }
const json = { 'content-type': 'application/json-patch+json' }
const apply = { 'content-type': 'application/apply-patch+yaml' }

describe.each(kinds)('$name', ({ missing, start }) => {
  let started: Started | undefined
  let send: Send
  let namespace: string
  let maps: string
  let pods: string
  let services: string

  beforeAll(async () => {
    if (missing !== null) return
    started = await start()
    send = sender(started.access)
  })
  afterAll(async () => {
    await started?.close()
  })
  beforeEach(async (context) => {
    if (missing !== null) return context.skip(missing)
    namespace = `c-${randomBytes(4).toString('hex')}`
    await made('/api/v1/namespaces', { metadata: { name: namespace } })
    maps = `/api/v1/namespaces/${namespace}/configmaps`
    pods = `/api/v1/namespaces/${namespace}/pods`
    services = `/api/v1/namespaces/${namespace}/services`
  })

  const access = () => started!.access

  async function made(collection: string, object: object) {
    const { code, body } = await send('POST', collection, object)
    expect([code, body.message]).toEqual([201, undefined])
    return body
  }
  const map = (name: string, more: object = {}) => ({ metadata: { name, ...more }, data: { k: name } })
  const pod = (name: string, node?: string) => ({
    metadata: { name, labels: { app: name } },
    spec: { ...(node && { nodeName: node }), containers: [{ name: 'c', image: 'i' }] },
  })
  const service = (name: string, spec: object = {}) => ({
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ port: 80 }], ...spec },
  })

  test('creates with identity, and refuses the same name again', async () => {
    const created = await made(maps, map('a'))
    expect(created).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace } })
    expect(created.metadata.uid).toMatch(/^[0-9a-f-]{36}$/)
    expect(created.metadata.creationTimestamp).toMatch(/^\d{4}-.*Z$/)
    expect(created.metadata.resourceVersion).toMatch(/^[1-9]\d*$/)

    expect(await send('POST', maps, map('a'))).toMatchObject({
      code: 409,
      body: {
        kind: 'Status',
        status: 'Failure',
        reason: 'AlreadyExists',
        message: 'configmaps "a" already exists',
      },
    })
    expect(await send('GET', `${maps}/b`)).toMatchObject({
      code: 404,
      body: {
        reason: 'NotFound',
        message: 'configmaps "b" not found',
        details: { name: 'b', kind: 'configmaps' },
      },
    })
  })

  test('an update from a stale read is a conflict, and one that changes nothing keeps the version', async () => {
    const first = await made(maps, map('a'))
    const second = (await send('PUT', `${maps}/a`, { ...first, data: { k: 'new' } })).body
    expect(second.metadata.resourceVersion).not.toBe(first.metadata.resourceVersion)
    expect(await send('PUT', `${maps}/a`, { ...first, data: { k: 'late' } })).toMatchObject({
      code: 409,
      body: { reason: 'Conflict' },
    })
    const third = (await send('PUT', `${maps}/a`, second)).body
    expect(third.metadata.resourceVersion).toBe(second.metadata.resourceVersion)
  })

  test('patches: merge, strategic by merge keys, JSON, and apply', async () => {
    await made(services, service('a', { ports: [{ name: 'x', port: 80 }] }))
    const at = `${services}/a`
    const merged = await send('PATCH', at, { metadata: { labels: { one: '1' } } }, merge)
    expect(merged.body.metadata.labels).toEqual({ one: '1' })
    const strategically = await send('PATCH', at, { spec: { ports: [{ name: 'y', port: 81 }] } }, strategic)
    expect(strategically.body.spec.ports.map(({ port }: { port: number }) => port).sort()).toEqual([80, 81])
    const replaced = await send('PATCH', at, [{ op: 'remove', path: '/metadata/labels/one' }], json)
    expect(replaced.body.metadata.labels).toBeUndefined()
    const testFailed = [{ op: 'test', path: '/metadata/name', value: 'b' }]
    expect((await send('PATCH', at, testFailed, json)).code).toBe(422)
    expect((await send('PATCH', at, { a: 1 }, { 'content-type': 'text/plain' })).code).toBe(415)

    const applied = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' }, data: { a: '1', b: '2' } }
    expect((await send('PATCH', `${maps}/m?fieldManager=x`, applied, apply)).code).toBe(201)
    const less = await send('PATCH', `${maps}/m?fieldManager=x`, { ...applied, data: { a: '1' } }, apply)
    expect(less).toMatchObject({ code: 200, body: { data: { a: '1' } } })
    expect(less.body.data).toEqual({ a: '1' })
  })

  test('apply: what another manager applied is refused, or taken by force; what two hold stays', async () => {
    const config = (data: object) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'm' },
      data,
    })
    const by = async (manager: string, data: object, force = '') =>
      await send('PATCH', `${maps}/m?fieldManager=${manager}${force}`, config(data), apply)
    await by('one', { a: '1', b: '1', c: '1' })

    const refused = await by('two', { a: '2', b: '2' })
    expect(refused).toMatchObject({ code: 409, body: { reason: 'Conflict', status: 'Failure' } })
    expect(refused.body.message).toBe(
      'Apply failed with 2 conflicts: conflicts with "one":\n- .data.a\n- .data.b',
    )
    expect(refused.body.details.causes).toContainEqual({
      reason: 'FieldManagerConflict',
      message: 'conflict with "one"',
      field: '.data.a',
    })
    expect((await by('two', { a: '2' })).body.message).toBe(
      'Apply failed with 1 conflict: conflict with "one": .data.a',
    )
    expect((await send('GET', `${maps}/m`)).body.data).toEqual({ a: '1', b: '1', c: '1' })

    expect((await by('two', { a: '2', c: '1' }, '&force=true')).body.data).toEqual({ a: '2', b: '1', c: '1' })
    expect((await by('one', { a: '1' })).code).toBe(409)
    // "one" lets go of all: what "two" holds as well, or has taken, stays.
    expect((await by('one', { d: '1' })).body.data).toEqual({ a: '2', c: '1', d: '1' })
    expect((await by('two', { a: '3', c: '1' })).body.data).toEqual({ a: '3', c: '1', d: '1' })
  })

  test('apply: elements of a merged list have their own holders', async () => {
    const config = (ports: object[]) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 's' },
      spec: { selector: { app: 's' }, ports },
    })
    const by = async (manager: string, ports: object[]) =>
      await send('PATCH', `${services}/s?fieldManager=${manager}`, config(ports), apply)
    await by('one', [{ name: 'a', port: 80, protocol: 'TCP', targetPort: 8080 }])
    const both = await by('two', [{ name: 'b', port: 81, protocol: 'TCP', targetPort: 8081 }])
    expect(both.code).toBe(200)
    expect(both.body.spec.ports).toHaveLength(2)
    const refused = await by('two', [{ name: 'a', port: 80, protocol: 'TCP', targetPort: 9090 }])
    expect(refused.code).toBe(409)
    expect(refused.body.message).toContain('conflict with "one": .spec.ports[')
    expect(refused.body.message).toContain('].targetPort')
  })

  test('a change of another object of the same name is refused, by version and by uid', async () => {
    const { metadata } = await made(maps, map('a'))
    await send('PATCH', `${maps}/a`, { data: { k: 'v2' } }, merge)
    const old = { metadata: { resourceVersion: metadata.resourceVersion }, data: { k: 'v3' } }
    expect((await send('PATCH', `${maps}/a`, old, merge)).code).toBe(409)
    const other = { metadata: { uid: '00000000-0000-0000-0000-000000000000' }, data: { k: 'v3' } }
    expect((await send('PATCH', `${maps}/a`, other, merge)).code).toBe(422)
    expect(
      (await send('PUT', `${maps}/a`, { ...map('a'), ...other, metadata: { name: 'a', ...other.metadata } }))
        .code,
    ).toBe(409)
  })

  test('status is changed through its subresource, and only it', async () => {
    await made(services, service('a', { type: 'LoadBalancer', loadBalancerClass: 'contract.example/nobody' }))
    const ingress = [{ ip: '10.10.21.9', ipMode: 'VIP' }]
    const body = { spec: { externalIPs: ['192.0.2.1'] }, status: { loadBalancer: { ingress } } }
    const changed = await send('PATCH', `${services}/a/status`, body, merge)
    expect(changed.body.status.loadBalancer.ingress).toEqual(ingress)
    expect(changed.body.spec.externalIPs).toBeUndefined()
    const elsewhere = await send(
      'PATCH',
      `${services}/a`,
      { status: { loadBalancer: { ingress: null } } },
      merge,
    )
    expect(elsewhere.body.status.loadBalancer.ingress).toEqual(ingress)
    // Not a load balancer any more: what it showed is gone.
    const demoted = await send('PATCH', `${services}/a`, { spec: { type: 'ClusterIP' } }, merge)
    expect(demoted.body.status.loadBalancer).toEqual({})
  })

  test('a Service gets addresses, node ports and defaults; nonsense is refused with the field', async () => {
    const made1 = await made(services, service('a', { type: 'LoadBalancer', externalTrafficPolicy: 'Local' }))
    expect(made1.spec).toMatchObject({
      type: 'LoadBalancer',
      sessionAffinity: 'None',
      internalTrafficPolicy: 'Cluster',
      ipFamilyPolicy: 'SingleStack',
      ipFamilies: ['IPv4'],
      allocateLoadBalancerNodePorts: true,
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
    })
    expect(made1.spec.clusterIP).toMatch(/^10\.96\./)
    expect(made1.spec.clusterIPs).toEqual([made1.spec.clusterIP])
    expect(made1.spec.ports[0].nodePort).toBeGreaterThanOrEqual(30000)
    expect(made1.spec.healthCheckNodePort).toBeGreaterThanOrEqual(30000)
    const dual = await made(services, service('d', { ipFamilyPolicy: 'PreferDualStack' }))
    expect(dual.spec.ipFamilies).toEqual(['IPv4', 'IPv6'])
    expect(dual.spec.clusterIPs).toHaveLength(2)
    const headless = await made(services, service('h', { clusterIP: 'None' }))
    expect(headless.spec.clusterIPs).toEqual(['None'])

    const bad = await send('POST', services, service('b', { type: 'LoadBalancer', ports: [{ port: 70000 }] }))
    expect(bad).toMatchObject({ code: 422, body: { reason: 'Invalid' } })
    expect(bad.body.details.causes.map(({ field }: { field: string }) => field)).toContain(
      'spec.ports[0].port',
    )
    const taken = await send('POST', services, service('c', { clusterIP: made1.spec.clusterIP }))
    expect(taken.code).toBe(422)
    const moved = await send('PATCH', `${services}/a`, { spec: { clusterIP: '10.96.3.3' } }, merge)
    expect(moved.code).toBe(422)
  })

  test('the API itself is a Service', async () => {
    const { code, body } = await send('GET', '/api/v1/namespaces/default/services/kubernetes')
    expect(code).toBe(200)
    expect(body.spec).toMatchObject({
      type: 'ClusterIP',
      clusterIP: '10.96.0.1',
      ports: [{ name: 'https', port: 443 }],
    })
  })

  test('pages of a list are one snapshot, and a broken page is 400', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) await made(maps, map(name))
    const first = (await send('GET', `${maps}?limit=2`)).body
    expect(first.kind).toBe('ConfigMapList')
    expect(first.metadata.remainingItemCount).toBe(3)
    await send('DELETE', `${maps}/e`)
    const query = `limit=2&continue=${encodeURIComponent(first.metadata.continue)}`
    const second = (await send('GET', `${maps}?${query}`)).body
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion)
    const next = encodeURIComponent(second.metadata.continue)
    const third = (await send('GET', `${maps}?limit=2&continue=${next}`)).body
    const names = [first, second, third].flatMap(({ items }) =>
      items.map((each: { metadata: { name: string } }) => each.metadata.name),
    )
    expect(names).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(third.metadata.continue ?? '').toBe('')
    expect((await send('GET', `${maps}?limit=2&continue=nonsense`)).code).toBe(400)
  })

  test('selectors by label and by field', async () => {
    await made(pods, pod('a', 'n1'))
    await made(pods, pod('b', 'n2'))
    const names = async (query: string) =>
      (await send('GET', `${pods}?${query}`)).body.items.map(
        (each: { metadata: { name: string } }) => each.metadata.name,
      )
    expect(await names('fieldSelector=spec.nodeName%3Dn1')).toEqual(['a'])
    expect(await names('fieldSelector=spec.nodeName!%3Dn1,metadata.name%3Db')).toEqual(['b'])
    expect(await names('labelSelector=app%20in%20(b,c)')).toEqual(['b'])
    expect(await names('labelSelector=!app')).toEqual([])
    const byField = await send('GET', `${services}?fieldSelector=spec.nonsense%3Dx`)
    expect(byField.code).toBe(400)
    expect((await send('GET', `${maps}?labelSelector=a%20b%20c`)).code).toBe(400)
  })

  test('a watch replays in order from a version, and shows what enters and leaves its selector', async () => {
    const { metadata } = (await send('GET', maps)).body
    await made(maps, map('a', { labels: { in: 'yes' } }))
    await send('PATCH', `${maps}/a`, { metadata: { labels: { in: null } } }, merge)
    await send('PATCH', `${maps}/a`, { metadata: { labels: { in: 'yes' } } }, merge)
    await send('DELETE', `${maps}/a`)
    const watch = `${maps}?watch=1&resourceVersion=${metadata.resourceVersion}`
    const all = await readWatch(access(), watch, ({ type }) => type === 'DELETED')
    expect(all.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'MODIFIED', 'DELETED'])
    const versions = all.map(({ object }) => Number(object.metadata.resourceVersion))
    expect(versions).toEqual([...versions].sort((a, b) => a - b))
    expect(new Set(versions).size).toBe(4)

    const last = String(versions[3])
    const selected = await readWatch(
      access(),
      `${watch}&labelSelector=in%3Dyes`,
      ({ object }) => object.metadata.resourceVersion === last,
    )
    expect(selected.map(({ type }) => type)).toEqual(['ADDED', 'DELETED', 'ADDED', 'DELETED'])
  })

  test('a watch ends at its time, with a bookmark before, and a forgotten version is 410', async () => {
    await made(maps, map('a'))
    const { metadata } = (await send('GET', maps)).body
    const query = `watch=1&allowWatchBookmarks=true&timeoutSeconds=2&resourceVersion=${metadata.resourceVersion}`
    const events = await readWatch(access(), `${maps}?${query}`, () => false)
    expect(events.every(({ type }) => type === 'BOOKMARK')).toBe(true)
    for (const { object } of events) expect(object.metadata.resourceVersion).toMatch(/^\d+$/)

    const from = await started!.forgottenVersion()
    const gone = await readWatch(access(), `/api/v1/events?watch=1&resourceVersion=${from}`, () => true)
    expect(gone).toMatchObject([{ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } }])
  })

  test('a streamed list begins with all there is and says where it ends', async () => {
    for (const name of ['a', 'b', 'c']) await made(maps, map(name))
    const query = 'watch=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan'
    const events = await readWatch(access(), `${maps}?${query}`, ({ type }) => type === 'BOOKMARK')
    expect(events.map(({ type }) => type)).toEqual(['ADDED', 'ADDED', 'ADDED', 'BOOKMARK'])
    const end = events[3]!.object
    expect(end).toMatchObject({
      kind: 'ConfigMap',
      metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } },
    })
    expect(Number(end.metadata.resourceVersion)).toBeGreaterThan(0)
    expect((await send('GET', `${maps}?watch=1&sendInitialEvents=true`)).code).toBe(422)
  })

  test('a list not older than the future is refused as too large, to be tried again', async () => {
    const { metadata } = (await send('GET', maps)).body
    const future = Number(metadata.resourceVersion) + 100_000
    const answer = await send('GET', `${maps}?resourceVersion=${future}&resourceVersionMatch=NotOlderThan`)
    expect(answer).toMatchObject({ code: 504, body: { reason: 'Timeout' } })
    expect(answer.body.details.causes).toMatchObject([{ reason: 'ResourceVersionTooLarge' }])
  })

  test('a pod on a node ends in two steps; the second says so with no grace', async () => {
    await made(pods, pod('a', 'n1'))
    const first = await send('DELETE', `${pods}/a`, { gracePeriodSeconds: 5 })
    expect(first.code).toBe(200)
    expect(first.body.metadata).toMatchObject({ deletionGracePeriodSeconds: 5 })
    expect((await send('GET', `${pods}/a`)).body.metadata.deletionTimestamp).toBeDefined()
    expect((await send('DELETE', `${pods}/a?gracePeriodSeconds=0`)).code).toBe(200)
    expect((await send('GET', `${pods}/a`)).code).toBe(404)
    const wrong = { preconditions: { uid: '00000000-0000-0000-0000-000000000000' } }
    await made(pods, pod('b'))
    expect((await send('DELETE', `${pods}/b`, wrong)).code).toBe(409)
  })

  test('finalizers hold an object until they are gone', async () => {
    await made(maps, map('a', { finalizers: ['weft.dev/hold'] }))
    expect((await send('DELETE', `${maps}/a`)).body.metadata.deletionTimestamp).toBeDefined()
    await send('PATCH', `${maps}/a`, { metadata: { finalizers: null } }, merge)
    expect((await send('GET', `${maps}/a`)).code).toBe(404)
  })

  test('a node registers, patches its status with versions, and renews its lease', async () => {
    const name = `n-${namespace}`
    const node = { metadata: { name }, spec: { podCIDR: '10.1.0.0/24', podCIDRs: ['10.1.0.0/24'] } }
    const created = await made('/api/v1/nodes', node)
    const at = `/api/v1/nodes/${name}`
    const conditions = [{ type: 'Ready', status: 'True', reason: 'r', message: 'm' }]
    const addresses = [
      { type: 'InternalIP', address: '10.0.0.1' },
      { type: 'InternalIP', address: 'fd00::1' },
    ]
    const status = {
      metadata: { resourceVersion: created.metadata.resourceVersion },
      status: { conditions, addresses, capacity: { cpu: '2' } },
    }
    const patched = await send('PATCH', `${at}/status`, status, merge)
    expect(patched).toMatchObject({ code: 200, body: { status: { conditions, addresses } } })
    expect((await send('PATCH', `${at}/status`, status, merge)).code).toBe(409)
    expect(
      (await send('PATCH', at, { spec: { podCIDR: '10.2.0.0/24', podCIDRs: ['10.2.0.0/24'] } }, merge)).code,
    ).toBe(422)

    const leases = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`
    const spec = { holderIdentity: name, leaseDurationSeconds: 20, renewTime: '2026-01-02T03:04:05.678000Z' }
    expect((await made(leases, { metadata: { name }, spec })).spec.renewTime).toBe(
      '2026-01-02T03:04:05.678000Z',
    )
    const renewed = await send('PATCH', `${leases}/${name}`, { spec: { leaseDurationSeconds: 0 } }, merge)
    expect(renewed.code).toBe(422)
    await send('DELETE', at)
  })

  test('endpoint slices keep conditions that are absent absent', async () => {
    const collection = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`
    const endpoints = [{ addresses: ['10.1.0.1'] }, { addresses: ['10.1.0.2'], conditions: { ready: false } }]
    const slice = {
      metadata: { name: 's', labels: { 'kubernetes.io/service-name': 'a' } },
      addressType: 'IPv4',
    }
    const created = await made(collection, { ...slice, endpoints, ports: [{ port: 80 }] })
    expect(created.endpoints).toEqual([
      { addresses: ['10.1.0.1'], conditions: {} },
      { addresses: ['10.1.0.2'], conditions: { ready: false } },
    ])
    expect(created.ports).toEqual([{ name: '', port: 80, protocol: 'TCP' }])
    const bad = { ...slice, metadata: { name: 't' }, endpoints: [{ addresses: ['nonsense'] }] }
    expect((await send('POST', collection, bad)).code).toBe(422)
  })

  test('unknown fields are a warning or an error, as the request says', async () => {
    const typo = { metadata: { name: 'a' }, spec: { selectr: { app: 'a' }, ports: [{ port: 80 }] } }
    const warned = await send('POST', `${services}?fieldValidation=Warn`, typo)
    expect(warned.code).toBe(201)
    expect(warned.warnings.join()).toContain('unknown field \\"spec.selectr\\"')
    expect(warned.body.spec.selectr).toBeUndefined()
    const strict = await send('POST', `${services}?fieldValidation=Strict`, {
      ...typo,
      metadata: { name: 'b' },
    })
    expect(strict).toMatchObject({ code: 400, body: { reason: 'BadRequest' } })
    expect(strict.body.message).toContain('unknown field "spec.selectr"')
    const ignored = await send('POST', `${services}?fieldValidation=Ignore`, {
      ...typo,
      metadata: { name: 'c' },
    })
    expect([ignored.code, ignored.warnings]).toEqual([201, []])
  })

  test('a custom resource: schema, defaults, pruning, status apart, and gone with its definition', async () => {
    const plural = `wefts${randomBytes(3).toString('hex')}`
    const group = 'contract.weft.dev'
    const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
    const schema = {
      type: 'object',
      properties: {
        spec: {
          type: 'object',
          required: ['size'],
          properties: { size: { type: 'integer', minimum: 1 }, mode: { type: 'string', default: 'soft' } },
        },
        status: { type: 'object', properties: { seen: { type: 'integer' } } },
      },
    }
    await made(definitions, {
      metadata: { name: `${plural}.${group}` },
      spec: {
        group,
        scope: 'Namespaced',
        names: { plural, singular: plural, kind: `K${plural}`, listKind: `K${plural}List` },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: schema },
            subresources: { status: {} },
          },
        ],
      },
    })
    const collection = `/apis/${group}/v1/namespaces/${namespace}/${plural}`
    await expect.poll(async () => (await send('GET', collection)).code, { timeout: 20_000 }).toBe(200)
    const kind = { apiVersion: `${group}/v1`, kind: `K${plural}` }
    const create = (name: string, spec: object) =>
      send('POST', collection, { ...kind, metadata: { name }, spec, status: { seen: 7 } })
    await expect.poll(async () => (await create('a', { size: 1, x: 2 })).code, { timeout: 10_000 }).toBe(201)
    const { body } = await send('GET', `${collection}/a`)
    expect(body.spec).toEqual({ size: 1, mode: 'soft' })
    expect(body.status).toBeUndefined()
    expect(body.metadata.generation).toBe(1)
    const seen = await send(
      'PATCH',
      `${collection}/a/status`,
      { status: { seen: 3 }, spec: { size: 9 } },
      merge,
    )
    expect(seen.body).toMatchObject({ spec: { size: 1 }, status: { seen: 3 }, metadata: { generation: 1 } })
    const larger = await send('PATCH', `${collection}/a`, { spec: { size: 2 } }, merge)
    expect(larger.body.metadata.generation).toBe(2)
    const refused = await create('b', { size: 0 })
    expect(refused).toMatchObject({ code: 422, body: { reason: 'Invalid' } })
    expect((await create('c', {})).code).toBe(422)
    await send('DELETE', `${definitions}/${plural}.${group}`)
    await expect.poll(async () => (await send('GET', collection)).code, { timeout: 20_000 }).toBe(404)
  })

  test('discovery, version and health are there for kubectl', async () => {
    expect((await send('GET', '/readyz')).body).toBe('ok')
    expect((await send('GET', '/version')).body).toMatchObject({
      major: '1',
      gitVersion: expect.stringMatching(/^v1\./),
    })
    const core = (await send('GET', '/api/v1')).body.resources.map(({ name }: { name: string }) => name)
    expect(core).toEqual(
      expect.arrayContaining(['services', 'services/status', 'nodes', 'pods', 'events', 'endpoints']),
    )
    const { groups } = (await send('GET', '/apis')).body
    const names = groups.map(({ name }: { name: string }) => name)
    expect(names).toEqual(expect.arrayContaining(['apps', 'discovery.k8s.io', 'coordination.k8s.io']))
  })

  test('the reflector syncs by stream and by pages, follows, and survives the end of its watches', async () => {
    for (const canStream of [true, false]) {
      const client = new KubeClient(access())
      const stop = new AbortController()
      const path = { prefix: '/api/v1', resource: 'configmaps', namespace }
      const reflector = new Reflector<string>({
        client,
        resource: path,
        pageSize: canStream ? 500 : 2,
        project: (raw) => String((raw.data as { k?: string } | undefined)?.k),
        onChange() {},
        timings: { minBackoffMs: 20, maxBackoffMs: 50, watchSeconds: [1, 1] },
      })
      const running = reflector.run(stop.signal)
      try {
        await expect.poll(() => reflector.hasSynced, { timeout: 10_000 }).toBe(true)
        const name = `r-${canStream}`
        await made(maps, map(name))
        await expect.poll(() => reflector.views.get(`${namespace}/${name}`), { timeout: 10_000 }).toBe(name)
        const { watches } = reflector.counters
        await expect.poll(() => reflector.counters.watches, { timeout: 10_000 }).toBeGreaterThan(watches + 1)
        await send('DELETE', `${maps}/${name}`)
        await expect.poll(() => reflector.views.has(`${namespace}/${name}`), { timeout: 10_000 }).toBe(false)
        expect(reflector.counters.relists).toBe(1)
      } finally {
        stop.abort()
        await running
        client.close()
      }
    }
  })
})
