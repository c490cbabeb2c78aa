import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { formatAddress } from '../net/address.ts'
import { explain, loadClean } from './fixture.ts'
import { starterIntent } from './starter.ts'

const examples = globSync('examples/*/weft.yaml').toSorted()

test('there are five examples', () => {
  expect(examples).toHaveLength(5)
})

test.each(examples)('%s loads without any diagnostic', (file) => {
  expect(explain(readFileSync(file, 'utf8'))).toBe('')
})

test('what weft init writes loads without any diagnostic', () => {
  expect(loadClean(starterIntent('acme')).name).toBe('acme')
})

test('what the starter has commented out can be switched on', () => {
  const [, ...lines] = starterIntent('acme').split('\n')
  const everything = lines
    .map((line) => line.replace(/^( *)# ((?: *- |[ a-z0-9-]+:| {2}).*)$/, '$1$2'))
    .join('\n')

  const intent = loadClean(everything)

  expect(intent.sites.map((site) => site.dciRouters)).toEqual([2, 2])
  expect(intent.peers).toHaveLength(1)
  expect(intent.overrides).toHaveLength(1)
})

test('the seed example keeps the numbers of the setup it describes', () => {
  const intent = loadClean(readFileSync('examples/seed/weft.yaml', 'utf8'))
  const rack = intent.sites[0]!.fabric.pods[0]!.racks[0]!
  const cp1 = intent.overrides.find(({ select }) => select.device === 'cp1')!.set

  expect(rack).toMatchObject({ name: 'control1', attachment: 'ibgp', uplinks: ['eno5', 'eno7'] })
  expect(intent.bgp.timers).toEqual({ keepaliveSeconds: 1, holdSeconds: 3 })
  expect(formatAddress(cp1.loopback!)).toBe('10.10.19.10')
  expect(cp1.vips!.map(formatAddress)).toEqual(['10.10.21.66', '10.10.21.227'])
})
