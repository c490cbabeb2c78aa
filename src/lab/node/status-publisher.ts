import { isSameJson, type Pod } from '../kubernetes/api-server/objects.ts'
import { type Log, reasonOf } from './log.ts'
import { showsStatus } from './pod-status.ts'

/*
 * Tells the API how one pod is: the newest status, one request at a time, again until it arrived. Statuses that nobody
 * could be told meanwhile are forgotten, since only the last one is true.
 */

export interface StatusPublisher {
  /** Sends the status unless the API shows it already. */
  publish(): void
  stop(): void
}

interface Statement {
  pod: Pod
  status: Record<string, unknown>
}

const retryMs = 1_000

export function createStatusPublisher(
  /** What is to be said now; null for nothing. */
  describe: () => Statement | null,
  send: (statement: Statement) => Promise<void>,
  log: Log,
): StatusPublisher {
  let isSending = false
  let isStopped = false
  let lastSent: Record<string, unknown> | null = null
  let failures = 0
  let timer: NodeJS.Timeout | undefined

  function publish(): void {
    if (isSending || isStopped) return
    clearTimeout(timer)
    const statement = describe()
    if (statement === null || showsStatus(statement.pod, statement.status)) return
    if (isSameJson(lastSent, statement.status)) {
      // Sent, but not shown: the watch is on its way, or somebody undid it. Not in a tight loop, whichever it is.
      lastSent = null
      later()
      return
    }
    isSending = true
    send(statement)
      .then(
        () => {
          lastSent = statement.status
          failures = 0
          isSending = false
          publish()
        },
        (error) => {
          isSending = false
          failures++
          // One line when it begins, not one for each attempt.
          if (failures === 1)
            log('pod status not sent, retrying', {
              pod: statement.pod.metadata.name,
              reason: reasonOf(error),
            })
          later()
        },
      )
      .catch((error) => log('pod status failed', { reason: reasonOf(error) }))
  }

  function later(): void {
    timer = setTimeout(publish, retryMs)
  }

  return {
    publish,
    stop() {
      isStopped = true
      clearTimeout(timer)
    },
  }
}
