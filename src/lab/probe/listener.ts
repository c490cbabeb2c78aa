import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:http'

/** Answers datagrams with themselves and the name of this host, and HTTP requests as lab pods do. */
export async function listen(address: string, port: number, name: string): Promise<void> {
  await Promise.all([answerDatagrams(address, port, name), answerRequests(address, port, name)])
}

async function answerDatagrams(address: string, port: number, name: string): Promise<void> {
  const family = address.includes(':') ? 6 : 4
  const socket = createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
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
