import { expect, test } from 'vitest'
import { LineSplitter } from './json-lines.ts'
import { viewEndpointSlice, viewNode, viewService } from './views.ts'

const metadata = { namespace: 'shop', name: 'web' }

test('keeps of a Service what routes depend on, with the API’s defaults', () => {
  const view = viewService({
    metadata: { ...metadata, annotations: { 'weft.dev/scope': 'rack', other: 'x'.repeat(1000) } },
    spec: { clusterIP: '10.0.0.1', ports: [{ port: 80 }] },
    status: {
      loadBalancer: { ingress: [{ ip: '10.9.0.1' }, { hostname: 'x' }, { ip: '10.9.0.2', ipMode: 'Proxy' }] },
    },
  })

  expect(view).toEqual({
    key: 'shop/web',
    namespace: 'shop',
    name: 'web',
    type: 'ClusterIP',
    clusterIPs: ['10.0.0.1'],
    externalIPs: [],
    ingressIPs: ['10.9.0.1'],
    externalTrafficPolicy: 'Cluster',
    internalTrafficPolicy: 'Cluster',
    ports: [{ protocol: 'TCP', port: 80 }],
    labels: {},
    annotations: { 'weft.dev/scope': 'rack' },
    isDeleting: false,
  })
})

test('a headless Service has no cluster address', () => {
  expect(viewService({ metadata, spec: { clusterIPs: ['None'] } }).clusterIPs).toEqual([])
})

test('an endpoint without conditions is ready and serving; serving defaults to ready', () => {
  const slice = viewEndpointSlice({
    metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    endpoints: [
      { addresses: ['10.1.0.1'], nodeName: 'n1' },
      { addresses: ['10.1.0.2'], conditions: { ready: false } },
      { addresses: ['10.1.0.3'], conditions: { ready: false, serving: true, terminating: true } },
    ],
  })

  expect(slice.service).toBe('web')
  expect(
    slice.endpoints.map(({ isReady, isServing, isTerminating }) => [isReady, isServing, isTerminating]),
  ).toEqual([
    [true, true, false],
    [false, false, false],
    [false, true, true],
  ])
})

test('reads the state of a Node', () => {
  const view = viewNode({
    metadata: { name: 'n1', labels: { zone: 'a' } },
    spec: {
      podCIDRs: ['10.1.0.0/24'],
      unschedulable: true,
      taints: [{ key: 'drain', effect: 'NoSchedule' }],
    },
    status: {
      conditions: [
        { type: 'Ready', status: 'True' },
        { type: 'NetworkUnavailable', status: 'True' },
      ],
      addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
    },
  })

  expect(view).toMatchObject({ isReady: true, isNetworkUnavailable: true, isUnschedulable: true })
})

test.each([
  [{ metadata: {} }, 'metadata.name should be a text, found undefined'],
  [{ metadata, spec: 'x' as never }, 'spec should be an object, found "x"'],
  [
    { metadata, spec: { type: 'Magic' } },
    'spec.type should be one of ClusterIP, NodePort, LoadBalancer, ExternalName, found "Magic"',
  ],
  [{ metadata, spec: { externalIPs: [4] } }, 'spec.externalIPs[0] should be a text, found 4'],
  [
    { metadata, spec: { ports: [{ port: 70000 }] } },
    'spec.ports[0].port should be a port number, found 70000',
  ],
  [
    { metadata, status: { loadBalancer: { ingress: {} } } },
    'status.loadBalancer.ingress should be a list, found {}',
  ],
])('refuses a broken Service and says where it is broken', (raw, reason) => {
  expect(() => viewService(raw)).toThrow(reason)
})

test('lines are found however the stream is cut, also within a character', () => {
  const splitter = new LineSplitter()
  const stream = Buffer.from('{"a":"ü"}\n\n{"b":1}\n{"c"')

  const lines = [...stream].flatMap((byte) => splitter.push(Buffer.from([byte])))

  expect(lines).toEqual(['{"a":"ü"}', '{"b":1}'])
})
