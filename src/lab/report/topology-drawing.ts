/** The fabric with what failed in it, and the way of the flow that suffered most. */
import type { Topology } from '../drills/result.ts'
import { html, type Markup } from './html.ts'
import { cellWidth, layOut, type Place } from './layout.ts'
import { coordinate as at } from './numbers.ts'

export interface Highlights {
  devices: readonly string[]
  links: readonly string[]
  pathBefore: readonly string[]
  pathAfter: readonly string[]
}

/** More than these, and only the surroundings of what failed are drawn. */
const mostDevices = 120
const boxWidth = cellWidth - 12
const boxHeight = 24

/** Draws the fabric as SVG. */
export function drawTopology(whole: Topology, highlights: Highlights): Markup {
  const topology = whole.devices.length > mostDevices ? surroundings(whole, highlights) : whole
  const { width, height, places, sites } = layOut(topology)
  const failedLinks = new Set(highlights.links)
  const failedDevices = new Set(highlights.devices)
  const ends = (link: Topology['links'][number]) => [places.get(link.a)!, places.get(link.b)!] as const
  const left = whole.devices.length - topology.devices.length
  return html`<figure class="wide"><svg class="topology" viewBox="0 0 ${at(width)} ${at(height)}" style="min-width:${at(Math.min(width, 1100) * 0.62)}px" role="img" aria-label="The fabric; what failed is marked">
${sites.map((site) => html`<g class="site"><rect x="${at(site.left - 14)}" y="6" width="${at(site.right - site.left + 28)}" height="${at(height - 12)}" rx="8"/><text x="${at(site.left - 6)}" y="${at(height - 14)}">${site.name}</text></g>`)}
${topology.links.filter(({ id }) => !failedLinks.has(id)).map((link) => drawLink(...ends(link), 'link'))}
${drawWay(highlights.pathBefore, places, 'way before')}
${drawWay(highlights.pathAfter, places, 'way after')}
${topology.links.filter(({ id }) => failedLinks.has(id)).map((link) => drawFailedLink(...ends(link)))}
${topology.devices.map((device) => drawDevice(device, places.get(device.name)!, failedDevices.has(device.name)))}
</svg><figcaption>${legend(highlights)}${left > 0 ? html` <span class="quiet">${left} more devices are not drawn.</span>` : null}</figcaption></figure>`
}

function drawLink(from: Place, to: Place, name: string): Markup {
  // Between devices of one row a straight line would run behind those that stand between them.
  const lift = from.y === to.y ? Math.min(34, Math.abs(to.x - from.x) / 8) : 0
  const middle = `${at((from.x + to.x) / 2)} ${at((from.y + to.y) / 2 - 2 * lift)}`
  return html`<path class="${name}" d="M${at(from.x)} ${at(from.y)}Q${middle} ${at(to.x)} ${at(to.y)}"/>`
}

function drawFailedLink(from: Place, to: Place): Markup {
  const x = (from.x + to.x) / 2
  const y = (from.y + to.y) / 2
  return html`${drawLink(from, to, 'link failed')}<path class="cross" d="M${at(x - 5)} ${at(y - 5)}l10 10m0-10l-10 10"/>`
}

function drawWay(
  devices: readonly string[],
  places: ReadonlyMap<string, Place>,
  name: string,
): Markup | null {
  const points = devices.flatMap((device) => places.get(device) ?? [])
  if (points.length < 2) return null
  return html`<polyline class="${name}" points="${points.map(({ x, y }) => `${at(x)},${at(y)}`).join(' ')}"/>`
}

function drawDevice(
  { name, site, role }: Topology['devices'][number],
  { x, y }: Place,
  hasFailed: boolean,
): Markup {
  const label = site !== null && name.startsWith(`${site}-`) ? name.slice(site.length + 1) : name
  const size = Math.min(11, (boxWidth - 8) / (label.length * 0.56))
  return html`<g class="device ${role}${hasFailed ? ' failed' : ''}"><title>${name} (${role})</title><rect x="${at(x - boxWidth / 2)}" y="${at(y - boxHeight / 2)}" width="${boxWidth}" height="${boxHeight}" rx="5"/><text x="${at(x)}" y="${at(y + size * 0.35)}" style="font-size:${at(size)}px">${label}</text></g>`
}

function legend({ devices, links, pathBefore, pathAfter }: Highlights): Markup {
  const failed = [...devices, ...links]
  return html`${failed.length > 0 ? html`<span class="key failed"></span>${failed.slice(0, 3).join(', ')}${failed.length > 3 ? ` and ${failed.length - 3} more` : ''} ` : null}${
    pathBefore.length > 1 ? html`<span class="key before"></span>worst flow before ` : null
  }${pathAfter.length > 1 ? html`<span class="key after"></span>and after` : null}`
}

/** What failed, what it is cabled to, and the ways that are drawn. */
function surroundings({ devices, links }: Topology, highlights: Highlights): Topology {
  const kept = new Set([...highlights.devices, ...highlights.pathBefore, ...highlights.pathAfter])
  for (const { id, a, b } of links) if (highlights.links.includes(id)) kept.add(a).add(b)
  const core = new Set(kept)
  for (const { a, b } of links) {
    if (kept.size >= mostDevices) break
    if (core.has(a)) kept.add(b)
    if (core.has(b)) kept.add(a)
  }
  return {
    devices: devices.filter(({ name }) => kept.has(name)),
    links: links.filter(({ a, b }) => kept.has(a) && kept.has(b)),
  }
}
