/** Markdown: for a comment under a change, or a job summary. */
import type { Finding } from '../checks/check.ts'
import type { Judgement } from '../expect/judge.ts'
import type { VerifyReport } from '../verdict.ts'

const marks = { ok: '✅', violated: '❌', undecided: '❔' } as const

/** The report as Markdown. */
export function reportAsMarkdown(report: VerifyReport): string {
  const { verdict, findings, judgements, undecided } = report
  return [
    `## ${marks[verdict]} ${report.name}: ${verdict}`,
    `${report.devices} devices, ${report.sessions} sessions, ${report.checks.length} checks.`,
    ...(judgements.length === 0 ? [] : [expectationTable(judgements)]),
    ...(findings.length === 0 ? [] : [findingTable(findings)]),
    ...undecided.map((what) => `Not judged: ${escapeCell(what)}`),
    '',
  ].join('\n\n')
}

function expectationTable(judgements: readonly Judgement[]): string {
  const rows = judgements.map(({ verdict, statement, message, trace, others, at }) => {
    const detail = [`${message}${more(others)}`, ...(trace.length > 1 ? [`\`${trace.join(' → ')}\``] : [])]
    return `| ${marks[verdict]} | ${escapeCell(statement)} | ${detail.map(escapeCell).join('<br>')} | ${at === null ? '' : `line ${at.line}`} |`
  })
  return ['| | expectation | | |', '|---|---|---|---|', ...rows].join('\n')
}

function findingTable(findings: readonly Finding[]): string {
  const rows = findings.map(
    ({ severity, check, message, others, at, mend }) =>
      `| ${severity} | \`${check}\` | ${escapeCell(`${message}${more(others)}`)}<br>_mend:_ ${escapeCell(mend)} | ${at === null ? '' : `${escapeCell(at.file)}:${at.line}`} |`,
  )
  return ['| severity | check | finding | where |', '|---|---|---|---|', ...rows].join('\n')
}

function more(others: number): string {
  return others > 0 ? `, and ${others} more like it` : ''
}

function escapeCell(text: string): string {
  return text
    .replaceAll('|', '\\|')
    .replaceAll('<', '&lt;')
    .replaceAll('\n', ' ')
    .replaceAll('&lt;br>', '<br>')
}
