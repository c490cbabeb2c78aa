/** How evenly something is shared, and how much of the unevenness is chance. Pure. */

export interface Balance {
  /** 1 when all shares are equal, 1/n when one has everything (Jain's index). */
  jain: number
  /** Standard deviation by mean: 0 when all are equal. */
  variation: number
  /** Largest share by mean: 1 when all are equal. */
  maxToMean: number
}

/** Judges counts of flows or packets, those of paths that got none included. */
export function judgeBalance(counts: readonly number[]): Balance {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total === 0) return { jain: 1, variation: 0, maxToMean: 1 }
  const squares = counts.reduce((sum, count) => sum + count ** 2, 0)
  const mean = total / counts.length
  return {
    jain: total ** 2 / (counts.length * squares),
    variation: Math.sqrt(Math.max(0, squares / counts.length - mean ** 2)) / mean,
    maxToMean: Math.max(...counts) / mean,
  }
}

const rounds = 2_000

/**
 * Largest share by mean that a perfect hash stays below with this many flows, in 99 of 100 cases or another part of
 * them: even shares of few flows differ by chance alone. Found by throwing dice, the same ones each time.
 */
export function hashNoiseBound(flows: number, paths: number, part = 0.99): number {
  if (paths <= 1 || flows === 0) return 1
  const random = seededRandom(1)
  const worst = Array.from({ length: rounds }, () => {
    const counts = new Uint32Array(paths)
    for (let flow = 0; flow < flows; flow++) {
      const path = Math.floor(random() * paths)
      counts[path] = (counts[path] ?? 0) + 1
    }
    return Math.max(...counts)
  }).sort((a, b) => a - b)
  return ((worst[Math.ceil(rounds * part) - 1] ?? flows) * paths) / flows
}

/** The parts of a whole, largest first, beside what each would be if all were equal. */
export function sharesOf(
  counts: ReadonlyMap<string, number>,
): { name: string; share: number; ideal: number }[] {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
  return [...counts]
    .sort(([nameA, a], [nameB, b]) => b - a || (nameA < nameB ? -1 : 1))
    .map(([name, count]) => ({ name, share: total === 0 ? 0 : count / total, ideal: 1 / counts.size }))
}

/** Who answered a flow before an event and after it; null when nobody did. */
export interface Move {
  before: string | null
  after: string | null
}

/** Flows that another host answers although the one before still answers others: nothing forced them to move. */
export function countNeedlessMoves(moves: readonly Move[]): number {
  const remaining = new Set(moves.map(({ after }) => after))
  return moves.filter(
    ({ before, after }) => before !== null && after !== null && before !== after && remaining.has(before),
  ).length
}

/** Mulberry32: small, and good enough to throw dice. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
