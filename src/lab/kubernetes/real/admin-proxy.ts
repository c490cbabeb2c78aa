/**
 * A plain door to the real API for whoever is inside the control-plane node's namespace already, as `kubectl proxy` is:
 * requests go on over TLS with the administrator's token. Only ever on a loopback address.
 */
import { createServer, type Server } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { WeftError } from '../../../diagnostics/error.ts'

export interface AdminProxyOptions {
  address: string
  port: number
  target: string
  ca: string
  token: string
}

/** Starts the proxy; rejects when the port is taken. */
export async function startAdminProxy({
  address,
  port,
  target,
  ca,
  token,
}: AdminProxyOptions): Promise<Server> {
  const server = createServer((incoming, answer) => {
    const outgoing = httpsRequest(new URL(incoming.url ?? '/', target), {
      method: incoming.method ?? 'GET',
      ca,
      headers: { ...incoming.headers, host: new URL(target).host, authorization: `Bearer ${token}` },
    })
    outgoing.on('response', (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(answer)
      response.on('error', () => answer.destroy())
    })
    outgoing.on('error', (error) => {
      if (answer.headersSent) return void answer.destroy()
      answer.writeHead(502, { 'content-type': 'text/plain' })
      answer.end(`the API server does not answer: ${error.message}\n`)
    })
    answer.on('close', () => outgoing.destroy())
    incoming.pipe(outgoing)
  })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(port, address, resolve)
  await promise.catch((cause: Error) => {
    throw new WeftError(
      'WEFT_LAB_API_ADDRESS_IN_USE',
      `cannot listen on ${address}:${port}: ${cause.message}`,
      {
        hint: 'end the process that uses the port, or configure another one',
        exitCode: 3,
        cause,
      },
    )
  })
  return server
}
