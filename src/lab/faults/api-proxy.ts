import { readFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net'
import { Transform } from 'node:stream'
import { proxyPortFile, proxySource } from './api-fault.ts'

/*
 * Stands in for a cluster's API while it is slow or erroring: `api-proxy.ts <lab> <cluster> <address> <port>
 * <delay ms> passing|erroring plain|<certificate>`, inside the API's node. Started and ended by api-fault.ts.
 *
 * A slow API is a TCP proxy that holds back every byte of the answers, so it needs to know nothing of TLS. An erroring
 * one answers every request itself, with the certificate of the API when that has one.
 */

const [lab = '', cluster = '', address = '', port = '', delay = '0', mode = '', certificate = ''] =
  process.argv.slice(2)
const delayMs = Number(delay)

const status = {
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message: 'the lab makes this API fail (weft lab faults)',
  reason: 'ServiceUnavailable',
  code: 503,
}

const refuse: RequestListener = (request, response) => {
  request.resume()
  setTimeout(() => {
    response.writeHead(503, { 'content-type': 'application/json' })
    response.end(JSON.stringify(status))
  }, delayMs)
}

function relay(client: Socket): void {
  const server = connect({ host: address, port: Number(port), localAddress: proxySource(address) })
  const end = () => {
    client.destroy()
    server.destroy()
  }
  for (const socket of [client, server]) socket.on('error', end).on('close', end)
  client.pipe(server)
  server.pipe(holdBack(delayMs)).pipe(client)
}

/** Every chunk leaves as much later as it came, in its order; what follows does not wait for it. */
function holdBack(milliseconds: number): Transform {
  let last: Promise<void> = Promise.resolve()
  const later = () => new Promise<void>((resolve) => setTimeout(resolve, milliseconds))
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const due = later()
      last = Promise.all([last, due]).then(() => void this.push(chunk))
      done()
    },
    flush(done) {
      last.then(() => done(), done)
    },
  })
}

function makeServer(): Server {
  if (mode === 'passing') return createTcpServer(relay)
  if (certificate === 'plain') return createHttpServer(refuse)
  const read = (end: string) => readFileSync(`${certificate}.${end}`)
  return createHttpsServer({ cert: read('crt'), key: read('key') }, refuse)
}

const server = makeServer()
process.once('SIGTERM', () => process.exit(0))
server.listen(0, address, () => {
  const file = proxyPortFile(lab, cluster)
  const draft = `${file}.${process.pid}`
  writeFile(draft, String((server.address() as AddressInfo).port))
    .then(() => rename(draft, file))
    .catch((error: unknown) => {
      throw error
    })
})
