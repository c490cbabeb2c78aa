import { readFile, writeFile } from 'node:fs/promises'
import type { Plan } from '../plan/model.ts'

/*
 * The kernel has one neighbour table for each family, shared by all network namespaces, and its default of 1,024 entries
 * is less than a few hundred routers need: past it, link-local next hops stay unresolved and packets are lost without a
 * word but in the kernel's log. The limit can only be set outside the labs, so it is raised there, never lowered.
 */

/** A lab's neighbours times this leaves room for other labs, for pods and for the host itself. */
const headroom = 8
const smallest = 16_384

export interface RaisedLimit {
  family: 'IPv4' | 'IPv6'
  from: number
  to: number
}

/** Makes room in the neighbour tables for a lab; returns what was raised. */
export async function raiseNeighborLimits(plan: Plan): Promise<RaisedLimit[]> {
  const wanted = Math.max(smallest, headroom * 2 * plan.links.length)
  const raised: RaisedLimit[] = []
  for (const family of ['IPv4', 'IPv6'] as const) {
    const path = limitPath(family, 3)
    const from = Number(await readFile(path, 'utf8'))
    if (from >= wanted) continue
    // The lower thresholds say when entries in use are thrown out early; they move along.
    for (const [level, share] of [
      [3, 1],
      [2, 2],
      [1, 4],
    ] as const) {
      await writeFile(limitPath(family, level), String(Math.floor(wanted / share)))
    }
    raised.push({ family, from, to: wanted })
  }
  return raised
}

function limitPath(family: RaisedLimit['family'], level: number): string {
  return `/proc/sys/net/${family.toLowerCase()}/neigh/default/gc_thresh${level}`
}
