/** Where each device of a fabric stands in its drawing: sites side by side, tiers above one another. */
import type { Topology } from '../drills/result.ts'

export interface Place {
  x: number
  y: number
}

export interface Layout {
  width: number
  height: number
  places: Map<string, Place>
  sites: { name: string; left: number; right: number }[]
}

type DrawnDevice = Topology['devices'][number]

export const cellWidth = 92
const rowHeight = 84
const margin = 28
const siteGap = 44

/** Places every device; the picture of a fabric is the same in every report. */
export function layOut({ devices, links }: Topology): Layout {
  const tiers = [...new Set(devices.map(({ tier }) => tier))].sort((a, b) => b - a)
  const yOf = (tier: number) => margin + 12 + tiers.indexOf(tier) * rowHeight
  const places = new Map<string, Place>()
  const sites: Layout['sites'] = []
  let left = margin
  for (const name of new Set(devices.map(({ site }) => site).filter((site) => site !== null))) {
    const inSite = devices.filter(({ site }) => site === name)
    const widest = Math.max(...tiers.map((tier) => inSite.filter((device) => device.tier === tier).length))
    const right = left + Math.max(2, widest) * cellWidth
    placeSite(inSite, links, left, right, yOf, places)
    sites.push({ name, left, right })
    left = right + siteGap
  }
  const width = Math.max(left - siteGap + margin, 2 * margin + cellWidth)
  placeBeyond(devices, links, width, yOf, places)
  return { width, height: margin * 2 + tiers.length * rowHeight - rowHeight / 3, places, sites }
}

/** From the bottom up: a row stands over what it is cabled to below, as far as there is room. */
function placeSite(
  devices: readonly DrawnDevice[],
  links: Topology['links'],
  left: number,
  right: number,
  yOf: (tier: number) => number,
  places: Map<string, Place>,
): void {
  const tiers = [...new Set(devices.map(({ tier }) => tier))].sort((a, b) => a - b)
  for (const tier of tiers) {
    const row = devices.filter((device) => device.tier === tier).sort((a, b) => a.position - b.position)
    const step = (right - left) / row.length
    const wished = row.map((device, index) => {
      const evenly = left + step * (index + 0.5)
      return tier === 1 ? (meanBelow(device.name, links, places) ?? evenly) : evenly
    })
    for (const [index, x] of spread(wished, left, right).entries())
      places.set(row[index]!.name, { x, y: yOf(tier) })
  }
}

function meanBelow(device: string, links: Topology['links'], places: Map<string, Place>): number | null {
  const below = links.flatMap(({ a, b }) => (a === device ? [b] : b === device ? [a] : []))
  const xs = below.flatMap((name) => places.get(name)?.x ?? [])
  return xs.length === 0 ? null : xs.reduce((sum, x) => sum + x, 0) / xs.length
}

/** Keeps the order and the least distance, and stays inside. */
function spread(wished: readonly number[], left: number, right: number): number[] {
  const half = cellWidth / 2
  const xs: number[] = []
  for (const x of wished) xs.push(Math.max(x, (xs.at(-1) ?? left - half) + cellWidth))
  let limit = right - half
  for (let index = xs.length - 1; index >= 0; index--) {
    xs[index] = Math.min(xs[index]!, limit)
    limit = xs[index]! - cellWidth
  }
  return xs
}

/** What belongs to no site stands above what it is cabled to. */
function placeBeyond(
  devices: readonly DrawnDevice[],
  links: Topology['links'],
  width: number,
  yOf: (tier: number) => number,
  places: Map<string, Place>,
): void {
  const beyond = devices.filter(({ site }) => site === null)
  const wished = beyond.map((device) => meanBelow(device.name, links, places) ?? width / 2)
  const order = beyond.map((_, index) => index).sort((a, b) => wished[a]! - wished[b]!)
  const xs = spread(
    order.map((index) => wished[index]!),
    margin,
    width - margin,
  )
  for (const [place, index] of order.entries())
    places.set(beyond[index]!.name, { x: xs[place]!, y: yOf(beyond[index]!.tier) })
}
