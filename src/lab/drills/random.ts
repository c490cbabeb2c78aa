/** Numbers from 0 to 1 that a seed and words give again: a drill chooses the same devices when it is run again. */
export function seededRandom(seed: number, ...words: readonly (string | number)[]): () => number {
  let state = seed >>> 0
  // FNV-1a over the words, so that drills and repeats differ.
  for (const character of words.join('/')) {
    state ^= character.codePointAt(0)!
    state = Math.imul(state, 16_777_619) >>> 0
  }
  // mulberry32
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** One of the items; undefined when there is none. */
export function pickOne<T>(items: readonly T[], random: () => number): T | undefined {
  return items[Math.floor(random() * items.length)]
}
