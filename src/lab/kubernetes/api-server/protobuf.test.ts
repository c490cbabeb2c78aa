import { expect, test } from 'vitest'
import { decodeKubernetesProtobuf } from './protobuf.ts'

/** Length-delimited field. */
function bytes(number: number, value: string | Buffer): Buffer {
  const payload = Buffer.from(value)
  return Buffer.concat([tag(number, 2), Buffer.from([payload.length]), payload])
}

function varint(number: number, value: number): Buffer {
  return Buffer.concat([tag(number, 0), Buffer.from([value])])
}

function tag(number: number, wireType: number): Buffer {
  const value = (number << 3) | wireType
  return Buffer.from(value < 0x80 ? [value] : [(value & 0x7f) | 0x80, value >> 7])
}

function envelope(apiVersion: string, kind: string, raw: Buffer): Buffer {
  const typeMeta = Buffer.concat([bytes(1, apiVersion), bytes(2, kind)])
  return Buffer.concat([Buffer.from('k8s\0'), bytes(1, typeMeta), bytes(2, raw), bytes(3, ''), bytes(4, '')])
}

test('reads an object with maps, lists, numbers and either kind of target port', () => {
  const label = Buffer.concat([bytes(1, 'app'), bytes(2, 'web')])
  const named = Buffer.concat([
    bytes(1, 'http'),
    varint(3, 80),
    bytes(4, Buffer.concat([varint(1, 1), bytes(3, 'web')])),
    varint(5, 0),
  ])
  const numbered = Buffer.concat([varint(3, 81), bytes(4, Buffer.concat([varint(1, 0), varint(2, 90)]))])
  const spec = Buffer.concat([
    bytes(1, named),
    bytes(1, numbered),
    bytes(2, label),
    bytes(3, ''),
    varint(13, 0),
    varint(20, 0),
  ])
  const metadata = Buffer.concat([bytes(1, 'web'), bytes(8, ''), bytes(11, label)])

  const object = decodeKubernetesProtobuf(
    envelope('v1', 'Service', Buffer.concat([bytes(1, metadata), bytes(2, spec)])),
  )

  expect(object).toEqual({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', labels: { app: 'web' } },
    spec: {
      ports: [
        { name: 'http', port: 80, targetPort: 'web' },
        { port: 81, targetPort: 90 },
      ],
      selector: { app: 'web' },
      // Optional, so false is an answer and not the absence of one.
      allocateLoadBalancerNodePorts: false,
    },
  })
})

test('refuses what it would otherwise lose in silence', () => {
  const pod = envelope('v1', 'Pod', Buffer.alloc(0))
  const strange = envelope('v1', 'Namespace', bytes(9, 'x'))

  expect(() => decodeKubernetesProtobuf(pod)).toThrow('does not read objects of kind Pod as protobuf')
  expect(() => decodeKubernetesProtobuf(strange)).toThrow('does not read field 9 of Namespace')
})

test('refuses bytes that are not Kubernetes protobuf or end too early', () => {
  const whole = envelope('v1', 'Namespace', bytes(1, bytes(1, 'shop')))

  expect(() => decodeKubernetesProtobuf(Buffer.from('{}'))).toThrow('is not Kubernetes protobuf')
  for (let length = 5; length < whole.length - 4; length++) {
    try {
      decodeKubernetesProtobuf(whole.subarray(0, length))
    } catch (error) {
      expect(error).toMatchObject({ name: 'ApiError' })
    }
  }
})
