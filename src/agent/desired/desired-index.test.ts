import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { EndpointSliceView, NodeView, ServiceView } from '../../kube/views.ts'
import { DesiredIndex } from './desired-index.ts'
import { desiredRoutes } from './desired-routes.ts'
import { readSliceFacts } from './endpoints.ts'
import { makeConfig, makeEndpoint, makeNode, makeService, makeSlice } from './fixtures.ts'

const names = ['a', 'b', 'c']
const addresses = ['10.9.0.1', '10.9.0.2', '192.0.2.1', '10.9.255.1', 'fd09::1', 'nonsense']

const name = fc.constantFrom(...names)
const policy = fc.constantFrom('Cluster' as const, 'Local' as const)
const service = fc.record({
  name,
  type: fc.constantFrom('LoadBalancer' as const, 'ClusterIP' as const, 'NodePort' as const),
  ingressIPs: fc.subarray(addresses),
  externalIPs: fc.subarray(addresses),
  clusterIPs: fc.constantFrom<string[]>([], ['10.9.1.1'], ['10.9.1.1', 'fd09::1:1']),
  externalTrafficPolicy: policy,
  internalTrafficPolicy: policy,
  labels: fc.constantFrom({}, { tier: 'front' }),
  annotations: fc.constantFrom(
    {},
    { 'weft.dev/announce': 'false' },
    { 'weft.dev/prepend': '2' },
    { 'weft.dev/prepend': 'x' },
  ),
  isDeleting: fc.constantFrom(false, false, false, true),
})
const endpoint = fc.record({
  isReady: fc.boolean(),
  isServing: fc.boolean(),
  isTerminating: fc.boolean(),
  nodeName: fc.constantFrom('n1', 'n2'),
  addresses: fc.constantFrom<string[]>(['10.1.0.5'], ['10.1.0.5'], ['192.0.2.9']),
})
const slice = fc.record({
  slice: fc.constantFrom('s1', 's2', 's3'),
  service: name,
  addressType: fc.constantFrom('IPv4' as const, 'IPv6' as const, 'FQDN' as const),
  endpoints: fc.array(endpoint, { maxLength: 3 }),
})
const step = fc.oneof(
  fc.record({ kind: fc.constant('service' as const), service }),
  fc.record({ kind: fc.constant('no-service' as const), name }),
  fc.record({ kind: fc.constant('slice' as const), slice }),
  fc.record({ kind: fc.constant('no-slice' as const), slice: fc.constantFrom('s1', 's2', 's3') }),
  fc.record({
    kind: fc.constant('node' as const),
    node: fc.option(
      fc.record({
        isNetworkUnavailable: fc.boolean(),
        isNotReady: fc.boolean(),
        isUnschedulable: fc.boolean(),
        addresses: fc.constantFrom<NodeView['addresses']>([], [{ type: 'InternalIP', address: '10.9.0.2' }]),
      }),
    ),
  }),
)

test('after any history of events, the index holds what deciding from scratch gives', () => {
  const flags = fc.record({
    announceClusterIPs: fc.boolean(),
    allowExternalIPs: fc.boolean(),
    announceByDefault: fc.boolean(),
    serviceSelector: fc.constantFrom({}, { matchLabels: { tier: 'front' } }),
    endpointCidrs: fc.constantFrom([], ['10.1.0.0/16']),
  })

  fc.assert(
    fc.property(flags, fc.array(step, { maxLength: 40 }), (settings, steps) => {
      const config = makeConfig(settings)
      const index = new DesiredIndex(config)
      const services = new Map<string, ServiceView>()
      const slices = new Map<string, EndpointSliceView>()
      const applied = new Map<string, unknown>()
      let node: NodeView | undefined
      for (const event of steps) {
        let touched: string[] = []
        if (event.kind === 'service') {
          const view = makeService({ ...event.service, key: `shop/${event.service.name}` })
          services.set(view.key, view)
          touched = index.setService(view.key, view)
        }
        if (event.kind === 'no-service') {
          services.delete(`shop/${event.name}`)
          touched = index.setService(`shop/${event.name}`, undefined)
        }
        if (event.kind === 'slice') {
          const endpoints = event.slice.endpoints.map((fields) => makeEndpoint(fields))
          const view = makeSlice(endpoints, { ...event.slice, endpoints, key: `shop/${event.slice.slice}` })
          slices.set(view.key, view)
          touched = index.setSlice(view.key, readSliceFacts(view, config))
        }
        if (event.kind === 'no-slice') {
          slices.delete(`shop/${event.slice}`)
          touched = index.setSlice(`shop/${event.slice}`, undefined)
        }
        if (event.kind === 'node') {
          node = event.node === null ? undefined : makeNode(event.node)
          touched = index.setNode(node)
        }
        for (const address of touched) applied.set(address, index.verdicts.get(address))
      }

      const expected = desiredRoutes({ services: services.values(), slices: slices.values(), node, config })
      expect(Object.fromEntries(index.verdicts)).toEqual(Object.fromEntries(expected))
      // Whoever acts only on the addresses told as touched misses nothing.
      const known = [...applied].filter(([, decision]) => decision !== undefined)
      expect(Object.fromEntries(known)).toEqual(Object.fromEntries(expected))
    }),
    { numRuns: 300 },
  )
})

test('a ClusterIP outside the pools is not kept, and explained to whoever asks', () => {
  const index = new DesiredIndex(makeConfig())
  const service = makeService({ clusterIPs: ['10.96.0.1'], ingressIPs: ['10.9.0.1'] })

  expect(index.setService(service.key, service)).toEqual(['10.9.0.1'])
  expect(index.explain('10.96.0.1', [service])).toMatchObject({ kind: 'withheld', code: 'outside-pools' })
  expect(index.explain('10.96.0.2', [service])).toBeUndefined()
})
