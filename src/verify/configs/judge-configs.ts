/*
 * What a folder of FRR configurations amounts to: which sessions form, what does not and why, what passes, and how much
 * of it was understood. The verdict is open as soon as one statement was not: a partial reading must never look green.
 */
import { ControlPlane } from '../simulate/control-plane.ts'
import { type OverLimit, overLimit } from '../simulate/prefix-limits.ts'
import type { RouterModel } from '../simulate/router-model.ts'
import type { SessionSide } from '../simulate/sessions.ts'
import { buildRouter, type Unwritten, usuallyUnwritten } from './build-router.ts'
import { type Cabling, cableUp, linksFileNames, type ReadRouter } from './links.ts'
import type { RawConfig, Unsupported } from './raw-config.ts'
import { readConfig } from './read-config.ts'
import { restartSkews } from './restart-skew.ts'

export interface ConfigFile {
  /** Path within the folder. */
  path: string
  text: string
}

export interface ConfigFinding {
  /** `violated` is wrong for certain, `open` may be wrong, `note` is worth knowing. */
  kind: 'violated' | 'open' | 'note'
  /** Findings of one rule are of the same kind of mistake. */
  rule: string
  router: string
  file: string
  /** Null when it is about no line in particular. */
  line: number | null
  message: string
  mend: string
}

export interface ConfigJudgement {
  verdict: 'ok' | 'violated' | 'undecided'
  routers: number
  statements: number
  understood: number
  sessions: { configured: number; up: number }
  prefixes: number
  findings: ConfigFinding[]
  unsupported: Unsupported[]
  /** Cables that nobody names. */
  missing: string[]
  plane: ControlPlane
}

/** Reads and judges configurations. A links file may be among them. */
export function judgeConfigs(
  files: readonly ConfigFile[],
  unwritten: Unwritten = usuallyUnwritten,
): ConfigJudgement {
  const linksFile = files.find(({ path }) => linksFileNames.includes(path.split('/').at(-1)!)) ?? null
  const routers = mergeByRouter(files.filter((file) => file !== linksFile)).map(
    (raw): ReadRouter => ({
      raw,
      router: buildRouter(raw, unwritten),
    }),
  )
  const cabling = cableUp(routers, linksFile === null ? null : { file: linksFile.path, text: linksFile.text })
  let plane = controlPlaneOf(routers, cabling)
  const findings = [
    ...duplicates(routers),
    ...unwrittenDefaults(routers),
    ...undefinedReferences(routers),
    ...sessionFindings(routers, plane, cabling),
  ]
  const closed = overLimit(plane)
  findings.push(...closed.map((found) => limitFinding(routers, found)))
  if (closed.length > 0) plane = controlPlaneOf(withoutSessions(routers, closed), cabling)
  findings.push(...stability(plane), ...silentSessions(routers, plane), ...sharedRemovals(routers, plane))
  findings.push(
    ...restartSkews(routers, plane).map(({ router, line, ...said }) =>
      finding('graceful restart', router, 'violated', line, said),
    ),
  )
  const unsupported = [...routers.flatMap(({ raw }) => raw.unsupported), ...cabling.problems]
  const statements = routers.reduce((sum, { raw }) => sum + raw.statements, 0)
  const isOpen = unsupported.length > 0 || findings.some(({ kind }) => kind === 'open')
  const isViolated = findings.some(({ kind }) => kind === 'violated')
  return {
    verdict: isViolated ? 'violated' : isOpen ? 'undecided' : 'ok',
    routers: routers.length,
    statements,
    understood: statements - unsupported.length,
    sessions: {
      configured: routers.reduce((sum, { router }) => sum + router.neighbors.length, 0),
      up: [...plane.sides.values()].reduce((sum, sides) => sum + sides.length, 0),
    },
    prefixes: plane.prefixes().filter((prefix) => plane.table(prefix).entries.size > 0).length,
    findings,
    unsupported,
    missing: cabling.missing,
    plane,
  }
}

/** A router may be written in one file or in one for each daemon: files of one folder with one host name are one. */
function mergeByRouter(files: readonly ConfigFile[]): RawConfig[] {
  const groups = Map.groupBy(files, ({ path }) =>
    /^(zebra|bgpd|bfdd|staticd|mgmtd)\.conf$/.test(path.split('/').at(-1)!)
      ? `${path.split('/').slice(0, -1).join('/')}/`
      : path,
  )
  return [...groups.values()]
    .map((parts) =>
      parts.length === 1
        ? readConfig(parts[0]!.path, parts[0]!.text)
        : readConfig(parts[0]!.path, parts.map(({ text }) => text).join('\nend\n')),
    )
    .filter((raw) => raw.statements > 0 || raw.unsupported.length > 0)
}

function controlPlaneOf(routers: readonly ReadRouter[], { links, kernelRoutes }: Cabling): ControlPlane {
  return new ControlPlane({ routers: routers.map(({ router }) => router), links, kernelRoutes })
}

function duplicates(routers: readonly ReadRouter[]): ConfigFinding[] {
  const byName = Map.groupBy(routers, ({ router }) => router.name)
  return [...byName.values()]
    .filter((same) => same.length > 1)
    .map(([first, second]) =>
      finding('duplicate', first!, 'violated', null, {
        message: `two files are of the router ${first!.router.name}: ${first!.raw.file} and ${second!.raw.file}`,
        mend: 'give each its own hostname, or leave one of them out',
      }),
    )
}

/** Which defaults hold is no detail: the traditional ones pass nothing without policies, the others everything. */
function unwrittenDefaults(routers: readonly ReadRouter[]): ConfigFinding[] {
  const silent = routers.filter(({ raw }) => raw.asn !== 0 && (raw.profile === null || raw.release === null))
  const [first] = silent
  if (first === undefined) return []
  const { profile, release } = first.router
  return [
    finding('defaults', first, 'note', null, {
      message: `${silent.length} files do not say "frr defaults" or "frr version": taken as ${profile}, ${release.major}.${release.minor}`,
      mend: 'say what they run: --defaults datacenter (Cumulus Linux), --frr 10.3',
    }),
  ]
}

/** A filter that does not exist denies everything, without a word from FRR. */
function undefinedReferences(routers: readonly ReadRouter[]): ConfigFinding[] {
  return routers.flatMap((entry) => {
    const { router, raw } = entry
    const found = new Map<string, number | null>()
    const want = (exists: boolean, what: string, line: number | null = null) => {
      if (!exists && !found.has(what)) found.set(what, line)
    }
    for (const { id, group, families } of router.neighbors)
      for (const family of ['ipv4', 'ipv6'] as const) {
        const config = families[family]
        if (config === null) continue
        for (const [name, direction] of [
          [config.routeMapIn, 'in'],
          [config.routeMapOut, 'out'],
        ] as const)
          if (name !== null)
            want(
              name in router.routeMaps,
              `route-map ${name}`,
              raw.lines.get(`neighbor ${id} route-map ${direction}`) ??
                raw.lines.get(`neighbor ${group} route-map ${direction}`),
            )
        const condition = config.defaultOriginate?.routeMap ?? null
        if (condition !== null) want(condition in router.routeMaps, `route-map ${condition}`)
        for (const name of [config.prefixListIn, config.prefixListOut])
          if (name !== null)
            want(`${family} ${name}` in router.prefixLists, `prefix-list ${name} (${family})`)
        for (const name of [config.filterListIn, config.filterListOut])
          if (name !== null) want(name in router.asPathLists, `as-path access-list ${name}`)
      }
    for (const family of ['ipv4', 'ipv6'] as const) {
      const { networks, aggregates, redistribute } = router.families[family]
      for (const { routeMap } of [...networks, ...aggregates, ...redistribute])
        if (routeMap !== null) want(routeMap in router.routeMaps, `route-map ${routeMap}`)
    }
    for (const [map, entries] of Object.entries(router.routeMaps))
      for (const { sequence, matches, call } of entries) {
        const line = raw.lines.get(`route-map ${map} ${sequence}`) ?? null
        if (call !== null) want(call in router.routeMaps, `route-map ${call}`, line)
        for (const term of matches) {
          if (term.on === 'prefix-list')
            want(
              `${term.family} ${term.list}` in router.prefixLists,
              `prefix-list ${term.list} (${term.family})`,
              line,
            )
          if (term.on === 'as-path')
            want(term.list in router.asPathLists, `as-path access-list ${term.list}`, line)
          if (term.on === 'community')
            want(term.list in router.communityLists, `community-list ${term.list}`, line)
          if (term.on === 'large-community')
            want(term.list in router.largeCommunityLists, `large-community-list ${term.list}`, line)
        }
      }
    return [...found].map(([what, line]) =>
      finding('undefined', entry, 'violated', line, {
        message: `${what} is used and not defined: as a filter it denies everything, as a condition it never holds`,
        mend: 'define it, or take it out where it is used',
      }),
    )
  })
}

function sessionFindings(
  routers: readonly ReadRouter[],
  plane: ControlPlane,
  { missing, outside }: Cabling,
): ConfigFinding[] {
  const open = new Set(missing)
  const findings = plane.problems.flatMap((problem): ConfigFinding[] => {
    const entry = routers.find(({ router }) => router.name === problem.router)!
    const line = entry.raw.lines.get(`neighbor ${problem.neighbor}`) ?? null
    if (problem.reason === 'shut down')
      return [
        finding('shut down', entry, 'note', line, {
          message: `neighbor ${problem.neighbor} is shut down`,
          mend: '',
        }),
      ]
    if (outside.has(`${problem.router} ${problem.neighbor}`)) return []
    // All cables that are missing are listed together.
    if (open.has(`${problem.router} ${problem.neighbor}`) && problem.reason === 'no cable known') return []
    return [
      finding(problem.reason, entry, problem.isOpen ? 'open' : 'violated', line, {
        message: `the session with ${problem.neighbor} ${problem.isOpen ? 'cannot be judged' : 'does not come up'}: ${problem.reason} (${problem.detail})`,
        mend: mendOf[problem.reason],
      }),
    ]
  })
  return [...findings, ...missingCables(missing)]
}

function missingCables(missing: readonly string[]): ConfigFinding[] {
  const [first] = missing
  if (first === undefined) return []
  const names = `${missing.slice(0, 6).join(', ')}${missing.length > 6 ? ', …' : ''}`
  return [
    {
      kind: 'open',
      rule: 'cables',
      router: first.split(' ')[0]!,
      file: 'links',
      line: null,
      message: `nothing says what ${missing.length} interfaces of unnumbered neighbours are connected to: ${names}`,
      mend: 'add a file "links" to the folder, one cable a line: leaf1 eth1 spine1 eth3',
    },
  ]
}

const mendOf: Record<SessionProblemReason, string> = {
  'shut down': '',
  'no cable known': 'name the cable in a file "links": leaf1 eth1 spine1 eth3',
  'other end unknown':
    'add the configuration of the router that has this address, or write to the file "links" that it belongs to others: outside edge1 192.0.2.1',
  'other end not configured': 'configure the neighbour at the other end as well',
  'not directly connected': 'check the address and the cable',
  'AS numbers differ': 'correct remote-as',
  'passwords differ': 'give both ends the same password',
  'GTSM on one end': 'write ttl-security at both ends or at none',
  'no common address family': 'activate the same address family at both ends',
  'both ends passive': 'take passive away from one end',
}
type SessionProblemReason = ControlPlane['problems'][number]['reason']

function limitFinding(routers: readonly ReadRouter[], { side, limit, received }: OverLimit): ConfigFinding {
  const entry = routers.find(({ router }) => router.name === side.router.name)!
  return finding(
    'maximum-prefix',
    entry,
    'violated',
    entry.raw.lines.get(`neighbor ${side.neighbor.id}`) ?? null,
    {
      message: `${side.remote.router.name} announces ${received} prefixes and may announce ${limit}: the session goes down and stays down`,
      mend: 'raise maximum-prefix, or filter more at the sender (what is denied on receipt counts as well)',
    },
  )
}

function withoutSessions(
  routers: readonly ReadRouter[],
  closed: readonly { side: SessionSide }[],
): ReadRouter[] {
  const gone = new Set(closed.map(({ side }) => side.neighbor))
  return routers.map(({ raw, router }) => ({
    raw,
    router: { ...router, neighbors: router.neighbors.filter((neighbor) => !gone.has(neighbor)) },
  }))
}

function stability(plane: ControlPlane): ConfigFinding[] {
  return plane.prefixes().flatMap((prefix) => {
    if (plane.table(prefix).isStable) return []
    return [
      {
        kind: 'violated' as const,
        rule: 'unstable',
        router: '',
        file: '',
        line: null,
        message: `${prefix} never settles: its routers change each other's minds for ever`,
        mend: 'look for local preferences that point in a circle',
      },
    ]
  })
}

/** Sessions that come up and, for lack of any policy, pass nothing (RFC 8212): they look healthy in every summary. */
function silentSessions(routers: readonly ReadRouter[], plane: ControlPlane): ConfigFinding[] {
  return routers.flatMap((entry) => {
    const { router, raw } = entry
    if (!router.bgp.requiresPolicy) return []
    return (plane.sides.get(router.name) ?? []).flatMap((side) => {
      if (side.type === 'ibgp') return []
      const lacking = side.families.flatMap((family) => directionsWithout(side, family))
      if (lacking.length === 0) return []
      return [
        finding('no policy', entry, 'violated', raw.lines.get(`neighbor ${side.neighbor.id}`) ?? null, {
          message: `the session with ${side.remote.router.name} comes up and passes nothing ${lacking.join(', ')}: no policy, and RFC 8212 is in force${raw.options.has('requiresPolicy') ? '' : ` (default of the ${router.profile} profile)`}`,
          mend: 'give the neighbour route-map in and out, or write "no bgp ebgp-requires-policy" and mean it',
        }),
      ]
    })
  })
}

/** FRR keeps the receiver's own number in the path, but of neighbours that it serves together only that of the first. */
function sharedRemovals(routers: readonly ReadRouter[], plane: ControlPlane): ConfigFinding[] {
  return routers.flatMap((entry) => {
    const removing = (plane.sides.get(entry.router.name) ?? []).filter(({ neighbor }) =>
      (['ipv4', 'ipv6'] as const).some(
        (family) => (neighbor.families[family]?.removePrivateAs ?? 'no') !== 'no',
      ),
    )
    const groups = Map.groupBy(removing, ({ neighbor }) =>
      JSON.stringify([neighbor.group, neighbor.families]),
    )
    return [...groups.values()].flatMap((group) => {
      if (new Set(group.map(({ remote }) => remote.router.asn)).size < 2) return []
      return [
        finding('remove-private-AS', entry, 'open', null, {
          message: `remove-private-AS towards ${group.map(({ remote }) => remote.router.name).join(', ')}, of different AS numbers: which of these FRR keeps in paths depends on which session came up first`,
          mend: 'give them filters of their own, so that FRR does not serve them together',
        }),
      ]
    })
  })
}

function directionsWithout(side: SessionSide, family: 'ipv4' | 'ipv6'): string[] {
  const config = side.neighbor.families[family]!
  const hasIn = (config.routeMapIn ?? config.prefixListIn ?? config.filterListIn) !== null
  const hasOut = (config.routeMapOut ?? config.prefixListOut ?? config.filterListOut) !== null
  return [...(hasIn ? [] : [`in (${family})`]), ...(hasOut ? [] : [`out (${family})`])]
}

function finding(
  rule: string,
  { raw, router }: { raw: RawConfig; router: RouterModel },
  kind: ConfigFinding['kind'],
  line: number | null,
  text: Pick<ConfigFinding, 'message' | 'mend'>,
): ConfigFinding {
  return { kind, rule, router: router.name, file: raw.file, line, ...text }
}
