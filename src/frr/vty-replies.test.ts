import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type VtyReply, VtyReplySplitter } from './vty-replies.ts'

function encode(reply: VtyReply): Buffer {
  return Buffer.concat([Buffer.from(reply.text), Buffer.from([0, 0, 0, reply.status])])
}

test('finds every reply, however the stream is cut', () => {
  const text = fc.string({ unit: 'grapheme' }).map((raw) => raw.replaceAll('\0', ''))
  const reply = fc.record({ text, status: fc.constantFrom(0, 1, 2, 4, 13) })

  fc.assert(
    fc.property(fc.array(reply), fc.array(fc.nat({ max: 12 })), (replies, cuts) => {
      const stream = Buffer.concat(replies.map(encode))
      const splitter = new VtyReplySplitter()
      const found: VtyReply[] = []
      let at = 0
      for (const size of cuts) {
        found.push(...splitter.push(stream.subarray(at, at + size)))
        at += size
      }
      found.push(...splitter.push(stream.subarray(at)))

      expect(found).toEqual(replies)
    }),
  )
})

test('keeps a reply back until its status byte is there', () => {
  const splitter = new VtyReplySplitter()

  expect(splitter.push(Buffer.from('ok\0\0'))).toEqual([])
  expect(splitter.push(Buffer.from('\0'))).toEqual([])
  expect(splitter.push(Buffer.from([0]))).toEqual([{ text: 'ok', status: 0 }])
  expect(splitter.push(Buffer.from('\0\0\0\0'))).toEqual([{ text: '', status: 0 }])
})
