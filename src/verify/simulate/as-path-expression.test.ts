import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compileExpression, ExpressionError, matchesExpression } from './as-path-expression.ts'

test.each([
  ['^$', '', true],
  ['^$', '65001', false],
  ['^65001$', '65001', true],
  ['^65001$', '650011', false],
  ['_65001_', '64512 65001 64513', true],
  ['_65001_', '165001', false],
  ['^(4200000002_?)+$', '4200000002 4200000002', true],
  ['^(4200000002_?)+$', '4200000002 4200000003', false],
  ['^(4202000006_?)*$', '', true],
  ['^64999(_|$)', '64999 3356', true],
  ['^64999(_|$)', '649990', false],
  ['^6[0-9]{4}$', '65001', true],
  ['^[^6]', '65001', false],
  ['^(64512|64513)_', '64513 1', true],
  ['65.01', '65501', true],
  ['^(1_){2,3}$', '1 1 1', true],
])('%s against "%s": %s', (expression, path, matches) => {
  expect(matchesExpression(expression, path)).toBe(matches)
})

test.each(['(65001', '65001)', '*1', '[1', '1{2', 'a\\', '((((1{99}){99}){99}){99})'])(
  '%s is refused',
  (expression) => {
    expect(() => compileExpression(expression)).toThrow(ExpressionError)
  },
)

test('agrees with JavaScript on what both can say', () => {
  const atom = fc.constantFrom('1', '2', ' ', '.', '[12]', '[^1]')
  const piece = fc.tuple(atom, fc.constantFrom('', '*', '+', '?', '{1,2}')).map((parts) => parts.join(''))
  const { expression } = fc.letrec<{ expression: string }>((tie) => ({
    expression: fc.oneof(
      { maxDepth: 3 },
      fc.array(piece, { maxLength: 4 }).map((parts) => parts.join('')),
      fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => `(${a}|${b})`),
      fc.tuple(piece, tie('expression')).map(([a, b]) => `^${a}(${b})$`),
    ),
  }))
  fc.assert(
    fc.property(
      expression,
      fc.string({ unit: fc.constantFrom('1', '2', ' '), maxLength: 6 }),
      (text, path) => {
        expect(matchesExpression(text, path)).toBe(new RegExp(text).test(path))
      },
    ),
  )
})

// Read by backtracking it would not end within the age of the machine.
test('an expression made to run for ever does not', () => {
  expect(matchesExpression('^(1+)+$', `${'1'.repeat(5000)}x`)).toBe(false)
})
