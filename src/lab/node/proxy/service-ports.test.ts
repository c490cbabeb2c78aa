import { expect, test } from 'vitest'
import type { Endpoint, EndpointSlice, Service, ServiceSpec } from '../../kubernetes/api-server/objects.ts'
import { selectServicePorts } from './service-ports.ts'

function service(name: string, spec: ServiceSpec, status: Service['status'] = {}): Service {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'shop' }, spec, status }
}

function slice(serviceName: string, endpoints: Endpoint[], more: Partial<EndpointSlice> = {}): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${serviceName}-x`,
      namespace: 'shop',
      labels: { 'kubernetes.io/service-name': serviceName },
    },
    addressType: 'IPv4',
    ports: [{ name: '', protocol: 'TCP', port: 8080 }],
    endpoints,
    ...more,
  }
}

const ready = { ready: true, serving: true, terminating: false }
const draining = { ready: false, serving: true, terminating: true }
const broken = { ready: false, serving: false, terminating: false }
const http = { ports: [{ port: 80, protocol: 'TCP' as const }], clusterIP: '10.96.0.1' }

test('ready endpoints serve, and those on this node are known apart', () => {
  const slices = [
    slice('web', [
      { addresses: ['10.1.1.1'], nodeName: 'n1', conditions: ready },
      { addresses: ['10.1.2.1'], nodeName: 'n2', conditions: ready },
      { addresses: ['10.1.2.2'], nodeName: 'n2', conditions: broken },
      { addresses: ['10.1.2.3'], nodeName: 'n2', conditions: draining },
    ]),
  ]

  const [port] = selectServicePorts([service('web', http)], slices, 'n2')

  expect(port?.anywhere.map((backend) => backend.address)).toEqual(['10.1.1.1', '10.1.2.1'])
  expect(port?.local).toEqual([{ address: '10.1.2.1', port: 8080 }])
})

test('when none is ready, endpoints that terminate but still serve go on serving', () => {
  const slices = [
    slice('web', [
      { addresses: ['10.1.1.1'], nodeName: 'n1', conditions: draining },
      { addresses: ['10.1.1.2'], nodeName: 'n1', conditions: broken },
    ]),
  ]

  const [port] = selectServicePorts([service('web', http)], slices, 'n1')

  expect(port?.anywhere.map((backend) => backend.address)).toEqual(['10.1.1.1'])
})

test('an endpoint without conditions is ready', () => {
  const [port] = selectServicePorts(
    [service('web', http)],
    [slice('web', [{ addresses: ['10.1.1.1'] }])],
    'n1',
  )

  expect(port?.anywhere).toHaveLength(1)
})

test('ports are matched by name and protocol, whatever number the slice gives them', () => {
  const spec: ServiceSpec = {
    clusterIP: '10.96.0.1',
    ports: [
      { name: 'http', port: 80, protocol: 'TCP' },
      { name: 'dns', port: 53, protocol: 'UDP' },
    ],
  }
  const slices = [
    slice('web', [{ addresses: ['10.1.1.1'] }], {
      ports: [
        { name: 'dns', protocol: 'UDP', port: 5353 },
        { name: 'http', protocol: 'TCP', port: 8080 },
      ],
    }),
  ]

  const ports = selectServicePorts([service('web', spec)], slices, 'n1')

  expect(ports.map((port) => [port.protocol, port.anywhere])).toEqual([
    ['tcp', [{ address: '10.1.1.1', port: 8080 }]],
    ['udp', [{ address: '10.1.1.1', port: 5353 }]],
  ])
})

test('every family has its own port, served by endpoints of that family', () => {
  const spec: ServiceSpec = { ...http, clusterIPs: ['10.96.0.1', 'fd00:96::1'] }
  const slices = [
    slice('web', [{ addresses: ['10.1.1.1'] }]),
    slice('web', [{ addresses: ['fd00:1::1'] }], { addressType: 'IPv6' }),
  ]

  const ports = selectServicePorts([service('web', spec)], slices, 'n1')

  expect(ports.map((port) => [port.family, port.frontends[0]?.address, port.anywhere[0]?.address])).toEqual([
    [4, '10.96.0.1', '10.1.1.1'],
    [6, 'fd00:96::1', 'fd00:1::1'],
  ])
})

test('load-balancer and external addresses follow the external policy, the cluster address the internal one', () => {
  const spec: ServiceSpec = {
    ...http,
    type: 'LoadBalancer',
    externalTrafficPolicy: 'Local',
    externalIPs: ['192.0.2.9'],
  }
  const status = {
    loadBalancer: {
      ingress: [{ ip: '10.10.21.5' }, { hostname: 'lb' }, { ip: '10.10.21.6', ipMode: 'Proxy' as const }],
    },
  }

  const [port] = selectServicePorts([service('web', spec, status)], [], 'n1')

  expect(port?.frontends).toEqual([
    { address: '10.96.0.1', port: 80, reach: 'internal', localOnly: false },
    { address: '10.10.21.5', port: 80, reach: 'external', localOnly: true },
    { address: '192.0.2.9', port: 80, reach: 'external', localOnly: true },
  ])
})

test('an address that two Services claim stays with the older one, whichever is listed first', () => {
  const older = service('a-shop', { ...http, clusterIP: '10.96.0.1', externalIPs: ['192.0.2.9'] })
  older.metadata.creationTimestamp = '2026-01-01T00:00:00Z'
  const younger = service('thief', { ...http, clusterIP: '10.96.0.2', externalIPs: ['192.0.2.9'] })
  younger.metadata.creationTimestamp = '2026-02-01T00:00:00Z'

  const ports = selectServicePorts([younger, older], [], 'n1')

  expect(ports.map((port) => [port.service, port.frontends.map((frontend) => frontend.address)])).toEqual([
    ['shop/a-shop', ['10.96.0.1', '192.0.2.9']],
    ['shop/thief', ['10.96.0.2']],
  ])
})

test('headless Services, host names, SCTP and text that is no address need no rules', () => {
  const services = [
    service('headless', { ...http, clusterIP: 'None', clusterIPs: ['None'] }),
    service('alias', { ...http, type: 'ExternalName', externalName: 'example.org' }),
    service('sctp', { clusterIP: '10.96.0.1', ports: [{ port: 80, protocol: 'SCTP' }] }),
    service('evil', { ...http, clusterIP: '10.96.0.9 . tcp . 1 : drop }' }),
  ]

  expect(selectServicePorts(services, [], 'n1')).toEqual([])
})
