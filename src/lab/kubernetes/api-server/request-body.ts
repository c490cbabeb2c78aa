/**
 * Reads request bodies: bounded, JSON, YAML or the protobuf that kubectl writes, and refused with a `Status` that says what is wrong.
 */
import type { IncomingMessage } from 'node:http'
import { parse as parseYaml } from 'yaml'
import { ApiError, badRequest } from './api-error.ts'
import { decodeKubernetesProtobuf } from './protobuf.ts'

/** Reads the whole body; more than the limit is a 413. */
export async function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += (chunk as Buffer).length
    if (size > limitBytes) {
      throw new ApiError(
        413,
        'RequestEntityTooLarge',
        `Request entity too large: limit is ${limitBytes} bytes`,
      )
    }
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
}

/** Decodes a body by its media type; an empty one is undefined. */
export function decodeBody(body: Buffer, mediaType: string): unknown {
  if (body.length === 0) return undefined
  if (mediaType === 'application/vnd.kubernetes.protobuf') return decodeKubernetesProtobuf(body)
  if (mediaType.includes('cbor')) {
    throw new ApiError(
      415,
      'UnsupportedMediaType',
      `the body is ${mediaType}; this server reads application/json and application/yaml`,
    )
  }
  const text = body.toString('utf8')
  if (text.trim() === '') return undefined
  // A member of this name would reach the prototype of every object it is merged into.
  if (text.includes('__proto__')) throw badRequest('the body may not contain a member named "__proto__"')
  try {
    return mediaType.includes('yaml') ? parseYaml(text) : JSON.parse(text)
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error)
    throw badRequest(`the body is not ${mediaType.includes('yaml') ? 'YAML' : 'JSON'}: ${reason}`)
  }
}
