import { expect, test } from 'vitest'
import { countDrops, parseWaited, watchMachine } from './machine-noise.ts'

test('drops of all processors are added, in hexadecimal', () => {
  expect(countDrops('00001000 0000000a 00000000\n00002000 00000010 00000001\n')).toBe(26)
  expect(countDrops('')).toBe(0)
})

test('the time that something waited for a processor is read, where it is counted', () => {
  expect(
    parseWaited('some avg10=97.83 avg60=96.43 avg300=88.93 total=7852943082\nfull avg10=0.00 total=0\n'),
  ).toBe(7_852_943_082)
  expect(parseWaited('')).toBeNull()
})

test('a share of waiting is one of the time watched', async () => {
  const look = await watchMachine()
  const { waitShare, drops } = await look()

  expect(waitShare ?? 0).toBeLessThanOrEqual(1)
  expect(drops).toBeGreaterThanOrEqual(0)
})
