/** What holds for any text at all: no exception, a position for everything, the same answer every time. */
import { globSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import type { Diagnostic } from '../diagnostics/diagnostic.ts'
import { formatDiagnostic } from '../diagnostics/format.ts'
import { oneSite } from './fixture.ts'
import { loadIntent } from './load.ts'
import { starterIntent } from './starter.ts'

const texts = [
  ...globSync('examples/*/weft.yaml').map((file) => readFileSync(file, 'utf8')),
  starterIntent('acme'),
]
const text = fc.constantFrom(...texts)

/** Loads, and checks what must hold for the result whatever the text is. */
function checkLaws(content: string): void {
  const { intent, diagnostics, locate } = loadIntent(content, { file: 'weft.yaml' })
  const isRefused = diagnostics.some(({ severity }) => severity === 'error')
  expect(intent === null).toBe(isRefused)
  for (const diagnostic of diagnostics) checkPosition(diagnostic, content)
  const shown = diagnostics.map((diagnostic) => formatDiagnostic(diagnostic))
  expect(new Set(shown).size).toBe(shown.length)
  expect(locate('sites.dc1.fabric.spines')?.file).toBe('weft.yaml')
}

function checkPosition({ at }: Diagnostic, content: string): void {
  const lines = content.split(/\r\n|\n/)
  expect(at).toBeDefined()
  expect(at!.line).toBeGreaterThanOrEqual(1)
  expect(at!.line).toBeLessThanOrEqual(lines.length)
  expect(at!.source).toBe(lines[at!.line - 1])
  expect(at!.column).toBeGreaterThanOrEqual(1)
  expect(at!.column).toBeLessThanOrEqual(at!.source!.length + 1)
  expect(at!.endColumn).toBeGreaterThan(at!.column)
}

test('any text', () => {
  const fragment = fc.constantFrom(
    ...'{}[]:,-#&*!|>\'"%@`\n\t '.split(''),
    'sites',
    '<<',
    '? ',
    '---\n',
    '&a ',
    '*a',
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(fragment, fc.string()), { maxLength: 30 }), (parts) =>
      checkLaws(parts.join('')),
    ),
  )
})

test('any YAML', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => checkLaws(stringify(value))))
})

test('a file that is cut off anywhere', () => {
  const cut = fc.tuple(text, fc.nat(3000)).map(([content, length]) => content.slice(0, length))
  fc.assert(fc.property(cut, checkLaws))
})

test('a file with a line lost, doubled or indented otherwise', () => {
  const edit = fc.tuple(text, fc.nat(80), fc.constantFrom('', 'twice', ' ', '    '))
  fc.assert(
    fc.property(edit, ([content, index, how]) => {
      const lines = content.split('\n')
      const line = lines[index % lines.length]!
      const edited = how === '' ? [] : how === 'twice' ? [line, line] : [how + line]
      checkLaws(lines.toSpliced(index % lines.length, 1, ...edited).join('\n'))
    }),
  )
})

test('a file with some word replaced by another', () => {
  const words = texts.flatMap((content) => content.match(/[\w./-]+/g) ?? [])
  const word = fc.oneof(
    fc.constantFrom(...words),
    fc.constantFrom('', 'null', '[]', '{}', '-1', '1e9', '.nan', '"x"'),
  )
  fc.assert(
    fc.property(text, fc.nat(500), word, (content, index, replacement) => {
      let seen = 0
      const count = content.match(/[\w./-]+/g)!.length
      checkLaws(content.replace(/[\w./-]+/g, (old) => (seen++ === index % count ? replacement : old)))
    }),
    { numRuns: 150 },
  )
})

test('loading is deterministic', () => {
  fc.assert(
    fc.property(fc.tuple(text, fc.nat(3000)), ([content, length]) => {
      const load = () => {
        const { intent, diagnostics } = loadIntent(content.slice(0, length), { file: 'weft.yaml' })
        return { intent, diagnostics }
      }
      expect(load()).toEqual(load())
    }),
    { numRuns: 30 },
  )
})

test.each([
  ['depth without end', '['.repeat(5000)],
  ['a closed depth', '['.repeat(3000) + ']'.repeat(3000)],
  ['an anchor within itself', 'sites: &a { dc1: *a }'],
  ['a merge of itself', 'sites: &a { <<: *a }'],
  [
    'aliases that multiply',
    `a: &a [1,1,1,1,1,1,1,1,1]\n${'bcdefghi'.replace(
      /./g,
      (c) =>
        `${c}: &${c} [${Array(9)
          .fill(`*${String.fromCharCode(c.charCodeAt(0) - 1)}`)
          .join()}]\n`,
    )}`,
  ],
  ['names of the language', oneSite('__proto__: { a: 1 }\nconstructor: 1\ntoString: {}')],
  ['sites of such names', 'sites: { __proto__: {}, constructor: {}, hasOwnProperty: {} }'],
  ['Windows line ends', oneSite('nme: x').replaceAll('\n', '\r\n')],
  ['a YAML 1.1 directive', `%YAML 1.1\n---\n${oneSite('bfd: off')}`],
  ['tags', 'sites: !!set { dc1 }\nname: !custom x\n'],
  ['a byte order mark', `\uFEFF${oneSite('nme: x')}`],
])('%s', (_, content) => checkLaws(content))
