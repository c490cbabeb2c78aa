import type { Logger } from 'pino'
import type { WeftError } from '../diagnostics/error.ts'
import { type RouteEvent, type RouteMonitor, watchRoutes } from '../linux/route-monitor.ts'
import { formatAddress, parseAddress } from '../net/address.ts'

/*
 * Hears at once when somebody else takes a service address from the node: `ip addr flush dev lo`, `ip route flush table
 * local`, a network manager that tidies up.
 *
 * Both forms of a service address are a route of the kernel's local table, so one subscription tells of both. An event
 * only says that it is time to look: the reconciler reads everything again. Without the subscription, or when netlink
 * has dropped messages, the periodic look does the same later; so its failures are logged and nothing else.
 */

export interface LoopbackWatchOptions {
  /** Should the node take packets to this address? The agent's own removals are of others. */
  wants: (address: string) => boolean
  onLost: () => void
  log: Pick<Logger, 'warn' | 'debug'>
}

/** A flush of many is one event. */
const gatherMs = 10
const retryMs = 1_000

/** Watches until stopped. */
export function watchLoopback({ wants, onLost, log }: LoopbackWatchOptions): { stop(): void } {
  let monitor: RouteMonitor | undefined
  let timer: NodeJS.Timeout | undefined
  let retry: NodeJS.Timeout | undefined
  let isStopped = false

  function hear(event: RouteEvent): void {
    const address = lostAddress(event)
    if (address === undefined || timer !== undefined || !wants(address)) return
    timer = setTimeout(() => {
      timer = undefined
      log.warn({ address }, 'a service address was taken from the node by somebody else')
      onLost()
    }, gatherMs)
  }

  function fail(error: WeftError): void {
    if (isStopped) return
    log.debug(
      { reason: error.message },
      'changes of the local table are not heard, the periodic look remains',
    )
    clearTimeout(retry)
    retry = setTimeout(start, retryMs).unref()
  }

  function start(): void {
    watchRoutes({ device: 'lo', onRoute: hear, onEnd: fail }).then(
      (started) => {
        monitor = started
        if (isStopped) started.stop()
      },
      // `onEnd` has told already when the program ended; it may also never have subscribed.
      fail,
    )
  }

  start()
  return {
    stop() {
      isStopped = true
      clearTimeout(timer)
      clearTimeout(retry)
      monitor?.stop()
    },
  }
}

/** The host address whose local route has gone. */
function lostAddress({ kind, table, destination }: RouteEvent): string | undefined {
  if (kind !== 'deleted' || table !== 'local') return undefined
  const address = parseAddress(destination.replace(/\/(32|128)$/, ''))
  return address === null ? undefined : formatAddress(address)
}
