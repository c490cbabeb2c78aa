import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { EndpointSlice, Pod, Service } from '../api-server/objects.ts'
import { endpointsPerSlice, planSlices, type SlicePlan } from './endpoint-slices.ts'

const service: Service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    selector: { app: 'web' },
    ports: [{ port: 80, targetPort: 'http', protocol: 'TCP' }],
    ipFamilies: ['IPv4'],
  },
}

interface PodTraits {
  name?: string
  ready?: boolean
  terminating?: boolean
  phase?: string
  ips?: string[]
  port?: number
}

function pod({
  name = 'a',
  ready = true,
  terminating = false,
  phase = 'Running',
  ips = ['10.0.0.1'],
  port = 8080,
}: PodTraits): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'default',
      uid: `uid-${name}`,
      labels: { app: 'web' },
      ...(terminating ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    },
    spec: { nodeName: 'n1', containers: [{ name: 'c', ports: [{ name: 'http', containerPort: port }] }] },
    status: {
      phase,
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
      podIPs: ips.map((ip) => ({ ip })),
    },
  }
}

function asSlices(plans: readonly SlicePlan[]): EndpointSlice[] {
  return plans.map(({ name, addressType, ports, endpoints }, index) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: name ?? `slice-${index}`, namespace: 'default' },
    addressType,
    ports,
    endpoints,
  }))
}

test.each([
  ['ready', { ready: true }, { ready: true, serving: true, terminating: false }],
  ['not ready', { ready: false }, { ready: false, serving: false, terminating: false }],
  ['terminating but serving', { terminating: true }, { ready: false, serving: true, terminating: true }],
  [
    'terminating and not serving',
    { terminating: true, ready: false },
    { ready: false, serving: false, terminating: true },
  ],
])('conditions of a Pod that is %s', (_what, traits, conditions) => {
  const [slice] = planSlices(service, [pod(traits)], [])

  expect(slice?.endpoints).toEqual([
    {
      addresses: ['10.0.0.1'],
      conditions,
      nodeName: 'n1',
      targetRef: { kind: 'Pod', namespace: 'default', name: 'a', uid: 'uid-a' },
    },
  ])
  expect(slice?.ports).toEqual([{ name: '', protocol: 'TCP', port: 8080 }])
})

test('publishNotReadyAddresses makes every endpoint ready', () => {
  const published = { ...service, spec: { ...service.spec, publishNotReadyAddresses: true } }

  const [slice] = planSlices(published, [pod({ ready: false, terminating: true })], [])

  expect(slice?.endpoints[0]?.conditions).toEqual({ ready: true, serving: false, terminating: true })
})

test('a Service whose Pods have ended, or have no address, keeps one empty slice', () => {
  const plans = planSlices(service, [pod({ phase: 'Succeeded' }), pod({ name: 'b', ips: [] })], [])

  expect(plans).toEqual([{ addressType: 'IPv4', ports: [], endpoints: [] }])
  expect(planSlices(service, [], asSlices(plans))).toMatchObject([{ name: 'slice-0', endpoints: [] }])
})

test('each family has its own slices with its own addresses', () => {
  const dual: Service = { ...service, spec: { ...service.spec, ipFamilies: ['IPv4', 'IPv6'] } }

  const plans = planSlices(
    dual,
    [pod({ ips: ['10.0.0.1', 'fd00::1'] }), pod({ name: 'b', ips: ['10.0.0.2'] })],
    [],
  )

  expect(
    plans.map(({ addressType, endpoints }) => [addressType, endpoints.flatMap((each) => each.addresses)]),
  ).toEqual([
    ['IPv4', ['10.0.0.1', '10.0.0.2']],
    ['IPv6', ['fd00::1']],
  ])
})

test('Pods that give the named port different numbers go into different slices', () => {
  const plans = planSlices(service, [pod({}), pod({ name: 'b', port: 9090 })], [])

  expect(plans.map(({ ports }) => ports[0]?.port)).toEqual([8080, 9090])
})

test('whatever comes and goes: every Pod once, no slice too full, none needlessly rewritten', () => {
  const names = fc.uniqueArray(fc.integer({ min: 0, max: 400 }), { maxLength: 320 })
  const podsOf = (numbers: number[]) =>
    numbers.map((number) => pod({ name: `p${number}`, ips: [`10.0.${number >> 8}.${number & 255}`] }))
  fc.assert(
    fc.property(names, names, (before, after) => {
      const existing = asSlices(planSlices(service, podsOf(before), []))
      const plans = planSlices(service, podsOf(after), existing)

      const placed = plans.flatMap(({ endpoints }) => endpoints.map(({ targetRef }) => targetRef?.name))
      expect(placed.toSorted()).toEqual(after.map((number) => `p${number}`).toSorted())
      expect(plans.every(({ endpoints }) => endpoints.length <= endpointsPerSlice)).toBe(true)
      const again = planSlices(service, podsOf(after), asSlices(plans))
      expect(again.map(({ endpoints }) => endpoints)).toEqual(plans.map(({ endpoints }) => endpoints))
    }),
    { numRuns: 20 },
  )
})
