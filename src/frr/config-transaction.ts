import { WeftError } from '../diagnostics/error.ts'
import { VtyCommandError, type VtyConnection } from './vty-connection.ts'

/*
 * Changes to a daemon's running configuration, all or nothing as far as FRR allows it.
 *
 * FRR has no transactions on the vty: every line takes effect at once. So lines are sent in order, and when one is
 * refused, the lines before it are taken back in reverse order. Taking back means sending `undo`, which by default
 * is the negation of the line; that is right for a line that adds or removes one thing (`network P`, `neighbor N
 * peer-group G`). A line that replaces a value must say itself what undoes it.
 *
 * Nothing is ever written to disk here: the files belong to whoever deployed them.
 */

export interface ConfigChange {
  /** The lines that lead to where the change is made, such as `router bgp` and `address-family ipv4 unicast`. */
  context: readonly string[]
  line: string
  /** Default: `line` with `no` put in front, or taken away. */
  undo?: string
}

/** The line that takes back a line which adds or removes one thing. */
function negateLine(line: string): string {
  return line.startsWith('no ') ? line.slice(3) : `no ${line}`
}

/** Applies changes over a connection; on a refused line, undoes what came before and rejects, naming the line. */
export async function applyConfigChanges(
  connection: VtyConnection,
  changes: readonly ConfigChange[],
): Promise<void> {
  if (changes.length === 0) return
  try {
    const applied: ConfigChange[] = []
    try {
      for (const group of groupByContext(changes)) await applyGroup(connection, group, applied)
    } catch (error) {
      if (!(error instanceof VtyCommandError)) throw error
      throw await undoAndExplain(connection, error, applied)
    }
  } finally {
    // Back to enable mode; when the connection is lost there is nothing to leave.
    await connection.ask('end').catch(() => {})
  }
}

/** Goes to a context from wherever the connection is; one round trip, since entering changes nothing by itself. */
async function enterContext(connection: VtyConnection, context: readonly string[]): Promise<void> {
  // Outside configuration mode there is nothing to end, and some releases refuse it.
  const lines = ['enable', 'configure terminal', ...context]
  await Promise.all([connection.ask('end'), ...lines.map((line) => connection.execute(line))])
}

/** Consecutive changes in the same context are sent as one run, since entering a context costs a round trip. */
function groupByContext(changes: readonly ConfigChange[]): ConfigChange[][] {
  const groups: ConfigChange[][] = []
  let previous: string | undefined
  for (const change of changes) {
    const key = change.context.join('\n')
    if (key === previous) groups.at(-1)?.push(change)
    else groups.push([change])
    previous = key
  }
  return groups
}

/**
 * Sends one context and its lines. The context must be entered before its lines are sent: were it refused, the lines
 * would land in whatever context came before.
 */
async function applyGroup(
  connection: VtyConnection,
  group: readonly ConfigChange[],
  applied: ConfigChange[],
): Promise<void> {
  await enterContext(connection, group[0]?.context ?? [])
  const replies = await Promise.all(group.map((change) => connection.ask(change.line)))
  const refused = replies.findIndex((reply) => reply.status !== 0)
  group.forEach((change, index) => {
    if (replies[index]?.status === 0) applied.push(change)
  })
  const [change, reply] = [group[refused], replies[refused]]
  if (change !== undefined && reply !== undefined) {
    throw new VtyCommandError(connection.daemon, [...change.context, change.line].join(' / '), reply)
  }
}

async function undoAndExplain(
  connection: VtyConnection,
  refusal: VtyCommandError,
  applied: readonly ConfigChange[],
): Promise<WeftError> {
  const failures: string[] = []
  for (const change of applied.toReversed()) {
    const undo = change.undo ?? negateLine(change.line)
    try {
      await enterContext(connection, change.context)
      await connection.execute(undo)
    } catch (error) {
      failures.push(`"${undo}" (${(error as Error).message})`)
    }
  }
  const undone = applied.length - failures.length
  const rest =
    failures.length > 0
      ? `; ${undone} of ${applied.length} applied lines were undone, these could not be: ${failures.join(', ')}`
      : applied.length > 0
        ? `; the ${applied.length} lines applied before it were undone`
        : '; nothing was changed'
  return new WeftError('WEFT_FRR_CONFIG_REFUSED', `${refusal.message}${rest}`, {
    hint: 'compare the line with the syntax of the running FRR release (show version)',
    cause: refusal,
  })
}
