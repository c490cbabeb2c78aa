import type { VerifyReport } from '../verdict.ts'

/** The report for programs: like the text, with paths and positions apart. */
export function reportAsJson(report: VerifyReport): object {
  const { checks, judgements, ...rest } = report
  return {
    ...rest,
    judgements: judgements.map(({ expectation, ...judgement }) => ({ kind: expectation.kind, ...judgement })),
    checks: checks.map(({ id, title, severity }) => ({
      id,
      title,
      severity,
      findings: report.findings.filter((finding) => finding.check === id).length,
    })),
  }
}
