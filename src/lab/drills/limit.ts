/*
 * What an expectation allows, as it is written and read aloud: `<= detection + 125ms + allowance`, or just `0`.
 */

export interface Limit {
  /** Milliseconds for outages, else a count. */
  fixed: number
  /** How often the failed link's BFD detection time is added. */
  detections: number
  /** How often the allowance for a shared machine is added. */
  allowances: number
}

/** What the words of a limit stand for in one repeat of a drill. */
export interface LimitWords {
  /** Interval times multiplier of the slowest BFD profile on what was broken; 0 where the carrier tells. */
  detectionMs: number
  allowanceMs: number
  /**
   * How long breaking it took, from the first packet lost: ends of links are cut one after the other, and a flow may have
   * lost the first one's and wait for the last one's router to notice.
   */
  injectionMs: number
}

const unitMilliseconds = { ms: 1, s: 1000, m: 60_000 }

/** Reads the limit of an outage; null when it is not one. */
export function readTimeLimit(text: string): Limit | null {
  const sum = /^\s*(?:<=|≤)?\s*(.+)$/s.exec(text)?.[1]
  if (sum === undefined) return null
  const limit: Limit = { fixed: 0, detections: 0, allowances: 0 }
  for (const term of sum.split('+').map((part) => part.trim())) {
    const [, amount, unit] = /^(\d{1,6}(?:\.\d{1,3})?)\s*(ms|s|m)$/.exec(term) ?? []
    if (term === 'detection') limit.detections++
    else if (term === 'allowance') limit.allowances++
    else if (amount !== undefined)
      limit.fixed += Number(amount) * unitMilliseconds[unit as keyof typeof unitMilliseconds]
    else if (term !== '0') return null
  }
  return limit
}

/** Reads the limit of a count; null when it is not one. */
export function readCountLimit(text: string): Limit | null {
  const [, amount] = /^\s*(?:<=|≤)?\s*(\d{1,9})\s*$/.exec(text) ?? []
  return amount === undefined ? null : { fixed: Number(amount), detections: 0, allowances: 0 }
}

/** The limit as a number, once it is known what was broken. */
export function limitValue({ fixed, detections, allowances }: Limit, words: LimitWords): number {
  return fixed + detections * words.detectionMs + allowances * words.allowanceMs
}
