/**
 * Reads Kubernetes' protobuf encoding, as far as kubectl writes it; answers always go out as JSON.
 *
 * A body is the four bytes `k8s\0`, then a message `Unknown` with the type's name and the object's own bytes. The
 * messages are described in {@link messages}. A kind or field that is not described there is refused by name,
 * because leaving it out in silence would store something else than was sent.
 */
import { ApiError, badRequest } from './api-error.ts'
import { type Field, type FieldType, messages } from './protobuf-messages.ts'

type JsonObject = Record<string, unknown>

interface Wire {
  number: number
  /** A varint, or the bytes of a string, message or map entry. */
  value: bigint | Uint8Array
}

const magic = [0x6b, 0x38, 0x73, 0x00]

/** The object in a protobuf body. */
export function decodeKubernetesProtobuf(body: Uint8Array): JsonObject {
  if (!magic.every((byte, index) => body[index] === byte)) {
    throw badRequest('the body is not Kubernetes protobuf: it does not begin with "k8s" and a zero byte')
  }
  let typeMeta: Uint8Array = new Uint8Array()
  let raw: Uint8Array = new Uint8Array()
  for (const { number, value } of readFields(body.subarray(magic.length))) {
    if (number === 1) typeMeta = asBytes(value)
    else if (number === 2) raw = asBytes(value)
  }
  const [apiVersion = '', kind = ''] = [1, 2].map((wanted) => {
    const field = [...readFields(typeMeta)].find(({ number }) => number === wanted)
    return field === undefined ? '' : text(field.value)
  })
  return { apiVersion, kind, ...decodeMessage(kind, raw) }
}

function decodeMessage(name: string, bytes: Uint8Array): JsonObject {
  const message = messages[name]
  if (message === undefined) throw unsupported(`objects of kind ${name}`)
  const result: JsonObject = {}
  for (const { number, value } of readFields(bytes)) {
    const field = message[number]
    if (field === undefined) throw unsupported(`field ${number} of ${name}`)
    store(result, field, value)
  }
  return result
}

function store(into: JsonObject, { name, type, repeated }: Field, value: bigint | Uint8Array): void {
  if (typeof type === 'object' && 'map' in type) {
    const [key, entry] = decodeEntry(asBytes(value), type.map)
    into[name] = { ...(into[name] as JsonObject | undefined), [key]: entry }
    return
  }
  const decoded = decodeValue(type, value)
  if (repeated === true) {
    if (type !== 'ignored') into[name] = [...((into[name] as unknown[] | undefined) ?? []), decoded]
  } else if (!isZero(type, decoded)) {
    into[name] = decoded
  }
}

function decodeValue(type: Exclude<FieldType, { map: unknown }>, value: bigint | Uint8Array): unknown {
  if (typeof type === 'object') return decodeMessage(type.message, asBytes(value))
  switch (type) {
    case 'string':
      return text(value)
    case 'bytes':
      return Buffer.from(asBytes(value)).toString('base64')
    case 'int':
    case 'int?':
      return Number(BigInt.asIntN(64, asVarint(value)))
    case 'bool':
    case 'bool?':
      return asVarint(value) !== 0n
    case 'int-or-string':
      return decodeIntOrString(asBytes(value))
    case 'ignored':
      return undefined
  }
}

function isZero(type: FieldType, value: unknown): boolean {
  if (value === undefined || value === '') return true
  if (type === 'int' || type === 'bool') return value === 0 || value === false
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

function decodeIntOrString(bytes: Uint8Array): number | string | undefined {
  const fields = new Map([...readFields(bytes)].map(({ number, value }) => [number, value]))
  if (fields.get(1) === 1n) return text(fields.get(3) ?? new Uint8Array())
  const number = Number(BigInt.asIntN(64, asVarint(fields.get(2) ?? 0n)))
  return number === 0 ? undefined : number
}

function decodeEntry(bytes: Uint8Array, type: 'string' | 'bytes'): [string, string] {
  const fields = new Map([...readFields(bytes)].map(({ number, value }) => [number, value]))
  const value = fields.get(2) ?? new Uint8Array()
  return [text(fields.get(1) ?? new Uint8Array()), decodeValue(type, value) as string]
}

function* readFields(bytes: Uint8Array): Generator<Wire> {
  let at = 0

  function varint(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at]
      if (byte === undefined) throw badRequest('the protobuf body ends within a number')
      at += 1
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    throw badRequest('the protobuf body holds a number that is too long')
  }

  while (at < bytes.length) {
    const tag = varint()
    const number = Number(tag >> 3n)
    const wireType = Number(tag & 7n)
    if (wireType === 0) {
      yield { number, value: varint() }
    } else if (wireType === 2) {
      const length = Number(varint())
      if (at + length > bytes.length) throw badRequest('the protobuf body ends within a field')
      yield { number, value: bytes.subarray(at, at + length) }
      at += length
    } else {
      throw badRequest(
        `the protobuf body holds a field of wire type ${wireType}, which Kubernetes does not use`,
      )
    }
  }
}

function asBytes(value: bigint | Uint8Array): Uint8Array {
  if (typeof value === 'bigint') throw badRequest('the protobuf body holds a number where a message belongs')
  return value
}

function asVarint(value: bigint | Uint8Array): bigint {
  if (typeof value !== 'bigint') throw badRequest('the protobuf body holds a message where a number belongs')
  return value
}

function text(value: bigint | Uint8Array): string {
  return Buffer.from(asBytes(value)).toString('utf8')
}

function unsupported(what: string): ApiError {
  return new ApiError(
    415,
    'UnsupportedMediaType',
    `this server does not read ${what} as protobuf; send application/json, for example from a manifest with "kubectl apply -f"`,
  )
}
