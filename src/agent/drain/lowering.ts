import type { ConfigChange } from '../../frr/config-transaction.ts'

/*
 * How bgpd's running configuration says that the node is being drained, and for whom.
 *
 * `bgp graceful-shutdown` alone may be an operator's own. So the agent puts a mark beside it, a community list that
 * nothing uses, whose name tells who asked: the Node object, which can be asked again, or a command, which nobody else
 * remembers. Both live in the same running configuration, so they survive an agent and end with bgpd together.
 */

/** `for-node`: the Node object or a shutdown asked for it, and it ends with the request. */
export type Lowering = 'none' | 'for-node' | 'by-command'

const marks: Readonly<Record<Exclude<Lowering, 'none'>, string>> = {
  'for-node': 'WEFT-DRAIN',
  'by-command': 'WEFT-DRAIN-COMMAND',
}

/** For whom bgpd announces everything with GRACEFUL_SHUTDOWN; `none` when that is an operator's doing. */
export function readLowering(runningConfig: string): Lowering {
  if (!isLowered(runningConfig)) return 'none'
  if (hasMark(runningConfig, 'by-command')) return 'by-command'
  return hasMark(runningConfig, 'for-node') ? 'for-node' : 'none'
}

/** The lines that lead there from what bgpd runs; undefined when it has no BGP instance. */
export function changesTowards(wanted: Lowering, runningConfig: string): ConfigChange[] | undefined {
  const instance = runningConfig.match(/^router bgp \d+$/m)?.[0]
  if (instance === undefined) return undefined
  const mark = (kind: keyof typeof marks, isWanted: boolean): ConfigChange[] => {
    if (hasMark(runningConfig, kind) === isWanted) return []
    const line = `bgp community-list standard ${marks[kind]} permit graceful-shutdown`
    return [{ context: [], line: isWanted ? line : `no ${line}` }]
  }
  const isWanted = wanted !== 'none'
  const preference: ConfigChange[] =
    isLowered(runningConfig) === isWanted
      ? []
      : [{ context: [instance], line: `${isWanted ? '' : 'no '}bgp graceful-shutdown` }]
  const added = wanted === 'none' ? [] : mark(wanted, true)
  const removed = (['for-node', 'by-command'] as const)
    .filter((kind) => kind !== wanted)
    .flatMap((kind) => mark(kind, false))
  // Marked before and unmarked after: whoever is interrupted leaves nothing that looks like an operator's.
  return [...added, ...preference, ...removed]
}

function isLowered(runningConfig: string): boolean {
  return /^ ?bgp graceful-shutdown$/m.test(runningConfig)
}

function hasMark(runningConfig: string, kind: keyof typeof marks): boolean {
  return new RegExp(`^bgp community-list standard ${marks[kind]} (?:seq \\d+ )?permit `, 'm').test(
    runningConfig,
  )
}
