import { inNamespace } from '../../src/linux/namespace.ts'
import { run } from '../../src/linux/run.ts'
import type { AgentBed } from './agent-bed.ts'

/** The agent's own histogram, event received to last vty reply. */
export interface Share {
  /** Counts by upper bound in milliseconds. */
  counts: Map<number, number>
  count: number
  sumMs: number
}

/** Reads the histogram from the agent of a node. */
export async function ownShare({ router }: Pick<AgentBed['nodes'][number], 'router'>): Promise<Share> {
  const { stdout } = await run(inNamespace(router.name, ['curl', '-sf', 'http://127.0.0.1:9099/metrics']))
  const name = 'weft_agent_apply_duration_seconds'
  const buckets = stdout.matchAll(new RegExp(`^${name}_bucket\\{le="([^"]+)"\\} (\\d+)$`, 'gm'))
  const readValue = (suffix: string) =>
    Number(new RegExp(`^${name}_${suffix} (\\S+)$`, 'm').exec(stdout)?.[1])
  return {
    counts: new Map(
      [...buckets].map(([, bound, count]) => [
        Number(bound === '+Inf' ? Infinity : bound) * 1000,
        Number(count),
      ]),
    ),
    count: readValue('count'),
    sumMs: readValue('sum') * 1000,
  }
}

/** What was counted between two readings. */
export function difference(before: Share, after: Share): Share {
  return {
    counts: new Map(
      [...after.counts].map(([bound, count]) => [bound, count - (before.counts.get(bound) ?? 0)]),
    ),
    count: after.count - before.count,
    sumMs: after.sumMs - before.sumMs,
  }
}

/** Upper bound of the bucket that holds a quantile. */
export function upperBound({ counts, count }: Share, share: number): number {
  return [...counts].find(([, upTo]) => upTo >= share * count)?.[0] ?? Number.NaN
}
