/*
 * The resident probe of one host, started inside its namespace by probe-host.ts and spoken to over Node's IPC channel.
 * It ends when the channel does, so nothing stays behind a lab that was killed.
 */
import { HttpFlows } from './http-flows.ts'
import { requestOnce } from './http-request.ts'
import { countOverflows, listen } from './listener.ts'
import type {
  FlowSeries,
  FlowSpec,
  HttpRequest,
  ProbeCall,
  ProbeMethod,
  ProbeReply,
  ProbeRequests,
} from './protocol.ts'
import { TcpFlows } from './tcp-flows.ts'
import { killCapture, UdpFlows } from './udp-flows.ts'

/** A group of flows being sent. */
interface Sender {
  start(): Promise<number[]>
  stop(): Promise<FlowSeries>
}

const senders = new Map<number, Sender>()
let nextRun = 1

type Handlers = {
  [M in ProbeMethod]: (params: ProbeRequests[M]['params']) => Promise<ProbeRequests[M]['result']>
}

const handlers: Handlers = {
  async listen({ address, port, name }) {
    await listen(address, port, name)
    return null
  },
  async overflows() {
    return await countOverflows()
  },
  async startFlows(spec) {
    const sender = senderFor(spec)
    const sourcePorts = await sender.start()
    const run = nextRun++
    senders.set(run, sender)
    return { run, sourcePorts }
  },
  async stopFlows({ run }) {
    const sender = senders.get(run)
    if (sender === undefined) throw new Error(`there is no run ${run}`)
    senders.delete(run)
    return await sender.stop()
  },
  async http(params: HttpRequest) {
    return await requestOnce(params)
  },
}

process.on('message', (call: ProbeCall) => {
  void answer(call).then((reply) => process.send?.(reply))
})
process.on('disconnect', () => {
  killCapture()
  process.exit()
})

function senderFor(spec: FlowSpec): Sender {
  if (spec.protocol === 'tcp') return new TcpFlows(spec)
  return spec.protocol === 'http' ? new HttpFlows(spec) : new UdpFlows(spec)
}

async function answer({ id, method, params }: ProbeCall): Promise<ProbeReply> {
  try {
    const handle = handlers[method] as (params: unknown) => Promise<unknown>
    return { id, result: await handle(params) }
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) }
  }
}
