import { describe, expect, test } from 'vitest'
import { decide, judge, makeConfig, makeEndpoint, makeNode, makeService, makeSlice } from './fixtures.ts'

const vip = '10.9.0.1'

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
