import { readFileSync } from 'node:fs'
import { reportAsJson } from '../verify/formats/json.ts'
import { reportAsJunit } from '../verify/formats/junit.ts'
import { reportAsMarkdown } from '../verify/formats/markdown.ts'
import { reportAsSarif } from '../verify/formats/sarif.ts'
import { formatReport } from '../verify/formats/text.ts'
import type { VerifyReport } from '../verify/verdict.ts'

export const formats = ['text', 'json', 'junit', 'sarif', 'md'] as const
export type Format = (typeof formats)[number]

/** A report as it goes into a file or a pipe. */
export function printReport(
  report: VerifyReport,
  format: Format,
  { file, strict }: { file: string; strict: boolean },
): string {
  switch (format) {
    case 'text':
      return `${formatReport(report, (_style, words) => words)}\n`
    case 'json':
      return printJson(reportAsJson(report))
    case 'junit':
      return reportAsJunit(report, strict)
    case 'sarif':
      return printJson(reportAsSarif(report, { version: readVersion(), file }))
    case 'md':
      return reportAsMarkdown(report)
  }
}

function printJson(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

function readVersion(): string {
  const file = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
