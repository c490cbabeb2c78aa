import { expect, test } from 'vitest'
import { countSoftnetDrops } from './softnet.ts'

test('drops of all processors are added, in hexadecimal', () => {
  expect(countSoftnetDrops('00001000 0000000a 00000000\n00002000 00000010 00000001\n')).toBe(26)
  expect(countSoftnetDrops('')).toBe(0)
})
