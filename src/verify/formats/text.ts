/** A report for the person at the terminal: what is wrong first, with a counter-example, the rest counted. */
import type { SourcePosition } from '../../diagnostics/diagnostic.ts'
import type { Finding, Severity } from '../checks/check.ts'
import { plural } from '../checks/context.ts'
import type { Judgement } from '../expect/judge.ts'
import type { Verdict, VerifyReport } from '../verdict.ts'

export type Paint = (style: 'red' | 'yellow' | 'green' | 'cyan' | 'bold' | 'dim', text: string) => string

const colors = { error: 'red', warning: 'yellow', note: 'cyan' } as const
const verdictColors = { ok: 'green', violated: 'red', undecided: 'yellow' } as const

/** The report as text. */
export function formatReport(report: VerifyReport, paint: Paint): string {
  const isError = ({ severity }: Finding) => severity === 'error'
  const problems = [
    ...report.findings.filter(isError).map((finding) => formatFinding(finding, paint)),
    ...report.judgements.flatMap((judgement) => formatFailed(judgement, paint)),
    ...report.findings.filter((finding) => !isError(finding)).map((finding) => formatFinding(finding, paint)),
  ]
  const sections = [
    problems.join('\n\n'),
    formatExpectations(report.judgements, paint),
    formatSummary(report, paint),
  ]
  return sections.filter((text) => text !== '').join('\n\n')
}

function formatFinding(finding: Finding, paint: Paint): string {
  const { severity, check, message, others, at, path, mend } = finding
  return [
    [place(at, path, paint), paint(colors[severity], severity), paint('bold', check)]
      .filter(Boolean)
      .join(' '),
    `  ${message}${others > 0 ? paint('dim', `, and ${others} more like it`) : ''}`,
    ...excerpt(at, paint),
    ...(mend === '' ? [] : [`  ${paint('cyan', 'mend:')} ${mend}`]),
  ].join('\n')
}

function formatFailed(judgement: Judgement, paint: Paint): string[] {
  const { verdict, statement, message, trace, others, at, path, mend, expectation } = judgement
  if (verdict !== 'violated') return []
  return [
    [
      [place(at, path, paint), paint('red', 'violated'), paint('bold', statement)].filter(Boolean).join(' '),
      `  ${message}${others > 0 ? paint('dim', `, and ${plural(others, `more ${expectation.kind === 'survive' ? 'failure' : 'pair'}`)} like it`) : ''}`,
      ...(trace.length > 1 ? [`  ${trace.join(' → ')}`] : []),
      ...excerpt(at, paint),
      ...(mend === null ? [] : [`  ${paint('cyan', 'mend:')} ${mend}`]),
    ].join('\n'),
  ]
}

function formatExpectations(judgements: readonly Judgement[], paint: Paint): string {
  if (judgements.length === 0) return ''
  const lines = judgements.map(({ verdict, statement, message }) => {
    const detail = verdict === 'violated' ? '' : paint('dim', ` (${message})`)
    return `  ${paint(verdictColors[verdict], verdict.padEnd(9))}  ${statement}${detail}`
  })
  return [paint('bold', 'EXPECTATIONS'), ...lines].join('\n')
}

function formatSummary(report: VerifyReport, paint: Paint): string {
  const { verdict, findings, judgements, coverage, undecided } = report
  const count = (severity: Severity) => findings.filter((finding) => finding.severity === severity).length
  const held = judgements.filter((judgement) => judgement.verdict === 'ok').length
  const parts = [
    plural(report.checks.length, 'check'),
    plural(count('error'), 'error'),
    plural(count('warning'), 'warning'),
    plural(count('note'), 'note'),
    ...(judgements.length > 0 ? [describeHeld(held, judgements.length)] : []),
  ]
  return [
    ...undecided.map((what) => `${paint('yellow', 'not judged:')} ${what}`),
    `${report.name}: ${plural(report.devices, 'device')}, ${plural(report.sessions, 'session')}${describeCoverage(coverage)}`,
    `${paint(verdictColors[verdict], `${headline[verdict]}`)}: ${parts.join(', ')}`,
  ].join('\n')
}

function describeHeld(held: number, all: number): string {
  if (held < all) return `${held} of ${plural(all, 'expectation')} hold`
  return all === 1 ? 'the expectation holds' : `all ${all} expectations hold`
}

const headline: Record<Verdict, string> = { ok: 'OK', violated: 'VIOLATED', undecided: 'UNDECIDED' }

function describeCoverage(coverage: VerifyReport['coverage']): string {
  if (coverage === null) return ''
  const { carried, prefixes, services } = coverage
  const which =
    carried === prefixes
      ? `all ${prefixes} prefixes`
      : `${carried} of ${prefixes} prefixes, one of each kind,`
  return `; ${which} and ${plural(services, 'service address', 'service addresses')} carried through`
}

function place(at: SourcePosition | null, path: string, paint: Paint): string {
  if (at === null) return path
  return `${paint('bold', `${at.file}:${at.line}:${at.column}`)}`
}

function excerpt(at: SourcePosition | null, paint: Paint): string[] {
  if (at?.source === undefined) return []
  const padding = at.source.slice(0, at.column - 1).replace(/[^\t]/g, ' ')
  const width = Math.max(1, (at.endColumn ?? at.column + 1) - at.column)
  return [paint('dim', `    ${at.source}`), `    ${padding}${paint('dim', '^'.repeat(width))}`]
}
