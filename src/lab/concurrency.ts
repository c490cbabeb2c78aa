/** Runs `work` on every item, at most `width` at a time; the first failure stops new work and is thrown at the end. */
export async function forEachLimited<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const queue = items[Symbol.iterator]()
  let failure: { error: unknown } | undefined
  async function drain(): Promise<void> {
    for (const item of queue) {
      if (failure !== undefined) return
      try {
        signal?.throwIfAborted()
        await work(item)
      } catch (error) {
        failure ??= { error }
        return
      }
    }
  }
  await Promise.all(Array.from({ length: width }, drain))
  if (failure !== undefined) throw failure.error
}
