import { afterAll, beforeAll, expect, test } from 'vitest'
import { weft } from '../lab/lab-fixture.ts'
import { ConformanceFabric } from './fabric.ts'

/* Sections C7, E3 and E4 of docs/reference/conformance.md: what becomes of sessions, and who may not have one. */

const nodes = ['n1', 'n2', 'n3']
const address = '10.10.21.60'
const tor = 'dc1-rack1-leaf1'
const patient = { timeout: 60_000, interval: 200 }
let fabric: ConformanceFabric

beforeAll(async () => {
  fabric = await ConformanceFabric.up('conf-e')
  await fabric.createService('web', { address })
  await fabric.setEndpoints('web', [{ node: 'n1' }])
  await fabric.createService('local', { address: '10.10.21.61', policy: 'Local' })
  await fabric.setEndpoints('local', [{ node: 'n2' }, { node: 'n2' }, { node: 'n3' }])
  await fabric.untilAnnouncers(address, nodes)
  await fabric.untilAnnouncers('10.10.21.61', ['n2', 'n3'])
})
afterAll(() => fabric.down())

/** What the agent of a node says about the session with a ToR. */
async function sessionState(node: string): Promise<string | undefined> {
  const { stdout } = await weft('agent', 'status', '--lab', fabric.lab, '--node', node, '-o', 'json')
  const sessions: { neighbor: string; state: string }[] = JSON.parse(stdout)[0]?.status?.bgpd.sessions ?? []
  return sessions.find(({ neighbor }) => neighbor === fabric.portTo(node, tor))?.state
}

async function whyCode(node: string): Promise<string | undefined> {
  const { stdout } = await weft('why', 'web', '--lab', fabric.lab, '--node', node, '-o', 'json')
  const neighbors: { neighbor: string; code: string }[] = JSON.parse(stdout).addresses[0].nodes[0].neighbors
  return neighbors.find(({ neighbor }) => neighbor === fabric.portTo(node, tor))?.code
}

test('C7 agents that are stopped and started send nothing: the tables are the same before, during and after', async () => {
  // The way over the other ToR is learned last.
  let seen = ''
  await expect
    .poll(
      async () => {
        const previous = seen
        seen = JSON.stringify(await fabric.table())
        return seen === previous
      },
      { ...patient, interval: 500 },
    )
    .toBe(true)
  const before = { routes: await fabric.table(), ...(await fabric.sessionCounters()) }
  const during: string[] = []
  for (const node of nodes) {
    await fabric.kill(node, 'agent', 'SIGTERM')
    await fabric.ended(node, 'agent')
    during.push(await fabric.table())
    await fabric.restart(node, 'agent')
  }
  for (const node of nodes) {
    await expect
      .poll(async () => {
        const { code, stdout } = await weft(
          'agent',
          'status',
          '--lab',
          fabric.lab,
          '--node',
          node,
          '-o',
          'json',
        )
        return code === 0 && JSON.parse(stdout)[0].status.isSettled
      }, patient)
      .toBe(true)
  }

  expect(during).toEqual(nodes.map(() => before.routes))
  expect({ routes: await fabric.table(), ...(await fabric.sessionCounters()) }).toEqual(before)
})

test('E3 with another password there is no session, which is told; with the right one there is, without a restart', async () => {
  const port = fabric.portTo(tor, 'n3')
  const back = fabric.portTo('n3', tor)
  try {
    await fabric.configureSession('n3', `neighbor ${back} password right`)
    await fabric.configureSession(tor, `neighbor ${port} password wrong`)
    await expect.poll(() => whyCode('n3'), patient).toBe('session-down')
    // Longer than the connect retry of one second.
    await new Promise((resolve) => setTimeout(resolve, 4_000))
    expect(await sessionState('n3')).not.toBe('Established')
    expect(await fabric.metricsOf('n3')).toMatch(
      new RegExp(`^weft_bgp_session_up\\{neighbor="${back}",family="ipv4"[^}]*\\} 0$`, 'm'),
    )

    await fabric.configureSession(tor, `neighbor ${port} password right`)
    await expect.poll(() => sessionState('n3'), patient).toBe('Established')
    await expect.poll(() => whyCode('n3'), patient).toBe('accepted')
  } finally {
    await fabric.configureSession(tor, `no neighbor ${port} password`)
    await fabric.configureSession('n3', `no neighbor ${back} password`)
  }
  await fabric.untilAsPlanned(60_000)
})

test('E4 packets that may have come from further away than one hop make no session', async () => {
  const back = fabric.portTo('n3', tor)
  // As packets of somebody 191 hops away would arrive.
  const spoof = `table ip6 spoof {
    chain out {
      type filter hook output priority 0
      oifname "${back}" tcp sport 179 ip6 hoplimit set 64
      oifname "${back}" tcp dport 179 ip6 hoplimit set 64
    }
  }
`
  await fabric.nft('n3', spoof)
  try {
    await fabric.resetSession('n3', back)
    await expect.poll(() => sessionState('n3'), patient).not.toBe('Established')
    await new Promise((resolve) => setTimeout(resolve, 4_000))
    expect(await sessionState('n3')).not.toBe('Established')
  } finally {
    await fabric.nft('n3', 'delete table ip6 spoof\n')
  }

  await expect.poll(() => sessionState('n3'), patient).toBe('Established')
  await fabric.untilAsPlanned(60_000)
})
