import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { WeftError } from '../../diagnostics/error.ts'
import { inNamespace } from '../../linux/namespace.ts'
import { labEnvironmentKey, namespaceOf } from '../names.ts'
import { withCompileCache } from '../node/compile-cache.ts'
import { analyzeFlows, type FlowReport } from './flow-report.ts'
import { promptly } from './promptly.ts'
import type { FlowSpec, HttpAnswer, HttpRequest, ProbeMethod, ProbeReply, ProbeRequests } from './protocol.ts'

/*
 * Sends traffic from inside a lab's hosts and measures it there.
 *
 * Each host gets one resident process, because starting one for every measurement would take longer than most outages.
 * Flows are measured by their answers: what is lost on the way back counts as lost, as it does for a user. What is
 * measured how is in docs/reference/probes.md.
 */

const program = fileURLToPath(new URL('host-process.ts', import.meta.url))

interface Waiting {
  resolve: (result: unknown) => void
  reject: (error: Error) => void
}

/** A running group of flows. */
export interface FlowRun {
  /** As many as there are flows; of HTTP, numbers that tell its rows of requests apart. */
  sourcePorts: number[]
  /** Ends it and says what was lost. */
  stop(): Promise<FlowReport>
}

export class ProbeHost {
  readonly host: string
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  #nextId = 1

  constructor(host: string, child: ChildProcess) {
    this.host = host
    this.#child = child
    child.on('message', (reply: ProbeReply) => this.#receive(reply))
    child.on('exit', () => this.#fail())
    child.on('error', () => this.#fail())
  }

  /** Answers UDP and HTTP on an address of this host with the host's name. */
  async echo(address: string, port: number): Promise<void> {
    await this.#call('listen', { address, port, name: this.host })
  }

  /** Datagrams that came to this host's listeners and were lost there, because the machine was too busy. */
  async countOverflows(): Promise<number> {
    return await this.#call('overflows', null)
  }

  /** Starts sending; the flows run until they are stopped. */
  async startFlows(spec: FlowSpec): Promise<FlowRun> {
    const { run, sourcePorts } = await this.#call('startFlows', spec)
    return { sourcePorts, stop: async () => analyzeFlows(await this.#call('stopFlows', { run })) }
  }

  /** One HTTP request over a connection of its own. */
  async httpRequest(request: HttpRequest): Promise<HttpAnswer> {
    return await this.#call('http', request)
  }

  close(): void {
    if (this.#child.connected) this.#child.disconnect()
  }

  #call<M extends ProbeMethod>(
    method: M,
    params: ProbeRequests[M]['params'],
  ): Promise<ProbeRequests[M]['result']> {
    const { promise, resolve, reject } = Promise.withResolvers<ProbeRequests[M]['result']>()
    if (!this.#child.connected) {
      reject(endedError(this.host))
      return promise
    }
    const id = this.#nextId++
    this.#waiting.set(id, { resolve: resolve as Waiting['resolve'], reject })
    this.#child.send({ id, method, params })
    return promise
  }

  #receive({ id, result, error }: ProbeReply): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiting?.resolve(result)
    else waiting?.reject(new WeftError('WEFT_PROBE_FAILED', `probe of ${this.host}: ${error}`))
  }

  #fail(): void {
    for (const { reject } of this.#waiting.values()) reject(endedError(this.host))
    this.#waiting.clear()
  }
}

/** Starts the probe process of a host; close it when done. */
export function openProbe(lab: string, host: string): ProbeHost {
  const [execPath, ...execArgv] = inNamespace(namespaceOf(lab, host), promptly([process.execPath]))
  const child = fork(program, [], {
    execPath,
    execArgv,
    env: { ...withCompileCache(process.env), [labEnvironmentKey]: lab },
    // Nobody reads what it prints, and an unread pipe would stop it.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    // Series are arrays of numbers, which JSON would print.
    serialization: 'advanced',
  })
  return new ProbeHost(host, child)
}

function endedError(host: string): WeftError {
  return new WeftError('WEFT_PROBE_ENDED', `the probe process of ${host} has ended`, {
    hint: 'the lab may be gone: weft lab status',
    exitCode: 4,
  })
}
