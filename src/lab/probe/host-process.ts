/*
 * The resident probe of one host, started inside its namespace by probe-host.ts and spoken to over Node's IPC channel.
 * It ends when the channel does, so nothing stays behind a lab that was killed.
 */
import { requestOnce } from './http-request.ts'
import type { HttpRequest, ProbeCall, ProbeMethod, ProbeReply, ProbeRequests } from './protocol.ts'
import { FlowSender, listenEcho } from './udp-flows.ts'

const senders = new Map<number, FlowSender>()
let nextRun = 1

type Handlers = {
  [M in ProbeMethod]: (params: ProbeRequests[M]['params']) => Promise<ProbeRequests[M]['result']>
}

const handlers: Handlers = {
  async echo({ address, port, name }) {
    await listenEcho(address, port, name)
    return null
  },
  async startFlows(spec) {
    const sender = new FlowSender(spec)
    await sender.start()
    const run = nextRun++
    senders.set(run, sender)
    return { run }
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
process.on('disconnect', () => process.exit())

async function answer({ id, method, params }: ProbeCall): Promise<ProbeReply> {
  try {
    const handle = handlers[method] as (params: unknown) => Promise<unknown>
    return { id, result: await handle(params) }
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) }
  }
}
