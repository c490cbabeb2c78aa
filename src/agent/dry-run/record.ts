import type { ConfigChange } from '../../frr/config-transaction.ts'
import { FrrDaemon } from '../../frr/daemon.ts'
import type { IpFailure } from '../../linux/ip-batch.ts'
import { IpSession } from '../../linux/ip-session.ts'
import { elementCommands, type GuardEdits, renderGuardTable } from '../port-guard/guard-rules.ts'

/*
 * Stand-ins for what the agent changes things with: they note what they are told, and say that it worked. They are given
 * to the same code that does the real work, so that what a dry run prints cannot differ from what is done.
 */

/** One thing that would be sent, in the order in which it would be. */
export type Step =
  | { to: 'bgpd'; context: readonly string[]; line: string }
  /** An operation of `ip -batch`. */
  | { to: 'ip'; line: string }
  /** A command of `nft -f`. */
  | { to: 'nft'; line: string }

export class RecordingBgpd extends FrrDaemon {
  readonly #steps: Step[]

  constructor(steps: Step[], options: ConstructorParameters<typeof FrrDaemon>[1]) {
    super('bgpd', options)
    this.#steps = steps
  }

  override async configure(changes: readonly ConfigChange[]): Promise<void> {
    this.#steps.push(...changes.map(({ context, line }) => ({ to: 'bgpd', context, line }) as const))
  }
}

export class RecordingIp extends IpSession {
  readonly #steps: Step[]

  constructor(steps: Step[]) {
    super()
    this.#steps = steps
  }

  override async apply(operations: readonly string[]): Promise<IpFailure[]> {
    this.#steps.push(...operations.map((line) => ({ to: 'ip', line }) as const))
    return []
  }
}

/** Stands in for the port guard. */
export function recordGuard(steps: Step[]): { apply: (edits: GuardEdits) => Promise<void> } {
  return {
    async apply(edits) {
      const table = edits.rebuild ? renderGuardTable().trimEnd().split('\n') : []
      steps.push(...[...table, ...elementCommands(edits)].map((line) => ({ to: 'nft', line }) as const))
    },
  }
}
