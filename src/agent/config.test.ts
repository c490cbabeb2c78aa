import { expect, test } from 'vitest'
import { configError, parseAgentConfig } from './config.ts'

const minimal = {
  node: 'n1',
  api: { url: 'http://10.10.19.10:6443' },
  pools: [{ name: 'web', cidr: '10.10.21.0/24', scope: 'site' }],
}

function parse(fields: Record<string, unknown>) {
  return parseAgentConfig(JSON.stringify({ ...minimal, ...fields }))
}

test('fills in safe defaults', () => {
  expect(parse({})).toMatchObject({
    config: {
      announceClusterIPs: false,
      allowExternalIPs: false,
      onShutdown: 'stay',
      resyncSeconds: 10,
      logLevel: 'info',
      frr: {},
      staticVips: [],
    },
  })
})

test('reads listen addresses of both families', () => {
  expect(parse({ metricsAddress: '127.0.0.1:9100' })).toMatchObject({
    config: { metrics: { host: '127.0.0.1', port: 9100 } },
  })
  expect(parse({ metricsAddress: '[::1]:9100' })).toMatchObject({
    config: { metrics: { host: '::1', port: 9100 } },
  })
})

test('reports every problem of a file at once', () => {
  const result = parseAgentConfig(
    JSON.stringify({
      api: { url: 'ftp://x' },
      pools: [{ name: 'web', cidr: '10.10.21.1/24', scope: 'site' }],
      loopbacks: ['010.0.0.1'],
      onShutdown: 'panic',
      anounceClusterIPs: true,
    }),
  )

  expect('problems' in result && configError('agent.json', result.problems).message).toMatchInlineSnapshot(`
    "agent.json cannot be used:
    api: found {"url":"ftp://x"}, expected {"url": …} or "in-cluster"
    loopbacks: found ["010.0.0.1"], expected a list of addresses
    node: is missing, expected the name of the Node object
    pools: found [{"name":"web","cidr":"10.10.21.1/24","scope":"site"}], expected [{name, cidr, scope: rack | site | global | edge}]
    onShutdown: found "panic", expected stay, withdraw or drain
    anounceClusterIPs: is no setting of the agent, expected one of site, localAs, loadBalancerClass, namespaces, statusSocket, metricsAddress, api, loopbacks, staticVips, node, frr, pools, podCidrs, announceClusterIPs, allowExternalIPs, reserved, endpointCidrs, serviceSelector, announceByDefault, allowedCommunities, dataplane, guards, damping, drain, onShutdown, resyncSeconds, sendsEndOfRib, fastLocalRepair, logLevel"
  `)
})

test('says so when the file is not JSON at all', () => {
  expect(parseAgentConfig('node: n1')).toMatchObject({ problems: [{ expected: 'a JSON object' }] })
  expect(parseAgentConfig('[]')).toHaveProperty('problems')
})
