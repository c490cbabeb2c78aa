import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { formatDiagnostic } from '../../diagnostics/format.ts'
import { builtInSuites, builtInText, chooseDrills } from './catalog.ts'
import { loadDrills } from './load-drills.ts'
import { drillFile, suiteFile } from './scenario-schema.ts'

const sound = `drill: v1
name: mine
title: A link falls silent
class: silent link
traffic:
  - { from: users, to: service web }
steps:
  - at: 500ms
    fail: { link: { between: leaf, and: node, carrying: traffic }, how: silent }
expect:
  - worst outage: <= detection + 125ms
`

function complaintsOf(text: string): string {
  return loadDrills(text, 'mine.yaml')
    .diagnostics.map((diagnostic) => formatDiagnostic(diagnostic))
    .join('\n')
}

test('reads a drill with its defaults filled in', () => {
  const { source } = loadDrills(sound, 'mine.yaml')

  expect(source?.drills[0]).toMatchObject({
    name: 'mine',
    failureClass: 'silent link',
    isPlanned: false,
    settleMs: 1500,
    traffic: [{ name: 'users to service web', protocol: 'udp', flows: 16, rate: 1600 }],
    steps: [{ at: 500, fail: { how: 'silent' } }],
    expect: [{ 'worst outage': { text: '<= detection + 125ms', fixed: 125, detections: 1, allowances: 0 } }],
  })
})

test('a misspelt word is found at its place, with what may stand there and the word that was meant', () => {
  expect(complaintsOf(sound.replace('how: silent', 'how: silnt'))).toMatchInlineSnapshot(`
    "mine.yaml:9:73 error WEFT_DRILL_INVALID (steps.0.fail.how)
      "how" cannot be "silnt"
            fail: { link: { between: leaf, and: node, carrying: traffic }, how: silnt }
                                                                                ^^^^^
      found:    "silnt"
      expected: one of carrier, silent, one way, bfd only, bgp only, flapping, mtu black hole, rate limit
      hint: did you mean "silent"?"
  `)
})

test('a limit that cannot be read says how limits are written', () => {
  expect(complaintsOf(sound.replace('<= detection + 125ms', '< 125'))).toMatchInlineSnapshot(`
    "mine.yaml:11:19 error WEFT_DRILL_INVALID (expect.0.worst outage)
      "< 125" is not a limit
          - worst outage: < 125
                          ^^^^^
      found:    "< 125"
      expected: a sum of times and the words detection and allowance, such as <= detection + 125ms"
  `)
})

test.each([
  ['at: 500ms', 'at: 500ms\n    after: 1s', /two times: at and after/],
  ['at: 500ms', 'at: 500ms\n    heal: all', /does fail and heal at once/],
  ['  - at: 500ms', '  - drain: it\n  - at: 500ms', /"it" stands for what an earlier step chose/],
  ['to: service web', 'to: somewhere', /service web, pod on <node>, or loopback of <device>/],
  ['to: service web', 'to: service web, rate: 1000', /add the unit: \/s/],
  ['worst outage: <=', 'of: pods\n    worst outage: <=', /no traffic is called "pods"/],
  [
    'link: { between: leaf, and: node, carrying: traffic }',
    'cable: 7',
    /does not say what fails[\s\S]*link, device, daemon/,
  ],
  ['how: silent', 'how: silent, byts: 9', /no key "byts"[\s\S]*did you mean "bytes"/],
  ['worst outage: <=', 'worst outag: <=', /no key "worst outag"[\s\S]*did you mean "worst outage"/],
  ['drill: v1\n', '', /has no "drill"/],
  ['name: mine', 'name: mine\nname: yours', /WEFT_DRILL_SYNTAX[\s\S]*name/],
])('%s written as %s is one mistake with its reason', (from, to, reason) => {
  const { source, diagnostics } = loadDrills(sound.replace(from, to), 'mine.yaml')

  expect(source).toBeNull()
  expect(diagnostics).toHaveLength(1)
  expect(formatDiagnostic(diagnostics[0]!)).toMatch(reason)
})

test.each(['', 'just text', '- a list', '{', 'drill: v2'])('%j is refused without a stack', (text) => {
  const { source, diagnostics } = loadDrills(text, 'mine.yaml')

  expect(source).toBeNull()
  expect(diagnostics.length).toBeGreaterThan(0)
})

test('every built-in suite is sound, and every drill has a name of its own', () => {
  const suites = builtInSuites()
  const names = suites.flatMap(({ name, drills }) => [name, ...drills.map((drill) => drill.name)])

  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
  expect(chooseDrills(['all'], readNothing, refuse).drills.length).toBeGreaterThan(80)
  for (const { name } of suites) expect(chooseDrills([name], readNothing, refuse).drills).not.toEqual([])
})

test('every built-in drill is shown as a file that can be run', () => {
  for (const suite of builtInSuites())
    for (const { name } of suite.drills) {
      const { source, diagnostics } = loadDrills(builtInText(name), `${name}.yaml`)
      const [shown] = source?.drills ?? []
      const { path: _, ...same } = suite.drills.find((drill) => drill.name === name)!

      expect(diagnostics).toEqual([])
      expect(shown).toMatchObject(same)
    }
})

test('a built-in suite is shown as a file for the fabric beside it', () => {
  const { source, diagnostics } = loadDrills(builtInText('short'), 'mine.yaml')

  expect(diagnostics).toEqual([])
  expect(source).toMatchObject({ name: 'short', intent: null })
})

test('planned work in the built-in suites expects no loss', () => {
  const planned = builtInSuites().flatMap(({ drills }) => drills.filter(({ isPlanned }) => isPlanned))

  expect(planned.length).toBeGreaterThan(8)
  for (const drill of planned)
    expect(drill.expect).toContainEqual(
      expect.objectContaining({ lost: expect.objectContaining({ fixed: 0 }) }),
    )
})

test('a name that is nearly one says which, and a file is read', () => {
  expect(() => chooseDrills(['silent-lef-node'], readNothing, refuse)).toThrow(
    expect.objectContaining({ hint: expect.stringContaining('did you mean "silent-leaf-node"') }),
  )
  expect(chooseDrills(['./mine.yaml'], () => sound, refuse).drills.map(({ name }) => name)).toEqual(['mine'])
})

test('the reference page names every key and every word of the format', () => {
  const page = readFileSync('docs/reference/drills.md', 'utf8')
  const words = new Set<string>()
  for (const schema of [drillFile, suiteFile])
    JSON.stringify(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }), (_, value: unknown) => {
      if (typeof value !== 'object' || value === null) return value
      if ('properties' in value) for (const key of Object.keys(value.properties as object)) words.add(key)
      if ('enum' in value && Array.isArray(value.enum)) for (const word of value.enum) words.add(String(word))
      return value
    })

  expect(words.size).toBeGreaterThan(60)
  expect([...words].filter((word) => !page.includes(`\`${word}\``))).toEqual([])
})

test('the drills on the reference page can be run', () => {
  const page = readFileSync('docs/reference/drills.md', 'utf8')
  const examples = [...page.matchAll(/```yaml\n((?:drill|suite): v1\n[^`]+)```/g)].map(([, text]) => text!)

  expect(examples.length).toBeGreaterThan(1)
  for (const text of examples) expect(loadDrills(text, 'drills.md').diagnostics).toEqual([])
})

function readNothing(): string {
  throw new Error('no file was to be read')
}

function refuse(): never {
  throw new Error('nothing was to be refused')
}
