/**
 * SARIF 2.1.0 (OASIS): what code hosts show beside the line that caused it.
 *
 * Every check is a rule, found or not, so that a host can tell "fixed" from "not looked at"; expectations that do not
 * hold are results of the rule `expectation`. What was not judged makes the invocation unsuccessful and is a
 * notification of it.
 */
import type { SourcePosition } from '../../diagnostics/diagnostic.ts'
import type { Severity } from '../checks/check.ts'
import type { VerifyReport } from '../verdict.ts'

interface Result {
  rule: string
  severity: Severity
  message: string
  at: SourcePosition | null
  path: string
  devices: string[]
}

const documentation = 'docs/reference/checks.md'
const expectationRule = {
  id: 'expectation',
  title: 'An expectation of the intent does not hold',
  severity: 'error' as const,
  why: 'What stands under `expect` was promised to somebody.',
  mend: 'change the network, or the promise',
}

/** The report as a SARIF log. `file` is the intent; findings without a line of their own are placed at its top. */
export function reportAsSarif(report: VerifyReport, tool: { version: string; file: string }): object {
  const results: Result[] = [
    ...report.findings.map((finding) => ({
      ...finding,
      rule: finding.check,
      message: `${finding.message}${finding.others > 0 ? `, and ${finding.others} more like it` : ''}.\nMend: ${finding.mend}`,
    })),
    ...report.judgements
      .filter(({ verdict }) => verdict === 'violated')
      .map((judgement) => ({
        rule: expectationRule.id,
        severity: 'error' as const,
        message: [`${judgement.statement}: ${judgement.message}`, judgement.trace.join(' → ')]
          .filter(Boolean)
          .join('\n'),
        at: judgement.at,
        path: judgement.path,
        devices: judgement.devices,
      })),
  ]
  const rules = rulesOf(report, results)
  const index = new Map(rules.map(({ id }, position) => [id, position]))
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'weft verify', version: tool.version, rules } },
        invocations: [
          {
            executionSuccessful: report.undecided.length === 0,
            toolExecutionNotifications: report.undecided.map((text) => ({
              level: 'warning',
              message: { text: `not judged: ${text}` },
            })),
          },
        ],
        properties: { verdict: report.verdict, coverage: report.coverage },
        results: results.map((result) => ({
          ruleId: result.rule,
          ruleIndex: index.get(result.rule)!,
          level: result.severity,
          message: { text: result.message },
          locations: [locationOf(result, tool.file)],
          // Lines move; the place in the intent and the rule do not.
          partialFingerprints: { 'weft/v1': `${result.rule}:${result.path}:${result.devices[0] ?? ''}` },
        })),
      },
    ],
  }
}

function rulesOf(report: VerifyReport, results: readonly Result[]) {
  const known = [...report.checks, expectationRule].map(({ id, title, severity, why, mend }) => ({
    id,
    name: pascalCase(id),
    shortDescription: { text: title },
    fullDescription: { text: why },
    help: {
      text: `${why}\n\nMend: ${mend}`,
      markdown: `${why}\n\n**Mend:** ${mend}\n\nSee \`${documentation}#${id}\`.`,
    },
    defaultConfiguration: { level: severity },
  }))
  const ids = new Set(known.map(({ id }) => id))
  const others = new Set(results.map(({ rule }) => rule).filter((id) => !ids.has(id)))
  return [...known, ...[...others].map((id) => ({ id, shortDescription: { text: id } }))]
}

function locationOf({ at, path, devices }: Result, file: string) {
  const region =
    at === null
      ? { startLine: 1 }
      : {
          startLine: at.line,
          startColumn: at.column,
          ...(at.endColumn !== undefined && { endColumn: at.endColumn }),
        }
  return {
    physicalLocation: { artifactLocation: { uri: uriOf(at?.file ?? file) }, region },
    logicalLocations: [
      ...(path === '' ? [] : [{ fullyQualifiedName: path, kind: 'member' }]),
      ...devices.slice(0, 2).map((name) => ({ name, kind: 'resource' })),
    ],
  }
}

/** A relative reference, as code hosts want it. */
function uriOf(file: string): string {
  return file.replace(/^\.\//, '').split('/').map(encodeURIComponent).join('/')
}

function pascalCase(id: string): string {
  return id
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')
}
