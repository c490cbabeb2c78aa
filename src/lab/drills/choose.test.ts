import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fabricPlan } from '../../render/fixture.ts'
import {
  chooseDevice,
  chooseLink,
  choosePlace,
  chooseTarget,
  chooseUsers,
  devicesOf,
  type Field,
  NotApplicable,
  NotMet,
} from './choose.ts'
import { seededRandom } from './random.ts'

const plan = fabricPlan()
const nodes = plan.devices.filter(({ role }) => role === 'node').map(({ name }) => name)
const fabricLinks = plan.links.filter(({ class: linkClass }) => linkClass === 'fabric')

function fieldWith(seed: number, footprint: Partial<Field['footprint']> = {}): Field {
  return {
    plan,
    footprint: { devices: new Set(), links: new Set(), ...footprint },
    announcers: nodes.slice(0, 1),
    random: seededRandom(seed, 'drill', 0),
  }
}

test('a seed chooses the same link again, and seeds together choose all', () => {
  const selector = { between: 'leaf', and: 'node' }
  const chosen = Array.from({ length: 60 }, (_, seed) => chooseLink(selector, fieldWith(seed), null).id)

  expect(Array.from({ length: 60 }, (_, seed) => chooseLink(selector, fieldWith(seed), null).id)).toEqual(
    chosen,
  )
  expect(new Set(chosen)).toEqual(
    new Set(plan.links.filter(({ class: linkClass }) => linkClass === 'node').map(({ id }) => id)),
  )
})

test('only what carries traffic is chosen where that is asked for, whichever seed', () => {
  const carrying = fabricLinks.slice(0, 2).map(({ id }) => id)
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const field = fieldWith(seed, { links: new Set(carrying) })
      const selector = { between: 'spine', and: {}, carrying: 'traffic' as const }

      expect(carrying).toContain(chooseLink(selector, field, null).id)
    }),
  )
})

test('what nothing fits is not in this fabric, and says what was looked for', () => {
  expect(() => chooseDevice('super-spine', fieldWith(1), null)).toThrow(NotApplicable)
  expect(() => chooseLink({ between: 'leaf', and: 'node', carrying: 'traffic' }, fieldWith(1), null)).toThrow(
    "no link between leaf and node carries this drill's traffic",
  )
})

test('a name that is not in the fabric is a mistake, and the near one is suggested', () => {
  const leaf = plan.devices.find(({ role }) => role === 'leaf')!.name
  expect(() => chooseDevice(`${leaf}x`, fieldWith(1), null)).toThrow(
    expect.objectContaining({ code: 'WEFT_DRILL_TARGET', hint: `did you mean "${leaf}"?` }),
  )
  expect(() => chooseLink('nowhere--nobody', fieldWith(1), null)).toThrow(
    expect.objectContaining({ code: 'WEFT_DRILL_TARGET' }),
  )
})

test('what is there and carries nothing is another matter: nothing can be shown by breaking it', () => {
  expect(() => chooseLink({ between: 'leaf', and: 'node', carrying: 'traffic' }, fieldWith(1), null)).toThrow(
    NotMet,
  )
  expect(() => chooseDevice({ role: 'leaf', carrying: 'traffic' }, fieldWith(1), null)).toThrow(NotMet)
  expect(() => chooseDevice({ role: 'super-spine', carrying: 'traffic' }, fieldWith(1), null)).toThrow(
    NotApplicable,
  )
})

test('"it" is what was chosen before, and only of its own kind', () => {
  const [node] = nodes
  const [link] = plan.links

  expect(chooseDevice('it', fieldWith(1), { kind: 'device', name: node! })).toBe(node)
  expect(chooseLink('it', fieldWith(1), { kind: 'link', name: link!.id })).toBe(link)
  expect(() => chooseDevice('it', fieldWith(1), { kind: 'link', name: link!.id })).toThrow(/no device/)
})

test('conditions must all hold', () => {
  const announcing = devicesOf({ role: 'node', announcing: 'web' }, fieldWith(1), null)
  const idle = devicesOf({ role: 'node', announcing: 'nothing' }, fieldWith(1), null)

  expect(announcing.map(({ name }) => name)).toEqual(nodes.slice(0, 1))
  expect(idle.map(({ name }) => name)).toEqual(nodes.slice(1))
  expect(choosePlace('site', { announcing: 'web' }, fieldWith(1))).toBe(announcing[0]!.site)
})

test('users are the client where there is an edge, else a spine, else a leaf', () => {
  const without = (...roles: string[]) => ({
    ...fieldWith(1),
    plan: { ...plan, devices: plan.devices.filter(({ role }) => !roles.includes(role)) },
  })

  expect(chooseUsers(fieldWith(1))).toBe('client')
  expect(chooseUsers(without('external'))).toMatch(/spine/)
  expect(chooseUsers(without('external', 'spine'))).toMatch(/leaf/)
})

test('a target is never the one that sends', () => {
  fc.assert(
    fc.property(fc.nat(), fc.constantFrom(...nodes), (seed, from) => {
      expect(chooseTarget('another node', from, fieldWith(seed))).not.toBe(from)
    }),
  )
})
