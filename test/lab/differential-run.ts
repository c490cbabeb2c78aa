/*
 * One random fabric on real FRR, compared with the simulator path by path: what `npm run differential` does for hours
 * and the test suite for a minute.
 *
 * The simulator reads the very text that the routers load. Compared are, for every router and prefix, all paths with
 * the neighbour they came from, AS path, origin, MED, local preference, communities, bandwidth and whether they take
 * part in ECMP; and the kernel's next hops with their weights. A state under a fault is compared when it has settled,
 * that is as soon as everything is equal; what is not after a time is a mismatch.
 *
 * What may differ without being wrong, and is counted as explained: where FRR lets the age of a path decide which of
 * several equal ones is announced (`dependsOnOrder`), paths further on may have another AS path of the same length.
 */
import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import { isOwnedRouteMap, routeMapChanges, routeMapOf } from '../../src/agent/vip-route-map.ts'
import { WeftError } from '../../src/diagnostics/error.ts'
import type { ConfigChange } from '../../src/frr/config-transaction.ts'
import { type BgpPathDetail, readBgpPrefix, readBgpTable } from '../../src/frr/show-bgp.ts'
import type { Intent } from '../../src/intent/model.ts'
import { LabReader } from '../../src/lab/actual.ts'
import { forEachLimited } from '../../src/lab/concurrency.ts'
import { healAll, injectFault } from '../../src/lab/faults/faults.ts'
import type { FaultSpec } from '../../src/lab/faults/model.ts'
import { namespaceOf } from '../../src/lab/names.ts'
import { takeDown } from '../../src/lab/teardown.ts'
import { bringUp } from '../../src/lab/up.ts'
import { inNamespace } from '../../src/linux/namespace.ts'
import { run } from '../../src/linux/run.ts'
import { emptyLock } from '../../src/plan/lock.ts'
import type { Plan } from '../../src/plan/model.ts'
import { planFabric } from '../../src/plan/plan-fabric.ts'
import { renderFrr } from '../../src/render/frr/frr-config.ts'
import { buildRouter } from '../../src/verify/configs/build-router.ts'
import { readConfig } from '../../src/verify/configs/read-config.ts'
import { ControlPlane, isLocal, type Path } from '../../src/verify/simulate/control-plane.ts'
import { nextHopsOf } from '../../src/verify/simulate/forwarding.ts'
import { orderEffects } from '../../src/verify/simulate/order-effects.ts'
import { randomIntents } from '../../src/verify/simulate/random-fabric.fixture.ts'
import { linksOfPlan, withoutInterfaces } from '../../src/verify/simulate/router-of-plan.ts'
import { type Tweak, tweakChanges } from './differential-tweaks.ts'

/** A service address with what its node says about it. */
export interface Announcement {
  node: number
  address: number
  scope: 'rack' | 'site' | 'global' | 'edge'
  weight: number | null
  isDrained: boolean
}

/** What is done to the fabric after it was compared whole; numbers choose among what there is. */
export interface DifferentialCase {
  intent: Intent
  announcements: Announcement[]
  tweaks: Tweak[]
  faults: { kind: 'silent' | 'carrier' | 'power'; target: number }[]
}

/** Random cases; the same seed gives the same case. Tweaks are settings that plans do not have. */
export function differentialCase(seed: number, mostDevices: number, hasTweaks = false): DifferentialCase {
  const announcement: fc.Arbitrary<Announcement> = fc.record({
    node: fc.nat(9),
    address: fc.integer({ min: 1, max: 3 }),
    scope: fc.constantFrom('rack' as const, 'site' as const, 'global' as const, 'edge' as const),
    weight: fc.option(fc.integer({ min: 1, max: 5 })),
    isDrained: fc.boolean(),
  })
  const fault = fc.record({
    kind: fc.constantFrom('silent' as const, 'carrier' as const, 'power' as const),
    target: fc.nat(999),
  })
  const tweak = fc.record({ device: fc.nat(999), kind: fc.nat(999), target: fc.nat(999) })
  const cases = fc.record({
    intent: randomIntents(mostDevices),
    announcements: fc.array(announcement, { maxLength: 4 }),
    tweaks: fc.array(tweak, hasTweaks ? { minLength: 1, maxLength: 3 } : { maxLength: 0 }),
    faults: fc.array(fault, { maxLength: 3 }),
  })
  return fc.sample(cases, { seed, numRuns: 1 })[0]!
}

export interface Score {
  topologies: number
  states: number
  routers: number
  prefixes: number
  paths: number
  nextHops: number
  explained: number
  mismatches: string[]
}

export const emptyScore: Score = {
  topologies: 0,
  states: 0,
  routers: 0,
  prefixes: 0,
  paths: 0,
  nextHops: 0,
  explained: 0,
  mismatches: [],
}

const settleTimeoutMs = 25_000

/** Boots the fabric, compares it whole, then with the announcements, then under each fault on top of the others. */
export async function runDifferential(name: string, test: DifferentialCase): Promise<Score> {
  const { plan, diagnostics } = planFabric(test.intent, emptyLock)
  if (plan === null) throw new Error(diagnostics.map(({ message }) => message).join('\n'))
  const score: Score = { ...emptyScore, topologies: 1, routers: plan.devices.length, mismatches: [] }
  const reader = new LabReader(name)
  try {
    const boot = await bringUp(plan, { name, kubernetes: false, convergenceTimeoutMs: 40_000 }).then(
      () => null,
      (error: unknown) => error,
    )
    // Not converged may mean that the order of arrival decides: then the comparison below, which knows, has the word.
    if (boot !== null && !(boot instanceof WeftError && boot.code === 'WEFT_LAB_NOT_CONVERGED')) throw boot
    const state = new FabricState(plan, name, reader)
    await state.compare('whole', score)
    if (test.announcements.length > 0) {
      await state.announce(test.announcements)
      await state.compare('announcements', score)
    }
    if (test.tweaks.length > 0) {
      const said = await state.tweak(test.tweaks)
      await state.compare(`tweaked (${said.join('; ')})`, score)
    }
    for (const { kind, target } of test.faults) {
      const spec = state.faultOf(kind, target)
      await injectFault(name, spec)
      state.note(spec)
      await state.compare(JSON.stringify(spec), score)
    }
    if (test.faults.length > 0) {
      await healAll(name)
      state.healed()
      await state.compare('healed', score)
    }
    return score
  } finally {
    reader.close()
    await takeDown(name)
  }
}

/** Adds up two scores. */
export function addScores(a: Score, b: Score): Score {
  return {
    topologies: a.topologies + b.topologies,
    states: a.states + b.states,
    routers: a.routers + b.routers,
    prefixes: a.prefixes + b.prefixes,
    paths: a.paths + b.paths,
    nextHops: a.nextHops + b.nextHops,
    explained: a.explained + b.explained,
    mismatches: [...a.mismatches, ...b.mismatches],
  }
}

class FabricState {
  readonly #plan: Plan
  readonly #lab: string
  readonly #reader: LabReader
  /** Configuration that was added at run time, by device. */
  readonly #added = new Map<string, string>()
  #deadLinks = new Set<string>()
  #deadDevices = new Set<string>()

  constructor(plan: Plan, lab: string, reader: LabReader) {
    this.#plan = plan
    this.#lab = lab
    this.#reader = reader
  }

  faultOf(kind: 'silent' | 'carrier' | 'power', target: number): FaultSpec {
    const { links, devices } = this.#plan
    if (kind === 'power')
      return { kind: 'device', device: devices[target % devices.length]!.name, how: 'power' }
    return { kind, link: links[target % links.length]!.id }
  }

  note(spec: FaultSpec): void {
    if (spec.kind === 'device') this.#deadDevices.add(spec.device)
    else if ('link' in spec) this.#deadLinks.add(spec.link)
  }

  healed(): void {
    this.#deadLinks = new Set()
    // What was added at run time is gone from a router that lost power.
    for (const device of this.#deadDevices) this.#added.delete(device)
    this.#deadDevices = new Set()
  }

  /** Announces service addresses with the agent's own route maps, as the agent does. */
  async announce(announcements: readonly Announcement[]): Promise<void> {
    const nodes = this.#plan.devices.filter(({ role }) => role === 'node')
    for (const { node, address, scope, weight, isDrained } of announcements) {
      const device = nodes[node % nodes.length]!
      const pool = this.#plan.sites.find(({ name }) => name === device.site)!.services[0]!
      const prefix = `${pool.prefix.replace(/\.0\/.*$/, '')}.${100 + address}/32`
      const map = routeMapOf({
        scope,
        ...(weight === null ? {} : { weight }),
        ...(isDrained ? { drained: true } : {}),
      })
      const changes: ConfigChange[] = [
        // The plain one of a scope is part of every node's configuration.
        ...(isOwnedRouteMap(map.name) ? routeMapChanges(map, device.asn) : []),
        {
          context: [`router bgp ${device.asn}`, 'address-family ipv4 unicast'],
          line: `network ${prefix} route-map ${map.name}`,
        },
      ]
      await this.#configure(device.name, changes)
    }
  }

  /** Settings that plans do not have; returns them in words. */
  async tweak(tweaks: readonly Tweak[]): Promise<string[]> {
    const said: string[] = []
    for (const tweak of tweaks) {
      const made = tweakChanges(this.#plan, tweak)
      if (made === null) continue
      await this.#configure(made.device.name, made.changes)
      said.push(`${made.device.name}: ${made.changes.map(({ line }) => line).join(', ')}`)
    }
    return said
  }

  async #configure(device: string, changes: readonly ConfigChange[]): Promise<void> {
    await this.#reader.daemon(device, 'bgpd').configure(changes)
    const text = changes.map(({ context, line }) => ['end', ...context, line].join('\n')).join('\n')
    this.#added.set(device, `${this.#added.get(device) ?? ''}\n${text}`)
  }

  #simulate(): ControlPlane {
    const isDead = (link: Plan['links'][number]) =>
      this.#deadLinks.has(link.id) ||
      this.#deadDevices.has(link.a.device) ||
      this.#deadDevices.has(link.b.device)
    const down = new Set(
      this.#plan.links
        .filter(isDead)
        .flatMap(({ a, b }) => [a, b])
        .map((end) => `${end.device} ${end.interface}`),
    )
    const routers = this.#plan.devices
      .filter(({ name }) => !this.#deadDevices.has(name))
      .map((device) => {
        const text = renderFrr(this.#plan, device).integrated + (this.#added.get(device.name) ?? '')
        const raw = readConfig(device.name, text)
        if (raw.unsupported.length > 0) throw new Error(JSON.stringify(raw.unsupported))
        return withoutInterfaces({ ...buildRouter(raw), name: device.name }, down)
      })
    return new ControlPlane({
      routers,
      links: linksOfPlan({ links: this.#plan.links.filter((link) => !isDead(link)) }),
    })
  }

  /** Waits until every router has what the simulator says, and counts. */
  async compare(state: string, score: Score): Promise<void> {
    const wanted = wantedOf(this.#simulate(), this.#plan)
    const orderUsed = new Set(
      [...wanted.values()].flatMap(({ prefixes }) =>
        [...prefixes].flatMap(([prefix, { order }]) => (order === 'used' ? [prefix] : [])),
      ),
    )
    const deadline = performance.now() + settleTimeoutMs
    let pending = [...wanted.keys()]
    let different = new Map<string, string[]>()
    let explained = 0
    for (;;) {
      const still = new Map<string, string[]>()
      await forEachLimited(pending, 4, async (device) => {
        const found = await this.#read(device, [...wanted.get(device)!.prefixes.keys()])
        const result = compareRouter(wanted.get(device)!, orderUsed, found)
        if (result.different.length > 0) still.set(device, result.different)
        else explained += result.explained
      })
      different = still
      pending = [...still.keys()]
      if (pending.length === 0 || performance.now() > deadline) break
      await delay(200)
    }
    score.states++
    score.explained += explained
    for (const { prefixes } of wanted.values())
      for (const { paths, nextHops } of prefixes.values()) {
        score.prefixes++
        score.paths += paths.size
        score.nextHops += nextHops?.size ?? 0
      }
    for (const [device, lines] of different)
      score.mismatches.push(...lines.map((line) => `${state}: ${device} ${line}`))
  }

  async #read(device: string, prefixes: readonly string[]): Promise<FoundRouter> {
    const bgpd = this.#reader.daemon(device, 'bgpd')
    const found: FoundRouter = { prefixes: new Map(), kernel: new Map() }
    for (const family of ['ipv4', 'ipv6'] as const) {
      const table = await readBgpTable(bgpd, family)
      const known = new Set([...table.keys(), ...prefixes.filter((prefix) => isOf(prefix, family))])
      await Promise.all(
        [...known].map(async (prefix) => {
          const paths = await readBgpPrefix(bgpd, family, prefix)
          if (paths.length > 0) found.prefixes.set(prefix, paths)
        }),
      )
    }
    found.kernel = await this.#readKernel(device)
    return found
  }

  /** Prefix → interface → weight. */
  async #readKernel(device: string): Promise<Map<string, Map<string, number>>> {
    const kernel = new Map<string, Map<string, number>>()
    for (const [flag, anywhere, length] of [
      ['-4', '0.0.0.0/0', 32],
      ['-6', '::/0', 128],
    ] as const) {
      const command = ['ip', '-json', flag, 'route', 'show', 'proto', 'bgp'] as const
      const { stdout } = await run(inNamespace(namespaceOf(this.#lab, device), command))
      const rows = (stdout.trim() === '' ? [] : JSON.parse(stdout)) as KernelRow[]
      for (const { dst, dev, nexthops, type } of rows) {
        const prefix = dst === 'default' ? anywhere : dst.includes('/') ? dst : `${dst}/${length}`
        const hops = kernel.get(prefix) ?? new Map<string, number>()
        kernel.set(prefix, hops)
        if (type === 'blackhole') continue
        for (const hop of nexthops ?? (dev === undefined ? [] : [{ dev, weight: 1 }]))
          hops.set(hop.dev, hop.weight ?? 1)
      }
    }
    return kernel
  }
}

interface KernelRow {
  dst: string
  type?: string
  dev?: string
  nexthops?: { dev: string; weight?: number }[]
}

interface WantedPath {
  attributes: string
  pathLength: number
  isMultipath: boolean
}

interface WantedRouter {
  prefixes: Map<
    string,
    {
      /** By neighbour; its own are called `self`. */
      paths: Map<string, WantedPath>
      /** Interface → weight; null for own routes. */
      nextHops: Map<string, number> | null
      /** Somewhere on the way the age of a path decides: what is announced further, or even which next hops are used. */
      order: 'none' | 'announced' | 'used'
    }
  >
}

interface FoundRouter {
  prefixes: Map<string, BgpPathDetail[]>
  kernel: Map<string, Map<string, number>>
}

function wantedOf(plane: ControlPlane, plan: Plan): Map<string, WantedRouter> {
  const wanted = new Map<string, WantedRouter>(
    [...plane.routers.keys()].map((name) => [name, { prefixes: new Map() }]),
  )
  const hostnames = new Map(plan.devices.map(({ name, hostname }) => [name, hostname]))
  for (const prefix of plane.prefixes()) {
    const table = plane.table(prefix)
    const isTied = [...table.entries.values()].some(({ decision }) => decision.dependsOnOrder)
    const order = orderEffects(plane, prefix).length > 0 ? 'used' : isTied ? 'announced' : 'none'
    for (const [name, entry] of table.entries) {
      const { multipath } = entry.decision
      wanted.get(name)!.prefixes.set(prefix, {
        paths: new Map(
          entry.paths.map((path) => [
            path.from === null ? `self ${path.route.origin}` : hostnames.get(path.from.remote.router.name)!,
            wantedPath(path, multipath.includes(path)),
          ]),
        ),
        nextHops: isLocal(entry)
          ? null
          : new Map(nextHopsOf(plane.routers.get(name)!, entry).map((hop) => [hop.interface, hop.weight])),
        order,
      })
    }
  }
  return wanted
}

function wantedPath({ route, from }: Path, isMultipath: boolean): WantedPath {
  return {
    attributes: [
      `path ${route.asPath.join(' ')}`,
      `origin ${route.origin}`,
      `med ${route.med ?? 0}`,
      `preference ${route.localPreference}`,
      `communities ${route.communities.join(' ')}`,
      `large ${route.largeCommunities.join(' ')}`,
      `bandwidth ${from === null ? '' : (route.bandwidth ?? '')}`,
    ].join(', '),
    pathLength: route.asPath.length,
    isMultipath,
  }
}

/** A router can have two of its own: one from \`network\`, and one from \`redistribute\` that differs by its origin. */
function foundName({ peer, peerHostname, origin }: BgpPathDetail): string {
  return peer === '' ? `self ${origin.toLowerCase()}` : (peerHostname ?? peer)
}

function foundAttributes(path: BgpPathDetail): string {
  const asPath = path.asPath
  const bandwidth = path.extendedCommunities.find((community) => community.startsWith('LB:'))?.split(':')[2]
  const isOwn = path.peer === ''
  return [
    `path ${asPath}`,
    `origin ${path.origin.toLowerCase()}`,
    `med ${path.med ?? 0}`,
    `preference ${path.localPreference ?? 100}`,
    `communities ${path.communities.map(numeric).sort().join(' ')}`,
    `large ${path.largeCommunities.toSorted().join(' ')}`,
    `bandwidth ${isOwn ? '' : (bandwidth ?? '')}`,
  ].join(', ')
}

const wellKnown: Record<string, string> = {
  gracefulShutdown: '65535:0',
  'graceful-shutdown': '65535:0',
  'no-export': '65535:65281',
  noExport: '65535:65281',
}

function numeric(community: string): string {
  return wellKnown[community] ?? community
}

function compareRouter(
  wanted: WantedRouter,
  orderUsed: ReadonlySet<string>,
  found: FoundRouter,
): { different: string[]; explained: number } {
  const all: string[] = []
  let explained = 0
  for (const prefix of new Set([...wanted.prefixes.keys(), ...found.prefixes.keys()])) {
    const expected = wanted.prefixes.get(prefix)
    const actual = found.prefixes.get(prefix) ?? []
    if (expected === undefined) {
      // A router that has nothing may have something after all when somebody else had a choice.
      if (orderUsed.has(prefix)) {
        explained++
        continue
      }
      all.push(`${prefix}: not expected, found ${actual.map(foundName).join(' ')}`)
      continue
    }
    const different: string[] = []
    const { paths } = expected
    const byName = new Map(actual.filter(({ isValid }) => isValid).map((path) => [foundName(path), path]))
    for (const name of new Set([...paths.keys(), ...byName.keys()])) {
      const [one, other] = [paths.get(name), byName.get(name)]
      const isUsed = one?.isMultipath === true || other?.isMultipath === true
      if (one === undefined || other === undefined) {
        const what =
          one === undefined ? `not expected: ${foundAttributes(other!)}` : `missing: ${one.attributes}`
        if (expected.order !== 'none' && !isUsed) explained++
        else different.push(`${prefix} from ${name} ${what}`)
        continue
      }
      if (one.isMultipath !== other.isMultipath)
        different.push(
          `${prefix} from ${name}: ${one.isMultipath ? '' : 'not '}expected among the equal paths`,
        )
      const attributes = foundAttributes(other)
      if (attributes === one.attributes) continue
      const isSameLength = other.asPath.split(' ').filter(Boolean).length === one.pathLength
      // Another of the equal paths has its own AS numbers and communities, but the same origin and preference.
      const rest = (text: string) =>
        /origin \w+/.exec(text)?.[0] +
        (/preference \d+/.exec(text)?.[0] ?? '') +
        (/bandwidth \d*$/.exec(text)?.[0] ?? '')
      if (expected.order !== 'none' && isSameLength && rest(attributes) === rest(one.attributes)) explained++
      else different.push(`${prefix} from ${name}: expected ${one.attributes}; found ${attributes}`)
    }
    const kernel = found.kernel.get(prefix)
    if (expected.nextHops === null) {
      if (kernel !== undefined && kernel.size > 0)
        different.push(`${prefix}: own, but the kernel sends it away`)
    } else if (show(expected.nextHops) !== show(kernel ?? new Map()))
      different.push(`${prefix}: next hops ${show(expected.nextHops)}, kernel ${show(kernel ?? new Map())}`)
    if (expected.order === 'used') explained += different.length
    else all.push(...different)
  }
  for (const prefix of found.kernel.keys())
    if (!wanted.prefixes.has(prefix) && !orderUsed.has(prefix)) all.push(`${prefix}: only in the kernel`)
  return { different: all, explained }
}

function show(hops: ReadonlyMap<string, number>): string {
  return [...hops]
    .map(([name, weight]) => `${name}*${weight}`)
    .sort()
    .join(' ')
}

function isOf(prefix: string, family: 'ipv4' | 'ipv6'): boolean {
  return prefix.includes(':') === (family === 'ipv6')
}
