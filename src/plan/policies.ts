/**
 * The routing policies of one site: what each kind of session lets through, in both directions.
 *
 * Every route is expected twice, by the sender's export and by the receiver's import, so that one broken filter or
 * one rogue device is not enough to leak. A policy without a matching term denies (RFC 8212 in spirit and letter).
 * The table of who tells whom what is in docs/concepts/routing.md.
 */
import type { Intent, PeerIntent, Scope, SiteIntent } from '../intent/model.ts'
import { down, kindOf, scopeOf, scopes, siteOf } from './communities.ts'
import type { PolicyActions, PolicyMatch, PolicyTerm, PrefixSet, RoutePolicy } from './model.ts'
import { prefixSetsOf, receiveSet, sets } from './prefix-sets.ts'

/**
 * Local preferences. A route from a tier below beats one from above even while its announcer is drained, and says so
 * further up with GRACEFUL_SHUTDOWN. Were a drained route simply the worst, a leaf would send its traffic to the spine
 * while the spine still sends it to the leaf, until the spine has heard: a loop of one BGP hop's delay.
 * What comes from above keeps FRR's default of 100.
 */
const preference = { below: 200, drained: 150 }

/** Local names of the policies; the plan's key is `<site>.<name>`. */
export const policies = {
  fromNode: 'FROM-NODE',
  toNode: 'TO-NODE',
  toNodeDefault: 'TO-NODE-DEFAULT',
  uplinkAlive: 'UPLINK-ALIVE',
  toLeaf: 'TO-LEAF',
  fromLeaf: 'FROM-LEAF',
  fromAbove: 'FROM-ABOVE',
  toAbove: 'TO-ABOVE',
  borderFromAbove: 'BORDER-FROM-ABOVE',
  fromBelow: 'FROM-BELOW',
  toBelow: 'TO-BELOW',
  borderToDci: 'BORDER-TO-DCI',
  borderFromDci: 'BORDER-FROM-DCI',
  borderToEdge: 'BORDER-TO-EDGE',
  borderFromEdge: 'BORDER-FROM-EDGE',
  dciFromBorder: 'DCI-FROM-BORDER',
  dciToBorder: 'DCI-TO-BORDER',
  dciFromSites: 'DCI-FROM-SITES',
  edgeFromBorder: 'EDGE-FROM-BORDER',
  edgeToBorder: 'EDGE-TO-BORDER',
  switchOrigin: 'ORIGIN-SWITCH',
  nodeAggregate: 'AGGREGATE-NODES',
  podAggregate: 'AGGREGATE-PODS',
  serviceAggregate: 'AGGREGATE-SERVICES',
} as const

export function dciToSite(remote: string): string {
  return `DCI-TO-${remote}`
}

export function fromPeer(peer: string): string {
  return `FROM-${peer}`
}

export function toPeer(peer: string): string {
  return `TO-${peer}`
}

/** Policy that the agent gives to a service address of that scope. */
export function vipPolicy(scope: Scope): string {
  return `VIP-${scope}`
}

/** What stands in for a router beyond the edge: it announces its own prefixes and believes everything. */
export const externalPolicies: Record<string, RoutePolicy> = {
  'external.ANY': { terms: [permit({})] },
  'external.OWN': { terms: [permit({ local: true })] },
}

export interface SitePolicies {
  prefixSets: Record<string, PrefixSet>
  policies: Record<string, RoutePolicy>
}

/** All policies and prefix sets of a site by plan key. */
export function policiesOf(intent: Intent, site: SiteIntent): SitePolicies {
  const prefixSets = prefixSetsOf(intent, site)
  const named: Record<string, PolicyTerm[]> = {
    ...nodePolicies(intent, site),
    ...fabricPolicies(),
    ...borderPolicies(intent, site),
    ...dciPolicies(intent, site),
    ...edgePolicies(intent, site),
    ...originPolicies(site),
  }
  return { prefixSets, policies: qualify(site, prefixSets, named) }
}

function nodePolicies(intent: Intent, site: SiteIntent): Record<string, PolicyTerm[]> {
  const here = siteOf(site.name)
  const service = (match: PolicyMatch, scope: Scope) =>
    unlessDrained(match, { replaceCommunities: [here, kindOf('service'), scopeOf(scope)] })
  return {
    [policies.fromNode]: [
      permit({ prefixSet: sets.nodes }, { replaceCommunities: [here, kindOf('node')] }),
      permit({ prefixSet: sets.pods }, { replaceCommunities: [here, kindOf('pod')] }),
      // The node says how far a service address may travel; whatever else it says is dropped.
      ...scopes.flatMap((scope) =>
        service({ prefixSet: sets.ownServices, anyCommunity: [scopeOf(scope)] }, scope),
      ),
      ...service({ prefixSet: sets.services }, site.addresses.services.scope),
      ...(intent.globalServices === null
        ? []
        : service({ prefixSet: sets.globalServices }, intent.globalServices.scope)),
    ],
    [policies.toNode]: [permit({ prefixSet: sets.fabric })],
    [policies.toNodeDefault]: [permit({ prefixSet: sets.default })],
    [policies.uplinkAlive]: [permit({ anyCommunity: [down] })],
    [policies.toLeaf]: [
      permit({ prefixSet: sets.nodes, local: true }),
      permit({ prefixSet: sets.pods, local: true }),
      permit({ prefixSet: sets.ownServices, local: true }),
    ],
    [policies.fromLeaf]: [permit({ prefixSet: sets.fabric }), permit({ prefixSet: sets.default })],
  }
}

function fabricPolicies(): Record<string, PolicyTerm[]> {
  return {
    [policies.fromAbove]: [permit({ prefixSet: sets.fabric }, { addCommunities: [down] })],
    [policies.toAbove]: [
      deny({ anyCommunity: [down] }),
      deny({ anyCommunity: [scopeOf('rack')] }),
      ...tellDrained({ prefixSet: sets.fabric }),
    ],
    [policies.fromBelow]: unlessDrained({ prefixSet: sets.fabric }),
    [policies.toBelow]: tellDrained({ prefixSet: sets.fabric }),
  }
}

function borderPolicies(intent: Intent, site: SiteIntent): Record<string, PolicyTerm[]> {
  const here = siteOf(site.name)
  const beyondSite: Scope[] = intent.dci.carry.includes('services') ? ['global', 'edge'] : []
  return {
    [policies.borderFromAbove]: [
      // To a border leaf the spines are the inside, and the site's own announcers beat those of other sites.
      ...unlessDrained({ prefixSet: sets.ownServices, anyCommunity: [here] }, { addCommunities: [down] }),
      permit({ prefixSet: sets.fabric }, { addCommunities: [down] }),
    ],
    [policies.borderToDci]: [
      ...denyRemote(intent, site),
      permit({ prefixSet: carriedBy(intent) }),
      // Communities are set afresh: DOWN means something within this fabric only and would stop the route in the next.
      ...beyondSite.flatMap((scope) =>
        tellDrained(
          { prefixSet: sets.ownServices, anyCommunity: [scopeOf(scope)] },
          { replaceCommunities: [here, kindOf('service'), scopeOf(scope)] },
        ),
      ),
      permit({ prefixSet: sets.external }, { replaceCommunities: [here, kindOf('external')] }),
      permit({ prefixSet: sets.switches }),
    ],
    [policies.borderFromDci]: [
      permit({ prefixSet: sets.switches }),
      deny({ anyCommunity: [here] }),
      permit({ prefixSet: sets.remoteAggregates }),
      permit({ prefixSet: sets.remoteServices }),
      permit({ prefixSet: sets.globalServices }),
      permit({ prefixSet: sets.external }),
    ],
    [policies.borderToEdge]: [
      permit({ prefixSet: sets.aggregates }),
      permit({ prefixSet: sets.remoteAggregates }),
      ...[sets.ownServices, sets.remoteServices].flatMap((set) =>
        tellDrained({ prefixSet: set, anyCommunity: [scopeOf('edge')] }),
      ),
      permit({ prefixSet: sets.switches }),
    ],
    [policies.borderFromEdge]: [permit({ prefixSet: sets.external }), permit({ prefixSet: sets.switches })],
  }
}

function dciPolicies(intent: Intent, site: SiteIntent): Record<string, PolicyTerm[]> {
  const here = siteOf(site.name)
  const remote = [
    permit({ prefixSet: sets.remoteAggregates }),
    permit({ prefixSet: sets.remoteServices }),
    permit({ prefixSet: sets.globalServices }),
    permit({ prefixSet: sets.external }),
  ]
  const toSites = intent.sites
    .filter((other) => other !== site)
    .map((other): [string, PolicyTerm[]] => [
      dciToSite(other.name),
      [
        deny({ anyCommunity: [siteOf(other.name)] }),
        permit({ prefixSet: carriedBy(intent) }),
        permit({ prefixSet: sets.ownServices }),
        // Other sites' routes too: should the direct way between two sites be cut, a third one carries them.
        ...remote,
      ],
    ])
  return {
    [policies.dciFromBorder]: [
      ...denyRemote(intent, site),
      permit({ prefixSet: sets.switches }),
      permit({ prefixSet: carriedBy(intent) }),
      permit({ prefixSet: sets.ownServices }),
      permit({ prefixSet: sets.external }),
    ],
    [policies.dciToBorder]: [
      permit({ prefixSet: sets.switches, local: true }),
      deny({ anyCommunity: [here] }),
      ...remote,
    ],
    [policies.dciFromSites]: [deny({ anyCommunity: [here] }), ...remote],
    ...Object.fromEntries(toSites),
  }
}

function edgePolicies(intent: Intent, site: SiteIntent): Record<string, PolicyTerm[]> {
  const here = siteOf(site.name)
  const atPeers = intent.peers
    .filter((peer) => peer.site === site.name)
    .flatMap((peer): [string, PolicyTerm[]][] => [
      [
        fromPeer(peer.name),
        [permit({ prefixSet: receiveSet(peer) }, { replaceCommunities: [here, kindOf('external')] })],
      ],
      [toPeer(peer.name), termsToPeer(peer, here)],
    ])
  return {
    [policies.edgeFromBorder]: [
      permit({ prefixSet: sets.aggregates }),
      permit({ prefixSet: sets.remoteAggregates }),
      ...[sets.ownServices, sets.remoteServices].map((set) =>
        permit({ prefixSet: set, anyCommunity: [scopeOf('edge')] }),
      ),
      permit({ prefixSet: sets.switches }),
    ],
    [policies.edgeToBorder]: [
      permit({ prefixSet: sets.switches, local: true }),
      permit({ prefixSet: sets.external, anyCommunity: [kindOf('external')] }),
    ],
    ...Object.fromEntries(atPeers),
  }
}

function termsToPeer(peer: PeerIntent, here: string): PolicyTerm[] {
  // With private AS numbers removed, all sites look equally near from outside: the others step back by prepending.
  const further: PolicyActions = { prepend: 2 }
  const terms: Record<PeerIntent['send'][number], PolicyTerm[]> = {
    services: [
      permit({ prefixSet: sets.ownServices, anyCommunity: [here] }),
      permit({ prefixSet: sets.ownServices }, further),
      permit({ prefixSet: sets.remoteServices }, further),
    ],
    'service-pools': [permit({ prefixSet: sets.servicePools, local: true })],
    nodes: [permit({ prefixSet: sets.aggregates, anyCommunity: [kindOf('node')] })],
    pods: [permit({ prefixSet: sets.aggregates, anyCommunity: [kindOf('pod')] })],
    default: [permit({ prefixSet: sets.default })],
  }
  // What the communities say is nobody's business outside, and would mean something else in another Weft fabric.
  return peer.send
    .flatMap((what) => terms[what])
    .map((term) => ({ ...term, set: { ...term.set, replaceCommunities: [] } }))
}

function originPolicies(site: SiteIntent): Record<string, PolicyTerm[]> {
  const here = siteOf(site.name)
  const origin = (...communities: string[]) => [permit({}, { replaceCommunities: communities })]
  return {
    [policies.switchOrigin]: origin(here, kindOf('switch')),
    [policies.nodeAggregate]: origin(here, kindOf('node')),
    [policies.podAggregate]: origin(here, kindOf('pod')),
    [policies.serviceAggregate]: origin(here, kindOf('service'), scopeOf('edge')),
    ...Object.fromEntries(scopes.map((scope) => [vipPolicy(scope), origin(scopeOf(scope))])),
  }
}

/** The site's aggregates that other sites are told of; one that they do not learn is not offered either. */
function carriedBy({ dci }: Intent): string {
  return dci.carry.includes('nodes') && dci.carry.includes('pods') ? sets.aggregates : sets.carried
}

function denyRemote(intent: Intent, site: SiteIntent): PolicyTerm[] {
  const others = intent.sites.filter((other) => other !== site).map((other) => siteOf(other.name))
  return others.length === 0 ? [] : [deny({ anyCommunity: others })]
}

/** Imports from inside: preferred, and a little less while drained; the mark is taken off, or FRR would make it the worst. */
function unlessDrained(match: PolicyMatch, set: PolicyActions = {}): PolicyTerm[] {
  return [
    permit(
      { ...match, gracefulShutdown: true },
      { ...set, localPreference: preference.drained, gracefulShutdown: 'remove' },
    ),
    permit(match, { ...set, localPreference: preference.below }),
  ]
}

/** Exports that pass on that the announcer is drained. */
function tellDrained(match: PolicyMatch, set: PolicyActions = {}): PolicyTerm[] {
  return [
    permit({ ...match, localPreference: preference.drained }, { ...set, gracefulShutdown: 'add' }),
    permit(match, set),
  ]
}

function permit(match: PolicyMatch, set: PolicyActions = {}): PolicyTerm {
  return { action: 'permit', match, set }
}

function deny(match: PolicyMatch): PolicyTerm {
  return { action: 'deny', match, set: {} }
}

/** Gives names their site, and drops terms that match on a set that is empty in this plan. */
function qualify(
  site: SiteIntent,
  prefixSets: Record<string, PrefixSet>,
  named: Record<string, PolicyTerm[]>,
): Record<string, RoutePolicy> {
  const qualified = Object.entries(named).map(([name, terms]): [string, RoutePolicy] => [
    `${site.name}.${name}`,
    {
      terms: terms.flatMap((term) => {
        if (term.match.prefixSet === undefined) return [term]
        const key = `${site.name}.${term.match.prefixSet}`
        return key in prefixSets ? [{ ...term, match: { ...term.match, prefixSet: key } }] : []
      }),
    },
  ])
  return Object.fromEntries(qualified)
}
