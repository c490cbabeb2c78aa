import type { GuardConfig } from '../config.ts'

/*
 * How many addresses health may take away at once: a share of all, counted over a window.
 *
 * One broken Service is ordinary. Half of them broken in one minute is a controller, a database or a network that
 * fails, and taking their routes away as well turns a partial outage into a total one that is hard to come back from.
 * What is beyond the budget stays announced until its endpoints recover, until a person changes the objects, or until
 * the window has moved on: so a real mass failure drains away slowly, while somebody is paged.
 */
export class WithdrawalBudget {
  readonly #config: GuardConfig
  /** In order of time. */
  readonly #withdrawnAtMs = new Map<string, number>()

  constructor(config: GuardConfig) {
    this.#config = config
  }

  /** May one more go, when so many are announced? */
  hasRoom(announced: number, nowMs: number): boolean {
    this.#forget(nowMs)
    const recent = this.#withdrawnAtMs.size
    const most = Math.max(
      this.#config.withdrawMinimum,
      Math.floor(this.#config.withdrawShare * (announced + recent)),
    )
    return recent < most
  }

  /** When there may be room again. */
  get roomAtMs(): number {
    const [oldest = 0] = this.#withdrawnAtMs.values()
    return oldest + this.#config.windowSeconds * 1000
  }

  /** Counts one. */
  spend(address: string, nowMs: number): void {
    this.#withdrawnAtMs.delete(address)
    this.#withdrawnAtMs.set(address, nowMs)
  }

  /** It is announced again, or nobody wants it any more. */
  refund(address: string): void {
    this.#withdrawnAtMs.delete(address)
  }

  #forget(nowMs: number): void {
    const before = nowMs - this.#config.windowSeconds * 1000
    for (const [address, atMs] of this.#withdrawnAtMs) {
      if (atMs > before) return
      this.#withdrawnAtMs.delete(address)
    }
  }
}
