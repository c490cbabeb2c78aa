/*
 * Which interfaces of foreign configurations are joined by a cable. Unnumbered neighbours name their interface only, so
 * somebody must say, or it must be unmistakable:
 *
 * 1. a file `links` in the folder, one cable a line: `leaf1 eth1 spine1 eth3`;
 * 2. descriptions of interfaces or neighbours that name the other router, with its interface or without;
 * 3. interfaces named after the router at their other end, both ways;
 * 4. subnets with exactly two interfaces in them.
 *
 * A stronger word wins over a weaker. What nobody says stays open, and is listed.
 */
import { formatPrefix } from '../../net/prefix.ts'
import type { RouterLink, RouterModel } from '../simulate/router-model.ts'
import { subnetOf } from '../simulate/sessions.ts'
import type { RawConfig, Unsupported } from './raw-config.ts'
import { splitStatements } from './statements.ts'

export interface ReadRouter {
  raw: RawConfig
  router: RouterModel
}

export interface Cabling {
  links: RouterLink[]
  /** From the links file: prefixes that a router's kernel has. */
  kernelRoutes: Map<string, string[]>
  /** From the links file: neighbours that belong to others, `<router> <neighbour>`. */
  outside: Set<string>
  /** Interfaces of unnumbered neighbours whose other end nothing names: `<router> <interface>`. */
  missing: string[]
  problems: Unsupported[]
}

/** Name of the file that says how routers are cabled. */
export const linksFileNames: readonly string[] = ['links', 'links.txt']

type End = RouterLink['a']

/** Finds out how the routers are cabled; `linksFile` is the text of the links file, if there is one. */
export function cableUp(
  routers: readonly ReadRouter[],
  linksFile: { file: string; text: string } | null,
): Cabling {
  const plugs = new Plugs()
  const kernelRoutes = new Map<string, string[]>()
  const outside = new Set<string>()
  const problems: Unsupported[] = []
  if (linksFile !== null) readLinksFile(linksFile, routers, plugs, { kernelRoutes, outside }, problems)
  byDescription(routers, plugs)
  byName(routers, plugs)
  bySubnet(routers, plugs)
  const missing = routers.flatMap(({ router }) =>
    router.neighbors
      .filter(
        ({ interface: name, isShutdown }) =>
          name !== null &&
          !isShutdown &&
          !outside.has(`${router.name} ${name}`) &&
          !plugs.isUsed({ router: router.name, interface: name }),
      )
      .map(({ interface: name }) => `${router.name} ${name}`),
  )
  return { links: plugs.links, kernelRoutes, outside, missing, problems }
}

/** Each interface takes one cable; the first word counts. */
class Plugs {
  readonly links: RouterLink[] = []
  readonly #used = new Set<string>()

  isUsed({ router, interface: name }: End): boolean {
    return this.#used.has(`${router} ${name}`)
  }

  join(a: End, b: End): boolean {
    if (this.isUsed(a) || this.isUsed(b) || (a.router === b.router && a.interface === b.interface))
      return false
    this.#used.add(`${a.router} ${a.interface}`).add(`${b.router} ${b.interface}`)
    this.links.push({ a, b })
    return true
  }
}

function readLinksFile(
  { file, text }: { file: string; text: string },
  routers: readonly ReadRouter[],
  plugs: Plugs,
  { kernelRoutes, outside }: Pick<Cabling, 'kernelRoutes' | 'outside'>,
  problems: Unsupported[],
): void {
  const names = new Set(routers.map(({ router }) => router.name))
  const statements = splitStatements(text)
  if (!Array.isArray(statements)) {
    problems.push({ file, line: 1, text: '', why: statements.problem })
    return
  }
  for (const { words, text: line, line: number } of statements) {
    const fail = (why: string) => problems.push({ file, line: number, text: line, why })
    const unknown = words[0] === 'kernel' || words[0] === 'outside' ? [words[1]] : [words[0], words.at(-2)]
    const stranger = unknown.find((name) => name === undefined || !names.has(name))
    if (words[0] === 'outside' && words.length === 3) {
      if (stranger !== undefined) fail(`no configuration here is of a router "${stranger}"`)
      else outside.add(`${words[1]} ${words[2]}`)
      continue
    }
    if (words[0] === 'kernel' && words.length === 3) {
      if (stranger !== undefined) fail(`no configuration here is of a router "${stranger}"`)
      else if (subnetOf(words[2]!) === null) fail(`"${words[2]}" is no prefix`)
      else
        kernelRoutes.set(words[1]!, [
          ...(kernelRoutes.get(words[1]!) ?? []),
          formatPrefix(subnetOf(words[2]!)!),
        ])
      continue
    }
    // `leaf1 eth1 spine1 eth3`, and with a sign between the two ends for the eye.
    const [a, portA, b, portB] = words.length === 5 && /^\W+$/.test(words[2]!) ? words.toSpliced(2, 1) : words
    if (words.length < 4 || words.length > 5 || portA === undefined || portB === undefined)
      fail(
        'expected: router interface router interface, or: kernel router prefix, or: outside router neighbour',
      )
    else if (stranger !== undefined) fail(`no configuration here is of a router "${stranger}"`)
    else if (!plugs.join({ router: a!, interface: portA }, { router: b!, interface: portB }))
      fail('one of the two interfaces has a cable already')
  }
}

function byDescription(routers: readonly ReadRouter[], plugs: Plugs): void {
  const byRouter = new Map(routers.map(({ router }) => [router.name, router]))
  const claims: { from: End; router: string; interface: string | null }[] = []
  for (const { raw, router } of routers) {
    const texts = new Map(raw.descriptions)
    for (const { interface: name, description } of router.neighbors)
      if (name !== null && description !== null) texts.set(name, description)
    for (const [name, text] of texts) {
      const words = text.split(/[\s,;()[\]<>"']+|:(?=\S)|->|--/).filter(Boolean)
      const index = words.findIndex((word) => byRouter.has(word) && word !== router.name)
      if (index === -1) continue
      const far = byRouter.get(words[index]!)!
      const ports = new Set([
        ...far.interfaces.map((found) => found.name),
        ...far.neighbors.map((found) => found.interface),
      ])
      const port = words.slice(index + 1).find((word) => ports.has(word)) ?? null
      claims.push({ from: { router: router.name, interface: name }, router: far.name, interface: port })
    }
  }
  for (const { from, router, interface: name } of claims)
    if (name !== null) plugs.join(from, { router, interface: name })
  // Two ends that name each other's router, and nobody else does: that is one cable.
  const open = claims.filter((claim) => claim.interface === null && !plugs.isUsed(claim.from))
  for (const claim of open) {
    const back = open.filter(
      (other) => other.from.router === claim.router && other.router === claim.from.router,
    )
    const same = open.filter(
      (other) => other.from.router === claim.from.router && other.router === claim.router,
    )
    if (back.length === 1 && same.length === 1) plugs.join(claim.from, back[0]!.from)
  }
}

function byName(routers: readonly ReadRouter[], plugs: Plugs): void {
  const ports = new Set(
    routers.flatMap(({ router }) => router.neighbors.map((found) => `${router.name} ${found.interface}`)),
  )
  for (const { router } of routers)
    for (const { interface: name } of router.neighbors)
      if (name !== null && ports.has(`${name} ${router.name}`))
        plugs.join({ router: router.name, interface: name }, { router: name, interface: router.name })
}

function bySubnet(routers: readonly ReadRouter[], plugs: Plugs): void {
  const members = new Map<string, End[]>()
  for (const { router } of routers)
    for (const { name, addresses } of router.interfaces)
      for (const address of addresses) {
        const subnet = subnetOf(address)
        if (name === 'lo' || subnet === null || subnet.length === (subnet.family === 4 ? 32 : 128)) continue
        const key = formatPrefix(subnet)
        members.set(key, [...(members.get(key) ?? []), { router: router.name, interface: name }])
      }
  for (const ends of members.values())
    if (ends.length === 2 && ends[0]!.router !== ends[1]!.router) plugs.join(ends[0]!, ends[1]!)
}
