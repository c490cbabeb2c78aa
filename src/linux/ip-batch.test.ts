import { expect, test } from 'vitest'
import { parseBatchFailures } from './ip-batch.ts'

test('turns the line number of a failed batch line back into its operation', () => {
  const operations = ['link add a type dummy', 'addr add 10.0.0.1/32 dev lo', 'addr add 10.0.0.2/32 dev nope']
  const stderr = [
    'RTNETLINK answers: Operation not supported',
    'Command failed -:1',
    'Cannot find device "nope"',
    'Command failed -:3',
    '',
  ].join('\n')

  expect(parseBatchFailures(stderr, operations)).toEqual([
    { operation: 'link add a type dummy', reason: 'Operation not supported' },
    { operation: 'addr add 10.0.0.2/32 dev nope', reason: 'Cannot find device "nope"' },
  ])
})
