import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Candidate, chooseCovering, findUncovered } from './cover.ts'

const candidate = (sourcePort: number, leaf: string, spine: string): Candidate => ({
  sourcePort,
  devices: ['n1', leaf, spine, 'n2'],
  links: [`${leaf}--n1`, `${spine}--${leaf}`, `${spine}--n2`],
})

test('everything of interest carries two flows, however rarely the hash takes it', () => {
  const candidates = [
    ...Array.from({ length: 40 }, (_, index) => candidate(index, 'leaf1', 'spine1')),
    candidate(100, 'leaf2', 'spine1'),
    candidate(101, 'leaf2', 'spine2'),
  ]

  const chosen = chooseCovering(candidates, 6, { devices: ['leaf2'] })
  expect(chosen.filter(({ devices }) => devices.includes('leaf2'))).toHaveLength(2)
  expect(chosen).toHaveLength(6)
})

test('without interest, flows spread evenly over the paths', () => {
  const candidates = Array.from({ length: 64 }, (_, index) =>
    candidate(index, index < 50 ? 'leaf1' : 'leaf2', index % 2 === 0 ? 'spine1' : 'spine2'),
  )

  const perPath = Map.groupBy(chooseCovering(candidates, 16), ({ links }) => links.join())
  expect([...perPath.values()].map((flows) => flows.length)).toEqual([4, 4, 4, 4])
})

test('names what no candidate passes', () => {
  const candidates = [candidate(1, 'leaf1', 'spine1')]
  expect(findUncovered(candidates, { devices: ['spine1', 'spine2'], links: ['spine1--n2'] })).toEqual([
    'spine2',
  ])
})

test('any choice is one of the candidates, none twice, and as many as there can be', () => {
  const arbitrary = fc.array(
    fc.record({
      leaf: fc.constantFrom('leaf1', 'leaf2'),
      spine: fc.constantFrom('spine1', 'spine2', 'spine3'),
    }),
    { maxLength: 60 },
  )
  fc.assert(
    fc.property(
      arbitrary,
      fc.nat(70),
      fc.subarray(['leaf1', 'spine3', 'nowhere']),
      (rows, count, devices) => {
        const candidates = rows.map(({ leaf, spine }, index) => candidate(index, leaf, spine))
        const chosen = chooseCovering(candidates, count, { devices })
        const ports = chosen.map(({ sourcePort }) => sourcePort)
        expect(new Set(ports).size).toBe(ports.length)
        expect(ports.length).toBe(Math.min(count, candidates.length))
        for (const device of devices) {
          const passing = candidates.filter((one) => one.devices.includes(device)).length
          const carried = chosen.filter((one) => one.devices.includes(device)).length
          // One flow may serve several, so as many as are wanted together always suffice.
          if (count >= 2 * devices.length) expect(carried).toBeGreaterThanOrEqual(Math.min(2, passing))
        }
      },
    ),
  )
})
