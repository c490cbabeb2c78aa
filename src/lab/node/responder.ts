import { createSocket } from 'node:dgram'
import { createServer } from 'node:http'
import { flushCompileCache } from 'node:module'

/*
 * The one program that lab pods run: it answers every HTTP request with who it is and whom it sees, and every datagram
 * likewise. Started by the node runtime inside the pod's network namespace, with a ResponderConfig as its argument.
 *
 * It loads nothing but Node's own modules (a pod costs 16 MB of its own and 0.07 s of processor time). It ends with exit
 * code 1 when it cannot listen; on SIGTERM it lets open requests finish.
 */

export interface ResponderConfig {
  pod: string
  namespace: string
  node: string
  zone: string
  tcpPorts: number[]
  udpPorts: number[]
}

const config = JSON.parse(process.argv[2] ?? '{}') as ResponderConfig
const { tcpPorts, udpPorts, ...identity } = config

const servers = tcpPorts.map((port) =>
  createServer((request, response) => {
    const path = request.url ?? '/'
    const isHealthCheck = path === '/healthz'
    const answer = isHealthCheck
      ? 'ok\n'
      : `${JSON.stringify({ ...identity, path, clientAddress: clientOf(request.socket.remoteAddress), port })}\n`
    response.setHeader('content-type', isHealthCheck ? 'text/plain' : 'application/json')
    response.setHeader('content-length', Buffer.byteLength(answer))
    response.end(request.method === 'HEAD' ? undefined : answer)
  })
    .on('error', fail)
    .listen(port, '::'),
)

const sockets = udpPorts.map((port) => {
  const socket = createSocket('udp6')
  socket.on('error', fail)
  socket.on('message', (message, client) => {
    // The datagram comes back in front of the answer: a prober finds its sequence number, a person what they typed.
    const answer = JSON.stringify({ ...identity, clientAddress: clientOf(client.address), port })
    socket.send(
      Buffer.concat([message.subarray(0, 1000), Buffer.from(`${answer}\n`)]),
      client.port,
      client.address,
    )
  })
  socket.bind(port, '::')
  return socket
})

// Otherwise it is written at a regular end only, and pods are killed.
flushCompileCache()

process.on('SIGTERM', () => {
  for (const socket of sockets) socket.close()
  for (const server of servers) {
    server.close()
    server.closeIdleConnections()
  }
})

/** An IPv4 client of a socket for both families shows as ::ffff:192.0.2.1. */
function clientOf(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:/, '')
}

function fail(error: Error): void {
  process.stderr.write(`responder: ${error.message}\n`)
  process.exit(1)
}
