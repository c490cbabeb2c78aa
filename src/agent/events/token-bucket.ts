/** So many at once, and then so many a second. */
export class TokenBucket {
  readonly #size: number
  readonly #perSecond: number
  #tokens: number
  #atMs: number

  constructor(size: number, perSecond: number, nowMs: number) {
    this.#size = size
    this.#perSecond = perSecond
    this.#tokens = size
    this.#atMs = nowMs
  }

  /** Takes one, if there is one. */
  take(nowMs: number): boolean {
    this.#refill(nowMs)
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }

  /** How long until there is one. */
  waitMs(nowMs: number): number {
    this.#refill(nowMs)
    return this.#tokens >= 1 ? 0 : Math.ceil(((1 - this.#tokens) / this.#perSecond) * 1000)
  }

  #refill(nowMs: number): void {
    // A clock that was set back refills nothing.
    const seconds = Math.max(0, nowMs - this.#atMs) / 1000
    this.#tokens = Math.min(this.#size, this.#tokens + seconds * this.#perSecond)
    this.#atMs = nowMs
  }
}
