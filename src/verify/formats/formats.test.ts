import { beforeAll, expect, test } from 'vitest'
import { baseIntent, inputOfIntent } from '../checks/examples.fixture.ts'
import { checks } from '../checks/registry.ts'
import { type VerifyReport, verifyPlan } from '../verdict.ts'
import { reportAsJson } from './json.ts'
import { reportAsJunit } from './junit.ts'
import { reportAsMarkdown } from './markdown.ts'
import { reportAsSarif } from './sarif.ts'
import { formatReport } from './text.ts'

let report: VerifyReport

beforeAll(() => {
  const input = inputOfIntent({
    ...baseIntent,
    bfd: { node: 'off' },
    overrides: [{ select: { site: 'dc1', role: 'leaf' }, set: { asn: 65001 } }],
    expect: [
      { reach: { from: 'dc1.nodes', to: 'dc2.nodes' } },
      { reach: { from: 'dc1.nodes', to: 'dc2.nodes', minimumWidth: 5 } },
      { survive: { fail: 'link' } },
    ],
  })
  const judgeSurvive = () => ({ verdict: 'undecided' as const, message: 'a <test> & "more"' })
  report = verifyPlan(input, { judgeSurvive }).report!
})

test('text shows what is wrong first, with its place, an example, how many like it, and the mend', () => {
  const text = formatReport(report, (_style, words) => words)

  expect(text).toMatch(
    /^weft\.yaml:1:\d+ error as-loop\n {2}dc1-compute2-leaf1 drops .*, and \d+ more like it\n/,
  )
  expect(text).toContain('\n  mend: give each rack')
  expect(text).toContain(
    '\nEXPECTATIONS\n  ok         dc1.nodes reaches dc2.nodes (4 devices, 2 addresses)\n',
  )
  expect(text).toContain('\nnot judged: all of that holds when any one link fails')
  expect(text.split('\n').at(-1)).toMatch(
    /^VIOLATED: 37 checks, \d+ errors?, \d+ warnings?, 0 notes, 1 of 3 expectations hold$/,
  )
})

test('text is coloured only by the painter it is given', () => {
  expect(formatReport(report, (style, words) => `<${style}>${words}`)).toContain('<red>VIOLATED')
})

test('JSON has the verdict, every check with its number of findings, and judgements with their kind', () => {
  const json = JSON.parse(JSON.stringify(reportAsJson(report)))

  expect(json).toMatchObject({ verdict: 'violated', devices: 27, coverage: { carried: expect.any(Number) } })
  expect(json.checks).toHaveLength(checks.length)
  expect(json.checks).toContainEqual(expect.objectContaining({ id: 'bfd-missing', findings: 1 }))
  expect(json.judgements.map((entry: { kind: string }) => entry.kind)).toEqual(['reach', 'reach', 'survive'])
})

test('JUnit has a case for every check and expectation; failures, skips and escapes are right', () => {
  const xml = reportAsJunit(report, false)

  expect(xml).toContain('<?xml version="1.0" encoding="UTF-8"?>')
  const cases = xml.match(/<testcase /g)!.length
  expect(cases).toBe(checks.length + 3)
  expect(xml).toContain(`tests="${cases}"`)
  expect(Number(/failures="(\d+)"/.exec(xml)![1])).toBe(xml.match(/<testcase[^>]*>\s*<failure/g)!.length)
  expect(xml).toContain('<skipped message="a &lt;test&gt; &amp; &quot;more&quot;"/>')
  expect(xml).toMatch(/name="bfd-missing: [^"]+" file="weft\.yaml" line="1">\n\s+<system-out>/)
  expect(reportAsJunit(report, true)).toMatch(
    /name="bfd-missing: [^"]+" file="weft\.yaml" line="1">\n\s+<failure/,
  )
})

test('SARIF is a log that code hosts take: version, rules with metadata, results with places', () => {
  const log = JSON.parse(
    JSON.stringify(reportAsSarif(report, { version: '1.2.3', file: './a dir/weft.yaml' })),
  )

  expect(log).toMatchObject({ version: '2.1.0', $schema: expect.stringContaining('sarif-2.1.0') })
  const [run] = log.runs
  const { driver } = run.tool
  expect(driver).toMatchObject({ name: 'weft verify', version: '1.2.3' })
  expect(driver.rules.map(({ id }: { id: string }) => id)).toEqual([
    ...checks.map(({ id }) => id),
    'expectation',
  ])
  for (const rule of driver.rules) {
    expect(rule.shortDescription.text).toBeTypeOf('string')
    expect(rule.help.markdown).toContain('**Mend:**')
    expect(['error', 'warning', 'note']).toContain(rule.defaultConfiguration.level)
    expect(rule.name).toMatch(/^([A-Z][a-z]*)+$/)
  }
  expect(run.results.length).toBeGreaterThan(2)
  for (const result of run.results) {
    expect(driver.rules[result.ruleIndex].id).toBe(result.ruleId)
    expect(['error', 'warning', 'note']).toContain(result.level)
    expect(result.message.text).not.toBe('')
    expect(Object.values(result.partialFingerprints)).toHaveLength(1)
    const { artifactLocation, region } = result.locations[0].physicalLocation
    expect(artifactLocation.uri).toMatch(/^[^/ ][^ ]*$/)
    expect(region.startLine).toBeGreaterThanOrEqual(1)
    if (region.endColumn !== undefined) expect(region.endColumn).toBeGreaterThan(region.startColumn)
  }
  expect(run.results.map(({ ruleId }: { ruleId: string }) => ruleId)).toContain('expectation')
})

test('in SARIF, what was not judged makes the run unsuccessful and says so', () => {
  const log = reportAsSarif(report, { version: '1', file: 'weft.yaml' })

  expect(log).toMatchObject({
    runs: [
      {
        invocations: [
          {
            executionSuccessful: false,
            toolExecutionNotifications: [
              { message: { text: expect.stringContaining('not judged: all of that') } },
            ],
          },
        ],
      },
    ],
  })
})

test('a finding without a line of its own is placed at the top of the file that was verified', () => {
  const found = { ...report.findings[0]!, at: null }
  const log = reportAsSarif(
    { ...report, findings: [found], judgements: [] },
    { version: '1', file: 'a dir/weft.yaml' },
  )

  expect(log).toMatchObject({
    runs: [
      {
        results: [
          {
            locations: [
              {
                physicalLocation: {
                  artifactLocation: { uri: 'a%20dir/weft.yaml' },
                  region: { startLine: 1 },
                },
              },
            ],
          },
        ],
      },
    ],
  })
})

test('Markdown is two tables whose cells keep to their rows', () => {
  const text = reportAsMarkdown(report)

  expect(text).toMatch(/^## ❌ weft: violated\n/)
  for (const row of text.split('\n').filter((line) => line.startsWith('|'))) {
    expect(row.replaceAll('\\|', '').match(/\|/g)).toHaveLength(5)
  }
  expect(text).toContain('| ❌ | dc1.nodes reaches dc2.nodes, over 5 paths or more |')
  expect(text).toContain('| warning | `bfd-missing` |')
})
