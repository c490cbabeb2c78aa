import { request } from 'node:http'
import type { HttpAnswer, HttpRequest } from './protocol.ts'

/** One request over a connection of its own; no answer is an answer with status 0 and the reason. */
export function requestOnce({
  url,
  method = 'GET',
  body,
  contentType = 'application/json',
  source,
  timeoutMs = 3000,
}: HttpRequest): Promise<HttpAnswer> {
  const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
  const { promise, resolve } = Promise.withResolvers<HttpAnswer>()
  const started = performance.now()
  const latencyMs = () => performance.now() - started
  const outgoing = request(url, {
    agent: false,
    method,
    // Without a length Node sends no body with DELETE.
    ...(payload === undefined
      ? {}
      : { headers: { 'content-type': contentType, 'content-length': payload.length } }),
    signal: AbortSignal.timeout(timeoutMs),
    ...(source === undefined ? {} : { localAddress: source }),
  })
  const fail = (error: NodeJS.ErrnoException) =>
    resolve({
      status: 0,
      body: '',
      latencyMs: latencyMs(),
      error:
        error.name === 'TimeoutError' || error.name === 'AbortError'
          ? `no answer within ${timeoutMs} ms`
          : (error.code ?? error.message),
    })
  outgoing.on('error', fail)
  outgoing.on('response', (response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.on('error', fail)
    response.on('end', () =>
      resolve({
        status: response.statusCode ?? 0,
        body: Buffer.concat(chunks).toString('utf8'),
        latencyMs: latencyMs(),
      }),
    )
  })
  outgoing.end(payload)
  return promise
}
