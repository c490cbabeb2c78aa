import { expect, test } from 'vitest'
import type { PrefixEntry, RoutePolicy } from '../../plan/model.ts'
import { addDevice, connect, emptyPlan } from '../fixture.ts'
import { viewDevice } from '../view.ts'
import { renderPolicies } from './policy.ts'
import { printSections } from './statement.ts'

/** Lists and route maps of a dual-stack router whose one session has this import policy. */
function policiesWith(
  policy: RoutePolicy,
  options: { entries?: PrefixEntry[]; accept?: PrefixEntry[] | null } = {},
): string {
  const plan = emptyPlan()
  plan.policies['dc1.IN'] = policy
  plan.policies['dc1.OUT'] = { terms: [] }
  plan.prefixSets['dc1.SET'] = { entries: options.entries ?? [] }
  const router = addDevice(plan, 'r1', 'leaf', 65_001, '10.0.0.1')
  const peer = addDevice(plan, 'r2', 'leaf', 65_002, '10.0.0.2')
  connect(plan, router, peer, {
    families: ['ipv4', 'ipv6'],
    a: { group: 'G', import: 'dc1.IN', export: 'dc1.OUT', accept: options.accept ?? null },
    b: { group: 'G', import: 'dc1.IN', export: 'dc1.OUT' },
  })
  return printSections(renderPolicies(viewDevice(plan, router)))
}

test('a term on a set of both families becomes an entry for each, since one entry wants all its matches', () => {
  const text = policiesWith(
    { terms: [{ action: 'permit', match: { prefixSet: 'dc1.SET' }, set: { addCommunities: ['DOWN'] } }] },
    {
      entries: [
        { prefix: '10.1.0.0/16', le: 32 },
        { prefix: 'fd00:1::/48', ge: 128 },
      ],
    },
  )

  expect(text).toMatchInlineSnapshot(`
    "ip prefix-list SET seq 5 permit 10.1.0.0/16 le 32
    ipv6 prefix-list SET seq 5 permit fd00:1::/48 ge 128
    !
    route-map IN permit 10
     match ip address prefix-list SET
     set large-community 4200000000:4:1 additive
    exit
    !
    route-map IN permit 15
     match ipv6 address prefix-list SET
     set large-community 4200000000:4:1 additive
    exit
    !
    route-map OUT deny 10
    exit
    "
  `)
})

test('a neighbour that may announce nothing of a family is denied there in so many words', () => {
  const text = policiesWith({ terms: [] }, { accept: [{ prefix: '10.0.0.2/32' }] })

  expect(text).toContain('ip prefix-list ACCEPT-r2 seq 5 permit 10.0.0.2/32\n')
  expect(text).toContain('ipv6 prefix-list ACCEPT-r2 seq 5 deny any\n')
})

test('an empty set matches nothing', () => {
  const text = policiesWith({ terms: [{ action: 'permit', match: { prefixSet: 'dc1.SET' }, set: {} }] })

  expect(text).toContain('ip prefix-list SET seq 5 deny any\n')
  expect(text).toContain('route-map IN permit 10\n match ip address prefix-list SET\n')
})

test('communities, prepending and own routes are said in the words of FRR', () => {
  const text = policiesWith({
    terms: [
      { action: 'deny', match: { anyCommunity: ['SCOPE-site', 'SCOPE-edge'] }, set: { prepend: 3 } },
      { action: 'permit', match: { local: true }, set: { prepend: 2, replaceCommunities: ['SITE-dc1'] } },
      { action: 'permit', match: {}, set: { replaceCommunities: [] } },
    ],
  })

  expect(text).toMatchInlineSnapshot(`
    "bgp as-path access-list OWN seq 5 permit ^$
    !
    bgp large-community-list standard SCOPE-site-or-SCOPE-edge seq 5 permit 4200000000:3:2
    bgp large-community-list standard SCOPE-site-or-SCOPE-edge seq 10 permit 4200000000:3:4
    !
    route-map IN deny 10
     match large-community SCOPE-site-or-SCOPE-edge
    exit
    !
    route-map IN permit 20
     match as-path OWN
     set as-path prepend 65001 65001
     set large-community 4200000000:1:1
    exit
    !
    route-map IN permit 30
     set large-community none
    exit
    !
    route-map OUT deny 10
    exit
    "
  `)
})
