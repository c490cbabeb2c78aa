/** Bad input gets an answer, whatever it is: no crash, no hang, and no verdict from half of a file. */
import { globSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { loadIntent } from '../intent/load.ts'
import { emptyLock } from '../plan/lock.ts'
import { planFabric } from '../plan/plan-fabric.ts'
import { baseIntent, inputOfIntent } from './checks/examples.fixture.ts'
import { isPlanText, readPlan } from './plan-file.ts'
import { verifyPlan } from './verdict.ts'

const examples = globSync('examples/*/weft.yaml').map((file) => readFileSync(file, 'utf8'))

/** Larger than that is a slip of the pen (nodes: 2000000) and refused or merely big; neither is what is tried here. */
const tooLarge = 3000

type Answer = 'refused' | 'contradictory' | 'large' | 'ok' | 'violated' | 'undecided'

function answerTo(text: string): Answer {
  const { intent, diagnostics, locate } = loadIntent(text, { file: 'weft.yaml' })
  if (intent === null) {
    expect(diagnostics.length).toBeGreaterThan(0)
    expect(diagnostics.find(({ message, at }) => message === '' || !(at!.line > 0))).toBeUndefined()
    return 'refused'
  }
  const nodes = intent.sites.flatMap(({ fabric }) =>
    fabric.pods.flatMap(({ racks }) => racks.flatMap((rack) => rack.nodes)),
  )
  if (nodes.length > tooLarge) return 'large'
  const planned = planFabric(intent, emptyLock)
  if (planned.plan === null) {
    expect(planned.diagnostics.length).toBeGreaterThan(0)
    return 'refused'
  }
  const { report, problems } = verifyPlan({ plan: planned.plan, intent, locate })
  if (report !== null) return report.verdict
  expect(problems.length).toBeGreaterThan(0)
  return 'contradictory'
}

/** What happens to files: cut off, lines lost, doubled, moved or merged, characters typed over. */
const damage = fc.oneof(
  fc.record({ kind: fc.constant('cut' as const), at: fc.double({ min: 0, max: 1, noNaN: true }) }),
  fc.record({ kind: fc.constant('drop' as const), at: fc.double({ min: 0, max: 1, noNaN: true }) }),
  fc.record({ kind: fc.constant('double' as const), at: fc.double({ min: 0, max: 1, noNaN: true }) }),
  fc.record({
    kind: fc.constant('type' as const),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    text: fc.oneof(
      fc.constantFrom(
        '{',
        '}',
        '[',
        ']',
        ':',
        '- ',
        '\n',
        '\t',
        '&a',
        '*a',
        '<<: *a',
        '#',
        '"',
        '|',
        '\u0000',
        '\ufeff',
        '%',
        '!!int ',
      ),
      fc.constantFrom(
        '-1',
        '0',
        '4294967296',
        '1e9',
        '.inf',
        'null',
        '~',
        'off',
        '0.0.0.0/0',
        '::/0',
        '__proto__',
      ),
      fc.string({ maxLength: 8, unit: 'binary' }),
    ),
    over: fc.integer({ min: 0, max: 6 }),
  }),
)

type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never

function inflict(text: string, wound: Damage): string {
  const lines = text.split('\n')
  const line = Math.floor(wound.at * (lines.length - 1))
  const offset = Math.floor(wound.at * text.length)
  switch (wound.kind) {
    case 'cut':
      return text.slice(0, offset)
    case 'drop':
      return lines.toSpliced(line, 1).join('\n')
    case 'double':
      return lines.toSpliced(line, 0, lines[line]!).join('\n')
    case 'type':
      return text.slice(0, offset) + wound.text + text.slice(offset + wound.over)
  }
}

test('a damaged intent is refused at a line, or planned and judged whole', () => {
  const answers = new Map<Answer, number>()
  fc.assert(
    fc.property(
      fc.constantFrom(...examples),
      fc.array(damage, { minLength: 1, maxLength: 3 }),
      (text, wounds) => {
        const answer = answerTo(wounds.reduce(inflict, text))
        answers.set(answer, (answers.get(answer) ?? 0) + 1)
      },
    ),
    { numRuns: 150, interruptAfterTimeLimit: 12_000 },
  )
  // Both ways are walked, or the test would say nothing.
  expect(answers.get('refused')).toBeGreaterThan(0)
  expect(
    (answers.get('ok') ?? 0) + (answers.get('violated') ?? 0) + (answers.get('undecided') ?? 0),
  ).toBeGreaterThan(0)
})

test.each(examples)(
  'every beginning of an example that is cut off in the middle is refused or whole',
  (text) => {
    for (let end = 0; end < text.length; end += Math.ceil(text.length / 12)) answerTo(text.slice(0, end))
  },
)

test.each([
  [
    'a bomb of aliases',
    `a: &a [x,x,x,x,x,x,x,x,x]\n${['b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'].map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[index]}`).join(',')}]`).join('\n')}\nsites: *i`,
  ],
  ['brackets without end', '['.repeat(20_000)],
  [
    'maps without end',
    `sites:\n${Array.from({ length: 2000 }, (_, depth) => `${' '.repeat(depth + 1)}a:`).join('\n')}`,
  ],
  ['a megabyte of one key', `sites: {${'x'.repeat(1_000_000)}: 1}`],
  ['five thousand expectations of nothing', `expect:\n${'  - reach: {from: a, to: b}\n'.repeat(5_000)}`],
  ['an anchor that contains itself', 'sites: &a { dc1: *a }'],
  ['bytes', '\u0000\u0001\ufffe\uffff'],
])(
  'hostile: %s',
  (_name, text) => {
    expect(answerTo(text)).toBe('refused')
  },
  20_000,
)

test('a plan file whose values were changed is refused with a path, or judged', () => {
  const { plan } = inputOfIntent(baseIntent)
  const paths = leavesOf(plan).filter(([first]) => first !== 'capacity')
  let refused = 0
  fc.assert(
    fc.property(
      fc.constantFrom(...paths),
      fc.oneof(
        fc.constantFrom(null, '', 0, -1, 1e9, [], {}, 'x', '10.0.0.0/33', '0.0.0.0/0'),
        fc.jsonValue({ maxDepth: 1 }),
      ),
      (path, value) => {
        const text = JSON.stringify(withValue(plan, path, value))
        expect(isPlanText(text)).toBe(true)
        const read = readPlan(text, 'plan.json')
        if (read.plan === null) {
          refused++
          expect(read.diagnostics[0]).toMatchObject({
            code: 'WEFT_VERIFY_PLAN',
            hint: expect.stringContaining('weft plan'),
          })
          return
        }
        const { report, problems } = verifyPlan({ plan: read.plan })
        expect(report !== null || problems.length > 0).toBe(true)
      },
    ),
    { numRuns: 80, interruptAfterTimeLimit: 10_000 },
  )
  expect(refused).toBeGreaterThan(0)
})

test.each([
  ['{"bfdProfiles"', /not JSON/],
  ['{"bfdProfiles": {}}', /not a plan/],
])('not a plan: %s', (text, message) => {
  expect(isPlanText(text)).toBe(true)
  expect(readPlan(text, 'plan.json')).toMatchObject({
    plan: null,
    diagnostics: expect.arrayContaining([
      expect.objectContaining({ message: expect.stringMatching(message) }),
    ]),
  })
})

test.each(['toString', '__proto__', 'constructor'])('a name that every object has is no name: %s', (name) => {
  const { plan } = inputOfIntent(baseIntent)
  const broken = structuredClone(plan)
  broken.policies['dc1.TO-LEAF']!.terms[0]!.match.prefixSet = name
  const unnamed = structuredClone(plan)
  unnamed.sessions[0]!.a.import = name

  expect(readPlan(JSON.stringify(broken), 'plan.json').plan).toBeNull()
  expect(verifyPlan({ plan: unnamed }).report).toMatchObject({ verdict: 'violated', coverage: null })
})

test('names that lead nowhere are named', () => {
  const { plan } = inputOfIntent(baseIntent)
  const broken = structuredClone(plan)
  broken.sessions[0]!.a.device = 'gone'
  broken.sessions[1]!.bfd = 'gone-too'
  broken.policies['dc1.TO-LEAF']!.terms[0]!.match.prefixSet = 'dc1.GONE'

  const { diagnostics } = readPlan(JSON.stringify(broken), 'plan.json')
  expect(diagnostics.map(({ message }) => message).join('\n')).toMatch(
    /device gone\n.*BFD profile gone-too\n.*set dc1\.GONE/,
  )
})

function leavesOf(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [path]
  const entries = Array.isArray(value) ? [...value.entries()].slice(0, 3) : Object.entries(value)
  return entries.flatMap(([key, child]) => leavesOf(child, [...path, key]))
}

function withValue(whole: unknown, path: readonly (string | number)[], value: unknown): unknown {
  const copy = structuredClone(whole) as Record<string | number, unknown>
  let at = copy
  for (const step of path.slice(0, -1)) at = at[step] as Record<string | number, unknown>
  at[path.at(-1)!] = value
  return copy
}
