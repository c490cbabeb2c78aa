import { expect, test, vi } from 'vitest'
import { builtinTypes } from '../api-server/builtin-types.ts'
import type { AnyObject } from '../api-server/objects.ts'
import { createRegistry } from '../api-server/registry.ts'
import { createStore } from '../api-server/store.ts'
import { createTypeCatalog } from '../api-server/type-catalog.ts'
import { startEndpoints } from './endpoints.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} } as never
const discovery = 'endpointslices.discovery.k8s.io'

function slice(name: string, endpoints: object[], service = 'web'): AnyObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name,
      namespace: 'default',
      labels: {
        'kubernetes.io/service-name': service,
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
      },
    },
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080, protocol: 'TCP' }],
    endpoints,
  } as AnyObject
}

test('Endpoints say what the slices say, and go with their Service', async () => {
  const types = createTypeCatalog(builtinTypes({ serviceCidrs: ['10.96.0.0/16'] } as never))
  const registry = createRegistry({ store: createStore(), types })
  registry.create(types.stored('namespaces'), undefined, { metadata: { name: 'default' } } as AnyObject)
  const controller = startEndpoints(registry, silent)
  const find = (name = 'web') => registry.find(types.stored('endpoints'), { namespace: 'default', name })
  const services = types.stored('services')
  const service = (name: string, selector?: object) =>
    registry.create(services, 'default', {
      metadata: { name },
      spec: { ports: [{ port: 80 }], ...(selector === undefined ? {} : { selector }) },
    } as unknown as AnyObject)
  try {
    service('web', { app: 'web' })
    service('manual')
    await vi.waitUntil(() => find() !== undefined)
    expect(find()?.subsets).toBeUndefined()

    const targetRef = { kind: 'Pod', name: 'web-1' }
    registry.create(
      types.stored(discovery),
      'default',
      slice('web-a', [
        { addresses: ['10.1.0.1'], conditions: { ready: true }, nodeName: 'n1', targetRef },
        { addresses: ['10.1.0.2'], conditions: { ready: false }, nodeName: 'n2' },
      ]),
    )
    await vi.waitUntil(() => find()?.subsets !== undefined)
    expect(find()?.subsets).toEqual([
      {
        addresses: [{ ip: '10.1.0.1', nodeName: 'n1', targetRef }],
        notReadyAddresses: [{ ip: '10.1.0.2', nodeName: 'n2' }],
        ports: [{ port: 8080, protocol: 'TCP' }],
      },
    ])
    expect(find('manual')).toBeUndefined()

    registry.remove(services, { namespace: 'default', name: 'web' })
    await vi.waitUntil(() => find() === undefined)
  } finally {
    controller.stop()
  }
})
