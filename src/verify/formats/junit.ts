/** JUnit XML: one test case a check and an expectation, so that every CI shows them without a plugin. */
import type { Finding } from '../checks/check.ts'
import type { Judgement } from '../expect/judge.ts'
import type { VerifyReport } from '../verdict.ts'

/** The report as JUnit XML. Warnings and notes do not fail a case; they are in its output. */
export function reportAsJunit(report: VerifyReport, strict: boolean): string {
  const isFatal = ({ severity }: Finding) => severity === 'error' || (strict && severity === 'warning')
  const cases = report.checks.map(({ id, title }) => {
    const found = report.findings.filter((finding) => finding.check === id)
    const fatal = found.filter(isFatal)
    const body = [
      ...fatal.map((finding) => failure(finding.message, details(finding))),
      ...(found.length > fatal.length
        ? [
            `      <system-out>${escapeXml(
              found
                .filter((finding) => !isFatal(finding))
                .map(details)
                .join('\n\n'),
            )}</system-out>`,
          ]
        : []),
    ]
    return testCase('weft.checks', `${id}: ${title}`, fatal[0] ?? found[0], body)
  })
  const said = report.findings.filter(({ check }) => check.startsWith('WEFT_'))
  const planned = said.map((finding) =>
    testCase(
      'weft.plan',
      `${finding.check}: ${finding.message}`,
      finding,
      isFatal(finding) ? [failure(finding.message, details(finding))] : [],
    ),
  )
  const expectations = report.judgements.map((judgement) =>
    testCase('weft.expect', judgement.statement, judgement, judgementBody(judgement)),
  )
  const failures = [...cases, ...planned, ...expectations].filter((text) => text.includes('<failure')).length
  const skipped = report.judgements.filter(({ verdict }) => verdict === 'undecided').length
  const all = [...cases, ...planned, ...expectations]
  const totals = `tests="${all.length}" failures="${failures}" errors="0" skipped="${skipped}"`
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="weft verify" ${totals}>`,
    `  <testsuite name="${escapeXml(report.name)}" ${totals}>`,
    ...all,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n')
}

function testCase(
  group: string,
  name: string,
  where: Pick<Finding, 'at'> | undefined,
  body: readonly string[],
): string {
  const file = where?.at ? ` file="${escapeXml(where.at.file)}" line="${where.at.line}"` : ''
  const head = `    <testcase classname="${group}" name="${escapeXml(name)}"${file}`
  return body.length === 0 ? `${head}/>` : [`${head}>`, ...body, '    </testcase>'].join('\n')
}

function judgementBody(judgement: Judgement): string[] {
  const { verdict, message, trace } = judgement
  if (verdict === 'ok') return []
  if (verdict === 'undecided') return [`      <skipped message="${escapeXml(message)}"/>`]
  return [failure(message, [message, trace.join(' → '), judgement.mend ?? ''].filter(Boolean).join('\n'))]
}

function details({ severity, message, others, at, mend }: Finding): string {
  const place = at === null ? '' : `${at.file}:${at.line}:${at.column} `
  return `${place}${severity}: ${message}${others > 0 ? `, and ${others} more like it` : ''}\nmend: ${mend}`
}

function failure(message: string, text: string): string {
  return `      <failure message="${escapeXml(message)}">${escapeXml(text)}</failure>`
}

function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replace(/[^\t\n\r\u0020-\uFFFF]/g, '')
}
