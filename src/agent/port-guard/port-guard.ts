import { applyNft, listNft } from '../../linux/nft.ts'
import { NftSession } from '../../linux/nft-session.ts'
import {
  elementCommands,
  type GuardEdits,
  type GuardState,
  guardTable,
  parseGuardTable,
  renderGuardTable,
} from './guard-rules.ts'

/*
 * The port guard in the kernel. It owns one table and touches no other, and it holds no state of its own: what is there
 * is read from the kernel. The table has no owner process, so it goes on guarding when the agent has died.
 */

/** A transaction with more than this goes through a process of its own: a line has to end somewhere. */
const fewEdits = 100

export class PortGuard {
  readonly #scope: { namespace?: string }
  readonly #session: NftSession

  constructor(scope: { namespace?: string } = {}) {
    this.#scope = scope
    this.#session = new NftSession(scope)
  }

  /** What the kernel holds now. */
  async read(): Promise<GuardState> {
    return parseGuardTable(await listNft({ ...this.#scope, what: `table inet ${guardTable}` }))
  }

  /** Makes the edits as one transaction; rejects, with nothing changed, when nftables refuses. */
  async apply(edits: GuardEdits): Promise<void> {
    const commands = elementCommands(edits)
    if (edits.rebuild) await applyNft(`${[renderGuardTable(), ...commands].join('\n')}\n`, this.#scope)
    else if (edits.set.length + edits.remove.length > fewEdits)
      await applyNft(`${commands.join('\n')}\n`, this.#scope)
    else await this.#session.apply(commands)
  }

  close(): void {
    this.#session.close()
  }
}
