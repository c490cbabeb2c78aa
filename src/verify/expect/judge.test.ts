import { expect, test } from 'vitest'
import { baseIntent, inputOfIntent } from '../checks/examples.fixture.ts'
import { verifyPlan } from '../verdict.ts'
import type { SurviveAnswer } from './judge.ts'

const unasked = (): SurviveAnswer => ({ verdict: 'undecided', message: 'not asked here' })

function verify(expectations: object[], more: object = {}) {
  const input = inputOfIntent({ ...baseIntent, ...more, expect: expectations })
  return verifyPlan(input, { checks: [], judgeSurvive: unasked })
}

function judge(expectation: object, more: object = {}) {
  const { report } = verify([expectation], more)
  return report!.judgements[0]!
}

const peerSends = (send: string[]) => ({
  peers: { isp: { site: 'dc1', asn: 64999, link: '192.0.2.0/29', gtsm: true, send } },
})

test.each([
  [{ reach: { from: 'dc1.nodes', to: ['dc1.nodes', 'dc1.pods', 'dc2.nodes', 'dc2.pods'], minimumWidth: 2 } }],
  [{ reach: { from: 'dc1.nodes', to: 'dc1.switches' } }],
  [{ reach: { from: 'peers', to: 'services', minimumWidth: 2 } }],
  [{ reach: { from: 'dc2.nodes', to: 'peers', minimumWidth: 2 } }],
  [{ reach: { from: 'dc2-compute1-n1', to: 'dc1-compute2-n2', minimumWidth: 2 } }],
  [{ isolate: { from: 'isp', to: ['dc1.nodes', 'dc1.pods', 'dc1.switches', 'dc2.nodes'] } }],
])('holds: %j', (expectation) => {
  expect(judge(expectation)).toMatchObject({ verdict: 'ok', others: 0, at: { line: 1 } })
})

test('where packets are lost, the path is drawn up to the router that has no route', () => {
  const found = judge({ reach: { from: 'peers', to: 'dc1.nodes' } })

  expect(found).toMatchObject({
    verdict: 'violated',
    message: 'isp → 10.10.19.1/32 of dc1-compute1-n1: isp ends it: it originates 0.0.0.0/0',
    trace: ['isp', '✗'],
    others: 3,
    path: 'expect.0',
  })
})

test('an aggregate that attracts what it cannot deliver is where the path ends', () => {
  const found = judge(
    { reach: { from: 'dc2.nodes', to: 'dc1.pods' } },
    { overrides: [{ select: 'dc1-compute1-n1', set: { podCidr: '10.10.20.0/29' } }] },
  )

  expect(found.message).toMatch(/dc1-border1 ends it: it originates 10\.10\.20\.0\/24$/)
  expect(found.trace.slice(-2)).toEqual(['dc1-border1', '✗'])
})

test('a width that is not there names the number of paths without a common link, and one of them', () => {
  const found = judge({ reach: { from: 'dc1.nodes', to: 'dc2.nodes', minimumWidth: 3 } })

  expect(found).toMatchObject({
    verdict: 'violated',
    message: 'dc1-compute1-n1 → 10.20.19.1/32 of dc2-compute1-n1: 2 paths without a common link, 3 expected',
    others: 7,
  })
  expect(found.trace.at(-1)).toBe('dc2-compute1-n1')
})

test('equal paths that share a link count once', () => {
  const oneUplink = {
    overrides: [
      { select: 'dc2-border1', set: { maximumPaths: 1 } },
      { select: 'dc2-border2', set: { maximumPaths: 1 } },
    ],
  }
  const oneLeaf = judge({ reach: { from: 'dc1.nodes', to: 'dc2.nodes', minimumWidth: 2 } }, oneUplink)
  const racks = { racks: { compute: { leaves: 1, nodes: 2 } } }

  expect(oneLeaf.verdict).toBe('ok')
  expect(judge({ reach: { from: 'dc1.nodes', to: 'dc2.nodes', minimumWidth: 2 } }, racks)).toMatchObject({
    verdict: 'violated',
    message: expect.stringContaining('one path without a common link'),
  })
})

test('isolation that does not hold shows the way packets take', () => {
  const found = judge({ isolate: { from: 'isp', to: 'dc1.nodes' } }, peerSends(['nodes']))

  expect(found).toMatchObject({ verdict: 'violated', others: 3 })
  expect(found.trace[0]).toBe('isp')
  expect(found.trace.at(-1)).toBe('dc1-compute1-n1')
})

test('a segment that is not announced is reached all the same where a default route leads past it', () => {
  const found = judge({ isolate: { from: 'dc2.nodes', to: 'dc1.switches' } })

  expect(found.verdict).toBe('violated')
  expect(found.trace.slice(-2)).toEqual(['dc1-border1', 'dc1-spine1'])
})

test('what a peer is not told it does not reach; with the default scope of the pool it does', () => {
  const reach = { reach: { from: 'isp', to: 'dc1.services' } }

  expect(judge(reach, peerSends(['services'])).verdict).toBe('ok')
  expect(judge(reach, peerSends(['nodes'])).verdict).toBe('violated')
})

test('nodes with a default route only are judged by the longest prefix at every hop', () => {
  const lean = { bgp: { nodeRoutes: 'default' } }

  expect(
    judge({ reach: { from: 'dc1.nodes', to: ['dc1.pods', 'dc2.pods'], minimumWidth: 2 } }, lean).verdict,
  ).toBe('ok')
})

test('an expectation with nobody to judge is undecided, and so is the verdict', () => {
  const { report } = verify([{ reach: { from: 'dc1-compute1-n1', to: 'dc1-compute1-n1' } }])

  expect(report).toMatchObject({ verdict: 'undecided', judgements: [{ verdict: 'undecided' }] })
  expect(report!.undecided[0]).toContain('are the same device')
})

test('what cannot both hold is refused, with the pair and both places', () => {
  const { report, problems } = verify([
    { reach: { from: 'dc1.nodes', to: 'dc2.nodes' } },
    { isolate: { from: 'dc1-compute1-n1', to: ['dc2-compute1-n2', 'peers'] } },
  ])

  expect(report).toBeNull()
  expect(problems).toMatchObject([
    {
      code: 'WEFT_VERIFY_CONTRADICTION',
      message: expect.stringMatching(/^dc1-compute1-n1 is to reach 10\.20\.19\.2\/32/),
    },
  ])
})

test('statements that speak of different parts do not contradict each other', () => {
  const { problems } = verify([
    { reach: { from: 'dc1.nodes', to: 'dc2.nodes' } },
    { isolate: { from: 'dc1.nodes', to: 'dc2.switches' } },
    { isolate: { from: 'dc1-compute1-n1', to: 'dc1-compute1-n1' } },
    { reach: { from: 'dc1.nodes', to: 'dc1-compute1-n1' } },
  ])

  expect(problems).toEqual([])
})

test('a router that the plan does not have is an error with the nearest name', () => {
  const { report, problems } = verify([{ reach: { from: 'dc1-spine7', to: 'dc1.nodes' } }])

  expect(report).toBeNull()
  expect(problems).toMatchObject([
    { code: 'WEFT_VERIFY_ENDPOINT', found: 'dc1-spine7', hint: expect.stringContaining('dc1-spine') },
  ])
})
