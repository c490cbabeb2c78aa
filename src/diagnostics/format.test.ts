import { expect, test } from 'vitest'
import type { Diagnostic } from './diagnostic.ts'
import { WeftError } from './error.ts'
import { formatDiagnostic, formatError } from './format.ts'

const overlap: Diagnostic = {
  code: 'WEFT_INTENT_PREFIX_OVERLAP',
  severity: 'error',
  message: 'pods of dc2 overlap pods of dc1 (line 9)',
  at: { file: 'weft.yaml', line: 14, column: 11, endColumn: 23, source: '    pods: 10.8.0.0/16 # dc2' },
  path: 'sites.dc2.addressing.pods',
  found: '10.8.0.0/16',
  expected: 'a prefix outside 10.8.0.0/15',
  hint: 'give dc2 a range of its own',
}

test('shows position, source line with a caret, what was found, what was expected and the way out', () => {
  expect(formatDiagnostic(overlap)).toMatchInlineSnapshot(`
    "weft.yaml:14:11 error WEFT_INTENT_PREFIX_OVERLAP (sites.dc2.addressing.pods)
      pods of dc2 overlap pods of dc1 (line 9)
            pods: 10.8.0.0/16 # dc2
                  ^^^^^^^^^^^^
      found:    10.8.0.0/16
      expected: a prefix outside 10.8.0.0/15
      hint: give dc2 a range of its own"
  `)
})

test('puts the caret under its character when the line is indented with tabs', () => {
  const text = formatDiagnostic({
    code: 'X',
    severity: 'warning',
    message: 'm',
    at: { file: 'f', line: 1, column: 3, source: '\t\tkey' },
  })

  expect(text.split('\n').slice(2)).toEqual(['    \t\tkey', '    \t\t^'])
})

test('shows the part of an endless line that matters, and nothing that a terminal would obey', () => {
  const text = formatDiagnostic({
    code: 'X',
    severity: 'error',
    message: 'm',
    at: {
      file: 'f',
      line: 1,
      column: 1002,
      endColumn: 9000,
      source: `${'a'.repeat(1000)}\u001bZ${'b'.repeat(9000)}`,
    },
  })
  const [source, carets] = text.split('\n').slice(2)

  expect(source).toBe(`    ${'a'.repeat(99)}\ufffdZ${'b'.repeat(99)}`)
  expect(carets).toBe(`    ${' '.repeat(100)}${'^'.repeat(100)}`)
})

test('colours only when asked', () => {
  expect(formatDiagnostic(overlap)).not.toContain('\u001b[')
  expect(formatDiagnostic(overlap, { color: true })).toContain('\u001b[')
})

test('prints an expected error without a stack and a surprise with one', () => {
  const expected = new WeftError('WEFT_FRR_MISSING', 'no bgpd in /usr/lib/frr', {
    hint: 'apt-get install frr',
    exitCode: 3,
  })

  expect(formatError(expected)).toBe(
    'error WEFT_FRR_MISSING\n  no bgpd in /usr/lib/frr\n  hint: apt-get install frr',
  )
  expect(formatError(new TypeError('x is undefined'))).toContain('format.test.ts')
})
