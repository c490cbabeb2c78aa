import { describe, expect, test } from 'vitest'
import type { EndpointSliceView, NodeView, ServiceView } from '../../kube/views.ts'
import type { AgentConfig } from '../config.ts'
import { desiredRoutes } from './desired-routes.ts'
import { makeConfig, makeEndpoint, makeNode, makeService, makeSlice } from './fixtures.ts'

interface Case {
  services?: ServiceView[]
  slices?: EndpointSliceView[]
  config?: AgentConfig
  node?: NodeView | undefined
}

const vip = '10.9.0.1'

function judge(given: Case, address = vip) {
  const { services = [makeService()], slices = [makeSlice([makeEndpoint()])], config = makeConfig() } = given
  const node = 'node' in given ? given.node : makeNode()
  return desiredRoutes({ services, slices, config, node }).get(address)
}

function decide(given: Case, address = vip): string | undefined {
  const decision = judge(given, address)?.decision
  return decision?.kind === 'withheld' ? decision.code : decision && 'announced'
}

function annotated(annotations: Record<string, string>): ServiceView[] {
  return [makeService({ annotations })]
}

describe('load balancer class', () => {
  test.each([
    [undefined, undefined, 'announced'],
    [undefined, 'other.example/lb', 'other-load-balancer-class'],
    ['weft.dev/bgp', 'weft.dev/bgp', 'announced'],
    ['weft.dev/bgp', 'other.example/lb', 'other-load-balancer-class'],
    ['weft.dev/bgp', undefined, 'other-load-balancer-class'],
  ])('configured %s, Service has %s: %s', (configured, found, expected) => {
    const config = makeConfig(configured === undefined ? {} : { loadBalancerClass: configured })
    const services = [makeService(found === undefined ? {} : { loadBalancerClass: found })]

    expect(decide({ config, services })).toBe(expected)
  })

  test('the class is about load balancer addresses only', () => {
    const config = makeConfig({ allowExternalIPs: true })
    const services = [makeService({ loadBalancerClass: 'other.example/lb', externalIPs: ['10.9.0.7'] })]

    expect(decide({ config, services }, '10.9.0.7')).toBe('announced')
  })
})

describe('selection', () => {
  test('a namespace that is not among those named', () => {
    expect(decide({ config: makeConfig({ namespaces: ['shop'] }) })).toBe('announced')
    expect(decide({ config: makeConfig({ namespaces: ['bank'] }) })).toBe('not-selected')
  })

  test.each([
    [{ matchLabels: { tier: 'front' } }, 'announced'],
    [{ matchLabels: { tier: 'back' } }, 'not-selected'],
    [{ matchExpressions: [{ key: 'tier', operator: 'In', values: ['front', 'edge'] }] }, 'announced'],
    [{ matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['front'] }] }, 'not-selected'],
    [{ matchExpressions: [{ key: 'team', operator: 'NotIn', values: ['x'] }] }, 'announced'],
    [{ matchExpressions: [{ key: 'tier', operator: 'Exists' }] }, 'announced'],
    [{ matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] }, 'not-selected'],
    [{ matchExpressions: [{ key: 'constructor', operator: 'Exists' }] }, 'not-selected'],
    [{}, 'announced'],
  ])('labels against %j: %s', (serviceSelector, expected) => {
    const services = [makeService({ labels: { tier: 'front' } })]

    expect(decide({ services, config: makeConfig({ serviceSelector }) })).toBe(expected)
  })

  test.each([
    { matchLabel: {} },
    { matchExpressions: [{ key: 'a', operator: 'Equals', values: ['b'] }] },
    { matchExpressions: [{ key: 'a', operator: 'In' }] },
    'tier=front',
  ])('a selector that is none is refused with the configuration: %j', (serviceSelector) => {
    expect(() => makeConfig({ serviceSelector })).toThrow(/serviceSelector/)
  })
})

describe('opt-in and opt-out', () => {
  test.each([
    [true, undefined, 'announced'],
    [true, 'true', 'announced'],
    [true, 'false', 'opted-out'],
    [false, undefined, 'opted-out'],
    [false, 'true', 'announced'],
    [false, 'false', 'opted-out'],
    [true, 'no', 'annotation-invalid'],
    [true, '', 'annotation-invalid'],
  ])('by default %s, annotation %s: %s', (announceByDefault, value, expected) => {
    const services = annotated(value === undefined ? {} : { 'weft.dev/announce': value })

    expect(decide({ services, config: makeConfig({ announceByDefault }) })).toBe(expected)
  })

  test('a Service that is being deleted goes before its finalizers are done', () => {
    expect(decide({ services: [makeService({ isDeleting: true })] })).toBe('service-deleting')
  })
})

describe('annotations', () => {
  const config = makeConfig({ allowedCommunities: ['65000:1', '65001:*', '65000:9:*'] })

  test.each([
    ['weft.dev/scope', 'rack', { scope: 'rack' }],
    ['weft.dev/scope', ' site ', { scope: 'site' }],
    ['weft.dev/communities', '65001:7, 65000:1 65000:1', { communities: ['65000:1', '65001:7'] }],
    ['weft.dev/communities', '65000:9:4294967295', { communities: ['65000:9:4294967295'] }],
    ['weft.dev/prepend', '3', { prepend: 3 }],
    ['weft.dev/local-preference', '0', { localPreference: 0 }],
  ])('%s: "%s" is carried', (key, value, expected) => {
    expect(judge({ services: annotated({ [key]: value }), config })?.decision).toMatchObject(expected)
  })

  test('what says nothing is not carried', () => {
    const services = annotated({ 'weft.dev/prepend': '0', 'weft.dev/communities': '', 'weft.dev/owner': 'x' })

    expect(judge({ services, config })?.decision).toEqual({
      kind: 'announce',
      address: vip,
      prefix: '10.9.0.1/32',
      family: 'ipv4',
      pool: 'web',
      scope: 'site',
      services: ['shop/web'],
    })
  })

  test.each([
    ['weft.dev/scope', 'planet', /one of rack, site, global, edge/],
    ['weft.dev/scope', 'edge', /no further than site/],
    ['weft.dev/communities', '65535:0', /not among the agent's allowedCommunities/],
    ['weft.dev/communities', '65001:1:2', /not among/],
    ['weft.dev/communities', '650000:1', /no community/],
    ['weft.dev/communities', '65000:1;reboot', /no community/],
    ['weft.dev/communities', '65000:01', /no community/],
    ['weft.dev/prepend', '11', /0 to 10/],
    ['weft.dev/prepend', '-1', /0 to 10/],
    ['weft.dev/prepend', '1e1', /0 to 10/],
    ['weft.dev/local-preference', '4294967296', /4294967295/],
  ])('%s: "%s" refuses the Service', (key, value, text) => {
    expect(judge({ services: annotated({ [key]: value }), config })?.decision).toMatchObject({
      code: 'annotation-invalid',
      object: `Service shop/web ${key}`,
      text: expect.stringMatching(text),
    })
  })

  test('no community at all is allowed unless configured', () => {
    expect(decide({ services: annotated({ 'weft.dev/communities': '65000:1' }) })).toBe('annotation-invalid')
  })
})

describe('endpoints outside the cluster', () => {
  const config = makeConfig({ endpointCidrs: ['10.1.0.0/16', '10.2.0.0/24', 'fd01::/48'] })
  const foreign = makeEndpoint({ addresses: ['192.0.2.1'] })

  test('pods and nodes of the cluster may be endpoints', () => {
    const onHost = makeEndpoint({ addresses: ['10.2.0.4'] })
    expect(decide({ config, slices: [makeSlice([makeEndpoint(), onHost])] })).toBe('announced')
  })

  test('one foreign endpoint refuses the Service, whatever others there are', () => {
    const slices = [makeSlice([makeEndpoint()]), makeSlice([foreign], { key: 'shop/web-2' })]

    expect(judge({ config, slices })?.decision).toMatchObject({
      code: 'endpoints-outside-cluster',
      text: 'endpoint 192.0.2.1 is no pod or node of this cluster',
    })
  })

  test('it is nobody’s health: no guard keeps the route', () => {
    expect(judge({ config, slices: [makeSlice([foreign])] })?.otherwise).toBeUndefined()
  })

  test.each(['127.0.0.1', 'not-an-address', '10.2.1.0'])('%s is no endpoint of the cluster', (address) => {
    expect(decide({ config, slices: [makeSlice([makeEndpoint({ addresses: [address] })])] })).toBe(
      'endpoints-outside-cluster',
    )
  })

  test('one that gets no traffic does no harm', () => {
    const slices = [makeSlice([makeEndpoint(), { ...foreign, isReady: false, isServing: false }])]

    expect(decide({ config, slices })).toBe('announced')
  })

  test('without known ranges nothing is foreign', () => {
    expect(decide({ slices: [makeSlice([foreign])] })).toBe('announced')
  })
})

describe('addresses nobody may have', () => {
  const config = makeConfig({
    pools: [
      { name: 'all', cidr: '0.0.0.0/0', scope: 'site' },
      { name: 'all6', cidr: '::/0', scope: 'site' },
    ],
    api: { url: 'https://10.9.3.3:6443' },
    reserved: ['10.9.4.0/24'],
    endpointCidrs: ['10.1.0.0/16'],
  })
  const node = makeNode({
    addresses: [
      { type: 'InternalIP', address: '10.9.5.5' },
      { type: 'Hostname', address: 'n1' },
    ],
  })

  test.each([
    ['0.0.0.0', 'address-invalid'],
    ['0.1.2.3', 'address-invalid'],
    ['127.0.0.53', 'address-invalid'],
    ['169.254.169.254', 'address-invalid'],
    ['224.0.0.5', 'address-invalid'],
    ['255.255.255.255', 'address-invalid'],
    ['::', 'address-invalid'],
    ['::1', 'address-invalid'],
    ['fe80::1', 'address-invalid'],
    ['ff02::1', 'address-invalid'],
    ['::ffff:a09:1', 'address-invalid'],
    ['010.9.0.1', 'address-invalid'],
    ['10.9.0.1/32', 'address-invalid'],
    ['10.9.255.1', 'address-reserved'],
    ['10.9.255.2', 'address-reserved'],
    ['10.9.3.3', 'address-reserved'],
    ['10.9.4.200', 'address-reserved'],
    ['10.9.5.5', 'address-reserved'],
    ['10.1.0.77', 'address-reserved'],
    ['10.1.77.77', 'address-reserved'],
  ])('%s: %s, even in a pool', (address, expected) => {
    expect(decide({ config, node, services: [makeService({ ingressIPs: [address] })] }, address)).toBe(
      expected,
    )
  })

  test('an address of another site is outside the pools, wherever it was written', () => {
    const services = [makeService({ ingressIPs: ['10.77.0.1'], externalIPs: ['10.77.0.2'] })]
    const given = { services, config: makeConfig({ allowExternalIPs: true }) }

    expect(decide(given, '10.77.0.1')).toBe('outside-pools')
    expect(decide(given, '10.77.0.2')).toBe('outside-pools')
  })

  test('one bad address harms no other of the same Service', () => {
    expect(decide({ services: [makeService({ ingressIPs: ['0.0.0.0', vip] })] })).toBe('announced')
  })
})

describe('node', () => {
  test.each([
    ['ready', makeNode(), 'announced'],
    ['not heard from', makeNode({ isReady: false }), 'announced'],
    ['not ready by its own word', makeNode({ isReady: false, isNotReady: true }), 'node-not-ready'],
    ['without network', makeNode({ isNetworkUnavailable: true }), 'node-network-unavailable'],
    ['cordoned', makeNode({ isUnschedulable: true }), 'announced'],
    ['deleted', undefined, 'node-unknown'],
  ])('%s', (_, node, expected) => {
    expect(decide({ node })).toBe(expected)
  })

  test('conditions are health, deletion and exclusion are somebody’s will', () => {
    const labels = { 'node.kubernetes.io/exclude-from-external-load-balancers': '' }

    expect(judge({ node: makeNode({ isNotReady: true }) })?.otherwise).toMatchObject({ address: vip })
    expect(judge({ node: makeNode({ isNetworkUnavailable: true }) })?.otherwise).toMatchObject({
      address: vip,
    })
    expect(judge({ node: undefined })?.otherwise).toBeUndefined()
    expect(judge({ node: makeNode({ labels }) })?.otherwise).toBeUndefined()
  })

  test('the exclusion does not reach ClusterIPs', () => {
    const labels = { 'node.kubernetes.io/exclude-from-external-load-balancers': 'true' }
    const services = [makeService({ clusterIPs: ['10.9.0.8'] })]
    const config = makeConfig({ announceClusterIPs: true })

    expect(decide({ services, config, node: makeNode({ labels }) }, '10.9.0.8')).toBe('announced')
  })
})

describe('weight', () => {
  const local = [makeService({ externalTrafficPolicy: 'Local' })]
  const unready = makeEndpoint({ isReady: false })
  const finishing = makeEndpoint({ isReady: false, isServing: true, isTerminating: true })
  const elsewhere = makeEndpoint({ nodeName: 'n2' })

  test.each([
    [
      'counts ready endpoints of this node in all slices',
      [
        [makeEndpoint(), unready],
        [makeEndpoint(), elsewhere],
      ],
      2,
    ],
    ['does not count terminating ones beside ready ones', [[makeEndpoint(), finishing]], 1],
    ['counts terminating ones when they are all there is', [[finishing, finishing, unready]], 2],
  ])('%s', (_, lists, weight) => {
    const slices = lists.map((endpoints, index) => makeSlice(endpoints, { key: `shop/web-${index}` }))

    expect(judge({ services: local, slices })?.decision).toMatchObject({ kind: 'announce', weight })
  })

  test('with policy Cluster there is none: any node can serve everything', () => {
    expect(judge({})?.decision).not.toHaveProperty('weight')
  })
})

describe('evidence for guards', () => {
  const local = [makeService({ externalTrafficPolicy: 'Local' })]

  test.each([
    ['an endpoint here', [makeEndpoint()], true, false],
    ['an endpoint elsewhere', [makeEndpoint({ nodeName: 'n2' })], true, true],
    ['one without a node', [{ ...makeEndpoint(), nodeName: undefined }], true, false],
    ['none that is usable', [makeEndpoint({ isReady: false, nodeName: 'n2' })], false, false],
  ])('%s', (_, endpoints, isServed, isServedElsewhere) => {
    const slices = [makeSlice(endpoints as Parameters<typeof makeSlice>[0])]

    expect(judge({ services: local, slices })).toMatchObject({ isServed, isServedElsewhere })
  })
})

describe('Services that share an address', () => {
  const web = makeService({ externalTrafficPolicy: 'Local' })
  const dns = makeService({ key: 'shop/dns', name: 'dns', ports: [{ protocol: 'UDP', port: 53 }] })
  const localDns = { ...dns, externalTrafficPolicy: 'Local' as const }
  const dnsSlice = (endpoints: Parameters<typeof makeSlice>[0]) =>
    makeSlice(endpoints, { key: 'shop/dns-1', name: 'dns-1', service: 'dns' })
  const here = makeEndpoint()
  const there = makeEndpoint({ nodeName: 'n2' })

  test('Cluster and Local: announced only where the Local one is served', () => {
    const services = [web, dns]

    expect(decide({ services, slices: [makeSlice([here]), dnsSlice([there])] })).toBe('announced')
    expect(decide({ services, slices: [makeSlice([there]), dnsSlice([here])] })).toBe(
      'shared-address-conflict',
    )
  })

  test('two Local ones: announced where both are served, when there is such a node', () => {
    const services = [web, localDns]
    const slices = [makeSlice([here, there]), dnsSlice([there])]

    expect(decide({ services, slices })).toBe('shared-address-conflict')
    expect(decide({ services, slices: [makeSlice([here, there]), dnsSlice([here])] })).toBe('announced')
  })

  test('two Local ones that no node serves together: announced where either is served', () => {
    expect(decide({ services: [web, localDns], slices: [makeSlice([here]), dnsSlice([there])] })).toBe(
      'announced',
    )
  })

  test('one without any usable endpoint has no say', () => {
    const slices = [makeSlice([makeEndpoint({ isReady: false })]), dnsSlice([there])]

    expect(decide({ services: [web, dns], slices })).toBe('announced')
  })

  test('one that opted out does not hold up the other', () => {
    const out = { ...dns, annotations: { 'weft.dev/announce': 'false' } }

    expect(decide({ services: [web, out] })).toBe('announced')
  })

  test('what is said is what reaches least far, and everything asked for', () => {
    const config = makeConfig({ allowedCommunities: ['65000:*'] })
    const services = [
      {
        ...web,
        annotations: { 'weft.dev/scope': 'rack', 'weft.dev/communities': '65000:2', 'weft.dev/prepend': '1' },
      },
      {
        ...localDns,
        annotations: {
          'weft.dev/communities': '65000:1',
          'weft.dev/prepend': '2',
          'weft.dev/local-preference': '50',
        },
      },
    ]
    const slices = [makeSlice([here, here]), dnsSlice([here])]

    expect(judge({ services, slices, config })?.decision).toMatchObject({
      scope: 'rack',
      communities: ['65000:1', '65000:2'],
      prepend: 2,
      localPreference: 50,
      weight: 3,
    })
  })
})

test('a Service that becomes a LoadBalancer gains only its load balancer addresses, and loses them again', () => {
  const before = makeService({ type: 'ClusterIP', ingressIPs: [] })
  const after = makeService({ ingressIPs: [vip] })
  const config = makeConfig()
  const announcedBy = (service: ServiceView) =>
    [
      ...desiredRoutes({
        services: [service],
        slices: [makeSlice([makeEndpoint()])],
        config,
        node: makeNode(),
      }).values(),
    ]
      .filter(({ decision }) => decision.kind === 'announce')
      .map(({ decision }) => decision.address)

  expect(announcedBy(before)).toEqual([])
  expect(announcedBy(after)).toEqual([vip])
  expect(announcedBy({ ...after, type: 'NodePort' })).toEqual([])
})
