import { expect, test } from 'vitest'
import { changesTowards, type Lowering, readLowering } from './lowering.ts'

const instance = 'router bgp 65001\n bgp router-id 10.0.0.1\n'
const lowered = `${instance} bgp graceful-shutdown\n`
const mark = (name: string) => `bgp community-list standard ${name} seq 5 permit graceful-shutdown\n`
const running: Record<Lowering, string> = {
  none: instance,
  'for-node': `${mark('WEFT-DRAIN')}${lowered}`,
  'by-command': `${mark('WEFT-DRAIN-COMMAND')}${lowered}`,
}

test('who asked is read from the mark, and without one it was an operator', () => {
  for (const [lowering, text] of Object.entries(running)) expect(readLowering(text)).toBe(lowering)
  expect(readLowering(lowered)).toBe('none')
  expect(readLowering(`${mark('WEFT-DRAIN-COMMAND')}${instance}`)).toBe('none')
})

test('draining marks first; ending it unmarks last', () => {
  const lines = (wanted: Lowering, text: string) => changesTowards(wanted, text)?.map(({ line }) => line)

  expect(lines('by-command', running.none)).toEqual([
    'bgp community-list standard WEFT-DRAIN-COMMAND permit graceful-shutdown',
    'bgp graceful-shutdown',
  ])
  expect(lines('none', running['for-node'])).toEqual([
    'no bgp graceful-shutdown',
    'no bgp community-list standard WEFT-DRAIN permit graceful-shutdown',
  ])
})

test('another requester changes the mark only, and what is there is not said again', () => {
  expect(changesTowards('for-node', running['by-command'])?.map(({ line }) => line)).toEqual([
    'bgp community-list standard WEFT-DRAIN permit graceful-shutdown',
    'no bgp community-list standard WEFT-DRAIN-COMMAND permit graceful-shutdown',
  ])
  for (const lowering of ['none', 'for-node', 'by-command'] as const)
    expect(changesTowards(lowering, running[lowering])).toEqual([])
})

test('without a BGP instance there is no way, and one of a VRF is not meant', () => {
  expect(changesTowards('for-node', `router bgp 65001 vrf red\nexit\n${instance}`)).toContainEqual({
    context: ['router bgp 65001'],
    line: 'bgp graceful-shutdown',
  })
  expect(changesTowards('for-node', 'hostname n1\n')).toBeUndefined()
})
