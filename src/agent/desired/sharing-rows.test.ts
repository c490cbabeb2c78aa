import { describe, expect, test } from 'vitest'
import type { ServiceView } from '../../kube/views.ts'
import { desiredRoutes } from './desired-routes.ts'
import { decide, judge, makeConfig, makeEndpoint, makeNode, makeService, makeSlice } from './fixtures.ts'

const vip = '10.9.0.1'

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
