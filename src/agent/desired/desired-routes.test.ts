import { describe, expect, test } from 'vitest'
import type { EndpointSliceView, NodeView, ServiceView } from '../../kube/views.ts'
import type { AgentConfig } from '../config.ts'
import { desiredRoutes } from './desired-routes.ts'
import { makeConfig, makeEndpoint, makeNode, makeService, makeSlice } from './fixtures.ts'

interface Case {
  services?: ServiceView[]
  slices?: EndpointSliceView[]
  config?: AgentConfig
  node?: NodeView
}

/** `announced`, or the reason code, per address. */
function decide({ services, slices, config, node }: Case): Record<string, string> {
  const decisions = desiredRoutes({
    services: services ?? [makeService()],
    slices: slices ?? [makeSlice([makeEndpoint()])],
    config: config ?? makeConfig(),
    node: node ?? makeNode(),
  })
  return Object.fromEntries(
    [...decisions].map(([address, { decision }]) => [
      address,
      decision.kind === 'announce' ? 'announced' : decision.code,
    ]),
  )
}

const vip = '10.9.0.1'
const clusterIp = '10.96.0.1'
const node = makeNode()
const elsewhere = makeEndpoint({ nodeName: 'n2' })
const unready = makeEndpoint({ isReady: false })
const draining = makeEndpoint({ isReady: false, isServing: true, isTerminating: true })
const gone = makeEndpoint({ isReady: false, isServing: false, isTerminating: true })
const local = makeService({ externalTrafficPolicy: 'Local' })

describe('LoadBalancer addresses', () => {
  test('with a ready endpoint anywhere, every node announces', () => {
    expect(decide({ slices: [makeSlice([elsewhere])] })[vip]).toBe('announced')
  })

  test('a decision to announce names pool, scope, host prefix and Services', () => {
    const decisions = desiredRoutes({
      services: [makeService()],
      slices: [makeSlice([elsewhere])],
      config: makeConfig(),
      node,
    })

    expect(decisions.get(vip)?.decision).toEqual({
      kind: 'announce',
      address: vip,
      prefix: '10.9.0.1/32',
      family: 'ipv4',
      pool: 'web',
      scope: 'site',
      services: ['shop/web'],
    })
  })

  test('a refusal says what is wrong, and where', () => {
    const decisions = desiredRoutes({
      services: [local],
      slices: [makeSlice([elsewhere])],
      config: makeConfig(),
      node,
    })

    expect(decisions.get(vip)?.decision).toEqual({
      kind: 'withheld',
      address: vip,
      code: 'no-endpoint-on-node',
      text: 'externalTrafficPolicy is Local and no endpoint is on n1',
      object: 'EndpointSlices of Service shop/web',
      services: ['shop/web'],
    })
  })

  test('an address left in the status of a Service that is no LoadBalancer any more is not announced', () => {
    expect(decide({ services: [makeService({ type: 'ClusterIP' })] })[vip]).toBe('not-a-load-balancer')
  })

  test('a Service may opt out', () => {
    const services = [makeService({ annotations: { 'weft.dev/announce': 'false' } })]

    expect(decide({ services })[vip]).toBe('opted-out')
  })
})

describe('endpoints', () => {
  test('no slice at all', () => {
    expect(decide({ slices: [] })[vip]).toBe('no-endpoints')
  })

  test('none ready', () => {
    expect(decide({ slices: [makeSlice([unready])] })[vip]).toBe('no-ready-endpoint')
  })

  test('one ready among others is enough', () => {
    expect(decide({ slices: [makeSlice([unready, gone, elsewhere])] })[vip]).toBe('announced')
  })

  test('one that terminates but still serves keeps the route', () => {
    expect(decide({ slices: [makeSlice([unready, draining])] })[vip]).toBe('announced')
  })

  test('one that terminates and serves no more does not', () => {
    expect(decide({ slices: [makeSlice([gone])] })[vip]).toBe('no-ready-endpoint')
  })

  test('several slices count together', () => {
    const slices = [makeSlice([unready]), makeSlice([elsewhere], { key: 'shop/web-2', name: 'web-2' })]

    expect(decide({ slices })[vip]).toBe('announced')
  })

  test('slices of another Service, another namespace or nobody do not count', () => {
    const { service: _, ...orphan } = makeSlice([makeEndpoint()])

    expect(decide({ slices: [makeSlice([makeEndpoint()], { service: 'other' })] })[vip]).toBe('no-endpoints')
    expect(decide({ slices: [makeSlice([makeEndpoint()], { namespace: 'other' })] })[vip]).toBe(
      'no-endpoints',
    )
    expect(decide({ slices: [orphan] })[vip]).toBe('no-endpoints')
  })
})

describe('externalTrafficPolicy Local', () => {
  test('announced where an endpoint is', () => {
    expect(decide({ services: [local] })[vip]).toBe('announced')
  })

  test('not announced where none is', () => {
    expect(decide({ services: [local], slices: [makeSlice([elsewhere])] })[vip]).toBe('no-endpoint-on-node')
  })

  test('not announced where the only one is not ready, although others are', () => {
    expect(decide({ services: [local], slices: [makeSlice([unready, elsewhere])] })[vip]).toBe(
      'no-ready-endpoint-on-node',
    )
  })

  test('announced while the only one here terminates and still serves', () => {
    expect(decide({ services: [local], slices: [makeSlice([draining, elsewhere])] })[vip]).toBe('announced')
  })

  test('says nothing about ClusterIPs', () => {
    const config = makeConfig({
      announceClusterIPs: true,
      pools: [{ name: 'c', cidr: '10.96.0.0/16', scope: 'site' }],
    })

    expect(decide({ services: [local], slices: [makeSlice([elsewhere])], config })[clusterIp]).toBe(
      'announced',
    )
  })
})

describe('ClusterIPs', () => {
  const pools = [{ name: 'cluster', cidr: '10.96.0.0/16', scope: 'site' }]

  test('are not announced unless asked for', () => {
    expect(decide({ config: makeConfig({ pools }) })[clusterIp]).toBe('cluster-ips-not-announced')
  })

  test('are announced when asked for and inside a pool', () => {
    expect(decide({ config: makeConfig({ pools, announceClusterIPs: true }) })[clusterIp]).toBe('announced')
    expect(decide({ config: makeConfig({ announceClusterIPs: true }) })[clusterIp]).toBe('outside-pools')
  })

  test('internalTrafficPolicy Local: only where an endpoint is', () => {
    const config = makeConfig({ pools, announceClusterIPs: true })
    const services = [makeService({ internalTrafficPolicy: 'Local' })]

    expect(decide({ services, config })[clusterIp]).toBe('announced')
    expect(decide({ services, config, slices: [makeSlice([elsewhere])] })[clusterIp]).toBe(
      'no-endpoint-on-node',
    )
  })
})

describe('externalIPs', () => {
  const services = [makeService({ type: 'ClusterIP', ingressIPs: [], externalIPs: [vip, '192.0.2.1'] })]

  test('are refused by default', () => {
    expect(decide({ services })[vip]).toBe('external-ips-not-allowed')
  })

  test('are announced when allowed, and only inside a pool', () => {
    expect(decide({ services, config: makeConfig({ allowExternalIPs: true }) })).toMatchObject({
      [vip]: 'announced',
      '192.0.2.1': 'outside-pools',
    })
  })

  test('of a headless Service go nowhere', () => {
    const headless = [makeService({ type: 'ClusterIP', clusterIPs: [], ingressIPs: [], externalIPs: [vip] })]

    expect(decide({ services: headless, config: makeConfig({ allowExternalIPs: true }) })[vip]).toBe(
      'headless',
    )
  })

  test('of an ExternalName Service go nowhere', () => {
    const external = [
      makeService({ type: 'ExternalName', clusterIPs: [], ingressIPs: [], externalIPs: [vip] }),
    ]

    expect(decide({ services: external, config: makeConfig({ allowExternalIPs: true }) })[vip]).toBe(
      'external-name',
    )
  })
})

describe('addresses that may never be announced', () => {
  test.each([
    ['192.0.2.1', 'outside-pools'],
    ['0.0.0.0', 'address-invalid'],
    ['::', 'address-invalid'],
    ['10.9.255.1', 'address-reserved'],
    ['10.9.255.2', 'address-reserved'],
    ['010.9.0.1', 'address-invalid'],
    ['10.9.0.1/24', 'address-invalid'],
    ['vip; shutdown', 'address-invalid'],
  ])('%s: %s', (address, reason) => {
    expect(decide({ services: [makeService({ ingressIPs: [address] })] })[address]).toBe(reason)
  })

  test('one bad address keeps the others of its Service', () => {
    const services = [makeService({ ingressIPs: ['192.0.2.1', vip] })]

    expect(decide({ services })).toMatchObject({ '192.0.2.1': 'outside-pools', [vip]: 'announced' })
  })
})

describe('shared addresses', () => {
  const other = makeService({ key: 'shop/api', name: 'api' })
  const otherSlice = (endpoints = [makeEndpoint()]) =>
    makeSlice(endpoints, { key: 'shop/api-1', name: 'api-1', service: 'api' })

  test('one route exists as long as one of the Services can serve', () => {
    const services = [makeService(), other]

    expect(decide({ services, slices: [makeSlice([unready]), otherSlice()] })[vip]).toBe('announced')
    expect(decide({ services, slices: [makeSlice([unready]), otherSlice([unready])] })[vip]).toBe(
      'no-ready-endpoint',
    )
  })

  test('of two refusals the one that got further is told', () => {
    const services = [makeService({ type: 'ClusterIP' }), other]

    expect(decide({ services, slices: [otherSlice([gone])] })[vip]).toBe('no-ready-endpoint')
  })
})

describe('dual stack', () => {
  const services = [makeService({ ingressIPs: [vip, 'FD09:0::1'] })]

  test('each family is decided by the endpoints of its own family', () => {
    const six = makeSlice([makeEndpoint()], { key: 'shop/web-6', name: 'web-6', addressType: 'IPv6' })

    expect(decide({ services })).toMatchObject({ [vip]: 'announced', 'fd09::1': 'no-endpoints' })
    expect(decide({ services, slices: [six] })).toMatchObject({
      [vip]: 'no-endpoints',
      'fd09::1': 'announced',
    })
  })

  test('an IPv6 address is announced as /128, in canonical form, with the scope of its pool', () => {
    const slices = [makeSlice([makeEndpoint()], { addressType: 'IPv6' })]
    const decisions = desiredRoutes({ services, slices, config: makeConfig(), node })

    expect(decisions.get('fd09::1')?.decision).toMatchObject({
      prefix: 'fd09::1/128',
      family: 'ipv6',
      scope: 'edge',
    })
  })
})

describe('the node', () => {
  test('a cordon alone changes nothing', () => {
    expect(decide({ node: { ...node, isUnschedulable: true } })[vip]).toBe('announced')
  })

  test('announces nothing while its network is unavailable', () => {
    expect(decide({ node: { ...node, isNetworkUnavailable: true } })[vip]).toBe('node-network-unavailable')
  })

  test('announces nothing from outside when it is excluded from external load balancers', () => {
    const labels = { 'node.kubernetes.io/exclude-from-external-load-balancers': '' }

    expect(decide({ node: { ...node, labels } })[vip]).toBe('node-excluded')
  })
})

test('nested pools: the more specific one gives the scope', () => {
  const config = makeConfig({
    pools: [
      { name: 'all', cidr: '10.9.0.0/16', scope: 'site' },
      { name: 'front', cidr: '10.9.0.0/24', scope: 'edge' },
    ],
  })
  const decisions = desiredRoutes({
    services: [makeService()],
    slices: [makeSlice([makeEndpoint()])],
    node,
    config,
  })

  expect(decisions.get(vip)?.decision).toMatchObject({ pool: 'front', scope: 'edge' })
})
