import { createServer, type Server } from 'node:http'
import { WeftError } from '../../../diagnostics/error.ts'
import type { ServiceProxy } from './service-proxy.ts'

/*
 * Says what the Service proxy has programmed, on the node's loopback only (kube-proxy answers /healthz on the same
 * port). The agent asks it before it announces a Service address.
 *
 *   GET /healthz                 200 while the kernel holds what the API wants, else 503
 *   GET /programmed              { revision, lastUpdated, problem, ports }
 *   GET /programmed?after=<n>    the same, answered when the revision is above n, or after 30 s
 *
 * The port also makes sure that a node has one runtime: a second one does not get it.
 */

const longPollMs = 30_000

/** Starts answering; rejects when the port is taken. */
export async function serveProgrammedState(proxy: ServiceProxy, port: number): Promise<Server> {
  const server = createServer((request, response) => {
    answer(request.url ?? '/').then(
      ([status, body]) => {
        response.writeHead(status, { 'content-type': 'application/json' })
        response.end(`${JSON.stringify(body)}\n`)
      },
      () => response.destroy(),
    )
  })

  async function answer(target: string): Promise<[number, unknown]> {
    const url = new URL(target, 'http://localhost')
    if (url.pathname === '/healthz') {
      const { lastUpdated, problem } = proxy.programmed()
      const isHealthy = lastUpdated !== null && problem === null
      return [isHealthy ? 200 : 503, { lastUpdated, currentTime: new Date().toISOString(), problem }]
    }
    if (url.pathname !== '/programmed') return [404, { message: 'there are /healthz and /programmed' }]
    const after = url.searchParams.get('after')
    return [200, after === null ? proxy.programmed() : await proxy.whenAfter(Number(after), longPollMs)]
  }

  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(port, '127.0.0.1', resolve)
  await promise.catch((cause: NodeJS.ErrnoException) => {
    throw new WeftError('WEFT_NODE_PORT', `cannot listen on 127.0.0.1:${port}: ${cause.message}`, {
      hint:
        cause.code === 'EADDRINUSE'
          ? 'another node runtime is running in this network namespace: end it first'
          : 'the node’s loopback interface must be up: run "weft lab doctor"',
      exitCode: 3,
      cause,
    })
  })
  return server
}
