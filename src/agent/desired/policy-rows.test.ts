import { describe, expect, test } from 'vitest'
import type { ServiceView } from '../../kube/views.ts'
import { decide, judge, makeConfig, makeService } from './fixtures.ts'

const vip = '10.9.0.1'

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
