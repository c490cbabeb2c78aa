import { applyNft } from '../../../linux/nft.ts'
import type { EndpointSlice, Service } from '../../kubernetes/api-server/objects.ts'
import { type Log, reasonOf } from '../log.ts'
import { renderProxyRules } from './rules.ts'
import { type ProxiedPort, selectServicePorts } from './service-ports.ts'

/*
 * Keeps the kernel's Service rules equal to the Services and endpoints of the cluster.
 *
 * It is told the whole of both, never before the first complete lists; until then the rules of an earlier runtime stay
 * in force. Changes that come together are applied together, one transaction at a time. A refused transaction changes
 * nothing and is tried again; what was programmed last is known at all times, because nobody may announce a Service
 * address before the kernel translates it.
 */

export interface ServiceProxy {
  update(services: readonly Service[], slices: readonly EndpointSlice[]): void
  programmed(): ProgrammedState
  /** Resolves when the revision is above `revision`, or after the time given. */
  whenAfter(revision: number, timeoutMs: number): Promise<ProgrammedState>
  stop(): void
}

/** What the kernel is known to translate. */
interface ProgrammedState {
  /** Goes up with every change; 0 before the first. */
  revision: number
  /** When the kernel was last known to hold what the API wants. */
  lastUpdated: string | null
  /** Why the newest state is not in the kernel, or null. */
  problem: string | null
  ports: readonly ProxiedPort[]
}

export interface ServiceProxyOptions {
  nodeName: string
  nodeAddresses: readonly string[]
  podCidrs: readonly string[]
  log: Log
}

/** Long enough to gather the events of one rollout step, short against the time a route takes to travel. */
const gatherMs = 10

/** Creates the proxy of one node; it acts in the network namespace of this process. */
export function createServiceProxy({ log, ...node }: ServiceProxyOptions): ServiceProxy {
  let wanted: { services: readonly Service[]; slices: readonly EndpointSlice[] } | null = null
  let state: ProgrammedState = { revision: 0, lastUpdated: null, problem: null, ports: [] }
  let appliedRules: string | null = null
  let isApplying = false
  let failures = 0
  let timer: NodeJS.Timeout | undefined
  let isStopped = false
  let waiting: (() => void)[] = []

  function schedule(pauseMs: number): void {
    if (isStopped) return
    clearTimeout(timer)
    timer = setTimeout(() => {
      apply().catch((error) => log('service proxy failed', { reason: reasonOf(error) }))
    }, pauseMs)
  }

  async function apply(): Promise<void> {
    if (isApplying || wanted === null) return
    isApplying = true
    const given = wanted
    try {
      const ports = selectServicePorts(given.services, given.slices, node.nodeName)
      const rules = renderProxyRules({ ports, ...node })
      if (rules !== appliedRules) {
        await applyNft(rules)
        appliedRules = rules
        log('services programmed', { ports: ports.length })
        setState({ ...state, revision: state.revision + 1, ports, problem: null })
      }
      failures = 0
      state = { ...state, lastUpdated: new Date().toISOString(), problem: null }
    } catch (error) {
      failures++
      const pauseMs = Math.min(100 * 2 ** failures, 10_000)
      log('services not programmed', { reason: reasonOf(error), retryInMs: pauseMs })
      setState({ ...state, revision: state.revision + 1, problem: reasonOf(error) })
      schedule(pauseMs)
    } finally {
      isApplying = false
    }
    if (wanted !== given) schedule(0)
  }

  function setState(next: ProgrammedState): void {
    state = { ...next, lastUpdated: next.problem === null ? new Date().toISOString() : next.lastUpdated }
    const resolvers = waiting
    waiting = []
    for (const resolve of resolvers) resolve()
  }

  return {
    update(services, slices) {
      const isFirst = wanted === null
      wanted = { services, slices }
      if (!isApplying) schedule(isFirst ? 0 : gatherMs)
    },
    programmed: () => state,
    async whenAfter(revision, timeoutMs) {
      if (state.revision > revision) return state
      const { promise, resolve } = Promise.withResolvers<void>()
      const timeout = setTimeout(resolve, timeoutMs)
      waiting.push(resolve)
      await promise
      clearTimeout(timeout)
      waiting = waiting.filter((other) => other !== resolve)
      return state
    },
    stop() {
      isStopped = true
      clearTimeout(timer)
    },
  }
}
