import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'

/** For the time in which this process may not run; the machine's net.core.rmem_max may allow less. */
const receiveBytes = 4 * 1024 * 1024

/** That this process listens on. */
const ports = new Set<number>()

/** Answers datagrams with themselves and the name of this host, and HTTP requests as lab pods do. */
export async function listen(address: string, port: number, name: string): Promise<void> {
  ports.add(port)
  await Promise.all([answerDatagrams(address, port, name), answerRequests(address, port, name)])
}

/**
 * Datagrams that came to this host's listeners and were dropped because this process did not run: they look like losses
 * of the network, and are none.
 */
export async function countOverflows(): Promise<number> {
  const tables = await Promise.all(['udp', 'udp6'].map((name) => readFile(`/proc/self/net/${name}`, 'utf8')))
  return tables
    .flatMap((table) => table.trim().split('\n').slice(1))
    .map((row) => row.trim().split(/\s+/))
    .filter(([, local]) => ports.has(Number.parseInt(local?.split(':')[1] ?? '', 16)))
    .reduce((sum, columns) => sum + Number(columns.at(-1)), 0)
}

async function answerDatagrams(address: string, port: number, name: string): Promise<void> {
  const family = address.includes(':') ? 6 : 4
  const socket = createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    recvBufferSize: receiveBytes,
    lookup: (host, _options, found) => found(null, host, family),
  })
  const suffix = Buffer.from(name)
  socket.on('message', (message, from) => {
    socket.send(Buffer.concat([message.subarray(0, 4), suffix]), from.port, from.address, () => {})
  })
  // Such a lookup is done at once, and so is binding: who asks after it has missed the event.
  const listening = once(socket, 'listening')
  socket.bind({ address, port })
  await listening
  socket.on('error', () => {})
}

async function answerRequests(address: string, port: number, name: string): Promise<void> {
  const server = createServer((request, response) => {
    const answer = `${JSON.stringify({ node: name, path: request.url ?? '/' })}\n`
    response.setHeader('content-type', 'application/json')
    response.setHeader('content-length', Buffer.byteLength(answer))
    response.end(answer)
  })
  server.listen(port, address)
  await once(server, 'listening')
  server.on('error', () => {})
}
