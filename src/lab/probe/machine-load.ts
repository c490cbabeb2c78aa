import { readFileSync } from 'node:fs'

/** Share of its processors that a machine may be denied by its host before what it measured is doubted. */
const longestStolenShare = 0.05

/**
 * Starts watching how much of this machine's time its host gives to others; the function says why that voids what was
 * measured since, or null.
 */
export function startStealMeter(): () => string | null {
  const before = readProcessorTimes()
  return () => {
    const after = readProcessorTimes()
    const total = after.total - before.total
    const share = total === 0 ? 0 : (after.stolen - before.stolen) / total
    return share > longestStolenShare
      ? `this machine's host kept ${Math.round(share * 100)} % of its processor time for others`
      : null
  }
}

function readProcessorTimes(): { total: number; stolen: number } {
  const [, ...fields] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '').split(/\s+/)
  const times = fields.map(Number)
  // user nice system idle iowait irq softirq steal; what guests used is in user already.
  return { total: times.slice(0, 8).reduce((sum, time) => sum + time, 0), stolen: times[7] ?? 0 }
}
