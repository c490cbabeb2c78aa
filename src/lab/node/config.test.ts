import { expect, test } from 'vitest'
import { checkConfig } from './config.ts'

const least = {
  nodeName: 'n1',
  labName: 'demo',
  namespace: 'weft-demo-n1',
  apiUrl: 'http://10.0.0.1:6443',
  addresses: ['10.0.0.1/32', 'fd00::1/128'],
  podCidrs: ['10.1.1.0/26'],
  podNamespacePrefix: 'weft-demo-pod-',
}

test('loopbacks may be written as the plan writes them, and the rest has defaults', () => {
  expect(checkConfig(least)).toEqual({
    ...least,
    addresses: ['10.0.0.1', 'fd00::1'],
    heartbeatSeconds: 10,
    labels: {},
    stateDirectory: '/run/weft/nodes/demo/n1',
    proxyPort: 10256,
    serviceProxy: 'own',
    stopPodsOnExit: false,
  })
})

test.each([
  [{ nodeName: undefined }, '"nodeName" is missing'],
  [{ podCidrs: [] }, '"podCidrs" is [], expected a list'],
  [{ podCidrs: ['10.1.1.1/26'] }, '"podCidrs" holds "10.1.1.1/26", which is no prefix'],
  [{ addresses: ['10.0.0.300'] }, '"addresses" holds "10.0.0.300", which is no address'],
  [{ apiUrl: '10.0.0.1:6443' }, '"apiUrl" is "10.0.0.1:6443", expected http://'],
  [{ heartbeatSeconds: 0 }, '"heartbeatSeconds" is 0, expected a number above 0'],
])('%j is refused', (change, message) => {
  expect(() => checkConfig({ ...least, ...change })).toThrow(message)
})
